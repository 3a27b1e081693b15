# What a developer needs, on a machine that has only Python 3.11 or later.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-$(shell cat pyproject.toml requirements/dev.txt 2>/dev/null | cksum | cut -d' ' -f1)

# What `make quick` runs: decisions, values and single exchanges. QUICK=tests/batch runs another part.
QUICK ?= tests/unit tests/backends tests/reconcile/test_reconcile_rules.py tests/batch/test_intents.py \
	tests/batch/test_reading.py tests/batch/test_budget.py tests/batch/test_concurrency.py

# What users see, which four type checkers have to like: tests/typing holds what each finds in reveal.py.
FACE := examples wren_async/wren.py wren_async/cnaught.py wren_async/sync wren_async/tables

# Interpreters that `make every-python` runs the suite on, as far as they are here.
PYTHONS ?= 3.11 3.12 3.13 3.14
PIN := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --no-strip-extras --no-emit-package wren-async -q

# The tests of pages need a browser; what was not tested is said, before and after.
NO_BROWSER = for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit; done; \
	echo "CHROMIUM IS MISSING: the tests of pages are skipped. On Debian: apt-get install chromium"

.PHONY: help run test quick check lint types drift tests every-python generate lock format hooks walks build plain-tests \
	spec-diff spec-export spec-compare spec-lint release-check bench trybench docs docs-serve follow FORCE clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(STAMP) ## place the example orders of both APIs against a sandbox, and show what came of them
	@$(BIN)/python examples/place_orders.py examples/orders.csv

test: check tests ## everything that CI runs: lint, types, the generated code, and the tests

quick: $(STAMP) ## for the inner loop: style, and the tests that take no time; under half a minute
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow" $(QUICK)

check: lint types drift ## all but the tests

lint: $(STAMP) ## style, the directions of imports, and the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet --persona pedantic .github

format: $(STAMP) ## mend the style as far as a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: $(STAMP) ## check what `make lint` checks before each commit, too
	$(BIN)/prek install

types: $(STAMP) ## mypy --strict and pyright; pyrefly and ty over what users see
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/pyrefly check --preset default --python-version 3.11 $(FACE)
	$(BIN)/ty check --quiet --ignore deprecated --python $(VENV) --python-version 3.11 $(FACE)

drift: $(STAMP) ## is the generated code what the contract gives?
	$(BIN)/python -m codegen --check

tests: $(STAMP) ## the tests, with branch coverage of the code written by hand
	@$(NO_BROWSER)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal
	$(BIN)/coverage combine -q
	$(BIN)/coverage report
	@$(NO_BROWSER)

every-python: ## the tests on each Python from 3.11 on that is here, without the coverage
	@export PYENV_VERSION="$$(pyenv versions --bare 2>/dev/null | grep -E '^3\.1[1-9]' | paste -sd: -)"; \
	for version in $(PYTHONS); do \
		if ! python$$version -c '' 2>/dev/null; then echo "Python $$version is not here"; continue; fi; \
		python$$version --version; \
		$(MAKE) --no-print-directory plain-tests PYTHON=python$$version VENV=.venv-$$version || exit; \
	done

plain-tests: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --dist worksteal

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

lock: $(STAMP) ## pin with hashes what pyproject.toml newly asks for; UPGRADE=--upgrade pins everything anew
	$(PIN) $(UPGRADE) --extra all --group dev -o requirements/dev.txt
	$(PIN) $(UPGRADE) --extra aiohttp --extra sandbox --group bench -o benchmarks/requirements.txt
	$(PIN) $(UPGRADE) -o benchmarks/clean.txt

build: $(STAMP) ## the wheel and the source distribution, into dist
	$(BIN)/python -m hatchling build

docs: $(STAMP) ## the site of docs/ and of the reference, into build/docs; a warning is a failure
	$(BIN)/python -m docs.build

docs-serve: $(STAMP) ## build the site and serve it on this machine, so that its search works
	$(BIN)/python -m docs.build --serve

follow: $(STAMP) ## follow the first pages word by word in a new environment, and tell how long it took
	$(BIN)/python -m docs.follow

walks: $(STAMP) ## how many files an order goes through, and how the imports of the rooms look
	@$(BIN)/python benchmarks/walks.py
	@$(BIN)/python benchmarks/rooms.py

bench: .venv-bench ## measure beside other libraries, and put the numbers into docs/performance.md: half an hour
	.venv-bench/bin/python benchmarks/run.py --clean .venv-bench/clean/bin/python

trybench: .venv-bench ## the same in some minutes, for numbers that mean little and are thrown away
	.venv-bench/bin/python benchmarks/run.py --clean .venv-bench/clean/bin/python --quick

.venv-bench: FORCE
	test -d .venv-bench || $(PYTHON) -m venv .venv-bench
	test -d .venv-bench/clean || $(PYTHON) -m venv .venv-bench/clean
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/requirements.txt
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps .
	.venv-bench/clean/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/clean.txt
	.venv-bench/clean/bin/pip install --quiet --disable-pip-version-check --no-deps .

clean: ## take away what the other targets made
	rm -rf $(VENV) .venv-* .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

$(STAMP):
	@command -v $(PYTHON) >/dev/null || \
		{ echo "$(PYTHON) is not here: install Python 3.11 or later, or name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) requirements/environment.py $(VENV)
	@touch $@
