"""Plants secrets where people leave them: every place of PLACES in every spelling of SPELLINGS, each one its own.

Prints how many places, spellings and secrets there are. What was planted stands in /run/lab/canaries, one line each:
the secret, its place, its spelling.
"""
import base64, os, pathlib, random, re, subprocess, sys

random.seed(7)
planted = []


def secret(place, spelling):
    name = 'Xq7c%04dZw' % len(planted)
    planted.append(f'{name} {place} {spelling}')
    return name


# ---- spellings: what becomes of a value, and of the file it stands in

def concatenated(value):
    return value[:5] + '""' + value[5:]


VALUES = {
    'plain': lambda v: v,
    'base64': lambda v: base64.b64encode(v.encode()).decode(),
    'hex': lambda v: v.encode().hex(),
    'url': lambda v: ''.join('%%%02X' % b for b in v.encode()),
    'json-escape': lambda v: ''.join('\\u%04x' % ord(c) for c in v),
    'xml-escape': lambda v: ''.join('&#x%x;' % ord(c) for c in v),
    'quoted': lambda v: f'"{v}"',
    'split': concatenated,
    'with-signs': lambda v: v + '%40%3A%2F',
}
FILES = {
    'utf-16le': lambda text: b'\xff\xfe' + text.encode('utf-16-le'),
    'utf-16be': lambda text: b'\xfe\xff' + text.encode('utf-16-be'),
    'long-line': lambda text: ('x' * 70_000 + ' ' + text).encode(),
}
SPELLINGS = [*VALUES, *FILES]
assert len(SPELLINGS) == 12

# ---- places: a file name, and a text with {s} where the secret stands and {h} for a host of its own

PLACES = {}


def place(name, path, text):
    assert name not in PLACES, name
    PLACES[name] = (path, text)


for scheme in ['postgresql', 'mysql', 'mariadb', 'redis', 'rediss', 'amqp', 'amqps', 'mongodb', 'ldap', 'ldaps', 'smtp', 'smtps', 'ftp',
               'sftp', 'https', 'http', 'imap', 'mssql', 'oracle', 'clickhouse', 'nats', 'kafka', 'mqtt', 'smb', 'elasticsearch']:
    place(f'url-{scheme}', '.env', f'SERVICE_URL={scheme}://shop:{{s}}@{{h}}/shop\n')
for key in ['PASSWORD', 'DB_PASSWORD', 'DB_PASS', 'PGPASSWORD', 'MYSQL_PWD', 'API_KEY', 'API_TOKEN', 'ACCESS_TOKEN', 'SECRET_KEY', 'CLIENT_SECRET',
            'AWS_SECRET_ACCESS_KEY', 'AUTH', 'PASSPHRASE', 'PWD_HASH', 'PRIVATE_KEY', 'WEBHOOK', 'SESSION', 'COOKIE', 'BEARER', 'LICENSE_KEY']:
    place(f'env-{key.lower()}', '.env', f'DB_HOST={{h}}\n{key}={{s}}\nexport OLD_{key}={{s}}\n')
for name, path, form in [
        ('properties', 'application.properties', '{k}={v}\n'), ('yaml', 'config.yml', 'db:\n  {k}: "{v}"\n'),
        ('json', 'config.json', '{{"db": {{"{k}": "{v}"}}}}\n'), ('toml', 'config.toml', '[db]\n{k} = "{v}"\n'),
        ('ini', 'config.ini', '[db]\n{k} = {v}\n'), ('xml', 'config.xml', '<config><db {k}="{v}"/><{k}>{v}</{k}></config>\n'),
        ('php', 'config.php', "<?php\n$config['{k}'] = '{v}';\ndefine('{k}', '{v}');\n"), ('python', 'settings.py', "{k} = '{v}'\n"),
        ('shell', 'run.sh', '#!/bin/sh\n{k}="{v}"\nexport {k}\n'), ('powershell', 'run.ps1', '${k} = "{v}"\n'), ('perl', 'run.pl', "my ${k} = '{v}';\n"),
        ('javascript', 'config.js', 'module.exports = {{ {k}: "{v}" }};\n')]:
    for key, value in [('password', '{s}'), ('url', 'postgresql://shop:{s}@{h}:5432/shop'), ('jdbc_url', 'jdbc:postgresql://{h}/shop?user=shop&password={s}'),
                       ('connection', 'Server={h};Database=shop;User Id=sa;Password={s};'), ('dsn', 'host={h} user=shop password={s} dbname=shop'),
                       ('endpoint', 'https://{h}/v1?api_key={s}&x=1#token={s}')]:
        text = form.replace('{k}', key).replace('{v}', value).replace('{{', '\0').replace('}}', '\1')
        place(f'{name}-{key}', path, text.replace('\0', '{').replace('\1', '}'))
