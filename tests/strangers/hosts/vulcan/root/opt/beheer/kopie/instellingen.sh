# gedeelde instellingen voor de kopiescripts
# shellcheck shell=bash
DOMEIN=molen.example
NAS_1=nas
NAS_2=nas2
DOEL_HOST="${NAS_2}.${DOMEIN}"
DOEL_PAD=/volume1/kopie
RSYNC_OPTS=(-aHx --delete --numeric-ids)
MELD_NAAR=beheer@molen.example
WEBHOOK=https://chat.${DOMEIN}/hooks/Fake0000Hook
export RESTIC_PASSWORD='Rest1c-Smeedijzer'
