#!/usr/bin/env bash
# The units under a real systemd, the first process of a copy of this machine: installing starts nothing; an agent that is not
# enrolled does not start; the unit's limits hold and hide nothing from a look; a purge while it is enabled leaves nothing.
# usage: service.sh FOLDER-WITH-PACKAGES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packaging/room.sh
. "$here/room.sh"
command -v nsenter >/dev/null || { echo "skipped: no nsenter"; exit 77; }
room_enter "$@"
packages=$(realpath "$1")
room_open
room_boot || { status=$?; exit $status; }
cp "$packages"/*.deb "$room/run/"

room_in 'dpkg -i /run/groma-agent_*.deb /run/groma_*.deb >/dev/null'
for unit in groma-agent groma; do
    test "$(room_in "systemctl is-active $unit || true; systemctl is-enabled $unit || true" | tr '\n' ' ')" = "inactive disabled "
done
echo "installed: neither is started, neither is enabled"

room_in 'systemctl start groma-agent; systemctl show -P ConditionResult groma-agent' | grep -qx no
echo "not enrolled: not started"

# The same look twice, within the unit's limits and without any: the same facts, or a limit hides something.
few='--offline --for 1s --source host.system --source host.storage --source host.network --source host.accounts --source host.packages --source host.units --source host.jobs --source host.sockets --source host.filter --source written.config --format json'
room_in "mkdir -p /etc/systemd/system/groma-agent.service.d
printf '[Unit]\nConditionPathExistsGlob=\n[Service]\nType=oneshot\nRestart=no\nCPUQuota=\nExecStart=\nExecStart=/usr/bin/groma-agent look $few --out /var/lib/groma-agent/look.json\n' > /etc/systemd/system/groma-agent.service.d/test.conf
systemctl daemon-reload
systemctl start groma-agent
install -m 600 /var/lib/groma-agent/look.json /run/limited.json
GROMA_STATE_DIR=/run/state groma-agent look $few --out /run/free.json"
facts() { grep '"saw"' "$1" | grep -v '"fact":"measurement"' | sed 's/"seen":{[^}]*}//; s/^{"n":[0-9]*,/{/' | sort -u; }
gaps() { grep '"missed"' "$1" | grep -v 'source:apart' | sed 's/"[0-9-]*T[0-9:.]*Z"//g' | sort -u; }
facts "$room/run/limited.json" > "$room/run/limited.facts"
facts "$room/run/free.json" > "$room/run/free.facts"
test "$(wc -l < "$room/run/free.facts")" -gt 50
# What lives between two moments may differ (a socket, the unit itself while it looks); a limit would hide kinds of things.
hidden=$(diff "$room/run/limited.facts" "$room/run/free.facts" | grep '^>' | grep -v '"fact":"\(listener\|connection\|process\)"' || true)
test -z "$hidden" || { echo "the unit's limits hide:"; echo "$hidden" | cut -c 1-300 | head; exit 1; }
more=$(diff <(gaps "$room/run/limited.json") <(gaps "$room/run/free.json") | grep '^<' || true)
test -z "$more" || { echo "the unit's limits make gaps:"; echo "$more" | cut -c 1-300 | head; exit 1; }
echo "within its limits it tells the same $(wc -l < "$room/run/free.facts") facts as without"

# What the limits forbid, tried by a shell in the agent's place.
allowed() {
    room_in "systemctl show groma-agent >/dev/null
    sed -n '/^\[Service\]/,/^\[Install\]/p' /usr/lib/systemd/system/groma-agent.service | grep -E '^(CapabilityBoundingSet|NoNewPrivileges|Protect|ReadWritePaths|Device|Lock|Memory(Deny)|Restrict(Name|Addr|SUID|Real)|SystemCall)' > /run/limits
    set --; while read -r line; do set -- \"\$@\" -p \"\$line\"; done < /run/limits
    systemd-run --quiet --wait --pipe -p NoExecPaths= -p StateDirectory=groma-agent \"\$@\" sh -c '$1'" >/dev/null 2>&1
}
allowed 'echo yes > /var/lib/groma-agent/own'
for act in 'echo x > /etc/groma/x' 'echo x > /usr/bin/x' 'echo x > /tmp/x' 'echo x > /proc/sys/kernel/core_pattern' 'cat /dev/kmsg' 'chown 1 /var/lib/groma-agent/own' 'mknod /var/lib/groma-agent/d c 1 3' 'unshare --user true'; do
    if allowed "$act"; then echo "the unit's limits allow: $act"; exit 1; fi
done
echo "it writes its own folder and nothing else"

# The collector, as its own account.
room_in "mkdir -p /etc/systemd/system/groma.service.d
printf 'name,address\nfs1,10.0.0.5\n' > /var/lib/groma/list.csv; chown groma: /var/lib/groma/list.csv
printf '[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/usr/bin/groma --data /var/lib/groma import --list own /var/lib/groma/list.csv\n' > /etc/systemd/system/groma.service.d/test.conf
systemctl daemon-reload
systemctl start groma || { journalctl -u groma --no-pager | tail -n 5; exit 1; }
test -n \"\$(find /var/lib/groma -user groma -type f -size +4k)\""
echo "the collector keeps what it is told, as its own account"

room_in 'rm -r /etc/systemd/system/groma.service.d /etc/systemd/system/groma-agent.service.d/test.conf
cp /usr/share/doc/groma-agent/examples/narrow.conf /etc/systemd/system/groma-agent.service.d/
systemctl daemon-reload
systemctl enable --quiet groma-agent groma
dpkg -P groma-agent groma >/dev/null
! systemctl cat groma-agent 2>/dev/null && ! systemctl cat groma 2>/dev/null'
left=$(cd "$room" && find etc usr/lib usr/bin usr/share var/lib -xdev -name '*groma*' 2>/dev/null | grep -v 'var/lib/dpkg\|var/lib/groma-lab' || true)
left=$(for one in $left; do [ -e "/$one" ] || echo "$one"; done)
test -z "$left" || { echo "left behind: $left"; exit 1; }
echo "purged while enabled: nothing is left"
