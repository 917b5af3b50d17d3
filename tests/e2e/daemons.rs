//! Grammars on logs that the real daemons write in this very run: each is started on a machine of its own, used by a few
//! clients at addresses of their own, and then one real look must tell these clients, how they came, and nothing else.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;

use groma_tests::{Kind, Machine, skip};
use serde_json::Value;

const BEGIN: &str = include_str!("daemons/begin.sh");
const NETWORK: &str = include_str!("daemons/network.sh");

/// A daemon and the rows its users make. `10.20.1.66` is never let in: it has a row only where a refusal is told as one.
struct Daemon {
    script: &'static str,
    text: &'static str,
    /// Begin of each row of it, whoever the client is: rows of others are not its own.
    product: &'static str,
    rows: &'static [&'static str],
}

macro_rules! daemon {
    ($script:literal, $product:literal, $rows:expr) => {
        Daemon {
            script: $script,
            text: include_str!(concat!("daemons/", $script, ".sh")),
            product: $product,
            rows: $rows,
        }
    };
}

/// Serde's maps are sorted, so the words of a row are too.
const DAEMONS: &[Daemon] = &[
    // A person's logon is told by machine alone.
    daemon!(
        "sshd",
        "OpenSSH",
        &[
            "OpenSSH 10.20.1.31 kind=ssh mechanism=publickey port=22 x2",
            "OpenSSH 10.20.1.32 kind=ssh mechanism=publickey port=22 x1",
        ]
    ),
    // Whoever was refused, and whoever is nobody, called.
    daemon!(
        "slapd",
        "OpenLDAP",
        &[
            "OpenLDAP 10.20.1.31 account=cn=svc-erp kind=ldap-bind mechanism=SIMPLE port=389 protection=none x3",
            "OpenLDAP 10.20.1.32 account=cn=svc-wiki kind=ldap-bind mechanism=SIMPLE port=636 protection=tls x2",
            "OpenLDAP 10.20.1.33 account=cn=svc-erp kind=ldap-bind mechanism=SIMPLE port=389 protection=starttls x1",
            "OpenLDAP 10.20.1.33 kind=ldap-bind port=389 x1",
            "OpenLDAP 10.20.1.66 kind=ldap-bind port=389 x1",
        ]
    ),
    // No line says which port was called.
    daemon!(
        "dirsrv",
        "389 Directory Server",
        &[
            "389 Directory Server 10.20.1.31 account=cn=svc-erp,dc=corp,dc=example kind=ldap-bind mechanism=SIMPLE x3",
            "389 Directory Server 10.20.1.32 account=cn=svc-wiki,dc=corp,dc=example kind=ldap-bind mechanism=SIMPLE protection=tls x2",
            "389 Directory Server 10.20.1.33 account=cn=svc-erp,dc=corp,dc=example kind=ldap-bind mechanism=SIMPLE protection=starttls x1",
            "389 Directory Server 10.20.1.66 kind=ldap-bind mechanism=SIMPLE x1",
        ]
    ),
    // One ticket for the account, one for the service it calls.
    daemon!(
        "krb5kdc",
        "MIT Kerberos",
        &[
            "MIT Kerberos 10.20.1.31 account=svc-erp@CORP.EXAMPLE kind=kerberos port=88 x2",
            "MIT Kerberos 10.20.1.32 account=svc-wiki@CORP.EXAMPLE kind=kerberos port=88 x1",
        ]
    ),
    daemon!(
        "named",
        "BIND",
        &[
            "BIND 10.20.1.31 kind=dns port=53 x2",
            "BIND 10.20.1.32 kind=dns port=53 x1",
        ]
    ),
    // What stands where an account would may be anything a browser said.
    daemon!(
        "nginx",
        "nginx",
        &[
            "nginx 10.20.1.31 kind=http program=curl x2",
            "nginx 10.20.1.32 kind=http program=curl x1",
        ]
    ),
    daemon!(
        "postgresql",
        "PostgreSQL",
        &[
            "PostgreSQL 10.20.1.31 account=erp kind=sql mechanism=scram-sha-256 port=5432 program=nightly protection=none x2",
            "PostgreSQL 10.20.1.32 account=erp kind=sql mechanism=scram-sha-256 port=5432 program=shopd protection=starttls x1",
            "PostgreSQL 10.20.1.66 kind=sql port=5432 x1",
        ]
    ),
    daemon!(
        "mariadb",
        "MariaDB",
        &[
            "MariaDB 10.20.1.31 account=erp kind=sql port=3306 x2",
            "MariaDB 10.20.1.32 account=erp kind=sql port=3306 x1",
        ]
    ),
    // TLS is told, but not whether it began with the first byte.
    daemon!(
        "dovecot",
        "Dovecot",
        &[
            "Dovecot 10.20.1.31 account=anna kind=imap mechanism=PLAIN protection=none x2",
            "Dovecot 10.20.1.32 account=anna kind=imap mechanism=PLAIN x1",
        ]
    ),
    // Its lines begin with the name it has of itself, and the machine has another one.
    daemon!(
        "postfix",
        "Postfix",
        &[
            "Postfix 10.20.1.31 kind=smtp-relay port=25 x3",
            "Postfix 10.20.1.31 port=25 protection=none recipients=partner.example sender=corp.example sender_word=scan x1",
            "Postfix 10.20.1.31 port=25 protection=none recipients=true:corp.example sender=corp.example sender_word=scan x2",
            "Postfix 10.20.1.32 account=svc-erp kind=smtp-submission mechanism=PLAIN port=587 protection=starttls x1",
            "Postfix 10.20.1.32 account=svc-erp mechanism=PLAIN port=587 protection=starttls recipients=partner.example sender=corp.example sender_word=erp tls=TLSv1.3 x1",
            "Postfix 10.20.1.66 helo=pc66 port=25 recipients=partner.example refused=relay-denied sender=evil.example x1",
            "Postfix 10.20.1.66 kind=smtp-relay port=25 x1",
        ]
    ),
    daemon!(
        "cups",
        "CUPS",
        &["CUPS 10.20.1.31 kind=print port=631 share=hall x2"]
    ),
    daemon!(
        "smbd",
        "Samba",
        &["Samba 10.20.1.31 account=anna kind=smb port=445 share=docs x2"]
    ),
    daemon!(
        "chronyd",
        "chrony",
        &[
            "chrony 10.20.1.31 kind=ntp port=123 x1",
            "chrony 10.20.1.32 kind=ntp port=123 x1",
        ]
    ),
];

