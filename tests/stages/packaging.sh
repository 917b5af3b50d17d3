#!/usr/bin/env bash
# Packages of both programs, made and tried: the units are judged, packages built twice must be equal, installed and purged
# they must leave nothing, and the unit's limits must not hide anything from the agent.
# usage: packaging.sh STATIC-PROGRAMS WORK-DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."
static=$1 work=$2
mkdir -p "$work"
failed=0
# A part that cannot run says so where the whole run counts it.
part() {
    local status=0
    echo "== $*"
    bash "$@" > "$work/part.log" 2>&1 || status=$?
    cat "$work/part.log"
    case $status in
        0) ;;
        77) sed -n "s#^skipped: #packaging, $(basename "$1"): #p" "$work/part.log" >> "${GROMA_SKIPPED:-/dev/null}" ;;
        *) echo "FAILED: $*"; failed=1 ;;
    esac
}
part tests/packaging/units.sh

# Made twice, in two folders: the same bytes.
export GROMA_PACK_LEVEL=${GROMA_PACK_LEVEL:-0}
rm -rf "$work/first" "$work/second"
for turn in first second; do
    for program in groma-agent groma; do
        bash agent/packaging/build.sh $program "$static/$program" "$work/$turn"
    done
done
for package in "$work"/first/*; do
    cmp "$package" "$work/second/$(basename "$package")" || failed=1
done
rm -rf "$work/second"
part tests/packaging/deb.sh "$work/first"
part tests/packaging/rpm.sh "$work/first"
part tests/packaging/service.sh "$work/first"
part tests/packaging/far.sh
part tests/packaging/ansible.sh "$work/first"
part tests/packaging/scripts.sh
exit $failed
