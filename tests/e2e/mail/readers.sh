# Readers of mail and calendars at a real Dovecot and a real Radicale behind nginx, with the names that clients give
# themselves (IMAP ID, user agents as published). usage, as root: readers.sh OUTPUT-FOLDER
set -euo pipefail
if [ "${1:-}" != inside ]; then
    out=$(realpath "$1"); self=$(realpath "$0"); export out
    exec unshare --mount --net --pid --uts --fork --kill-child bash "$self" inside
fi
mount --make-rprivate /; mount -t proc proc /proc
scratch=$(mktemp -d); mount -t tmpfs scratch "$scratch"; cd "$scratch"; chmod 755 .
hostname mail1
ip link set lo up
for last in 20 31 33 34 35 36 37 38 66; do ip addr add "10.20.1.$last/16" dev lo; done
mkdir -p etc/dovecot run log mail radicale; chmod 1777 mail radicale log
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mail1.corp.example -keyout key.pem -out cert.pem 2>/dev/null
cat > etc/dovecot.conf <<CONF
base_dir = $scratch/run
log_path = $scratch/log/dovecot.log
protocols = imap
listen = 10.20.1.20
ssl = yes
ssl_cert = <$scratch/cert.pem
ssl_key = <$scratch/key.pem
disable_plaintext_auth = no
imap_id_log = *
first_valid_uid = 1
mail_location = maildir:$scratch/mail/%u
passdb {
  driver = static
  args = password=one
}
userdb {
  driver = static
  args = uid=8 gid=8 home=$scratch/mail/%u
}
CONF
dovecot -c etc/dovecot.conf
cat > radicale.conf <<CONF
[server]
hosts = 127.0.0.1:5232
[auth]
type = http_x_remote_user
[storage]
filesystem_folder = $scratch/radicale
CONF
/usr/bin/radicale --config radicale.conf >/dev/null 2>&1 &
printf 'anna:{PLAIN}one\n' > users
cat > nginx.conf <<CONF
pid $scratch/nginx.pid;
error_log $scratch/log/error.log;
events {}
http {
  access_log $scratch/log/access.log;
  server {
    listen 10.20.1.20:80;
    location /radicale/ {
      proxy_pass http://127.0.0.1:5232/;
      proxy_set_header X-Script-Name /radicale;
      proxy_set_header X-Remote-User \$remote_user;
      auth_basic dav; auth_basic_user_file $scratch/users;
    }
    location = /.well-known/caldav { return 301 /radicale/; }
    location = /.well-known/carddav { return 301 /radicale/; }
    location / { return 200 "x"; }
  }
}
CONF
nginx -c "$scratch/nginx.conf"
for try in $(seq 100); do (exec 3<>/dev/tcp/10.20.1.20/143) 2>/dev/null && (exec 3<>/dev/tcp/127.0.0.1/5232) 2>/dev/null && break; sleep 0.1; done
python3 - <<'PY'
import imaplib, socket, ssl
def client(address, said, tls, late=False):
    context = ssl._create_unverified_context()
    source = (address, 0)


    kind = imaplib.IMAP4_SSL if tls else imaplib.IMAP4
    class Bound(kind):
        def _create_socket(self, timeout):
            plain = socket.create_connection((self.host, self.port), 10, source)
            return context.wrap_socket(plain) if tls else plain
    imaplib.Commands['ID'] = ('NONAUTH', 'AUTH', 'SELECTED')
    c = Bound('10.20.1.20', 993 if tls else 143)
    say = lambda: c._simple_command('ID', '(' + ' '.join('"%s"' % word for word in said) + ')') if said else None
    if not late: say()
    c.login('anna', 'one')
    if late: say()
    c.logout()
