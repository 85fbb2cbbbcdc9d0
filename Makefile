# Every target first sets up .venv, if requirements.txt or pyproject.toml is newer than .venv.
# docs/install.md has the commands for a machine without make.

PYTHON ?= python3
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Make a relative folder absolute, because DVC may run a stage in another folder.
ifneq ($(CONVLAB_MIRROR),)
ifeq ($(filter /%,$(CONVLAB_MIRROR))$(findstring ://,$(CONVLAB_MIRROR)),)
export CONVLAB_MIRROR := $(CURDIR)/$(CONVLAB_MIRROR)
endif
endif

# uv takes a third of pip's time, and shows its progress; pip installs where uv has no wheel.
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

setup: .venv/ready ## create .venv with what the pipeline needs; TORCH=cpu: a smaller torch, without CUDA

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convlab needs Python 3.11 or later")'
	$(PYTHON) -m venv .venv
	$(call install,--requirement requirements.txt --editable .)
	touch $@

setup-tests: .venv/tests ## add what the tests need

.venv/tests: .venv/ready requirements-dev.txt
	$(call install,--requirement requirements-dev.txt)
	touch $@

demo: setup ## run the whole pipeline on bundled data, without a download, in a few minutes
	python src/tools/demo.py

repro: setup ## rebuild everything that is out of date; PRESET=long: with the values of params.long.yaml
	@python src/tools/$(if $(PRESET),preset.py "$$PRESET",repro.py)

check-network: setup ## check a network before its training, and estimate its cost: NETWORK=student
	@python src/tools/check_network.py "$${NETWORK:-student}"

exercise: setup ## check all exercises, or one: N=3
	@python exercises/check.py $(N)

grade: setup ## train and measure the networks of branches: BRANCH="ann ben"
	@python src/tools/grade.py $(BRANCH)

test: setup-tests ## linter and tests
	ruff check .
	ruff format --check .
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

verify: setup ## compare this run with the last commit; FORCE=1: first run all again, in a clone
	@python src/tools/verify.py $(if $(filter-out 0,$(FORCE)),--force)

regression: setup ## compare metrics/ with those of another branch: BASE=main
	@python src/tools/regression.py --base "$${BASE:-main}"

plots: setup ## draw DVC's plots into a page that needs no internet
	python src/tools/plots.py

compare: setup ## train all super-resolution networks for the same time, and for the same arithmetic
	python benchmarks/compare

speedrun: setup ## train an entry of the board with three seeds: ENTRY=file.yaml
	python benchmarks/speedrun $(ENTRY)

readme: setup-tests ## update tables and pictures of README.md and docs/ from metrics/ and the models
	python src/tools/render_readme.py

clean: ## remove .venv, the demo and unfinished work, but not results and DVC's cache
	rm -rf .venv demo .work logs dvc_plots .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
