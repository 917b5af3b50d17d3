//! A real slapd on loopback, with TLS by an authority the test makes: every way in, and what it keeps.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod common;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{closed, count, gaps, is_complete, look_at, look_noting, needs, objects};
use groma_model::Reason;
use groma_model::name::Protection;
use groma_source_directory::{Journal, Limits};

const SLAPD: &str = "/usr/sbin/slapd";

/// A slapd this test started; ended, by its id, when dropped.
struct Slapd {
    child: Child,
    at: tempfile::TempDir,
    open: u16,
    tls: u16,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ok(command: &mut Command, input: &str) -> bool {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait().unwrap().success()
}

/// An authority, a certificate for 127.0.0.1 by it, and a certificate nobody signed.
fn certificates(at: &Path) {
    let run = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.current_dir(at).args(arguments.split_whitespace());
        assert!(ok(&mut command, ""), "openssl {arguments}");
    };
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30";
    run(&format!(
        "{new} -keyout ca.key -out ca.pem -subj /CN=authority -addext basicConstraints=critical,CA:TRUE"
    ));
    run(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=directory",
    );
    std::fs::write(
        at.join("names"),
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    run(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.pem",
    );
    run(&format!(
        "{new} -keyout other.key -out other.pem -subj /CN=other"
    ));
}

fn configuration(at: &str) -> String {
    format!(
        "dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcTLSCertificateFile: {at}/server.pem\nolcTLSCertificateKeyFile: {at}/server.key\nolcPidFile: {at}/pid\n\n\
         dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\nolcModuleLoad: memberof\n\n\
         dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n\
         include: file:///etc/ldap/schema/core.ldif\n\ninclude: file:///etc/ldap/schema/cosine.ldif\n\ninclude: file:///etc/ldap/schema/nis.ldif\n\ninclude: file:///etc/ldap/schema/inetorgperson.ldif\n\n\
         dn: olcDatabase={{0}}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {{0}}config\nolcRootPW: canary-of-the-configuration\n\
         olcAccess: {{0}}to * by dn.exact=\"cn=reader,dc=corp,dc=example\" read by dn.regex=\"gidNumber=.*cn=peercred,cn=external,cn=auth\" read by * none\n\n\
         dn: olcDatabase={{1}}monitor,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {{1}}monitor\n\
         olcAccess: {{0}}to * by dn.exact=\"cn=reader,dc=corp,dc=example\" read by * none\n\n\
         dn: olcDatabase={{2}}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {{2}}mdb\nolcSuffix: dc=corp,dc=example\nolcDbDirectory: {at}/data\nolcRootDN: cn=root,dc=corp,dc=example\nolcDbMaxSize: 1073741824\nolcDbNosync: TRUE\n\
         olcAccess: {{0}}to attrs=userPassword by anonymous auth by * none\nolcAccess: {{1}}to * by * read\nolcLimits: {{0}}dn.exact=\"cn=reader,dc=corp,dc=example\" size=unlimited\n\
         olcSyncrepl: {{0}}rid=001 provider=ldap://127.0.0.2:389 bindmethod=simple binddn=\"cn=repl,dc=corp,dc=example\" credentials=canary-of-replication searchbase=\"ou=elsewhere,dc=corp,dc=example\" type=refreshOnly interval=10:00:00:00 retry=\"3600 +\"\n\n\
         dn: olcOverlay={{0}}memberof,olcDatabase={{2}}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcMemberOf\nolcOverlay: {{0}}memberof\n"
    )
}

fn content(people: usize) -> String {
    let mut text = "dn: dc=corp,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: corp\ndc: corp\n\n\
        dn: cn=reader,dc=corp,dc=example\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: password-of-a-test\n\n\
        dn: cn=app1,dc=corp,dc=example\nobjectClass: device\nobjectClass: ipHost\ncn: app1.corp.example\nipHostNumber: 10.0.0.7\n\n\
        dn: nisMapName=auto.home,dc=corp,dc=example\nobjectClass: nisMap\nnisMapName: auto.home\n\n\
        dn: cn=data,nisMapName=auto.home,dc=corp,dc=example\nobjectClass: nisObject\ncn: data\nnisMapName: auto.home\nnisMapEntry: -fstype=nfs4 files1.corp.example:/srv/data\n\n\
        dn: cn=staff,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: staff\nmember: uid=p0,dc=corp,dc=example\n\n"
        .to_owned();
    for at in 0..people {
        text.push_str(&format!("dn: uid=p{at},dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: p{at}\ncn: canary person {at}\nsn: x\n\n"));
    }
    text
}

fn port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Slapd {
    fn start(people: usize) -> Option<Self> {
        if !Path::new(SLAPD).exists() {
            eprintln!("SKIPPED: {SLAPD} is not installed here");
            return None;
        }
        let at = tempfile::tempdir().unwrap();
        certificates(at.path());
        for name in ["conf", "data"] {
            std::fs::create_dir(at.path().join(name)).unwrap();
        }
        let conf = at.path().join("conf");
        let add = |arguments: &[&str], text: &str| {
            let mut command = Command::new("/usr/sbin/slapadd");
            assert!(
                ok(command.arg("-F").arg(&conf).args(arguments), text),
                "slapadd {arguments:?}"
            );
        };
        add(
            &["-n", "0"],
            &configuration(&at.path().display().to_string()),
        );
        add(&["-q", "-b", "dc=corp,dc=example"], &content(people));
        let (open, tls) = (port(), port());
        let socket = at
            .path()
            .join("ldapi")
            .display()
            .to_string()
            .replace('/', "%2F");
        let child = Command::new(SLAPD)
            .arg("-F")
            .arg(&conf)
            .args(["-d", "0", "-h"])
            .arg(format!(
                "ldap://127.0.0.1:{open} ldaps://127.0.0.1:{tls} ldapi://{socket}"
            ))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut slapd = Self {
            child,
            at,
            open,
            tls,
        };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, slapd.tls)).is_err() {
            assert!(
                slapd.child.try_wait().unwrap().is_none(),
                "slapd ended at once"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(slapd)
    }

    fn look(&self, table: &str) -> groma_source::Recorder {
        look_at(self.at.path(), table, patient())
    }

    fn reader(&self, rest: &str) -> String {
        closed(&self.at.path().join("pw"), "password-of-a-test\n");
        format!(
            "url = \"ldaps://127.0.0.1:{}\"\nuser = \"cn=reader,dc=corp,dc=example\"\npassword_file = \"pw\"\n{rest}",
            self.tls
        )
    }

    fn fingerprint(&self) -> String {
        let shown = Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(self.at.path().join("server.pem"))
            .output()
            .unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        text.trim().split_once('=').unwrap().1.to_owned()
    }
}

fn patient() -> Limits {
    Limits {
        page: Duration::from_secs(120),
        step: Duration::from_secs(240),
        ..Limits::default()
    }
}

#[test]
fn all_of_it_is_told_over_tls_to_an_account_that_may_read() {
    let Some(slapd) = Slapd::start(1203) else {
        return;
    };
    // Somebody else who is connected, from another address of this machine.
    let mut client = Command::new("python3")
        .args(["-c", "import socket,sys,time\ns=socket.socket(); s.bind(('127.0.0.3',0)); s.connect(('127.0.0.1',int(sys.argv[1])))\ns.sendall(bytes.fromhex('300c020101600702010304008000')); s.recv(99); print(1,flush=True); sys.stdin.read()"])
        .arg(slapd.open.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 1];
    std::io::Read::read_exact(client.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let seen = slapd.look(&slapd.reader("ca = \"ca.pem\""));
    drop(client.stdin.take());
    client.wait().unwrap();
    assert_eq!(gaps(&seen), "");
    let server = objects(&seen, "server");
    assert_eq!(server[0].attributes["product"], ["OpenLDAP"]);
    assert_eq!(server[0].directory, "corp.example");
    assert_eq!(count(&seen, "people"), Some(1203.0));
    assert_eq!(count(&seen, "groups"), Some(1.0));
    assert!(count(&seen, "bind_seconds").is_some_and(|seconds| seconds >= 0.0));
    assert_eq!(objects(&seen, "service-account").len(), 1);
    assert_eq!(
        objects(&seen, "computer")[0].host,
        groma_model::Peer::parse("10.0.0.7")
    );
    let databases: Vec<String> = objects(&seen, "database")
        .iter()
        .map(|o| o.name.to_string())
        .collect();
    assert!(databases.contains(&"mdb".to_owned()), "{databases:?}");
    assert_eq!(objects(&seen, "overlay")[0].name.to_string(), "memberof");
    assert_eq!(objects(&seen, "tls").len(), 1);
    let lines: Vec<String> = needs(&seen)
        .iter()
        .map(|n| format!("{} {} {}", n.consumer, n.kind, n.provider))
        .collect();
    assert!(
        lines.contains(&"127.0.0.1 ldap-bind 127.0.0.2".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"127.0.0.1 nfs files1.corp.example".to_owned()),
        "{lines:?}"
    );
    for step in ["configuration", "people", "hosts"] {
        assert!(is_complete(&seen, step), "{step}");
    }
    let all = format!("{:?}", seen.records);
    for canary in ["canary", "password-of-a-test"] {
        assert!(!all.contains(canary), "{canary}");
    }
}

#[test]
fn every_way_in_is_taken_as_it_was_named() {
    let Some(slapd) = Slapd::start(3) else { return };
    let pin = format!("pin = \"sha256:{}\"", slapd.fingerprint());
    assert_eq!(gaps(&slapd.look(&slapd.reader(&pin))), "");

    // STARTTLS with the same certificate.
    let table = slapd.reader(&pin).replace(
        &format!("ldaps://127.0.0.1:{}", slapd.tls),
        &format!("ldap://127.0.0.1:{}", slapd.open),
    );
    let seen = slapd.look(&format!("{table}\nstarttls = true"));
    assert_eq!(gaps(&seen), "");
    assert_eq!(
        objects(&seen, "server")[0].attributes["asked-over"],
        ["STARTTLS"]
    );

    // The system says who we are: root may see the configuration, and the monitor is not for it.
    let socket = slapd.at.path().join("ldapi");
    let seen = slapd.look(&format!(
        "url = \"ldapi://{}\"\nbind = \"external\"",
        socket.display()
    ));
    assert!(is_complete(&seen, "configuration"), "{}", gaps(&seen));
    let replication = needs(&seen)
        .into_iter()
        .find(|n| n.attribute == "olcSyncrepl");
    assert_eq!(replication.unwrap().protection, Some(Protection::None));

    // Nobody in particular reads the content, and is told what it may not see.
    let seen = slapd.look(&format!(
        "url = \"ldap://127.0.0.1:{}\"\nbind = \"anonymous\"",
        slapd.open
    ));
    assert_eq!(count(&seen, "people"), Some(3.0));
    assert_eq!(count(&seen, "bind_seconds"), None, "nobody logged on");
    assert!(
        !is_complete(&seen, "configuration") && !is_complete(&seen, "connections"),
        "{}",
        gaps(&seen)
    );
}

/// Notes in memory.
#[derive(Default)]
struct Paper(Vec<String>);

impl Journal for Paper {
    fn program(&self) -> &str {
        "test"
    }
    fn replay(&mut self, each: &mut dyn FnMut(&str)) {
        self.0.iter().for_each(|line| each(line));
    }
    fn note(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }
}

#[test]
fn two_bases_of_one_server_are_both_asked_in_one_look() {
    let Some(slapd) = Slapd::start(3) else { return };
    let below = |name: &str| {
        slapd.reader(&format!(
            "ca = \"ca.pem\"\nbase = \"cn={name},dc=corp,dc=example\""
        ))
    };
    let both = format!("{}\n[[directory]]\n{}", below("staff"), below("app1"));
    let notes = Box::new(Paper::default());
    let seen = look_noting(slapd.at.path(), &both, patient(), Some(notes));
    assert_eq!(count(&seen, "groups"), Some(1.0), "{}", gaps(&seen));
    assert_eq!(objects(&seen, "computer").len(), 1, "{}", gaps(&seen));
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_the_one_that_was_named() {
    let Some(slapd) = Slapd::start(1) else { return };
    let fingerprint = slapd.fingerprint().replace(':', "").to_lowercase();
    for (trust, why) in [
        ("", "names no certificate"),
        ("ca = \"other.pem\"", "no logon was sent"),
        (
            &format!("pin = \"sha256:{}\"", "00".repeat(32)),
            "another certificate than the pinned one",
        ),
    ] {
        let seen = slapd.look(&slapd.reader(trust));
        assert!(gaps(&seen).contains(why), "{trust}: {}", gaps(&seen));
        assert!(seen.facts().next().is_none());
        if trust.is_empty() {
            assert!(gaps(&seen).contains(&fingerprint), "{}", gaps(&seen));
        }
    }
    closed(&slapd.at.path().join("wrong"), "wrong-of-a-test");
    let table = slapd
        .reader("ca = \"ca.pem\"")
        .replace("\"pw\"", "\"wrong\"");
    let seen = slapd.look(&table);
    assert!(
        seen.gaps().any(|g| g.reason == Reason::PermissionDenied),
        "{}",
        gaps(&seen)
    );
}
