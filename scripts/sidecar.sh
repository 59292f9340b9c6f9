#!/usr/bin/env bash
# The command line of sidecar/, which `sidecar.sh --help` lists. A harness starts a runtime by `sidecar.sh
# serve`: it is built if it never was, and workflows get a PostgreSQL of their own where the environment names
# none. That stays for the next time; `SOUK_SET=sidecar scripts/backends.sh stop` ends it.
source "$(dirname "$0")/lib.sh"

PROGRAM=$ROOT/artifacts/bin/Sidecar/release/sidecar.dll
[[ -f $PROGRAM ]] || "$ROOT/scripts/build.sh"
if [[ ${1:-} == serve && -z ${SOUK_POSTGRES:-}${SOUK_WORKFLOWSTORE:-} ]]; then
  export SOUK_SET=${SOUK_SET:-sidecar}
  if "$ROOT/scripts/backends.sh" start; then
    eval "$("$ROOT/scripts/backends.sh" env)"
  else
    say "souk: there is no PostgreSQL, so there will be no workflows"
  fi
fi
exec dotnet "$PROGRAM" "$@"
