needs cupsd lpadmin lp
mkdir -p /etc/cups/ppd /var/log/cups /var/spool/cups/tmp /var/cache/cups /run/cups
cat > /etc/cups/cupsd.conf <<CONF
Listen $server:631
Listen /run/cups/cups.sock
Browsing Off
DefaultAuthType None
AccessLogLevel actions
HostNameLookups Off
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
CONF
printf 'FileDevice Yes\nAccessLog /var/log/cups/access_log\nErrorLog /var/log/cups/error_log\nSystemGroup root lpadmin\n' > /etc/cups/cups-files.conf
cupsd -c /etc/cups/cupsd.conf -s /etc/cups/cups-files.conf </dev/null >>/run/daemons.log 2>&1
await_port 631
lpadmin -h /run/cups/cups.sock -p hall -E -v file:///dev/null -m raw >>/run/daemons.log 2>&1
lpadmin -h /run/cups/cups.sock -p hall -o printer-is-shared=true >>/run/daemons.log 2>&1 || true
for _ in 1 2; do echo hello | from 31 lp -h $server -U anna -d hall - >/dev/null; done
await_lines /var/log/cups/access_log 2 'POST /printers/hall.*Print-Job\|POST /printers/hall.*Send-Document'
