-- Prosody XMPP Server Configuration
local ldaphost = "hera"
modules_enabled = { "roster"; "saslauth"; "tls"; "dialback"; "disco"; "auth_ldap"; }
authentication = "ldap"
ldap_server = ldaphost .. ".molen.example:3890"
ldap_password = "ProsodyPruim"
storage = "sql"
sql = { driver = "PostgreSQL", database = "prosody", username = "prosody", password = "XmppPruim", host = "192.168.10.192" }
--sql = { driver = "MySQL", host = "xmpp-oud" }
VirtualHost "chat.molen.example"