for name, path, text in [
    ('pgpass', 'root/.pgpass', '{h}:5432:*:shop:{s}\n'), ('my-cnf', 'root/.my.cnf', '[client]\nhost={h}\npassword={s}\n'),
    ('netrc', 'root/.netrc', 'machine {h} login shop password {s}\n'), ('git-credentials', 'root/.git-credentials', 'https://anna:{s}@{h}\n'),
    ('git-remote', 'work/.git/config', '[remote "origin"]\n\turl = https://anna:{s}@{h}/x.git\n'), ('kubeconfig', '.kube/config', 'clusters:\n- cluster:\n    server: https://{h}:6443\nusers:\n- user:\n    token: {s}\n    password: {s}\n'),
    ('docker-auth', '.docker/config.json', '{"auths": {"{h}": {"auth": "{s}"}}}\n'), ('npmrc', '.npmrc', '//{h}/:_authToken={s}\n'),
    ('pip', 'pip.conf', '[global]\nindex-url = https://u:{s}@{h}/simple\n'), ('maven', 'settings.xml', '<settings><servers><server><id>x</id><password>{s}</password></server></servers></settings>\n'),
    ('compose', 'docker-compose.yml', 'services:\n  web:\n    environment:\n      - DATABASE_URL=postgresql://shop:{s}@{h}/shop\n      POSTGRES_PASSWORD: {s}\n'),
    ('compose-map', 'compose.yaml', 'services:\n  web:\n    environment:\n      DATABASE_URL: postgresql://shop:{s}@{h}/shop\n      POSTGRES_PASSWORD: {s}\n'),
    ('wp-config', 'wp-config.php', "<?php\ndefine('DB_HOST', '{h}');\ndefine('DB_PASSWORD', '{s}');\ndefine('AUTH_KEY', '{s}');\n"),
    ('web-config', 'web.config', '<configuration><connectionStrings><add name="x" connectionString="Server={h};User Id=sa;Password={s}"/></connectionStrings></configuration>\n'),
    ('tnsnames', 'tnsnames.ora', 'SHOP = (DESCRIPTION = (ADDRESS = (PROTOCOL = TCP)(HOST = {h})(PORT = 1521))(SECURITY = (WALLET_PASSWORD = {s})))\n'),
    ('odbc', 'odbc.ini', '[shop]\nServername={h}\nUID=shop\nPWD={s}\n'), ('jdbc-oracle', 'application.properties', 'spring.datasource.url=jdbc:oracle:thin:shop/{s}@{h}:1521/orcl\n'),
    ('jdbc-sqlserver', 'application.properties', 'url=jdbc:sqlserver://{h}:1433;user=sa;password={s};databaseName=x\n'),
    ('ldap-conf', 'ldap.conf', 'URI ldap://{h}\nBINDDN cn=x\nBINDPW {s}\n'), ('nslcd', 'nslcd.conf', 'uri ldap://{h}\nbindpw {s}\n'),
    ('sssd', 'sssd.conf', '[domain/corp]\nldap_uri = ldap://{h}\nldap_default_authtok = {s}\n'), ('snmpd', 'snmpd.conf', 'rocommunity {s} {h}\ntrapsink {h} {s}\n'),
    ('snmp-v3', 'snmp.conf', 'defAuthPassphrase {s}\ndefPrivPassphrase {s}\n'), ('msmtp', 'msmtprc', 'account default\nhost {h}\nuser shop\npassword {s}\n'),
    ('sasl', 'sasl_passwd', '[{h}]:587 shop:{s}\n'), ('exim', 'passwd.client', '{h}:shop:{s}\n'), ('fstab', 'fstab', '//{h}/share /mnt/s cifs username=shop,password={s} 0 0\n'),
    ('fstab-credentials', 'smbcredentials', 'username=shop\npassword={s}\n'), ('autofs', 'auto.smb', 'x -fstype=cifs,username=u,password={s} ://{h}/x\n'),
    ('squid', 'squid.conf', 'cache_peer {h} parent 3128 0 login=u:{s}\n'), ('haproxy', 'haproxy.cfg', 'backend x\n  server a {h}:80 check\nuserlist u\n  user anna insecure-password {s}\n'),
    ('nginx', 'nginx.conf', 'location / {\n  proxy_pass https://{h};\n  proxy_set_header Authorization "Basic {s}";\n}\n'), ('apache', 'apache2.conf', 'AuthLDAPURL ldap://{h}/dc=x\nAuthLDAPBindPassword {s}\n'),
    ('stunnel', 'stunnel.conf', 'connect = {h}:443\nPSKsecrets = {s}\n'), ('openvpn', 'client.ovpn', 'remote {h} 1194\n<auth-user-pass>\nu\n{s}\n</auth-user-pass>\n'),
    ('wireguard', 'wg0.conf', '[Interface]\nPrivateKey = {s}\n[Peer]\nEndpoint = {h}:51820\nPresharedKey = {s}\n'), ('ipsec', 'ipsec.secrets', '{h} : PSK "{s}"\n'),
    ('wpa', 'wpa_supplicant.conf', 'network={\n ssid="x"\n psk="{s}"\n}\n'), ('rsyslog', 'rsyslog.conf', 'action(type="omhttp" server="{h}" uid="u" pwd="{s}")\n'),
    ('logstash', 'pipeline.conf', 'output { elasticsearch { hosts => ["https://{h}:9200"] user => "u" password => "{s}" } }\n'), ('telegraf', 'telegraf.conf', '[[outputs.influxdb_v2]]\nurls = ["https://{h}:8086"]\ntoken = "{s}"\n'),
    ('prometheus', 'prometheus.yml', 'scrape_configs:\n- basic_auth:\n    password: {s}\n  static_configs:\n  - targets: ["{h}:9100"]\n'), ('grafana', 'grafana.ini', '[database]\nhost = {h}\npassword = {s}\n'),
    ('zabbix', 'zabbix_agentd.conf', 'Server={h}\nTLSPSKIdentity={s}\n'), ('bacula', 'bacula-fd.conf', 'Director {\n  Name = {h}\n  Password = "{s}"\n}\n'),
    ('borg', 'borgmatic.yaml', 'repositories:\n- path: ssh://u@{h}/x\nencryption_passphrase: "{s}"\n'), ('rclone', 'rclone.conf', '[x]\ntype = sftp\nhost = {h}\npass = {s}\n'),
    ('redis', 'redis.conf', 'replicaof {h} 6379\nmasterauth {s}\nrequirepass {s}\n'), ('pgbouncer', 'pgbouncer.ini', '[databases]\nshop = host={h} password={s}\n'),
    ('dovecot-sql', 'dovecot-sql.conf.ext', 'connect = host={h} dbname=mail user=mail password={s}\n'), ('postfix-mysql', 'mysql-virtual.cf', 'hosts = {h}\npassword = {s}\n'),
    ('tomcat', 'context.xml', '<Context><Resource url="jdbc:mysql://{h}/x" password="{s}"/></Context>\n'), ('tomcat-users', 'tomcat-users.xml', '<tomcat-users><user username="u" password="{s}"/></tomcat-users>\n'),
    ('jboss', 'standalone.xml', '<server><datasource><connection-url>jdbc:mysql://{h}/x</connection-url><security><password>{s}</password></security></datasource></server>\n'),
    ('django', 'settings.py', "DATABASES = {'default': {'HOST': '{h}', 'PASSWORD': '{s}', 'PORT': 5432}}\nSECRET_KEY = '{s}'\n"), ('rails', 'database.yml', 'production:\n  host: {h}\n  password: {s}\n'),
    ('symfony', 'parameters.yml', 'parameters:\n  database_host: {h}\n  database_password: {s}\n'), ('terraform', 'terraform.tfvars', 'db_host = "{h}"\ndb_password = "{s}"\n'),
    ('ansible', 'group_vars/all.yml', 'ansible_host: {h}\nansible_password: {s}\n'), ('aws', '.aws/credentials', '[default]\naws_secret_access_key = {s}\n'),
    ('gitlab', 'gitlab.rb', "gitlab_rails['smtp_address'] = '{h}'\ngitlab_rails['smtp_password'] = '{s}'\n"), ('runner', 'config.toml', 'url = "https://{h}/"\ntoken = "{s}"\n'),
    ('unattend', 'unattend.xml', '<unattend><AutoLogon><Password><Value>{s}</Value></Password></AutoLogon><JoinDomain>{h}</JoinDomain></unattend>\n'),
    ('registry', 'export.reg', 'Windows Registry Editor Version 5.00\n[HKEY_LOCAL_MACHINE\\x]\n"DefaultPassword"="{s}"\n"Server"="{h}"\n'), ('cups', 'printers.conf', '<Printer x>\nDeviceURI smb://u:{s}@{h}/printer\n</Printer>\n'),
    ('rndc', 'rndc.key', 'key "k" {\n algorithm hmac-sha256;\n secret "{s}";\n};\n'), ('bind', 'named.conf', 'key k { secret "{s}"; };\nzone "x" { masters { 192.0.2.7 key k; }; };\n'),
    ('keepalived', 'keepalived.conf', 'vrrp_instance x {\n authentication {\n  auth_pass {s}\n }\n unicast_peer {\n  192.0.2.8\n }\n}\n'), ('radius', 'clients.conf', 'client x {\n ipaddr = 192.0.2.9\n secret = {s}\n}\n'),
    ('asterisk', 'sip.conf', '[trunk]\nhost={h}\nsecret={s}\n'), ('ddclient', 'ddclient.conf', 'server={h}\nlogin=u\npassword={s}\n'),
    ('pem', 'key.pem', '-----BEGIN RSA PRIVATE KEY-----\n{s}\n-----END RSA PRIVATE KEY-----\n'), ('pem-in-env', '.env', 'HOST={h}\nKEY="-----BEGIN PRIVATE KEY-----\\n{s}\\n-----END PRIVATE KEY-----"\n'),
    ('userinfo-only', '.env', 'SERVICE_URL=https://{s}@{h}/v1\n'), ('reversed-keys', 'config.json', '{"password": "{s}", "user": "u", "port": 5432, "host": "{h}"}\n'),
    ('reversed-ini', 'db.ini', '[x]\npassword={s}\nuser=u\nhost={h}\n'), ('script-curl', 'run.sh', '#!/bin/sh\ncurl -u shop:{s} https://{h}/put\nmysqldump -p{s} -h {h} shop\nsshpass -p {s} scp x {h}:/x\nPGPASSWORD={s} psql -h {h}\n'),
    ('script-header', 'run.sh', '#!/bin/sh\ncurl -H "Authorization: Bearer {s}" https://{h}/x\nwget --password={s} ftp://shop:{s}@{h}/x\n'), ('comment', 'application.conf', '# old password was {s}\nhost = {h}\n'),
    ('host-part', '.env', 'SERVICE_URL=postgresql://shop:p@{s}@{h}/shop\n'), ('path-part', '.env', 'HOOK=https://{h}/services/T000/B000/{s}\n'), ('account-part', '.env', 'SERVICE_URL=https://x-token-auth:{s}@{h}/x\n'),
]:
    place(name, path, text)
