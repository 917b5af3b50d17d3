needs sshd ssh ssh-keygen
mkdir -p /run/sshd /home/anna/.ssh
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key 2>/dev/null || { mkdir -p /etc/ssh; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; }
ssh-keygen -q -t ed25519 -N '' -f /root/key
cp /root/key.pub /home/anna/.ssh/authorized_keys; chown -R anna:anna /home/anna
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM no\nUseDNS no\nPidFile /run/sshd.pid\nListenAddress %s\n' $server > /etc/ssh/sshd_config
"$(command -v sshd)" </dev/null >>/run/daemons.log 2>&1
await_port 22
call() { from "$1" ssh -i /root/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR "$2@$server" true; }
call 31 anna; call 31 anna; call 32 anna
call 66 ghost 2>/dev/null || true
await_lines /var/log/auth.log 3 'Accepted publickey'
await_lines /var/log/auth.log 1 'ghost'
