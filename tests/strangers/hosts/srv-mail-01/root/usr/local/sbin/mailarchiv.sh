#!/bin/sh
# Journal-Mails ins Archivsystem schieben - M. Wendt 2020
set -e
. /etc/default/mailarchiv

DATUM=$(date +%Y%m%d)
JOURNAL=/var/spool/journal
LOG=/var/log/mailarchiv.log

for knoten in $ARCHIV_KNOTEN; do
	sftp -b - -P 2222 ${ARCHIV_USER}@${knoten}.${DOMAIN} <<SFTP
put $JOURNAL/$DATUM.tar.gz eingang/
quit
SFTP
done

curl -fsS -u "stat:$STAT_PW" "http://${STAT_HOST}:8086/write?db=mail" --data-binary "journal value=$(ls $JOURNAL | wc -l)" || \
	echo "Statistik nicht erreichbar (war frueher srv-stat-99.nordwald.example)" >> $LOG
