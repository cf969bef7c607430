# shellcheck shell=bash
# The stack with Docker Compose. Sourced by start.sh after lib/settings.sh.

docker_answers() {
  docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1
}

# Paths and addresses inside the containers.
# shellcheck disable=SC2034  # render() uses them by name
configure_docker() {
  SECRETS=/run/secrets TARGETS=/etc/white-room/targets TEMPLATES=/etc/white-room/config/templates
  RULES=/etc/white-room/rules CONTACTS=/etc/white-room/config/contacts.yml
  LOKI_DATA=/loki LOKI_LISTEN=0.0.0.0 LOKI_HTTP_PORT=3100
  PROMETHEUS_ADDRESS=prometheus:9090 ALERTMANAGER_ADDRESS=alertmanager:9093 LOKI_ADDRESS=loki:3100
  BLACKBOX_EXPORTER_ADDRESS=blackbox:9115
  DASHBOARDS=/etc/white-room/dashboards RUNBOOK_DASHBOARDS=/etc/white-room/runbooks
  GATEWAY_ADDRESS=0.0.0.0:9443 GATEWAY_STATE=/tmp GATEWAY_USER=nginx GATEWAY_PROBE=gateway:9443
  local agents=$AGENTS_FILE grpc=$LOKI_GRPC_PORT keys=$GATEWAY_KEYS
  AGENTS_FILE=/etc/white-room/agents.yml LOKI_GRPC_PORT=9095 GATEWAY_KEYS=/etc/white-room/gateway-keys
  render_all
  AGENTS_FILE=$agents LOKI_GRPC_PORT=$grpc GATEWAY_KEYS=$keys
  mkdir -p "$DATA/prometheus" "$DATA/alertmanager" "$DATA/loki" "$DATA/grafana"
  write_docker_targets
  compose_environment
}

write_docker_targets() {
  clear_targets
  write_target prometheus prometheus:9090 ""
  write_target alertmanager alertmanager:9093 ""
  write_target loki loki:3100 ""
  write_target grafana grafana:3000 ""
  PROFILES=""
  add_exporter postgres "$POSTGRES_URL" 9187 postgresql
  add_exporter redis "$REDIS_URL" 9121 redis
  add_exporter nginx "$NGINX_STATUS_URL" 9113 nginx
  [[ -z $GATEWAY_KEYS ]] || PROFILES="$PROFILES --profile gateway"
  write_service_targets
}

# add_exporter NAME WATCHED PORT SERVICE: enables the exporter's profile if it has a service to watch.
add_exporter() {
  [[ -n $2 ]] || return 0
  PROFILES="$PROFILES --profile $1"
  write_target "$1" "$1-exporter:$3" "$4"
}

# The variables of compose.yml.
compose_environment() {
  export DATA CONFIG AGENTS_FILE LISTEN GRAFANA_URL POSTGRES_URL REDIS_URL NGINX_STATUS_URL DASHBOARDS_DIR RUNBOOKS_DIR
  export PROMETHEUS_PORT ALERTMANAGER_PORT GRAFANA_PORT LOKI_PORT GATEWAY_KEYS GATEWAY_LISTEN GATEWAY_PORT
  RUN_AS=$(id -u):$(id -g)
  export RUN_AS
}

compose() {
  # shellcheck disable=SC2086  # several options, or none
  docker compose --file "$HERE/compose.yml" --project-name white-room-monitoring $PROFILES "$@"
}

check_docker() {
  compose config --quiet || fail "Docker Compose rejects $HERE/compose.yml"
}

run_docker() {
  local server
  for server in "Prometheus $PROMETHEUS_PORT" "Alertmanager $ALERTMANAGER_PORT" "Loki $LOKI_PORT" "Grafana $GRAFANA_PORT"; do
    say "${server% *}: http://$LISTEN:${server#* }"
  done
  check_grafana compose stop grafana &
  # shellcheck disable=SC2064  # the process id of now
  trap "kill $! 2>/dev/null || true" EXIT
  compose up --remove-orphans
}

stop_docker() {
  configure_docker
  compose down
}
