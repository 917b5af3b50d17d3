//! An office of a dozen machines that somebody wants to move.

use groma_model::evidence::Witness;
use groma_model::fact::{Certificate, CertificatePlace, ComponentClass as Class, Job};
use groma_model::inventory::*;
use groma_model::name::{Port, Protection, Transport::Tcp};
use groma_model::{EntityId, EvidenceState, Foreign, Timestamp};

use super::{Estate, days_ago};

/// Names as an attacker would choose them.
pub const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "invoice\u{202e}fdp.exe",
    "\u{1b}[31mred\u{1b}[0m",
    "' onmouseover='alert(1)",
];

/// The office: every reason to be hidden occurs, and so does every kind of hostile name.
pub fn office() -> Inventory {
    let mut e = Estate::watched_since(days_ago(9));
    e.inventory.compared_with_list = true;
    e.inventory.snapshot = Some("before-w1".into());
    hosts(&mut e);
    plain_needs(&mut e);
    hidden_needs(&mut e);
    hostile(&mut e);
    certificates(&mut e);
    risks(&mut e);
    rest(&mut e);
    e.finish()
}

fn job(name: &str, schedule: &str, rhythm: &str, next_runs: Vec<Timestamp>) -> JobEntry {
    let job = Job {
        scheduler: "cron".into(),
        name: name.into(),
        schedule: schedule.into(),
        rhythm: Some(rhythm.into()),
        executable: Some("/opt/billing/close-month".into()),
        file: "/etc/cron.d/billing".into(),
        ..Job::default()
    };
    JobEntry {
        next_runs,
        ..JobEntry::from(job)
    }
}

fn hosts(e: &mut Estate) {
    let debian = "Debian GNU/Linux 12 (bookworm)";
    for (key, layer, name, address) in [
        ("dir1", "identity", "dir1.corp.example", "10.1.0.10"),
        ("mail1", "mail", "mail1.corp.example", "10.1.0.11"),
        ("db1", "database", "db1.corp.example", "10.1.0.12"),
        ("app1", "application", "app1.corp.example", "10.1.0.13"),
        ("web1", "application", "web1.corp.example", "10.1.0.14"),
        ("files1", "storage", "files1.corp.example", "10.1.0.15"),
        ("backup1", "backup", "backup1.corp.example", "10.1.0.16"),
        ("mon1", "monitoring", "mon1.corp.example", "10.1.0.17"),
    ] {
        e.host(key, layer, name, address, debian);
    }
    let erp = e.host(
        "erp-old",
        "application",
        "erp-old.corp.example",
        "10.1.0.99",
        "Debian GNU/Linux 8 (jessie)",
    );
    erp.owner = Some("Finance".into());
    e.entity("ns1", "host", "network", "ns1.corp.example", "10.1.0.2");
    e.entity(
        "printer",
        "device",
        "endpoint",
        "copier-2nd-floor",
        "10.1.7.20",
    );
    e.entity("door", "device", "endpoint", "door-controller", "10.1.7.30");
    e.entity("ws7", "host", "endpoint", "ws-accounting-7", "10.1.5.7");
    e.entity(
        "relay",
        "external",
        "mail",
        "smtp.relay-provider.example",
        "203.0.113.25",
    );
    e.entity(
        "bank",
        "external",
        "application",
        "sftp.bank.example",
        "198.51.100.8",
    );
    e.entity(
        "time",
        "external",
        "network",
        "0.pool.ntp.example",
        "192.0.2.123",
    );
    e.entity(
        "mirror",
        "external",
        "network",
        "deb.mirror.example",
        "192.0.2.80",
    );
    for (host, port, program, service) in [
        (
            "dir1",
            389,
            ("/usr/sbin/slapd", "slapd.service", "openldap"),
            "ldap-bind",
        ),
        (
            "mail1",
            25,
            ("/usr/lib/postfix/sbin/master", "postfix@-.service", "root"),
            "smtp-relay",
        ),
        (
            "mail1",
            993,
            ("/usr/sbin/dovecot", "dovecot.service", "root"),
            "imap",
        ),
        (
            "db1",
            5432,
            (
                "/usr/lib/postgresql/15/bin/postgres",
                "postgresql@15-main.service",
                "postgres",
            ),
            "sql",
        ),
        (
            "web1",
            443,
            ("/usr/sbin/nginx", "nginx.service", "root"),
            "http",
        ),
        (
            "files1",
            445,
            ("/usr/sbin/smbd", "smbd.service", "root"),
            "smb",
        ),
        ("erp-old", 1521, ("", "", ""), ""),
    ] {
        e.listen(host, "0.0.0.0", port, Tcp, program, service);
    }
}

