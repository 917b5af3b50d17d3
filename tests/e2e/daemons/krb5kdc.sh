needs krb5kdc kdb5_util kadmin.local kinit kvno
mkdir -p /etc/krb5kdc /var/lib/krb5kdc
cat > /etc/krb5.conf <<CONF
[libdefaults]
 default_realm = CORP.EXAMPLE
 dns_lookup_kdc = false
 rdns = false
 udp_preference_limit = 0
[realms]
 CORP.EXAMPLE = {
  kdc = $server
 }
[logging]
 kdc = FILE:/var/log/krb5kdc.log
CONF
printf '[kdcdefaults]\n kdc_listen = ""\n kdc_tcp_listen = 88\n[realms]\n CORP.EXAMPLE = {\n  database_name = /var/lib/krb5kdc/principal\n  key_stash_file = /var/lib/krb5kdc/stash\n }\n' > /etc/krb5kdc/kdc.conf
kdb5_util create -s -r CORP.EXAMPLE -P master >>/run/daemons.log 2>&1
for one in 'addprinc -pw one svc-erp' 'addprinc -pw two svc-wiki' 'addprinc -randkey HTTP/web1.corp.example'; do kadmin.local -q "$one" >>/run/daemons.log 2>&1; done
krb5kdc </dev/null >>/run/daemons.log 2>&1
await_port 88
echo one | KRB5CCNAME=/run/cc31 from 31 kinit svc-erp >/dev/null
KRB5CCNAME=/run/cc31 from 31 kvno -q HTTP/web1.corp.example
echo two | KRB5CCNAME=/run/cc32 from 32 kinit svc-wiki >/dev/null
echo wrong | KRB5CCNAME=/run/cc66 from 66 kinit ghost >/dev/null 2>&1 || true
await_lines /var/log/krb5kdc.log 2 'AS_REQ.*ISSUE'
await_lines /var/log/krb5kdc.log 1 'TGS_REQ.*ISSUE'
