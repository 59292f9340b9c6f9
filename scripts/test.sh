#!/usr/bin/env bash
# Builds all, runs every test on the backends of the set `test`; the last line is `N passed, N failed`.
#
#   test.sh [FILTER]   FILTER is an NUnit filter of `dotnet test`, such as FullyQualifiedName~Inventory
export SOUK_SET=${SOUK_SET:-test}
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
have dotnet || die "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download"

results=$RUN/results
rm -rf "$results"
mkdir -p "$results" "$LOGS"

summary() {
  echo "$1 passed, $2 failed"
  [[ $1 -gt 0 && $2 -eq 0 ]]
}

# The sum of one attribute of <Counters> over all result files.
count() {
  cat "$results"/*.trx 2>/dev/null |
    sed -n "s/.*<Counters [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}

if ! dotnet build Souk.slnx -c Release -nologo -v quiet -clp:ErrorsOnly; then
  summary 0 1
  exit 1
fi
# Some tests use programs that others wrote; without them they are ignored, on CI they fail and say why.
# A desk's owner decides alone what is installed.
install_tools() {
  [[ $(id -u) == 0 ]] && have apt-get || return 0
  { have node && have npm; } || (install_packages Node nodejs npm) || say "going on without Node"
  have curl || (install_packages curl curl) || say "going on without curl"
  /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null ||
    (install_packages "Python's gRPC" python3-grpcio python3-protobuf) || say "going on without Python's gRPC"
  have chromium || (install_packages Chromium chromium) || say "going on without Chromium"
}

install_tools
scripts/backends.sh start
settings=$(scripts/backends.sh env)
eval "$settings"
# Kill tests end and restart backends of a set of their own through this script.
export SOUK_BACKENDS=$ROOT/scripts/backends.sh

filter=()
[[ -z ${1:-} ]] || filter=(--filter "$1")
status=0
# A test that hangs is ended and named, and fails the run.
dotnet test tests/Tests.csproj -c Release --no-build -nologo --logger trx --results-directory "$results" \
  --blame-hang-timeout 5m --blame-hang-dump-type none \
  --logger "console;verbosity=minimal" "${filter[@]}" || status=$?
[[ ${SOUK_KEEP_BACKENDS:-} == yes ]] || scripts/backends.sh stop

passed=$(count passed)
failed=$(($(count failed) + $(count error) + $(count timeout) + $(count aborted)))
if [[ $status != 0 && $failed == 0 ]]; then
  say "the test host ended with status $status and reported no failed test"
  failed=1
fi
summary "$passed" "$failed"
