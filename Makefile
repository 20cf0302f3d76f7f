# On a fresh machine: `make table1` or `make test`. Either sets everything up first, once.
#   make table1 ARGS="--seeds 1"     more options: .venv/bin/harness run --help
#   make test PYTHON=python3.12      another interpreter
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: table1 test test-all bench docs lint setup pins clean

table1: $(READY)
	@$(BIN)/harness run table1 $(ARGS)

test: lint
	@$(BIN)/pytest -q -n 2 --dist worksteal

test-all: export HARNESS_TEST_COUNTS = full
test-all: test

bench: $(READY)  # ARGS="--data FOLDER" for real sentences; ARGS="smoothness frozen" for a part
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(READY)  # pages into build/docs
	@$(BIN)/python -m zensical build --strict

lint: $(READY)
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --check --quiet . || { echo "ruff: some files are not formatted; mend with $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
		{ echo "$(PYTHON) is not installed; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "$$($(PYTHON) --version 2>&1) is not supported; name a Python 3.11, 3.12 or 3.13: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module; install it (Debian, Ubuntu: the package python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) with PyTorch, transformers and MLflow: once, some minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

# Newest versions that pyproject.toml admits, for every supported Python and system; needs uv. CUDA's packages come
# with the PyTorch that a machine chooses, so they are not pinned.
pins:
	@{ sed '/^[^#]/,$$d' constraints.txt; \
	   uv pip compile --quiet --universal --python-version 3.11.0 --all-extras --no-header --no-annotate pyproject.toml \
	   | grep -vE "^(cuda|nvidia|triton)|== 'emscripten'$$"; } >constraints.new
	@mv constraints.new constraints.txt

clean:  # runs/, the results, stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
