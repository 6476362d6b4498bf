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

# In a shell: whether a Python is the one that kefu is for, and what to do where there is none.
IS_RIGHT = -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null
NEEDED = kefu needs Python 3.11: install it (on Debian 12: apt-get install python3.11-venv), or name one, as in \
	make setup PYTHON=/opt/python3.11/bin/python

.PHONY: setup install demo ui live test test-increments test-readers browser proxy postgres dates questions screenshots faults mutants moments bench bench-live bi test-bi spark-env java test-spark spark bench-spark lint format lock

# A .venv that another Python was made with is made anew.
ifneq ($(wildcard $(VENV)/bin/python),)
ifneq ($(shell $(VENV)/bin/python $(IS_RIGHT) && echo right),right)
$(shell rm -f $(VENV)/.installed $(VENV)/.installed-dev)
endif
endif

setup: $(VENV)/.installed-dev

# What a service needs, without what only developing takes.
install: $(VENV)/.installed

$(VENV)/.installed-dev: requirements-dev.lock requirements-build.txt pyproject.toml
$(VENV)/.installed: requirements.lock requirements-build.txt pyproject.toml
$(VENV)/.installed $(VENV)/.installed-dev:
	@$(PYTHON) $(IS_RIGHT) || { echo "setup: $(NEEDED)" >&2; exit 1; }
	@echo "setup: making $(VENV) from $< (about a minute the first time)"
	@$(VENV)/bin/python $(IS_RIGHT) || rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(VENV) UV_COMPILE_BYTECODE=1 $(UV) pip install --quiet --require-hashes --no-deps --build-constraints requirements-build.txt -r $<
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(VENV)/bin/python -m orchestration.sample.demo --landing "$(DEMO_LANDING)" --home "$(DEMO_HOME)"

ui: setup
	@$(VENV)/bin/python -m orchestration.runs.ui --home "$(DEMO_HOME)" --landing "$(DEMO_LANDING)" --host $(HOST) --port $(PORT)

# The demo's shops come alive: their next day, at SPEED times the clock, on a page.
LIVE_PORT ?= 3001
SPEED ?= 60
live: demo
	@$(VENV)/bin/python -m orchestration.sample.live --landing "$(DEMO_LANDING)" --home "$(DEMO_HOME)" --port $(LIVE_PORT) --speed $(SPEED)

# Dashboards on the demo's marts, or on those of another home, for who is in HOME_DIR/bi/people.csv. NEW_PASSWORD names who lost theirs.
HOME_DIR ?= $(DEMO_HOME)
bi: PORT = 8088
bi: setup $(VENV)-bi/.installed $(if $(filter $(DEMO_HOME),$(HOME_DIR)),demo)
	@$(VENV)/bin/python -m orchestration.bi --home "$(HOME_DIR)" --host $(HOST) --port $(PORT) --python $(VENV)-bi/bin/python \
		$(if $(NEW_PASSWORD),--new-password "$(NEW_PASSWORD)")

test-bi: setup browser postgres $(VENV)-bi/.installed
	@$(VENV)/bin/pytest -n 0 tests/bi

# The warehouse: from landing to marts, its runs and its commands.
test: lint
	@$(VENV)/bin/pytest -m "not readers and not increments and not spark"

# Deliveries in any order, random streams, moved boundaries, kills, what is held back: builds on builds equal a full rebuild.
# Told out by test, as one file of them takes minutes.
test-increments: setup
	@$(VENV)/bin/pytest -m increments --dist=worksteal

# What people read its figures with: the running day, reports, explanations, dashboards' words, documents and their commands, BI and browsers.
test-readers: setup browser proxy postgres
	@$(VENV)/bin/pytest -m readers

# The models on a cluster of two workers beside DuckDB. CASES=all: every case, and the models' unit tests on Spark.
CLUSTER = $(VENV)-spark/bin/python -m orchestration.spark.cluster
# A case is so small that compiling what runs takes longer than running it.
OF_SMALL_DATA = -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dspark.sql.codegen.wholeStage=false -Dspark.sql.codegen.factoryMode=NO_CODEGEN
test-spark: setup spark-env
	@CASES="$(CASES)" JDK_JAVA_OPTIONS="$(OF_SMALL_DATA)" $(CLUSTER) $(CURDIR)/$(VENV)/bin/pytest -n 0 -m spark tests/python/test_spark.py

# The demo's shops on such a cluster, in a home of its own.
SPARK_HOME_DIR ?= demo/spark
spark: setup spark-env
	@$(CLUSTER) $(VENV)-spark/bin/python -m orchestration.sample.demo --landing "$(DEMO_LANDING)" --home "$(SPARK_HOME_DIR)"

# The browser test drives Debian's Chromium; no browser is downloaded.
browser:
	@command -v chromium > /dev/null || { echo "setup: installing chromium"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk > /dev/null; }

# The proxy's configuration is tested with Debian's nginx.
proxy:
	@command -v nginx > /dev/null || { echo "setup: installing nginx"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx > /dev/null; }