assert len(PLACES) >= 190, len(PLACES)


def fill(text, place_name, spelling, host):
    spell = VALUES.get(spelling, lambda v: v)
    while '{s}' in text:
        text = text.replace('{s}', spell(secret(place_name, spelling)), 1)
    return text.replace('{h}', host)


def put(path, data, mode=0o640):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.chmod(path, mode)


for number, (name, (path, text)) in enumerate(PLACES.items()):
    for spelling in SPELLINGS:
        whole = fill(text, name, spelling, f'{name}-{spelling}.corp.example'.replace('_', '-'))
        encode = FILES.get(spelling, str.encode)
        put(f'/opt/secrets/{spelling}/{number}/{path}', encode(whole))

# ---- the places that are one file of the machine, or no file: every spelling a line, a unit or a process

system = 0
for spelling in VALUES:
    one = lambda what: VALUES[spelling](secret(what, spelling))
    put(f'/etc/systemd/system/s-{spelling}.service', f'[Service]\nExecStart=/opt/shop/run --db postgresql://shop:{one("unit-argument")}@unit-{spelling}.corp.example/shop --token {one("unit-argument")}\n'
        f'Environment="DATABASE_URL=postgresql://shop:{one("unit-environment")}@unit2-{spelling}.corp.example/shop" "TOKEN={one("unit-environment")}"\n[Install]\nWantedBy=multi-user.target\n'.encode())
    put(f'/etc/cron.d/s-{spelling}', f'PGPASSWORD={one("cron-variable")}\n5 3 * * * root curl -u shop:{one("cron-argument")} https://cron-{spelling}.corp.example/put\n6 3 * * * root mysqldump -p{one("cron-argument")} -h cron2-{spelling}.corp.example shop\n'.encode())
    put(f'/etc/default/s-{spelling}', f'DATABASE_URL=postgresql://shop:{one("etc-default")}@default-{spelling}.corp.example/shop\nPASSWORD={one("etc-default")}\n'.encode())
    put(f'/etc/NetworkManager/system-connections/{spelling}.nmconnection', f'[wifi-security]\npsk={one("network-manager")}\n[vpn]\nremote=vpn-{spelling}.corp.example\npassword={one("network-manager")}\n'.encode(), 0o600)
    with open('/etc/fstab', 'a') as table:
        table.write(f'//fstab-{spelling}.corp.example/share /mnt/{spelling} cifs username=shop,password={one("etc-fstab")},noauto 0 0\n')
    with open('/etc/hosts', 'a') as hosts:
        hosts.write(f'192.0.2.44 hosts-{spelling}.corp.example # {one("etc-hosts")}\n')
    words = ['--password=' + one('process-argument'), '-p' + one('process-argument'), 'https://u:' + one('process-argument') + '@argument.corp.example', one('process-argument')[:6], '']
    program = 'import socket, time; s = socket.create_server(("127.0.0.1", 0)); time.sleep(900)'
    subprocess.Popen(['/usr/bin/python3', '-c', program, *words], env={'SECRET': one('process-environment'), 'PATH': '/usr/bin'},
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
for name in ['unit-argument', 'unit-environment', 'cron-variable', 'cron-argument', 'etc-default', 'network-manager', 'etc-fstab', 'etc-hosts', 'process-argument', 'process-environment']:
    PLACES[name] = None

# ---- what only looks like a secret and must survive: hosts, accounts, ports, databases and folders

benign = []
words = ['password-reset', 'secret-santa', 'token-service', 'auth', 'apikey-portal', 'passwd', 'credential-store', 'private', 'session', 'keys']
for number in range(400):
    host = f'{words[number % 10]}-{number}.example.com'
    port, account, database = 20000 + number, f'svc_pw_{number}', f'token_db_{number}'
    folder = [random.randbytes(20).hex(), str(__import__("uuid").UUID(bytes=random.randbytes(16))), f'secrets-{number}', f'build-{random.randbytes(4).hex()}'][number % 4]
    put(f'/opt/benign/{folder}/.env', f'SERVICE_URL=postgresql://{account}:x@{host}:{port}/{database}\n'.encode())
    benign += [('peer', host), ('port', str(port)), ('account', account), ('resource', database), ('file', folder)]
pathlib.Path('/run/lab/canaries').write_text('\n'.join(planted))
pathlib.Path('/run/lab/benign').write_text('\n'.join(f'{kind} {value}' for kind, value in benign))
print(len(PLACES), len(SPELLINGS), len(planted), len(benign))
