#!/usr/bin/env bash
# The units are understood by systemd, and as narrow as they say: no higher exposure than these figures (tenths). They may
# only fall. What the agent's consists of: it is root (its trace belongs to root), sees the network, processes and files of
# everybody, and looks where other services put their temporary files, because it tells what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze to judge the units by"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A unit with the programs it names beside it, as on a machine where they are installed.
understood() {
    local unit=$1 said
    mkdir -p "$scratch/root/usr/bin" "$scratch/root/usr/lib/systemd/system" "$scratch/root/etc/systemd/system"
    cp -r /usr/lib/systemd/system/. "$scratch/root/usr/lib/systemd/system/"
    cp /usr/bin/true "$scratch/root/usr/bin/groma"
    cp /usr/bin/true "$scratch/root/usr/bin/groma-agent"
    cp "$unit" "$scratch/root/usr/lib/systemd/system/"
    # Two settings are younger than Debian 12 and harmless without; a manual page is not in this root.
    said=$(systemd-analyze verify --man=no --root="$scratch/root" "$(basename "$unit")" 2>&1 | grep -v "RestartSteps\|RestartMaxDelaySec" | grep "$(basename "$unit")" || true)
    [ -z "$said" ] || { echo "$said"; return 1; }
    echo "understood: $unit"
}

# usage: exposure MOST NAME FILE… (a unit and what is dropped in beside it)
exposure() {
    local most=$1 name=$2
    shift 2
    mkdir -p "$scratch/judged"
    cat "$@" > "$scratch/judged/$name"
    systemd-analyze security --offline=true --threshold="$most" --no-pager "$scratch/judged/$name" 2>/dev/null | tail -n 1 | tr -d '→' || {
        echo "$*: more exposed than $most tenths"
        return 1
    }
}

agent=agent/packaging/systemd collector=collector/packaging/systemd
understood $agent/groma-agent.service
understood $collector/groma.service
exposure 46 groma-agent.service $agent/groma-agent.service
exposure 34 groma-agent.service $agent/groma-agent.service $agent/examples/narrow.conf
exposure 46 groma-agent.service $agent/groma-agent.service $agent/examples/vantage.conf
exposure 11 groma.service $collector/groma.service
