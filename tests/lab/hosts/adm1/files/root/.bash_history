ssh root@exchange1
psql -h sql-alt.kontor.example -U sa
nmap -sn 10.61.1.0/24
curl http://10.61.1.86:8080/status
snmpwalk -v2c -c public 10.61.1.91
