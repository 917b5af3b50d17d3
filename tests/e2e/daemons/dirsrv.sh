needs ns-slapd dscreate ldapsearch
# Its users and folders are its package's; the machine has none of them.
getent passwd dirsrv >/dev/null || { groupadd -r dirsrv; useradd -r -g dirsrv -d /var/lib/dirsrv -s /usr/sbin/nologin dirsrv; }
for folder in /etc/dirsrv /var/lib/dirsrv /var/log/dirsrv /run/dirsrv /run/lock/dirsrv /var/lock/dirsrv; do mkdir -p "$folder"; chown dirsrv:dirsrv "$folder"; done
cat > /root/ds.inf <<'CONF'
[general]
full_machine_name = srv1.corp.example
start = True
strict_host_checking = False
systemd = False
selinux = False
[slapd]
instance_name = corp
root_password = one-two-three
port = 1389
secure_port = 1636
self_sign_cert = True
db_lib = bdb
[backend-userroot]
suffix = dc=corp,dc=example
create_suffix_entry = True
CONF
# Nobody starts services here: dscreate does itself, where its package says there is no systemd.
sed 's/^with_systemd *= *1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf > /root/defaults.inf
mount --bind /root/defaults.inf /usr/share/dirsrv/inf/defaults.inf
dscreate from-file /root/ds.inf >>/run/daemons.log 2>&1 || { cat /run/daemons.log >&2; exit 1; }
await_port 1389; await_port 1636
manager='cn=Directory Manager'
LDAPTLS_REQCERT=never from 33 ldapadd -x -H ldap://$server:1389 -D "$manager" -w one-two-three >/dev/null <<'LDIF'
dn: cn=erp,dc=corp,dc=example
objectClass: person
cn: erp
sn: erp
userPassword: four-five-six
LDIF
erp=cn=erp,dc=corp,dc=example
find_in() { local client=$1; shift; LDAPTLS_REQCERT=never from "$client" ldapsearch -LLL -o nettimeout=120 -b "$@" >/dev/null; }
for _ in 1 2 3; do find_in 31 ou=people,dc=corp,dc=example -x -H ldap://$server:1389 -D $erp -w four-five-six '(&(objectClass=person)(uid=canary))' || [ $? = 32 ]; done
for _ in 1 2; do find_in 32 dc=corp,dc=example -x -H ldaps://$server:1636 -D $erp -w four-five-six '(mail=canary@corp.example)'; done
find_in 33 dc=corp,dc=example -x -H ldap://$server:1389 -ZZ -D $erp -w four-five-six '(cn=canary)'
find_in 66 dc=corp,dc=example -x -H ldap://$server:1389 -D $erp -w wrong '(cn=canary)' 2>/dev/null || true
await_lines /var/log/dirsrv/slapd-corp/access 8 'Disconnect - '
