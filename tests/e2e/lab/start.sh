#!/usr/bin/env bash
# Starts one of the machine's programs as its unit or its administrator would, and remembers its process.
# usage: start.sh database PORT | orders | report
as() { local user=$1; shift; setpriv --reuid="$user" --regid="$user" --init-groups -- "$@" >>/run/lab/log 2>&1 </dev/null & echo $! > "/run/lab/$program.pid"; }
program=$1
case $program in
    database)
        cd /
        as postgres "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/postgres" -D /var/lib/postgresql/data \
            -c listen_addresses=127.0.0.1 -c port="$2" -c fsync=off ;;
    orders)
        cd /opt/app
        set -a; . /etc/default/orders; set +a
        as app /usr/bin/python3 /opt/app/orders.py ;;
    report)
        cd /opt/report
        as app /usr/bin/python3 /opt/report/report.py ;;
esac
