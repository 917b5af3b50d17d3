df -h
systemctl status sshd
ssh root@srv-alt-212.nordwald.example
tail -f /var/log/messages
scp /tmp/x.tgz 10.20.201.31:/tmp/
vi /etc/hosts
exit
