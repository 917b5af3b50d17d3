#!/usr/bin/env bash
# What an administrator would have written on the machine, and what an administrator left lying about.
# Every name that begins with `ghost` stands where nothing reads it: not one may become a dependency.
set -euo pipefail
root=$1 here=$2
etc=$root/etc
unit() {        # unit NAME DESCRIPTION COMMAND [LINE…]
    local name=$1 description=$2 command=$3; shift 3
    { printf '[Unit]\nDescription=%s\n\n[Service]\nExecStart=%s\n' "$description" "$command"; printf '%s\n' "$@"
      printf '\n[Install]\nWantedBy=multi-user.target\n'; } > "$etc/systemd/system/$name.service"
    ln -s "/etc/systemd/system/$name.service" "$etc/systemd/system/multi-user.target.wants/$name.service"
}

# Names and time.
printf 'search corp.example\nnameserver 10.99.7.2\n# nameserver 10.99.7.99\n' > "$etc/resolv.conf"
printf '10.99.7.20\tdb.corp.example\n# 10.99.7.98\tghost1.corp.example\n' >> "$etc/hosts"
mkdir -p "$etc/chrony"
cat > "$etc/chrony/chrony.conf" <<'CONF'
# server ghost2.corp.example iburst
server time1.corp.example iburst
driftfile /var/lib/chrony/drift
cmdport 0
CONF

# Storage and a monthly job that talks to a server nobody has seen answer.
cat > "$etc/fstab" <<'CONF'
# ghost3.corp.example:/srv/old /mnt/old nfs4 defaults 0 0
files1.corp.example:/srv/share /mnt/share nfs4 noauto,ro 0 0
CONF
cat > "$etc/cron.d/export" <<'CONF'
# 5 * * * * app /opt/app/bin/export-month --target https://ghost4.corp.example/in
15 2 1 * * app /opt/app/bin/export-month --target https://archive.corp.example:8443/in
CONF

# Web server: one site that serves, one that is switched off.
mkdir -p "$etc/nginx/sites-available" "$etc/nginx/sites-enabled" "$etc/ssl/private" "$etc/ssl/certs"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 20 -subj /CN=app1.corp.example \
    -addext subjectAltName=DNS:app1.corp.example -keyout "$etc/ssl/private/app1.key" -out "$etc/ssl/certs/app1.pem" 2>/dev/null
