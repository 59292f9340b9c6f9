#!/usr/bin/env bash
# bench.sh [SECONDS PER SCENARIO] [mesh|sidecar|gateway|holds|soak]: measures the mesh through its gateway, in
# three rounds, the local runtime alone, the gateway alone beside what could stand in its place, and the paths
# of the reservation engine; starts what is not up. Without a part it measures all; but a soak, which tells
# whether the runtime leaks (300 seconds are a good number), runs by name only.
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
for alone in sidecar holds soak; do
  [[ $part == "$alone" || ($part == all && $alone != soak) ]] || continue
  scripts/backends.sh start
  settings=$(scripts/backends.sh env)
  # A soak's ten thousand idle connections are ten thousand files, on either side.
  (ulimit -n "$(ulimit -Hn)" && eval "$settings" && SOUK_RUN_DIR=$RUN bench "$alone" "$seconds")
done
if [[ $part == mesh || $part == all ]]; then
  scripts/mesh.sh ensure
  settings=$(scripts/mesh.sh env)
  (eval "$settings" && bench mesh "$seconds")
fi
