# shellcheck shell=bash
# The stack as systemd units: of the system for root, of the user otherwise. Sourced by start.sh after
# lib/components.sh.

TARGET=white-room-monitoring.target

systemd_answers() {
  [[ -d /run/systemd/system ]] && control show --property=Version >/dev/null 2>&1
}

control() {
  if ((EUID == 0)); then
    systemctl "$@"
  else
    systemctl --user "$@"
  fi
}

units_directory() {
  ((EUID == 0)) && echo /etc/systemd/system || echo "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
}

configure_systemd() {
  configure_components
}

check_systemd() {
  check_components
}

run_systemd() {
  local directory component services=()
  directory=$(units_directory)
  mkdir -p "$directory" "$DATA/log"
  remove_units "$directory"
  for component in $WANTED; do
    command_of "$component"
    write_environment "$component"
    unit_of "$component" >"$directory/white-room-$component.service"
    services+=("white-room-$component.service")
  done
  target_unit >"$directory/$TARGET"
  control daemon-reload
  control --quiet enable "$TARGET" "${services[@]}"
  control restart "${services[@]}" "$TARGET"
  announce
  if [[ $WANTED == *" grafana"* ]]; then
    check_grafana control disable --now white-room-grafana.service || exit 1
  fi
  say "stop it with: ${0##*/} --stop"
}

# The units of components that are no longer wanted must not start again.
remove_units() {
  local file
  for file in "$1"/white-room-*.service; do
    [[ -e $file ]] || continue
    file=${file##*/white-room-}
    if [[ " $COMPONENTS " == *" ${file%.service} "* && "$WANTED " != *" ${file%.service} "* ]]; then
      control --quiet disable --now "white-room-$file" 2>/dev/null || true
      rm -f "$1/white-room-$file"
    fi
  done
}

stop_systemd() {
  local component units=("$TARGET")
  for component in $COMPONENTS; do
    units+=("white-room-$component.service")
  done
  control --quiet disable --now "${units[@]}" 2>/dev/null || true
}

target_unit() {
  printf '[Unit]\nDescription=White Room monitoring\n\n[Install]\nWantedBy=%s\n' \
    "$( ((EUID == 0)) && echo multi-user.target || echo default.target)"
}

# unit_of COMPONENT: the unit of COMMAND. The environment may hold a password, so it is in a file of its own.
unit_of() {
  local argument line=""
  for argument in "${COMMAND[@]}"; do
    line="$line $(quoted "$argument")"
  done
  cat <<UNIT
[Unit]
Description=White Room monitoring: $1
PartOf=$TARGET
StartLimitIntervalSec=0

[Service]
EnvironmentFile=$DATA/secrets/$1.env
ExecStart=${line# }
WorkingDirectory=$DATA
Restart=always
RestartSec=5
TimeoutStopSec=20
NoNewPrivileges=yes
StandardOutput=append:$DATA/log/$1.log
StandardError=append:$DATA/log/$1.log
$(hardening "$1")

[Install]
WantedBy=$TARGET
UNIT
}

# Options that only the system manager can apply everywhere.
hardening() {
  ((EUID == 0)) || return 0
  echo "ProtectSystem=strict"
  echo "ReadWritePaths=$DATA -/tmp"
  echo "CapabilityBoundingSet=$(capabilities "$1")"
  echo "RestrictSUIDSGID=yes"
  echo "ProtectKernelModules=yes"
}

capabilities() {
  case $1 in
    blackbox) echo CAP_NET_RAW ;;
    gateway) echo CAP_SETGID ;;
  esac
}

# quoted ARGUMENT: as ExecStart takes it literally.
quoted() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//%/%%}
  printf '"%s"' "${text//\$/\$\$}"
}

# write_environment COMPONENT: VARIABLES as a file for systemd, which only its user can read.
write_environment() {
  local pair value
  (
    umask 077
    for pair in ${VARIABLES[@]+"${VARIABLES[@]}"}; do
      value=${pair#*=}
      value=${value//\\/\\\\}
      value=${value//\"/\\\"}
      value=${value//\`/\\\`}
      printf '%s="%s"\n' "${pair%%=*}" "${value//\$/\\\$}"
    done >"$DATA/secrets/$1.env"
  )
}
