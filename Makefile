# Everything needs only python3, pip and make. The first run makes .venv; later runs start at once.
SHELL := /bin/sh
BIN := .venv/bin
JOBS ?= 2
DRILL ?=
SEEDS ?= 20
# JOBS processes fill the cores already; threads of theirs for matrices of a few hundred rows would only wait, busily.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest
# A file stays with one worker, so that what its tests share is made once; long files come first.
# House style is for `make check`. In four parts: workers that begin anew give back what PyTorch, MLflow and large stores had taken.
PLATFORM_TESTS := tests/unit/reference_platform tests/property/features tests/property/monitoring tests/property/shop tests/compat
NIGHT_TESTS := tests/golden tests/content tests/unit/simulator/session
SHARED := -n $(JOBS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help practice test check mutants sweep bench bench-smoke peers versions constraints setup setup-dev image clean check-types check-rules

help: ## What can be made
	@echo "PagerDrill: on-call practice for machine learning platforms"
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1@/' | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'
	@echo
	@echo "  make practice DRILL=gateway-504-at-3am   starts that drill; without DRILL it starts the next one that you have not finished"

setup: ## Make .venv with what playing needs
	@sh .ci/setup run

setup-dev:
	@sh .ci/setup dev

practice: setup ## Set up if needed, then start practising
	@$(BIN)/pagerdrill practice $(DRILL)

image: setup-dev ## Train the models with torch and register them in MLflow; playing does not need it
	@$(BIN)/pagerdrill platform train

test: setup-dev ## Set up if needed, then run the fast tests
	@failed=0; \
	$(PYTEST) $(SHARED) -m "not sweep" $(PLATFORM_TESTS) || failed=1; \
	for part in tests/contract "$(NIGHT_TESTS)"; do $(PYTEST) $(SHARED) -m "not sweep" $$part || failed=1; done; \
	$(PYTEST) $(SHARED) -m "not sweep" $(addprefix --ignore=,$(PLATFORM_TESTS) tests/contract $(NIGHT_TESTS) tests/test_tidy.py) tests || failed=1; \
	exit $$failed

check: setup-dev ## Format, lint, types, imports, house style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory -j $(JOBS) check-types check-rules

check-types:
	$(BIN)/mypy

check-rules:
	$(BIN)/lint-imports
	$(PYTEST) -q tests/test_tidy.py tests/test_imports.py

peers: setup-dev ## Install Feast, Polars and Ray: for the tests and benches that compare with them
	@sh .ci/peers

versions: setup-dev ## Install the oldest and the newest libraries that playing may meet: for the sweep, which verifies runs there
	@sh .ci/versions

mutants: setup-dev ## Change the code in small ways and see whether a test notices; SAMPLE=60 tries only so many
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.mutants --workers $(JOBS) $(if $(SAMPLE),--sample $(SAMPLE))

sweep: setup-dev ## Prove the content: every player on every drill, seeds 1-20; SEEDS=6 takes only so many
	@PAGERDRILL_SWEEP_SEEDS=$(SEEDS) $(PYTEST) -n $(JOBS) -m sweep

bench: setup-dev ## Measure speed beside what users would otherwise have
	@$(BIN)/pagerdrill bench

bench-smoke: setup-dev ## The same in a few minutes: fewer rounds, smaller sizes
	@$(BIN)/python -m bench --smoke --again

constraints: ## Pin the newest versions of all packages that fit, for everybody
	@sh .ci/constraints

clean: ## Remove .venv and every cache inside this folder
	rm -rf .venv .make build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
