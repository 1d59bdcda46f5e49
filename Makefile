# discern — `make help` lists the targets. Needs make and Python 3.11 or newer; everything else goes into .venv.
# PYTHON picks another interpreter, TORCH=installed keeps the torch that is in .venv already (see README.md).

TORCH ?= locked
BIN := .venv/bin
LOCALE := src/discern/locale
ZH_TW := $(LOCALE)/zh_TW/LC_MESSAGES/discern

# Runs tools/environment.py with the first Python that is new enough.
define environment
for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		exec "$$python" tools/environment.py $(1); fi; done; \
echo "discern needs Python 3.11 or newer: install it, or say where it is: make env PYTHON=/path/to/python3.12" >&2; exit 2
endef

.DEFAULT_GOAL := help
.PHONY: help env venv demo test test-slow lint format docs lock messages bench bench-full findings clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

env:  ## make .venv with everything the tests need (again: a moment; TORCH=installed keeps the torch in it)
	@$(call environment,--torch $(TORCH))

venv:  ## make an empty .venv with pip, to put a torch of your choice into (see README.md)
	@$(call environment,--empty)

demo: env  ## train on the digits that scikit-learn carries, and say where the run is
	@$(BIN)/discern train digits

test: env  ## run the tests
	@$(BIN)/python -m pytest

test-slow: env  ## run the tests that take more than ten seconds each
	@$(BIN)/python -m pytest -m slow

lint: env  ## check style, types and the floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: env  ## put the code into its style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: env  ## run every example of docs/ and put the pages into docs/_build/html
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lock:  ## pin the newest allowed versions again, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: see https://docs.astral.sh/uv" >&2; exit 2; }
	@uv pip compile --upgrade --universal --generate-hashes --python-version 3.11 --group dev pyproject.toml \
		--no-header --no-annotate --output-file requirements.lock --quiet

messages: env  ## collect the sentences of the code into the catalogue, and compile it
	@$(BIN)/pybabel -q extract --omit-header -k _ -k ngettext:1,2 -k N_ --no-location --sort-output --width 120 \
		-o $(LOCALE)/discern.pot src/discern
	@$(BIN)/pybabel -q update -i $(LOCALE)/discern.pot -o $(ZH_TW).po -l zh_TW --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date --width 120
	@rm $(LOCALE)/discern.pot
	@$(BIN)/pybabel -q compile -i $(ZH_TW).po -o $(ZH_TW).mo --statistics

bench: env  ## the quick form of the benchmarks into benchmarks/RESULTS.md, under 5 minutes (some: BENCH="decode epoch")
	@$(BIN)/python benchmarks/run.py $(BENCH)

bench-full: env  ## the whole benchmarks, hours long, with fastai and onnxruntime among the peers (some: BENCH=epoch)
	@$(BIN)/python tools/environment.py --peers || echo "without fastai and onnxruntime" >&2
	@$(BIN)/python benchmarks/run.py --full $(BENCH)

findings:  ## run the scripts of findings/, which install public packages by themselves (minutes)
	@for script in findings/*.sh; do echo "$$script"; "$$script" || exit 1; done

clean:  ## remove what the tools made; .venv and runs stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find src tests benchmarks tools -name __pycache__ -type d -exec rm -rf {} +
