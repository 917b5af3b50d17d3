//! Canaries: secrets in the places and spellings where people leave them. None may leave the machine or reach a store.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use groma_tests::{Kind, Machine};

/// Plants one canary per line of [`PLACES`]; each is unique, so a leak names its place.
const PLANT: &str = r#"
import base64, os, pathlib, urllib.parse
planted = []
def canary():
    planted.append('Xq7canary%03dZw' % len(planted)); return planted[-1]
def put(path, text, mode=0o644):
    p = pathlib.Path(path); p.parent.mkdir(parents=True, exist_ok=True)
    p.write_text(p.read_text() + text if p.exists() else text); os.chmod(p, mode)
c = canary
put('/opt/shop/.env', f'DATABASE_URL=postgresql://shop:{c()}@db.corp.example:5432/shop\n')
put('/opt/shop/.env', f'REDIS_URL=redis://:{c()}@cache.corp.example:6379/0\n')
put('/opt/shop/.env', f'AMQP_URL="amqp://shop:{c()}@queue.corp.example//"\n')
put('/opt/shop/.env', f"SMTP_PASSWORD='{c()}'\nexport API_TOKEN={c()}\n")
put('/opt/shop/.env', f'DB_HOST=db2.corp.example DB_PASS={c()}\n')
put('/opt/shop/.env', f'ENCODED_URL=postgresql://shop:{urllib.parse.quote(c() + "@/:")}@db3.corp.example/shop\n')
put('/opt/shop/.env', f'BASIC=https://{c()}@api.corp.example/v1\n')
put('/opt/shop/.env', f'QUERY=https://api2.corp.example/v1?api_key={c()}&user=x\n')
put('/opt/shop/.env', f'FRAGMENT=https://api3.corp.example/v1#access_token={c()}\n')
put('/opt/shop/.env', f'JWT=eyJhbGciOiJIUzI1NiJ9.{c()}.sig\n')
put('/opt/shop/.env', f'LDAP_URL=ldap://dir.corp.example LDAP_BIND_DN=cn=shop LDAP_BIND_PASSWORD={c()}\n')
put('/opt/shop/.env', f'ODBC="Driver=x;Server=db4.corp.example;Uid=sa;Pwd={c()};"\n')
put('/opt/shop/.env', f'DSN="host=db5.corp.example user=shop password={c()} dbname=shop"\n')
put('/opt/shop/.env', f"DSN2=\"host=db6.corp.example password='{c()} with blank' dbname=shop\"\n")
put('/opt/shop/.env', f'JDBC=jdbc:postgresql://db7.corp.example/shop?user=shop&password={c()}\n')
put('/opt/shop/.env', f'JDBC2=jdbc:sqlserver://db8.corp.example:1433;user=sa;password={c()};databaseName=x\n')
put('/opt/shop/.env', f'JDBC3=jdbc:oracle:thin:shop/{c()}@db9.corp.example:1521/orcl\n')
put('/opt/shop/application.properties', f'spring.datasource.url=jdbc:mysql://db10.corp.example/shop\nspring.datasource.password={c()}\n')
put('/opt/shop/settings.py', f"DATABASES = {{'default': {{'HOST': 'db11.corp.example', 'PASSWORD': '{c()}', 'PORT': 5432}}}}\nSECRET_KEY = '{c()}'\n")
put('/var/www/html/wp-config.php', f"<?php\ndefine('DB_HOST', 'db12.corp.example');\ndefine('DB_PASSWORD', '{c()}');\ndefine('AUTH_KEY', '{c()}');\n")
put('/var/www/html/config.php', f"<?php $db = new PDO('mysql:host=db13.corp.example;dbname=x', 'shop', '{c()}');\n")
put('/opt/shop/web.config', f'<configuration><connectionStrings><add name="x" connectionString="Server=db14.corp.example;User Id=sa;Password={c()}"/></connectionStrings></configuration>\n')
put('/opt/shop/docker-compose.yml', f'services:\n  web:\n    environment:\n      - DATABASE_URL=postgresql://shop:{c()}@db15.corp.example/shop\n      - POSTGRES_PASSWORD={c()}\n')
put('/opt/shop/config.json', f'{{"smtp": {{"host": "mail.corp.example", "password": "{c()}", "url": "smtp://shop:{c()}@mail2.corp.example:587"}}}}\n')
put('/opt/shop/config.toml', f'[db]\nurl = "postgresql://shop:{c()}@db16.corp.example/shop"\n')
put('/opt/shop/escaped.json', f'{{"url": "postgresql:\\/\\/shop:{c()}@db17.corp.example\\/shop"}}\n')
put('/opt/shop/base64.env', 'TOKEN=' + base64.b64encode(c().encode()).decode() + '\nAPI_HOST=api4.corp.example\n')
put('/etc/systemd/system/shop.service', f'[Service]\nExecStart=/opt/shop/run --db postgresql://shop:{c()}@db18.corp.example/shop --token {c()}\nEnvironment="DATABASE_URL=postgresql://shop:{c()}@db19.corp.example/shop" "TOKEN={c()}"\n[Install]\nWantedBy=multi-user.target\n')
put('/etc/cron.d/shop', f'MAILTO=x\nPGPASSWORD={c()}\n5 3 * * * root curl -u shop:{c()} https://archive2.corp.example/put\n6 3 * * * root mysqldump -p{c()} -h db20.corp.example shop\n7 3 * * * root sshpass -p {c()} scp x files2.corp.example:/x\n')
put('/var/spool/cron/crontabs/root', f'8 3 * * * wget --password={c()} ftp://shop:{c()}@ftp.corp.example/x\n', 0o600)
put('/etc/fstab', f'//files3.corp.example/share /mnt/s cifs username=shop,password={c()},noauto 0 0\n')
put('/etc/msmtprc', f'account default\nhost mail3.corp.example\nuser shop\npassword {c()}\n', 0o600)
put('/etc/ssmtp/ssmtp.conf', f'mailhub=mail4.corp.example:587\nAuthUser=shop\nAuthPass={c()}\n')
put('/etc/exim4/passwd.client', f'mail5.corp.example:shop:{c()}\n', 0o640)
put('/etc/postfix/main.cf', f'relayhost = [mail6.corp.example]:587\nsmtp_sasl_password_maps = static:shop:{c()}\n')
put('/etc/postfix/sasl_passwd', f'[mail6.corp.example]:587 shop:{c()}\n', 0o600)
put('/etc/sssd/sssd.conf', f'[domain/corp]\nid_provider = ldap\nldap_uri = ldap://dir2.corp.example\nldap_default_authtok = {c()}\n', 0o600)
put('/etc/nslcd.conf', f'uri ldap://dir3.corp.example\nbinddn cn=x\nbindpw {c()}\n', 0o640)
put('/etc/ldap.secret', c() + '\n', 0o600)
put('/root/.pgpass', f'db21.corp.example:5432:*:shop:{c()}\n', 0o600)
put('/root/.my.cnf', f'[client]\nhost=db22.corp.example\npassword={c()}\n', 0o600)
put('/root/.netrc', f'machine api5.corp.example login shop password {c()}\n', 0o600)
put('/home/anna/.git-credentials', f'https://anna:{c()}@git.corp.example\n', 0o600)
put('/srv/app/.env', f'URL=postgresql://shop:{c()}\n@db23.corp.example/x\nPRIVATE="-----BEGIN PRIVATE KEY-----\\n{c()}\\n-----END PRIVATE KEY-----"\n')
utf16 = f'DATABASE_URL=postgresql://shop:{c()}@db24.corp.example/shop\r\n'.encode('utf-16')
pathlib.Path('/srv/app/utf16.env').write_bytes(utf16)
pathlib.Path('/run/lab/canaries').write_text('\n'.join(planted))
print(len(planted))
"#;

