# What a contributor types is what .ci/run types. Every target sets up what it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENV_PACKAGE = $(shell $(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export OMP_NUM_THREADS ?= 1
TEST_PROCESSES ?= 2

.PHONY: help setup setup-dev virtual-environment system-packages study results check format test test-slow docs \
	bench bench-faults clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed  ## virtual environment with what winnow needs at run time
setup-dev: $(VENV)/.installed-dev  ## the same, and what its checks and tests need

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once; some minutes)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory virtual-environment
	@$(PIP) install --upgrade --constraint constraints.txt pip
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

# Debian ships venv apart from Python: without it, an environment without pip would be left behind.
virtual-environment:
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing $(VENV_PACKAGE)"; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(VENV_PACKAGE); } \
				>/dev/null 2>&1 || true; \
		fi; \
	fi
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
		echo "$(PYTHON) -m venv does not work here: install $(VENV_PACKAGE), or name another PYTHON=…"; exit 1; }

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) install --constraint constraints.txt --group dev
	@touch $@

# Debian's packages for the tests; without them, or without the right to install them, the tests
# that need them are skipped with the reason.
system-packages:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || ! command -v chromium >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing PostgreSQL and Chromium for the tests"; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql chromium; } \
				>/dev/null 2>&1 || echo "not installed: the tests that need them are skipped"; \
		fi; \
	fi

study: setup  ## a PI-TFT search on generated data, and its priority table
	@$(BIN)/python studies/pi_tft_search.py search --trials 32
	@$(BIN)/python studies/pi_tft.py run --profile quick

results: setup  ## the standard-profile tables that are kept under studies/results
	@for study in pi_tft pat_l han esm2_pair gen5_prime; do \
		name=$${study/_/-}; \
		$(BIN)/python studies/$$study.py run --profile standard --storage sqlite:///results.db && \
		$(BIN)/winnow report $$name --storage sqlite:///results.db --format markdown \
			--output studies/results/$$study.md --figures studies/results/$$study && \
		rm -f studies/results/$$study/*.pdf || exit 1; \
	done

check: setup-dev  ## format, lint, types, import arrows, whether every test can be imported
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --collect-only -qq >/dev/null || $(BIN)/python -m pytest --collect-only -q

format: setup-dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup-dev system-packages  ## the tests that need less than 15 minutes
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist loadfile

test-slow: setup-dev system-packages  ## the long ones: faults at random, simulations
	$(BIN)/python -m pytest -m slow --timeout 3600

docs: setup-dev  ## the documentation as a site: site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Built: site/index.html. With search: python3 -m http.server --bind 127.0.0.1 --directory site"

bench: setup-dev  ## against stock Tune and Optuna: cost, search quality; reports; PAT's attention
	$(BIN)/python -m tests.benchmarks

bench-faults: setup-dev system-packages  ## every fault on loopback clusters, and 100 times kill -9: what is lost
	$(BIN)/python -m tests.benchmarks fault-table
	$(BIN)/python -m tests.benchmarks faults

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) site .mypy_cache .ruff_cache .hypothesis .import_linter_cache
