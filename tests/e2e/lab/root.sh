#!/usr/bin/env bash
# Builds the machine's file tree: programs and packages of the machine we run on, everything else its own.
set -euo pipefail
scratch=$1 kind=$2 here=$3
root=$scratch/root
mkdir -p "$root"/{usr,etc,opt,srv,home,root,run,tmp,dev,proc,sys,mnt,boot,media} "$root"/var/{lib,log,spool,tmp,cache} "$scratch/local/bin"
chmod 1777 "$root/tmp" "$root/var/tmp"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
ln -s /run "$root/var/run"

cd "$root/etc"
cp -a /etc/ld.so.conf /etc/ld.so.conf.d /etc/ld.so.cache /etc/alternatives /etc/services /etc/protocols /etc/debian_version .
ln -s ../usr/lib/os-release os-release
awk -F: '$3 < 1000 || $1 == "nobody"' OFS=: /etc/passwd > passwd
awk -F: '$3 < 1000 || $1 == "nogroup"' /etc/group > group
echo 'app:x:2001:2001:The order application:/opt/app:/usr/sbin/nologin' >> passwd
echo 'anna:x:2002:2002:Anna Admin:/home/anna:/bin/bash' >> passwd
printf 'app:x:2001:\nanna:x:2002:\n' >> group
awk -F: '{ print $1 ":*:20000:0:99999:7:::" }' passwd > shadow
chmod 640 shadow
echo app1 > hostname
tr -d - < /proc/sys/kernel/random/uuid > machine-id
printf '127.0.0.1\tlocalhost\n127.0.1.1\tapp1.corp.example app1\n::1\tlocalhost ip6-localhost\n' > hosts
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n' > nsswitch.conf
mkdir -p systemd/system/multi-user.target.wants cron.d default "$root/home/anna"
mkdir -p "$root/var/lib/dpkg" && cp /var/lib/dpkg/status "$root/var/lib/dpkg/status"

cp "$GROMA_BIN" "$scratch/local/bin/groma"
cp "$GROMA_AGENT_BIN" "$scratch/local/bin/groma-agent"
mkdir -p "$scratch/lab"
cp "$here"/*.sh "$here"/*.py "$here"/*.c "$scratch/lab/"
[ "$kind" = bare ] || bash "$here/servers-files.sh" "$root" "$here"
