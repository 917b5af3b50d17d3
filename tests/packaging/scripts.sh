#!/usr/bin/env bash
# Every script we hand out is POSIX sh where it says so, and shellcheck finds nothing in it.
set -euo pipefail
cd "$(dirname "$0")/../.."
for script in agent/packaging/deb/* collector/packaging/deb/*; do
    head -n 1 "$script" | grep -qx '#!/bin/sh' || { echo "$script is not for sh"; exit 1; }
    dash -n "$script"
done
command -v shellcheck >/dev/null || { echo "skipped: no shellcheck"; exit 77; }
shellcheck --shell=sh agent/packaging/deb/* collector/packaging/deb/*
shellcheck --shell=bash agent/packaging/build.sh
shellcheck --shell=bash --severity=warning tests/packaging/*.sh tests/stages/*.sh
for scripts in agent/packaging/rpm/scripts collector/packaging/rpm/scripts; do
    sed 's/^%[a-z]*$/:/' "$scripts" | shellcheck --shell=sh -
done
echo "shellcheck finds nothing"
