needs dovecot curl
[ -x /usr/lib/dovecot/imap ] || { echo "Dovecot's IMAP is not installed"; exit 77; }
mkdir -p /etc/dovecot /run/dovecot /var/mail/box; chown 1234:1234 /var/mail/box
cat > /etc/dovecot/dovecot.conf <<CONF
base_dir = /run/dovecot
log_path = /var/log/dovecot.log
protocols = imap
listen = $server
ssl = yes
ssl_cert = </etc/tls/cert.pem
ssl_key = </etc/tls/key.pem
disable_plaintext_auth = no
mail_location = maildir:/var/mail/box/%u
passdb {
  driver = passwd-file
  args = scheme=PLAIN /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=1234 gid=1234 home=/var/mail/box
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = 12345
  }
}
CONF
printf 'anna:{PLAIN}one\nsvc-erp:{PLAIN}two\n' > /etc/dovecot/users
dovecot </dev/null >>/run/daemons.log 2>&1
await_port 143; await_port 993
for _ in 1 2; do from 31 curl -sS --max-time 120 -u anna:one imap://$server/ >/dev/null; done
from 32 curl -sSk --max-time 120 -u anna:one imaps://$server/ >/dev/null
from 66 curl -sS --max-time 120 -u anna:wrong imap://$server/ >/dev/null 2>&1 || true
await_lines /var/log/dovecot.log 3 'Logged out'
await_lines /var/log/dovecot.log 1 'auth failed'
