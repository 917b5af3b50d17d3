# The ports of slapd.sh are taken, and no line says which was called.
needs ns-slapd dscreate ldapsearch ldapadd unshare
[ -e /etc/dirsrv/config/slapd-collations.conf ] || { echo "389 Directory Server's own files are not here"; exit 77; }
mkdir -p /run/lock /run/dirsrv /var/lib/dirsrv /var/log/dirsrv /root/ds
chown dirsrv:dirsrv /run/dirsrv /var/lib/dirsrv /var/log/dirsrv
sed 's/with_systemd = 1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf > /root/ds/defaults.inf
cat > /root/ds/ds.inf <<CONF
[general]
config_version = 2
full_machine_name = srv1.corp.example
strict_host_checking = False
start = False
[slapd]
instance_name = corp
root_password = Passw0rd-of-a-test
port = 1389
secure_port = 1636
self_sign_cert = True
[backend-userroot]
suffix = dc=corp,dc=example
create_suffix_entry = True
CONF
# The installer waits until somebody buries the server it tried: nobody here would.
unshare --mount --pid --fork --mount-proc bash -c '
    mount --bind /root/ds/defaults.inf /usr/share/dirsrv/inf/defaults.inf
    dscreate from-file /root/ds/ds.inf; exit $?' </dev/null >>/run/daemons.log 2>&1
behind ns-slapd -D /etc/dirsrv/slapd-corp -d 0 -i /run/dirsrv/slapd-corp.pid
await_port 1389; await_port 1636
as_manager() { local program=$1; shift; "$program" -x -o nettimeout=120 -D 'cn=Directory Manager' -w Passw0rd-of-a-test "$@"; }
printf 'dn: cn=%s,dc=corp,dc=example\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: %s\n\n' svc-erp svc-erp one svc-wiki svc-wiki two |
    as_manager ldapadd -H ldap://127.0.0.1:1389 >/dev/null
# Else its lines stay with it for half a minute.
printf 'dn: cn=config\nchangetype: modify\nreplace: nsslapd-accesslog-logbuffering\nnsslapd-accesslog-logbuffering: off\n' |
    as_manager ldapmodify -H ldap://127.0.0.1:1389 >/dev/null
ds_ask() { local client=$1; shift; LDAPTLS_REQCERT=never from "$client" ldapsearch -LLL -x -o nettimeout=120 -b dc=corp,dc=example "$@" >/dev/null; }
for _ in 1 2 3; do ds_ask 31 -H ldap://$server:1389 -D cn=svc-erp,dc=corp,dc=example -w one '(uid=nobody)'; done
for _ in 1 2; do ds_ask 32 -H ldaps://$server:1636 -D cn=svc-wiki,dc=corp,dc=example -w two '(uid=nobody)'; done
ds_ask 33 -H ldap://$server:1389 -ZZ -D cn=svc-erp,dc=corp,dc=example -w one '(uid=nobody)'
ds_ask 66 -H ldap://$server:1389 -D cn=svc-erp,dc=corp,dc=example -w wrong 2>/dev/null || true
await_lines /var/log/dirsrv/slapd-corp/access 8 'Disconnect - '
