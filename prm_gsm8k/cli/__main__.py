from prm_gsm8k.cli.main import main

main()
