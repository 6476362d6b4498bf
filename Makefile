# kefu: `make demo` shows it, `make test` proves it. Needs git, Python 3.11 and make, nothing else.
PYTHON ?= python3.11
VENV := .venv
UV := $(VENV)/bin/uv
DEMO_HOME ?= demo/home
DEMO_LANDING ?= demo/landing
# Dagster's interface lets in whoever reaches it. Not ?=, as some shells export HOST.
HOST = 127.0.0.1
PORT = 3000
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: setup demo ui test browser screenshots faults mutants lint format lock

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "setup: making $(VENV) from requirements.lock (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(VENV) UV_COMPILE_BYTECODE=1 $(UV) pip install --quiet --require-hashes --no-deps -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(VENV)/bin/python -m orchestration.sample.demo --landing $(DEMO_LANDING) --home $(DEMO_HOME)

ui: setup
	@KEFU_HOME=$(abspath $(DEMO_HOME)) $(VENV)/bin/python -m orchestration.runs.instance
	@echo "Dagster on http://$(HOST):$(PORT), on the demo's home"
	@umask 077 && KEFU_HOME=$(abspath $(DEMO_HOME)) KEFU_LANDING=$(abspath $(DEMO_LANDING)) DAGSTER_HOME=$(abspath $(DEMO_HOME))/dagster \
		$(VENV)/bin/dagster dev -m orchestration.runs.definitions -h $(HOST) -p $(PORT)

test: lint browser
	@$(VENV)/bin/pytest

# The browser test drives Debian's Chromium; no browser is downloaded.
browser:
	@command -v chromium > /dev/null || { echo "setup: installing chromium"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk > /dev/null; }

screenshots: setup browser
	@KEFU_SCREENSHOTS=docs $(VENV)/bin/pytest -n 0 tests/python/test_browser.py

# About an hour on two cores. disk_full mounts a tmpfs (as root), clock needs the Debian package faketime.
FAULTS ?= kill disk_full replaced at_once fuzz crash clock canceled
faults: setup
	@for fault in $(FAULTS); do PYTHONPATH=tests:tests/python $(VENV)/bin/python -m faults.$$fault || exit 1; done

# SAMPLE=8: so many, chosen by today's date or by DATE. ONLY: by name.
mutants: setup
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m mutants.run $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(DATE),--date $(DATE)) $(ONLY)

lint: setup
	@$(VENV)/bin/ruff format --check orchestration tests
	@$(VENV)/bin/ruff check orchestration tests
	@$(VENV)/bin/mypy
	@$(VENV)/bin/sqlfluff lint --quiet --disable-progress-bar models tests/dbt

format: setup
	@$(VENV)/bin/ruff format orchestration tests
	@$(VENV)/bin/ruff check --fix orchestration tests

lock: setup
	$(UV) pip compile --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header --quiet pyproject.toml -o requirements.lock
