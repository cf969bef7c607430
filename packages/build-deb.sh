#!/usr/bin/env bash
# Build wr-agent_<version>_<arch>.deb from this checkout. Usage: packages/build-deb.sh [--output FOLDER]
# The package is for the Debian release and the processor that it is built on.
set -euo pipefail

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
# shellcheck source=tools/bootstrap.sh
source "$ROOT/tools/bootstrap.sh"

if ! command -v dpkg-deb >/dev/null; then
  fail "needs dpkg-deb: build the package on Debian or Ubuntu"
fi
prepare run
cd "$ROOT"
if [[ ! -x /usr/bin/$("$VENV/bin/python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])') ]]; then
  fail "needs Debian's own Python in .venv, found $("$VENV/bin/python" -V); remove .venv and put /usr/bin first in PATH"
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
exec "$VENV/bin/python" -m packages.debian.build "$@"
