#!/usr/bin/env bash
# The command line of tools/souk: load, demo, convert. `souk.sh --help` lists them.
source "$(dirname "$0")/lib.sh"
if [[ -z ${SOUK_URL:-} ]]; then
  export SOUK_URL=http://127.0.0.1:${SOUK_GATEWAY_PORT:-8080}
fi
export SOUK_RUN_DIR=$RUN
exec dotnet "$ROOT/artifacts/bin/Souk.Tool/release/souk.dll" "$@"
