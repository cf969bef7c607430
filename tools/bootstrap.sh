# shellcheck shell=bash
# Prepares a checkout: system packages, .venv, the locked Python packages. Sourced by start.sh and test.sh, which set
# ROOT; owns no step after that. Kept to bash 3.2, which is macOS's own. On macOS, with Homebrew, it has not been run.

VENV=$ROOT/.venv

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

# prepare run|test: changes nothing when nothing has changed since it last ended well.
prepare() {
  local ready=$VENV/ready-$1
  find_missing "$1"
  if [[ -f $ready && $(state "$1") == "$(<"$ready")" ]]; then
    report_missing
    return
  fi
  rm -f "$ready"
  install_missing
  find_missing "$1"
  report_missing
  make_venv
  install_python_packages "$1"
  state "$1" >"$ready"
}

lock_file() {
  case $1 in
    run) echo "$ROOT/requirements.lock" ;;
    test) echo "$ROOT/requirements-dev.lock" ;;
  esac
}

# All that .venv was made from. The missing packages are part of it: what could not be had is tried again only after
# something has changed, and the run after the user has installed it builds what needed it.
state() {
  {
    echo "$ROOT ${MISSING[*]-}"
    "$VENV/bin/python" -V 2>&1 || true
    cat "$(lock_file "$1")" "$ROOT/requirements-pyaudio.lock" "$ROOT/pyproject.toml"
  } | cksum
}

# --- Python -----------------------------------------------------------------------------------------------------------

find_python() {
  local name
  for name in "$VENV/bin/python" python3 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

make_venv() {
  local python
  if "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    return
  fi
  rm -rf "$VENV"
  python=$(find_python) || fail "needs Python 3.11 or newer as python3 or python3.11 to 3.13, found $(python3_version)"
  say "creating .venv with $("$python" -V)"
  "$python" -m venv "$VENV"
}

python3_version() {
  if command -v python3 >/dev/null; then
    python3 -V
  else
    echo none
  fi
}

pip_install() {
  "$VENV/bin/python" -m pip --quiet --disable-pip-version-check --no-input install "$@"
}

install_python_packages() {
  say "installing the Python packages of $(basename "$(lock_file "$1")")"
  # The lock names every package that is wanted. Left to resolve, pip would take a newer one wherever a package asks for
  # an extra (`coverage[toml]`), and then refuse it for having no hash.
  pip_install --no-deps --require-hashes -r "$(lock_file "$1")" || fail "cannot install the Python packages: pip says why, above"
  install_pyaudio
  pip_install --no-deps --no-build-isolation --editable "$ROOT"
}

# PyAudio has a lock of its own because it is the one package that is compiled here, and the agent runs without it.
install_pyaudio() {
  local log=$VENV/pyaudio.log
  say "building PyAudio"
  if ! pip_install --no-build-isolation --require-hashes -r "$ROOT/requirements-pyaudio.lock" 2>"$log"; then
    say "PyAudio could not be built, so no audio device is probed; the compiler says why in $log"
  fi
}

# --- System packages --------------------------------------------------------------------------------------------------

# Sets MISSING to the packages that `run` or `test` wants and this machine lacks.
find_missing() {
  local name
  MISSING=()
  while read -r name; do
    MISSING+=("$name")
  done < <(wanted "$1" | absent)
}

wanted() {
  case $(package_manager)-$1 in
    apt-get-run) wanted_to_build ;;
    apt-get-test) wanted_to_build && wanted_swift && printf '%s\n' chromium cmake curl dbus e2fsprogs fish g++ groff-base iproute2 jackd2 logrotate make \
      nftables nginx-light openssl pipewire pipewire-bin pipewire-jack postgresql procps prometheus prometheus-alertmanager \
      prometheus-blackbox-exporter prometheus-nginx-exporter prometheus-node-exporter prometheus-postgres-exporter \
      prometheus-redis-exporter redis-server shellcheck strace systemd systemd-journal-remote victoria-metrics zsh zstd ;;
    brew-run) wanted_from_brew ;;
    brew-test) wanted_from_brew && printf '%s\n' prometheus node_exporter shellcheck ;;
  esac
}

package_manager() {
  if command -v apt-get >/dev/null; then
    echo apt-get
  elif command -v brew >/dev/null; then
    echo brew
  fi
}

