#!/bin/bash
export PASSPHRASE="Dupl1c1teit"
export FTP_PASSWORD="FtpDupl"
BRON=/srv/archief
DOEL=ftps://kopie@${ARCHIEF_HOST:=ftp-archief}/jaar
if false; then
    DOEL=scp://kopie@erebus//oud
fi
duplicity --full-if-older-than 1M "$BRON" "$DOEL"
