# shellcheck shell=bash
# The settings and secrets of the stack, and the files made from them. Sourced by start.sh, which sets HERE. Limited to
# bash 3.2, the version of macOS.

SECRETS_WANTED="GRAFANA_ADMIN_USER GRAFANA_ADMIN_PASSWORD PAGERDUTY_SERVICE_KEY_CRITICAL PAGERDUTY_SERVICE_KEY_HIGH
SLACK_WEBHOOK_URL SMTP_PASSWORD"

MAIL_WANTED="SMTP_ADDRESS SMTP_USERNAME SMTP_FROM TEAM_EMAIL_DOMAIN HEARTBEAT_EMAIL"

TEAMS="audio backend database frontend platform product security"

# NAME=default. A server listens on LISTEN and its port, and Prometheus scrapes it there.
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
RUNBOOKS_URL=
DASHBOARDS_DIR=$HERE/grafana/dashboards
RUNBOOKS_DIR=$HERE/grafana/runbooks
GRAFANA_HOME=
TITLE_MARK=
LISTEN=127.0.0.1
PROMETHEUS_PORT=9090
ALERTMANAGER_PORT=9093
GRAFANA_PORT=3000
LOKI_PORT=3100
LOKI_GRPC_PORT=9095
POSTGRES_EXPORTER_PORT=9187
REDIS_EXPORTER_PORT=9121
NGINX_EXPORTER_PORT=9113
BLACKBOX_EXPORTER_PORT=9115
GATEWAY_KEYS=
GATEWAY_LISTEN=0.0.0.0
GATEWAY_PORT=9443
POSTGRES_URL=
REDIS_URL=
NGINX_STATUS_URL=
CONTACT_AUDIO=not set
CONTACT_BACKEND=not set
CONTACT_DATABASE=not set
CONTACT_FRONTEND=not set
CONTACT_PLATFORM=not set
CONTACT_PRODUCT=not set
CONTACT_SECURITY=not set
"

# The names in braces in the configuration files.
RENDERED="CLUSTER ENVIRONMENT HOST_NAME TIME_ZONE AGENTS_FILE PAGERDUTY_URL SMTP_ADDRESS SMTP_USERNAME SMTP_FROM
SMTP_REQUIRE_TLS TEAM_EMAIL_DOMAIN HEARTBEAT_EMAIL GRAFANA_URL RUNBOOK_LINK SECRETS TARGETS TEMPLATES RULES LOKI_DATA
LOKI_LISTEN LOKI_HTTP_PORT LOKI_ADDRESS PROMETHEUS_ADDRESS ALERTMANAGER_ADDRESS BLACKBOX_EXPORTER_ADDRESS
DASHBOARDS RUNBOOK_DASHBOARDS CONTACTS LOKI_GRPC_PORT TITLE_MARK GATEWAY_ADDRESS GATEWAY_KEYS GATEWAY_STATE
GATEWAY_USER"

# The environment takes precedence over the file, and the file over the defaults.
load_settings() {
  local file=${ENV_FILE:-$HERE/.env}
  if [[ -e $file ]]; then
    set_missing "the file of settings" <"$file"
  fi
  set_missing "the defaults" <<<"$DEFAULTS"
  CONFIG=$DATA/config
}

# set_missing WHERE: sets unset names from lines NAME=value on standard input. Nothing is executed.
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

