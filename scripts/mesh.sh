#!/usr/bin/env bash
# The whole mesh: backends, the Dapr runtime with every app of dapr.yaml, samples.
#
#   mesh.sh up      build, start everything detached, return once the gateway is ready (idempotent)
#   mesh.sh run     up, a purchase for show, then stay in the foreground until Ctrl-C
#   mesh.sh stop    end what `up` started, and nothing else
#   mesh.sh logs    follow the log of every app
#   mesh.sh env     what scripts and tests need to talk to it, as `export` lines
#   mesh.sh status
#
# SOUK_GATEWAY_PORT   where the gateway listens (8080)
# SOUK_RUNTIME        `sidecar` for this repository's runtime, `dapr` for Dapr's own; default: Dapr's if there
# SOUK_PORT_SHIFT     how much higher all ports are (0)
# SOUK_SET            another complete mesh beside this one (scripts/lib.sh); its ports are 1000 higher, or as
#                     SOUK_PORT_SHIFT says
source "$(dirname "$0")/lib.sh"

ACCOUNTS=$RUN/accounts.json
LOG=$LOGS/mesh.log
READY_SECONDS_MAX=120

# --- files under .run ---------------------------------------------------------------------------------------

# Demo accounts, one per role; identity creates them when it starts.
write_accounts() {
  [[ -s $ACCOUNTS ]] && return
  local role separator='{'
  (
    umask 077
    for role in buyer seller operator admin; do
      printf '%s\n  "%s": {"email": "%s@souk.example", "password": "Souk-7%s"}' \
        "$separator" "$role" "$role" "$(random_hex 8)"
      separator=,
    done
    printf '\n}\n'
  ) >"$ACCOUNTS.new"
  chmod 600 "$ACCOUNTS.new"
  mv "$ACCOUNTS.new" "$ACCOUNTS"
}

write_secrets() {
  [[ -s $RUN/mesh.env ]] ||
    (umask 077 && printf 'export SOUK_MESH_SECRET=%s\n' "$(random_hex 32)" >"$RUN/mesh.env")
}

# dapr.yaml itself, or a copy of it with other ports: the format knows no variables.
run_file() {
  if [[ $PORT == 8080 && $SHIFT == 0 ]]; then
    echo "$ROOT/dapr.yaml"
    return
  fi
  local up=..
  [[ $SET == main ]] || up=../..
  awk -v shift_by="$SHIFT" -v gateway="$PORT" -v up="$up/" '
    /(appPort|daprGRPCPort|daprHTTPPort):/ { sub(/[0-9]+/, $2 == 8080 ? gateway : $2 + shift_by) }
    /(appDirPath|resourcesPaths|configFilePath):/ { sub(/\.\//, up) }
    { print }
  ' "$ROOT/dapr.yaml" >"$RUN/dapr.yaml"
  echo "$RUN/dapr.yaml"
}

load_env() {
  local settings
  settings=$("$ROOT/scripts/backends.sh" env)
  eval "$settings"
  # shellcheck disable=SC1091
  source "$RUN/mesh.env"
  export SOUK_SEED_ACCOUNTS=$ACCOUNTS SOUK_GATEWAY_PORT=$PORT SOUK_URL=$URL SOUK_RUN_DIR=$RUN
  export SOUK_GATEWAY_OPERATOR_PORT=$((PORT + 1))
}

# --- processes ----------------------------------------------------------------------------------------------

mesh_pid() {
  local pid
  pid=$(cat "$RUN/mesh.pid" 2>/dev/null) && is_ours "$pid" "run -f $ROOT/" && echo "$pid"
}

# Apps that outlived a killed runtime: same process group, started from our build.
leftovers() {
  local group
  group=$(cat "$RUN/mesh.pid" 2>/dev/null) || return 0
  local pid
  for pid in $(group_members "$group"); do
    if is_ours "$pid" artifacts/bin/; then echo "$pid"; fi
  done
}

none_left() { [[ -z $(leftovers) ]]; }
ready() { [[ $(http_status "$PORT" /ready) == 200 ]]; }
ready_or_dead() { ready || ! mesh_pid >/dev/null; }

runtime() {
  case ${SOUK_RUNTIME:-} in
    sidecar | dapr) echo "$SOUK_RUNTIME" ;;
    '') if have dapr; then echo dapr; else echo sidecar; fi ;;
    *) die "SOUK_RUNTIME is sidecar or dapr" ;;
  esac
}

# Says which port of the run file somebody listens on already, before a stack trace does.
check_ports() {
  local port
  for port in "$PORT" $((PORT + 1)); do
    if port_open "$port"; then die "port $port is taken; SOUK_GATEWAY_PORT moves the gateway's two"; fi
  done
  for port in $(awk '/(appPort|daprGRPCPort|daprHTTPPort):/ { print $2 }' "$1"); do
    if port_open "$port"; then
      die "port $port is taken, perhaps by another mesh; SOUK_PORT_SHIFT=1000 moves all ports of this one"
    fi
  done
}

