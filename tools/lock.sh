#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: `tools/lock.sh` after changing a dependency, `tools/lock.sh --upgrade` for
# the newest versions. Needs uv. One lock serves every platform and Python that pyproject.toml allows.
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@"
}

lock "$@" pyproject.toml --extra audio --group build --no-emit-package pyaudio --output-file requirements.lock
lock "$@" pyproject.toml --extra audio --group dev --no-emit-package pyaudio --constraints requirements.lock \
  --output-file requirements-dev.lock
lock "$@" - --output-file requirements-pyaudio.lock <<<PyAudio
