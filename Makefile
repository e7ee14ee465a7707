# Two commands: `make run` (sets up, writes sample exports if there are none, runs the whole pipeline) and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SAMPLE := sample
HOME_DIR := home
# A file of tests stays in one process: its tests share what is expensive to build. tests/conftest.py orders the files.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: help setup setup-spark setup-superset run test test-ci test-all lint lint-sql lint-python docs screenshots bench ui dashboard clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready  ## set up .venv from the lock file

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cxhouse needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 2; }
	@echo "setting up .venv (once; a few minutes on a slow connection)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# where Python may not write what it compiles, each command would compile all that it imports
	@$(BIN)/python -m compileall -q orchestration cxhouse
	@touch $@

setup-spark: .venv/spark  ## add Apache Spark, a second engine; needs Java 17 or newer

.venv/spark: .venv/ready requirements-spark.lock
	@java -version >/dev/null 2>&1 || { echo "Spark needs Java 17 or newer; install it first (Debian: apt install openjdk-17-jre-headless)"; exit 2; }
	@echo "adding Apache Spark to .venv (about 500 MB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock
	@touch $@

setup-superset: .venv-superset/ready  ## set up Apache Superset beside it, to try the example dashboard (about 700 MB)

.venv-superset/ready: requirements-superset.lock
	@echo "setting up .venv-superset (about 700 MB)"
	@$(PYTHON) -m venv .venv-superset
	@.venv-superset/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-superset.lock
	@touch $@

run: setup  ## run the pipeline on sample exports; prints the headline KPIs
	@test -d $(SAMPLE)/exports || $(BIN)/cxhouse sample --out $(SAMPLE)
	@$(BIN)/cxhouse run --exports $(SAMPLE)/exports --config $(SAMPLE)/config --home $(HOME_DIR)

test: setup  ## run the tests (minutes)
	@$(BIN)/python -m pytest -m "not slow and not ci" $(PARALLEL)

test-ci: setup  ## what CI runs beside them: killed and scheduled runs, the second engine
	@$(BIN)/python -m pytest -m "ci and not slow" $(PARALLEL)

test-all: setup  ## run the tests, the slow ones too
	@$(BIN)/python -m pytest $(PARALLEL)

lint: setup  ## ruff, mypy, sqlfluff, and Dagster's own validation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@# side by side: neither keeps two cores busy all the time
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint-sql lint-python

lint-sql: setup
	@CXHOUSE_WAREHOUSE=.venv/lint.duckdb CXHOUSE_AS_OF=2026-07-01 $(BIN)/sqlfluff lint --processes 0 --disable-progress-bar --quiet models dbt_project/tests

lint-python: setup
	@$(BIN)/mypy
	@CXHOUSE_HOME=.venv/lint-home DAGSTER_HOME= DAGSTER_DISABLE_TELEMETRY=yes $(BIN)/python -W ignore -m dagster definitions validate -m orchestration.definitions

docs: setup  ## write the generated docs: KPI reference, contract schema
	@$(BIN)/python -m orchestration.reference

bench: setup  ## what runs cost beside a full one, how tickets grow, the memory of a pull (CUSTOMERS=6000)
	@$(BIN)/python -m orchestration.bench.runs --customers $(or $(CUSTOMERS),6000)
	@$(BIN)/python -m orchestration.bench.tickets
	@$(BIN)/python -m orchestration.bench.pull

screenshots: setup  ## take the README's pictures again; needs Chromium
	@$(BIN)/python tests/helpers/screenshots.py

dashboard: setup  ## look at the sample's KPIs
	@$(BIN)/cxhouse dashboard --home $(HOME_DIR)

ui: setup  ## Dagster's UI on the sample's home
	@$(BIN)/cxhouse ui --exports $(SAMPLE)/exports --config $(SAMPLE)/config --home $(HOME_DIR)

clean:  ## remove the sample and what was built from it
	rm -rf $(SAMPLE) $(HOME_DIR)
