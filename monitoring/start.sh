#!/usr/bin/env bash
# Runs the central stack. Usage: monitoring/start.sh [OPTION]
#   --docker     with Docker Compose, in the foreground (the default where a Docker engine responds)
#   --systemd    as systemd units, which it writes and starts (the default where systemd runs)
#   --processes  as plain processes, in the foreground (the default elsewhere)
#   --stop       stops what --systemd or --docker started
#   --compose    passes the remaining arguments to Docker Compose, with the stack's file and settings
#   --demo       a stack with a simulated studio and stand-in receivers on loopback; needs no settings
#   --check      only writes and checks the configuration
#   --settings   only prints the settings, without secrets
#   --help       prints this text
# Settings and secrets come from the environment and from .env next to this file; see .env.example.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/settings.sh
source "$HERE/lib/settings.sh"
# shellcheck source=lib/components.sh
source "$HERE/lib/components.sh"
# shellcheck source=lib/grafana.sh
source "$HERE/lib/grafana.sh"
# shellcheck source=lib/processes.sh
source "$HERE/lib/processes.sh"
# shellcheck source=lib/systemd.sh
source "$HERE/lib/systemd.sh"
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
STEP=run
REST=()

print_help() {
  sed -n 's/^# \{0,1\}//; 2,/^set/{/^set/d; p;}' "$HERE/start.sh"
}

read_options() {
  while (($#)); do
    case $1 in
      --docker | --systemd | --processes) HOW=${1#--} ;;
      --check | --settings | --stop) STEP=${1#--} ;;
      --demo) run_demo ;;
      --compose)
        HOW=docker STEP=compose REST=("${@:2}")
        return
        ;;
      --help | -h)
        print_help
        exit
        ;;
      *) fail "unknown option: $1; see --help" ;;
    esac
    shift
  done
}

# The demo is Python, from the project's .venv.
run_demo() {
  local python=${PYTHON:-$HERE/../.venv/bin/python}
  [[ -x $python ]] || fail "expected Python at $python; run ./test.sh once, which prepares it"
  cd "$HERE/.."
  exec "$python" -m monitoring.drill.demo
}

choose_how() {
  [[ -z $HOW ]] || return 0
  HOW=processes
  if docker_answers; then
    HOW=docker
  elif systemd_answers; then
    HOW=systemd
  fi
}

main() {
  read_options "$@"
  load_settings
  if [[ $STEP == settings ]]; then
    print_settings
    exit
  fi
  choose_how
  if [[ $STEP == stop ]]; then
    "stop_$HOW"
    exit
  fi
  require_settings
  (umask 077 && mkdir -p "$DATA")
  write_secrets
  "configure_$HOW"
  case $STEP in
    compose) compose ${REST[@]+"${REST[@]}"} ;;
    check) "check_$HOW" ;;
    run)
      "check_$HOW"
      "run_$HOW"
      ;;
  esac
}

main "$@"
