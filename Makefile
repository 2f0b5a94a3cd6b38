# Everything starts here. Each target prepares what it needs; `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench test-platform constraints docs

PYTHON ?= python3
BIN := .venv/bin

help: ## List what can be done
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | while IFS='	' read -r name what; do \
	    printf '  make %-14s %s\n' "$$name" "$$what"; done

setup: ## Prepare .venv with the brain-gateway command (Python 3.11 or later; nothing else is needed)
	@scripts/setup

run: setup ## Start the gateway and a small real platform behind it (ARGS="--port 8080 --workers 2")
	@$(BIN)/python examples/platform/run.py $(ARGS)

test: setup ## Run the tests on every core (ARGS="-k limit"); house rules are part of check
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --ignore=tests/house $(ARGS)

check: setup ## Style, types, import rules and house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd bench && ../$(BIN)/mypy --config-file= --strict *.py harness
	cd examples/platform && ../../$(BIN)/mypy --config-file= --strict run.py launcher
	MYPYPATH=src $(BIN)/mypy --config-file= --strict scripts/*.py
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n auto --dist loadfile tests/house

bench: setup ## Measure the gateway beside its peers, quick mode (ARGS="--full"; see bench/README.md)
	@$(BIN)/python bench/run.py $(ARGS)

test-platform: setup ## Test the example platform end to end (installs its packages, Wagtail among them)
	@$(BIN)/python -m pytest -m platform $(ARGS)

constraints: ## Pin the newest versions that fit together in constraints.txt
	@$(PYTHON) scripts/constraints.py

docs: setup ## Write the generated pages anew: docs/settings.md, docs/errors.md, docs/catalogue.md, docs/authorization.md
	@$(BIN)/brain-gateway settings --markdown > docs/settings.md.new && mv docs/settings.md.new docs/settings.md
	@$(BIN)/python scripts/errors_page.py > docs/errors.md.new && mv docs/errors.md.new docs/errors.md
	@$(BIN)/python scripts/catalogue_pages.py
	@$(BIN)/python scripts/authorization_page.py > docs/authorization.md.new && mv docs/authorization.md.new docs/authorization.md
