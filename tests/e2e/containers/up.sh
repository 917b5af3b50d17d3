# Builds two machines within this one: app1, which calls and is called, and box1, on which Podman runs a real container: a small
# web server that also keeps a connection open, with a port published and machines named in its environment. Then looks at both;
# the batches lie in $1. Exits with 77, and the engine's own words, where a container cannot run here. Runs as root, within a machine of the test.
set -euo pipefail
out=$1
run=/run/containers-test
mkdir -p "$run" "$out"
ip link add wire type bridge
ip link set wire up

host() { # NAME ADDRESS
    local etc=$run/$1.etc
    mkdir -p "$etc"
    cp -a /etc/passwd /etc/group /etc/services /etc/protocols /etc/nsswitch.conf /etc/os-release /etc/ld.so.cache /etc/ssl "$etc/" 2>/dev/null || true
    printf '%s' "$1" | md5sum | cut -c1-32 > "$etc/machine-id"
    echo "$1" > "$etc/hostname"
    echo "127.0.0.1 localhost" > "$etc/hosts"
    : > "$etc/resolv.conf"
    unshare -m -n -u -i -p -f --mount-proc bash -c "
        mount --make-rprivate /; mount --bind $etc /etc; hostname $1
        for dir in /var/lib/groma-agent /opt /srv /home /var/lib/containers /var/lib/cni /run/netns /run/libpod; do mkdir -p \$dir; mount -t tmpfs none \$dir; done
        mount -t cgroup2 none /sys/fs/cgroup
        ip link set lo up; echo \$\$ > /proc/self/comm; exec sleep infinity" &
    local holder=$!
    for try in $(seq 100); do
        first=$(pgrep -P $holder || true)
        [ -n "$first" ] && [ "$(nsenter -t "$first" -u hostname)" = "$1" ] && break
        sleep 0.1
    done
    echo "$first" > "$run/$1.pid"
    ip link add "w-$1" type veth peer name eth0 netns "$first"
    ip link set "w-$1" master wire up
    on "$1" ip addr add "$2/24" dev eth0
    on "$1" ip link set eth0 up
}
on() { local name=$1; shift; nsenter -t "$(cat "$run/$name.pid")" -m -n -u -i -p --wdns=/ -- "$@"; }
file() { on "$1" bash -c "mkdir -p \$(dirname $2); cat > $2"; } # HOST PATH, content on standard input
podman() { on box1 podman --storage-driver vfs --runtime crun --cgroup-manager cgroupfs "$@"; }

host app1 10.78.0.11
host box1 10.78.0.12
echo '{"default": [{"type": "insecureAcceptAnything"}]}' | file box1 /etc/containers/policy.json
# The links by which Debian chooses the iptables that the plugins of CNI call.
on box1 mkdir -p /etc/alternatives
for tool in iptables ip6tables; do
    on box1 ln -s "/usr/sbin/$tool-nft" "/etc/alternatives/$tool"
    for verb in save restore; do on box1 ln -s "/usr/sbin/$tool-nft-$verb" "/etc/alternatives/$tool-$verb"; done
done
printf '[network]\nnetwork_backend = "cni"\n' | file box1 /etc/containers/containers.conf

# ---- what the container calls ------------------------------------------------------------------------------------------
on app1 socat TCP-LISTEN:8025,fork,reuseaddr EXEC:cat &

# ---- the container: an image out of this machine's own busybox, because no registry is reachable -----------------------
root=$run/root
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/srv"
cp /usr/bin/busybox "$root/bin/busybox"
for library in $(ldd /usr/bin/busybox | grep -o '/[^ ]*' || true); do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
for applet in sh nc sleep httpd; do ln -s busybox "$root/bin/$applet"; done
echo "hello" > "$root/srv/index.html"
tar -C "$root" -cf "$run/root.tar" .
podman import "$run/root.tar" localhost/shop:1.4 >/dev/null
if ! podman run -d --name shop --privileged --pids-limit 0 --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    -p 18080:80 \
    -e SMTP_HOST=10.78.0.11 -e SMTP_PORT=8025 \
    -e DATABASE_URL=postgres://shop:geheim-in-the-url@10.78.0.11:5432/shop -e API_TOKEN=geheim-of-its-own \
    localhost/shop:1.4 /bin/sh -c 'httpd -p 80 -h /srv; sleep 1000 | nc 10.78.0.11 8025' >/dev/null 2>"$run/why"; then
    cat "$run/why"
    exit 77
fi
# A stack that somebody wrote down and nobody runs.
file box1 /opt/stack/compose.yaml <<'YAML'
services:
  idle:
    image: localhost/idle:1.0
    ports: ["19090:90"]
YAML
file box1 /etc/containers/systemd/idle.container <<'QUADLET'
[Container]
Image=localhost/idle:1.0
PublishPort=19091:91
QUADLET

# ---- who calls it --------------------------------------------------------------------------------------------------------
file app1 "$run/keep.py" <<'CODE'
import socket, time
s = None
for _ in range(100):
    try:
        s = socket.create_connection(("10.78.0.12", 18080), 10)
        break
    except OSError:
        time.sleep(0.2)
# Half a request: the server waits for the rest of it, and the connection stays.
s.sendall(b"GET / HTTP/1.1\r\n")
open("/run/containers-test/connected", "w").write("yes")
while True:
    time.sleep(1)
CODE
on app1 python3 "$run/keep.py" &
for try in $(seq 150); do [ -e "$run/connected" ] && break; sleep 0.2; done
[ -e "$run/connected" ]

for name in app1 box1; do
    on "$name" groma-agent look --for 3s --offline --out "$out/$name.batch" >"$out/$name.log" 2>&1 || { cat "$out/$name.log" >&2; exit 1; }
done
