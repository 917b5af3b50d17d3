//! Listening: real clients use real servers, and the agent hears it at the servers' interface (`listen/scene.sh`).
//!
//! What it tells is held against a list written by hand: every use of the scene, and nothing that was none.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use groma_model::batch::{Record, Said};
use groma_model::fact::NeedReason;
use groma_model::name::Protection;
use groma_model::reported::ReportedUse;
use groma_model::{CoverageState, Fact, Gap, Reason};

/// Everything that was used, as `kind product port/transport`, and what else is known of it.
const USED: &[&str] = &[
    "dhcp DHCP 67/udp",
    "dns DNS 53/udp",
    "http TLS 443/tcp",
    "kerberos Kerberos 88/udp as svcscan@CORP.EXAMPLE",
    "kerberos Kerberos 88/udp for HTTP/srv1.corp.example",
    "ldap-bind LDAP 389/tcp STARTTLS",
    "ldap-bind LDAP 389/tcp as cn=copier,dc=corp,dc=example by simple",
    "ntp NTP 123/udp",
    "smb SMB 445/tcp as WORKGROUP\\root by NTLM for scans",
    "smtp-relay SMTP 25/tcp by LOGIN",
    "snmp SNMP notifications 162/udp",
    "syslog syslog 514/udp",
];

fn lack() -> Option<&'static str> {
    let has = |script: &str| {
        let mut shell = Command::new("sh");
        let quiet = shell.stdout(Stdio::null()).stderr(Stdio::null());
        quiet
            .args(["-c", script])
            .status()
            .is_ok_and(|s| s.success())
    };
    match () {
        () if !has("test \"$(id -u)\" = 0") => Some("a packet socket needs root"),
        () if !has("test -x \"$GROMA_AGENT_BIN\"") => {
            Some("GROMA_AGENT_BIN does not name a built program; `tests/run e2e` sets it")
        }
        () if !has("unshare -n true && command -v ip setpriv ss") => {
            Some("this place does not allow namespaces, or ip, ss or setpriv is missing")
        }
        () if !has(
            "for p in dnsmasq slapd krb5kdc smbd postfix saslpasswd2 chronyd dig swaks kinit kvno smbclient ldapsearch logger snmptrap busybox socat; do command -v $p || exit 1; done",
        ) =>
        {
            Some("not every server and client of the scene is installed (tests/stages/packages.sh)")
        }
        () => None,
    }
}

fn records(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().skip(1);
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn facts(records: &[Record]) -> Vec<&Fact> {
    let saw = records.iter().filter_map(|record| match &record.said {
        Said::Saw(observation) => Some(&observation.fact),
        _ => None,
    });
    saw.collect()
}

fn gaps(records: &[Record]) -> Vec<&Gap> {
    let missed = records.iter().filter_map(|record| match &record.said {
        Said::Missed(gap) if gap.scope.as_str().starts_with("interface:") => Some(gap),
        _ => None,
    });
    missed.collect()
}

fn line(used: &ReportedUse) -> String {
    let mut line = format!(
        "{} {} {}/{}",
        used.kind,
        used.product,
        used.port.unwrap(),
        used.transport
    );
    if used.protection == Some(Protection::Starttls) {
        line.push_str(" STARTTLS");
    }
    let mut add = |word: &str, what: Option<String>| {
        if let Some(what) = what {
            line.push_str(&format!(" {word} {what}"));
        }
    };
    add("as", used.account.as_ref().map(|a| a.lossy().into_owned()));
    add("by", used.mechanism.clone());
    add("for", used.service.as_ref().map(|s| s.lossy().into_owned()));
    line
}

#[test]
fn what_crosses_an_interface_is_told_and_nothing_else() {
    if let Some(lack) = lack() {
        groma_tests::skip(lack);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/listen/scene.sh");
    let done = Command::new("bash")
        .arg(scene)
        .arg(std::env::var_os("GROMA_AGENT_BIN").unwrap())
        .arg(folder.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("look ended with 0"), "{said}");
    let read = |name: &str| records(&folder.path().join(name));

    let quiet = read("quiet.json");
    assert_eq!(facts(&quiet), Vec::<&Fact>::new(), "a quiet interface");
    assert_eq!(gaps(&quiet), Vec::<&Gap>::new());
    let covers = quiet.iter().any(|record| match &record.said {
        Said::Covered(covered) => {
            covered.scope.as_str().starts_with("interface:")
                && covered.state == CoverageState::Partial
        }
        _ => false,
    });
    assert!(covers, "it says that it listened: {quiet:?}");

    for (name, reason, remedy) in [
        ("refused.json", Reason::PermissionDenied, "CAP_NET_RAW"),
        ("absent.json", Reason::NotPresent, "ip link"),
    ] {
        let told = read(name);
        assert_eq!(facts(&told), Vec::<&Fact>::new(), "{name}");
        let gaps = gaps(&told);
        assert_eq!(gaps.len(), 1, "{name}: {gaps:?}");
        assert_eq!(gaps[0].reason, reason, "{name}");
        assert!(gaps[0].remedy.as_ref().unwrap().contains(remedy));
    }

    let own = read("own.json");
    let told = facts(&own);
    let is_need = |fact: &&Fact| matches!(fact, Fact::PacketUse(_));
    assert!(!told.iter().any(is_need), "what groma says: {told:?}");
    let asked = own.iter().any(|record| match &record.said {
        Said::Missed(gap) => gap.what.contains("the resolver answered"),
        _ => record.source.as_str() == "names.mail" && matches!(record.said, Said::Saw(_)),
    });
    assert!(asked, "it asked a name server: {own:?}");

    let scene = read("scene.json");
    let uses: BTreeSet<String> = facts(&scene)
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::PacketUse(used) => Some(used),
            _ => None,
        })
        .inspect(|used| assert_eq!(used.log.lossy(), "eth0"))
        .map(line)
        .collect();
    let expected: BTreeSet<String> = USED.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(uses, expected);
    let lost = gaps(&scene)
        .into_iter()
        .find(|gap| gap.what.contains("had no room"));
    assert_eq!(lost, None);
    let met = facts(&scene).into_iter().any(|fact| {
        matches!(fact, Fact::Sighting(met) if met.by == "dhcp" && met.mac.as_deref() == Some("02:00:5e:10:00:31"))
    });
    assert!(met, "who got an address is met");

    let told_to_use: BTreeSet<String> = facts(&scene)
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::DirectoryNeed(need) if need.reason == NeedReason::HandedOut => Some(need),
            _ => None,
        })
        .map(|need| match need.port {
            Some(port) => format!("{} {}:{port}", need.kind, need.provider),
            None => format!("{} {}", need.kind, need.provider),
        })
        .collect();
    let expected = [
        "dns 10.77.0.1:53",
        "gateway 10.77.0.1",
        "http wpad.corp.example:8080",
        "ntp 10.77.0.1:123",
        "other boot1.corp.example:69",
    ];
    assert_eq!(told_to_use, expected.map(str::to_owned).into());

    // The card is as it was: heard everybody while somebody listened, and does not any more.
    let modes = std::fs::read_to_string(folder.path().join("promiscuity")).unwrap();
    assert_eq!(modes, "\"promiscuity\":1\n\"promiscuity\":0\n");
    for name in ["scene.json", "scene.log", "quiet.json"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!text.to_lowercase().contains("secret"), "{name} holds one");
    }
}
