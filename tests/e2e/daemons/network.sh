# The wire, the clients, and the system's log as Debian keeps it.
needs rsyslogd ip nsenter setsid ss openssl
ip link set lo up
ip link add wire type bridge && ip link set wire up && ip addr add $server/24 dev wire
for client in 31 32 33 66; do
    ip netns add c$client
    ip link add w$client type veth peer name eth0 netns c$client
    ip link set w$client master wire up
    nsenter --net=/run/netns/c$client -- sh -c "ip link set lo up; ip addr add 10.20.1.$client/24 dev eth0; ip link set eth0 up"
done
: > /etc/resolv.conf
mkdir -p /etc/tls /run/rsyslog
printf '[req]\ndistinguished_name = name\n[name]\n' > /etc/tls/conf
openssl req -config /etc/tls/conf -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=srv1.corp.example -keyout /etc/tls/key.pem -out /etc/tls/cert.pem 2>/dev/null
chmod 644 /etc/tls/key.pem
cat > /etc/rsyslog.conf <<'CONF'
module(load="imuxsock")
$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat
$RepeatedMsgReduction off
auth,authpriv.* /var/log/auth.log
local4.* /var/log/slapd.log
*.*;auth,authpriv.none;local4.none;mail.none -/var/log/syslog
CONF
behind rsyslogd -n -i /run/rsyslog/pid
for _ in $(seq 1200); do [ -S /dev/log ] && break; sleep 0.1; done
[ -S /dev/log ] || { cat /run/daemons.log >&2; exit 1; }