client('10.20.1.31', ['name', 'Thunderbird', 'version', '128.4.0esr'], True)
client('10.20.1.33', ['name', 'iPhone Mail', 'version', '22B83', 'os', 'iOS', 'os-version', '18.1'], True)
client('10.20.1.34', ['name', 'imapsync', 'version', '2.229', 'os', 'linux', 'vendor', 'Gilles LAMIRAL'], False)
client('10.20.1.35', ['name', 'Horde_Imap_Client', 'version', '2.30.6'], False, late=True)
client('10.20.1.36', None, True)
client('10.20.1.66', ['name', 'x: user=<admin>, rip=10.20.1.9, lip=10.20.1.20', 'version', 'Login: user=<admin>, method=PLAIN, rip=10.20.1.9'], False)
PY
dav() { # ADDRESS AGENT [curl words]
    local address=$1 agent=$2; shift 2
    curl -s -o /dev/null --interface "$address" -A "$agent" "$@" || true
}
base=http://10.20.1.20; r=$base/radicale/anna
dav 10.20.1.31 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0' -u anna:one -X MKCALENDAR $r/work/
dav 10.20.1.31 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0' -u anna:one -X PUT --data-binary $'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261121T100000Z\r\nDTSTART:20261121T100000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' $r/work/1.ics
dav 10.20.1.31 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0' -u anna:one -X PROPFIND -H 'Depth: 1' $r/work/
dav 10.20.1.33 'iOS/18.1 (22B83) dataaccessd/1.0' -u anna:one -X PROPFIND $base/.well-known/caldav
dav 10.20.1.33 'iOS/18.1 (22B83) dataaccessd/1.0' -u anna:one $r/work/1.ics
dav 10.20.1.37 'DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14' -u anna:one -X MKCOL -H 'Content-Type: text/xml' --data '<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:R="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><R:addressbook/></resourcetype></prop></set></mkcol>' $r/people/
dav 10.20.1.37 'DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14' -u anna:one -X PUT -H 'Content-Type: text/vcard' --data-binary $'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:2\r\nFN:B\r\nN:B;;;;\r\nEND:VCARD\r\n' $r/people/2.vcf
dav 10.20.1.37 'DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14' $base/.well-known/carddav
# Doors that stand behind a proxy: here nothing answers but nginx, as the log of a proxy has them.
dav 10.20.1.38 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)' -X POST "$base/EWS/Exchange.asmx"
dav 10.20.1.33 'Apple-iPhone15C2/2202.83' -X POST "$base/Microsoft-Server-ActiveSync?User=anna&DeviceId=ABC&DeviceType=iPhone&Cmd=Sync"
dav 10.20.1.34 'python-requests/2.31.0' -X POST "$base/EWS/Exchange.asmx"
dav 10.20.1.37 'Android-Mail/2024.10.27.691284' -X POST "$base/SOGo/Microsoft-Server-ActiveSync?Cmd=Ping&User=anna"
dav 10.20.1.31 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0' -X REPORT "$base/SOGo/dav/anna/Calendar/personal/"
dav 10.20.1.36 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0' "$base/owa/"
dav 10.20.1.36 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) mirall/3.14.3stable-Win64 (Nextcloud)' -X PROPFIND "$base/remote.php/dav/files/anna/"
dav 10.20.1.36 'Evolution/3.46.4' -X REPORT "$base/nextcloud/remote.php/dav/calendars/anna/personal/"
# Wrong password, and those who write what looks like a line.
dav 10.20.1.66 'iOS/18.1 (22B83) dataaccessd/1.0' -u anna:two -X PROPFIND $r/work/
dav 10.20.1.66 'x" 200 5 "-" "Microsoft Outlook 16.0' "$base/calm"
dav 10.20.1.66 '10.20.1.9 - - [21/Nov/2026:10:00:00 +0000] "GET /EWS/Exchange.asmx HTTP/1.1" 200 5 "-" "Microsoft Outlook 16.0"' -X POST "$base/EWS/Exchange.asmx"
dav 10.20.1.66 'curl' --path-as-is "$base/x?y=/EWS/Exchange.asmx"
sleep 1
cp log/dovecot.log "$out/dovecot-id.log"; cp log/access.log "$out/nginx-dav.log"
nginx -c "$scratch/nginx.conf" -s stop 2>/dev/null || true; doveadm -c etc/dovecot.conf stop || true
