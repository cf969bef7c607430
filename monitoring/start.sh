#!/usr/bin/env bash
# Runs the central stack in the foreground, until SIGINT or SIGTERM. Usage: monitoring/start.sh [OPTION]
#   --docker     by Docker Compose (the default where a Docker engine answers)
#   --processes  as plain processes of the servers that are installed
#   --check      only write and check the configuration
#   --settings   only print the settings, without secrets
# Settings and secrets come from the environment and from .env beside this file; see .env.example.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=monitoring/lib/settings.sh
source "$HERE/lib/settings.sh"
# shellcheck source=monitoring/lib/processes.sh
source "$HERE/lib/processes.sh"
# shellcheck source=monitoring/lib/docker.sh
source "$HERE/lib/docker.sh"

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

main() {
  local how=""
  local check=""
  local option
  for option in "$@"; do
    case $option in
      --docker | --processes) how=${option#--} ;;
      --check) check=yes ;;
      --settings)
        load_settings
        print_settings
        return
        ;;
      *) fail "expected --docker, --processes, --check or --settings, got: $option" ;;
    esac
  done
  [[ -n $how ]] || how=$(docker_answers && echo docker || echo processes)
  load_settings
  require_settings
  (umask 077 && mkdir -p "$DATA")
  write_secrets
  "configure_$how"
  "check_$how"
  [[ -n $check ]] || "run_$how"
}

main "$@"
