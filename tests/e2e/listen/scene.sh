#!/bin/bash
# Real clients and real servers in two namespaces of their own, joined by one pair of cables, while groma-agent listens at the
# servers' end of it. usage: scene.sh AGENT FOLDER: the batches are written there, as JSON lines. Every password and community
# holds the word Secret or secret.
set -u
AGENT=$1; T=$2; chmod 755 $T
A=groma-li-$$a; B=groma-li-$$b; PIDS=()
cleanup() {
	for p in "${PIDS[@]}"; do kill $p 2>/dev/null; done; sleep 0.3
	for n in $A $B; do for p in $(ip netns pids $n 2>/dev/null); do kill -9 $p 2>/dev/null; done; ip netns del $n; rm -rf /etc/netns/$n; done
	rmdir /etc/netns 2>/dev/null
}
trap cleanup EXIT
ip netns add $A; ip netns add $B
ip link add eth0 netns $A type veth peer name eth0 netns $B
ip -n $A link set eth0 address 02:00:5e:10:00:02; ip -n $B link set eth0 address 02:00:5e:10:00:01
ip -n $A addr add 10.77.0.2/24 dev eth0; ip -n $B addr add 10.77.0.1/24 dev eth0
for n in $A $B; do ip netns exec $n sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip -n $n link set lo up; ip -n $n link set eth0 up; mkdir -p /etc/netns/$n; done
printf '127.0.0.1 localhost\n10.77.0.1 srv1.corp.example srv1\n10.77.0.2 ws1.corp.example ws1\n' >$T/hosts
for n in $A $B; do cp $T/hosts /etc/netns/$n/hosts; echo 'nameserver 10.77.0.1' >/etc/netns/$n/resolv.conf; done
a() { ip netns exec $A "$@"; }
b() { ip netns exec $B "$@"; }
bg() { ip netns exec $B setsid "$@" >>$T/daemons.log 2>&1 & PIDS+=($!); }
look() { GROMA_STATE_DIR=$T/state ip netns exec $B $AGENT look --format json "$@"; }
until_up() { for _ in $(seq 100); do b ss -Hltun "sport = :$1" | grep -q . && return; sleep 0.1; done; echo "nobody serves at $1" >&2; }
sleep 2

# Nothing crosses; no such interface; no right to listen.
look --source network.wire --listen eth0 --for 2s >$T/quiet.json
look --source network.wire --listen eth7 --for 1s >$T/absent.json
GROMA_STATE_DIR=$T/state-nobody ip netns exec $B setpriv --bounding-set -all --inh-caps -all --ambient-caps -all \
	sh -c "$AGENT look --format json --source network.wire --listen eth0 --for 1s" >$T/refused.json

openssl req -x509 -newkey rsa:2048 -nodes -keyout $T/key.pem -out $T/cert.pem -days 30 -subj /CN=srv1.corp.example -addext subjectAltName=DNS:srv1.corp.example,DNS:www.corp.example 2>/dev/null
chmod 644 $T/key.pem; export LDAPTLS_CACERT=$T/cert.pem
cat >$T/dnsmasq.conf <<X
no-resolv
no-hosts
addn-hosts=$T/hosts
auth-ttl=60
dhcp-range=10.77.0.100,10.77.0.120,1h
dhcp-option=option:dns-server,10.77.0.1
dhcp-option-force=option:ntp-server,10.77.0.1
dhcp-option=option:domain-name,corp.example
dhcp-option-force=252,"http://wpad.corp.example:8080/wpad.dat"
dhcp-option-force=66,"boot1.corp.example"
dhcp-leasefile=$T/leases
interface=eth0
bind-interfaces
user=root
X
bg dnsmasq -k -C $T/dnsmasq.conf
mkdir -p $T/ldap/db; cat >$T/ldap/slapd.conf <<X
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $T/cert.pem
TLSCertificateKeyFile $T/key.pem
TLSCACertificateFile $T/cert.pem
database mdb
maxsize 10485760
suffix dc=corp,dc=example
rootdn cn=copier,dc=corp,dc=example
rootpw Tr0ub4dor-Secret
directory $T/ldap/db
X
bg slapd -d 0 -f $T/ldap/slapd.conf -h ldap://10.77.0.1
mkdir -p $T/krb; export KRB5_CONFIG=$T/krb/krb5.conf KRB5_KDC_PROFILE=$T/krb/kdc.conf KRB5CCNAME=FILE:$T/krb/cc
printf '[libdefaults]\n default_realm = CORP.EXAMPLE\n dns_lookup_kdc = false\n rdns = false\n[realms]\n CORP.EXAMPLE = {\n  kdc = 10.77.0.1\n }\n[domain_realm]\n .corp.example = CORP.EXAMPLE\n' >$KRB5_CONFIG
printf "[kdcdefaults]\n kdc_ports = 88\n[realms]\n CORP.EXAMPLE = {\n  database_name = $T/krb/principal\n  key_stash_file = $T/krb/stash\n }\n" >$KRB5_KDC_PROFILE
kdb5_util create -s -r CORP.EXAMPLE -P Tr0ub4dor-Secret >/dev/null 2>&1
kadmin.local -q 'addprinc -pw Tr0ub4dor-Secret +requires_preauth svcscan' >/dev/null; kadmin.local -q 'addprinc -randkey HTTP/srv1.corp.example' >/dev/null
bg krb5kdc -n
mkdir -p $T/smb/private $T/smb/data; cat >$T/smb/smb.conf <<X
[global]
 netbios name = SRV1
 workgroup = CORP
 private dir = $T/smb/private
 lock directory = $T/smb
 state directory = $T/smb
 cache directory = $T/smb
 pid directory = $T/smb
 ncalrpc dir = $T/smb/ncalrpc
 log file = $T/smb/log
 interfaces = eth0
 bind interfaces only = yes
 passdb backend = tdbsam:$T/smb/private/p.tdb
 load printers = no
 disable spoolss = yes
