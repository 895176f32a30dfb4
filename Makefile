# Every target sets up what it needs first and is safe to run again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_RUN := runs/demo
# What to install: besides, `interop` has the libraries that conversions are compared with, and
# `tables` generates the normaliser's tables again and needs a compiler.
EXTRAS ?= dev,beam,corpus

.PHONY: setup demo test test-slow lint bench clean

setup: $(VENV)/.installed

$(VENV)/.installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel -c constraints.txt
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]' -c constraints.txt
	touch $@

demo: setup
	$(BIN)/mpnet-pretrain --config=configs/mpnet_demo.py --run_dir=$(DEMO_RUN)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: setup
	$(BIN)/python benchmarks/input_pipeline.py
	$(BIN)/python benchmarks/objectives.py
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/engine_step.py
	FORCE_COLOR=1 $(BIN)/python benchmarks/engine_overhead.py
	$(BIN)/python benchmarks/memory.py

clean:
	rm -rf $(VENV) runs build *.egg-info .pytest_cache .ruff_cache .hypothesis
