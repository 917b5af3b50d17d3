# A real Sendmail with accounts, TLS, an access table and a milter, and clients of all kinds that really use it. Postfix and
# Sendmail cannot be installed together, so its packages are unpacked into a layer over this machine's root that nobody else
# sees. usage, as root: sendmail.sh FOLDER-WITH-DEBS OUTPUT-FOLDER
#   (apt-get download sendmail-bin sendmail-base sendmail-cf sensible-mda libmilter1.0.1 sasl2-bin m4 procmail)
set -euo pipefail
if [ "${1:-}" != inside ]; then
    debs=$(realpath "$1") out=$(realpath "$2") self=$(realpath "$0")
    export debs out self
    exec unshare --mount --net --pid --uts --fork --kill-child bash -euc '
        mount --make-rprivate /
        layer=$(mktemp -d); mount -t tmpfs layer "$layer"; mkdir "$layer"/{upper,work,root}
        for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$layer/upper"; done
        mkdir -p "$layer/upper/var/log" "$layer/upper/run"; cp "$self" "$layer/upper/sendmail.sh"
        mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/root"
        mount --rbind /dev "$layer/root/dev"; mount -t proc proc "$layer/root/proc"; mount -t tmpfs tmp "$layer/root/tmp"
        chroot "$layer/root" bash /sendmail.sh inside || true
        cp -r "$layer/root/recorded/." "$out"'
