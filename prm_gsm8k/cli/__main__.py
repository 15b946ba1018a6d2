from prm_gsm8k.cli.main import main

if __name__ == "__main__":
    main()
