# Accounts are those of dovecot.sh.
needs postfix swaks postmap ss
ss -Hltn 'sport = :12345' | grep -q . || { echo "nobody proves accounts to Postfix: dovecot.sh was skipped"; exit 77; }
mkdir -p /etc/postfix /var/spool/postfix /var/lib/postfix
cat > /etc/postfix/main.cf <<CONF
compatibility_level = 3.6
myhostname = srv1.corp.example
mydestination = srv1.corp.example
virtual_mailbox_domains = corp.example
virtual_mailbox_maps = hash:/etc/postfix/mailboxes
virtual_mailbox_base = /var/mail/virtual
virtual_uid_maps = static:1234
virtual_gid_maps = static:1234
mynetworks = 127.0.0.0/8 10.20.1.31/32
inet_interfaces = $server
inet_protocols = ipv4
smtpd_tls_cert_file = /etc/tls/cert.pem
smtpd_tls_key_file = /etc/tls/key.pem
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:12345
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
transport_maps = inline:{ partner.example=discard: }
maillog_file = /var/log/mail.log
alias_maps =
alias_database =
CONF
sed 's/^\([a-z]*  *[a-z]*  *[-yn]  *[-yn]  *\)y/\1n/' /usr/share/postfix/master.cf.dist > /etc/postfix/master.cf
printf 'submission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n  -o smtpd_sasl_auth_enable=yes\n' >> /etc/postfix/master.cf
grep -q '^postlog' /etc/postfix/master.cf || echo 'postlog unix-dgram n - n - 1 postlogd' >> /etc/postfix/master.cf
printf 'anna@corp.example a/\n' > /etc/postfix/mailboxes; postmap hash:/etc/postfix/mailboxes
mkdir -p /var/mail/virtual; chown 1234:1234 /var/mail/virtual; chown postfix /var/lib/postfix
postfix start </dev/null >>/run/daemons.log 2>&1
await_port 25; await_port 587
send() { local client=$1; shift; from "$client" swaks --silent 3 --timeout 120 --server $server "$@"; }
for _ in 1 2; do send 31 --helo RNP583879 --from scan@corp.example --to anna@corp.example; done
send 31 --helo RNP583879 --from scan@corp.example --to kunde@partner.example
send 32 --port 587 --tls --helo erp --auth PLAIN --auth-user svc-erp --auth-password two --from erp@corp.example --to kunde@partner.example
send 66 --helo pc66 --from pc@evil.example --to kunde@partner.example || true
await_lines /var/log/mail.log 4 'status=sent'
await_lines /var/log/mail.log 4 ': removed'
await_lines /var/log/mail.log 1 'Relay access denied'
