#!/bin/sh
# kassadatabases dumpen, per winkel
. /etc/sysconfig/kassa
for n in $(seq 1 2); do
	mysqldump -h kassa$n.$WINKEL_DOMEIN -u dump -p"$DUMP_PW" kassa > kassa$n.sql
done
# kassa3 gesloten per 1-1-2020
isql-fb -u SYSDBA -p "$FB_PW" $FB_HOST:/data/voorraad.fdb -i /usr/local/share/export.sql
