#!/usr/bin/env bash
# A libvirtd of its own starts the guest of ROOM/shop.xml, and while it runs an agent asks that libvirtd. Everything is gone when
# this script ends: nothing of the machine's own libvirt, network or files is touched.
# usage (within unshare -m -n -u -p -f --kill-child --mount-proc): libvirtd.sh ROOM AGENT; what was told is ROOM/outside
set -euo pipefail
room=$1 agent=$2
hostname carrier1
ip link set lo up
cp -a /etc/libvirt "$room/etc"
for place in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
    mkdir -p "$place"
    mount -t tmpfs tmpfs "$place"
done
cp -a "$room/etc/." /etc/libvirt/
printf '%s\n' 'user="root"' 'group="root"' 'security_driver="none"' 'cgroup_controllers=[]' 'namespaces=[]' \
    'stdio_handler="file"' 'remember_owner=0' >/etc/libvirt/qemu.conf
printf '%s\n' "unix_sock_dir=\"$room\"" 'auth_unix_ro="none"' 'auth_unix_rw="none"' \
    'host_uuid="8c1f0a73-64d9-4be2-a5c0-19f7d3e6b284"' >"$room/conf"
libvirtd -f "$room/conf" -p "$room/pid" >"$room/log" 2>&1 &

ask() { virsh -q -c "qemu+unix:///system?socket=$room/libvirt-sock" "$@"; }
until_ten_times_seconds() {
    local times=$1
    shift
    for _ in $(seq "$times"); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    tail -n 20 "$room/log" "$room/console" >&2 || true
    return 1
}
until_ten_times_seconds 300 ask uri
ask define "$room/shop.xml"
ask define "$room/ledger.xml"
ask start shop-production
until_ten_times_seconds 900 grep -q '^groma: done' "$room/console"
install -m 600 /dev/null "$room/access"
printf '[[hypervisor]]\nkind = "libvirt"\nurl = "qemu+unix:///system?socket=%s/libvirt-sock-ro"\n' "$room" >"$room/access"
GROMA_STATE_DIR=$room/state "$agent" look --source hypervisor.platform --access "$room/access" --out "$room/outside"
ask destroy shop-production
