bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/postgres" ] || { echo "PostgreSQL's server is not installed"; exit 77; }
needs psql
version=$(basename "$(dirname "$bin")") data=/var/lib/postgresql/data log=/var/log/postgresql/postgresql-$(basename "$(dirname "$bin")")-main.log
mkdir -p $data /var/log/postgresql /run/postgresql
chown -R postgres:postgres /var/lib/postgresql /var/log/postgresql /run/postgresql
cp /etc/tls/key.pem $data.key; chown postgres $data.key; chmod 600 $data.key
as() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
cd /; echo owner > /run/owner; chmod 644 /run/owner
as "$bin/initdb" -N -A scram-sha-256 --pwfile=/run/owner -D $data >>/run/daemons.log 2>&1
printf 'local all all trust\nhost all all 10.20.0.0/16 scram-sha-256\n' > $data/pg_hba.conf
setsid setpriv --reuid=postgres --regid=postgres --init-groups -- "$bin/postgres" -D $data -c listen_addresses=$server -c fsync=off -c log_connections=on \
    -c log_line_prefix='%m [%p] %q%u@%d ' -c ssl=on -c ssl_cert_file=/etc/tls/cert.pem -c ssl_key_file=$data.key </dev/null >>"$log" 2>&1 &
await_lines "$log" 1 'ready to accept connections'
as psql -q -d postgres -c "CREATE ROLE erp LOGIN PASSWORD 'one'" -c "CREATE DATABASE shop"
ask() { PGPASSWORD=$2 from "$1" psql -w -q -c 'SELECT 1' "host=$server user=erp dbname=shop connect_timeout=120 sslmode=$3 application_name=$4" >/dev/null; }
ask 31 one disable nightly; ask 31 one disable nightly; ask 32 one require shopd
ask 66 wrong disable x 2>/dev/null || true
await_lines "$log" 3 'connection authorized: user=erp'
await_lines "$log" 1 'password authentication failed'