/// Looks for every canary in every file given, in the spellings a leak could take.
const SEARCH: &str = r#"
import base64, pathlib, subprocess, sys, urllib.parse
names = pathlib.Path('/run/lab/canaries').read_text().split('\n')
leaks = []
for path in sys.argv[1:]:
    data = pathlib.Path(path).read_bytes()
    if data[:4] == b'\x28\xb5\x2f\xfd': data = subprocess.run(['zstd', '-dc', path], capture_output=True, check=True).stdout
    low = data.lower()
    for name in names:
        raw = name.encode()
        core = base64.b64encode(b'x' + raw)[4:-4], base64.b64encode(raw)[:-4], base64.b64encode(b'xx' + raw)[4:-4]
        spellings = [raw, raw.hex().encode(), raw[::-1], raw.decode().encode('utf-16-le'), *core]
        if any(s.lower() in low for s in spellings): leaks.append(f'{name} in {path}')
print('\n'.join(leaks))
"#;

/// 200 places in 12 spellings, each with a secret of its own, and 2,000 values that only look like one.
#[test]
fn two_thousand_secrets_stay_and_two_thousand_values_that_look_like_them_survive() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    let planted = machine
        .run(&["python3", "/run/lab/secrets_plant.py"])
        .expect_code(0)
        .stdout;
    let counts: Vec<u32> = planted
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    let [places, spellings, secrets, benign] = counts[..] else {
        panic!("{planted}")
    };
    assert!(
        places >= 200 && spellings == 12 && secrets >= 2400 && benign == 2000,
        "{planted}"
    );
    machine.shell("for unit in /etc/systemd/system/s-*.service; do mkdir -p /etc/systemd/system/multi-user.target.wants; ln -s $unit /etc/systemd/system/multi-user.target.wants/; done; sleep 0.5");
    machine.shell("export RUST_LOG=trace RUST_BACKTRACE=full; groma-agent look --offline --for 1s --out /root/look.batch >/root/look.log 2>&1");
    machine.shell("export RUST_LOG=trace RUST_BACKTRACE=full; groma survey --offline --for 1s --data /root/data --out /root/out >/root/survey.log 2>&1");
    machine.shell(
        "groma-agent explain >/root/explain.log 2>&1
         groma-agent find --offline db.corp.example >/root/find.log 2>&1 || true
         for format in json csv; do groma export --format $format --out /root/export.$format --data /root/data 2>>/root/export.log; done
         for format in markdown json csv; do groma report --format $format --out /root/report.$format --data /root/data 2>>/root/export.log; done",
    );
    let files = machine.shell(
        "find /root/data /root/out /root/*.log /root/*.batch /root/export.* /root/report.* -type f",
    );
    for sink in [
        "look.batch",
        "report.html",
        "export.json",
        "report.csv",
        "survey.log",
        ".db",
    ] {
        assert!(files.contains(sink), "there is no {sink} among {files}");
    }
    let mut words = vec!["python3", "/run/lab/secrets_search.py"];
    words.extend(files.lines());
    let leaks = machine.run(&words).expect_code(0).stdout;
    let many = leaks.lines().count();
    let shown: String = leaks.lines().take(40).collect::<Vec<_>>().join("\n");
    assert_eq!(many, 0, "{many} secrets left the parser:\n{shown}");

    let inventory = machine.inventory("/root/data");
    let kept = inventory.dependencies.iter().filter(|d| {
        d.provider.name.ends_with(".example.com")
            || d.reached_as
                .as_deref()
                .is_some_and(|n| n.ends_with(".example.com"))
    });
    assert!(
        kept.count() >= 400,
        "the store and the reports were searched empty"
    );

    // The search finds each spelling where it was planted, so that its silence means something.
    let blind = machine.shell(
        "for spelling in /opt/secrets/*; do
           python3 /run/lab/secrets_search.py $(find $spelling -type f) | awk '{ print $2 }' | sort -u | wc -l | sed \"s|^|$(basename $spelling) |\"
         done",
    );
    for line in blind.lines() {
        let many: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(many >= 185, "the search is blind for {line} of its places");
    }
    let lost = machine
        .run(&["python3", "-c", SURVIVED])
        .expect_code(0)
        .stdout;
    assert_eq!(lost.trim(), "", "values that are no secrets were lost");
}