fn plain_needs(e: &mut Estate) {
    let unit = |name: &'static str| (Class::Unit, name);
    e.need("web1", unit("nginx.service"), "http", "app1", 8080);
    e.need("app1", unit("app.service"), "sql", "db1", 5432);
    e.need("app1", unit("app.service"), "ldap-bind", "dir1", 389);
    e.need("mail1", unit("dovecot.service"), "ldap-bind", "dir1", 389);
    e.need(
        "mail1",
        unit("postfix@-.service"),
        "smtp-relay",
        "relay",
        25,
    );
    e.need("files1", unit("smbd.service"), "ldap-bind", "dir1", 389);
    e.need(
        "ws7",
        (Class::Executable, "C:\\Program Files\\Mail\\mail.exe"),
        "imap",
        "mail1",
        993,
    );
    e.need(
        "ws7",
        (Class::Executable, "C:\\Windows\\explorer.exe"),
        "smb",
        "files1",
        445,
    );
    e.need("backup1", unit("bacula-dir.service"), "backup", "db1", 9102);
    e.need(
        "backup1",
        unit("bacula-dir.service"),
        "backup",
        "files1",
        9102,
    );
    e.need(
        "mon1",
        unit("zabbix-server.service"),
        "monitoring",
        "mail1",
        10050,
    );
    e.need(
        "mon1",
        unit("zabbix-server.service"),
        "snmp",
        "printer",
        161,
    );
    for host in [
        "dir1", "mail1", "db1", "app1", "web1", "files1", "backup1", "mon1", "erp-old",
    ] {
        e.need(host, unit("systemd-resolved.service"), "dns", "ns1", 53);
        e.need(host, unit("chrony.service"), "ntp", "time", 123);
        e.need(
            host,
            (Class::Executable, "/usr/lib/apt/methods/http"),
            "package-mirror",
            "mirror",
            80,
        );
    }
    let local = e.need(
        "db1",
        (Class::Executable, "/usr/bin/pg_exporter"),
        "sql",
        "db1",
        5432,
    );
    e.inventory.dependencies[local].details.local = true;
}

fn hidden_needs(e: &mut Estate) {
    use ReachedBy::{AddressLiteral, Alias, HostsFile};
    let at = e.need(
        "printer",
        (Class::Device, "scan to mail"),
        "smtp-relay",
        "mail1",
        25,
    );
    let line = "postfix on mail1 logged 214 messages from 10.1.7.20 without a logon";
    e.hide(
        at,
        &["device-without-agent", "log-only", "unauthenticated-relay"],
        Some((AddressLiteral, "10.1.0.11")),
        line,
    );

    let at = e.need(
        "door",
        (Class::Device, "door-controller"),
        "ldap-bind",
        "dir1",
        389,
    );
    let line = "slapd logged 31 simple binds of cn=door from 10.1.7.30 in clear text";
    let door = e.hide(
        at,
        &["cleartext-bind", "device-without-agent", "directory-only"],
        Some((AddressLiteral, "10.1.0.10")),
        line,
    );
    door.details.accounts = vec!["cn=door,ou=services,dc=corp,dc=example".into()];
    door.details.mechanism = Some("simple".into());
    door.details.protection = Some(Protection::None);

    let at = e.need(
        "app1",
        (Class::ScheduledJob, "/etc/cron.d/billing:3"),
        "sql",
        "erp-old",
        1521,
    );
    let line = "/etc/cron.d/billing:3 starts /opt/billing/close-month on the first of each month; it reads erp-old.corp.example:1521";
    let billing = e.hide(
        at,
        &["config-only", "rare", "scheduled"],
        Some((HostsFile, "erp-db")),
        line,
    );
    billing.hidden_because.push("hosts-file-override".into());
    billing.hidden_because.sort();
    billing.basis = Basis::Declared;
    billing.witnesses = vec![Witness::Written];
    billing.rhythm = Some("monthly".into());
    billing.next_due = Some(days_ago(-11));
    let due = vec![days_ago(-11), days_ago(-42)];
    billing.details.accounts = vec!["billing".into()];
    billing.details.secret_in_file = true;
    billing.details.written_in = vec![
        "/etc/cron.d/billing:3".into(),
        "/opt/billing/close.env:7".into(),
    ];
    billing.details.resources = vec!["ERPPROD".into()];
    let app1 = e
        .inventory
        .entities
        .iter_mut()
        .find(|x| x.id.as_str() == "ent-app1");
    app1.unwrap().attributes.jobs = vec![
        job("/etc/cron.d/billing:3", "15 5 1 * *", "monthly", due),
        job(
            "/etc/cron.d/counter:1",
            "*/5 * * * *",
            "minutely",
            vec![days_ago(0)],
        ),
    ];

    let at = e.need(
        "web1",
        (Class::Unit, "nginx.service"),
        "http",
        "erp-old",
        8080,
    );
    let line = "/etc/nginx/sites-enabled/intranet:22 names the address 10.1.0.99";
    let legacy = e.hide(
        at,
        &["address-literal", "undeclared"],
        Some((AddressLiteral, "10.1.0.99")),
        line,
    );
    legacy.details.written_in = vec!["/etc/nginx/sites-enabled/intranet:22".into()];

    let at = e.need(
        "app1",
        (Class::Unit, "app.service"),
        "smtp-submission",
        "mail1",
        587,
    );
    let line = "/etc/app.env:12 names old-mail.corp.example, an alias of mail1";
    e.hide(at, &["alias"], Some((Alias, "old-mail.corp.example")), line);

    let at = e.need(
        "erp-old",
        (Class::Executable, "/opt/erp/bin/send-payments"),
        "ssh",
        "bank",
        22,
    );
    let line = "a connection of 400 ms each night at 02:10";
    e.hide(
        at,
        &[
            "behind-relay",
            "cached-credential",
            "netbios-name",
            "pinned-certificate",
            "short-lived",
        ],
        None,
        line,
    );

    let at = e.need(
        "ws7",
        (Class::File, "C:\\Users\\a\\archive.pst"),
        "stored-on",
        "files1",
        0,
    );
    e.hide(
        at,
        &["local-archive"],
        None,
        "an archive of 11 GiB that exists on no other machine",
    );

    let at = e.need(
        "backup1",
        (Class::File, "/etc/bacula/old.conf"),
        "backup",
        "erp-old",
        9102,
    );
    let wrong = e.hide(
        at,
        &["config-only"],
        None,
        "/etc/bacula/old.conf:9 names erp-old",
    );
    wrong.verdict = Some(Verdict {
        verdict: VerdictWord::Wrong,
        by: "Ana".into(),
        because: "left from 2019".into(),
    });
}

