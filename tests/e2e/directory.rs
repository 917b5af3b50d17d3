//! A real directory on loopback, from the question to the page: look, import, report; and a survey that asks it too.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use groma_tests::skip;

const SLAPD: &str = "/usr/sbin/slapd";
const PASSWORD: &str = "password-of-this-test";

const CONTENT: &str = "dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
o: corp
dc: corp

dn: cn=reader,dc=corp,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: password-of-this-test

dn: uid=svc-web,dc=corp,dc=example
objectClass: account
objectClass: simpleSecurityObject
uid: svc-web
userPassword: another-of-this-test

dn: cn=app1,dc=corp,dc=example
objectClass: device
objectClass: ipHost
cn: app1.corp.example
ipHostNumber: 10.0.0.7

dn: uid=somebody,dc=corp,dc=example
objectClass: inetOrgPerson
uid: somebody
cn: Canary Person
sn: x
";

/// Ended, by its id, when dropped.
struct Slapd {
    child: Child,
    port: u16,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        skip(&format!("{variable} is not set: run tests/run e2e"));
    }
    path
}

fn start(at: &Path) -> Option<Slapd> {
    if !Path::new(SLAPD).exists() {
        skip(&format!("{SLAPD} is not installed here"));
        return None;
    }
    let here = at.display();
    std::fs::create_dir(at.join("data")).unwrap();
    let schemas = ["core", "cosine", "nis", "inetorgperson"]
        .map(|name| format!("include /etc/ldap/schema/{name}.schema\n"))
        .concat();
    std::fs::write(
        at.join("conf"),
        format!("{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix \"dc=corp,dc=example\"\ndirectory {here}/data\nrootdn \"cn=reader,dc=corp,dc=example\"\naccess to attrs=userPassword by anonymous auth by * none\naccess to * by * read\n"),
    )
    .unwrap();
    std::fs::write(at.join("ldif"), CONTENT).unwrap();
    let filled = Command::new("/usr/sbin/slapadd")
        .args(["-q", "-f"])
        .arg(at.join("conf"))
        .arg("-l")
        .arg(at.join("ldif"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(filled.success());
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = door.local_addr().unwrap().port();
    drop(door);
    let child = Command::new(SLAPD)
        .args(["-d", "0", "-f"])
        .arg(at.join("conf"))
        .args(["-h", &format!("ldap://127.0.0.1:{port}")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut slapd = Slapd { child, port };
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(slapd.child.try_wait().unwrap().is_none(), "slapd ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Some(slapd)
}

fn closed(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let options = options.create(true).write(true).mode(0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn run(program: &Path, at: &Path, words: &[&str]) -> String {
    let output = Command::new(program)
        .args(words)
        .current_dir(at)
        .env("GROMA_STATE_DIR", at.join("state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &said
}

fn judge(page: &str) {
    for line in [
        "## Directories",
        "### corp.example",
        "people: 1",
        "| svc-web@corp.example |",
        "#### Accounts that services run as, and their services (2)",
        "directory.objects from",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    for secret in [PASSWORD, "another-of-this-test", "Canary Person"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[test]
fn a_directory_is_asked_and_stands_in_the_report() {
    let (Some(groma), Some(agent)) = (program("GROMA_BIN"), program("GROMA_AGENT_BIN")) else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = room.path();
    let Some(slapd) = start(at) else { return };
    closed(&at.join("reader.password"), PASSWORD);
    closed(
        &at.join("access.toml"),
        &format!(
            "[[directory]]\nurl = \"ldap://127.0.0.1:{}\"\nuser = \"cn=reader,dc=corp,dc=example\"\npassword_file = \"reader.password\"\n",
            slapd.port
        ),
    );
    let look = [
        "look",
        "--source",
        "directory",
        "--access",
        "access.toml",
        "--for",
        "0s",
        "--out",
        "batch",
    ];
    run(&agent, at, &look);
    run(&groma, at, &["import", "--data", "data", "batch"]);
    let report = [
        "report", "--data", "data", "--format", "markdown", "--out", "page.md",
    ];
    run(&groma, at, &report);
    judge(&std::fs::read_to_string(at.join("page.md")).unwrap());

    // A survey asks whom the same file names, and says so before.
    let survey = [
        "survey",
        "--for",
        "0s",
        "--access",
        "access.toml",
        "--data",
        "other",
        "--out",
        "other",
    ];
    let said = run(&groma, at, &survey);
    assert!(
        said.contains(&format!("127.0.0.1:{}", slapd.port)),
        "{said}"
    );
    let page = std::fs::read_to_string(at.join("other/report.html")).unwrap();
    assert!(page.contains("id=\"directories\"") && !page.contains(PASSWORD));
}
