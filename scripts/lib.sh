# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A set is one complete run of Souk with its own backends, ports and files, so that tests or a benchmark can
# run beside a mesh that somebody is using. The set `main` is the one a person sees.
SET=${SOUK_SET:-main}
if [[ ! $SET =~ ^[a-z0-9-]{1,40}$ ]]; then
  echo "SOUK_SET must be lower-case letters, digits and dashes" >&2
  exit 2
fi
if [[ $SET == main ]]; then RUN=$ROOT/.run; else RUN=$ROOT/.run/$SET; fi
# shellcheck disable=SC2034  # used by the scripts that source this
LOGS=$RUN/logs PIDS=$RUN/pids

# Where the set's gateway listens, and how much higher all its ports are (mesh.sh says more).
if [[ $SET == main ]]; then SHIFT=${SOUK_PORT_SHIFT:-0}; else SHIFT=${SOUK_PORT_SHIFT:-1000}; fi
PORT=${SOUK_GATEWAY_PORT:-$((8080 + SHIFT))}
# shellcheck disable=SC2034
URL=http://127.0.0.1:$PORT

say() { printf '%s\n' "$*" >&2; }
die() { say "souk: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs as root, directly or through sudo.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; elif have sudo; then sudo "$@"; else return 1; fi
}

# install_packages WHAT PACKAGE...: by apt, as root.
install_packages() {
  local what=$1
  shift
  have apt-get || die "$what is missing and this is no Debian or Ubuntu: install it (dnf, brew, ...);" \
    "for PostgreSQL and Redis, SOUK_POSTGRES and SOUK_REDIS may also name servers that exist (compose.yaml)."
  say "installing $what ($*)"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$LOGS/apt.log" 2>&1 ||
    die "$what is missing and apt-get needs root: install $* yourself, or run as root once ($LOGS/apt.log)."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
    >>"$LOGS/apt.log" 2>&1 || die "apt-get could not install $*; see $LOGS/apt.log"
}

random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Is process $1 alive, and does its command line contain $2? A pid file may outlive its process and the number
# be reused.
is_ours() { [[ $(command_line "$1") == *"$2"* ]]; }

# The command line of process $1, or nothing when it ends meanwhile: that is an answer, no failure.
# A bare Linux has no ps, a Mac no /proc.
command_line() {
  if [[ -d /proc/self ]]; then
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true
  else
    ps -o args= -p "$1" 2>/dev/null || true
  fi
}

# The processes of the process group $1, one id a line.
group_members() {
  local stat fields
  if [[ ! -d /proc/self ]]; then
    ps -e -o pid=,pgid= | awk -v group="$1" '$2 == group { print $1 }'
    return
  fi
  for stat in /proc/[0-9]*/stat; do
    # "pid (name) state ppid pgrp ...", where a name may hold anything, parentheses too.
    { read -r fields <"$stat"; } 2>/dev/null || continue
    read -r -a fields <<<"${fields##*) }"
    [[ ${fields[2]} != "$1" ]] || basename "${stat%/stat}"
  done
}

# Polls "$@" until it succeeds, at most $1 seconds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# The status code of GET http://127.0.0.1:$1$2, or 000; needs no curl.
http_status() {
  local line=''
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || { echo 000; return; }
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
  read -r -t 5 line <&3 || line='- 000'
  exec 3>&-
  line=${line#* }
  echo "${line:0:3}"
}
