# potstill: two commands. `make demo` sets everything up and runs the main job, `make test` passes the tests.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DATA ?=
TEACHER ?=
PARAMS ?= pipelines/params/demo.yaml
DEMO = $(basename $(notdir $(PARAMS)))
DEMO_KEY := runs/demo-key/release.key

# A thread that spins while it waits starves the other when a core is busy with something else.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reviews images test test-images lint types golden compile lock bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## set up .venv from the lock, PyTorch as the machine needs it

$(READY): requirements/lock.txt requirements/torch-cpu.txt requirements/torch-cuda.txt requirements/install.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("potstill needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Pass PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python requirements/install.py
	@touch $@

demo: $(READY) $(DEMO_KEY) ## real Chinese headlines in, an audited, signed, phone-sized model out (TEACHER=<hub id@commit or folder>, DATA=<file>)
	POTSTILL_SIGNING_KEY=$(DEMO_KEY) $(BIN)/python -m pipelines.compress --params $(PARAMS) $(if $(DATA),--data $(DATA)) $(if $(TEACHER),--start $(TEACHER)) --set release_name=$(DEMO)
	$(BIN)/potstill verify runs/$(DEMO)/bundle --key $(DEMO_KEY:.key=.pub)

$(DEMO_KEY): | $(READY)
	@mkdir -p $(@D)
	$(BIN)/potstill keys new $@

demo-reviews: $(READY) ## the same pipeline on review sentiment
	$(BIN)/python -m pipelines.compress --params pipelines/params/reviews.yaml

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadscope

test-images: $(READY) ## build every image and run the tests that need them (Debian: see tests/docker_engine.py)
	$(BIN)/python -m tests.docker_engine sh -c 'images/build --load && $(BIN)/python -m pytest tests/images -m docker'

lint: $(READY) ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

images: $(READY) ## build the image of every stage, and list what is in it
	images/build

golden: $(READY) ## rewrite the compiled interfaces and the TrainJobs under tests/golden; read the diff
	$(BIN)/python -m pipelines.compile --out tests/golden
	WRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/components/test_train_job_interfaces.py -k golden

compile: $(READY) ## compile components and pipelines for a cluster into dist/
	$(BIN)/python -m pipelines.compile --out dist

lock: ## make the locked requirements again (needs uv)
	$(PYTHON) requirements/lock.py

bench: $(READY) ## run the benchmarks, each a ratio against a named peer
	@for each in tests/bench/bench_*.py; do $(BIN)/python $$each || exit 1; done

clean: ## remove what was built and run, the virtual environment excepted
	rm -rf runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