cat > "$etc/nginx/nginx.conf" <<'CONF'
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 64; }
http {
    access_log off;
    include /etc/nginx/sites-enabled/*;
}
CONF
cat > "$etc/nginx/sites-available/orders" <<'CONF'
upstream orders { server 127.0.0.1:8000; keepalive 2; }
server {
    listen 80;
    listen 443 ssl;
    server_name app1.corp.example;
    ssl_certificate /etc/ssl/certs/app1.pem;
    ssl_certificate_key /etc/ssl/private/app1.key;
    # location /old { proxy_pass http://ghost5.corp.example:8080; }
    location / { proxy_pass http://orders; proxy_http_version 1.1; proxy_set_header Connection ""; }
}
CONF
cat > "$etc/nginx/sites-available/legacy" <<'CONF'
server { listen 8081; location / { proxy_pass http://ghost6.corp.example:8080; } }
CONF
ln -s ../sites-available/orders "$etc/nginx/sites-enabled/orders"

# Mail: the machine's own server hands everything to a relay known by an alias.
mkdir -p "$etc/postfix"
cp -a /etc/postfix/postfix-files "$etc/postfix/"        # the package's own list of its files
[ ! -e /etc/postfix/dynamicmaps.cf ] || cp -a /etc/postfix/dynamicmaps.cf "$etc/postfix/"
sed 's/^\([a-z]*  *[a-z]*  *[-yn]  *[-yn]  *\)y/\1n/' /usr/share/postfix/master.cf.dist > "$etc/postfix/master.cf"
cat > "$etc/postfix/main.cf" <<'CONF'
compatibility_level = 3.6
myhostname = app1.corp.example
mydestination = localhost
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
# relayhost = [ghost7.corp.example]:25
relayhost = [mailout.corp.example]:25
smtp_helo_timeout = 3600s
smtpd_timeout = 3600s
alias_maps =
alias_database =
CONF
cp "$etc/postfix/main.cf" "$etc/postfix/main.cf.bak"
sed -i 's/mailout/ghost8/' "$etc/postfix/main.cf.bak"

# Directory and shell access.
mkdir -p "$etc/ldap" "$root/var/lib/ldap" "$etc/ssh"
cp -a /etc/ldap/schema "$etc/ldap/"
cat > "$etc/ldap/slapd.conf" <<'CONF'
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /run/slapd/slapd.pid
TLSCertificateFile /etc/ssl/certs/app1.pem
TLSCertificateKeyFile /etc/ssl/private/app1.key
database mdb
maxsize 10485760
directory /var/lib/ldap
suffix "dc=local,dc=example"
rootdn "cn=admin,dc=local,dc=example"
rootpw lab-only
CONF
printf '#BASE dc=example,dc=com\n#URI ldap://ghost9.corp.example ldap://ldap-provider.example:666\n' > "$etc/ldap/ldap.conf"
ssh-keygen -q -t ed25519 -N '' -C app1 -f "$etc/ssh/ssh_host_ed25519_key"
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM no\nPidFile /run/sshd.pid\n' > "$etc/ssh/sshd_config"

# The order application: a unit with its environment file.
mkdir -p "$root/opt/app/bin" "$root/opt/app/tests/fixtures" "$root/opt/app/doc" "$root/opt/report"
cp "$here/orders.py" "$root/opt/app/orders.py"
unit orders "Order application" "/usr/bin/python3 /opt/app/orders.py" User=app WorkingDirectory=/opt/app EnvironmentFile=/etc/default/orders
cat > "$etc/default/orders" <<'CONF'
HTTP_PORT=8000
DATABASE_URL=postgresql://orders:canary-orders-db@db.corp.example:5432/orders
LDAP_URL=ldap://10.99.7.30:389
LDAP_BIND_DN=cn=admin,dc=corp,dc=example
LDAP_BIND_PASSWORD=lab-only
SMTP_HOST=localhost
SMTP_PORT=25
#CACHE_URL=redis://ghost10.corp.example:6379/0
CONF
printf '#!/bin/sh\n# curl https://ghost11.corp.example/\necho exporting to "$2"\n' > "$root/opt/app/bin/export-month"
chmod 755 "$root/opt/app/bin/export-month"
printf 'DATABASE_URL=postgresql://x:y@ghost12.corp.example/orders\n' > "$root/opt/app/.env.example"
printf '[database]\nurl = postgresql://x:y@ghost13.corp.example/orders\n' > "$root/opt/app/tests/fixtures/settings.ini"
printf 'Point DATABASE_URL at postgresql://ghost14.corp.example/orders\n' > "$root/opt/app/doc/README"
printf 'DATABASE_URL=postgresql://x:y@ghost15.corp.example/orders\n' > "$etc/default/orders.dpkg-dist"

# The report job: a program without a unit that keeps its settings beside it, and uses the database on this machine.
cp "$here/report.py" "$root/opt/report/report.py"
echo 'DATABASE_URL=postgresql://report:canary-report-db@127.0.0.1:5432/postgres' > "$root/opt/report/.env"
mkdir -p "$root/var/lib/postgresql"
cp -a "$(dirname "$root")/postgres-data" "$root/var/lib/postgresql/data"

# Debian's own units, switched on as the packages switch them on.
for name in nginx postfix chrony ssh slapd; do
    file=/lib/systemd/system/$name.service
    [ ! -e "$file" ] || ln -sf "$file" "$etc/systemd/system/multi-user.target.wants/$name.service"
done
mkdir -p "$root"/var/log/nginx "$root"/var/lib/nginx "$root"/var/lib/chrony "$root"/var/lib/postfix "$root"/var/spool/postfix
