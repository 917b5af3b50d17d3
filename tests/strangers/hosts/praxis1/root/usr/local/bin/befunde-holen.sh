#!/bin/bash
# holt neue Aufnahmen (dcmtk) und legt sie ab. hinz 2017, 2019, 2022
PACS=dvt
ZIEL=10.31.4.30
PORT=4242
MODALITAETEN="10.31.4.20 roentgen2"
set -e
for m in $MODALITAETEN; do
  findscu -S -aet PRAXIS1 -aec ANY -k 0008,0052=STUDY $m 104 > /tmp/liste.$m || continue
done
storescu -aet PRAXIS1 -aec ARCHIV $ZIEL $PORT /srv/bilder/*.dcm
# storescu alt: storescu 10.31.4.99 104
/usr/bin/lftp -u labor,'FtpLabor-22' -e "mirror /out /srv/labor; quit" sftp://ldt2.labor-mitte.example
echo "fertig auf $(hostname)" | mail -s "Befunde" -S smtp=smtp://mail.praxis-linde.example:25 edv@praxis-linde.example
