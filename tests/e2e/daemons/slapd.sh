needs slapd ldapsearch
mkdir -p /etc/ldap /run/slapd /var/lib/ldap/erp /var/lib/ldap/wiki
cat > /etc/ldap/slapd.conf <<CONF
modulepath /usr/lib/ldap
moduleload back_ldif
loglevel stats
pidfile /run/slapd/slapd.pid
TLSCertificateFile /etc/tls/cert.pem
TLSCertificateKeyFile /etc/tls/key.pem
database ldif
directory /var/lib/ldap/erp
suffix "cn=svc-erp"
rootdn "cn=svc-erp"
rootpw one
database ldif
directory /var/lib/ldap/wiki
suffix "cn=svc-wiki"
rootdn "cn=svc-wiki"
rootpw two
CONF
slapd -h "ldap://$server ldaps://$server" -f /etc/ldap/slapd.conf </dev/null >>/run/daemons.log 2>&1
await_port 389; await_port 636
ask() { local client=$1; shift; LDAPTLS_REQCERT=never from "$client" ldapsearch -LLL -o nettimeout=120 -b '' -s base "$@" >/dev/null; }
for _ in 1 2 3; do ask 31 -x -H ldap://$server -D cn=svc-erp -w one; done
for _ in 1 2; do ask 32 -x -H ldaps://$server -D cn=svc-wiki -w two; done
ask 33 -x -H ldap://$server -ZZ -D cn=svc-erp -w one
ask 33 -x -H ldap://$server
ask 66 -x -H ldap://$server -D cn=svc-erp -w wrong 2>/dev/null || true
await_lines /var/log/slapd.log 8 'fd=[0-9]* closed'
