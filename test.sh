#!/usr/bin/env bash
# Checks and tests everything, after installing what is missing. Usage: ./test.sh [ARGUMENTS OF pytest]
# With arguments it runs pytest with these and nothing else.
set -euo pipefail

ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tools/bootstrap.sh
source "$ROOT/tools/bootstrap.sh"

prepare test
cd "$ROOT"
python() {
  "$VENV/bin/python" "$@"
}

if (($#)); then
  exec "$VENV/bin/python" -m pytest "$@"
fi
say "ruff"
python -m ruff check
python -m ruff format --check
say "mypy"
python -m mypy
say "pytest"
exec "$VENV/bin/python" -m pytest --cov
