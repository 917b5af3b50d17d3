# Builds three machines within this one: app1 (the consumer), edge1 (what stands between) and prov1 (the provider), each with its own
# network, processes, name and /etc, on one wire. Then lets them work and looks at each with the agent; the batches lie in $1.
# app1 knows edge1 alone; nothing on it names prov1. Runs as root, within a machine of the test, and ends with it.
set -euo pipefail
out=$1
run=/run/relays
mkdir -p "$run" "$out"
ip link add wire type bridge 2>/dev/null
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
        mkdir -p /var/lib/groma-agent /opt /srv; for dir in /var/lib/groma-agent /opt /srv /home /var/spool /usr/local/lib /var/lib/postgresql; do [ ! -d \$dir ] || mount -t tmpfs none \$dir; done
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

host app1 10.77.0.11
host edge1 10.77.0.12
host prov1 10.77.0.13

# ---- the provider: one small server per way ----------------------------------------------------------------------------
on prov1 mkdir -p /opt/web
echo ok | file prov1 /opt/web/index.html
for port in 8080 8081; do
    on prov1 bash -c "cd /opt/web && exec python3 -m http.server $port >/dev/null 2>&1" &
done
echo 'x' | file prov1 /opt/web/x
for port in 5432 6380 9443 7000; do
    on prov1 socat "TCP-LISTEN:$port,fork,reuseaddr" "EXEC:cat" &
done

# ---- what stands between -----------------------------------------------------------------------------------------------
file edge1 /etc/nginx/nginx.conf <<'CONF'
worker_processes 1;
pid /run/relays/nginx.pid;
error_log stderr;
user root;
events {}
http { access_log off; client_body_temp_path /run/relays/t1; proxy_temp_path /run/relays/t2; fastcgi_temp_path /run/relays/t3;
       uwsgi_temp_path /run/relays/t4; scgi_temp_path /run/relays/t5; include /etc/nginx/sites-enabled/*; }
CONF
file edge1 /etc/nginx/sites-enabled/shop <<'CONF'
upstream shop { server 10.77.0.13:8080; }
upstream nobody { server 10.77.0.99:8080; }
server { listen 80; server_name shop.test; location / { proxy_pass http://shop; } }
CONF
# A site nobody switched on, and one whose door nobody knocks at.
file edge1 /etc/nginx/sites-available/old <<'CONF'
server { listen 8090; location / { proxy_pass http://10.77.0.13:8081; } }
CONF
file edge1 /etc/nginx/sites-enabled/quiet <<'CONF'
server { listen 81; location / { proxy_pass http://10.77.0.13:8081; } }
CONF
file edge1 /etc/haproxy/haproxy.cfg <<'CONF'
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend database
    bind 10.77.0.12:15432
    default_backend database
backend database
    server one 10.77.0.13:5432
CONF
on edge1 bash -c "mkdir -p /etc/stunnel && printf '[req]\ndistinguished_name=dn\n[dn]\n' > /run/relays/openssl.cnf &&
    OPENSSL_CONF=/run/relays/openssl.cnf openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=edge1 -keyout /etc/stunnel/key.pem -out /etc/stunnel/certificate.pem -days 3" 2>/dev/null
file edge1 /etc/stunnel/cache.conf <<'CONF'
foreground = yes
pid =
[cache]
accept = 10.77.0.12:16380
connect = 10.77.0.13:6380
cert = /etc/stunnel/certificate.pem
key = /etc/stunnel/key.pem
CONF
on edge1 bash -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
on edge1 nft -f - <<'RULES'
table ip nat {
    chain prerouting {
        type nat hook prerouting priority dstnat;
        tcp dport 19443 dnat to 10.77.0.13:9443
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "eth0" masquerade
    }
}
table ip filter {
    chain input {
        type filter hook input priority filter; policy accept;
        ip saddr 10.77.0.13 tcp dport 22 accept
        ip saddr 10.0.0.0/8 accept
    }
}
RULES
on edge1 nginx -e stderr -g 'daemon off;' &
on edge1 haproxy -db -f /etc/haproxy/haproxy.cfg &
on edge1 stunnel4 /etc/stunnel/cache.conf &
on edge1 socat TCP-LISTEN:17000,fork,reuseaddr TCP:10.77.0.13:7000 &
sleep 2

# ---- the consumer: one connection per way, and each of them works ------------------------------------------------------
file app1 /opt/app/keep.py <<'CODE'
import socket, ssl, sys, time
kept = []
for port in (80, 15432, 16380, 19443, 17000):
    s = socket.create_connection(("10.77.0.12", port), 10)
    if port == 16380:
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(s)
    s.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    if not s.recv(100):
        sys.exit(f"no answer through {port}")
    kept.append(s)
open("/run/relays/connected", "w").write("yes")
while True:
    kept[0].sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"); kept[0].recv(4000); time.sleep(1)
CODE
on app1 python3 /opt/app/keep.py &
for try in $(seq 100); do [ -e "$run/connected" ] && break; sleep 0.2; done
[ -e "$run/connected" ]

for name in app1 edge1 prov1; do
    on "$name" groma-agent look --for 3s --offline --out "$out/$name.batch" >"$out/$name.log" 2>&1 || { cat "$out/$name.log" >&2; exit 1; }
done