fn hostile(e: &mut Estate) {
    let long = "x".repeat(300);
    for (at, name) in HOSTILE.iter().copied().chain([long.as_str()]).enumerate() {
        let key = format!("hostile{at}");
        let entity = e.entity(&key, "device", "endpoint", name, &format!("10.1.66.{at}"));
        entity.owner = Some(name.into());
        let need = e.need(&key, (Class::Executable, name), "http", "web1", 443);
        let dependency = e.hide(
            need,
            &["device-without-agent"],
            Some((ReachedBy::Name, name)),
            name,
        );
        dependency.details.accounts = vec![name.into()];
        dependency.details.written_in = vec![format!("/srv/{name}:1")];
        dependency.rhythm = Some(name.into());
        let texts = [name, name, name, name];
        e.risk(
            name,
            Severity::Low,
            Likelihood::Low,
            &[&format!("ent-{key}")],
            texts,
        )
        .owner = Some(name.into());
        e.inventory.questions.push(Question {
            to: Some(name.into()),
            about: format!("ent-{key}"),
            question: name.into(),
        });
        e.covered(name, "app1", name, &[(name, name, Some(name))]);
    }
}

fn certificates(e: &mut Estate) {
    let paths = [
        "/etc/ssl/certs/web.pem",
        "/etc/dovecot/private/mail.pem",
        "/etc/ldap/ldap.pem",
        "/etc/ssl/certs/root.pem",
    ];
    for (at, (name, host, days, bits)) in [
        ("www.corp.example", "web1", 12, 2048),
        ("mail.corp.example", "mail1", -3, 1024),
        ("ldap.corp.example", "dir1", 700, 2048),
        ("Some Root CA", "web1", 3000, 4096),
    ]
    .into_iter()
    .enumerate()
    {
        let entity = e.entity(&format!("cert{at}"), "certificate", "identity", name, "");
        entity.attributes.certificate = Some(Certificate {
            sha256: format!("{at:064x}"),
            sha1: None,
            spki_sha256: format!("{:064x}", at / 2),
            subject: format!("CN={name},O=Corp"),
            issuer: "CN=Corp Issuing CA 2,O=Corp".into(),
            serial: "01".into(),
            names: vec![name.into()],
            not_before: days_ago(300),
            not_after: days_ago(-days),
            key_algorithm: "rsa".into(),
            key_bits: bits,
            signature_algorithm: "sha256WithRSAEncryption".into(),
            authority: at == 3,
            self_signed: at == 3,
            status_hosts: vec![],
        });
        let host = EntityId::new(format!("ent-{host}"));
        let file = CertificatePlace::File {
            path: Foreign::from(paths[at]),
            position: 0,
        };
        entity.attributes.places.push(CertificatePlaceEntry {
            host: host.clone(),
            place: file,
            key_present: at != 3,
            key: None,
            trust: None,
            last_seen: None,
            state: EvidenceState::Current,
        });
        if at < 3 {
            let address = "10.1.0.14".parse().unwrap();
            let place = CertificatePlace::Endpoint {
                address,
                port: Port(443),
                protocol: "tls".into(),
                position: 0,
            };
            entity.attributes.places.push(CertificatePlaceEntry {
                host,
                place,
                key_present: false,
                key: None,
                trust: None,
                last_seen: None,
                state: EvidenceState::Current,
            });
        }
    }
}

