# shellcheck shell=bash
# The servers of the stack that run without Docker: program, address, command and environment of each. Sourced by
# start.sh.

COMPONENTS="prometheus alertmanager loki grafana blackbox gateway postgres redis nginx"

# The names of the program, as Debian and as its authors call it.
programs_of() {
  case $1 in
    prometheus) echo prometheus ;;
    alertmanager) echo prometheus-alertmanager alertmanager ;;
    loki) echo loki ;;
    grafana) echo grafana ;;
    blackbox) echo prometheus-blackbox-exporter blackbox_exporter ;;
    gateway) echo nginx ;;
    postgres) echo prometheus-postgres-exporter postgres_exporter ;;
    redis) echo prometheus-redis-exporter redis_exporter ;;
    nginx) echo prometheus-nginx-exporter nginx-prometheus-exporter ;;
  esac
}

# Debian's Nginx is in a directory that only root has on its PATH.
program_of() {
  local name
  for name in $(programs_of "$1"); do
    PATH=$PATH:/usr/sbin command -v "$name" && return
  done
  return 1
}

cost_of() {
  case $1 in
    loki) echo "no logs are stored; agents keep them in their files" ;;
    grafana) echo "there are no dashboards" ;;
    blackbox) echo "a failed agent on a studio machine looks like a machine that is off" ;;
    gateway) echo "agents on other machines cannot push" ;;
    postgres | redis | nginx) echo "$1 is not monitored" ;;
    *) echo "there is no monitoring" ;;
  esac
}

# The setting that a component needs, such as the service of an exporter; nothing for other servers.
watched_by() {
  case $1 in
    gateway) echo GATEWAY_KEYS ;;
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
    gateway) echo "$GATEWAY_PORT" ;;
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

# command_of COMPONENT: sets COMMAND, and VARIABLES to its environment.
# shellcheck disable=SC2016,SC2034  # Grafana reads $__file{} itself; the callers use COMMAND and VARIABLES
command_of() {
  local program address
  program=$(program_of "$1")
  address=$LISTEN:$(port_of "$1")
  VARIABLES=()
  case $1 in
    prometheus)
      COMMAND=("$program" "--config.file=$CONFIG/prometheus.yml" "--storage.tsdb.path=$DATA/prometheus"
        --storage.tsdb.retention.time=15d --storage.tsdb.retention.size=10GB "--web.listen-address=$address"
        --web.enable-lifecycle --web.enable-remote-write-receiver)
      ;;
    alertmanager)
      COMMAND=("$program" "--config.file=$CONFIG/alertmanager.yml" "--storage.path=$DATA/alertmanager"
        "--web.listen-address=$address" --cluster.listen-address=)
      ;;
    loki) COMMAND=("$program" "-config.file=$CONFIG/loki.yml") ;;
    grafana)
      COMMAND=("$program" server --homepath "$(grafana_home)")
      VARIABLES=("GF_SERVER_HTTP_ADDR=$LISTEN" "GF_SERVER_HTTP_PORT=$GRAFANA_PORT" "GF_SERVER_ROOT_URL=$GRAFANA_URL"
        "GF_PATHS_DATA=$DATA/grafana" "GF_PATHS_PROVISIONING=$CONFIG/grafana"
        'GF_SECURITY_ADMIN_USER=$__file{'"$DATA/secrets/grafana-admin-user}"
        'GF_SECURITY_ADMIN_PASSWORD=$__file{'"$DATA/secrets/grafana-admin-password}"
        GF_ANALYTICS_REPORTING_ENABLED=false GF_ANALYTICS_CHECK_FOR_UPDATES=false
        GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false GF_NEWS_NEWS_FEED_ENABLED=false)
      ;;
    blackbox) COMMAND=("$program" "--config.file=$CONFIG/blackbox.yml" "--web.listen-address=$address") ;;
    gateway) COMMAND=("$program" -c "$CONFIG/gateway.conf" -e stderr) ;;
    postgres) COMMAND=("$program" "--web.listen-address=$address") VARIABLES=("DATA_SOURCE_NAME=$POSTGRES_URL") ;;
    redis) COMMAND=("$program" -web.listen-address "$address") VARIABLES=("REDIS_ADDR=$REDIS_URL") ;;
    nginx) COMMAND=("$program" -nginx.scrape-uri "$NGINX_STATUS_URL" -web.listen-address "$address") ;;
  esac
}

