# bibliotheque commune de sauvegarde
COFFRE=${COFFRE:-coffre2}
ZONE=lyon
hote_coffre() { echo "${ZONE}-${COFFRE}.groupe.example"; }
