#!/bin/sh
# Fetches Debian packages, unpacks them without installing anything, and runs the test `package_defaults`
# over their untouched default files. Usage: package_defaults.sh [SCRATCH_DIRECTORY]
set -eu
scratch=${1:-$(mktemp -d)}
packages="postfix sssd-common nslcd libldap-common krb5-config samba-common smbclient msmtp nullmailer exim4-config exim4-base chrony systemd systemd-timesyncd ntpsec
rsyslog syslog-ng-core openssh-client openssh-server cron anacron nginx-common apache2 apache2-bin php8.2-cli php8.2-fpm php-common postgresql-common postgresql-15 mariadb-server mariadb-common
bind9 cups-daemon cups-client snmpd zabbix-agent bacula-fd bacula-director nut-client nut-server autofs unbound dnsmasq dnsmasq-base redis-server slapd dovecot-core dovecot-imapd dovecot-ldap
fail2ban logrotate unattended-upgrades apt squid-common haproxy tomcat10 telegraf pgbouncer odbcinst freetds-common munin-node monit memcached proftpd-core vsftpd freeradius-config
net-tools sudo udev dbus lvm2 mdadm smartmontools lsb-release base-files e2fsprogs apt-cacher-ng docker.io wordpress roundcube-core phpmyadmin
stunnel4 tinyproxy softflowd fprobe pmacct libpam-radius-auth dma dehydrated fetchmail mosquitto munin collectd-core borgmatic rsnapshot backup-manager apcupsd fusioninventory-agent monit
nsd radsecproxy varnish keepalived pacemaker icinga2-common squid drbd-utils prosody ejabberd lighttpd pdns-recursor mailman3 tinc
firewalld nftables openvpn isc-dhcp-server hylafax-client iaxmodem certbot nagios-nrpe-server snmptrapd"
mkdir -p "$scratch/deb" "$scratch/root"
for package in $packages; do
    ls "$scratch/deb/${package}_"* >/dev/null 2>&1 && continue
    (cd "$scratch/deb" && apt-get download "$package" >/dev/null 2>&1) || echo "skipped: $package is not to be had"
done
for file in "$scratch"/deb/*.deb; do dpkg-deb -x "$file" "$scratch/root"; done
# What a postinst would copy into place: the defaults under /usr/share that become files of /etc.
for pair in php/8.2/cli/php.ini:usr/lib/php/8.2/php.ini-production.cli postfix/main.cf:usr/share/postfix/main.cf.debian samba/smb.conf:usr/share/samba/smb.conf \
    rsyslog.conf:usr/share/rsyslog/rsyslog.conf ntpsec/ntp.conf:usr/share/ntpsec/ntp.conf nsswitch.conf:usr/share/libc-bin/nsswitch.conf chrony/chrony.conf:usr/share/chrony/chrony.conf \
    ssh/sshd_config:usr/share/openssh/sshd_config cups/cups-files.conf:usr/share/cups/cups-files.conf.default nslcd.conf:usr/share/nslcd/nslcd.conf; do
    to=$scratch/root/etc/${pair%%:*} from=$scratch/root/${pair#*:}
    if [ -f "$from" ] && [ ! -e "$to" ]; then mkdir -p "$(dirname "$to")" && cp "$from" "$to"; fi
done
cd "$(dirname "$0")/../../.."
GROMA_PACKAGE_ROOT="$scratch/root" cargo test -p groma-source-config --test package_defaults -- --nocapture
