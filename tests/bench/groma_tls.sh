#!/bin/sh
# groma as a contestant of 03_tls.py: reads certificates, and prints a line "ip fingerprint not-after subject" for each server.
# usage: groma_tls.sh LIST PORT MODE [polite]        (GROMA_AGENT_BIN names the agent; MODE is what 03_tls.py calls the port)
# Run it as 03_tls.py does, within `ip netns exec`: there /etc may be another one, with a ceiling file that names the farm as
# a laboratory. The agent is told addresses and the port alone; which protocol begins TLS there it knows by the number.
set -eu
list=$1 port=$2 mode=$3 manners=${4:-unrestrained}
case $mode in
    tls | smtp | ldap) ;;
    *) echo "groma_tls.sh: $mode is no mode" >&2; exit 2 ;;
esac
case $manners in
    polite) restraint= ;;
    unrestrained) restraint=--unrestrained ;;
    *) echo "groma_tls.sh: $manners are no manners" >&2; exit 2 ;;
esac
own=$(mktemp -d "${TMPDIR:-/tmp}/groma-tls.XXXXXX")
trap 'umount /etc 2>/dev/null || true; rm -rf "$own"' EXIT
mkdir -p "$own/etc/groma" "$own/state"
chmod 755 "$own" "$own/etc" "$own/etc/groma"
echo 'unrestrained = ["10.76.0.0/22", "10.77.0.0/22"]' > "$own/etc/groma/ceiling.toml"
mount --bind "$own/etc" /etc
# shellcheck disable=SC2046,SC2086
GROMA_STATE_DIR="$own/state" "$GROMA_AGENT_BIN" look --source network.certificates --for 0s $(sed 's/^/--target /' "$list") \
    --ports "$port" --tcp-only --format json $restraint |
    jq -r '.said.saw.fact? | select(.fact == "certificate" and .place.endpoint.position == 0)
        | "\(.place.endpoint.address) \(.certificate.sha256) \(.certificate.not_after) \(.certificate.subject)"'
