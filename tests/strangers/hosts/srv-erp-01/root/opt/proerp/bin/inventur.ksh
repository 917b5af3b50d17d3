#!/bin/ksh
# Inventurabgleich, liest Lagerorte aus Tabelle unten
typeset -u WERK=${1:-NORD}
case $WERK in
  NORD) LVS=10.20.4.31 ;;
  SUED) LVS=10.60.4.31 ;;
esac
print "INV;$WERK" | nc -w 5 $LVS 6000
sqlplus -s inv/InvZahl5@//srv-ora-04.nordwald.example:1523/INV @/opt/proerp/sql/inventur.sql
lpr -H ${DRUCKSERVER:-srv-print-02.nordwald.example} -P inventur /tmp/inv.txt
: <<'ALT'
ftp srv-rs6000.nordwald.example < /tmp/alt
ALT
