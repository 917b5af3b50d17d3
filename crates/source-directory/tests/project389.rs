//! A real 389 Directory Server, set up by the test in a namespace of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{closed, count, gaps, is_complete, look_at, needs, objects};
use groma_source_directory::Limits;

const INSIDE: &str = "GROMA_TEST_INSIDE_NAMESPACE";
const PROGRAMS: [&str; 5] = ["ns-slapd", "dscreate", "ldapmodify", "unshare", "openssl"];
const SERVER: &str = "10.99.2.10";
const CLIENT: &str = "10.99.2.7";
const PASSWORD: &str = "Passw0rd-of-a-test";

/// Everything the installer writes to lies in a room of the test's; systemd is not there.
const SET_UP: &str = r#"
cd "$1"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/lock /run/dirsrv
for place in /etc/dirsrv /var/lib/dirsrv /var/log/dirsrv; do
    mkdir -p ".$place"
    cp -a "$place/." ".$place"
    mount --bind ".$place" "$place"
done
sed 's/with_systemd = 1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf > defaults.inf
mount --bind defaults.inf /usr/share/dirsrv/inf/defaults.inf
ip link set lo up
ip addr add 10.99.2.10/32 dev lo
ip addr add 10.99.2.7/32 dev lo
printf '%s\n' '[general]' 'config_version = 2' 'full_machine_name = ds1.corp.example' 'strict_host_checking = False' 'start = False' \
    '[slapd]' 'instance_name = lab' 'root_password = Passw0rd-of-a-test' 'self_sign_cert = True' \
    '[backend-userroot]' 'suffix = dc=corp,dc=example' 'create_suffix_entry = True' > ds.inf
dscreate from-file ds.inf < /dev/null
"#;

const CONTENT: &str = "dn: cn=replica,cn=dc\\3Dcorp\\2Cdc\\3Dexample,cn=mapping tree,cn=config
changetype: add
objectClass: nsds5replica
cn: replica
nsDS5ReplicaRoot: dc=corp,dc=example
nsDS5ReplicaId: 7
nsDS5ReplicaType: 3
nsDS5Flags: 1

dn: cn=to-ds2,cn=replica,cn=dc\\3Dcorp\\2Cdc\\3Dexample,cn=mapping tree,cn=config
changetype: add
objectClass: nsds5replicationagreement
cn: to-ds2
nsDS5ReplicaHost: ds2.corp.example
nsDS5ReplicaPort: 636
nsDS5ReplicaTransportInfo: SSL
nsDS5ReplicaBindDN: cn=replication manager,cn=config
nsDS5ReplicaBindMethod: SIMPLE
nsDS5ReplicaCredentials: canary-of-a-test
nsDS5ReplicaRoot: dc=corp,dc=example

dn: cn=branch,cn=chaining database,cn=plugins,cn=config
changetype: add
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: branch
nsslapd-suffix: ou=branch,dc=corp,dc=example
nsFarmServerURL: ldap://ds3.corp.example:1389/
nsMultiplexorBindDN: cn=proxy,dc=corp,dc=example
nsMultiplexorCredentials: canary-of-a-test

dn: cn=app1.corp.example,dc=corp,dc=example
changetype: add
objectClass: device
objectClass: ipHost
cn: app1.corp.example
ipHostNumber: 10.0.0.7

dn: automountMapName=auto.home,dc=corp,dc=example
changetype: add
objectClass: automountMap
automountMapName: auto.home

dn: automountKey=*,automountMapName=auto.home,dc=corp,dc=example
changetype: add
objectClass: automount
automountKey: *
automountInformation: -fstype=nfs4,rw files1.corp.example:/srv/home/&

dn: uid=posix,dc=corp,dc=example
changetype: add
objectClass: account
objectClass: posixAccount
uid: posix
cn: Canary Posix
uidNumber: 3001
gidNumber: 3001
homeDirectory: /home/canary-posix

dn: uid=ann,dc=corp,dc=example
changetype: add
objectClass: inetOrgPerson
uid: ann
cn: Canary Ann
sn: x
";

/// A connection without a name, from the other address, that stays.
const CALLER: &str = r#"
import socket, sys
s = socket.socket(); s.bind(("10.99.2.7", 0)); s.connect(("10.99.2.10", 389))
s.sendall(bytes.fromhex("300c020101600702010304008000")); s.recv(99); print(1, flush=True); sys.stdin.read()
"#;

