PW_PARTNER=praxis2.praxis-linde.example
ARCHIV_HOST=archiv.praxis-linde.example
ARCHIV_URL=https://$ARCHIV_HOST:9443/api
# ARCHIV_HOST=archiv-test.praxis-linde.example
