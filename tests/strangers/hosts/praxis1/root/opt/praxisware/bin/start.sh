#!/bin/sh
# Start der Praxisware (Dienst)
BASIS=/opt/praxisware
. $BASIS/bin/umgebung.sh
exec java -Dpw.home=$BASIS -Dpw.cluster=$PW_PARTNER:5801 -jar $BASIS/lib/pw.jar --archiv=$ARCHIV_URL
