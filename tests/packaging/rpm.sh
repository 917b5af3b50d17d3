#!/usr/bin/env bash
# The RPM packages, installed with rpm into a copy of this machine's root: they bring what they say, start nothing, and
# after they are removed the root is what it was but for its
# own records; of the collector its store and its account stay, and nothing else. usage: rpm.sh FOLDER-WITH-PACKAGES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packaging/room.sh
. "$here/room.sh"
command -v rpm >/dev/null || { echo "skipped: no rpm to install with"; exit 77; }
room_enter "$@"
packages=$(realpath "$1")
ls "$packages"/*.rpm >/dev/null 2>&1 || { echo "skipped: no .rpm was made"; exit 77; }
records=(--but /var/lib/rpm --but /usr/lib/sysimage/rpm --but /root/.rpmdb --but /.rpmdb --but /var/log)
accounts=(--but /etc/passwd- --but /etc/group- --but /etc/shadow- --but /etc/gshadow- --but /etc/subuid- --but /etc/subgid- --but /etc/.pwd.lock)
changed() { python3 "$here/changed.py" / "$room_upper" --but /tmp --but /run --but /proc --but /sys --but /dev "${records[@]}" "${accounts[@]}"; }

# rpm holds the records of no other package here, so that it cannot know a shell is there; hence --nodeps.
try() {
    local program=$1 state=$2 brought added
    room_open
    cp "$packages/$program"-[0-9]*.rpm "$room_shared/"
    # By way of --root, as an image is made; the scripts run inside it.
    # Folders that such systems have, and Debian has not.
    room_do "mkdir /usr/share/licenses /usr/share/zsh/site-functions"
    room_do "rpm --root / --nodeps --nosignature -ivh /tmp/room/$program-*.rpm"
    room_do "$program --version; test -z \"\$(ls -A $state 2>/dev/null)\"; rpm -V --nodeps $program"
    brought=$(room_do "rpm -ql $program" | sort)
    added=$(changed | sed -n 's/^added //p' | sort || true)
    echo "$program brings:"
    comm -12 <(echo "$brought") <(echo "$added") | sed 's/^/    /'
    if comm -13 <(echo "$brought") <(echo "$added") | grep -vx -e "$state" -e /usr/share/licenses -e /usr/share/zsh/site-functions; then
        echo "$program made more than it lists"
        return 1
    fi
    if [ "$program" = groma-agent ]; then
        room_do 'groma-agent look --offline --for 0s --source host.system --out /dev/null && test -s /var/lib/groma-agent/state.json'
        # A configuration somebody wrote is put aside by rpm; nothing of it stays either.
        room_do 'echo "#mine" >> /etc/groma/ceiling.toml'
    else
        room_do 'test "$(stat -c %U:%a /var/lib/groma)" = groma:700'
    fi
    room_do "systemctl enable $program 2>&1 || true; test -L /etc/systemd/system/multi-user.target.wants/$program.service"
    room_do "rpm --nodeps -e $program"
    if [ "$program" = groma ]; then
        room_do 'test -d /var/lib/groma && getent passwd groma && rmdir /var/lib/groma && userdel groma'
    fi
    room_do "rmdir /usr/share/licenses /usr/share/zsh/site-functions"
    changed || { echo "$program left something behind"; return 1; }
    echo "$program: removed, and nothing is left"
    room_close
}
try groma-agent /var/lib/groma-agent
try groma /var/lib/groma
