#!/bin/bash
# Records the captures of what a link is told: LLDP and CDP, routers of IPv6, DHCP of IPv6, names of NetBIOS. Real programs in namespaces
# of their own, joined by one pair of cables. Needs root and: lldpd radvd dnsmasq-base isc-dhcp-client samba samba-common-bin tcpdump iproute2
set -u
OUT=${OUT:-/tmp/plrec/out}; T=/tmp/plrec/link; rm -rf $T; mkdir -p $T $OUT; chmod 755 $T
A=pmA; B=pmB; PIDS=()
cleanup() { for p in "${PIDS[@]}"; do kill $p 2>/dev/null; done; sleep 0.5; for n in $A $B; do for p in $(ip netns pids $n 2>/dev/null); do kill $p; done; done; sleep 0.5; ip netns del $A; ip netns del $B; rm -rf /etc/netns/$A /etc/netns/$B; rmdir /etc/netns 2>/dev/null; }
trap cleanup EXIT
ip netns add $A; ip netns add $B
ip link add plv0 netns $A type veth peer name plv1 netns $B
ip -n $A link set plv0 address 02:00:5e:10:00:02; ip -n $B link set plv1 address 02:00:5e:10:00:01
ip -n $A addr add 10.77.0.2/24 dev plv0; ip -n $B addr add 10.77.0.1/24 dev plv1
ip -n $B addr add fd77::1/64 dev plv1 nodad
for n in $A $B; do ip -n $n link set lo up; done
ip netns exec $B sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n $A link set plv0 up; ip -n $B link set plv1 up
ip netns exec $A ethtool -K plv0 tx off 2>/dev/null >/dev/null; ip netns exec $B ethtool -K plv1 tx off 2>/dev/null >/dev/null
a() { ip netns exec $A "$@"; }
b() { ip netns exec $B "$@"; }
mkdir -p /etc/netns/$A; printf '127.0.0.1 localhost\n10.77.0.2 switch1.corp.example\n' >/etc/netns/$A/hosts
DUMP=
rec() { : >$T/tcpdump.log; ip netns exec $B tcpdump -q -U -s 0 -i plv1 -w $OUT/$1.pcap ${2:-} >/dev/null 2>$T/tcpdump.log & DUMP=$!; for _ in $(seq 100); do grep -q listening $T/tcpdump.log && break; sleep 0.1; done; sleep 0.3; }
end() { sleep 1.5; kill -TERM $DUMP; wait $DUMP 2>/dev/null; }
sleep 2

# LLDP and CDP: the machine at the other end says who it is, then goodbye. Nothing of the machine that records: no inventory, no kernel.
say() { # file, what lldpd is to speak
	rec $1
	a unshare -u -m bash -c "hostname switch1.corp.example; mount -t tmpfs none /run; mkdir /run/lldpd; exec lldpd -d -i -k $2 -I plv0 -C plv0 -m 10.77.0.2 -S 'Example Switch OS 12.1' -P 'Example S 24' -u $T/lldpd.sock" >>$T/lldpd.log 2>&1 & L=$!
	sleep 4; for p in $(ip netns pids $A); do kill $p 2>/dev/null; done; wait $L 2>/dev/null; end
}
say lldp ''
say cdp '-ll -cccc'

# A router and its network; a machine that believes it.
cat >$T/radvd.conf <<X
interface plv1 {
  AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
  prefix fd77::/64 { AdvOnLink on; AdvAutonomous on; };
  RDNSS fd77::1 fd77::53 { AdvRDNSSLifetime 600; };
  DNSSL corp.example lab.corp.example { AdvDNSSLLifetime 600; };
};
X
ip -n $A link set plv0 down; ip netns exec $A sysctl -qw net.ipv6.conf.plv0.accept_ra=1 net.ipv6.conf.plv0.autoconf=1
rec router
ip netns exec $B radvd -n -C $T/radvd.conf -p $T/radvd.pid -m stderr >>$T/radvd.log 2>&1 & PIDS+=($!); R=$!
sleep 1; ip -n $A link set plv0 up; sleep 5
for _ in $(seq 20); do ip -n $A -6 addr show dev plv0 scope global | grep -v tentative | grep -q fd77 && break; sleep 0.3; done
a ping -6 -c 1 -W 2 fd77::1 >>$T/ping.log 2>&1
a dig +tries=1 +time=1 srv1.corp.example @fd77::1 >>$T/ping.log 2>&1
kill $R; wait $R 2>/dev/null; end
ip netns exec $A sysctl -qw net.ipv6.conf.plv0.accept_ra=0; ip -n $A -6 addr flush dev plv0 scope global

