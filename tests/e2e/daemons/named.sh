needs named dig
mkdir -p /etc/bind /run/named /var/log/named
cat > /etc/bind/named.conf <<CONF
options { directory "/run/named"; listen-on { $server; }; listen-on-v6 { none; }; recursion no; pid-file none; session-keyfile "/run/named/key"; dnssec-validation no; empty-zones-enable no; querylog yes; };
controls { };
logging { channel asked { file "/var/log/named/query.log" versions 3 size 5m; print-time yes; print-category yes; print-severity yes; }; category queries { asked; }; };
zone corp.example { type master; file "/etc/bind/corp"; };
CONF
printf '$TTL 3600\n@ IN SOA ns root 1 3600 600 86400 300\n IN NS ns\nns IN A %s\napp1 IN A 10.20.1.31\n' $server > /etc/bind/corp
behind named -f -n 1 -c /etc/bind/named.conf
await_port 53
for _ in 1 2; do from 31 dig +tries=1 +time=120 +noall @$server app1.corp.example; done
from 32 dig +tries=1 +time=120 +tcp +noall @$server ns.corp.example
await_lines /var/log/named/query.log 3 'corp.example'
