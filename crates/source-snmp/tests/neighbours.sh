# A copier, a router with ports, a mail server and who asks, each in a network of its own; real snmpd and lldpd, joined by AgentX.
# $1: a folder, $2: who asks. Begun within a network and a file system view of its own; who began it ends what runs.
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/lldpd "$1/copier" "$1/router"
# lldpd begins to work when its own lldpcli, which has no rights, has reached it.
chmod 755 "$1"
for name in copier router mail ask; do
    ip netns add $name
    ip -n $name link set lo up
done
ip -n router link add br0 type bridge
ip -n router address add 192.0.2.1/24 dev br0
ip -n router address add 2001:db8::1/64 dev br0 nodad
ip -n router link set br0 up
number=6
for name in copier mail ask; do
    number=$((number + 1))
    ip -n router link add port$number type veth peer name eth0 netns $name
    ip -n router link set port$number master br0 up
    case $name in copier) last=50 ;; mail) last=25 ;; ask) last=99 ;; esac
    ip -n $name address add 192.0.2.$last/24 dev eth0
    ip -n $name address add 2001:db8::$last/64 dev eth0 nodad
    ip -n $name link set eth0 up
done
cat > "$1/copier/snmpd.conf" <<'C'
rocommunity devices
rocommunity6 devices
master agentx
sysDescr RICOH MP C3003 1.09 / RICOH Network Printer C model / RICOH Network Scanner C model
sysObjectID .1.3.6.1.4.1.367.1.1
sysName copier-2
C
cat > "$1/router/snmpd.conf" <<'C'
rocommunity devices
rocommunity6 devices
master agentx
sysDescr RouterOS CCR1009-7G-1C-1S+
sysObjectID .1.3.6.1.4.1.14988.1
sysName router-1
C
started=
within() {
    local name=$1
    shift
    ip netns exec "$name" "$@" > /dev/null 2>&1 < /dev/null &
    started="$started $!"
}
end() { kill $started 2> /dev/null || true; }
trap end EXIT
for name in copier router; do
    at="$1/$name"
    echo "agentXSocket $at/agentx" >> "$at/snmpd.conf"
    SNMP_PERSISTENT_DIR="$at/kept" within $name /usr/sbin/snmpd -f -Lf "$at/log" -C -c "$at/snmpd.conf" -p "$at/pid" udp:161 udp6:161
done
for name in copier router; do
    for _ in $(seq 100); do [ -S "$1/$name/agentx" ] && break; sleep 0.1; done
    interfaces=eth0
    own=copier-2
    [ $name = copier ] || { interfaces='port*' own=router-1; }
    printf 'configure system hostname %s\nconfigure lldp tx-interval 1\n' $own > "$1/$name/lldpd.conf"
    within $name /usr/sbin/lldpd -d -x -X "$1/$name/agentx" -u "$1/$name/lldpd" -O "$1/$name/lldpd.conf" -I "$interfaces" -m 192.0.2.*
done
within mail python3 -c "
import socket, time
door = socket.create_server(('::', 25), family=socket.AF_INET6)
kept = door.accept(); time.sleep(120)"
for _ in $(seq 100); do ip netns exec mail ss -Htln 'sport = :25' | grep -q . && break; sleep 0.1; done
within copier python3 -c "
import socket, time
held = socket.create_connection(('2001:db8::25', 25)); time.sleep(120)"
within router python3 -c "
import socket
socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.50', 9))"
hears() { ip netns exec $1 lldpcli -u "$2" show neighbors 2> /dev/null | grep -q "SysName: *$3"; }
for _ in $(seq 100); do
    hears copier "$1/copier/lldpd" router-1 && hears router "$1/router/lldpd" copier-2 && break
    sleep 0.2
done
ip netns exec ask "$2" --exact asks_the_copier_and_the_router --nocapture