fi
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
ip link set lo up
# A Sendmail lets everybody through who has an address of its own machine: the clients are in a network namespace of theirs.
unshare --net sleep 1000 & clients=$!; sleep 0.3
there() { nsenter --target "$clients" --net -- "$@"; }
ip link add server type veth peer name clients netns "$clients"
ip addr add 10.20.1.20/16 dev server; ip link set server up; ip route add 10.30.0.0/16 dev server
there ip link set lo up; there ip link set clients up
for last in 21 31 40 50 60 66 70 71 90 201 202; do there ip addr add "10.20.1.$last/16" dev clients; done
there ip addr add 10.30.1.77/16 dev clients; there ip addr add 10.30.1.78/16 dev clients
hostname mail1; echo mail1 > /etc/hostname
cat > /etc/hosts <<'HOSTS'
127.0.0.1 localhost
10.20.1.20 mail1.corp.example mail1
10.20.1.31 erp.corp.example
10.20.1.201 kopierer-eg.corp.example
10.30.1.78 kamera.corp.example
HOSTS
: > /etc/resolv.conf
groupadd -f smmta; groupadd -f smmsp
id smmta >/dev/null 2>&1 || useradd -r -g smmta -d /var/lib/sendmail -s /bin/false smmta
id smmsp >/dev/null 2>&1 || useradd -r -g smmsp -d /var/lib/sendmail -s /bin/false smmsp
for user in anna bob; do id $user >/dev/null 2>&1 || useradd -m $user; done
mkdir -p /etc/mail/tls /etc/mail/smrsh /var/lib/sendmail /var/spool/mqueue /var/spool/mqueue-client /run/sendmail/mta /var/mail /recorded /etc/sasl2
chown smmta:smmsp /run/sendmail/mta; chmod 700 /var/spool/mqueue; ln -sf /usr/bin/procmail /etc/mail/smrsh/procmail; touch /etc/mail/statistics /var/lib/sendmail/sendmail.st
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mail1.corp.example -keyout /etc/mail/tls/key.pem -out /etc/mail/tls/cert.pem 2>/dev/null
chmod 600 /etc/mail/tls/key.pem
printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n' | tee /etc/sasl2/Sendmail.conf > /usr/lib/x86_64-linux-gnu/sasl2/Sendmail.conf
rm -f /etc/sasldb2
printf one | saslpasswd2 -p -c -u mail1.corp.example svc-erp
printf two | saslpasswd2 -p -c -u mail1.corp.example svc-old
chmod 640 /etc/sasldb2
cat > /etc/mail/sendmail.mc <<'MC'
divert(0)dnl
VERSIONID(`corp mail1')
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
define(`confDOMAIN_NAME', `mail1.corp.example')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp')dnl
DAEMON_OPTIONS(`Family=inet, Name=MSP-v4, Port=submission, M=Ea')dnl
DAEMON_OPTIONS(`Family=inet, Name=SSL-v4, Port=smtps, M=sa')dnl
FEATURE(`use_cw_file')dnl
FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access')dnl
FEATURE(`blocklist_recipients')dnl
FEATURE(`mailertable')dnl
FEATURE(`virtusertable')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`nocanonify')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
define(`confAUTH_OPTIONS', `A')dnl
define(`confCACERT', `/etc/mail/tls/cert.pem')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
define(`confSERVER_CERT', `/etc/mail/tls/cert.pem')dnl
define(`confSERVER_KEY', `/etc/mail/tls/key.pem')dnl
define(`confCLIENT_CERT', `/etc/mail/tls/cert.pem')dnl
define(`confCLIENT_KEY', `/etc/mail/tls/key.pem')dnl
define(`confMAX_MESSAGE_SIZE', `20000')dnl
define(`confTO_IDENT', `0')dnl
define(`confSERVER_SSL_OPTIONS', `')dnl
define(`confCIPHER_LIST', `ALL:@SECLEVEL=0')dnl
INPUT_MAIL_FILTER(`look', `S=inet:8899@127.0.0.1, F=, T=S:30s;R:30s')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h 2500')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
MC
cat > /etc/mail/access <<'ACCESS'
# Who may send through this server: the ground floor, the NAS and the old server.
Connect:10.20.1.201	RELAY
Connect:10.20.1.202	RELAY
Connect:10.20.1.50	RELAY
10.20.1.66		RELAY
Connect:10.20.1.70	RELAY
Connect:10.20.1.71	RELAY
Connect:10.20.1.21	RELAY
To:branch.example	RELAY
From:spam@corp.example	ERROR:5.7.1:550 not here
Connect:192.168.99	REJECT
ACCESS
printf 'corp.example\nsecond.example\n' > /etc/mail/local-host-names
printf '10.40\n' > /etc/mail/relay-domains
printf 'partner.example\tesmtp:[10.20.1.90]\nother.example\tesmtp:[10.20.1.90]\nbranch.example\tesmtp:[10.20.1.90]\n' > /etc/mail/mailertable
printf 'sales@second.example\tbob\n@third.example\tanna\n' > /etc/mail/virtusertable
printf 'root: anna\nvertrieb: anna, bob\nticket: "|/usr/bin/true"\nextern: kunde@partner.example\nwerbung: bob\n' > /etc/mail/aliases
(cd /usr/share/sendmail/cf/cf && m4 -D_CF_DIR_=/usr/share/sendmail/cf/ ../m4/cf.m4 /etc/mail/sendmail.mc) > /etc/mail/sendmail.cf
for map in access mailertable virtusertable; do makemap hash /etc/mail/$map < /etc/mail/$map; done
cp /usr/libexec/sendmail/sendmail /usr/sbin/sendmail-mta 2>/dev/null || cp /usr/lib/sm.bin/sendmail /usr/sbin/sendmail-mta
/usr/sbin/sendmail-mta -C /etc/mail/sendmail.cf -bi >/dev/null 2>&1 || true
# A milter that turns away what is for nobody@, spoken by hand (libmilter's protocol, version 6).
cat > /tmp/milter.py <<'PY'
import socket, struct, threading
def serve(c):
    def take(n):
        out = b''
        while len(out) < n:
            more = c.recv(n - len(out))
            if not more: raise EOFError
            out += more
        return out
    say = lambda code, body=b'': c.sendall(struct.pack('>I', 1 + len(body)) + code + body)
    try:
        while True:
            size, = struct.unpack('>I', take(4)); body = take(size); code, body = body[:1], body[1:]
            if code == b'O': say(b'O', struct.pack('>III', 6, 0, 0))
            elif code == b'R' and b'werbung@' in body: say(b'y', b'550 5.7.1 no advertising here\0')
            elif code in b'DA': pass
            elif code == b'Q': return
            elif code == b'E': say(b'a')
            else: say(b'c')
    except (EOFError, OSError): pass
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', 8899)); s.listen(50)
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
PY
python3 /tmp/milter.py & 
cat > /tmp/rsyslog.conf <<'CONF'
module(load="imuxsock" SysSock.Name="/tmp/log")
mail.* action(type="omfile" file="/var/log/mail.log" template="RSYSLOG_TraditionalFileFormat")
CONF
: > /var/log/mail.log
# The log socket of this very root only.
mount --bind /tmp /mnt; rm -f /dev/null.never; touch /tmp/log.begin
mkdir -p /tmp/dev; mount -t tmpfs dev /tmp/dev
mknod -m 666 /tmp/dev/null c 1 3; mknod -m 666 /tmp/dev/zero c 1 5; mknod -m 666 /tmp/dev/random c 1 8; mknod -m 666 /tmp/dev/urandom c 1 9; mknod -m 666 /tmp/dev/tty c 5 0
mkdir /tmp/dev/shm; ln -s /proc/self/fd /tmp/dev/fd; mount --move /tmp/dev /dev
sed -i 's,/tmp/log,/dev/log,' /tmp/rsyslog.conf
rsyslogd -n -f /tmp/rsyslog.conf -i /tmp/rsyslog.pid &
for try in $(seq 50); do [ -S /dev/log ] && break; sleep 0.1; done
there smtp-sink -u nobody 10.20.1.90:2500 100 >/dev/null 2>&1 &
chown root:smmsp /etc/mail; chmod 755 /etc/mail /
/usr/sbin/sendmail-mta -C /etc/mail/sendmail.cf -L sm-mta -bd -q1m ${SM:-}
for try in $(seq 100); do (exec 3<>/dev/tcp/10.20.1.20/25) 2>/dev/null && break; sleep 0.1; done

send() { # FROM-ADDRESS HELO SENDER RECIPIENT [swaks words]
    local address=$1 helo=$2 sender=$3 recipient=$4; shift 4
    there swaks --silent 3 --timeout 10 --server 10.20.1.20 --local-interface "$address" --helo "$helo" --from "$sender" --to "$recipient" "$@" || true
}
drained() { for try in $(seq 100); do [ -z "$(find /var/spool/mqueue -name 'qf*')" ] && break; sleep 0.1; done; sleep 1; }

send 10.20.1.202 ups-keller usv@corp.example bob@corp.example
for n in 1 2 3; do send 10.20.1.201 RNP583879 kopierer-eg@corp.example anna@corp.example; done
send 10.20.1.201 RNP583879 kopierer-eg@corp.example kunde@partner.example,anna@corp.example
for n in 1 2; do send 10.20.1.31 erp.corp.example rechnung@corp.example bob@partner.example --port 587 --tls --auth PLAIN --auth-user svc-erp@mail1.corp.example --auth-password one; done
send 10.20.1.31 erp.corp.example rechnung@corp.example kunde@other.example --port 465 --tlsc --auth PLAIN --auth-user svc-erp@mail1.corp.example --auth-password one
send 10.20.1.40 oldapp report@second.example bob@corp.example --port 587 --auth LOGIN --auth-user svc-old@mail1.corp.example --auth-password two
printf 'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n' > /run/old-tls.cnf
OPENSSL_CONF=/run/old-tls.cnf send 10.20.1.50 nas-alt nas@corp.example anna@corp.example --tls --tls-protocol tlsv1
send 10.20.1.21 oldmail.corp.example www-data@app1.corp.example zweig@branch.example
send 10.20.1.21 oldmail.corp.example www-data@app1.corp.example vertrieb@corp.example
send 10.20.1.21 oldmail.corp.example www-data@app1.corp.example ticket@corp.example,extern@corp.example,sales@second.example
# One session, two messages.
there python3 - <<'PY'
import smtplib
s = smtplib.SMTP('10.20.1.20', 25, local_hostname='app71', source_address=('10.20.1.71', 0)); s.ehlo()
for n in (1, 2): s.sendmail('cron@corp.example', ['anna@corp.example', 'bob@partner.example'], 'Subject: x\r\n\r\nhello\r\n')
s.quit()
PY
# Those who are refused today.
send 10.30.1.77 ups1 ups@corp.example somebody@partner.example
send 10.30.1.78 kamera kamera@corp.example somebody@partner.example
send 10.20.1.60 fax-og fax@corp.example bob@partner.example --port 587 --auth LOGIN --auth-user svc-fax@mail1.corp.example --auth-password wrong
send 10.20.1.60 fax-og fax@corp.example bob@partner.example --port 587
send 10.20.1.71 app71 cron@corp.example nobody-here@corp.example
send 10.20.1.71 app71 cron@corp.example werbung@corp.example
send 10.20.1.71 app71 spam@corp.example anna@corp.example
send 10.20.1.71 app71 cron@corp.example anna@corp.example --body "$(head -c 30000 /dev/zero | tr '\0' x)"
echo | there timeout 5 openssl s_client -connect 10.20.1.20:465 -bind 10.20.1.70 -tls1_1 -cipher 'NULL:@SECLEVEL=0' >/dev/null 2>&1 || true
# Those who write what looks like a line of the log.
there python3 - <<'PY'
import socket, base64
def say(*lines, port=25):
    s = socket.create_connection(('10.20.1.20', port), 10, ('10.20.1.66', 0)); f = s.makefile('rb')
    def answer():
        while (line := f.readline()) and line[3:4] == b'-': pass
    answer()
    for line in lines: s.sendall(line.encode('latin-1') + b'\r\n'); answer()
    s.close()
mail = ('DATA', 'Subject: x\r\n\r\nhello\r\n.', 'QUIT')
say('EHLO x [10.20.1.9]', 'HELO pc, relay=pc [10.20.1.9]', 'EHLO pc', 'MAIL FROM:<"a>, size=9, class=0, nrcpts=1, msgid=<b>, proto=ESMTP, daemon=MTA-v4, relay=pc [10.20.1.9]"@forged.example>', 'RCPT TO:<anna@corp.example>', *mail)
say('EHLO pc', 'MAIL FROM:<forger@forged.example>', 'RCPT TO:<anna@corp.example>', 'DATA', 'Message-Id: <x>, proto=ESMTPA, daemon=MTA-v4, relay=pc.corp.example [10.20.1.9]\r\nSubject: x\r\n\r\nhello\r\n.', 'QUIT')
say('EHLO pc', 'MAIL FROM:<forger@forged.example>', 'RCPT TO:<"c>, relay=pc [10.20.1.9], reject=550 5.7.1 <d"@corp.example>', 'RCPT TO:<"x@y, relay=pc [10.20.1.9], dsn=2.0.0, stat=Sent"@partner.example>', *mail)
say('EHLO pc', 'MAIL FROM:<"AUTH=server, relay=pc [10.20.1.9], authid=admin, mech=PLAIN, bits=0"@forged.example>', 'RCPT TO:<bob@partner.example>', *mail)
say('EHLO pc', 'AUTH LOGIN', base64.b64encode(b'a, relay=pc [10.20.1.9], authid=admin, mech=PLAIN, bits=0').decode(), base64.b64encode(b'no').decode(), 'QUIT', port=587)
say('EHLO pc', 'MAIL FROM:<spam@corp.example>', 'MAIL FROM:<a@b, relay=pc [10.20.1.9], reject=550 no>', 'VRFY a, relay=pc [10.20.1.9]', 'EXPN pc [10.20.1.9]', 'QUIT')
PY
printf 'EHLO x\r\nSTARTTLS x, relay=pc [10.20.1.9]\r\nVRFY a, relay=pc [10.20.1.9]\r\nQUIT\r\n' | there timeout 5 nc -s 10.20.1.66 10.20.1.20 25 >/dev/null 2>&1 || true
drained
cp /var/log/mail.log /recorded/sendmail.log
for file in sendmail.mc access relay-domains local-host-names mailertable virtusertable aliases; do cp /etc/mail/$file /recorded/$file; done
cp /etc/mail/sendmail.cf /recorded/sendmail.cf
