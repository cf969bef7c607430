#!/usr/bin/env bash
# Trains people on call: injects real faults, shows each page as it arrives in stand-in receivers, scores the answers.
# Usage: monitoring/drill.sh [--list] [--only NAME...] [--auto] [--report FILE]; see docs/training.md.
set -euo pipefail

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
PYTHON=${PYTHON:-$ROOT/.venv/bin/python}
if [[ ! -x $PYTHON ]]; then
  printf '%s: expected Python at %s; run ./test.sh once, which prepares it\n' "${0##*/}" "$PYTHON" >&2
  exit 1
fi
cd "$ROOT"
exec "$PYTHON" -m monitoring.drill "$@"
