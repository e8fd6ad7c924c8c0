# Needs python3 (3.11 or later) and make; everything else goes into .venv on the first call.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NOTEBOOKS := $(wildcard notebooks/*.py)
export MPLBACKEND := Agg

.DEFAULT_GOAL := help
.PHONY: help demo test lint check notebooks bench

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(STAMP)  ## reproduce the paper's weak-error figures on a small budget, into demo/
	$(BIN)/optsde reproduce callisti2025 --quick --output demo
	@echo "demo/ now holds:" && ls -l demo

test: $(STAMP)  ## the default tests, minutes
	$(BIN)/pytest

lint: $(STAMP)  ## ruff and pyright
	$(BIN)/ruff check
	$(BIN)/pyright

check: lint  ## linters, every test with the slow ones, the notebooks
	$(BIN)/pytest -m ""

notebooks: $(STAMP)  ## run the notebooks and write each .ipynb beside its .py
	$(BIN)/jupytext --to ipynb --set-kernel python3 --execute $(NOTEBOOKS)

bench: $(STAMP)  ## time kernels and derivations; PEERS=dir compares with the peers in dir
	$(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/derivation.py

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "python3 is " + sys.version.split()[0] + ", expected 3.11 or later; call make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
