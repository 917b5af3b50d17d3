#!/bin/bash
# Records the captures beside this file: real clients and servers in two namespaces of their own, joined by one pair of cables.
# Needs root and: slapd ldap-utils postfix swaks sasl2-bin krb5-kdc krb5-user samba smbclient dnsutils dnsmasq-base avahi-daemon
# chrony ntpdate snmp snmptrapd curl openssl isc-dhcp-client udhcpc busybox tcpdump wireshark-common libsasl2-modules-gssapi-mit
set -u
OUT=${OUT:-/tmp/plrec/out}; T=/tmp/plrec/t; rm -rf $T $OUT; mkdir -p $T $OUT; chmod 755 $T
A=plA; B=plB; PIDS=()
cleanup() { for p in "${PIDS[@]}"; do kill $p 2>/dev/null; done; sleep 0.5; for n in $A $B; do for p in $(ip netns pids $n 2>/dev/null); do kill $p; done; done; sleep 0.5; ip netns del $A; ip netns del $B; }
trap cleanup EXIT
ip netns add $A; ip netns add $B
ip link add plv0 netns $A type veth peer name plv1 netns $B
ip -n $A link set plv0 address 02:00:5e:10:00:02; ip -n $B link set plv1 address 02:00:5e:10:00:01
ip -n $A addr add 10.77.0.2/24 dev plv0; ip -n $B addr add 10.77.0.1/24 dev plv1
ip -n $A addr add fd77::2/64 dev plv0 nodad; ip -n $B addr add fd77::1/64 dev plv1 nodad
for n in $A $B; do ip -n $n link set lo up; done
ip -n $A link set plv0 up; ip -n $B link set plv1 up; ip -n $A route add default via 10.77.0.1; ip -n $B route add default via 10.77.0.2
ip netns exec $A ethtool -K plv0 tso off gso off gro off 2>/dev/null; ip netns exec $B ethtool -K plv1 tso off gso off gro off 2>/dev/null
a() { ip netns exec $A "$@"; }
b() { ip netns exec $B "$@"; }
bg() { ip netns exec $B "$@" >>$T/daemons.log 2>&1 & PIDS+=($!); }
DUMP=
rec() { : >$T/tcpdump.log; ip netns exec $B tcpdump -q -U -s 0 -i plv1 -w $OUT/$1.pcap >/dev/null 2>$T/tcpdump.log & DUMP=$!; for _ in $(seq 100); do grep -q listening $T/tcpdump.log && break; sleep 0.1; done; sleep 0.3; }
end() { sleep 1.5; kill -TERM $DUMP; wait $DUMP 2>/dev/null; }
printf '127.0.0.1 localhost\n10.77.0.1 srv1.corp.example srv1\n10.77.0.2 ws1.corp.example ws1\n' >$T/hosts
mkdir -p /etc/netns/$A /etc/netns/$B; cp $T/hosts /etc/netns/$A/hosts; cp $T/hosts /etc/netns/$B/hosts
echo 'nameserver 10.77.0.1' >/etc/netns/$A/resolv.conf; cp /etc/netns/$A/resolv.conf /etc/netns/$B/resolv.conf
openssl req -x509 -newkey rsa:2048 -nodes -keyout $T/key.pem -out $T/cert.pem -days 3650 -subj /CN=srv1.corp.example -addext subjectAltName=DNS:srv1.corp.example,DNS:www.corp.example 2>/dev/null
chmod 644 $T/key.pem
# DNS and DHCP
cat >$T/dnsmasq.conf <<X
no-resolv
no-hosts
addn-hosts=$T/hosts
cname=mail.corp.example,srv1.corp.example
mx-host=corp.example,mail.corp.example,10
srv-host=_ldap._tcp.corp.example,srv1.corp.example,389
auth-ttl=60
dhcp-range=10.77.0.100,10.77.0.120,1h
dhcp-option=option:ntp-server,10.77.0.1
dhcp-option=option:domain-name,corp.example
dhcp-leasefile=$T/leases
interface=plv1
bind-interfaces
user=root
X
bg dnsmasq -k -C $T/dnsmasq.conf
sleep 0.5
rec dns; a dig +short mail.corp.example @10.77.0.1; a dig +short MX corp.example @10.77.0.1; a dig +short SRV _ldap._tcp.corp.example @10.77.0.1; a dig +short +tcp srv1.corp.example @10.77.0.1; a dig +short absent.corp.example @10.77.0.1; end
rec dhcp
a ip link add plm0 link plv0 address 02:00:5e:10:00:31 type macvlan mode bridge; a ip link set plm0 up
echo 'send host-name "copier7";' >$T/dhc.conf
a timeout 15 dhclient -1 -v -cf $T/dhc.conf -lf $T/dhl -pf $T/dhp -sf /bin/true plm0 >$T/dhclient.log 2>&1
a timeout 8 busybox udhcpc -i plm0 -q -n -f -s /bin/true -x hostname:camera3 -V 'AXIS,Network Camera' >$T/udhcpc.log 2>&1
end; a ip link del plm0
# LDAP
mkdir -p $T/ldap/db; cat >$T/ldap/slapd.conf <<X
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $T/cert.pem
TLSCertificateKeyFile $T/key.pem
TLSCACertificateFile $T/cert.pem
sasl-host srv1.corp.example
sasl-realm corp.example
password-hash {CLEARTEXT}
authz-regexp uid=([^,]*),cn=[^,]*,cn=auth cn=\$1,dc=corp,dc=example
authz-regexp uid=([^,]*),cn=corp.example,cn=[^,]*,cn=auth cn=\$1,dc=corp,dc=example
database mdb
maxsize 10485760
suffix dc=corp,dc=example
rootdn cn=admin,dc=corp,dc=example
rootpw Tr0ub4dor-Secret
directory $T/ldap/db
X
bg slapd -d 0 -f $T/ldap/slapd.conf -h 'ldap://10.77.0.1 ldap://[fd77::1] ldaps://10.77.0.1'
sleep 1.5
ADM=cn=admin,dc=corp,dc=example; export LDAPTLS_CACERT=$T/cert.pem
a ldapadd -x -H ldap://srv1.corp.example -D $ADM -w Tr0ub4dor-Secret >/dev/null <<X
dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
o: corp
dc: corp

