#!/usr/bin/env bash
# Runs the central stack in the foreground, until SIGINT or SIGTERM. Usage: monitoring/start.sh [OPTION]
#   --docker     by Docker Compose (the default where a Docker engine answers)
#   --processes  as plain processes of the servers that are installed
#   --check      only write and check the configuration
#   --settings   only print the settings, without secrets
# Settings and secrets come from the environment and from .env beside this file; see .env.example.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/settings.sh
source "$HERE/lib/settings.sh"
# shellcheck source=lib/processes.sh
source "$HERE/lib/processes.sh"
# shellcheck source=lib/docker.sh
source "$HERE/lib/docker.sh"

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

HOW=""
CHECK_ONLY=""

read_options() {
  local option
  for option in "$@"; do
    case $option in
      --docker | --processes) HOW=${option#--} ;;
      --check) CHECK_ONLY=yes ;;
      --settings)
        load_settings
        print_settings
        exit
        ;;
      *) fail "expected --docker, --processes, --check or --settings, got: $option" ;;
    esac
  done
}

main() {
  read_options "$@"
  [[ -n $HOW ]] || HOW=$(docker_answers && echo docker || echo processes)
  load_settings
  require_settings
  (umask 077 && mkdir -p "$DATA")
  write_secrets
  "configure_$HOW"
  "check_$HOW"
  [[ -n $CHECK_ONLY ]] || "run_$HOW"
}

main "$@"
