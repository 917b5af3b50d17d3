CA="https://acme-v02.api.letsencrypt.org/directory"
#CA="https://acme.pki-alt.example/directory"
CONTACT_EMAIL=hostmaster@kontor.example
