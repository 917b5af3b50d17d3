df -h
systemctl status sshd
ssh root@eurydike2.molen.example
tail -f /var/log/messages
scp /tmp/x.tgz 192.168.209.39:/tmp/
vi /etc/hosts
exit
