needs smbd smbclient smbpasswd
ls /usr/lib/*/samba/vfs/full_audit.so >/dev/null 2>&1 || { echo "Samba's full_audit is not installed"; exit 77; }
mkdir -p /etc/samba /var/lib/samba/private /var/cache/samba /run/samba /var/log/samba /srv/docs; chmod 777 /srv/docs
cat > /etc/samba/smb.conf <<CONF
[global]
  workgroup = CORP
  server role = standalone server
  interfaces = $server
  bind interfaces only = yes
  disable netbios = yes
  load printers = no
  printing = bsd
[docs]
  path = /srv/docs
  vfs objects = full_audit
  full_audit:prefix = %u|%I|%S
  full_audit:success = connect
  full_audit:failure = connect
  full_audit:facility = local5
  full_audit:priority = NOTICE
CONF
printf 'one\none\n' | smbpasswd -s -a anna >>/run/daemons.log 2>&1
smbd -D </dev/null >>/run/daemons.log 2>&1
await_port 445
for _ in 1 2; do from 31 smbclient "//$server/docs" -U anna%one -c ls >>/run/daemons.log; done
from 66 smbclient "//$server/docs" -U anna%wrong -c ls >/dev/null 2>&1 || true
await_lines /var/log/syslog 2 'smbd_audit.*connect|ok'
