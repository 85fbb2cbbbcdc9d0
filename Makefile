# Every target sets up .venv first, if requirements.txt or pyproject.toml is newer than it.
# Without make: docs/install.md has the plain commands.

PYTHON ?= python3
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# A relative folder would mean something else where DVC runs a stage elsewhere.
ifneq ($(CONVLAB_MIRROR),)
ifeq ($(filter /%,$(CONVLAB_MIRROR))$(findstring ://,$(CONVLAB_MIRROR)),)
export CONVLAB_MIRROR := $(CURDIR)/$(CONVLAB_MIRROR)
endif
endif

# uv takes a third of pip's time and shows what it does; where it has no wheel, pip does it.
UV := uv==0.13.9
define install
	@if .venv/bin/python -m pip install --quiet --only-binary :all: $(UV); \
	then .venv/bin/python -m uv pip install $(if $(TORCH),--torch-backend $(TORCH)) $(1); \
	else .venv/bin/python -m pip install $(1); fi
endef

.PHONY: help setup setup-tests demo repro check-network exercise grade test verify regression plots compare \
	speedrun readme clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready ## create .venv with what the pipeline needs; TORCH=cpu: without CUDA

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convlab needs Python 3.11 or later")'
	$(PYTHON) -m venv .venv
	$(call install,--requirement requirements.txt --editable .)
	touch $@

setup-tests: .venv/tests ## add what the tests need

.venv/tests: .venv/ready requirements-dev.txt
	$(call install,--requirement requirements-dev.txt)
	touch $@

demo: setup ## run the whole pipeline on bundled data: no download, a few minutes
	python src/tools/demo.py

repro: setup ## rebuild everything that is out of date; PRESET=long: with params.long.yaml
	@python src/tools/$(if $(PRESET),preset.py "$$PRESET",repro.py)

check-network: setup ## check a network before its training, and what it costs: NETWORK=student
	@python src/tools/check_network.py "$${NETWORK:-student}"

exercise: setup ## check an exercise, N=3, or all of them
	@python exercises/check.py $(N)

grade: setup ## train and measure the networks of branches: BRANCH="ann ben"
	@python src/tools/grade.py $(BRANCH)

test: setup-tests ## linter and tests
	ruff check .
	ruff format --check .
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

verify: setup ## compare this run with the last commit; FORCE=1 first runs it anew in a clone
	@python src/tools/verify.py $(if $(filter-out 0,$(FORCE)),--force)

regression: setup ## compare metrics/ with those of another branch: BASE=main
	@python src/tools/regression.py --base "$${BASE:-main}"

plots: setup ## draw DVC's plots into a page that needs no network
	python src/tools/plots.py

compare: setup ## train every super-resolution network for the same time and the same arithmetic
	python benchmarks/compare

speedrun: setup ## train an entry of the board with three seeds: ENTRY=file.yaml
	python benchmarks/speedrun $(ENTRY)

readme: setup-tests ## renew tables and pictures of README and docs from metrics/ and the models
	python src/tools/render_readme.py

clean: ## remove .venv, the demo and unfinished work; results and DVC's cache stay
	rm -rf .venv demo .work logs dvc_plots .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
