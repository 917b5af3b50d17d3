needs nginx curl openssl
mkdir -p /etc/nginx /var/log/nginx /var/lib/nginx /var/www
echo "svc-api:$(openssl passwd -apr1 one)" > /etc/nginx/accounts
cat > /etc/nginx/nginx.conf <<CONF
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { }
http { access_log /var/log/nginx/access.log; root /var/www;
  server { listen $server:80; location / { return 200 "ok"; } location /api { auth_basic x; auth_basic_user_file accounts; try_files /none =204; } } }
CONF
nginx </dev/null >>/run/daemons.log 2>&1
await_port 80
for _ in 1 2; do from 31 curl -fsS --max-time 120 -u svc-api:one http://$server/api -o /dev/null; done
from 32 curl -fsS --max-time 120 http://$server/ -o /dev/null
from 66 curl -sS --max-time 120 -u svc-api:wrong http://$server/api -o /dev/null
await_lines /var/log/nginx/access.log 4 HTTP
