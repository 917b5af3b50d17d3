#!/usr/bin/env bash
# Installs the real servers the end-to-end tests run: Debian's own packages, only what is missing.
# Nothing starts: a policy-rc.d that refuses stands in the way for the time of the install, then what
# stood there before is put back; units it brought stay switched off at boot. No database cluster and no
# directory is created either. usage: packages.sh [PACKAGE…] (default: what the end-to-end tests need)
set -euo pipefail

wanted=(build-essential bpftool clang jq zstd sqlite3 ripgrep python3 openssl iproute2 util-linux procps
        acl attr borgbackup dovecot-core mariadb-server nginx-light haproxy stunnel4 socat nftables pff-tools redis-server restic samba slapd 389-ds-base ldap-utils postfix postgresql chrony openssh-server cron bind9 python3-samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind ldb-tools
        dovecot-imapd dovecot-pop3d vsftpd systemd podman crun containernetworking-plugins iptables busybox strace libevtx-utils
        rsyslog swaks curl cups cups-client krb5-kdc krb5-admin-server krb5-user smbclient bind9-dnsutils openssh-client mariadb-client freerdp2-shadow-x11 xvfb dnsmasq-base sasl2-bin libsasl2-modules snmp snmpd snmpsim lldpd apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3-gi dbus avahi-daemon cups-ipp-utils
        libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-daemon-driver-lxc libvirt-clients qemu-system-x86 qemu-utils
        golang-go golang-github-vmware-govmomi-dev
        rpm shellcheck dash)
[ $# -eq 0 ] || wanted=("$@")

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "all ${#wanted[@]} packages are there"
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "skipped: no root, so these stay missing and the tests that need them will say so: ${missing[*]}"
    exit 77
fi

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
kept=$(mktemp -d)
put_back() {
    if [ -e "$kept/policy-rc.d" ]; then cp -a "$kept/policy-rc.d" "$policy"; else rm -f "$policy"; fi
    rm -f "$clusters/groma-tests.conf"
    rm -rf "$kept"
}
[ ! -e "$policy" ] || cp -a "$policy" "$kept/policy-rc.d"
trap put_back EXIT
printf '#!/bin/sh\n# Put here by tests/run while it installs; nothing may start.\nexit 101\n' > "$kept/refuse"
install -m 755 "$kept/refuse" "$policy"
install -d "$clusters"
echo 'create_main_cluster = false' > "$clusters/groma-tests.conf"

export DEBIAN_FRONTEND=noninteractive
debconf-set-selections <<'ANSWERS'
postfix postfix/main_mailer_type select No configuration
slapd slapd/no_configuration boolean true
ANSWERS
apt_get() { apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"; }
echo "installing: ${missing[*]}"
# Nothing that is there is removed for a test.
add() { apt_get install -y --no-install-recommends --no-remove "$@" >>"$kept/log" 2>&1; }
# Two exceptions, both of images that somebody else made: a clock service that cannot run where no systemd does, and tools of an emulator
# from a newer suite than the emulator itself.
instead() {
    case $1 in
        chrony) [ ! -d /run/systemd/system ] || return 1 ;;
        qemu-system-x86) set -- "$1" "qemu-utils=$(apt-cache policy "$1" | sed -n 's/ *Candidate: //p')" ;;
        *) return 1 ;;
    esac
    apt_get install -y --no-install-recommends --allow-downgrades "$@" >>"$kept/log" 2>&1
}
one_by_one() {
    local refused=() package
    for package in "${missing[@]}"; do add "$package" || instead "$package" || refused+=("$package"); done
    [ ${#refused[@]} -gt 0 ] || return 0
    tail -n 15 "$kept/log"
    echo "skipped: these could not be installed; the tests that need them will say so: ${refused[*]}"
    exit 77
}
add "${missing[@]}" || {
    apt_get update >>"$kept/log" 2>&1 || true
    add "${missing[@]}" || one_by_one
}

# A server that was not here before must not start at the next boot either.
if command -v systemctl >/dev/null; then
    for package in "${missing[@]}"; do
        for unit in $(dpkg -L "$package" 2>/dev/null | sed -n 's#^\(/usr\)\?/lib/systemd/system/\([^/@]*\.\(service\|timer\|socket\)\)$#\2#p'); do
            systemctl disable --quiet "$unit" >/dev/null 2>&1 || true
        done
    done
fi
echo "installed ${#missing[@]} packages; none of them was started"
