# Commands for people. All other commands are calls of Snakemake, such as `snakemake --cores 8`, inside the environment
# (source .venv/bin/activate).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CORES ?= 2
CONFIG ?= workflow/demo.yaml
# VERBOSE=1 shows the output of Snakemake instead of one line per stage.
WATCH := $(if $(VERBOSE),,$(BIN)/softsed watch)
DEMO := $(WATCH) $(BIN)/snakemake --cores $(CORES) --configfile workflow/demo.yaml
STUDY := $(DEMO) workflow/study.yaml
SMK := Snakefile $(wildcard workflow/*.smk workflow/rules/*.smk)

.PHONY: help env demo study crowd-layer status progress check test slurm-test long-test lint docs audit bench fuzz clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 12

env: $(VENV)/workflow ## Install the environment of the workflow into .venv

# The order matters where several indexes serve torch: the lock names the version, the index the build.
$(VENV)/workflow: envs/requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "softsed needs Python 3.11 or newer, found " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --requirement envs/requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/tests: $(VENV)/workflow envs/dev.lock
	$(BIN)/python -m pip install --requirement envs/dev.lock
	touch $@

demo: $(VENV)/workflow ## Run the whole workflow on synthetic data: 3 to 5 minutes on two cores
	@echo "Running the workflow: 3 to 5 minutes on two cores. VERBOSE=1 shows each job."
	@PATH="$(abspath $(BIN)):$$PATH" exec $(DEMO)
	@PATH="$(abspath $(BIN)):$$PATH" exec $(DEMO) --report results/demo/report.html
	@echo; $(BIN)/softsed summary results/demo

study: $(VENV)/workflow ## Run the demo with more systems, labels and trials, three trainings each (make study RUNS=1): about an hour; resumes after a stop
	@PATH="$(abspath $(BIN)):$$PATH" exec $(STUDY) $(if $(RUNS),--config runs=$(RUNS))
	@echo; $(BIN)/softsed summary results/study

crowd-layer: $(VENV)/workflow ## Train on opinions, on labels and on true events, with 1, 3 and 5 opinions per window: two hours; resumes after a stop
	for crowd in workflow/crowd_layer_1.yaml workflow/crowd_layer_3.yaml ""; do \
		PATH="$(abspath $(BIN)):$$PATH" $(DEMO) workflow/crowd_layer.yaml $$crowd $(if $(RUNS),--config runs=$(RUNS)) || exit; \
	done
	@echo "Metrics against the true events and their differences: results/crowd_layer_*/report/{scores,differences}.tsv"

status: $(VENV)/workflow ## List the jobs that would run after an edit, and why; needs a finished run; make status CONFIG=config.yaml
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/snakemake --dry-run --configfile $(CONFIG) 2>&1 | $(BIN)/softsed status

progress: $(VENV)/workflow ## Show the progress and remaining time of the current run
	@$(BIN)/softsed progress

check: $(VENV)/tests ## Check style, types and layers, and run the unit tests, without Snakemake: 3 minutes on two cores
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(SMK)
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(CORES) tests/unit tests/oracle $(PYTEST)

test: $(VENV)/tests ## Run the tests: 8 to 15 minutes on two cores
	@echo "$(or $(EXPECTED),The tests take 8 to 15 minutes on two cores; \`make check\` takes 3.)"
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder $(PYTEST)

# -rs: print the reason of each skipped test.
slurm-test: $(VENV)/tests ## Test profiles/slurm on a local cluster that the tests start; needs Debian's slurm-wlm and munge
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -rs -m slurm tests/slurm $(PYTEST)

long-test: $(VENV)/tests ## Run the tests that are too long for CI: the demo on a local cluster, the size of MAESTRO Real, real waits, more repetitions
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -rs -m long $(PYTEST)

lint: $(VENV)/tests ## Check style, layers and types of the code and of the workflow
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(SMK)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/snakemake --lint
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy

docs: $(VENV)/workflow ## Write the generated parts of the documentation: docs/reruns.md and docs/rules.svg
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/support/generated_docs.py

# --strict: a package that the database does not contain is an error.
audit: $(VENV)-audit/done ## Look up known vulnerabilities of every pinned package in a public database
	failed=0; for lock in envs/*.lock; do \
		$(VENV)-audit/bin/pip-audit --strict --disable-pip --no-deps --requirement $$lock || failed=1; \
	done; exit $$failed

$(VENV)-audit/done: envs/audit.lock
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --requirement envs/audit.lock
	touch $@

bench: $(VENV)/workflow ## Run the benchmarks, which report ratios; tables in results/benchmarks
	PYTHONPATH=workflow $(BIN)/python benchmarks/labels.py results/benchmarks/labels.tsv
	PYTHONPATH=workflow $(BIN)/python benchmarks/features.py results/benchmarks/features.tsv
	PYTHONPATH=workflow PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/workflow.py results/benchmarks/workflow.tsv
	PYTHONPATH=workflow $(BIN)/python benchmarks/training.py results/benchmarks/training.tsv
	PYTHONPATH=workflow $(BIN)/python benchmarks/layers.py results/benchmarks/layers.tsv

fuzz: $(VENV)-fuzz/done ## Test every parser with a coverage-guided fuzzer: ten minutes; table in results/benchmarks
	PYTHONPATH=workflow:tests $(VENV)-fuzz/bin/python tests/fuzz/fuzz.py results/benchmarks/fuzz.tsv

# The locked packages and the fuzzer, which the locked environment does not contain.
$(VENV)-fuzz/done: envs/requirements.lock
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --requirement envs/requirements.lock atheris==3.0.0
	touch $@

clean: ## Remove the environment and the results of the demo and the study, but not what is in git
	rm -rf $(VENV) $(VENV)-audit $(VENV)-fuzz $(filter-out %/report %/metrics,$(wildcard results/demo/* results/study/*))