# The seed of dates, from packages that know China's holidays.
dates: setup
	@PYTHONPATH=tests $(VENV)/bin/python -m calendars.make

# The page of analyses/ with the demo's answers.
questions: demo
	@PYTHONPATH=tests $(VENV)/bin/python -m questions --home "$(DEMO_HOME)"

# Publishing into PostgreSQL is tested with Debian's, a cluster of the test's own.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || { echo "setup: installing postgresql"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql > /dev/null; }

screenshots: setup browser
	@KEFU_SCREENSHOTS=docs $(VENV)/bin/pytest -n 0 tests/python/test_browser.py

# About two and a half hours on two cores, of which `operations` takes most. disk_full mounts a tmpfs (as root), clock needs the Debian package faketime.
FAULTS ?= kill disk_full replaced at_once fuzz crash clock canceled load operations
faults: setup
	@for fault in $(FAULTS); do PYTHONPATH=tests:tests/python $(VENV)/bin/python -m faults.$$fault || exit 1; done

# SAMPLE=8: so many, chosen by today's date or by DATE. ONLY: by name.
mutants: setup
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m mutants.run $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(DATE),--date $(DATE)) $(ONLY)

# What `kefu live` says at so many random moments of all cases, beside full builds of everything up to then. DATE chooses them.
moments: setup
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m moments.run --sample $(SAMPLE) $(if $(DATE),--date $(DATE))

# In millions of messages. BENCH is kept: the sample for the next run, and the results of every size. What kefu is measured beside
# has an environment of its own.
SIZES ?= 1 10
BENCH ?= bench
REPEATS ?= 2
PATIENCE ?= 180
bench: setup $(VENV)-bench/.installed
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m benchmarks.run --sizes "$(SIZES)" --work "$(BENCH)" --repeats $(REPEATS) \
		--patience $(PATIENCE) --others $(VENV)-bench/bin/python

# On Spark with one and with two workers, beside DuckDB.
bench-spark: setup spark-env
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m benchmarks.spark --sizes "$(SIZES)" --work "$(BENCH)"

# How long after a line was written the running day says so: with a history of LIVE_SIZE million messages, after HOURS of the day, for
# so many minutes.
LIVE_SIZE ?= 1
MINUTES ?= 10
PER_SECOND ?= 100
HOURS ?= 0
bench-live: setup
	@PYTHONPATH=tests:tests/python $(VENV)/bin/python -m benchmarks.live --work "$(BENCH)" --size $(LIVE_SIZE) --minutes $(MINUTES) \
		--per-second $(PER_SECOND) --hours $(HOURS)

# kefu with Spark beside it; Spark runs on Debian's Java.
spark-env: $(VENV)-spark/.installed java
$(VENV)-spark/.installed: requirements-spark.lock requirements-build.txt pyproject.toml
	@echo "setup: making $(@D) from $<"
	@$(VENV)/bin/python -m venv --clear $(@D)
	@VIRTUAL_ENV=$(@D) UV_COMPILE_BYTECODE=1 $(UV) pip install --quiet --require-hashes --no-deps --build-constraints requirements-build.txt -r $<
	@VIRTUAL_ENV=$(@D) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

java:
	@command -v java > /dev/null || { echo "setup: installing Java 17"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless > /dev/null; }

$(VENV)-bi/.installed: bi/superset/requirements.lock
$(VENV)-bench/.installed: requirements-bench.lock
$(VENV)-bi/.installed $(VENV)-bench/.installed:
	@echo "setup: making $(@D) from $<"
	@$(VENV)/bin/python -m venv --clear $(@D)
	@VIRTUAL_ENV=$(@D) UV_COMPILE_BYTECODE=1 $(UV) pip install --quiet --require-hashes --no-deps -r $<
	@touch $@

lint: setup
	@$(VENV)/bin/ruff format --check orchestration tests bi
	@$(VENV)/bin/ruff check orchestration tests bi
	@$(VENV)/bin/mypy
	@$(VENV)/bin/sqlfluff lint --quiet --disable-progress-bar --processes 2 models tests/dbt

format: setup
	@$(VENV)/bin/ruff format orchestration tests bi
	@$(VENV)/bin/ruff check --fix orchestration tests bi

# The second and the third have all of the first, in the same versions. The others are of `make bench` and `make bi` alone.
COMPILED = --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: setup
	@cp requirements-dev.lock requirements.lock
	$(UV) pip compile $(COMPILED) pyproject.toml --extra build -o requirements.lock
	$(UV) pip compile $(COMPILED) pyproject.toml --extra build --extra dev -o requirements-dev.lock
	@cp requirements-dev.lock requirements-spark.lock
	$(UV) pip compile $(COMPILED) pyproject.toml --extra build --extra spark -o requirements-spark.lock
	$(UV) pip compile $(COMPILED) requirements-bench.in -o requirements-bench.lock
	$(UV) pip compile $(COMPILED) bi/superset/requirements.in -o bi/superset/requirements.lock
