# Every target does its own set-up in .venv and may be repeated at once.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
EXAMPLE := examples/lighthouse

.PHONY: help demo rehearse test check lint types house unit torture fuzz editor bench schemas pictures golden clean

help:            ## what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

demo: .venv/ready  ## make the example's film
	$(BIN)/rushes run $(EXAMPLE)/recipe.yaml
	@echo "Watch  $(EXAMPLE)/out/lighthouse/film.mp4"
	@echo "Review $(EXAMPLE)/out/lighthouse/report.html"

rehearse: .venv/ready  ## run an example on local stand-ins of every service; spends nothing
	@RUSHES_CONFIG=$(EXAMPLE)/rehearsal.toml $(BIN)/rushes emulate --quiet -- sh -e -c '\
	  for name in seegen seedance2-movie seedancee2 naci; do echo "== $$name"; \
	    $(BIN)/rushes run $(EXAMPLE)/services.yaml --provider $$name --yes --output $(EXAMPLE)/out/on-$$name; done'

test: lint types house unit  ## lint, types, house rules and tests

lint: .venv/ready  ## ruff, format included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready  ## mypy, strict
	$(BIN)/mypy

house: .venv/ready  ## which room may import which
	$(BIN)/lint-imports --no-cache

unit: .venv/ready  ## every test
	$(BIN)/pytest

torture: .venv/ready  ## the slow tests, then 500 kills -9 of runs on failing services, with the figures
	$(BIN)/pytest -m slow tests
	$(BIN)/python -m tests.torture

fuzz: .venv/ready  ## 100,000 recipes changed at random, each read and planned under watch
	$(BIN)/python -m tests.hostile.fuzz $(COUNT)

editor: .venv/ready  ## what an editor shows while a recipe is written, by the YAML language server from npm
	@npm install --no-save --no-package-lock --silent --prefix .venv yaml-language-server@1
	$(BIN)/pytest tests/hostile/test_language_server.py

bench: .venv/ready  ## figures, each beside a floor from the same run
	@for file in tests/benchmarks/bench_*.py; do \
	  name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name || exit 1; done

schemas: .venv/ready  ## write schemas/ anew from the code
	@for name in recipe plan manifest; do $(BIN)/rushes schema $$name > schemas/$$name.schema.json; done

pictures: .venv/ready  ## draw the pictures of the recipes anew
	$(BIN)/python -m tests.recipes.pictures

golden: .venv/ready  ## pin the plans anew; only where a recipe was to change its meaning
	$(BIN)/python -m tests.golden

clean:           ## take away what the targets made
	rm -rf .venv $(EXAMPLE)/out $(EXAMPLE)/.rushes

.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or later with venv was found."; \
	  echo "Hint: install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3"; exit 2; }
	@echo "Setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[dev]' \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/ready
