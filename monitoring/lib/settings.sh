# shellcheck shell=bash
# The settings of the stack and its secrets: where they come from, and the files that are made of them. Sourced by
# start.sh, which sets HERE. Kept to bash 3.2, which is macOS's own.

SECRETS_WANTED="GRAFANA_ADMIN_USER GRAFANA_ADMIN_PASSWORD PAGERDUTY_SERVICE_KEY_CRITICAL PAGERDUTY_SERVICE_KEY_HIGH
SLACK_WEBHOOK_URL SMTP_PASSWORD"

MAIL_WANTED="SMTP_ADDRESS SMTP_USERNAME SMTP_FROM TEAM_EMAIL_DOMAIN HEARTBEAT_EMAIL"

# NAME=default. An address is what the server listens on, and what Prometheus asks.
DEFAULTS="
CLUSTER=white-room
ENVIRONMENT=production
HOST_NAME=$(uname -n)
TIME_ZONE=UTC
DATA=${XDG_STATE_HOME:-$HOME/.local/state}/white-room-monitoring
AGENTS_FILE=$HERE/prometheus/agents.yml
PAGERDUTY_URL=https://events.pagerduty.com/v2/enqueue
SMTP_REQUIRE_TLS=true
GRAFANA_URL=http://127.0.0.1:3000
RUNBOOKS_URL=file://$HERE
LISTEN=127.0.0.1
PROMETHEUS_PORT=9090
ALERTMANAGER_PORT=9093
GRAFANA_PORT=3000
LOKI_PORT=3100
POSTGRES_EXPORTER_PORT=9187
REDIS_EXPORTER_PORT=9121
NGINX_EXPORTER_PORT=9113
BLACKBOX_EXPORTER_PORT=9115
POSTGRES_URL=
REDIS_URL=
NGINX_STATUS_URL=
"

# What stands in the configuration files between braces.
RENDERED="CLUSTER ENVIRONMENT HOST_NAME TIME_ZONE AGENTS_FILE PAGERDUTY_URL SMTP_ADDRESS SMTP_USERNAME SMTP_FROM
SMTP_REQUIRE_TLS TEAM_EMAIL_DOMAIN HEARTBEAT_EMAIL GRAFANA_URL RUNBOOKS_URL SECRETS TARGETS TEMPLATES RULES LOKI_DATA
LOKI_LISTEN LOKI_HTTP_PORT LOKI_ADDRESS PROMETHEUS_ADDRESS ALERTMANAGER_ADDRESS BLACKBOX_EXPORTER_ADDRESS
DASHBOARDS"

# The environment goes before the file, and the file before the defaults.
load_settings() {
  local file=${ENV_FILE:-$HERE/.env}
  if [[ -e $file ]]; then
    set_missing "the file of settings" <"$file"
  fi
  set_missing "the defaults" <<<"$DEFAULTS"
  CONFIG=$DATA/config
}

# set_missing WHERE: sets what is not set yet from lines NAME=value on standard input, and executes nothing.
set_missing() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
    [[ $line =~ ^([A-Z_]+)=(.*)$ ]] || fail "$1: expected NAME=value, got: ${line%%=*}"
    if [[ -z ${!BASH_REMATCH[1]+set} ]]; then
      printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
    fi
  done
}

# Names every setting that is wanted and missing, before anything starts.
require_settings() {
  local name missing=""
  for name in $SECRETS_WANTED $MAIL_WANTED; do
    [[ -n ${!name:-} ]] || missing="$missing $name"
  done
  [[ -z $missing ]] || fail "missing:$missing; set them in the environment or in $HERE/.env (see .env.example)"
}

print_settings() {
  local line name
  for name in $SECRETS_WANTED; do
    echo "$name=$([[ -n ${!name:-} ]] && echo '(set)')"
  done
  for name in $MAIL_WANTED; do
    echo "$name=${!name:-}"
  done
  while IFS= read -r line; do
    name=${line%%=*}
    [[ -z $name ]] || echo "$name=$([[ $name == *_URL && ${!name} == *@* ]] && echo '(set)' || echo "${!name}")"
  done <<<"$DEFAULTS"
}

# GRAFANA_ADMIN_USER -> grafana-admin-user
secret_file() {
  case $1 in
    PAGERDUTY_SERVICE_KEY_CRITICAL) echo pagerduty-key-critical ;;
    PAGERDUTY_SERVICE_KEY_HIGH) echo pagerduty-key-high ;;
    *) tr 'A-Z_' 'a-z-' <<<"$1" ;;
  esac
}

write_secrets() {
  local name
  mkdir -p "$DATA/secrets"
  chmod 700 "$DATA/secrets"
  for name in $SECRETS_WANTED; do
    (umask 077 && printf %s "${!name}" >"$DATA/secrets/$(secret_file "$name").new")
    mv "$DATA/secrets/$(secret_file "$name").new" "$DATA/secrets/$(secret_file "$name")"
  done
}

# Fills in the configuration files below $CONFIG; the settings that they use have to be set.
render_all() {
  shopt -u patsub_replacement 2>/dev/null || true  # or bash 5.2 takes & in a value for the name that it replaces
  mkdir -p "$CONFIG/templates" "$CONFIG/grafana/datasources" "$CONFIG/grafana/dashboards" "$DATA/targets"
  render "$HERE/prometheus/prometheus.yml" "$CONFIG/prometheus.yml"
  render "$HERE/alertmanager/alertmanager.yml" "$CONFIG/alertmanager.yml"
  render "$HERE/alertmanager/templates/links.tmpl" "$CONFIG/templates/links.tmpl"
  render "$HERE/loki/loki.yml" "$CONFIG/loki.yml"
  render "$HERE/grafana/provisioning/datasources/white-room.yml" "$CONFIG/grafana/datasources/white-room.yml"
  render "$HERE/grafana/provisioning/dashboards/white-room.yml" "$CONFIG/grafana/dashboards/white-room.yml"
  cp "$HERE/alertmanager/templates/text.tmpl" "$CONFIG/templates/"
  cp "$HERE/blackbox/blackbox.yml" "$CONFIG/blackbox.yml"
}

render() {
  local text name
  text=$(<"$1")
  for name in $RENDERED; do
    text=${text//"\${$name}"/${!name}}
  done
  [[ $text =~ \$\{[A-Z_]+\} ]] && fail "$1: ${BASH_REMATCH[0]} is no setting; see RENDERED in lib/settings.sh"
  printf '%s\n' "$text" >"$2"
}
