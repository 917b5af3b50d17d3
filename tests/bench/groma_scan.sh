#!/bin/sh
# groma as a contestant of 02_scan.py: sweeps, and prints a line "ip port" for each open TCP port.
# usage: groma_scan.sh polite|unrestrained|connections TARGETS PORTS        (GROMA_AGENT_BIN names the agent)
# Run it as 02_scan.py does, within `ip netns exec`: there /etc may be another one, with a ceiling file that names the farm as
# a laboratory. Each run has a state folder of its own, or it would go on where one that was ended came to.
set -eu
mode=$1 targets=$2 ports=$3
own=$(mktemp -d "${TMPDIR:-/tmp}/groma-scan.XXXXXX")
trap 'umount /etc 2>/dev/null || true; rm -rf "$own"' EXIT
mkdir -p "$own/etc/groma" "$own/state"
chmod 755 "$own" "$own/etc" "$own/etc/groma"
echo 'unrestrained = ["10.76.0.0/22", "10.77.0.0/22"]' > "$own/etc/groma/ceiling.toml"
case $mode in
    polite) set -- ;;
    unrestrained) set -- --unrestrained ;;
    connections) set -- --unrestrained --by-connections ;;
    *) echo "groma_scan.sh: $mode is no mode" >&2; exit 2 ;;
esac
if [ "$mode" = connections ]; then
    # Without rights, as whoever has none: the descriptors of this shell go along.
    chown -R 65534:65534 "$own/state"
    ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
    who="setpriv --reuid 65534 --regid 65534 --clear-groups"
else
    who=
fi
mount --bind "$own/etc" /etc
# shellcheck disable=SC2086
GROMA_STATE_DIR="$own/state" $who "$GROMA_AGENT_BIN" look --source network.sweep --for 0s --target "$targets" --ports "$ports" \
    --tcp-only --format json "$@" |
    jq -r '.said.saw.fact? | select(.fact == "open-port") | "\(.address) \(.port)"'
