# shellcheck shell=bash
# The check that a started Grafana accepts the password of the settings and rejects its default. Sourced by start.sh.

GRAFANA_SECONDS=${GRAFANA_SECONDS:-180}

# The directory with Grafana's conf/defaults.ini: GRAFANA_HOME, Debian's place, or next to the program.
grafana_home() {
  local program home
  program=$(program_of grafana) || return 1
  for home in ${GRAFANA_HOME:+"$GRAFANA_HOME"} /usr/share/grafana "$(dirname "$(dirname "$(readlink -f "$program")")")"; do
    if [[ -f $home/conf/defaults.ini ]]; then
      echo "$home"
      return
    fi
  done
  return 1
}

# check_grafana STOP...: runs the command STOP if the default login works, or if the password of the settings fails.
check_grafana() {
  local reason
  if reason=$(grafana_fault); then
    say "Grafana on http://$LISTEN:$GRAFANA_PORT is stopped: $reason"
    "$@"
    return 1
  fi
}

# Prints what is wrong, and fails if nothing is.
grafana_fault() {
  local deadline=$((SECONDS + GRAFANA_SECONDS)) status
  until curl --silent --fail --output /dev/null --max-time 5 "http://$LISTEN:$GRAFANA_PORT/api/health"; do
    if ((SECONDS >= deadline)); then
      echo "it has not responded for $GRAFANA_SECONDS s; see its log"
      return
    fi
    sleep 1
  done
  status=$(grafana_login admin admin)
  if [[ $status != 40[13] ]]; then
    echo "it answers HTTP $status to the default login admin/admin, expected 401"
    return
  fi
  status=$(grafana_login "$GRAFANA_ADMIN_USER" "$GRAFANA_ADMIN_PASSWORD")
  if [[ $status != 200 ]]; then
    echo "it answers HTTP $status to GRAFANA_ADMIN_PASSWORD, expected 200; docs/setup.md explains the reset"
    return
  fi
  return 1
}

# grafana_login USER PASSWORD: prints the HTTP status. The password is not an argument of a process.
grafana_login() {
  local login=$1:$2
  login=${login//\\/\\\\}
  curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' --config - \
    "http://$LISTEN:$GRAFANA_PORT/api/user" <<<"user = \"${login//\"/\\\"}\"" || true
}
