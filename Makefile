# The interface of this repository.  Every target sets itself up; none asks for root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(STAMP) ## open the app with the bundled model
	@$(BIN)/corefeel $(ARGS)

test: $(STAMP) ## run the tests
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: lint types test ## format, lint and types, then the tests

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

format: $(STAMP) ## put every file into the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
