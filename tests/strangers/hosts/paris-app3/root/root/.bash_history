df -h
systemctl status sshd
ssh root@paris-vieux12.groupe.example
tail -f /var/log/messages
scp /tmp/x.tgz 172.16.205.35:/tmp/
vi /etc/hosts
exit
