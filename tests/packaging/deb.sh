#!/usr/bin/env bash
# The Debian packages, installed with dpkg into a copy of this machine's root: they bring what they say, start nothing, and
# after a purge the root is what it was but for dpkg's own records. usage: deb.sh FOLDER-WITH-PACKAGES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packaging/room.sh
. "$here/room.sh"
command -v dpkg-deb >/dev/null || { echo "skipped: no dpkg to install with"; exit 77; }
room_enter "$@"
packages=$(realpath "$1")
# dpkg's records, and what its triggers of other packages renew: indexes of manual pages and of libraries.
records=(--but /var/lib/dpkg --but /var/log --but /var/cache/man --but /var/cache/ldconfig --but /var/cache/debconf --but /etc/ld.so.cache)
# The programs that keep accounts leave a copy of the lists as they were.
accounts=(--but /etc/passwd- --but /etc/group- --but /etc/shadow- --but /etc/gshadow- --but /etc/subuid- --but /etc/subgid- --but /etc/.pwd.lock)
changed() { python3 "$here/changed.py" / "$room_upper" --but /tmp --but /run --but /proc --but /sys --but /dev "${records[@]}" "${accounts[@]}"; }
for program in groma-agent groma; do
    ! command -v "$program" >/dev/null || { echo "skipped: $program is installed on this machine"; exit 77; }
done

try() {
    local program=$1 state=$2 brought added
    room_open
    changed || { echo "a new room is not its machine"; return 1; }
    cp "$packages/${program}"_*.deb "$room_shared/"
    room_do "dpkg -i /tmp/room/${program}_*.deb"
    room_do "$program --version; test -z \"\$(ls -A $state 2>/dev/null)\""
    brought=$(room_do "dpkg -L $program" | grep -v '^/\.$' | sort)
    added=$(changed | sed -n 's/^added //p' | sort || true)
    echo "$program brings:"
    comm -12 <(echo "$brought") <(echo "$added") | sed 's/^/    /'
    # Beyond its list a package may only make the folder of its own, and the collector's an account.
    if comm -13 <(echo "$brought") <(echo "$added") | grep -vx "$state"; then
        echo "$program made more than it lists"
        return 1
    fi
    if [ "$program" = groma-agent ] && changed | grep '^changed'; then
        echo "$program changed what it does not own"
        return 1
    fi
    if [ "$program" = groma-agent ]; then
        room_do 'groma-agent look --offline --for 0s --source host.system --out /dev/null && test -s /var/lib/groma-agent/state.json'
    else
        room_do 'printf "name,address\\nfs1,10.0.0.5\\n" > /tmp/list.csv && su -s /bin/sh groma -c "groma --data /var/lib/groma import --list own /tmp/list.csv" && test -n "$(ls -A /var/lib/groma)" && test "$(stat -c %U:%a /var/lib/groma)" = groma:700'
    fi
    # As enabled by an operator, and with the drop-in the guide names.
    room_do "systemctl enable $program 2>&1 || true; test -L /etc/systemd/system/multi-user.target.wants/$program.service"
    room_do "dpkg -r $program && test -d $state"
    room_do "dpkg -P $program"
    changed || { echo "$program left something behind"; return 1; }
    echo "$program: purged, and nothing is left"
    room_close
}
# What would be left behind is seen: a file, a mode, something that is gone.
room_open
room_do 'touch /etc/left; chmod 700 /etc/services; rm /etc/protocols'
test "$(changed | wc -l)" = 3 || { echo "a change went unseen"; changed; exit 1; }
room_close
try groma-agent /var/lib/groma-agent
try groma /var/lib/groma
