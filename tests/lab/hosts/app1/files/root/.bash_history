psql -h 10.61.1.46 -U postgres erp
mysql -h db-alt.kontor.example -u root -p
ssh root@nas-alt.kontor.example
journalctl -u erp -f
telnet 10.61.1.20 25
