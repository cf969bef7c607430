#!/usr/bin/env bash
# Build the archive of this version and the Homebrew formula that installs it, from the last commit.
# Usage: packages/build-formula.sh [--url URL] [--output FOLDER]
# Without --url the formula names the archive on this machine: brew install --formula dist/wr-agent.rb
set -euo pipefail

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

checksum() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  else
    shasum -a 256 "$1"
  fi | cut -d' ' -f1
}

url='' output=$ROOT/dist
while (($# > 0)); do
  case $1 in
    --url) url=${2:?needs a value} ;;
    --output) output=${2:?needs a value} ;;
    *) fail "expected --url URL or --output FOLDER, got $1" ;;
  esac
  shift 2
done

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$ROOT/agent/__init__.py")
mkdir -p "$output"
output=$(cd "$output" && pwd)
archive=$output/wr-agent-$version.tar.gz
git -C "$ROOT" archive --format=tar.gz --prefix="wr-agent-$version/" --output="$archive" HEAD
sed -e "s|@URL@|${url:-file://$archive}|" -e "s|@VERSION@|$version|" -e "s|@SHA256@|$(checksum "$archive")|" \
  "$ROOT/packages/homebrew/wr-agent.rb" >"$output/wr-agent.rb"
printf '%s\n' "$archive" "$output/wr-agent.rb"
