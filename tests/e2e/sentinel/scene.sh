#!/bin/bash
# An old machine, one that calls it, one that stands sentinel at its address once it is off, a collector and a stranger, each in
# a namespace of its own behind one bridge. usage: scene.sh AGENT GROMA FOLDER: what was said is written there, and the figures
# are lines "NAME VALUE" on standard output.
set -u
AGENT=$1; GROMA=$2; T=$3; HERE=$(cd "$(dirname "$0")" && pwd); chmod 755 "$T"
N=groma-se-$$; PIDS=()
HOSTS="old1:5 watch1:9 app1:7 hub1:2 odd1:66"
cleanup() {
	for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null; done; sleep 0.5
	for h in lan old1 watch1 app1 hub1 odd1; do
		for p in $(ip netns pids $N-$h 2>/dev/null); do kill -9 "$p" 2>/dev/null; done; ip netns del $N-$h 2>/dev/null
	done
}
trap cleanup EXIT
ip netns add $N-lan; ip -n $N-lan link add br0 type bridge; ip -n $N-lan link set br0 up
for each in $HOSTS; do
	h=${each%:*}; n=${each#*:}
	ip netns add $N-$h
	ip link add eth0 netns $N-$h type veth peer name p$n netns $N-lan
	ip netns exec $N-$h sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip -n $N-$h link set eth0 address 02:00:5e:00:00:$(printf %02x "$n")
	ip -n $N-$h addr add 10.88.0.$n/24 dev eth0
	ip -n $N-$h link set lo up; ip -n $N-$h link set eth0 up
	ip -n $N-lan link set p$n master br0; ip -n $N-lan link set p$n up
	mkdir -p "$T/etc-$h/groma"; printf '%032x\n' $((1000 + n)) >"$T/etc-$h/machine-id"; echo "127.0.0.1 localhost" >"$T/etc-$h/hosts"
done
# A machine has its own name and its own /etc; the real one's stay untouched.
on() {
	local h=$1; shift
	ip netns exec $N-$h unshare -m -u sh -c "mount --make-rprivate / && mount --bind $T/etc-$h /etc && hostname $h && exec env GROMA_STATE_DIR=$T/state-$h \"\$@\"" sh "$@"
}
wire() { local h=$1; shift; ip netns exec $N-$h python3 "$HERE/wire.py" "$@"; }
g() { on hub1 "$GROMA" "$@" --data "$T/data"; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
S="--source network.sentinel --sentinel 10.88.0.5 --offline --format json"

# As it was before: the old machine serves, the other one calls it with a program of its own.
ip netns exec $N-old1 socat TCP4-LISTEN:8025,fork,reuseaddr OPEN:/dev/null & PIDS+=($!)
cp "$HERE/wire.py" "$T/mailer.py"
ip netns exec $N-app1 python3 "$T/mailer.py" loop 10.88.0.5 8025 0.2 & PIDS+=($!); MAILER=$!
sleep 1
FEW="--source host.system --source host.network --source host.sockets --source host.flows"
for h in old1 app1; do on $h "$AGENT" look --offline $FEW --for 4s --out "$T/$h.batch" 2>>"$T/looks.log" || echo "look-$h failed"; done
g import "$T/old1.batch" "$T/app1.batch" >"$T/import.log" 2>&1 || echo "import failed"
g snapshot take before-w1 >>"$T/import.log" 2>&1
kill $MAILER; sleep 1

# Refused: nobody allowed it; the address is not here; the machine's own one; a door of its own.
refuse() { on watch1 "$AGENT" look $S --for 1s >"$T/refused-$1.json" 2>"$T/refused-$1.log"; echo "refused-$1 $?"; }
refuse no-line
echo 'sentinel = ["10.88.0.5"]' >"$T/etc-watch1/groma/ceiling.toml"
refuse not-here
# The old machine is off, and somebody puts its address on another one.
ip -n $N-old1 link set eth0 down
ip -n $N-watch1 addr add 10.88.0.5/32 dev eth0
ip -n $N-app1 neigh flush all; ip -n $N-odd1 neigh flush all
ip netns exec $N-watch1 socat TCP4-LISTEN:8443,bind=10.88.0.5,fork OPEN:/dev/null & PIDS+=($!); DOOR=$!; sleep 0.5
refuse serves
kill $DOOR; sleep 0.5
on watch1 "$AGENT" look --source network.sentinel --sentinel 10.88.0.9 --offline --for 1s >/dev/null 2>"$T/refused-beyond.log"; echo "refused-beyond $?"

# What this machine sends while it stands there is what it sends anyway; each kind of knock is one row.
some() { sleep 2; wire app1 scan 10.88.0.5 2 >/dev/null; echo x | ip netns exec $N-app1 socat -u - UDP4:10.88.0.5:514; wire app1 ping 10.88.0.5; wire app1 scan 10.88.0.9 2 >/dev/null; }
forget() { ip -n $N-app1 neigh flush all; ip -n $N-watch1 neigh flush all; }
forget; wire lan tap p9 02:00:5e:00:00:09 9 >"$T/sends-without" & TAP=$!; some; wait $TAP
forget; wire lan tap p9 02:00:5e:00:00:09 9 >"$T/sends-with" & TAP=$!
on watch1 "$AGENT" look $S --for 7s >"$T/knocks.json" 2>"$T/knocks.log" & L=$!; some; wait $L; echo "look $?"; wait $TAP
on watch1 "$AGENT" look $S --for 2s >"$T/quiet.json" 2>>"$T/knocks.log"

# Somebody tries two thousand ports.
on watch1 "$AGENT" look $S --for 8s >"$T/scan.json" 2>>"$T/knocks.log" & L=$!; sleep 2; wire odd1 scan 10.88.0.5 2000 >"$T/scan.log"; wait $L
# A flood of invented senders.
begun=$(date +%s)
on watch1 "$AGENT" look $S --for 10s >"$T/flood.json" 2>>"$T/knocks.log" & L=$!; sleep 2; timeout 6 ip netns exec $N-odd1 python3 "$HERE/wire.py" flood eth0 02:00:5e:00:00:09 10.88.0.5 200000; wait $L
echo "flood-seconds $(($(date +%s) - begun))"; echo "flood-bytes $(stat -c %s "$T/flood.json")"

# With a fleet: from the first knock to the list.
rm -rf "$T/state-watch1"
cat >"$T/w1.toml" <<X
name = "w1"
order = 1
moves = [{ from = "old1", to = "new1" }]
X
ip netns exec $N-hub1 unshare -m -u sh -c "mount --make-rprivate / && mount --bind $T/etc-hub1 /etc && exec \"\$@\"" sh "$GROMA" serve --data "$T/data" --listen 10.88.0.2:0 >"$T/serve.log" 2>&1 & PIDS+=($!)
for _ in $(seq 100); do grep -q "let in at" "$T/serve.log" 2>/dev/null && break; sleep 0.3; done
g token create --out "$T/token" >>"$T/fleet.log" 2>&1
URL=https://$(grep -o "let in at 10.88.0.2:[0-9]*" "$T/serve.log" | head -1 | cut -d" " -f4)
on watch1 "$AGENT" enroll --collector "$URL" --token-file "$T/token" >>"$T/fleet.log" 2>&1 || echo "enroll failed"
SINCE=$(now)
on watch1 "$AGENT" run --keep-free-mib 16 --sentinel 10.88.0.5 >>"$T/agent.log" 2>&1 & PIDS+=($!)
for _ in $(seq 60); do
	g wave residual "$T/w1.toml" --before before-w1 --since "$SINCE" >"$T/residual-quiet.txt" 2>&1
	grep -q "the sentinel on" "$T/residual-quiet.txt" && break
	sleep 1
done
begun=$(date +%s.%N)
ip netns exec $N-app1 python3 "$T/mailer.py" loop 10.88.0.5 8025 2 & PIDS+=($!)
for _ in $(seq 60); do
	g wave residual "$T/w1.toml" --before before-w1 --since "$SINCE" >"$T/residual.txt" 2>&1
	grep -q "app1" "$T/residual.txt" && break
	sleep 1
done
echo "seconds-to-list $(echo "$(date +%s.%N) $begun" | awk '{printf "%.1f", $1 - $2}')"
g wave certify "$T/w1.toml" --before before-w1 --since "$SINCE" --days 1 --out "$T/certificate" >"$T/certify.txt" 2>&1; echo "certify $?"
