# shellcheck shell=bash
# The stack as plain processes, for machines without Docker and systemd. Sourced by start.sh after lib/components.sh.

RESTART_SECONDS=5
STOP_SECONDS=20

configure_processes() {
  configure_components
}

check_processes() {
  check_components
}

stop_processes() {
  fail "--processes runs in the foreground: end it with Ctrl-C or SIGTERM"
}

# Runs all components until SIGINT or SIGTERM.
run_processes() {
  local component supervisor=""
  exec 9>"$DATA/lock"
  if command -v flock >/dev/null && ! flock -n 9; then  # macOS has none; there, Prometheus's own lock stops a second one
    fail "another start.sh runs on $DATA"
  fi
  mkdir -p "$DATA/log"
  trap 'end_processes; exit 0' TERM INT
  for component in $WANTED; do
    supervise "$component" 9>&- &
    [[ $component != grafana ]] || supervisor=$!
  done
  announce
  [[ -z $supervisor ]] || check_grafana kill "$supervisor" 9>&- &
  wait || true
}

end_processes() {
  trap '' TERM INT
  say "stopping"
  # shellcheck disable=SC2046  # several process ids
  kill $(jobs -p) 2>/dev/null || true
  wait || true
}

# supervise COMPONENT: runs it, and runs it again when it exits. SIGTERM ends both.
supervise() {
  local log=$DATA/log/$1.log child=""
  trap 'end_child "$child"; exit 0' TERM
  trap '' INT
  command_of "$1"
  while true; do
    env ${VARIABLES[@]+"${VARIABLES[@]}"} "${COMMAND[@]}" >>"$log" 2>&1 &
    child=$!
    wait "$child" || true
    say "$1 exited and restarts in $RESTART_SECONDS s: $(tail -n 1 "$log")"
    sleep "$RESTART_SECONDS" &
    child=$!
    wait "$child" || true
  done
}

# end_child PID: ends it with SIGTERM, and with SIGKILL after STOP_SECONDS.
end_child() {
  local killer
  [[ -n $1 ]] || return 0
  kill "$1" 2>/dev/null || true
  (sleep "$STOP_SECONDS" && kill -9 "$1") 2>/dev/null &
  killer=$!
  wait "$1" || true
  kill "$killer" 2>/dev/null || true
}
