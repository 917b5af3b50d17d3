#!/usr/bin/env bash
# The other machines: name and time server, database, directory, mail relay. Real servers where a protocol is judged.
# Each program is a copy under another path, so that a policy bound to the installed path does not stand in the way.
set -euo pipefail
scratch=$1 net=$2 here=$3
n=$scratch/neighbours
mkdir -p "$n/bin" "$n/ns1" "$n/dir1/data" "$n/db1"
cp /usr/sbin/named /usr/sbin/chronyd /usr/sbin/slapd "$n/bin/"
on() { local name=$1; shift; ip netns exec "$net-$name" "$@" >>"$n/$name.log" 2>&1 </dev/null & }

# ns1: names of corp.example and the addresses of the wire; an empty root zone says "no" to everything else.
cat > "$n/ns1/named.conf" <<CONF
options { directory "$n/ns1"; pid-file "$n/ns1/pid"; session-keyfile "$n/ns1/key"; recursion yes; dnssec-validation no; listen-on-v6 { none; }; allow-query { any; }; };
zone "." { type primary; file "root"; };
zone "corp.example" { type primary; file "corp"; };
zone "7.99.10.in-addr.arpa" { type primary; file "reverse"; };
CONF
printf '$TTL 300\n@ SOA ns. admin. 1 3600 600 86400 60\n@ NS ns.\nns. A 10.99.7.2\n' > "$n/ns1/root"
cat > "$n/ns1/corp" <<'ZONE'
$TTL 300
@        SOA ns1 admin 1 3600 600 86400 60
@        NS  ns1
ns1      A   10.99.7.2
app1     A   10.99.7.10
db1      A   10.99.7.20
dir1     A   10.99.7.30
relay1   A   10.99.7.40
archive  A   10.99.7.60
files1   A   10.99.7.61
mailout  CNAME relay1
time1    CNAME ns1
ZONE
cat > "$n/ns1/reverse" <<'ZONE'
$TTL 300
@  SOA ns1.corp.example. admin.corp.example. 1 3600 600 86400 60
@  NS  ns1.corp.example.
2  PTR ns1.corp.example.
10 PTR app1.corp.example.
20 PTR db1.corp.example.
30 PTR dir1.corp.example.
40 PTR relay1.corp.example.
60 PTR archive.corp.example.
61 PTR files1.corp.example.
ZONE
on ns1 "$n/bin/named" -g -c "$n/ns1/named.conf"
printf 'local stratum 8\nallow\nbindcmdaddress /\npidfile %s/ns1/chrony.pid\ncmdport 0\n' "$n" > "$n/ns1/chrony.conf"
on ns1 "$n/bin/chronyd" -x -d -u root -f "$n/ns1/chrony.conf"

# dir1: a directory.
cat > "$n/dir1/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $n/dir1/pid
database mdb
maxsize 10485760
directory $n/dir1/data
suffix "dc=corp,dc=example"
rootdn "cn=admin,dc=corp,dc=example"
rootpw lab-only
CONF
on dir1 "$n/bin/slapd" -d 0 -h ldap://10.99.7.30 -f "$n/dir1/slapd.conf"

# db1: a database that believes its network.
postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
chown postgres "$n/db1"
(cd / && as_postgres "$postgres/initdb" -D "$n/db1/data" -A trust --no-sync -E UTF8 --locale=C >/dev/null)
echo 'host all all 10.99.7.0/24 trust' >> "$n/db1/data/pg_hba.conf"
cp -a "$n/db1/data" "$scratch/postgres-data"
(cd / && on db1 setpriv --reuid=postgres --regid=postgres --init-groups -- "$postgres/postgres" -D "$n/db1/data" \
    -c listen_addresses=10.99.7.20 -c unix_socket_directories= -c fsync=off -c logging_collector=off)

# relay1: takes the connection and greets late, so that one mail keeps one connection open.
on relay1 python3 "$here/relay.py"

answers() { ip netns exec "$net-$1" bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; }
for service in "ns1 10.99.7.2 53" "dir1 10.99.7.30 389" "db1 10.99.7.20 5432" "relay1 10.99.7.40 25"; do
    read -r name address port <<<"$service"
    for _ in $(seq 150); do answers "$name" "$address" "$port" && break; sleep 0.1; done
    answers "$name" "$address" "$port" || { echo "$name does not answer on $port" >&2; cat "$n/$name.log" >&2; exit 1; }
done
