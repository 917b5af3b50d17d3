#!/usr/bin/env bash
# Starts the order application as its unit would: same user, same directory, same environment file.
cd /opt/app
touch /run/lab/orders-connected.new && chown app /run/lab && rm /run/lab/orders-connected.new
set -a; . /etc/default/orders; set +a
setpriv --reuid=app --regid=app --init-groups -- /usr/bin/python3 /opt/app/orders.py >>/run/lab/log 2>&1 </dev/null &
echo $! > /run/lab/orders.pid
