# shellcheck shell=bash
# The stack by Docker Compose. Sourced by start.sh after lib/settings.sh.

docker_answers() {
  docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1
}

# Inside the containers, everything has one place and one name.
# shellcheck disable=SC2034  # render() takes them by their names
configure_docker() {
  SECRETS=/run/secrets TARGETS=/etc/white-room/targets TEMPLATES=/etc/white-room/config/templates
  RULES=/etc/white-room/rules LOKI_DATA=/loki LOKI_LISTEN=0.0.0.0 LOKI_HTTP_PORT=3100
  PROMETHEUS_ADDRESS=prometheus:9090 ALERTMANAGER_ADDRESS=alertmanager:9093 LOKI_ADDRESS=loki:3100
  BLACKBOX_EXPORTER_ADDRESS=blackbox:9115 DASHBOARDS=/etc/white-room/dashboards
  local agents=$AGENTS_FILE
  AGENTS_FILE=/etc/white-room/agents.yml
  render_all
  AGENTS_FILE=$agents
  mkdir -p "$DATA/prometheus" "$DATA/alertmanager" "$DATA/loki" "$DATA/grafana"
  write_docker_targets
  compose_environment
}

write_docker_targets() {
  rm -f "$DATA"/targets/*.yml
  echo '- targets: ["prometheus:9090"]' >"$DATA/targets/prometheus.yml"
  echo '- targets: ["alertmanager:9093"]' >"$DATA/targets/alertmanager.yml"
  echo '- targets: ["loki:3100"]' >"$DATA/targets/loki.yml"
  echo '- targets: ["grafana:3000"]' >"$DATA/targets/grafana.yml"
  PROFILES=""
  add_exporter postgres "$POSTGRES_URL" 9187 postgresql
  add_exporter redis "$REDIS_URL" 9121 redis
  add_exporter nginx "$NGINX_STATUS_URL" 9113 nginx
}

# add_exporter NAME WATCHED PORT SERVICE: an exporter that has something to watch runs, by the profile of its name.
add_exporter() {
  [[ -n $2 ]] || return 0
  PROFILES="$PROFILES --profile $1"
  printf -- '- targets: ["%s-exporter:%s"]\n  labels: {service: %s}\n' "$1" "$3" "$4" >"$DATA/targets/$1.yml"
}

# What compose.yml refers to.
compose_environment() {
  export DATA CONFIG AGENTS_FILE LISTEN GRAFANA_URL POSTGRES_URL REDIS_URL NGINX_STATUS_URL
  export PROMETHEUS_PORT ALERTMANAGER_PORT GRAFANA_PORT LOKI_PORT
  RUN_AS=$(id -u):$(id -g)
  export RUN_AS
}

compose() {
  # shellcheck disable=SC2086  # several options, or none
  docker compose --file "$HERE/compose.yml" --project-name white-room-monitoring $PROFILES "$@"
}

check_docker() {
  compose config --quiet || fail "Docker Compose does not accept $HERE/compose.yml"
}

run_docker() {
  compose up --remove-orphans
}
