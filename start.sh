#!/usr/bin/env bash
# Run the agent in the foreground, after installing what is missing. Usage: ./start.sh [ARGUMENTS OF wr-agent run]
set -euo pipefail

ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tools/bootstrap.sh
source "$ROOT/tools/bootstrap.sh"

prepare run
exec "$VENV/bin/wr-agent" run --welcome "$@"