# Names every missing setting before anything starts.
require_settings() {
  local name missing=""
  for name in $SECRETS_WANTED $MAIL_WANTED; do
    [[ -n ${!name:-} ]] || missing="$missing $name"
  done
  [[ -z $missing ]] || fail "missing:$missing; set them in the environment or in $HERE/.env (see .env.example)"
  if [[ $GRAFANA_ADMIN_USER:$GRAFANA_ADMIN_PASSWORD == admin:admin ]]; then
    fail "GRAFANA_ADMIN_PASSWORD is Grafana's default; choose another one"
  fi
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

# Writes the configuration files below $CONFIG. All names in RENDERED must be set.
render_all() {
  shopt -u patsub_replacement 2>/dev/null || true  # bash 5.2 would replace & in a value
  mkdir -p "$CONFIG/templates" "$CONFIG/grafana/datasources" "$CONFIG/grafana/dashboards" "$DATA/targets"
  set_runbook_link
  render "$HERE/prometheus/prometheus.yml" "$CONFIG/prometheus.yml"
  write_contacts >"$CONFIG/contacts.yml"
  render "$HERE/alertmanager/alertmanager.yml" "$CONFIG/alertmanager.yml"
  render "$HERE/alertmanager/templates/links.tmpl" "$CONFIG/templates/links.tmpl"
  render "$HERE/loki/loki.yml" "$CONFIG/loki.yml"
  render "$HERE/grafana/provisioning/datasources/white-room.yml" "$CONFIG/grafana/datasources/white-room.yml"
  render "$HERE/grafana/provisioning/dashboards/white-room.yml" "$CONFIG/grafana/dashboards/white-room.yml"
  cp "$HERE/alertmanager/templates/text.tmpl" "$CONFIG/templates/"
  render "$HERE/gateway/nginx.conf" "$CONFIG/gateway.conf"
  cp "$HERE/blackbox/blackbox.yml" "$CONFIG/blackbox.yml"
}

render() {
  local text name
  text=$(<"$1")
  for name in $RENDERED; do
    text=${text//"\${$name}"/${!name}}
  done
  [[ $text =~ \$\{[A-Z_]+\} ]] && fail "$1: ${BASH_REMATCH[0]} is not a setting; see RENDERED in lib/settings.sh"
  printf '%s\n' "$text" >"$2"
}

# The address of an alert's runbook, as a template of Alertmanager: files in RUNBOOKS_URL, or Grafana's own pages.
# shellcheck disable=SC2034  # render() uses it by name
set_runbook_link() {
  if [[ -n $RUNBOOKS_URL ]]; then
    RUNBOOK_LINK="$RUNBOOKS_URL/{{ .Annotations.runbook }}"
  else
    RUNBOOK_LINK="$GRAFANA_URL/d/runbook-{{ .Labels.alertname }}"
  fi
}

# A recording rule with the contact of each team, which the Alerts dashboard shows.
write_contacts() {
  local team name escaped="''"
  printf 'groups:\n  - name: contacts\n    rules:\n'
  for team in $TEAMS; do
    name=CONTACT_$(tr '[:lower:]' '[:upper:]' <<<"$team")
    printf "      - record: team:contact:info\n        expr: vector(1)\n        labels: {team: %s, contact: '%s'}\n" \
      "$team" "${!name//\'/$escaped}"
  done
}

TARGETS_MARK="# Written by start.sh. Put targets of your own into another file of this directory."

# Removes the target files of an earlier start. A file without the mark belongs to the user.
clear_targets() {
  local file
  for file in "$DATA"/targets/*.yml; do
    if [[ -e $file ]] && grep -qxF "$TARGETS_MARK" "$file"; then
      rm "$file"
    fi
  done
}

# write_target NAME ADDRESS SERVICE: the targets of a job. An exporter speaks for a service on this machine.
write_target() {
  local file=$DATA/targets/$1.yml
  if [[ -e $file ]]; then
    say "$file was not written by start.sh and stays as it is"
    return
  fi
  {
    echo "$TARGETS_MARK"
    echo "- targets: [\"$2\"]"
    [[ -z $3 ]] || echo "  labels: {service: $3, host: '$HOST_NAME'}"
  } >"$file"
}

# The ports of the services themselves, which tell a dead service from a dead exporter.
write_service_targets() {
  write_service_target postgres "$POSTGRES_URL" 5432 postgresql
  write_service_target redis "$REDIS_URL" 6379 redis
  write_service_target nginx "$NGINX_STATUS_URL" 80 nginx
  if [[ -n $GATEWAY_KEYS ]]; then
    write_target service-gateway "$GATEWAY_PROBE" gateway
  fi
}

write_service_target() {
  local address
  address=$(address_in "$2" "$3") || return 0
  write_target "service-$1" "$address" "$4"
}

# address_in URL PORT: the host and port of a URL; fails if it has no host.
address_in() {
  local rest=${1#*://} port=$2
  [[ $1 != https://* ]] || port=443
  rest=${rest%%[/?]*}
  rest=${rest##*@}
  [[ -n $rest && $rest != :* ]] || return 1
  [[ $rest =~ :[0-9]+$ ]] || rest=$rest:$port
  echo "$rest"
}
