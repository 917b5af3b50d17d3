# A real Postfix with accounts and TLS, and clients of all kinds that really use it. Runs as root in a network, mount and
# process namespace of its own, with an /etc, /var/log and /var/spool nobody else sees. usage: postfix.sh
# The log of the month before lies beside the present one afterwards: /var/log/mail.log.1, and .2.gz before it.
set -euo pipefail
ip link set lo up
for last in 20 21 31 40 50 60 66 70 71 90 201 202; do ip addr add "10.20.1.$last/16" dev lo; done
ip addr add 10.30.1.77/24 dev lo
echo mail1 > /etc/hostname; hostname mail1
cat > /etc/hosts <<'HOSTS'
127.0.0.1 localhost
10.20.1.20 mail1.corp.example mail1
10.20.1.31 erp.corp.example
10.20.1.201 kopierer-eg.corp.example
HOSTS
: > /etc/resolv.conf
mkdir -p /etc/postfix /var/spool/postfix /var/lib/postfix /var/log /etc/tls /run/sasl
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mail1.corp.example -keyout /etc/tls/key.pem -out /etc/tls/cert.pem 2>/dev/null
cat > /etc/postfix/main.cf <<'CONF'
# The networks of both floors; the copiers have no account.
compatibility_level = 3.6
myhostname = mail1.corp.example
mydomain = corp.example
mydestination = $myhostname, localhost.$mydomain,
    localhost
virtual_mailbox_domains = corp.example, hash:/etc/postfix/more_domains
virtual_mailbox_maps = hash:/etc/postfix/mailboxes
virtual_mailbox_base = /var/mail/virtual
virtual_uid_maps = static:1234
virtual_gid_maps = static:1234
relay_domains = branch.example
mynetworks = 127.0.0.0/8 [::1]/128
    10.20.1.200/29
    10.20.1.66/32, 10.20.1.50, 10.20.1.70, 10.20.1.71, 10.20.1.21
transport_maps = hash:/etc/postfix/transport
inet_interfaces = all
inet_protocols = ipv4
smtpd_tls_cert_file = /etc/tls/cert.pem
smtpd_tls_key_file = /etc/tls/key.pem
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_protocols = >=TLSv1
smtpd_tls_ciphers = low
tls_low_cipherlist = ALL:@SECLEVEL=0
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:12345
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
message_size_limit = 20000
maillog_file = /var/log/mail.log
alias_maps =
alias_database =
CONF
printf 'second.example OK\n' > /etc/postfix/more_domains
printf 'anna@corp.example a/\nbob@corp.example b/\n' > /etc/postfix/mailboxes
printf 'partner.example smtp:[10.20.1.90]:2500\nother.example smtp:[10.20.1.90]:2500\nbranch.example smtp:[10.20.1.90]:2500\n' > /etc/postfix/transport
cat > /etc/postfix/master.cf <<'CONF'
smtp      inet  n       -       n       -       -       smtpd
submission inet n       -       n       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
smtps     inet  n       -       n       -       -       smtpd
  -o syslog_name=postfix/smtps
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
CONF
for map in more_domains mailboxes transport; do postmap "hash:/etc/postfix/$map"; done
mkdir -p /var/mail/virtual && chown -R 1234:1234 /var/mail/virtual; chown postfix /var/lib/postfix; chmod 755 /var/lib/postfix
mkdir -p /etc/dovecot-test /run/dovecot-test
cat > /etc/dovecot-test/dovecot.conf <<'CONF'
base_dir = /run/dovecot-test
log_path = /run/dovecot-test/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = scheme=PLAIN /etc/dovecot-test/users
}
userdb {
  driver = static
  args = uid=8 gid=8 home=/tmp
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = 12345
  }
}
CONF
printf 'svc-erp:{PLAIN}one\nsvc-old:{PLAIN}two\n' > /etc/dovecot-test/users
dovecot -c /etc/dovecot-test/dovecot.conf
smtp-sink -u nobody 10.20.1.90:2500 100 >/dev/null 2>&1 &
postfix -c /etc/postfix start >/dev/null 2>&1
for try in $(seq 100); do (exec 3<>/dev/tcp/10.20.1.20/25) 2>/dev/null && break; sleep 0.1; done

