#!/usr/bin/env bash
# Measures the running mesh; starts it when it is not up. bench.sh [SECONDS PER SCENARIO]
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
# A log line per call would be measured too.
export SOUK_LOG_LEVEL=${SOUK_LOG_LEVEL:-Warning}
scripts/mesh.sh ensure
settings=$(scripts/mesh.sh env)
eval "$settings"
dotnet build tests/bench -c Release -nologo -v quiet -clp:ErrorsOnly >&2
exec dotnet artifacts/bin/Bench/release/Bench.dll "$@"
