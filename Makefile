# kefu: `make demo` shows it, `make test` proves it. Needs git, Python 3.11 and make, nothing else.
PYTHON ?= python3.11
VENV := .venv
UV := $(VENV)/bin/uv
DEMO_HOME ?= demo/home
DEMO_LANDING ?= demo/landing

.PHONY: setup demo ui test lint format lock clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "setup: making $(VENV) from requirements.lock (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(VENV) UV_COMPILE_BYTECODE=1 $(UV) pip install --quiet --require-hashes --no-deps -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	$(UV) pip compile --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header --quiet pyproject.toml -o requirements.lock
