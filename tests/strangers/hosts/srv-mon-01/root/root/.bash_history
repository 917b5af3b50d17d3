df -h
systemctl status sshd
ssh root@srv-alt-232.nordwald.example
tail -f /var/log/messages
scp /tmp/x.tgz 10.20.203.33:/tmp/
vi /etc/hosts
exit