dn: cn=copier,dc=corp,dc=example
objectClass: person
cn: copier
sn: copier
userPassword: Tr0ub4dor-Secret
X
C=cn=copier,dc=corp,dc=example
rec ldap-simple; a ldapsearch -LLL -x -H ldap://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=secret-search)' >/dev/null; end
rec ldap-refused; a ldapsearch -LLL -x -H ldap://10.77.0.1 -D $C -w wrong-Secret -b dc=corp,dc=example >/dev/null 2>&1; end
rec ldap-anonymous; a ldapsearch -LLL -x -H 'ldap://[fd77::1]' -b dc=corp,dc=example '(cn=x)' >/dev/null 2>&1; end
rec ldap-starttls; a ldapsearch -LLL -ZZ -x -H ldap://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >/dev/null; end
rec ldap-digest; a ldapsearch -LLL -Y DIGEST-MD5 -H ldap://srv1.corp.example -U copier -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >$T/digest.log 2>&1; end
rec ldaps; a ldapsearch -LLL -x -H ldaps://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >/dev/null; end
# Kerberos
mkdir -p $T/krb; export KRB5_CONFIG=$T/krb/krb5.conf KRB5_KDC_PROFILE=$T/krb/kdc.conf KRB5CCNAME=FILE:$T/krb/cc
cat >$KRB5_CONFIG <<X
[libdefaults]
 default_realm = CORP.EXAMPLE
 dns_lookup_kdc = false
 rdns = false
[realms]
 CORP.EXAMPLE = {
  kdc = 10.77.0.1
 }
[domain_realm]
 .corp.example = CORP.EXAMPLE
X
cat >$KRB5_KDC_PROFILE <<X
[kdcdefaults]
 kdc_ports = 88
 kdc_tcp_ports = 88
[realms]
 CORP.EXAMPLE = {
  database_name = $T/krb/principal
  key_stash_file = $T/krb/stash
  acl_file = $T/krb/acl
 }
X
kdb5_util create -s -r CORP.EXAMPLE -P Tr0ub4dor-Secret >/dev/null 2>&1
kadmin.local -q 'addprinc -pw Tr0ub4dor-Secret svcscan' >/dev/null; kadmin.local -q 'addprinc -randkey HTTP/srv1.corp.example' >/dev/null; kadmin.local -q 'addprinc -randkey ldap/srv1.corp.example' >/dev/null
kadmin.local -q "ktadd -k $T/krb/keytab ldap/srv1.corp.example" >/dev/null
bg krb5kdc -n; sleep 1
rec kerberos; echo Tr0ub4dor-Secret | a kinit svcscan >/dev/null; a kvno HTTP/srv1.corp.example >/dev/null; end
sed -i 's/ rdns = false/ rdns = false\n udp_preference_limit = 1/' $KRB5_CONFIG
rec kerberos-tcp; echo Tr0ub4dor-Secret | a kinit svcscan >/dev/null; a kvno HTTP/srv1.corp.example >/dev/null; end
# SMB
mkdir -p $T/smb/private $T/smb/data; echo hi >$T/smb/data/f; cat >$T/smb/smb.conf <<X
[global]
 netbios name = SRV1
 workgroup = CORP
 server string = files
 private dir = $T/smb/private
 lock directory = $T/smb
 state directory = $T/smb
 cache directory = $T/smb
 pid directory = $T/smb
 ncalrpc dir = $T/smb/ncalrpc
 log file = $T/smb/log
 interfaces = plv1
 bind interfaces only = yes
 passdb backend = tdbsam:$T/smb/private/p.tdb
 map to guest = never
 load printers = no
 disable spoolss = yes
