#!/usr/bin/env bash
# A daemon of libvirt of its own, in namespaces that are gone when this script ends: nothing of the machine's own libvirt, network
# or files is touched. usage (within unshare -m -n -u -p -f): room.sh DIRECTORY PROGRAM…
# GROMA_TEST_USR may name a directory that is laid over /usr: a QEMU that is not installed.
set -euo pipefail
room=$1
shift
fixtures=$(cd "$(dirname "$0")/../../../platform/tests/fixtures/libvirt" && pwd)

hostname hv1.corp.example
ip link set lo up
# The resolver hands out 127.0.0.1 only where some other interface has an address.
ip link add br0 type bridge
ip addr add 10.99.0.1/24 dev br0
ip link set br0 up
[ -z "${GROMA_TEST_USR:-}" ] || mount -t overlay overlay -o "lowerdir=$GROMA_TEST_USR:/usr" /usr
cp -a /etc/libvirt "$room/etc"
for place in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
    mkdir -p "$place"
    mount -t tmpfs tmpfs "$place"
done
cp -a "$room/etc/." /etc/libvirt/
printf '%s\n' 'user="root"' 'group="root"' 'security_driver="none"' 'cgroup_controllers=[]' 'namespaces=[]' \
    'stdio_handler="file"' 'remember_owner=0' > /etc/libvirt/qemu.conf

cd "$room"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca 2>/dev/null
for who in server client; do
    openssl req -newkey rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who.corp.example 2>/dev/null
    printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=%sAuth\nkeyUsage=digitalSignature,keyEncipherment\nbasicConstraints=CA:FALSE\n' $who > $who.ext
    openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.pem 2>/dev/null
done
cat > conf <<CONF
unix_sock_dir="$room"
auth_unix_ro="none"
auth_unix_rw="none"
listen_tls=1
listen_tcp=1
listen_addr="127.0.0.1"
auth_tcp="none"
auth_tls="none"
ca_file="$room/ca.pem"
cert_file="$room/server.pem"
key_file="$room/server.key"
host_uuid="4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
CONF
libvirtd -l -f conf -p "$room/pid" > log 2>&1 &

ask() { local driver=$1; shift; virsh -q -c "$driver?socket=$room/libvirt-sock" "$@" > said 2>&1 || { cat said; return 1; }; }
up=no
for _ in $(seq 100); do
    if ask test+unix:///default uri 2>/dev/null >&2; then up=yes; break; fi
    sleep 0.2
done
[ $up = yes ] || { cat log; exit 1; }

ask lxc+unix:///system define "$fixtures/domain-box.xml"
if command -v qemu-system-x86_64 >/dev/null && command -v qemu-img >/dev/null; then
    qemu() { ask qemu+unix:///system "$@"; }
    for one in inner ovs island vfs; do qemu net-define "$fixtures/network-$one.xml"; done
    qemu net-start inner
    for one in images nfs cifs san vg0 fc; do qemu pool-define "$fixtures/pool-$one.xml"; done
    qemu pool-build images
    qemu pool-start images
    qemu vol-create-as images web-01.qcow2 1G --format qcow2
    qemu vol-create-as images web-01-data.img 100M --format raw --allocation 0
    qemu vol-create-as images snap.qcow2 64M --format qcow2
    qemu vol-create-as images shared.iso 1M --format raw
    for one in web-01 db secure; do qemu define "$fixtures/domain-$one.xml"; done
    qemu start web-01
    sed -e 's/snap.disk-only/snap.qcow2/' -e '/<backingStore/,/^      <\/backingStore>/d' "$fixtures/domain-snap.xml" > snap.xml
    qemu define "$room/snap.xml"
    qemu start snap
    qemu snapshot-create-as snap before-upgrade
    qemu snapshot-create-as snap disk-only --disk-only
    qemu autostart snap
    for one in kept paused; do
        sed -e "s/<name>snap</<name>$one</" -e "s/555555555505/5555555555${#one}0/" -e "s/52:54:00:aa:00:09/52:54:00:aa:00:${#one}0/" \
            -e '/<disk /,/<\/disk>/d' "$fixtures/domain-snap.xml" > $one.xml
        qemu define "$room/$one.xml"
        qemu start $one
    done
    qemu managedsave kept
    qemu suspend paused
    export GROMA_LIBVIRT_QEMU=yes
fi
export GROMA_LIBVIRT_ROOM=$room
"$@"
