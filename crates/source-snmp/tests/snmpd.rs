//! A real snmpd on an address of loopback, asked in every version. It is ended by the test that started it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groma_model::device::{Deed, DeviceClass, DeviceSays};
use groma_model::{Fact, Reason, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_snmp::SnmpSource;

const SNMPD: &str = "/usr/sbin/snmpd";

/// Debian's snmpd as a copier: the system group is set, the rest of its MIBs overridden with the values the standards write.
const COPIER: &str = r#"
rocommunity devices
createUser nothing
rouser nothing noauth
createUser md5 MD5 "authpass12"
rouser md5 auth
createUser des SHA "authpass12" DES "privpass12"
rouser des priv
createUser aes128 SHA-256 "authpass12" AES "privpass12"
rouser aes128 priv
createUser aes192 SHA-224 "authpass12" AES-192 "privpass12"
rouser aes192 priv
createUser aes256 SHA-512 "authpass12" AES-256 "privpass12"
rouser aes256 priv
sysDescr RICOH MP C3003 1.09 / RICOH Network Printer C model / RICOH Network Scanner C model
sysObjectID .1.3.6.1.4.1.367.1.1
sysName copier-2
sysLocation 2nd floor
sysContact Jane Doe
override .1.3.6.1.2.1.43.5.1.1.17.1 octet_str "E154M210001"
override .1.3.6.1.2.1.43.10.2.1.4.1.1 counter 100000
override .1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1 octet_str "MFG:RICOH;MDL:MP C3003;CLS:PRINTER;"
override .1.3.6.1.4.1.367.3.2.1.2.19.3.0 integer 0
override .1.3.6.1.4.1.367.3.2.1.2.19.4.0 integer 4711
"#;

struct Server {
    child: Child,
    _at: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(address: &str, settings: &str) -> Option<Server> {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if !Path::new(SNMPD).exists() || id != b"0\n" {
        eprintln!("SKIPPED: {SNMPD} is not here, or this is not root");
        return None;
    }
    let at = tempfile::tempdir().unwrap();
    let file = at.path().join("snmpd.conf");
    std::fs::write(&file, settings).unwrap();
    let child = Command::new(SNMPD)
        .args(["-f", "-Lf", "/dev/null", "-C", "-c"])
        .arg(&file)
        .arg("-p")
        .arg(at.path().join("pid"))
        .arg(format!("udp:{address}:161"))
        .env("SNMP_PERSISTENT_DIR", at.path().join("kept"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Server { child, _at: at })
}

fn asks(address: &str, table: &str) -> Recorder {
    let at = tempfile::tempdir().unwrap();
    let file = at.path().join("access.toml");
    std::fs::write(&file, format!("[[snmp]]\naddress = \"{address}\"\n{table}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let world = groma_sys::this_machine(false);
    let access = groma_source_snmp::access::read(world.disk.as_ref(), &file).unwrap();
    let minute = Duration::from_secs(60);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, minute);
    let mut recorder = Recorder::new(SourceName::new("network.snmp"));
    let hosts = [address.parse().unwrap()];
    SnmpSource::new(world, hosts, access).look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn says(recorder: &Recorder) -> Option<&DeviceSays> {
    recorder.facts().find_map(|fact| match fact {
        Fact::DeviceSays(says) => Some(says),
        _ => None,
    })
}

#[test]
fn a_copier_is_read_in_every_version_with_every_cipher() {
    let Some(server) = start("127.0.97.1", COPIER) else {
        return;
    };
    std::thread::sleep(Duration::from_secs(2));
    let auth = "auth_password = \"authpass12\"\n";
    let both = format!("{auth}priv_password = \"privpass12\"\n");
    for table in [
        "community = \"devices\"\n".to_owned(),
        "community = \"devices\"\nversion = \"1\"\n".to_owned(),
        "user = \"nothing\"\n".to_owned(),
        format!("user = \"md5\"\nauth = \"md5\"\n{auth}"),
        format!("user = \"des\"\nauth = \"sha1\"\npriv = \"des\"\n{both}"),
        format!("user = \"aes128\"\nauth = \"sha256\"\npriv = \"aes128\"\n{both}"),
        format!("user = \"aes192\"\nauth = \"sha224\"\npriv = \"aes192\"\n{both}"),
        format!("user = \"aes256\"\nauth = \"sha512\"\npriv = \"aes256\"\n{both}"),
    ] {
        let recorder = asks("127.0.97.1", &table);
        let says = says(&recorder).unwrap_or_else(|| panic!("{table}: {:?}", recorder.records));
        assert_eq!(says.class, Some(DeviceClass::Multifunction), "{table}");
        assert_eq!(says.maker.as_deref(), Some("Ricoh"));
        assert_eq!(says.model.as_deref(), Some("MP C3003"));
        assert_eq!(says.serial.as_deref(), Some("E154M210001"));
        assert_eq!(says.location.as_deref(), Some("2nd floor"));
        assert_eq!(says.has_done, [Deed::Print, Deed::Copy]);
        let all = format!("{:?}", recorder.records);
        for hidden in ["Jane", "authpass12", "privpass12", "\"devices\""] {
            assert!(!all.contains(hidden), "{hidden}");
        }
        assert_eq!(
            recorder.gaps().count(),
            0,
            "{table}: {:?}",
            recorder.gaps().collect::<Vec<_>>()
        );
    }
    drop(server);
}

#[test]
fn a_refusal_says_what_was_wrong_and_a_wrong_community_is_silence() {
    let Some(server) = start("127.0.97.2", COPIER) else {
        return;
    };
    std::thread::sleep(Duration::from_secs(2));
    let auth = |user: &str, password: &str| {
        format!("user = \"{user}\"\nauth = \"sha512\"\nauth_password = \"{password}\"\n")
    };
    for (table, word) in [
        (auth("stranger", "authpass12"), "does not know the user"),
        (auth("aes256", "wrong password"), "password or digest"),
        (
            format!(
                "{}priv = \"aes256\"\npriv_password = \"another one\"\n",
                auth("aes256", "authpass12")
            ),
            "cipher",
        ),
    ] {
        let recorder = asks("127.0.97.2", &table);
        assert!(says(&recorder).is_none());
        let gaps: Vec<_> = recorder.gaps().collect();
        let named = gaps.iter().any(|gap| gap.what.contains(word));
        // An engine may stay silent about what it cannot decipher.
        let silent = word == "cipher" && gaps.iter().any(|gap| gap.reason == Reason::TimedOut);
        assert!(named || silent, "{word}: {gaps:?}");
    }
    let recorder = asks("127.0.97.2", "community = \"other\"\n");
    assert!(recorder.gaps().any(|gap| gap.reason == Reason::TimedOut));
    drop(server);
}

/// Debian's snmpd as it comes, on this very machine: a computer, whatever hangs on it.
#[test]
fn a_server_with_snmpd_is_a_computer_and_not_fragile() {
    let Some(server) = start("127.0.97.3", "rocommunity devices\n") else {
        return;
    };
    std::thread::sleep(Duration::from_secs(2));
    let recorder = asks("127.0.97.3", "community = \"devices\"\n");
    let says = says(&recorder).unwrap();
    assert_eq!(says.class, Some(DeviceClass::Computer));
    assert_eq!(says.maker, None, "net-snmp made the agent, not the machine");
    assert!(says.can.is_empty() && says.version.is_some());
    drop(server);
}
