#!/usr/bin/env bash
# Checks and tests everything, after installing what is missing.
#
# ./test.sh            Run ruff, mypy and all tests.
# ./test.sh --quick    Leave out the tests that start a server, a browser or a compiler, or are slow by nature.
# ./test.sh --cov      Run everything, and report the coverage.
# ./test.sh ARGUMENTS  Run pytest with these arguments, and nothing else.
set -euo pipefail

ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tools/bootstrap.sh
source "$ROOT/tools/bootstrap.sh"

prepare test
cd "$ROOT"

python() {
  "$VENV/bin/python" "$@"
}

check() {
  say "ruff"
  python -m ruff check
  python -m ruff format --check
  say "mypy"
  python -m mypy
}

test_in_parallel() {
  say "pytest"
  python -m pytest -n auto --dist loadscope "$@"
}

case $* in
  "")
    check
    test_in_parallel
    ;;
  --quick)
    # The tests wait for half of their time, in which ruff and mypy run.
    said=$(mktemp)
    check >"$said" 2>&1 &
    status=0
    test_in_parallel -m "not (server or browser or compiler or slow)" || status=$?
    wait $! || status=1
    cat "$said"
    rm "$said"
    exit "$status"
    ;;
  --cov)
    check
    test_in_parallel --cov
    ;;
  *) python -m pytest "$@" ;;
esac
