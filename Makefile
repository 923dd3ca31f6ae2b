# The user's door. `make help` explains every target and variable.

PYTHON  ?= python3
VENV    ?= .venv
PAPER   ?=
SCALE   ?= small
LAUNCHER ?= $(if $(CLUSTER),slurm,local)
CLUSTER ?=
SEEDS   ?=
DATASETS ?=
METHODS ?=
JOBS    ?=
RESULTS ?= results
STALE   ?=
RETRY   ?=
SETTLE  ?=
CELL    ?=
CLAIM   ?=
TRIAL   ?=
A       ?=
B       ?=
TO      ?= parquet
OUTPUT  ?=
CURVES  ?=
SOURCE  ?=
PREFER  ?= ours
POINTS  ?=
FORM    ?=
PARAMETERS ?=
TOKENS  ?=
COMPUTE ?=
LOSS    ?=
SEED    ?=
HUBER_DELTA ?=
DROP_HIGHEST ?=
DRAWS   ?=
JSON    ?=
PLOT    ?=
DRY_RUN ?=
ACCOUNTING ?=
DEVICE  ?=
TORCH   ?=
SETUP   ?= 1
TESTS   ?=
export OFFLINE ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-development list plan reproduce status cancel report explain diff export merge \
        fetch fit logs run-trial cluster-up cluster-down test test-all \
        test-faults bench profile profile-page error-rates check format clean system-packages

# Set-up ---------------------------------------------------------------------------------------
# The extra that a paper needs stands in its spec (`extra:`), so that one family of papers does
# not drag in the libraries of another. A stamp per extra: set-up runs again only when
# pyproject.toml or constraints.txt change.

EXTRA := $(if $(filter-out all,$(PAPER)),$(shell sed -n 's/^extra: *//p' tables/$(PAPER).yaml 2>/dev/null))
ALL_EXTRAS := $(shell sed -n 's/^extra: *//p' tables/*.yaml 2>/dev/null | sort -u)
# What the tests and checks need: the extras of papers that are still to come too.
EVERY_EXTRA := $(shell sed -n '/^.project.optional-dependencies/,/^.project.scripts/s/^\([a-z]*\) = .*/\1/p' pyproject.toml)
WANTED := $(if $(filter all,$(PAPER)),$(ALL_EXTRAS),$(EXTRA))

ifeq ($(SETUP),0)
PY := $(PYTHON)
STAMPS :=
DEVELOPMENT :=
else
PY := $(VENV)/bin/python
STAMPS := $(VENV)/.installed-core $(WANTED:%=$(VENV)/.installed-%)
DEVELOPMENT := $(VENV)/.installed-core $(EVERY_EXTRA:%=$(VENV)/.installed-%)
endif

PIP = $(VENV)/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt
CPU_INDEX = --extra-index-url https://download.pytorch.org/whl/cpu
TORCH_REQUIREMENT = $(if $(filter cpu,$(TORCH)),$(CPU_INDEX) torch==2.13.0+cpu,)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Klaim needs Python 3.11 to 3.13: name one with PYTHON=<path>" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "cannot make a virtual environment: install python3-venv (apt-get install python3-venv)" >&2; exit 2; }
	@touch $@

$(VENV)/.installed-core: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (downloads a few hundred MB the first time; TORCH=cpu avoids CUDA) …"
	@$(if $(TORCH_REQUIREMENT),$(VENV)/bin/python -m pip install --disable-pip-version-check -q $(TORCH_REQUIREMENT))
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed-core
	@echo "Installing what $* needs …"
	@$(PIP) -e ".[$*]"
	@touch $@

setup: $(STAMPS) ## make the virtual environment (part of the first target that needs it)
	@echo "Ready: $(PY)"

setup-development: $(DEVELOPMENT) ## the same, with what the tests and checks need

# Verbs ----------------------------------------------------------------------------------------

CHOICE = $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DATASETS),--datasets '$(DATASETS)') \
         $(if $(METHODS),--methods '$(METHODS)')
