#!/bin/bash
# Envoi des lots EDI vers les filiales
# Usage : lots-edi.sh [filiale]   ex. : lots-edi.sh test.filiales.example
set -u
CONF=/etc/lots-edi.conf
[ -r "$CONF" ] && source "$CONF"

SUFFIXE=".filiales.example"
HOTES=(lille nantes)
for h in "${HOTES[@]}"; do
    lftp -u "$FTPUSER,$FTPPASS" "ftp-${h}${SUFFIXE}" -e "mput -O /depot /srv/edi/${h}/*.edi; bye"
done

# ancien serveur X25 : 172.16.66.6 (debranche en 2018)
psql -h "$PGH" -p "${PGP:-5432}" -U lots -c "insert into trace values (now())" edi
logger -n "$LOGH" -P 1514 -t lots-edi "termine"
mailx -S smtp="smtp://${RELAIS}:2525" -s "Lots EDI" edi@groupe.example < /tmp/lots.txt
