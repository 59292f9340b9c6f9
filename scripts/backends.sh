#!/usr/bin/env bash
# PostgreSQL and Redis for Souk.
#
#   backends.sh start      start what is not running (idempotent) and wait until both answer
#   backends.sh stop       end what `start` started
#   backends.sh kill X     SIGKILL postgres or redis, for tests of recovery; `start` brings it back
#   backends.sh env        print the variables that services and tests read, as `export` lines
#   backends.sh status     one line each
#   backends.sh destroy    stop and delete the data
#
# With SOUK_POSTGRES (postgres://user:password@host:port) or SOUK_REDIS (host:port) set, that server is used
# and left alone. Otherwise a private instance lives under .run/, bound to 127.0.0.1, on a port of its own,
# its data kept. SOUK_SET names another complete set (scripts/lib.sh).
source "$(dirname "$0")/lib.sh"

PG_HOME=$RUN/postgres
REDIS_HOME=$RUN/redis
# Databases that Dapr components connect to; the services' own databases are made by their migrators.
COMPONENT_DATABASES=(souk_catalogstore souk_workflowstore)

# --- installation -------------------------------------------------------------------------------------------

# The newest installed server's programs; Debian keeps them outside the PATH.
pg_bin() {
  local found
  found=$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | grep -v '\*' | sort -V | tail -n 1) ||
    found=
  if [[ -n $found && -x $found/initdb ]]; then
    echo "$found"
  elif have initdb; then
    dirname "$(command -v initdb)"
  fi
}

need_postgres() {
  [[ -n $(pg_bin) ]] && return
  # Without this file Debian would also create and start a cluster on port 5432, which nobody asked for.
  local quiet=/etc/postgresql-common/createcluster.d/souk.conf
  if have apt-get; then
    as_root mkdir -p "${quiet%/*}" && echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
  fi
  install_packages PostgreSQL postgresql
  as_root rm -f "$quiet"
}

redis_server() {
  local name
  for name in redis-server valkey-server; do
    if have "$name"; then echo "$name"; return; fi
  done
}

need_redis() { [[ -n $(redis_server) ]] || install_packages Redis redis-server; }

# --- PostgreSQL ---------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root: its own account does it then.
pg_user() { id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody; }

as_pg() {
  if [[ $(id -u) != 0 ]]; then "$@"; else (cd / && runuser -u "$(pg_user)" -- "$@"); fi
}

# Where PG_HOME really is: PostgreSQL's account may be unable to follow the link.
pg_dir() { readlink "$PG_HOME" 2>/dev/null || echo "$PG_HOME"; }
pg_data() { echo "$(pg_dir)/data"; }

pg_pid() {
  local pid
  pid=$(head -n 1 "$(pg_data)/postmaster.pid" 2>/dev/null) && is_ours "$pid" "$(pg_data)" && echo "$pid"
}