send() { # FROM-ADDRESS HELO SENDER RECIPIENT [swaks words]
    local address=$1 helo=$2 sender=$3 recipient=$4; shift 4
    swaks --silent 3 --timeout 10 --server 10.20.1.20 --local-interface "$address" --helo "$helo" --from "$sender" --to "$recipient" "$@" || true
}
drained() { for try in $(seq 150); do [ -z "$(find /var/spool/postfix/incoming /var/spool/postfix/active /var/spool/postfix/maildrop -type f 2>/dev/null)" ] && break; sleep 0.1; done; sleep 0.3; }
rotate() { # to: what the log is called from now on; its lines begin in another month
    drained; sleep 0.3
    sed -E "s/^[A-Z][a-z]{2} [ 0-9][0-9] /$2 /" /var/log/mail.log > "$1"
    touch -d "$3" "$1"
    : > /var/log/mail.log
}
month_ago=$(LC_ALL=C date -d '33 days ago' '+%b %e'); weeks_ago=$(LC_ALL=C date -d '12 days ago' '+%b %e')

# Once a month: whom nobody would see in a week of watching.
send 10.20.1.202 ups-keller usv@corp.example bob@corp.example
rotate /var/log/mail.log.2 "$month_ago" '33 days ago'
gzip /var/log/mail.log.2; touch -d '33 days ago' /var/log/mail.log.2.gz
send 10.20.1.31 erp.corp.example rechnung@corp.example bob@partner.example --port 587 --tls --auth PLAIN --auth-user svc-erp --auth-password one
rotate /var/log/mail.log.1 "$weeks_ago" '12 days ago'

for n in 1 2 3; do send 10.20.1.201 RNP583879 kopierer-eg@corp.example anna@corp.example; done
send 10.20.1.201 RNP583879 kopierer-eg@corp.example kunde@partner.example,anna@corp.example
for n in 1 2; do send 10.20.1.31 erp.corp.example rechnung@corp.example bob@partner.example --port 587 --tls --auth PLAIN --auth-user svc-erp --auth-password one; done
send 10.20.1.31 erp.corp.example rechnung@corp.example kunde@other.example --port 465 --tlsc --auth PLAIN --auth-user svc-erp --auth-password one
send 10.20.1.40 oldapp report@second.example bob@corp.example --port 587 --auth LOGIN --auth-user svc-old --auth-password two
printf 'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n' > /run/old-tls.cnf
OPENSSL_CONF=/run/old-tls.cnf send 10.20.1.50 nas-alt nas@corp.example anna@corp.example --tls --tls-protocol tlsv1
send 10.20.1.21 oldmail.corp.example www-data@app1.corp.example zweig@branch.example
# Those who are refused today.
send 10.30.1.77 ups1 ups@corp.example somebody@partner.example
send 10.20.1.60 fax-og fax@corp.example bob@partner.example --port 587 --auth LOGIN --auth-user svc-fax --auth-password wrong
send 10.20.1.71 app71 cron@corp.example nobody@corp.example
send 10.20.1.71 app71 cron@corp.example anna@corp.example --body "$(head -c 30000 /dev/zero | tr '\0' x)"
echo | timeout 5 openssl s_client -connect 10.20.1.20:465 -bind 10.20.1.70 -tls1_1 -cipher 'NULL:@SECLEVEL=0' >/dev/null 2>&1 || true
# Those who write what looks like a line of the log.
send 10.20.1.66 'x[10.20.1.9]:' '"a>, size=9, nrcpt=1 (queue active) from=<b@evil.example"@forged.example' anna@corp.example
send 10.20.1.66 'C0FFEE: client=pc[10.20.1.9]' '"NOQUEUE: reject: RCPT from pc[10.20.1.9]"@forged.example' anna@corp.example
send 10.20.1.66 'pc helo=<pc[10.20.1.9]>' forger@forged.example 'nobody>, relay=pc[10.20.1.9]:25, status=sent@corp.example'
send 10.20.1.66 'x' forger@forged.example '"c@d>: Relay access denied; from=<e@evil.example> to=<f> proto=SMTP helo=<pc>"@corp.example'
drained
postfix -c /etc/postfix stop >/dev/null 2>&1 || true
doveadm -c /etc/dovecot-test/dovecot.conf stop || true
