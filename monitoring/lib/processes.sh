# shellcheck shell=bash
# The stack as plain processes of the servers that are installed. Sourced by start.sh after lib/settings.sh.
#
# A component is a few facts, in one place each: its program's names, what its absence costs, where it answers, how it
# is run.

COMPONENTS="prometheus alertmanager loki grafana blackbox postgres redis nginx"
RESTART_SECONDS=5
STOP_SECONDS=20

RUNNING=()  # "component:pid"

# The names of its program, as Debian and as its makers call it.
programs_of() {
  case $1 in
    prometheus) echo prometheus ;;
    alertmanager) echo prometheus-alertmanager alertmanager ;;
    loki) echo loki ;;
    grafana) echo grafana ;;
    blackbox) echo prometheus-blackbox-exporter blackbox_exporter ;;
    postgres) echo prometheus-postgres-exporter postgres_exporter ;;
    redis) echo prometheus-redis-exporter redis_exporter ;;
    nginx) echo prometheus-nginx-exporter nginx-prometheus-exporter ;;
  esac
}

cost_of() {
  case $1 in
    loki) echo "no logs are kept; agents keep what they could not send" ;;
    grafana) echo "there are no dashboards" ;;
    blackbox) echo "a dead agent on a studio machine looks like a machine that is switched off" ;;
    postgres | redis | nginx) echo "$1 is not watched" ;;
    *) echo "there is no monitoring at all" ;;
  esac
}

# What an exporter watches; nothing for the others.
watched_by() {
  case $1 in
    postgres) echo POSTGRES_URL ;;
    redis) echo REDIS_URL ;;
    nginx) echo NGINX_STATUS_URL ;;
  esac
}

port_of() {
  case $1 in
    prometheus) echo "$PROMETHEUS_PORT" ;;
    alertmanager) echo "$ALERTMANAGER_PORT" ;;
    loki) echo "$LOKI_PORT" ;;
    grafana) echo "$GRAFANA_PORT" ;;
    blackbox) echo "$BLACKBOX_EXPORTER_PORT" ;;
    postgres) echo "$POSTGRES_EXPORTER_PORT" ;;
    redis) echo "$REDIS_EXPORTER_PORT" ;;
    nginx) echo "$NGINX_EXPORTER_PORT" ;;
  esac
}

service_of() {
  case $1 in
    postgres) echo postgresql ;;
    redis | nginx) echo "$1" ;;
  esac
}

# run COMPONENT: becomes it.
run() {
  local program address
  program=$(program_of "$1")
  address=$LISTEN:$(port_of "$1")
  case $1 in
    prometheus)
      exec "$program" --config.file="$CONFIG/prometheus.yml" --storage.tsdb.path="$DATA/prometheus" \
        --storage.tsdb.retention.time=15d --storage.tsdb.retention.size=10GB --web.listen-address="$address" \
        --web.enable-lifecycle
      ;;
    alertmanager)
      exec "$program" --config.file="$CONFIG/alertmanager.yml" --storage.path="$DATA/alertmanager" \
        --web.listen-address="$address" --cluster.listen-address=
      ;;
    loki) exec "$program" -config.file="$CONFIG/loki.yml" ;;
    grafana) run_grafana "$program" ;;
    blackbox) exec "$program" --config.file="$CONFIG/blackbox.yml" --web.listen-address="$address" ;;
    postgres) DATA_SOURCE_NAME=$POSTGRES_URL exec "$program" --web.listen-address="$address" ;;
    redis) REDIS_ADDR=$REDIS_URL exec "$program" -web.listen-address "$address" ;;
    nginx) exec "$program" -nginx.scrape-uri "$NGINX_STATUS_URL" -web.listen-address "$address" ;;
  esac
}

run_grafana() {
  local home=${GRAFANA_HOME:-/usr/share/grafana}
  GF_SERVER_HTTP_ADDR=$LISTEN GF_SERVER_HTTP_PORT=$GRAFANA_PORT GF_SERVER_ROOT_URL=$GRAFANA_URL \
    GF_PATHS_DATA=$DATA/grafana GF_PATHS_PROVISIONING=$CONFIG/grafana \
    GF_SECURITY_ADMIN_USER__FILE=$DATA/secrets/grafana-admin-user \
    GF_SECURITY_ADMIN_PASSWORD__FILE=$DATA/secrets/grafana-admin-password \
    exec "$1" server --homepath "$home"
}

program_of() {
  local name
  for name in $(programs_of "$1"); do
    command -v "$name" && return
  done
  return 1
}

