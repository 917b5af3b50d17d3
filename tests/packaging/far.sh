#!/usr/bin/env bash
# The far side's scripts of `groma deploy` under a real systemd (over ssh they are tried in crates/deploy/tests with one that only
# remembers): installed, started, taken back, installed again, removed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packaging/room.sh
. "$here/room.sh"
room_enter "$@"
far=$(realpath "$here/../../crates/deploy/src/far")
unit=$(realpath "$here/../../agent/packaging/systemd/groma-agent.service")
room_open
room_boot || { status=$?; exit $status; }
cat > "$room/run/agent" <<'AGENT'
#!/bin/sh
case $1 in
    --version) echo "groma-agent 1" ;;
    enroll) [ "$(cat "$5")" = good-token ] && mkdir -p -m 700 /var/lib/groma-agent && echo "$3" > /var/lib/groma-agent/identity.json ;;
    status)
        echo well
        printf 'agent        agt-0123456789abcdef0123456789abcdef at site default\nfingerprint  feedfacefeedface\n' ;;
    run) exec sleep 1000 ;;
esac
AGENT
# A script needs its shell, which the unit does not let the real agent start.
sed 's#/usr/bin/groma-agent#/usr/local/bin/groma-agent#; /^NoExecPaths=/d' "$unit" > "$room/run/unit"
echo good-token > "$room/run/token"
before='touched=yes missing="" had_binary="" had_unit="" had_state="" had_enrolled="" had_active="" had_enabled="" had_binary_sum="" had_unit_sum=""'
# usage: step NAME [HANDED-OVER [VALUES]]
step() {
    {
        echo "prefix='' binary=/usr/local/bin/groma-agent unit=/etc/systemd/system/groma-agent.service state=/var/lib/groma-agent url=https://x tries=5 claims=yes replace_binary=yes write_unit=yes ${3:-}"
        cat "$far/common.sh" "$far/$1.sh"
    } > "$room/run/script"
    room_in "cat /run/script ${2:-} | sh -c 'eval \"\$(dd bs=1 count=$(wc -c < "$room/run/script") 2>/dev/null)\"'"
}
install_it() {
    step upload /run/agent "size=$(wc -c < "$room/run/agent") sum=$(sha256sum < "$room/run/agent" | cut -c 1-64)"
    step place /run/unit "size=$(wc -c < "$room/run/unit")"
    step enroll /run/token
    step start
    step status
    room_in 'systemctl is-active --quiet groma-agent && systemctl is-enabled --quiet groma-agent'
}
step look > "$room/run/first"
grep -qx groma:init=systemd "$room/run/first"
for way_back in undo remove; do
    install_it
    [ $way_back = undo ] || step keep
    step look > "$room/run/enrolled"
    grep -qx 'groma:agent=agt-0123456789abcdef0123456789abcdef at site default' "$room/run/enrolled"
    grep -qx groma:fingerprint=feedfacefeedface "$room/run/enrolled"
    step $way_back "" "$before" | tee "$room/run/said"
    ! grep groma:left "$room/run/said"
    grep -qx groma:forgotten=yes "$room/run/said"
    diff <(step look | grep -v free=) <(grep -v free= "$room/run/first")
    room_in '! systemctl cat groma-agent 2>/dev/null; test -z "$(find /etc/systemd /usr/local /var/lib/groma-agent -name "*groma-agent*" 2>/dev/null)"'
done
echo "installed, taken back, installed, removed: as at first"