fn risks(e: &mut Estate) {
    use {Likelihood as L, Severity as S};
    let door = e
        .inventory
        .dependencies
        .iter()
        .find(|d| d.consumer.name == "door-controller")
        .unwrap()
        .id
        .as_str()
        .to_owned();
    let risk = e.risk("certificate-expired", S::Critical, L::High, &["ent-cert1", "ent-mail1"], [
        "Mail clients refuse the mail server.",
        "The certificate of mail.corp.example expired on 2026-11-17; mail1 presents it on port 993.",
        "Nobody reads mail until it is renewed.",
        "Renew the certificate on mail1 and restart dovecot.",
    ]);
    risk.owner = Some("Mail team".into());
    risk.control_date = Some(days_ago(-1));
    e.risk(
        "certificate-expires-in-window",
        S::High,
        L::High,
        &["ent-cert0", "ent-web1"],
        [
            "The intranet stops being trusted in 12 days.",
            "The certificate of www.corp.example is valid until 2026-12-02.",
            "Browsers warn, and programs that check refuse to connect.",
            "Order a new certificate before the move.",
        ],
    );
    e.risk(
        "end-of-life-os",
        S::High,
        L::High,
        &["ent-erp-old"],
        [
            "The ERP server has had no security fixes for years.",
            "erp-old runs Debian 8, which ended on 2020-06-30.",
            "Any known hole stays open; nobody will sign off the move.",
            "Plan its replacement as a wave of its own.",
        ],
    );
    e.risk(
        "single-point",
        S::High,
        L::Medium,
        &["ent-dir1"],
        [
            "One directory server decides whether anybody can work.",
            "dir1 is the only one that answers LDAP; four hosts and a door need it.",
            "No logon, no mail, no files while it is away.",
            "Add a second directory server before dir1 moves.",
        ],
    );
    e.risk(
        "cleartext-logon",
        S::Medium,
        L::High,
        &[&door],
        [
            "The password of the door controller crosses the network in clear text.",
            "door-controller binds to dir1:389 without TLS.",
            "Whoever listens can open doors.",
            "Ask its maker for LDAPS; until then keep it on its own network.",
        ],
    );
    e.risk(
        "hosts-file-override",
        S::Medium,
        L::Medium,
        &["ent-app1"],
        [
            "The monthly closing will not follow when the ERP database gets a new address.",
            "/etc/hosts of app1 says erp-db is 10.1.0.99.",
            "Invoices are late, and nobody notices before the first of the month.",
            "Replace the entry by a name in DNS.",
        ],
    );
    let accepted = e.risk(
        "address-literal",
        S::Medium,
        L::Medium,
        &["ent-web1"],
        [
            "The intranet will not follow the ERP server.",
            "/etc/nginx/sites-enabled/intranet:22 names 10.1.0.99.",
            "The intranet page of the ERP is empty after the move.",
            "Use the name.",
        ],
    );
    accepted.state = FindingState::Accepted;
    accepted.verdict = Some(Verdict {
        verdict: VerdictWord::Accepted,
        by: "Ana".into(),
        because: "retired in March".into(),
    });
}

fn rest(e: &mut Estate) {
    e.covered("host.facts", "app1", "host:app1", &[]);
    let remedy = Some("run the look as root");
    for host in ["app1", "db1", "mail1"] {
        e.covered(
            "host.sockets",
            host,
            "socket:tcp",
            &[("owners of 4 sockets", "permission-denied", remedy)],
        );
    }
    e.covered(
        "config.references",
        "web1",
        "file:/etc",
        &[
            ("/etc/ssl/private", "permission-denied", remedy),
            ("/etc/app.d/legacy.xml", "malformed", None),
        ],
    );
    e.inventory.systems.push(System {
        id: "sys-mail1".into(),
        name: "company mail".into(),
        functions: vec!["mail".into(), "calendar".into()],
        members: vec![EntityId::new("ent-mail1"), EntityId::new("ent-relay")],
        product: None,
        version: None,
        owner: Some("Mail team".into()),
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: Some(Disposition::Move),
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    });
    for (to, about, question) in [
        (
            Some("Mail team"),
            "sys-mail1",
            "Who is on call for it at night?",
        ),
        (
            Some("Finance"),
            "ent-erp-old",
            "What happens if it stands still on the first of the month?",
        ),
        (None, "ent-door", "Who owns it?"),
    ] {
        e.inventory.questions.push(Question {
            to: to.map(Into::into),
            about: about.into(),
            question: question.into(),
        });
    }
}
