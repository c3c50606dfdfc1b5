# What people who change Impasto type most. `just` lists it.

_list:
    @just --list

# the tests that take seconds
test *args:
    python -m pytest -m "not slow" {{ args }}

# what CI runs, in a fresh virtual environment
ci:
    .ci/run

# lint, format, types, import law
check:
    ruff check .
    ruff format --check .
    mypy
    lint-imports

# put right what can be put right
fix:
    ruff check --fix .
    ruff format .

# the benchmarks that need no training
bench:
    python bench/cold_start.py
    python bench/sizes.py
