#!/bin/bash
# Restauration hebdomadaire de controle (dimanche, voir crontab root)
: "${BARMAN:=lyon-barman2}"
DOM=$(hostname -d)
DOM=${DOM:-groupe.example}
ssh "barman@${BARMAN}.groupe.example" "barman recover paris-db1 latest /tmp/ctl" || exit 1
psql -f /var/lib/pgsql/sql/fdw_reprise.sql
while read -r cible port; do
	case "$cible" in \#*|'') continue;; esac
	mysqldump -h "$cible" -P "$port" --single-transaction ventes | gzip > "/export/$cible.sql.gz"
done < /usr/local/etc/cibles.lst
echo "si probleme appeler l'infogerance : astreinte.infogerance.example" >> /var/log/restore.log
