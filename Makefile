# make run    everything on this machine, and it stays up        make test   all that CI runs
# make demo   the same, and exits with the main job's status     make lint fmt coverage bench clean
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.runtime-stamp
TEST_STAMP := $(VENV)/.test-stamp

# Test processes: one, or two that share the tests (tests/support/sharing.py).
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: messages rules help run demo test lint fmt coverage bench clean

help:
	@sed -n '1,2s/^# //p' Makefile

# torch comes first and alone, so that nothing else can pull another build of it.
$(RUN_STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 is needed; name it with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing the environment into $(VENV); a few minutes the first time."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(TEST_STAMP): $(RUN_STAMP) tests/requirements.txt requirements-otel.txt
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	touch $@

run: $(RUN_STAMP)
	$(BIN)/python manage.py up --walkthrough

demo: $(RUN_STAMP)
	$(BIN)/python manage.py up --walkthrough --exit

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy altlas authgateway orchestrator archive segmentation
	$(BIN)/lint-imports

fmt: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	$(BIN)/python -m tests.support.gates
	$(BIN)/python -m pytest -p tests.support.sharing -n $(JOBS) --durations=15

# What the tests reach, a line each; tracing makes them half as fast again.
coverage: $(TEST_STAMP)
	$(BIN)/python -m pytest -p tests.support.sharing -n $(JOBS) --cov --cov-report=term

bench: $(TEST_STAMP)
	$(BIN)/python -m pip install --quiet -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks

rules: $(TEST_STAMP)
	$(BIN)/python -m tests.support.rules

messages: $(TEST_STAMP)
	$(BIN)/python -m tests.support.messages

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-artifacts