/// Prints every benign value that the batch does not say.
const SURVIVED: &str = r#"
import json, pathlib, subprocess
said = {kind: set() for kind in ['peer', 'port', 'account', 'resource', 'file']}
for line in subprocess.run(['zstd', '-dc', '/root/look.batch'], capture_output=True, check=True).stdout.splitlines()[1:]:
    fact = json.loads(line).get('saw', {})
    if fact.get('fact') == 'reference':
        for kind in said:
            value = fact.get(kind)
            text = value if isinstance(value, str) else json.dumps(value)
            said[kind].update([text.strip('/')] if kind != 'file' else text.split('/'))
            if kind == 'peer' and isinstance(value, dict): said[kind].update(str(v) for v in value.values())
lost = [line for line in pathlib.Path('/run/lab/benign').read_text().split('\n') if line.split(' ')[1] not in said[line.split(' ')[0]]]
print('\n'.join(lost[:40] + [f'{len(lost)} lost'] if lost else []))
"#;

#[test]
fn no_secret_reaches_batch_store_report_export_or_log() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    let planted: u32 = machine
        .run(&["python3", "-c", PLANT])
        .expect_code(0)
        .stdout
        .trim()
        .parse()
        .unwrap();
    assert!(planted >= 40, "only {planted} canaries were planted");
    machine.shell("ln -s /etc/systemd/system/shop.service /etc/systemd/system/multi-user.target.wants/shop.service");
    // Two programs that carry a secret where every process list shows it, one of them on a socket.
    machine.shell(
        "python3 -c 'import socket, time; s = socket.create_server((\"127.0.0.1\", 7777)); time.sleep(600)' --password=Xq7canary000Zw >/dev/null 2>&1 &
         SECRET=Xq7canary001Zw sleep 600 >/dev/null 2>&1 & sleep 0.3",
    );
    machine.shell(
        "export RUST_LOG=trace RUST_BACKTRACE=full
         groma survey --offline --for 1s --data /root/data --out /root/out >/root/survey.log 2>&1
         groma-agent look --for 1s --out /root/look.batch >/root/look.log 2>&1
         groma-agent look --for 1s --format json --out /root/look.json >/root/look2.log 2>&1
         groma-agent look --for 1s --dry-run >/root/dry.log 2>&1
         for format in json csv; do groma export --format $format --out /root/export.$format --data /root/data 2>>/root/export.log; done
         for format in markdown json csv; do groma report --format $format --out /root/report.$format --data /root/data 2>>/root/export.log; done",
    );
    let files = machine.shell("find /root/data /root/out /root/*.log /root/*.batch /root/*.json /root/export.* /root/report.* -type f");
    let files: Vec<_> = files.lines().collect();
    assert!(
        files.iter().any(|f| f.ends_with("look.batch"))
            && files.iter().any(|f| f.ends_with("report.html")),
        "{files:?}"
    );
    let mut words = vec!["python3", "-c", SEARCH];
    words.extend(&files);
    let leaks = machine.run(&words).expect_code(0).stdout;
    assert_eq!(leaks.trim(), "", "secrets left the parser");

    // The search itself finds what it should, and the benign half of the lines survived.
    machine.shell("cp /opt/shop/.env /tmp/witness");
    let seen = machine
        .run(&["python3", "-c", SEARCH, "/tmp/witness"])
        .expect_code(0)
        .stdout;
    assert!(seen.contains("canary000"), "the search is blind");
    let inventory = machine.inventory("/root/data");
    let providers: Vec<_> = inventory
        .dependencies
        .iter()
        .flat_map(|d| {
            [
                d.provider.name.clone(),
                d.reached_as.clone().unwrap_or_default(),
            ]
        })
        .collect();
    for host in [
        "db.corp.example",
        "cache.corp.example",
        "db7.corp.example",
        "db12.corp.example",
        "files3.corp.example",
        "mail6.corp.example",
        "dir2.corp.example",
    ] {
        assert!(
            providers.iter().any(|p| p == host),
            "{host} was lost together with its secret: {providers:?}"
        );
    }
}