# Sets WANTED to the components that can and shall run, and says what is missing and what that costs.
choose_components() {
  local component watched
  WANTED=""
  for component in $COMPONENTS; do
    watched=$(watched_by "$component")
    if [[ -n $watched && -z ${!watched} ]]; then
      say "$watched is not set, so $(cost_of "$component")"
    elif program_of "$component" >/dev/null; then
      WANTED="$WANTED $component"
    else
      say "missing: $(programs_of "$component" | sed 's/ / or /'), so $(cost_of "$component")"
    fi
  done
  [[ $WANTED == *" prometheus alertmanager"* ]] || fail "cannot do without Prometheus and Alertmanager"
}

write_targets() {
  local component service
  rm -f "$DATA"/targets/*.yml
  for component in $WANTED; do
    [[ $component == blackbox ]] && continue  # is asked by the job `ping`, about others
    service=$(service_of "$component")
    {
      echo "- targets: [\"$LISTEN:$(port_of "$component")\"]"
      [[ -z $service ]] || echo "  labels: {service: $service}"
    } >"$DATA/targets/$component.yml"
  done
}

# shellcheck disable=SC2034  # render() takes them by their names
configure_processes() {
  SECRETS=$DATA/secrets TARGETS=$DATA/targets TEMPLATES=$CONFIG/templates RULES=$HERE/prometheus/rules
  LOKI_DATA=$DATA/loki LOKI_LISTEN=$LISTEN LOKI_HTTP_PORT=$LOKI_PORT
  PROMETHEUS_ADDRESS=$LISTEN:$PROMETHEUS_PORT ALERTMANAGER_ADDRESS=$LISTEN:$ALERTMANAGER_PORT
  LOKI_ADDRESS=$LISTEN:$LOKI_PORT BLACKBOX_EXPORTER_ADDRESS=$LISTEN:$BLACKBOX_EXPORTER_PORT
  DASHBOARDS=$HERE/grafana/dashboards
  choose_components
  render_all
  write_targets
}

check_processes() {
  promtool check config "$CONFIG/prometheus.yml" >"$DATA/check.log" 2>&1 || fail "$(<"$DATA/check.log")"
  amtool check-config "$CONFIG/alertmanager.yml" >"$DATA/check.log" 2>&1 || fail "$(<"$DATA/check.log")"
}

# Runs all until a signal; what ends by itself is started again.
run_processes() {
  local component
  exec 9>"$DATA/lock"
  if command -v flock >/dev/null && ! flock -n 9; then  # macOS has none; there, Prometheus keeps a second one off
    fail "another start.sh runs on $DATA"
  fi
  mkdir -p "$DATA/log"
  trap 'stop_processes; exit 0' TERM INT
  for component in $WANTED; do
    start "$component"
  done
  say "Prometheus on http://$LISTEN:$PROMETHEUS_PORT, Alertmanager on http://$LISTEN:$ALERTMANAGER_PORT; data in $DATA"
  while true; do
    sleep 1 &
    wait $! || true  # a signal ends the wait at once, and not the sleep
    restart_ended
  done
}

start() {
  (run "$1") >>"$DATA/log/$1.log" 2>&1 9>&- &
  RUNNING+=("$1:$!")
}

restart_ended() {
  local entry ended=()
  for entry in "${RUNNING[@]}"; do
    kill -0 "${entry#*:}" 2>/dev/null || ended+=("$entry")
  done
  for entry in ${ended[@]+"${ended[@]}"}; do
    say "${entry%:*} has ended and is started again in $RESTART_SECONDS s: $(tail -n 1 "$DATA/log/${entry%:*}.log")"
    forget "$entry"
    (sleep "$RESTART_SECONDS" && run "${entry%:*}") >>"$DATA/log/${entry%:*}.log" 2>&1 9>&- &
    RUNNING+=("${entry%:*}:$!")
  done
}

forget() {
  local entry kept=()
  for entry in "${RUNNING[@]}"; do
    [[ $entry == "$1" ]] || kept+=("$entry")
  done
  RUNNING=(${kept[@]+"${kept[@]}"})
}

stop_processes() {
  local entry deadline=$((SECONDS + STOP_SECONDS))
  trap '' TERM INT
  say "stopping"
  for entry in "${RUNNING[@]}"; do
    kill "${entry#*:}" 2>/dev/null || true
  done
  for entry in "${RUNNING[@]}"; do
    while kill -0 "${entry#*:}" 2>/dev/null && ((SECONDS < deadline)); do
      sleep 0.1
    done
    if kill -9 "${entry#*:}" 2>/dev/null; then
      say "${entry%:*} did not stop within $STOP_SECONDS s and was killed"
    fi
  done
}
