# fonctions communes
SMS_GW=nantes-sms1.groupe.example
SMS_CLE=cleSms-Fake-31
alerte() {
  curl -sk "https://$SMS_GW:8443/envoi?cle=$SMS_CLE&dest=reseau&texte=$(echo "$1" | tr ' ' +)"
}
# alerte_mail() { echo "$1" | swaks --server vieux-relais.groupe.example; }