PLACE = --scale $(SCALE) --results '$(RESULTS)'
RUN = --launcher $(LAUNCHER) $(if $(CLUSTER),--cluster '$(CLUSTER)') $(if $(JOBS),--jobs $(JOBS))
AGAIN = $(if $(STALE),--stale $(STALE)) $(if $(RETRY),--retry $(RETRY))
# Real data are what `fetch` is for: its own scale, `paper`, unless the user names one.
FETCH_SCALE = $(if $(filter-out file,$(origin SCALE)),--scale $(SCALE))
# The device that the losses are timed on, a GPU unless the user names another.
ON = $(if $(DEVICE),--device '$(DEVICE)')
DRY = $(if $(filter 1,$(DRY_RUN)),--dry-run)
COLUMNS_OF_POINTS = $(if $(PARAMETERS),--parameters '$(PARAMETERS)') $(if $(TOKENS),--tokens '$(TOKENS)') \
                    $(if $(COMPUTE),--compute '$(COMPUTE)') $(if $(LOSS),--loss '$(LOSS)') \
                    $(if $(SEED),--seed '$(SEED)')
FITTING = $(if $(FORM),--form $(FORM)) $(if $(HUBER_DELTA),--huber-delta $(HUBER_DELTA)) \
          $(if $(DROP_HIGHEST),--drop-highest $(DROP_HIGHEST)) $(if $(DRAWS),--draws $(DRAWS)) \
          $(if $(filter 1,$(JSON)),--json) $(if $(PLOT),--plot '$(PLOT)')
REPRO = @$(PY) -m repro

define need_paper
@test -n "$(PAPER)" || { echo "name a paper: make $@ PAPER=<key> (make list shows them)" >&2; exit 2; }
endef

define need_trial
@test -n "$(TRIAL)" || { echo "name a trial: make $@ PAPER=<key> TRIAL=<first digits of its id>" >&2; exit 2; }
endef

list: $(STAMPS) ## the papers, their scales, and what their reports say
	$(REPRO) list --results '$(RESULTS)'

plan: $(STAMPS) ## what reproduce would run and what that costs; starts nothing
	$(need_paper)
	$(REPRO) plan $(PAPER) $(PLACE) $(CHOICE) $(RUN)

reproduce: $(STAMPS) ## run what is missing, show the table, say where the report is
	$(need_paper)
	$(REPRO) reproduce $(PAPER) $(PLACE) $(CHOICE) $(RUN) $(AGAIN) $(if $(filter 1,$(SETTLE)),--settle) $(DRY)

status: $(STAMPS) ## trials by state, what waits in the queue, what failed and why
	$(need_paper)
	$(REPRO) status $(PAPER) $(PLACE) $(CHOICE)

cancel: $(STAMPS) ## end the jobs and workers of PAPER at SCALE, and nothing else
	$(need_paper)
	$(REPRO) cancel $(PAPER) $(PLACE)

report: $(STAMPS) ## write the report from the results that there are (PAPER=all: an index too)
	$(need_paper)
	$(REPRO) report $(PAPER) $(PLACE) $(CHOICE)

explain: $(STAMPS) ## trace a number (CELL=dataset/method[/metric]), a claim (CLAIM=id) or all verdicts
	$(need_paper)
	$(REPRO) explain $(PAPER) $(PLACE) $(CHOICE) $(if $(CELL),--cell '$(CELL)') $(if $(CLAIM),--claim '$(CLAIM)')

diff: $(STAMPS) ## what changed from one report to another (A=<folder> B=<folder>), and why
	@test -n "$(A)" && test -n "$(B)" || { echo "name two reports: make diff A=<folder> B=<folder>" >&2; exit 2; }
	$(REPRO) diff '$(A)' '$(B)'

