needs mariadbd mariadb mariadb-install-db
[ -e /usr/lib/mysql/plugin/server_audit.so ] || { echo "MariaDB's server_audit is not installed"; exit 77; }
mkdir -p /run/mysqld /var/lib/mysql /etc/mysql
chown mysql:mysql /run/mysqld /var/lib/mysql
mariadb-install-db --no-defaults --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >>/run/daemons.log 2>&1
printf "CREATE USER 'erp'@'10.20.%%' IDENTIFIED BY 'one';\nCREATE DATABASE shop;\nGRANT ALL ON shop.* TO 'erp'@'10.20.%%';\nFLUSH PRIVILEGES;\n" > /run/init.sql
chmod 644 /run/init.sql
behind mariadbd --no-defaults --user=mysql --datadir=/var/lib/mysql --bind-address=$server --skip-name-resolve --init-file=/run/init.sql --socket=/run/mysqld/s --pid-file=/run/mysqld/p \
    --plugin-load-add=server_audit=server_audit.so --server-audit-logging=ON --server-audit-events=CONNECT
await_port 3306
ask() { from "$1" mariadb --no-defaults -h $server -u erp -p"$2" --connect-timeout=120 shop -e 'SELECT 1' >/dev/null; }
ask 31 one; ask 31 one; ask 32 one
ask 66 wrong 2>/dev/null || true
await_lines /var/lib/mysql/server_audit.log 3 ',erp,.*,DISCONNECT,'
