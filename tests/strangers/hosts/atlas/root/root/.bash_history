df -h
systemctl status sshd
ssh root@ikaros2.molen.example
tail -f /var/log/messages
scp /tmp/x.tgz 192.168.211.41:/tmp/
vi /etc/hosts
exit
