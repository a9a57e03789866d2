# What a contributor types is what .ci/run types. Every target sets up what it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export OMP_NUM_THREADS ?= 1

.PHONY: help setup setup-dev system-packages study check format test test-slow bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed  ## virtual environment with what winnow needs at run time
setup-dev: $(VENV)/.installed-dev  ## the same, and what its checks and tests need

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once; some minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade --constraint constraints.txt pip
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

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

study: setup  ## a PI-TFT search on generated data, with its report
	@$(BIN)/python studies/pi_tft.py search --trials 32

check: setup-dev  ## format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup-dev system-packages  ## the tests that need less than 15 minutes
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup-dev system-packages  ## the long ones: faults at random, simulations
	$(BIN)/python -m pytest -m slow --timeout 3600

bench: setup-dev  ## cost per trial and per step against stock Tune and Optuna; search quality
	$(BIN)/python -m tests.benchmarks

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache
