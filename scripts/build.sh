#!/usr/bin/env bash
# Builds what the mesh runs (Release), unless nothing changed since the last time: asking MSBuild whether it
# has anything to do takes longer than starting the mesh.
#
#   build.sh          build if a source is newer than the last build
#   build.sh --check  say by the exit code whether a build is needed
source "$(dirname "$0")/lib.sh"

STAMP=$ROOT/.run/build.stamp
cd "$ROOT"
have dotnet || die "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download"

sources() {
  find Directory.* global.json ./*.slnf protos services gateway sidecar standins tools \
    -type d \( -name obj -o -name bin -o -name .dapr -o -name samples \) -prune -o -type f "$@" -print
}

# The stamp's content is the list of files, so that a deleted one counts as a change too.
listing() { sources | LC_ALL=C sort; }

fresh() {
  [[ -f $STAMP && -d artifacts/bin ]] && [[ -z $(sources -newer "$STAMP") ]] && cmp -s <(listing) "$STAMP"
}

if fresh; then exit 0; fi
[[ ${1:-} != --check ]] || exit 1

mkdir -p "$ROOT/.run"
# Dated before the build: what is edited while it runs is built again.
listing >"$STAMP.new"
say "building (the first time takes a few minutes)"
dotnet build Souk.Mesh.slnf -c Release -nologo -v quiet -clp:ErrorsOnly >&2
mv "$STAMP.new" "$STAMP"
