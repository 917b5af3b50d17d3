# Real servers of devices in a network of their own, and one machine beside them that asks. $1: a folder, $2: who asks.
set -e
mount -t tmpfs tmpfs /run
sysctl -qw net.ipv6.conf.all.disable_ipv6=0
ip link set lo up
ip netns add ask
ip link add v0 type veth peer name v1
ip link set v1 netns ask
ip -n ask link set lo up
ip -n ask addr add 192.0.2.99/24 dev v1
ip -n ask link set v1 up
ip addr add 192.0.2.50/24 dev v0
ip -6 addr add 2001:db8::50/64 dev v0 nodad
ip link set v0 up
mkdir -p /run/dbus /run/avahi-daemon "$1/spool" "$1/media" "$1/films"
dbus-daemon --system --fork --nopidfile
printf '[server]\nuse-ipv6=no\nallow-interfaces=v0\n' > "$1/avahi.conf"
avahi-daemon -f "$1/avahi.conf" --no-drop-root --no-chroot -D
sleep 1
at=631
# A printer that answers within TLS alone: what stands before it takes nothing else.
if [ "$3" = tls ]; then
    at=8631
    openssl req -x509 -nodes -newkey rsa:2048 -keyout "$1/key" -out "$1/cert" -subj /CN=copier -days 2 2> /dev/null
    printf 'foreground = yes\npid =\n[ipps]\naccept = 631\nconnect = 8631\ncert = %s/cert\nkey = %s/key\n' "$1" "$1" > "$1/stunnel.conf"
    stunnel4 "$1/stunnel.conf" > "$1/stunnel.log" 2>&1 &
    before=$!
fi
ippeveprinter -M Example -m "C 300" -l "2nd floor" -p $at -d "$1/spool" Copier > "$1/printer.log" 2>&1 &
printer=$!
python3 - "$1/paper" <<'PY' &
import selectors, socket, sys
sel = selectors.DefaultSelector(); doors = []
for port in (515, 9100, 9999):
    d = socket.create_server(('0.0.0.0', port)); doors.append(d); sel.register(d, selectors.EVENT_READ)
paper = open(sys.argv[1], 'ab', 0)
while True:
    for k, _ in sel.select():
        if k.fileobj in doors:
            c, _ = k.fileobj.accept(); paper.write(b'call '); sel.register(c, selectors.EVENT_READ)
        else:
            b = k.fileobj.recv(4096)
            paper.write(b) if b else sel.unregister(k.fileobj)
PY
paper=$!
for _ in $(seq 100); do
    ss -Htln "sport = :631" | grep -q . && ss -Htln "sport = :9100" | grep -q . && break
    sleep 0.1
done
sleep 6
ip netns exec ask "$2" --exact asks_whoever_is_named --nocapture || true
cat "$1/paper" 2>/dev/null | sed 's/^/PAPER /'
kill $printer $paper $before
kill $(cat /run/avahi-daemon/pid) || true