launch() {
  local file kind
  file=$(run_file)
  kind=$(runtime)
  local -a command=(dotnet "$ROOT/artifacts/bin/Sidecar/release/sidecar.dll" run -f "$file")
  # Dapr leaves a dead app dead; this runtime can do better when it is asked to.
  command+=(--restart --pid-dir "$PIDS")
  [[ $kind == sidecar ]] || command=(dapr run -f "$file")
  check_ports "$file"
  [[ ! -f $LOG ]] || mv "$LOG" "$LOG.1"
  # Job control gives the runtime a process group of its own: Ctrl-C does not reach it, `stop` finds its apps.
  (
    set -m
    cd "$ROOT"
    nohup "${command[@]}" </dev/null >"$LOG" 2>&1 &
    echo $! >"$RUN/mesh.pid"
  )
}

stop_mesh() {
  local pid
  if pid=$(mesh_pid); then
    kill "$pid"
    wait_for 20 none_left || say "souk: ending what did not stop by itself"
  fi
  # One that ended by itself since it was listed is what we want.
  for pid in $(leftovers); do kill -9 "$pid" 2>/dev/null || true; done
  rm -f "$RUN/mesh.pid" "$PIDS"/*.pid
}

# --- commands -----------------------------------------------------------------------------------------------

load_samples() {
  # One mark per database: a fresh one gets the samples again.
  local mark
  mark=$RUN/samples.$(printf %s "$SOUK_POSTGRES" | cksum | cut -d' ' -f1)
  [[ ! -f $mark && ${SOUK_SAMPLES:-yes} == yes ]] || return 0
  "$ROOT/scripts/souk.sh" load --strict "$ROOT/services/catalog/samples/products.jsonl"
  touch "$mark"
}

print_urls() {
  cat <<TEXT

  Souk is up.

  shop       $URL/api/v1/products
  reference  $URL/docs
  health     $URL/health   $URL/ready
  keys       $URL/.well-known/jwks.json
  metrics    http://127.0.0.1:$((PORT + 1))/metrics
  accounts   ${ACCOUNTS#"$ROOT"/}
  log        ${LOG#"$ROOT"/}   (make logs)

TEXT
}

up() {
  mkdir -p "$LOGS" "$PIDS"
  if ! "$ROOT/scripts/build.sh" --check; then
    # A running process maps the very files that the build writes.
    stop_mesh
    "$ROOT/scripts/build.sh"
  fi
  "$ROOT/scripts/backends.sh" start
  write_accounts
  write_secrets
  load_env
  # A mesh that is up but does not become ready is started afresh.
  if ! mesh_pid >/dev/null || ! wait_for 10 ready; then
    stop_mesh
    launch
  fi
  if ! wait_for "$READY_SECONDS_MAX" ready_or_dead || ! ready; then
    tail -n 40 "$LOG" >&2
    die "the mesh is not ready; the whole log: $LOG"
  fi
  load_samples
}

run() {
  # From the start: whatever is up when Ctrl-C comes is stopped.
  trap quit INT TERM HUP
  up
  if ! "$ROOT/scripts/souk.sh" demo; then
    stop_all
    die "the purchase failed; the mesh's log: $LOG"
  fi
  print_urls
  say "Ctrl-C stops it."
  # Not one long sleep: bash runs a trap only between commands. A sleep cut short by a signal is no failure.
  while mesh_pid >/dev/null; do
    sleep 1 &
    wait $! || true
  done
  stop_all
  die "the mesh ended by itself; its log: $LOG"
}

# A second Ctrl-C shall not leave half of it running.
quit() {
  trap '' INT TERM HUP
  stop_all
  exit 0
}

stop_all() {
  say "stopping"
  stop_mesh
  "$ROOT/scripts/backends.sh" stop
}

status() {
  local state='not ready'
  if ready; then state=ready; fi
  if mesh_pid >/dev/null; then echo "mesh: pid $(mesh_pid), $URL, $state"; else echo "mesh: stopped"; fi
  "$ROOT/scripts/backends.sh" status
}

print_env() {
  load_env
  local name
  for name in SOUK_URL SOUK_RUN_DIR SOUK_POSTGRES SOUK_REDIS SOUK_CATALOGSTORE SOUK_WORKFLOWSTORE \
    SOUK_MESH_SECRET SOUK_SEED_ACCOUNTS SOUK_GATEWAY_PORT; do
    printf 'export %s=%q\n' "$name" "${!name}"
  done
}

case ${1:-} in
  up) up; print_urls ;;
  ensure) ready || up ;;
  run) run ;;
  stop) stop_all ;;
  logs) exec tail -n 50 -F "$LOG" ;;
  env) print_env ;;
  status) status ;;
  *) die "usage: mesh.sh up|run|stop|logs|env|status" ;;
esac