#[test]
fn a_389_server_is_told_as_it_is_set_up() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
    let found = |name: &&str| path.split(':').any(|at| Path::new(at).join(name).exists());
    let may = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "true"])
        .status()
        .is_ok_and(|s| s.success());
    if !PROGRAMS.iter().all(found) || !may {
        eprintln!(
            "SKIPPED: 389-ds-base, ldap-utils, openssl and the right to make a namespace are needed"
        );
        return;
    }
    let inside = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
        // The first process of a namespace inherits daemons that end: the installer waits until somebody buries them.
        .args(["--mount-proc", "bash", "-c", "\"$0\" \"$@\"; exit $?"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_389_server_is_told_as_it_is_set_up",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .env("PATH", path)
        .status()
        .unwrap();
    assert!(inside.success());
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut given = child.stdin.take().unwrap();
    given.write_all(input.as_bytes()).unwrap();
    drop(given);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn inside() {
    let at = tempfile::tempdir().unwrap();
    let room = at.path().to_str().unwrap();
    run("bash", &["-es", room], SET_UP);
    let mut server = Command::new("ns-slapd")
        .args(["-D", "/etc/dirsrv/slapd-lab", "-d", "0"])
        .args(["-i", "/run/dirsrv/slapd-lab.pid"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect((SERVER, 636)).is_err() {
        let ended = server.try_wait().unwrap();
        assert!(ended.is_none(), "ns-slapd ended: {ended:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let url = format!("ldap://{SERVER}");
    run(
        "ldapmodify",
        &[
            "-x",
            "-H",
            &url,
            "-D",
            "cn=Directory Manager",
            "-w",
            PASSWORD,
        ],
        CONTENT,
    );
    for text in [
        include_str!("freeipa/schema.ldif"),
        include_str!("freeipa/content.ldif"),
    ] {
        let manager = [
            "-x",
            "-H",
            &url,
            "-D",
            "cn=Directory Manager",
            "-w",
            PASSWORD,
        ];
        run("ldapmodify", &manager, text);
    }
    let mut caller = Command::new("python3")
        .args(["-c", CALLER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(caller.stdout.as_mut().unwrap())
        .read_line(&mut ready)
        .unwrap();
    judge(at.path());
    drop(caller.stdin.take());
    caller.wait().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
}

fn judge(at: &Path) {
    closed(&at.join("pw"), PASSWORD);
    let shown = run(
        "openssl",
        &["s_client", "-connect", &format!("{SERVER}:636")],
        "",
    );
    let print = run(
        "openssl",
        &["x509", "-noout", "-fingerprint", "-sha256"],
        &shown,
    );
    let pin = print.trim().split_once('=').unwrap().1;
    let seen = look_at(
        at,
        &format!(
            "url = \"ldaps://{SERVER}\"\nuser = \"cn=Directory Manager\"\npassword_file = \"pw\"\npin = \"sha256:{pin}\""
        ),
        patient(),
    );
    judge_ipa(&seen);
    let server = objects(&seen, "server");
    assert_eq!(server[0].attributes["product"], ["389 Directory Server"]);
    let security = objects(&seen, "tls");
    assert_eq!(
        security[0].attributes["nsslapd-require-secure-binds"],
        ["off"]
    );
    assert_eq!(
        security[0].attributes["nsslapd-accesslog-logging-enabled"],
        ["on"]
    );
    assert_eq!(objects(&seen, "replication").len(), 2);
    assert_eq!(count(&seen, "people"), Some(2.0));
    assert_eq!(objects(&seen, "computer").len(), 1);
    let mut lines: Vec<String> = needs(&seen)
        .iter()
        .map(|n| {
            let account = n.account.as_ref().map(ToString::to_string);
            let port = n.port.map(|p| p.0);
            format!(
                "{} {:?} {} {port:?} {account:?} {:?}",
                n.consumer, n.reason, n.provider, n.protection
            )
        })
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            format!("{SERVER} DecidesLogon login.partner.example Some(443) None None"),
            format!("{SERVER} DecidesLogon otp1.corp.example Some(1645) None None"),
            format!("{SERVER} Forwarder 10.0.0.53 Some(5353) None None"),
            format!(
                "{SERVER} HandedOn ds3.corp.example Some(1389) Some(\"cn=proxy,dc=corp,dc=example\") None"
            ),
            format!("{SERVER} MountMap files1.corp.example Some(2049) None None"),
            format!(
                "{SERVER} Supply ds2.corp.example Some(636) Some(\"cn=replication manager,cn=config\") Some(Tls)"
            ),
            format!("{CLIENT} Connection {SERVER} None Some(\"\") None"),
            "ipa1.corp.example Supply ipa2.corp.example Some(389) None None".to_owned(),
            "ipa2.corp.example Supply ipa1.corp.example Some(389) None None".to_owned(),
        ]
    );
    let all = format!("{:?}", seen.records);
    for secret in ["canary", "Canary", PASSWORD] {
        assert!(!all.contains(secret), "{secret}");
    }

    // The system says who we are: root is the manager by the server's own map.
    let table = "url = \"ldapi:///run/slapd-lab.socket\"\nbind = \"external\"";
    let seen = look_at(at, table, patient());
    judge_ipa(&seen);
    assert!(is_complete(&seen, "configuration") && is_complete(&seen, "replication"));

    // Nobody in particular is not shown how it is set up, and is told so.
    let table = format!("url = \"ldap://{SERVER}\"\nbind = \"anonymous\"");
    let seen = look_at(at, &table, patient());
    assert!(!is_complete(&seen, "configuration"), "{}", gaps(&seen));
    assert!(gaps(&seen).contains("configuration: "), "{}", gaps(&seen));
}

/// What FreeIPA keeps there, asked as of any 389.
fn judge_ipa(seen: &groma_source::Recorder) {
    let of = |class: &str, attribute: &str| {
        let mut lines: Vec<String> = objects(seen, class)
            .iter()
            .map(|o| {
                let said = o.attributes.get(attribute).map(|v| v.join("+"));
                let host = o.host.as_ref().map(|h| format!("@{h}"));
                let (host, said) = (host.unwrap_or_default(), said.unwrap_or_default());
                format!("{}{host} {said}", o.name).trim_end().to_owned()
            })
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(
        of("domain-controller", ""),
        [
            "ipa1.corp.example@ipa1.corp.example",
            "ipa2.corp.example@ipa2.corp.example"
        ]
    );
    assert_eq!(
        of("domain-service", "state"),
        [
            "CA on ipa1.corp.example@ipa1.corp.example enabled",
            "CA on ipa2.corp.example@ipa2.corp.example not enabled",
            "DNS on ipa1.corp.example@ipa1.corp.example enabled",
            "KDC on ipa1.corp.example@ipa1.corp.example enabled",
            "KDC on ipa2.corp.example@ipa2.corp.example hidden",
        ]
    );
    assert_eq!(of("role", ""), ["CA renewal master@ipa1.corp.example"]);
    assert_eq!(of("settings", "ipaHomesRootDir"), ["FreeIPA /home"]);
    assert_eq!(of("trust", "direction"), ["ad.example.test both ways"]);
    assert_eq!(
        of("access-rule", "machines"),
        ["backup db1.corp.example", "restart app1.corp.example"]
    );
    assert_eq!(
        of("dns-zone", "idnsForwarders"),
        [
            "0.0.10.in-addr.arpa",
            "corp.example",
            "nobody.example 10.0.0.54",
            "partner.example 10.0.0.53 port 5353"
        ]
    );
    assert_eq!(
        of("dns-service", ""),
        [
            "_erp._tcp.corp.example SRV 8080@app1.corp.example",
            "corp.example MX 10@mail1.corp.example",
            "corp.example NS ipa1.corp.example@ipa1.corp.example",
        ]
    );
    let mut names: Vec<String> = seen
        .facts()
        .filter_map(|fact| match fact {
            groma_model::Fact::Name(a) => Some(format!(
                "{} {:?} {:?} {:?}",
                a.asked,
                a.addresses,
                a.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
                a.ttl_seconds
            )),
            _ => None,
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "10.0.0.7 [] [\"app1.corp.example\"] None",
            "app1.corp.example [10.0.0.7] [] Some(300)",
            "portal.corp.example [10.0.0.7] [] Some(86400)",
        ]
    );
    let said = gaps(seen);
    assert!(
        said.contains(
            "1 records are not built as they should be, the first at broken.corp.example"
        ),
        "{said}"
    );
    assert!(
        said.contains("alias circle at round.corp.example, trip.corp.example:"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

fn patient() -> Limits {
    Limits {
        page: Duration::from_secs(120),
        step: Duration::from_secs(240),
        ..Limits::default()
    }
}