/// Runs one script; false, aloud, where its program is not installed here.
fn works(machine: &Machine, name: &str, text: &str) -> bool {
    let all = format!("{BEGIN}{text}");
    let output = machine.run_with(&["bash", "-eu", "-s"], all.as_bytes());
    if output.code == 77 {
        skip(&format!("{name}: {}", output.stdout.trim()));
        return false;
    }
    output.expect_code(0);
    true
}

/// What one look tells: a line for each use, without its times.
fn told(machine: &Machine) -> BTreeSet<String> {
    machine.shell(
        "GROMA_STATE_DIR=/root/state groma-agent look --for 0s --source log --source time --out /root/x.batch",
    );
    let batch = machine.shell("zstd -dc /root/x.batch");
    for secret in ["wrong", "ghost", "canary"] {
        assert!(!batch.contains(secret), "{secret} left the machine");
    }
    let records = batch.lines().map(serde_json::from_str);
    let told = records.map(|record| record.expect("a batch is lines of JSON"));
    told.filter_map(|record: Value| row(&record)).collect()
}

/// What of a fact says where it was found, and who it is about.
const PLACED: &[&str] = &["fact", "product", "peer", "log", "direction", "transport"];

/// A use as one line: product, client, everything else that is told, how often.
fn row(record: &Value) -> Option<String> {
    let fact = record["saw"].as_object()?;
    let word = |key: &str| fact.get(key).and_then(Value::as_str);
    let is_use = matches!(word("fact"), Some("logged-use" | "mail-use"));
    let (product, peer) = (word("product").filter(|_| is_use)?, word("peer")?);
    let rest = fact
        .iter()
        .filter(|(key, _)| !PLACED.contains(&key.as_str()));
    let rest: Vec<String> = rest
        .map(|(key, value)| format!("{key}={}", plain(value)))
        .collect();
    let times = &record["seen"]["count"];
    Some(format!("{product} {peer} {} x{times}", rest.join(" ")))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(map) => map.values().map(plain).collect::<Vec<_>>().join(":"),
        other => other.to_string(),
    }
}

/// Postfix does not start without the list of its own files, which its package keeps in `/etc`.
fn lend(machine: &Machine, path: &str) {
    let to = machine.path(path);
    if let Some(directory) = to.parent() {
        std::fs::create_dir_all(directory).unwrap();
    }
    // Where it is not here, Postfix is not either.
    let _ = std::fs::copy(path, to);
}

/// 389 Directory Server copies what its package keeps in `/etc`.
fn lend_all(machine: &Machine, path: &str) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        let path = path.to_str().unwrap();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => lend_all(machine, path),
            false => lend(machine, path),
        }
    }
}

#[test]
fn each_daemon_tells_who_used_it_today_and_how() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    if !works(&machine, "network", NETWORK) {
        return;
    }
    lend(&machine, "/etc/postfix/postfix-files");
    lend_all(&machine, "/etc/dirsrv");
    let used: Vec<&Daemon> = DAEMONS
        .iter()
        .filter(|daemon| works(&machine, daemon.script, daemon.text))
        .collect();
    let told = told(&machine);
    for daemon in used {
        let of = told.iter().filter(|row| row.starts_with(daemon.product));
        let rows: Vec<&str> = of.map(String::as_str).collect();
        assert_eq!(rows, daemon.rows, "{}", daemon.script);
    }
}