export: $(STAMPS) ## every trial as one table (TO=parquet|csv, OUTPUT=<file>; CURVES=1: every logged point)
	$(need_paper)
	$(REPRO) export $(PAPER) $(PLACE) $(CHOICE) --to '$(TO)' $(if $(OUTPUT),--output '$(OUTPUT)') $(if $(filter 1,$(CURVES)),--curves)

merge: $(STAMPS) ## bring results from another machine (SOURCE=<results folder>) into RESULTS
	@test -n "$(SOURCE)" || { echo "name a results folder: make merge SOURCE=<folder>" >&2; exit 2; }
	$(REPRO) merge '$(SOURCE)' --results '$(RESULTS)' --prefer '$(PREFER)' $(DRY)

fetch: $(STAMPS) ## download and verify the data of a paper, at scale paper unless SCALE is given
	$(need_paper)
	$(REPRO) fetch $(PAPER) $(FETCH_SCALE) --results '$(RESULTS)' $(if $(DATASETS),--datasets '$(DATASETS)')

fit: $(STAMPS) ## a scaling law through the points of a CSV file (POINTS=<file>), with intervals
	@test -n "$(POINTS)" || { echo "name a file: make fit POINTS=points.csv PARAMETERS=<column> [TOKENS=<column>]" >&2; exit 2; }
	$(REPRO) fit '$(POINTS)' $(COLUMNS_OF_POINTS) $(FITTING)

logs: $(STAMPS) ## show one trial (TRIAL=<id>): attempts, output, error
	$(need_paper)
	$(need_trial)
	$(REPRO) logs $(PAPER) '$(TRIAL)' $(PLACE)

run-trial: $(STAMPS) ## run one trial (TRIAL=<id>) in the foreground
	$(need_paper)
	$(need_trial)
	$(REPRO) run-trial $(PAPER) '$(TRIAL)' $(PLACE)

# A cluster on this machine -------------------------------------------------------------------

cluster-up: $(STAMPS) ## start a real SLURM on this machine, with simulated nodes and GPUs
	@$(PY) -m slurm.devcluster up $(if $(filter 1,$(ACCOUNTING)),--accounting)

cluster-down: $(STAMPS) ## end that SLURM and its jobs, and nothing else
	@$(PY) -m slurm.devcluster down

# Development ----------------------------------------------------------------------------------

test: $(DEVELOPMENT) ## the tests (a few minutes)
	@$(PY) -m pytest -n auto $(TESTS)

test-all: $(DEVELOPMENT) ## every test, the slow ones and the benchmarks too
	@$(PY) -m pytest -n auto -m 'not benchmark' $(TESTS)
	@$(PY) -m pytest -m benchmark $(TESTS)

test-faults: $(DEVELOPMENT) ## what clusters do to sweeps, on a real SLURM; writes build/faults.md
	@FAULT_TABLE=build/faults.md $(PY) -m pytest -n 2 -m 'fault and not slow' --durations=0 tests/slurm $(TESTS)

bench: $(DEVELOPMENT) ## the benchmarks alone
	@$(PY) -m pytest -m benchmark -s $(TESTS)

profile: $(STAMPS) ## time the losses beside their peers (DEVICE=cuda|cpu); writes docs/profile*.json and .md
	@$(PY) -c 'import torch' 2>/dev/null || \
	  { echo "profile: $(PY) has no PyTorch: name a Python that has it (PYTHON=<path>)" >&2; exit 2; }
	@$(PY) -m losses.profile $(ON)

profile-page: $(STAMPS) ## write docs/profile.md again from its record
	@$(PY) -m losses.profile page $(ON)

error-rates: $(DEVELOPMENT) ## measure how often verdicts are wrong (minutes); writes docs/error_rates.md
	@PYTHONPATH=.:tests:tests/support $(PY) -m simulation.error_rates docs/error_rates.md

check: $(DEVELOPMENT) ## format, lint, types, import rules
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

format: $(DEVELOPMENT) ## format the sources and mend what lint can mend
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

