# A real Postfix whose mail waits: at a slow server, at one that is not there, at one that takes it the second time, at one that
# refuses it. Runs as root in a network, mount and process namespace of its own, with an /etc, /var/log and /var/spool nobody else
# sees. usage: delays.sh
# Prints the log, and behind a line of dashes what postqueue says of the messages that still wait and the files they are.
set -euo pipefail
ip link set lo up
ip addr add 10.20.1.20/16 dev lo
ip addr add 10.20.1.90/16 dev lo
hostname mail1
echo '10.20.1.20 mail1.corp.example mail1' >> /etc/hosts
: > /etc/resolv.conf
mkdir -p /etc/postfix /var/spool/postfix /var/lib/postfix /var/log
cat > /etc/postfix/main.cf <<'CONF'
compatibility_level = 3.6
myhostname = mail1.corp.example
mydestination = $myhostname
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = ipv4
maillog_file = /var/log/mail.log
alias_maps =
alias_database =
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
smtp_destination_recipient_limit = 1
transport_maps = inline:{ slow.example=smtp:[10.20.1.90]:2501, gone.example=smtp:[10.20.1.90]:2502, late.example=smtp:[10.20.1.90]:2503, hard.example=smtp:[10.20.1.90]:2504, quick.example=smtp:[10.20.1.90]:2500 }
CONF
cat > /etc/postfix/master.cf <<'CONF'
pickup    unix  n       -       n       1       1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       2       1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
smtp      unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
CONF
chown postfix /var/lib/postfix; chmod 755 /var/lib/postfix
smtp-sink -u nobody 10.20.1.90:2500 100 >/dev/null 2>&1 &
smtp-sink -u nobody -w 4 10.20.1.90:2501 100 >/dev/null 2>&1 &
smtp-sink -u nobody -f RCPT 10.20.1.90:2504 100 >/dev/null 2>&1 &
postfix -c /etc/postfix start >/dev/null 2>&1
mail() { printf 'Subject: x\n\nx\n' | sendmail -f app@corp.example "$1"; }
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do mail "k$n@quick.example"; done
for n in 1 2 3 4; do mail "s$n@slow.example"; done
mail l1@late.example; mail l2@late.example
mail h1@hard.example
mail g1@gone.example
sleep 7
smtp-sink -u nobody 10.20.1.90:2503 100 >/dev/null 2>&1 &
sleep 9
postconf -e enable_long_queue_ids=yes; postfix reload >/dev/null 2>&1
mail g2@gone.example
sleep 3
cat /var/log/mail.log
echo ------
postqueue -j | tr -d '\n' | sed 's/}{/}\n{/g; s/$/\n/'
cd /var/spool/postfix && find maildrop incoming active deferred hold -type f -printf '%p %TY-%Tm-%Td %TH:%TM\n'
postfix -c /etc/postfix stop >/dev/null 2>&1 || true
