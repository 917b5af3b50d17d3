#!/bin/bash
# Import aus der Schulverwaltung (ASV). Vorlage: http://asv.land.example/vorlage
source /etc/schule/import.env
TAG=$(date +%F)
mysqldump -h "$ASV_DB" -P "${ASV_PORT:-3306}" -u asv -p"$ASV_PW" asv > /srv/asv/$TAG.sql
sftp -P 2201 -b /usr/local/etc/asv.batch asv@"$AMT"
ldapsearch -H "ldaps://$LDAP_MASTER:636" -x -b dc=gym-birke,dc=example > /tmp/alt.ldif
for drucker in lehrer sekretariat; do
    lp -h druck.gym-birke.example:631 -d $drucker /srv/asv/liste.pdf
done
snmpget -v2c -c public usv.gym-birke.example 1.3.6.1.2.1.33.1.2.4.0
# telnet 10.70.0.199 23
openssl s_client -connect wlan.gym-birke.example:8443 </dev/null 2>/dev/null | openssl x509 -noout -enddate
mount -t nfs 10.70.0.20:/export/schueler /mnt/schueler
printf 'schule.import:1|c' > /dev/udp/10.70.0.21/8125