system-packages: ## what LaTeX, the browser tests and a SLURM of one's own need, by apt-get (needs root)
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq --no-install-recommends \
	  chromium fonts-dejavu-core lmodern latexmk poppler-utils \
	  texlive-latex-recommended texlive-latex-extra texlive-science \
	  munge slurmctld slurmd slurm-client slurmdbd mariadb-server mariadb-client iproute2

clean: ## remove caches and the virtual environment; results stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -not -path './results/*' -prune -exec rm -rf {} +
	rm -rf build *.egg-info

help: ## this text
	@echo "Klaim runs the headline tables of machine-learning papers again and says which claims hold."
	@echo
	@echo "Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '  %-18s %s\n' "$$name" "$$text"; done
	@echo
	@echo "Variables:"
	@echo "  PAPER=<key>|all        the paper ($(patsubst tables/%.yaml,%,$(wildcard tables/*.yaml)))"
	@echo "  SCALE=smoke|small|paper  seconds, minutes on a laptop (default), the paper's own size on GPUs"
	@echo "  LAUNCHER=local|debug|slurm  all cores (default), this process, or jobs of a cluster"
	@echo "  CLUSTER=<profile>      slurm: a profile in slurm/ ($(patsubst slurm/%.yaml,%,$(wildcard slurm/*.yaml))), or the path of your own"
	@echo "  JOBS=n                 trials at once (default: one per core; slurm: as the profile says)"
	@echo "  SEEDS=n                seeds 0 … n-1 in place of the spec's; the report is then partial"
	@echo "  DATASETS=a,b           only these; file:<path> adds your own data"
	@echo "  METHODS=a,b            only these"
	@echo "  RESULTS=dir            where results are kept (default: results)"
	@echo "  STALE=rerun|keep       results of older code: rerun (default below paper scale) or keep"
	@echo "  RETRY=failed           run failed trials again"
	@echo "  SETTLE=1               add the one second stage: new seeds for what stayed undecided"
	@echo "  CELL=dataset/method    what to explain;  CLAIM=<id>  a claim;  TRIAL=<id>  a trial to show or run"
	@echo "  DRY_RUN=1              reproduce, merge: say what would be done; do nothing"
	@echo "  A=<folder> B=<folder>  the two reports that diff compares"
	@echo "  TO=parquet|csv         export: the format;  OUTPUT=<file>  the file;  CURVES=1  every logged point"
	@echo "  SOURCE=<folder>        merge: results to bring;  PREFER=ours|theirs  which of two that differ stays"
	@echo "  DEVICE=cuda|cpu        profile, profile-page: time the losses on a GPU (default) or on one thread"
	@echo "  POINTS=<file>          fit: a CSV file;  PARAMETERS, TOKENS, COMPUTE, LOSS, SEED=<its columns>"
	@echo "  FORM=<form>            fit: power_law_with_constant, joint, optimal_size, … (default: by the columns)"
	@echo "  HUBER_DELTA=x  DROP_HIGHEST=n  DRAWS=n   fit: Huber's loss; losses left out; resamples"
	@echo "  JSON=1  PLOT=<file>    fit: JSON for programs; draw it as .pdf, .png or .svg"
	@echo "  TESTS=<path>           test, test-all, bench: only these"
	@echo "  VENV=<dir>             where the virtual environment is made (default: .venv)"
	@echo "  PYTHON=<path>          the Python that makes the virtual environment"
	@echo "  TORCH=cpu              set up with the CPU build of torch (Linux: no CUDA downloads)"
	@echo "  SETUP=0                use PYTHON as it is, with what it has installed"
	@echo "  KLAIM_CLUSTER=<dir>    where cluster-up keeps its SLURM (default: ~/.local/state/klaim/devcluster)"
	@echo "  ACCOUNTING=1           cluster-up: with slurmdbd and MariaDB, so that sacct answers"
	@echo "  REPRO_DATA=<dir>       a folder with data files you already have"
	@echo "  KLAIM_CACHE=<dir>      where downloads go (default: ~/.cache/klaim)"
	@echo "  OFFLINE=1              never download; say what is missing"
