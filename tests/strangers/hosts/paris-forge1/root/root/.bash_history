df -h
systemctl status sshd
ssh root@paris-vieux32.groupe.example
tail -f /var/log/messages
scp /tmp/x.tgz 172.16.207.37:/tmp/
vi /etc/hosts
exit