pg_port() { cat "$PG_HOME.port"; }
pg_password() { cat "$PG_HOME.password"; }
pg_url() { echo "${SOUK_POSTGRES:-postgres://souk:$(pg_password)@127.0.0.1:$(pg_port)}"; }
pg_query() { psql "$(pg_url)/postgres" -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

# Makes PG_HOME, as a link to elsewhere when root's clone lies where PostgreSQL's account may not go (/root,
# mktemp -d).
make_pg_home() {
  [[ -d $PG_HOME ]] && return
  if [[ $(id -u) != 0 ]]; then mkdir -p "$PG_HOME"; return; fi
  if as_pg test -x "$RUN"; then
    mkdir -p "$PG_HOME"
  else
    local elsewhere
    elsewhere=/var/tmp/souk-$(printf %s "$PG_HOME" | cksum | cut -d' ' -f1)
    mkdir -p "$elsewhere"
    ln -s "$elsewhere" "$PG_HOME"
  fi
  chown "$(pg_user)" "$PG_HOME/"
}

init_postgres() {
  [[ -d $PG_HOME/data ]] && return
  say "creating a PostgreSQL cluster in ${PG_HOME#"$ROOT"/}"
  local locale=C secret new
  secret=$(pg_dir)/initial-password
  # Renamed once complete: an interrupted start leaves nothing that the next one would take for a cluster.
  new=$(pg_data).new
  locale -a 2>/dev/null | grep -qix 'c\.utf-\?8' && locale=C.UTF-8
  [[ -s $PG_HOME.password ]] || (umask 077 && random_hex 16 >"$PG_HOME.password")
  # Handed over by file: a command line is visible to every user.
  (umask 077 && cp "$PG_HOME.password" "$secret")
  [[ $(id -u) != 0 ]] || chown "$(pg_user)" "$secret"
  as_pg rm -rf "$new"
  as_pg "$(pg_bin)/initdb" -D "$new" -U souk -E UTF8 --locale="$locale" -A scram-sha-256 \
    --pwfile="$secret" >"$LOGS/initdb.log" 2>&1 || { cat "$LOGS/initdb.log" >&2; die "initdb failed"; }
  rm -f "$secret"
  # No Unix socket: its path has a limit of 107 bytes, a clone's path has none.
  as_pg tee -a "$new/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
fsync = on
synchronous_commit = on
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
log_line_prefix = '%m [%p] %d '
CONF
  as_pg mv "$new" "$(pg_data)"
}

# One attempt. After a SIGKILL the old backends hold the shared memory for a moment and the first attempt may
# fail; so it may when somebody else takes the port meanwhile.
launch_postgres() {
  pick_port "$PG_HOME.port" 25432
  as_pg "$(pg_bin)/pg_ctl" start -D "$(pg_data)" -l "$(pg_dir)/postgres.log" -o "-p $(pg_port)" -w -t 60 \
    >/dev/null 2>&1 && pg_query 'select 1' >/dev/null 2>&1
}

start_postgres() {
  if [[ -z ${SOUK_POSTGRES:-} ]]; then
    need_postgres
    make_pg_home
    init_postgres
    if ! pg_pid >/dev/null; then
      wait_for 60 launch_postgres ||
        { tail -n 20 "$(pg_dir)/postgres.log" >&2; die "PostgreSQL does not start"; }
    fi
  fi
  have psql || install_packages "the PostgreSQL client" postgresql-client
  wait_for 30 pg_query 'select 1' >/dev/null || die "PostgreSQL does not answer"
  local name
  for name in "${COMPONENT_DATABASES[@]}"; do
    [[ $(pg_query "select 1 from pg_database where datname = '$name'") ]] || pg_query "create database $name"
  done
}

stop_postgres() {
  pg_pid >/dev/null || return 0
  as_pg "$(pg_bin)/pg_ctl" stop -D "$(pg_data)" -m fast -w -t 60 >/dev/null
}

# --- Redis --------------------------------------------------------------------------------------------------

redis_pid() {
  local pid
  pid=$(cat "$REDIS_HOME/redis.pid" 2>/dev/null) && is_ours "$pid" "-server 127.0.0.1:$(redis_port)" &&
    echo "$pid"
}

redis_port() { cat "$REDIS_HOME.port"; }
redis_url() { echo "${SOUK_REDIS:-127.0.0.1:$(redis_port)}"; }

redis_answers() {
  local address reply=''
  address=$(redis_url)
  { exec 3<>"/dev/tcp/${address%:*}/${address##*:}"; } 2>/dev/null || return 1
  printf 'PING\r\n' >&3
  read -r -t 2 reply <&3 || reply=
  exec 3>&-
  # -LOADING while the append-only file is replayed.
  [[ $reply == +PONG* ]]
}

# appendfsync always: with everysec Redis answers up to two seconds before it writes while a slow fsync is
# under way, so SIGKILL could lose what it has acknowledged. Writes of one event loop turn share one fsync.
write_redis_conf() {
  mkdir -p "$REDIS_HOME"
  cat >"$REDIS_HOME/redis.conf" <<CONF
bind 127.0.0.1
port $(redis_port)
daemonize yes
dir "$REDIS_HOME"
pidfile "$REDIS_HOME/redis.pid"
logfile "$REDIS_HOME/redis.log"
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
CONF
}

# One attempt; it fails when somebody else takes the port between the choice and the start.
launch_redis() {
  pick_port "$REDIS_HOME.port" 26379
  write_redis_conf
  "$(redis_server)" "$REDIS_HOME/redis.conf" >/dev/null && wait_for 10 redis_pid >/dev/null
}

start_redis() {
  if [[ -z ${SOUK_REDIS:-} ]]; then
    need_redis
    redis_pid >/dev/null || wait_for 60 launch_redis ||
      { tail -n 20 "$REDIS_HOME/redis.log" >&2; die "Redis does not start"; }
  fi
  wait_for 60 redis_answers || die "Redis does not answer at $(redis_url)"
}

stop_redis() {
  local pid
  pid=$(redis_pid) || return 0
  kill "$pid"
  wait_for 30 gone "$pid" || die "Redis (pid $pid) does not stop"
}

# --- commands -----------------------------------------------------------------------------------------------

gone() { ! kill -0 "$1" 2>/dev/null; }

# Keeps the port of the last start when it is still free, so that what connects by it finds the server again.
# A new one is not the port of another set, whose server may be down only for now.
pick_port() {
  local file=$1 port=$2
  [[ -s $file ]] && port=$(cat "$file")
  while port_open "$port" || claimed "$port" "$file"; do port=$((port + 1)); done
  echo "$port" >"$file.new"
  mv "$file.new" "$file"
}

# Does port $1 stand in the file of another server than that of file $2?
claimed() {
  local other
  for other in "$ROOT"/.run/*.port "$ROOT"/.run/*/*.port; do
    [[ -f $other && $other != "$2" && $(cat "$other") == "$1" ]] && return 0
  done
  return 1
}

start() {
  mkdir -p "$LOGS" "$PIDS"
  # Two starts at once would both initialise the cluster, or, of two sets, choose the same port.
  if have flock; then
    exec 9>"$ROOT/.run/backends.lock"
    flock 9
  fi
  # The lock must not be inherited: the servers outlive this script.
  start_postgres 9>&-
  start_redis 9>&-
}

kill_backend() {
  local pid
  case $1 in
    postgres) pid=$(pg_pid) ;;
    redis) pid=$(redis_pid) ;;
    *) die "kill postgres or redis, not '$1'" ;;
  esac || die "$1 is not running, or not ours"
  kill -9 "$pid"
  wait_for 10 gone "$pid"
}

