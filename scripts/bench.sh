#!/usr/bin/env bash
# bench.sh [SECONDS PER SCENARIO] [mesh|sidecar|gateway]: measures the mesh through its gateway, the local
# runtime alone, and the gateway alone beside what could stand in its place; starts what is not up. Without a
# part it measures all three.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
# A log line per call would be measured too.
export SOUK_LOG_LEVEL=${SOUK_LOG_LEVEL:-Warning}
seconds=${1:-20} part=${2:-all}
dotnet build tests/bench -c Release -nologo -v quiet -clp:ErrorsOnly >&2
bench() { dotnet artifacts/bin/Bench/release/Bench.dll "$@"; }

# First: the runtime's own figures are not to be taken beside a mesh, idle as it may be.
if [[ $part == gateway || $part == all ]]; then
  SOUK_RUN_DIR=$RUN bench gateway "$seconds"
fi
if [[ $part == sidecar || $part == all ]]; then
  scripts/backends.sh start
  settings=$(scripts/backends.sh env)
  (eval "$settings" && SOUK_RUN_DIR=$RUN bench sidecar "$seconds")
fi
if [[ $part == mesh || $part == all ]]; then
  scripts/mesh.sh ensure
  settings=$(scripts/mesh.sh env)
  (eval "$settings" && bench mesh "$seconds")
fi