[scans]
 path = $T/smb/data
X
printf 'Tr0ub4dor-Secret\nTr0ub4dor-Secret\n' | smbpasswd -c $T/smb/smb.conf -s -a root >/dev/null
bg smbd -F --no-process-group -s $T/smb/smb.conf
mkdir -p $T/pf/sasl $T/pfq $T/pfd; chown postfix $T/pfd; cat >$T/pf/main.cf <<X
compatibility_level = 3.6
queue_directory = $T/pfq
data_directory = $T/pfd
maillog_file = $T/pfd/log
maillog_file_prefixes = $T
myhostname = srv1.corp.example
mydestination = corp.example
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
smtpd_relay_restrictions = permit_sasl_authenticated,reject_unauth_destination
local_recipient_maps =
X
sed 's/^\(\S\+\s\+\S\+\s\+\S\+\s\+\S\+\s\+\)y\(\s\)/\1n\2/' /usr/share/postfix/master.cf.dist >$T/pf/master.cf
printf "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: $T/pf/sasldb2\nmech_list: PLAIN LOGIN\n" >$T/pf/sasl/smtpd.conf
echo Tr0ub4dor-Secret | saslpasswd2 -p -c -f $T/pf/sasldb2 -u srv1.corp.example svcscan; chmod 644 $T/pf/sasldb2
b setsid -w postfix -c $T/pf start >$T/pf.log 2>&1
bg openssl s_server -accept 10.77.0.1:443 -cert $T/cert.pem -key $T/key.pem -www -quiet
printf "local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\npidfile $T/chrony.pid\ndriftfile $T/drift\n" >$T/chrony.conf
bg chronyd -x -d -u root -f $T/chrony.conf
for port in 514 162; do bg socat -u UDP-RECV:$port /dev/null; done
for port in 53 389 88 445 25 443 123 514 162; do until_up $port; done
a ldapadd -x -H ldap://10.77.0.1 -D cn=copier,dc=corp,dc=example -w Tr0ub4dor-Secret >/dev/null <<X
dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
o: corp
dc: corp
X

# What groma asks by itself it asks when nobody listens any more.
look --source network.wire --source names --listen eth0 --for 1s --mail-domain corp.example >$T/own.json

# The scene itself.
GROMA_STATE_DIR=$T/state ip netns exec $B $AGENT look --format json --source network.wire --listen eth0 --promiscuous --for 120s >$T/scene.json 2>$T/scene.log & LOOK=$!
for _ in $(seq 100); do ip -n $B -d -j link show eth0 | grep -q '"promiscuity":1' && break; sleep 0.1; done
ip -n $B -d -j link show eth0 | grep -o '"promiscuity":[0-9]*' >$T/promiscuity
sleep 1
a dig +short +tries=1 srv1.corp.example @10.77.0.1 >/dev/null
a ip link add mac0 link eth0 address 02:00:5e:10:00:31 type macvlan mode bridge; a ip link set mac0 up
a timeout 8 busybox udhcpc -i mac0 -q -n -f -s /bin/true -x hostname:camera3 -V 'AXIS,Network Camera' >$T/udhcpc.log 2>&1
a ip link del mac0
C=cn=copier,dc=corp,dc=example
a ldapsearch -LLL -x -H ldap://10.77.0.1 -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=secret-search)' >/dev/null
a ldapsearch -LLL -ZZ -x -H ldap://srv1.corp.example -D $C -w Tr0ub4dor-Secret -b dc=corp,dc=example '(cn=x)' >/dev/null
echo Tr0ub4dor-Secret | a kinit svcscan >/dev/null; a kvno HTTP/srv1.corp.example >/dev/null
a smbclient //10.77.0.1/scans -s /dev/null -n COPIER7 -U 'root%Tr0ub4dor-Secret' -c 'ls' >$T/smbclient.log 2>&1
a swaks -S 2 --server 10.77.0.1 --ehlo copier7.corp.example --from scan@corp.example --to anna@corp.example --auth LOGIN --auth-user svcscan@srv1.corp.example --auth-password Tr0ub4dor-Secret --h-Subject secret-subject --body secret-body >$T/swaks.log 2>&1
echo | a openssl s_client -connect 10.77.0.1:443 -servername www.corp.example >/dev/null 2>&1
a timeout 20 chronyd -Q -u root -f /dev/null 'server 10.77.0.1 iburst' >$T/ntp.log 2>&1
a logger -n 10.77.0.1 -P 514 -d -t backup 'secret-message'
a snmptrap -v 2c -c secret-community 10.77.0.1 '' 1.3.6.1.6.3.1.1.5.3 1.3.6.1.2.1.2.2.1.1.1 i 1
# Doors nobody uses.
for port in 7 9100 8443; do a timeout 1 busybox nc -w 1 10.77.0.1 $port </dev/null >/dev/null 2>&1; done
sleep 1; kill -TERM $LOOK
for _ in $(seq 300); do kill -0 $LOOK 2>/dev/null || break; sleep 0.1; done; wait $LOOK; echo "look ended with $?"
ip -n $B -d -j link show eth0 | grep -o '"promiscuity":[0-9]*' >>$T/promiscuity
