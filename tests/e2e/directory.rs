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

fn start(at: &Path, content: &str) -> Option<Slapd> {
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
    std::fs::write(at.join("ldif"), content).unwrap();
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
    let Some(slapd) = start(at, CONTENT) else {
        return;
    };
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

/// Somebody at a terminal: waits for the question, types (or sends SIGTERM to the program), and tells what was shown, how
/// the program ended, and whether the terminal shows again what is typed.
const SOMEBODY: &str = r#"
import fcntl, os, pty, signal, sys, termios
typed, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2:]
# The program's end is held open here, so that what it leaves of the terminal can be seen after it ended.
terminal, held = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(held, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(held, number)
    os.execv(command[0], command)
shows = lambda: bool(termios.tcgetattr(held)[3] & termios.ECHO)
shown = b""
while not shown.endswith(b": "):
    shown += os.read(terminal, 4096)
during = shows()
if typed == b"TERM":
    os.kill(child, signal.SIGTERM)
else:
    os.write(terminal, typed)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
os.set_blocking(terminal, False)
shown += os.read(terminal, 65536)
print(during, shows(), code)
print(shown.decode())
"#;

fn somebody(typed: &str, agent: &Path, at: &Path) -> String {
    let output = Command::new("python3")
        .args(["-c", SOMEBODY, typed])
        .arg(agent)
        .args(LOOK)
        .current_dir(at)
        .env("GROMA_STATE_DIR", at.join("state"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_password_that_no_file_names_is_asked_at_the_terminal_and_nowhere_else() {
    let Some(agent) = program("GROMA_AGENT_BIN") else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = room.path();
    let Some(slapd) = start(at, CONTENT) else {
        return;
    };
    closed(
        &at.join("access.toml"),
        &format!(
            "[[directory]]\nurl = \"ldap://127.0.0.1:{}\"\nuser = \"cn=reader,dc=corp,dc=example\"\n",
            slapd.port
        ),
    );
    // Mistyped, taken back, and typed again: nothing of it is shown.
    let said = somebody(&format!("wrong\\x15x\\x7f{PASSWORD}\\n"), &agent, at);
    assert!(said.starts_with("False True 0\n"), "{said}");
    assert!(
        said.contains("Password of cn=reader,dc=corp,dc=example at 127.0.0.1:"),
        "{said}"
    );
    let batch = std::fs::read_to_string(at.join("batch")).unwrap();
    assert!(batch.contains("svc-web"), "{batch}");
    for place in [said, batch] {
        assert!(!place.contains(PASSWORD));
    }

    // A wrong one is tried once, and the server's word is told.
    let said = somebody("wrong-of-this-test\\n", &agent, at);
    assert!(said.starts_with("False True 0\n"), "{said}");
    let batch = std::fs::read_to_string(at.join("batch")).unwrap();
    assert!(batch.contains("refused the logon (49)") && !batch.contains("wrong-of-this-test"));

    // Ctrl-C, a signal from elsewhere, an empty answer: nobody is asked anything, and the terminal is as it was.
    std::fs::remove_file(at.join("batch")).unwrap();
    for (typed, code, words) in [
        ("abc\\x03", "130", "interrupted"),
        ("TERM", "-15", ""),
        ("\\n", "3", "no password for cn=reader"),
        ("\\x04", "3", "nothing was typed"),
    ] {
        let said = somebody(typed, &agent, at);
        assert!(said.starts_with(&format!("False True {code}\n")), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!at.join("batch").exists());
    }

    // Nobody types into a pipe.
    let output = Command::new(&agent)
        .args(LOOK)
        .current_dir(at)
        .env("GROMA_STATE_DIR", at.join("state"))
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("no terminal to ask at"), "{said}");
    assert!(said.contains("password_file"), "{said}");
}

/// A server in between that hands on what both sides say, notes what the client asked, and falls silent at a word of
/// either side; it says at which port it listens, and that it fell silent.
const BETWEEN: &str = r#"
import socket, sys, threading
door_at, port, silent_at, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode(), open(sys.argv[4], "ab", 0)
door = socket.socket(); door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", door_at)); door.listen(); print(door.getsockname()[1], flush=True)
def pump(a, b, asked):
    before = b""
    while data := a.recv(65536):
        if asked:
            log.write(data)
        if silent_at and silent_at in before + data:
            print("silent", flush=True)
            threading.Event().wait()
        before = data[-64:]
        b.sendall(data)
    b.close()
while True:
    client, _ = door.accept()
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(client, server, True), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, False), daemon=True).start()
"#;

/// The one in between; ended, by its id, when dropped.
struct Between {
    child: Child,
    told: std::io::BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Drop for Between {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Between {
    fn start(at: &Path, (port, server): (u16, u16), silent_at: &str, log: &str) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", BETWEEN])
            .args([&port.to_string(), &server.to_string(), silent_at, log])
            .current_dir(at)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut between = Self {
            child,
            told,
            port: 0,
        };
        between.port = between.line().parse().unwrap();
        between
    }

    /// The next thing it says.
    fn line(&mut self) -> String {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.told, &mut line).unwrap();
        line.trim().to_owned()
    }
}

const LOOK: [&str; 11] = [
    "look",
    "--source",
    "directory",
    "--access",
    "access.toml",
    "--for",
    "0s",
    "--format",
    "json",
    "--out",
    "batch",
];

/// Looks through a server in between, is killed when it falls silent, and looks again: what the second look asked, and
/// the lines of its batch.
fn killed_and_again(agent: &Path, at: &Path, slapd: u16, silent_at: &str) -> (String, Vec<String>) {
    closed(&at.join("reader.password"), PASSWORD);
    let mut first = Between::start(at, (0, slapd), silent_at, "first");
    let port = first.port;
    closed(
        &at.join("access.toml"),
        &format!(
            "[[directory]]\nurl = \"ldap://127.0.0.1:{port}\"\nuser = \"cn=reader,dc=corp,dc=example\"\npassword_file = \"reader.password\"\n"
        ),
    );
    let mut look = Command::new(agent)
        .args(LOOK)
        .current_dir(at)
        .env("GROMA_STATE_DIR", at.join("state"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(first.line(), "silent");
    look.kill().unwrap();
    look.wait().unwrap();
    assert!(!at.join("batch").exists(), "nothing was written yet");
    let notes = std::fs::metadata(at.join("state/directory.progress")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&notes) & 0o777, 0o600);
    drop(first);

    // The same address, and this time it answers.
    let _second = Between::start(at, (port, slapd), "", "second");
    run(agent, at, &LOOK);
    assert!(
        !at.join("state/directory.progress").exists(),
        "it is in a batch now"
    );
    let asked = std::fs::read(at.join("second")).unwrap();
    let batch = std::fs::read_to_string(at.join("batch")).unwrap();
    (
        String::from_utf8_lossy(&asked).into_owned(),
        batch.lines().map(str::to_owned).collect(),
    )
}

/// How often a text stands in the lines, and in how many of them as seen once.
fn told(lines: &[String], text: &str) -> (usize, usize) {
    let with: Vec<_> = lines.iter().filter(|l| l.contains(text)).collect();
    let once = with.iter().filter(|l| l.contains("\"count\":1")).count();
    (with.len(), once)
}

#[test]
fn a_look_that_was_killed_goes_on_where_it_stood() {
    let Some(agent) = program("GROMA_AGENT_BIN") else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = room.path();
    let Some(slapd) = start(at, CONTENT) else {
        return;
    };
    // It falls silent when it is asked about groups: machines and accounts were answered before.
    let (asked, lines) = killed_and_again(&agent, at, slapd.port, "groupOfNames");
    assert!(asked.contains("groupOfNames"), "what was not answered");
    assert!(
        !asked.contains("ipHost") && !asked.contains("simpleSecurityObject"),
        "what was answered is not asked again"
    );
    for object in [
        "\"name\":\"app1.corp.example\"",
        "\"name\":\"svc-web\"",
        "\"class\":\"directory\"",
        "directory_people",
        "directory_computers",
    ] {
        assert_eq!(told(&lines, object), (1, 1), "{object}: {lines:#?}");
    }
}

#[test]
fn no_object_of_a_question_that_was_cut_off_is_lost_or_told_twice() {
    let Some(agent) = program("GROMA_AGENT_BIN") else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = room.path();
    let machines: String = (0..1500)
        .map(|n| {
            format!(
                "\ndn: cn=m{n:04},dc=corp,dc=example\nobjectClass: device\nobjectClass: ipHost\ncn: m{n:04}.corp.example\nipHostNumber: 10.1.{}.{}\n",
                n / 250,
                n % 250 + 1
            )
        })
        .collect();
    let Some(slapd) = start(at, &format!("{CONTENT}{machines}")) else {
        return;
    };
    // In the third page of the machines.
    let (_, lines) = killed_and_again(&agent, at, slapd.port, "cn=m1200,");
    for n in 0..1500 {
        let name = format!("\"name\":\"m{n:04}.corp.example\"");
        assert_eq!(told(&lines, &name), (1, 1), "{name}");
    }
    assert_eq!(told(&lines, "directory_computers"), (1, 1));
    assert_eq!(told(&lines, "\"value\":1501.0"), (1, 1));
}