[scans]
 path = $T/smb/data
 read only = no
X
id svcscan >/dev/null 2>&1 || useradd -M -s /usr/sbin/nologin svcscan
printf 'Tr0ub4dor-Secret\nTr0ub4dor-Secret\n' | smbpasswd -c $T/smb/smb.conf -s -a svcscan >/dev/null
bg smbd -F --no-process-group -s $T/smb/smb.conf; bg nmbd -F --no-process-group -s $T/smb/smb.conf; sleep 3
rec smb; a smbclient //srv1.corp.example/scans -s /dev/null -n COPIER7 -U 'CORP\svcscan%Tr0ub4dor-Secret' -c 'ls' >$T/smbclient.log 2>&1; end
rec smb-refused; a smbclient //10.77.0.1/scans -s /dev/null -n COPIER7 -U 'CORP\svcscan%wrong-Secret' -c 'ls' >/dev/null 2>&1; end
rec netbios; a nmblookup -s /dev/null -B 10.77.0.255 SRV1 >$T/nmb.log 2>&1; a nmblookup -s /dev/null -A 10.77.0.1 >>$T/nmb.log 2>&1; end
# SMTP
mkdir -p $T/pf $T/pfq $T/pfd; chown postfix $T/pfd; cat >$T/pf/main.cf <<X
compatibility_level = 3.6
queue_directory = $T/pfq
data_directory = $T/pfd
maillog_file = $T/pfd/log
maillog_file_prefixes = $T
myhostname = srv1.corp.example
mydestination = corp.example
mynetworks = 10.77.0.0/24
inet_interfaces = 10.77.0.1
inet_protocols = ipv4
alias_maps =
local_transport = discard
default_transport = discard
smtpd_tls_cert_file = $T/cert.pem
smtpd_tls_key_file = $T/key.pem
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
cyrus_sasl_config_path = $T/pf/sasl
smtpd_relay_restrictions = permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{nobody@corp.example=reject}
local_recipient_maps =
X
sed 's/^\(\S\+\s\+\S\+\s\+\S\+\s\+\S\+\s\+\)y\(\s\)/\1n\2/' /etc/postfix/master.cf >$T/pf/master.cf
printf 'submission inet n - n - - smtpd\n -o smtpd_tls_security_level=encrypt\nsmtps inet n - n - - smtpd\n -o smtpd_tls_wrappermode=yes\n' >>$T/pf/master.cf
mkdir $T/pf/sasl; printf "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: $T/pf/sasldb2\nmech_list: PLAIN LOGIN\n" >$T/pf/sasl/smtpd.conf
echo Tr0ub4dor-Secret | saslpasswd2 -p -c -f $T/pf/sasldb2 -u srv1.corp.example svcscan; chmod 644 $T/pf/sasldb2
b postfix -c $T/pf start >$T/pf.log 2>&1; sleep 2
S="a swaks -S 2 --server 10.77.0.1 --ehlo copier7.corp.example --from scan@corp.example --h-Subject secret-subject --body secret-body"
rec smtp-relay; $S --to anna@partner.example,boris@partner.example; end
rec smtp-auth; $S --to anna@corp.example --auth LOGIN --auth-user svcscan@srv1.corp.example --auth-password Tr0ub4dor-Secret; end
rec smtp-auth-plain-refused; $S --to anna@corp.example --auth PLAIN --auth-user svcscan@srv1.corp.example --auth-password wrong-Secret; end
rec smtp-starttls; $S --to anna@corp.example --tls --port 587 --auth PLAIN --auth-user svcscan@srv1.corp.example --auth-password Tr0ub4dor-Secret; end
rec smtps; $S --to anna@corp.example --tlsc --port 465; end
rec smtp-refused; $S --to nobody@corp.example; end
b postfix -c $T/pf stop >>$T/pf.log 2>&1
# TLS
bg openssl s_server -accept 10.77.0.1:443 -cert $T/cert.pem -key $T/key.pem -www -quiet; sleep 0.5
rec tls13; a curl -sk --resolve www.corp.example:443:10.77.0.1 https://www.corp.example/ -o /dev/null; end
rec tls12; a curl -sk --tls-max 1.2 --resolve www.corp.example:443:10.77.0.1 https://www.corp.example/ -o /dev/null; end
# NTP, syslog, traps, SNMP
printf "local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\npidfile $T/chrony.pid\ndriftfile $T/drift\n" >$T/chrony.conf
bg chronyd -x -d -u root -f $T/chrony.conf; sleep 2
rec ntp; a ntpdate -q 10.77.0.1 >$T/ntp.log 2>&1; end
bg busybox nc -u -l -p 514; sleep 0.3
rec syslog; a logger -n 10.77.0.1 -P 514 -d -t backup 'secret-message'; a logger -n 10.77.0.1 -P 514 -d --rfc3164 -t backup 'secret-message two'; end
printf "authCommunity log secret-community\ndisableAuthorization yes\n" >$T/trapd.conf
bg snmptrapd -f -Lf $T/trapd.log -C -c $T/trapd.conf udp:10.77.0.1:162; sleep 0.7
rec snmptrap; a snmptrap -v 2c -c secret-community 10.77.0.1 '' 1.3.6.1.6.3.1.1.5.3 ifIndex i 1 2>/dev/null; a snmptrap -v 1 -c secret-community 10.77.0.1 1.3.6.1.4.1.253 10.77.0.2 6 17 '' 2>/dev/null; end
printf "rocommunity secret-community\nagentaddress udp:10.77.0.1:161\n" >$T/snmpd.conf
bg snmpd -f -Lf $T/snmpd.log -C -c $T/snmpd.conf udp:10.77.0.1:161; sleep 4
rec snmp; a snmpget -t 3 -v 2c -c secret-community 10.77.0.1 1.3.6.1.2.1.1.5.0 >$T/snmp.log 2>&1; a snmpget -t 0.3 -r 1 -v 2c -c wrong-community 10.77.0.1 1.3.6.1.2.1.1.5.0 >>$T/snmp.log 2>&1; end
# mDNS
mkdir -p $T/avahi/services; printf '[server]\nhost-name=copier7\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces=plv0\n[publish]\npublish-workstation=yes\npublish-hinfo=yes\n' >$T/avahi/avahi-daemon.conf
cat >$T/ipp.service <<X
<?xml version="1.0" standalone='no'?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>Copier seven</name><service><type>_ipp._tcp</type><port>631</port><txt-record>ty=Ricoh IM C3000</txt-record><txt-record>Scan=T</txt-record><txt-record>Fax=F</txt-record></service></service-group>
X
rec mdns; ip netns exec $A unshare -m bash -c "mount --bind $T/avahi /etc/avahi; cp $T/ipp.service /etc/avahi/services/; exec timeout 6 avahi-daemon --no-drop-root --no-rlimits --no-chroot -f $T/avahi/avahi-daemon.conf" >$T/avahi.log 2>&1; end
# Not a use: scans and a door nobody answers at
rec scan-syn; a nmap -n -Pn -sS -p 25,389,445,9999 10.77.0.1 >$T/nmap.log 2>&1; end
rec scan-connect; a nmap -n -Pn -sT -p 389,445,9999 10.77.0.1 >>$T/nmap.log 2>&1; end
a nmap -n -Pn -sS -sV -O --version-light -p 22,25,53,389,443,445,636,9999 10.77.0.1 -oX $OUT/nmap-one.xml >>$T/nmap.log 2>&1
a nmap -R --dns-servers 10.77.0.1 -sn 10.77.0.0/28 -oX $OUT/nmap-ping.xml >>$T/nmap.log 2>&1
b nft add table inet plf; b nft 'add chain inet plf in { type filter hook input priority 0; }'; b nft add rule inet plf in ip daddr 10.77.0.9 drop
b ip addr add 10.77.0.9/24 dev plv1
a nmap -n -Pn -sS -p 25,80,389 10.77.0.9 10.77.0.1 -oX $OUT/nmap-filtered.xml >>$T/nmap.log 2>&1
b nft delete table inet plf
# the same wire as pcapng, cooked and raw
ip netns exec $B dumpcap -q -i plv1 -a duration:5 -w $OUT/ldap-simple.pcapng >/dev/null 2>&1 & D=$!; sleep 2.5; a ldapsearch -LLL -x -H ldap://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >/dev/null; wait $D
ip netns exec $B tcpdump -q -U -i any -w $OUT/ldap-any.pcap port 389 >/dev/null 2>&1 & DUMP=$!; sleep 2; a ldapsearch -LLL -x -H ldap://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >/dev/null; end
ls -la $OUT