# Sets WANTED to the components that can run, and names each missing one with its cost.
choose_components() {
  local component watched
  WANTED=""
  for component in $COMPONENTS; do
    watched=$(watched_by "$component")
    if [[ -n $watched && -z ${!watched} ]]; then
      say "$watched is not set, so $(cost_of "$component")"
    elif ! program_of "$component" >/dev/null; then
      say "missing: $(programs_of "$component" | sed 's/ / or /'), so $(cost_of "$component")"
    elif [[ $component == grafana ]] && ! grafana_home >/dev/null; then
      say "GRAFANA_HOME is not set to a directory with conf/defaults.ini, so $(cost_of grafana)"
    else
      WANTED="$WANTED $component"
    fi
  done
  [[ $WANTED == *" prometheus alertmanager"* ]] || fail "Prometheus and Alertmanager are required"
}

# shellcheck disable=SC2034  # render() uses them by name
configure_components() {
  SECRETS=$DATA/secrets TARGETS=$DATA/targets TEMPLATES=$CONFIG/templates RULES=$HERE/prometheus/rules
  CONTACTS=$CONFIG/contacts.yml LOKI_DATA=$DATA/loki LOKI_LISTEN=$LISTEN LOKI_HTTP_PORT=$LOKI_PORT
  PROMETHEUS_ADDRESS=$LISTEN:$PROMETHEUS_PORT ALERTMANAGER_ADDRESS=$LISTEN:$ALERTMANAGER_PORT
  LOKI_ADDRESS=$LISTEN:$LOKI_PORT BLACKBOX_EXPORTER_ADDRESS=$LISTEN:$BLACKBOX_EXPORTER_PORT
  DASHBOARDS=$DASHBOARDS_DIR RUNBOOK_DASHBOARDS=$RUNBOOKS_DIR
  GATEWAY_ADDRESS=$GATEWAY_LISTEN:$GATEWAY_PORT GATEWAY_STATE=$DATA/gateway GATEWAY_USER=$(id -un)
  GATEWAY_PROBE=${GATEWAY_LISTEN/#0.0.0.0/127.0.0.1}:$GATEWAY_PORT
  mkdir -p "$GATEWAY_STATE"
  choose_components
  render_all
  clear_targets
  local component
  for component in $WANTED; do
    [[ $component == blackbox || $component == gateway ]] || write_target "$component" "$LISTEN:$(port_of "$component")" "$(service_of "$component")"
  done
  [[ $WANTED != *" blackbox"* ]] || write_service_targets
}

# Names the danger of a Prometheus that stores samples from the future.
warn_of_old_prometheus() {
  local version major minor
  version=$("$(program_of prometheus)" --version 2>&1 | sed -n 's/^prometheus, version \([0-9]*\.[0-9]*\).*/\1/p')
  [[ -n $version ]] || return 0
  major=${version%.*} minor=${version#*.}
  ((major < 2 || (major == 2 && minor < 54))) || return 0
  say "Prometheus $version stores samples from the future: one pushing machine with a wrong clock can cost the history of all; install 2.54 or newer"
}

check_components() {
  warn_of_old_prometheus
  promtool check config "$CONFIG/prometheus.yml" >"$DATA/check.log" 2>&1 || fail "$(<"$DATA/check.log")"
  amtool check-config "$CONFIG/alertmanager.yml" >"$DATA/check.log" 2>&1 || fail "$(<"$DATA/check.log")"
  if [[ $WANTED == *" gateway"* ]]; then
    command_of gateway
    "${COMMAND[@]}" -t >"$DATA/check.log" 2>&1 || fail "$(<"$DATA/check.log")"
  fi
}

# Names each server that runs, with its address.
announce() {
  local component
  for component in $WANTED; do
    if [[ $component == gateway ]]; then
      say "gateway: https://$GATEWAY_ADDRESS"
    else
      say "$component: http://$LISTEN:$(port_of "$component")"
    fi
  done
  say "data: $DATA"
}