# libjack is not named: portaudio19-dev brings it, and brings the one of jackd1 where that is installed.
wanted_to_build() {
  local python
  printf '%s\n' gcc libc6-dev portaudio19-dev
  if python=$(find_python); then
    what_debian_splits_off "$python"
  else
    printf '%s\n' python3 python3-dev python3-venv
  fi
}

# Debian has Swift since release 13. Another toolchain serves as well.
wanted_swift() {
  if (($(debian_release) >= 13)) && ! has_swift; then
    echo swiftlang
  fi
}

# The number of this Debian release; 0 on other systems.
debian_release() {
  (
    ID='' VERSION_ID=''
    # shellcheck source=/dev/null
    source "${OS_RELEASE:-/etc/os-release}" 2>/dev/null || true
    if [[ $ID == debian && $VERSION_ID =~ ^[0-9]+$ ]]; then
      echo "$VERSION_ID"
    else
      echo 0
    fi
  )
}

has_swift() {
  command -v swift >/dev/null || [[ -x /opt/swift/usr/bin/swift ]]
}

# A Python that is not Debian's has all of itself.
what_debian_splits_off() {
  "$1" - <<'PY'
import importlib.util, os, sys, sysconfig
name = f"python{sys.version_info.major}.{sys.version_info.minor}"
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print(f"{name}-dev")
if importlib.util.find_spec("ensurepip") is None:
    print(f"{name}-venv")
PY
}

wanted_from_brew() {
  printf '%s\n' portaudio jack
  find_python >/dev/null || echo python@3.12
}

# Of the names on standard input, those that are not installed.
absent() {
  local name
  while read -r name; do
    installed "$name" || echo "$name"
  done
}

installed() {
  if [[ $(package_manager) == brew ]]; then
    [[ -d $(brew --prefix)/opt/$1 ]]
  else
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
  fi
}

install_missing() {
  if ((${#MISSING[@]} == 0)); then
    return
  fi
  say "installing ${MISSING[*]} ($(package_manager))"
  if [[ $(package_manager) == brew ]]; then
    each_of_missing brew install --quiet
  elif as_root true; then
    apt_install_missing
  else
    say "cannot: that takes root, or a user with sudo"
  fi
}

apt_install_missing() {
  local install=(apt_get install -y --no-install-recommends --no-remove)
  apt_get update || true
  mask_daemons
  "${install[@]}" "${MISSING[@]}" || each_of_missing "${install[@]}"
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >/dev/null
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# One package that cannot be had must not cost the others.
each_of_missing() {
  local name
  for name in "${MISSING[@]}"; do
    "$@" "$name" || true
  done
}

# Debian starts a daemon that it installs, and the tests want only the program. A unit that is masked beforehand is not
# started, and stays so; one that is merely disabled afterwards would be started by its next upgrade.
mask_daemons() {
  local name
  if [[ ! -d /run/systemd/system ]]; then
    return
  fi
  for name in "${MISSING[@]}"; do
    case $name in
      pipewire)  # would become the sound server of every user who logs in
        as_root systemctl --quiet --global mask pipewire.service pipewire.socket || true
        ;;
      prometheus* | postgresql | redis-server) mask_daemon "$name" ;;
      nginx-light) mask_daemon nginx ;;
    esac
  done
}

mask_daemon() {
  say "$1 is not to run as a service; to have it run: systemctl unmask $1, then enable --now"
  as_root systemctl --quiet mask "$1.service" || true
}

report_missing() {
  local name
  if ((${#MISSING[@]} == 0)); then
    return
  fi
  for name in "${MISSING[@]}"; do
    say "missing: $name, so $(cost_of "$name")"
  done
  case $(package_manager) in
    brew) say "to install: brew install ${MISSING[*]}" ;;
    *) say "to install: sudo apt-get install --no-install-recommends ${MISSING[*]}" ;;
  esac
}

cost_of() {
  case $1 in
    gcc | libc6-dev | portaudio* | *-dev) echo "PyAudio cannot be built and no audio device is probed" ;;
    jack*) echo "what needs a JACK server fails" ;;
    *node*exporter) echo "the comparison with node_exporter fails" ;;
    swiftlang) echo "the tests of the Swift package are skipped" ;;
    python*) echo "no .venv can be made" ;;
    *) echo "the tests that run it fail" ;;
  esac
}
