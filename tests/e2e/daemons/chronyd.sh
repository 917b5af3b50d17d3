needs chronyd
mkdir -p /etc/chrony /run/chrony /var/lib/chrony
chmod 750 /run/chrony
printf 'allow 10.20.0.0/16\nlocal stratum 3\nbindaddress %s\ncmdport 0\nuser root\ndriftfile /var/lib/chrony/drift\n' $server > /etc/chrony/chrony.conf
behind chronyd -x -d -f /etc/chrony/chrony.conf
for _ in $(seq 1200); do ss -Hlun 'sport = :123' | grep -q . && break; sleep 0.1; done
for client in 31 32; do
    from $client chronyd -x -Q -t 120 "server $server iburst maxsamples 1" 'user root' 'cmdport 0' 'bindcmdaddress /' "pidfile /run/chrony-$client" >>/run/daemons.log 2>&1
done
