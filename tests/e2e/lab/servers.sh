#!/usr/bin/env bash
# First process of the full machine: starts its servers in the foreground kind, waits until they answer, reaps.
set -uo pipefail
mkdir -p /run/sshd /run/slapd /run/chrony /run/postgresql
chown openldap:openldap /run/slapd /var/lib/ldap
chown openldap /etc/ssl/private/app1.key
chown _chrony:_chrony /run/chrony /var/lib/chrony
chmod 750 /run/chrony
chown postgres:postgres /run/postgresql
chown postfix:postfix /var/lib/postfix
log=/run/lab/log
chown app /run/lab

bash /run/lab/start.sh database 5432
slapd -d 0 -u openldap -g openldap -h "ldap:/// ldaps:///" -f /etc/ldap/slapd.conf >>$log 2>&1 &
/usr/sbin/sshd -D >>$log 2>&1 &
postfix start-fg >>$log 2>&1 &
chronyd -x -d -f /etc/chrony/chrony.conf >>$log 2>&1 &

listening() { ss -Hltn "sport = :$1" | grep -q .; }
await() {
    local port
    for port in "$@"; do
        for _ in $(seq 200); do listening "$port" && break; sleep 0.1; done
        listening "$port" || { echo "nothing listens on $port" >&2; cat $log >&2; exit 1; }
    done
}
await 5432 389 636 22 25

bash /run/lab/start.sh orders
bash /run/lab/start.sh report
await 8000
nginx -g 'daemon off;' >>$log 2>&1 &
await 80 443
for _ in $(seq 100); do [ -e /run/lab/orders-connected ] && [ -e /run/lab/report-connected ] && break; sleep 0.1; done
for _ in $(seq 100); do ss -Htn dport = :25 | grep -q 10.99.7.40 && break; sleep 0.1; done
ls /run/lab/orders-connected /run/lab/report-connected >/dev/null || { cat $log >&2; exit 1; }
touch /run/lab/ready
while :; do wait -n 2>/dev/null || sleep 0.2; done
