#!/usr/bin/env bash
NSUPDATE_KEY=/etc/dehydrated/tsig.key
PRIMARY="${DNS_PRIMARY:-10.20.1.4}"
deploy_challenge() {
    local DOMAIN="${1}" TOKEN_FILENAME="${2}" TOKEN_VALUE="${3}"
    printf 'server %s\nupdate add _acme-challenge.%s. 60 IN TXT "%s"\nsend\n' \
        "$PRIMARY" "$DOMAIN" "$TOKEN_VALUE" | nsupdate -k "$NSUPDATE_KEY"
    sleep 10
}
clean_challenge() {
    local DOMAIN="${1}"
    printf 'server %s\nupdate delete _acme-challenge.%s. TXT\nsend\n' "$PRIMARY" "$DOMAIN" | nsupdate -k "$NSUPDATE_KEY"
}
deploy_cert() {
    local DOMAIN="${1}" KEYFILE="${2}" CERTFILE="${3}" FULLCHAINFILE="${4}"
    systemctl reload nginx
    for lb in 11 12; do
        scp -q "$KEYFILE" "$FULLCHAINFILE" "root@10.20.2.${lb}:/etc/haproxy/certs/"
    done
}
HANDLER="$1"; shift
if [[ "${HANDLER}" =~ ^(deploy_challenge|clean_challenge|deploy_cert)$ ]]; then
  "$HANDLER" "$@"
fi