# Addresses, and then only whom to use.
cat >$T/dnsmasq.conf <<X
no-resolv
no-hosts
dhcp-range=fd77::100,fd77::120,64,1h
dhcp-option=option6:dns-server,[fd77::1]
dhcp-option=option6:domain-search,corp.example
dhcp-option=option6:ntp-server,[fd77::7]
dhcp-option=option6:sntp-server,[fd77::7]
dhcp-leasefile=$T/leases
interface=plv1
bind-interfaces
user=root
X
ip netns exec $B dnsmasq -k -C $T/dnsmasq.conf >>$T/dnsmasq.log 2>&1 & PIDS+=($!)
sleep 1
cat >$T/dhc.conf <<X
option dhcp6.ntp code 56 = string;
option dhcp6.vendor code 16 = string;
send fqdn.fqdn "copier7.corp.example";
send dhcp6.vendor 00:00:00:09:00:0c:45:78:61:6d:70:6c:65:20:43:33:30:30;
request dhcp6.name-servers, dhcp6.domain-search, dhcp6.sntp-servers, dhcp6.ntp;
X
rec dhcp6
a timeout 20 dhclient -6 -1 -v -D LL -cf $T/dhc.conf -lf $T/dhl -pf $T/dhp -sf /bin/true plv0 >$T/dhclient.log 2>&1
for p in $(ip netns pids $A); do kill $p; done; end
rec dhcp6-stateless
a timeout 20 dhclient -6 -S -1 -v -D LL -cf $T/dhc.conf -lf $T/dhl2 -pf $T/dhp2 -sf /bin/true plv0 >>$T/dhclient.log 2>&1
for p in $(ip netns pids $A); do kill $p; done; end

# Names of NetBIOS: a server that is one for names too, a machine that registers there, and who looks for whom.
nmb() { # name, interface, folder, further settings
	mkdir -p $3/private; printf "[global]\n netbios name = $1\n workgroup = CORP\n private dir = $3/private\n lock directory = $3\n state directory = $3\n cache directory = $3\n pid directory = $3\n ncalrpc dir = $3/ncalrpc\n log file = $3/log\n interfaces = $2\n bind interfaces only = yes\n$4" >$3.conf
}
mkdir -p $T/nmb; nmb SRV1 plv1 $T/nmb/b ' wins support = yes\n'; nmb COPIER7 plv0 $T/nmb/a ' wins server = 10.77.0.1\n'
# One that registered there long ago, and is on another network: whoever looks for it is told by the server alone.
mkdir -p $T/nmb/b; printf 'VERSION 1 0\n"FILES9#20" 0 10.77.1.9 64R\n' >$T/nmb/b/wins.dat
rec netbios-names 'udp port 137'
ip netns exec $B nmbd -F --no-process-group -s $T/nmb/b.conf >>$T/nmb.log 2>&1 & PIDS+=($!)
sleep 5
ip netns exec $A nmbd -F --no-process-group -s $T/nmb/a.conf >>$T/nmb.log 2>&1 & PIDS+=($!)
sleep 5; end
for p in $(ip netns pids $A); do kill $p; done; sleep 0.5
rec netbios-broadcast 'udp port 137'; a nmblookup -s /dev/null -B 10.77.0.255 'SRV1#20' >>$T/nmb.log 2>&1; a nmblookup -s /dev/null -B 10.77.0.255 'OLDSRV#20' >>$T/nmb.log 2>&1; a nmblookup -s /dev/null -B 10.77.0.255 TYPO >>$T/nmb.log 2>&1; end
rec netbios-server 'udp port 137'; a nmblookup -s /dev/null --recursion --unicast=10.77.0.1 'SRV1#20' >>$T/nmb.log 2>&1; a nmblookup -s /dev/null --recursion --unicast=10.77.0.1 'FILES9#20' >>$T/nmb.log 2>&1; a nmblookup -s /dev/null --recursion --unicast=10.77.0.1 NOBODY >>$T/nmb.log 2>&1; end

# Headers between IPv6 and what it carries, from the kernel's own hand: options for the destination, and a datagram cut in pieces.
b ip -6 addr add fd77::9/64 dev plv1 nodad; ip -n $A addr add fd77::2/64 dev plv0 nodad
rec ipv6-headers; a python3 - <<'X'
import socket, struct
def question(name):
    out = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0)
    for label in name.split('.'):
        out += bytes([len(label)]) + label.encode()
    return out + b'\0\0\1\0\1'
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
s.settimeout(2); s.sendto(question('srv1.corp.example'), ('fd77::1', 53)); print(s.recv(512))
t = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
t.sendto(b'<13>1 - ws1 backup - - - ' + b'secret-message ' * 200, ('fd77::1', 514))
X
end
chmod 644 $OUT/*; ls -la $OUT