print_env() {
  local url
  url=$(pg_url)
  printf 'export SOUK_POSTGRES=%q\n' "$url"
  printf 'export SOUK_REDIS=%q\n' "$(redis_url)"
  # Dapr's component files take whole connection strings.
  printf 'export SOUK_CATALOGSTORE=%q\n' "$url/souk_catalogstore"
  printf 'export SOUK_WORKFLOWSTORE=%q\n' "$url/souk_workflowstore"
}

status() {
  if [[ -n ${SOUK_POSTGRES:-} ]]; then echo "postgres: as SOUK_POSTGRES says"
  elif pg_pid >/dev/null; then echo "postgres: running, pid $(pg_pid), port $(pg_port)"
  else echo "postgres: stopped"; fi
  if [[ -n ${SOUK_REDIS:-} ]]; then echo "redis: as SOUK_REDIS says"
  elif redis_pid >/dev/null; then echo "redis: running, pid $(redis_pid), port $(redis_port)"
  else echo "redis: stopped"; fi
}

destroy() {
  stop_postgres
  stop_redis
  rm -rf "$(pg_dir)" "$PG_HOME" "$PG_HOME.port" "$PG_HOME.password" \
    "$REDIS_HOME" "$REDIS_HOME.port"
  # Another set has nothing else; the main one's accounts and logs are not the backends'.
  [[ $SET == main ]] || rm -rf "$RUN"
}

case ${1:-} in
  start) start ;;
  stop) stop_postgres; stop_redis ;;
  kill) kill_backend "${2:-}" ;;
  env) print_env ;;
  status) status ;;
  destroy) destroy ;;
  *) die "usage: backends.sh start|stop|kill postgres|redis|env|status|destroy" ;;
esac
