# What a developer needs, on a machine that has only Python 3.11 or later.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-$(shell cat pyproject.toml requirements/dev.txt 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: help run test check lint types drift tests generate spec-diff spec-export spec-compare spec-lint release-check lock bench trybench FORCE clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(STAMP) ## place the example orders of both APIs against a sandbox, and show what came of them
	@$(BIN)/python examples/place_orders.py examples/orders.csv

test: check tests ## everything that CI runs: lint, types, the generated code, and the tests

check: lint types drift ## all but the tests

lint: $(STAMP) ## style, and the directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP) ## mypy --strict and pyright
	$(BIN)/mypy
	$(BIN)/pyright

drift: $(STAMP) ## is the generated code what the contract gives?
	$(BIN)/python -m codegen --check

tests: $(STAMP) ## the tests, with branch coverage of the code written by hand
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

generate: $(STAMP) ## models and operations from openapi/*.yaml
	$(BIN)/python -m codegen

spec-diff: $(STAMP) ## what the contract's change means for callers: BASE=<revision>, or the last tag, else main
	$(BIN)/python -m codegen diff $(BASE)

spec-export: $(STAMP) ## the contracts in plain OpenAPI, for other tools: build/openapi/
	$(BIN)/python -m codegen export

spec-compare: $(STAMP) ## what another OpenAPI file has and ours lacks, and the reverse: OTHER=<file>
	$(BIN)/python -m codegen compare $(OTHER)

spec-lint: spec-export ## hold contracts and export against the rules of spectral and redocly: needs npm
	npm exec --yes --package=@stoplight/spectral-cli@6.16.3 -- spectral lint --fail-severity=warn \
		--ruleset codegen/spectral.yaml openapi/*.yaml build/openapi/*.json
	npm exec --yes --package=@redocly/cli@2.77.0 -- redocly lint openapi/*.yaml build/openapi/*.json

release-check: $(STAMP) ## hold version and changelog against the contract's change since the last tag
	$(BIN)/python -m codegen release-check

lock: $(STAMP) ## pin all that development needs, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --no-emit-package wren-async --upgrade -q -o requirements/dev.txt

bench: .venv-bench ## measure beside other libraries, and put the numbers into docs/performance.md: half an hour
	.venv-bench/bin/python benchmarks/run.py --clean .venv-bench/clean/bin/python

trybench: .venv-bench ## the same in some minutes, for numbers that mean little and are thrown away
	.venv-bench/bin/python benchmarks/run.py --clean .venv-bench/clean/bin/python --quick

.venv-bench: FORCE
	test -d .venv-bench || $(PYTHON) -m venv .venv-bench
	test -d .venv-bench/clean || $(PYTHON) -m venv .venv-bench/clean
	.venv-bench/bin/pip install --quiet --disable-pip-version-check '.[aiohttp,sandbox]' --requirement benchmarks/requirements.txt
	.venv-bench/clean/bin/pip install --quiet --disable-pip-version-check .

clean: ## take away what the other targets made
	rm -rf $(VENV) .venv-bench .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

$(STAMP):
	rm -rf $(VENV)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
