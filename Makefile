# Two commands set everything up by themselves: `make demo`, `make test`. They need python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
RUN_ENV := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

.PHONY: demo test test-all lint bench clean

demo: .venv/.installed
	@$(RUN_ENV) $(BIN)/causalspec run specs/price_tagging.cspec --seeds 0 --out runs/demo; \
	status=$$?; if [ $$status -le 1 ]; then exit 0; else exit $$status; fi

test: .venv/.installed-test lint
	$(RUN_ENV) $(BIN)/python -m pytest -n 2 --dist loadscope

test-all: .venv/.installed-test lint
	$(RUN_ENV) CAUSALSPEC_NIGHTLY=1 $(BIN)/python -m pytest -n 2 --dist loadscope

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.installed-bench
	$(RUN_ENV) $(BIN)/python -m runtime.benchmarks.quality

.venv/.python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

.venv/.installed: .venv/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.installed-test: .venv/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@ .venv/.installed

.venv/.installed-bench: .venv/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,bench]'
	@touch $@ .venv/.installed

clean:
	rm -rf .venv runs dist
