#!/usr/bin/env bash
# bench.sh [SECONDS PER SCENARIO] [mesh|sidecar|gateway|holds]: measures the mesh through its gateway, in
# three rounds, the local runtime alone, the gateway alone beside what could stand in its place, and the paths
# of the reservation engine; starts what is not up. Without a part it measures all.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
# A log line per call would be measured too.
export SOUK_LOG_LEVEL=${SOUK_LOG_LEVEL:-Warning}
seconds=${1:-10} part=${2:-all}
dotnet build tests/bench -c Release -nologo -v quiet -clp:ErrorsOnly >&2
bench() { dotnet artifacts/bin/Bench/release/Bench.dll "$@"; }

# First: the runtime's own figures are not to be taken beside a mesh, idle as it may be.
if [[ $part == gateway || $part == all ]]; then
  SOUK_RUN_DIR=$RUN bench gateway "$seconds"
fi
for alone in sidecar holds; do
  [[ $part == "$alone" || $part == all ]] || continue
  scripts/backends.sh start
  settings=$(scripts/backends.sh env)
  (eval "$settings" && SOUK_RUN_DIR=$RUN bench "$alone" "$seconds")
done
if [[ $part == mesh || $part == all ]]; then
  scripts/mesh.sh ensure
  settings=$(scripts/mesh.sh env)
  (eval "$settings" && bench mesh "$seconds")
fi
