#!/usr/bin/env bash
# The command line of tools/souk: load, demo, convert. `souk.sh --help` lists them.
source "$(dirname "$0")/lib.sh"
export SOUK_URL=${SOUK_URL:-$URL} SOUK_RUN_DIR=$RUN
exec dotnet "$ROOT/artifacts/bin/Souk.Tool/release/souk.dll" "$@"
