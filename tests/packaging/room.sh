# A copy of this machine's root that nobody outside sees: an overlay on `/`, in a mount namespace of its own, its upper
# layer in memory. What a package changes is exactly what the upper layer holds. Sourced by the tests of this folder;
# needs root, and says so. Everything in a room ends with the shell that opened it.

# Starts the calling script again in a mount namespace of its own. usage: room_enter "$@" (first thing in a script)
room_enter() {
    if [ "$(id -u)" != 0 ]; then
        echo "skipped: a room is a mount namespace of root's"
        exit 77
    fi
    [ -n "${GROMA_ROOM:-}" ] || exec env GROMA_ROOM=yes unshare --mount --propagation private bash "$0" "$@"
}

# Makes a room below a new folder; sets $room (its root), $room_upper and $room_shared (seen inside as /room).
room_open() {
    local base
    base=$(mktemp -d)
    mount -t tmpfs -o mode=755 room "$base"
    mkdir "$base"/{upper,work,root,shared}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
    # shellcheck disable=SC2034  # for whoever sources this
    room=$base/root room_upper=$base/upper room_shared=$base/shared room_init=
    # What a running machine has, and a room must not inherit.
    mount -t tmpfs -o mode=755 run "$room/run"
    mount -t tmpfs tmp "$room/tmp"
    mkdir -p "$room/tmp/room"
    mount --bind "$room_shared" "$room/tmp/room"
    for place in dev proc sys; do mkdir -p "$room/$place"; done
    mount --rbind /dev "$room/dev"
    trap room_close EXIT
}

# The room and everything that runs in it.
room_close() {
    local base=${room%/root}
    [ -z "$room_init" ] || kill -KILL "$room_init" 2>/dev/null || true
    umount -R -l "$base" 2>/dev/null || true
    rmdir "$base" 2>/dev/null || true
}

# Runs a shell text inside, with processes and a network of its own and no service manager.
room_do() {
    unshare --pid --net --uts --ipc --fork --kill-child --mount bash -c '
        mount -t proc proc "$0/proc"; mount -t sysfs sys "$0/sys"
        ip link set lo up 2>/dev/null || true
        exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
            sh -euc "$1"' "$room" "$1"
}

# Lets systemd be the first process of the room; nothing of this machine's own services is started. Sets $room_init.
room_boot() {
    [ -x /lib/systemd/systemd ] || { echo "skipped: no systemd to be the first process"; return 77; }
    unshare --pid --net --uts --ipc --cgroup --fork --kill-child --mount bash -c '
        cd "$0"
        mount -t proc proc proc; mount -t sysfs sys sys
        mount -t tmpfs tmpfs sys/fs/cgroup; mkdir sys/fs/cgroup/systemd
        mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
        ip link set lo up
        rm -rf etc/systemd/system/*.wants; : > etc/fstab
        for unit in systemd-remount-fs systemd-udevd systemd-logind getty@ console-getty; do ln -sf /dev/null "etc/systemd/system/$unit.service"; done
        mkdir -p tmp/old; pivot_root . tmp/old; umount -l /tmp/old
        exec env -i container=room PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=basic.target --log-target=null' "$room" \
        </dev/null >/dev/null 2>&1 &
    local outer=$! tries=0
    room_init=
    while [ $tries -lt 100 ]; do
        room_init=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null | tr -d ' ') || true
        if [ -n "$room_init" ] && room_in 'systemctl is-system-running --wait' >/dev/null 2>&1; then return 0; fi
        sleep 0.2
        tries=$((tries + 1))
    done
    echo "systemd did not come up in the room"
    return 1
}

# Runs a shell text in the room that systemd runs.
room_in() {
    nsenter -t "$room_init" -m -p -u -i -n -C -r -w /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ \
        DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -euc "$1"
}
