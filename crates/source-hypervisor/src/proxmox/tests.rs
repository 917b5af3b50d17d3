//! Against a server of our own that answers as the maker's description says; it was not recorded from a real one.

mod rights;

use std::io::{self, Write};
use std::time::Duration;

use groma_model::virtualization::{Guest, PlatformKind};
use groma_model::{CoverageState, Fact};
use groma_source::{Budget, Recorder, Source};
use groma_trust::Trust;
use zeroize::Zeroizing;

use crate::access::{Access, Logon};
use crate::testing::{Asked, Server, machine, whole};
use crate::{HypervisorSource, NAME};

macro_rules! answer {
    ($name:literal) => {
        include_str!(concat!("../../../platform/tests/fixtures/proxmox/", $name))
    };
}

const TOKEN: &str = "groma@pve!look=4f1c6d1e-s3cret-of-a-test";
const TICKET: &str = r#"{"data":{"username":"groma@pve","ticket":"PVE:groma@pve:6500::abc","CSRFPreventionToken":"x"}}"#;

/// Answers of a healthy cluster, of which one node is off.
fn answered(path: &str) -> (&'static str, &'static str) {
    let found = match path {
        "/version" => r#"{"data":{"version":"8.1.3","release":"8.1"}}"#,
        "/cluster/status" => answer!("cluster-status.json"),
        "/access/permissions" => {
            r#"{"data":{"/":{"VM.Audit":1,"Sys.Audit":1,"Datastore.Audit":1},"/vms/104":{"VM.Audit":1}}}"#
        }
        "/cluster/resources" => answer!("cluster-resources.json"),
        "/storage" => answer!("storage.json"),
        "/cluster/backup" => answer!("cluster-backup.json"),
        "/cluster/ha/resources" => answer!("ha-resources.json"),
        "/cluster/ha/groups" => answer!("ha-groups.json"),
        "/cluster/ha/status/manager_status" => answer!("ha-manager.json"),
        "/cluster/ha/rules" => return ("501 Method not implemented", r#"{"data":null}"#),
        "/nodes/pve1/status" => answer!("node-status.json"),
        "/nodes/pve1/network" => answer!("node-network.json"),
        "/nodes/pve1/dns" => answer!("node-dns.json"),
        "/nodes/pve1/storage" => answer!("node-storage.json"),
        "/nodes/pve1/qemu/104/config?current=1" => answer!("qemu-104-config.json"),
        "/nodes/pve1/qemu/104/snapshot" => answer!("qemu-104-snapshot.json"),
        "/nodes/pve1/qemu/104/rrddata?timeframe=week" => answer!("qemu-104-rrddata.json"),
        "/nodes/pve1/qemu/104/agent/network-get-interfaces" => answer!("agent-interfaces.json"),
        "/nodes/pve1/qemu/104/agent/get-osinfo" => answer!("agent-osinfo.json"),
        "/nodes/pve1/qemu/104/agent/get-host-name" => answer!("agent-host-name.json"),
        "/nodes/pve1/lxc/105/config?current=1" => answer!("lxc-105-config.json"),
        "/nodes/pve1/lxc/105/interfaces" => answer!("lxc-105-interfaces.json"),
        "/nodes/pve1/qemu/106/config?current=1" => answer!("qemu-106-config.json"),
        "/nodes/pve1/qemu/9000/config?current=1" => answer!("qemu-9000-config.json"),
        other if other.ends_with("/snapshot") || other.ends_with("week") => r#"{"data":[]}"#,
        _ => return ("404 Not Found", r#"{"data":null,"message":"no such path"}"#),
    };
    ("200 OK", found)
}

/// A server that asks everybody who it is, and does nothing but tell.
fn server(
    instead: impl Fn(&str) -> Option<(&'static str, &'static str)> + Send + Sync + 'static,
) -> Server {
    Server::secured(move |asked, out| {
        let mut words = asked.line.split(' ');
        let (verb, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let path = path.strip_prefix("/api2/json").unwrap_or("elsewhere");
        match (verb, path) {
            ("POST", "/access/ticket") => ticket(asked, out),
            ("GET", path) if is_let_in(asked) => {
                let (status, body) = instead(path).unwrap_or_else(|| answered(path));
                whole(out, status, body)
            }
            ("GET", _) => whole(out, "401 No ticket", ""),
            _ => whole(out, "403 Permission check failed", r#"{"data":null}"#),
        }
    })
}

fn ticket(asked: &Asked, out: &mut dyn Write) -> io::Result<()> {
    match asked.body.as_str() {
        "username=groma%40pve&password=p%26w%20%C3%A9" => whole(out, "200 OK", TICKET),
        _ => whole(out, "401 authentication failure", r#"{"data":null}"#),
    }
}

fn is_let_in(asked: &Asked) -> bool {
    let token = format!("authorization: PVEAPIToken={TOKEN}").to_lowercase();
    let cookie = "cookie: pveauthcookie=pve:groma@pve:6500::abc";
    asked
        .head
        .iter()
        .any(|line| *line == token || line == cookie)
}

fn access(server: &Server, logon: Logon) -> Access {
    Access {
        kind: PlatformKind::Proxmox,
        url: server.url.clone(),
        logon,
        trust: Trust::Fingerprint(server.print),
        own_certificate: None,
        ask_guests: false,
    }
}

fn token(text: &str) -> Logon {
    Logon::Token(Zeroizing::new(text.to_owned()))
}

fn password(text: &str) -> Logon {
    Logon::Password {
        user: "groma@pve".to_owned(),
        password: Zeroizing::new(text.to_owned()),
    }
}

fn looked(access: Access, limit: Duration) -> Recorder {
    let (world, window) = machine(limit);
    let mut recorder = Recorder::new(groma_model::SourceName::new(NAME));
    HypervisorSource::new(world, vec![access]).look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn look(server: &Server) -> Recorder {
    looked(access(server, token(TOKEN)), Duration::from_secs(60))
}

fn guests(recorder: &Recorder) -> Vec<&Guest> {
    let guests = recorder.facts().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    guests.collect()
}

fn guest<'a>(recorder: &'a Recorder, key: &str) -> &'a Guest {
    guests(recorder)
        .into_iter()
        .find(|guest| guest.key == key)
        .unwrap()
}

fn gaps(recorder: &Recorder) -> Vec<String> {
    let gaps = recorder
        .gaps()
        .map(|gap| format!("{:?}: {}", gap.reason, gap.what));
    gaps.collect()
}

fn states(recorder: &Recorder) -> Vec<CoverageState> {
    recorder.coverage().map(|coverage| coverage.state).collect()
}

#[test]
fn a_cluster_is_read_with_a_token_and_only_by_reading() {
    let server = server(|_| None);
    let recorder = look(&server);
    let keys: Vec<&str> = guests(&recorder)
        .iter()
        .map(|guest| guest.key.as_str())
        .collect();
    assert_eq!(
        keys,
        ["lxc/105", "qemu/104", "qemu/106", "qemu/9000"],
        "no 107, whose node is off"
    );
    assert_eq!(
        guest(&recorder, "qemu/104")
            .host_name
            .as_ref()
            .unwrap()
            .as_str(),
        "mail1.corp.example"
    );
    assert_eq!(
        gaps(&recorder),
        ["Unreachable: node pve2 and its guests: the cluster does not reach it"]
    );
    assert_eq!(states(&recorder), [CoverageState::Partial]);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.line.starts_with("GET ")));
    assert!(
        !asked.iter().any(|asked| asked.line.contains("pve2")),
        "who is off is not asked"
    );
    assert_eq!(
        server.connections(),
        1,
        "one question after the other, on one connection"
    );
}

/// A lone node with one guest, all of which can be seen.
fn lone_node(path: &str) -> Option<(&'static str, &'static str)> {
    let told = match path {
        "/cluster/status" => r#"{"data":[{"type":"node","name":"pve1","online":1,"local":1}]}"#,
        "/cluster/resources" => {
            r#"{"data":[{"type":"qemu","vmid":104,"node":"pve1","status":"running","name":"mail1"}]}"#
        }
        _ => return None,
    };
    Some(("200 OK", told))
}

#[test]
fn a_cluster_without_a_hole_is_seen_completely() {
    let server = server(lone_node);
    let recorder = look(&server);
    assert_eq!(
        (gaps(&recorder), states(&recorder)),
        (vec![], vec![CoverageState::Complete])
    );
    assert_eq!(
        guest(&recorder, "qemu/104").platform.id,
        "pve1.corp.example"
    );
}

#[test]
fn a_password_is_sent_once_and_a_ticket_opens_the_rest() {
    let server = server(|_| None);
    let recorder = looked(
        access(&server, password("p&w \u{e9}")),
        Duration::from_secs(60),
    );
    assert_eq!(guests(&recorder).len(), 4);
    let posts = server
        .asked()
        .iter()
        .filter(|asked| asked.line.starts_with("POST"))
        .count();
    assert_eq!(posts, 1);
}

#[test]
fn a_wrong_password_or_token_is_tried_once_and_not_shown() {
    for logon in [
        password("wrong-s3cret"),
        token("groma@pve!look=wrong-s3cret"),
        Logon::Nobody,
    ] {
        let server = server(|_| None);
        let recorder = looked(access(&server, logon), Duration::from_secs(60));
        let [gap] = recorder.gaps().collect::<Vec<_>>()[..] else {
            panic!("{:?}", gaps(&recorder))
        };
        assert!(
            gap.remedy
                .as_ref()
                .is_some_and(|remedy| remedy.contains("token"))
        );
        assert!(server.asked().len() <= 2, "{:?}", server.asked());
        assert!(!format!("{:?}", recorder.records).contains("s3cret"));
        assert_eq!(recorder.facts().count(), 0);
    }
}

#[test]
fn nothing_is_sent_to_a_server_nobody_named() {
    let server = server(|_| None);
    let access = Access {
        trust: Trust::Nothing,
        ..access(&server, token(TOKEN))
    };
    let recorder = looked(access, Duration::from_secs(60));
    assert!(
        gaps(&recorder)[0].starts_with("Locked: "),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(server.asked(), []);
}

#[test]
fn a_helper_that_is_off_is_no_hole() {
    let server = server(|path| {
        path.contains("/agent/").then_some((
            "500 QEMU guest agent is not running",
            r#"{"data":null,"message":"QEMU guest agent is not running\n"}"#,
        ))
    });
    let recorder = look(&server);
    let mail = guest(&recorder, "qemu/104");
    assert_eq!(mail.tools.as_ref().unwrap().running, Some(false));
    assert!(mail.nics[0].addresses.is_empty());
    assert_eq!(
        recorder.gaps().count(),
        1,
        "the node that is off, and nothing else: {:?}",
        gaps(&recorder)
    );
    let asked = server
        .asked()
        .iter()
        .filter(|asked| asked.line.contains("/agent/"))
        .count();
    assert_eq!(asked, 1, "who does not answer once is not asked again");
}

#[test]
fn a_token_without_rights_makes_no_platform() {
    let server = server(|_| Some(("403 Permission check failed", r#"{"data":null}"#)));
    let recorder = look(&server);
    assert_eq!(recorder.facts().count(), 0);
    let gap = recorder.gaps().next().unwrap();
    assert_eq!(
        (recorder.gaps().count(), &gap.reason),
        (1, &groma_model::Reason::PermissionDenied)
    );
    assert!(gap.remedy.as_ref().unwrap().contains("PVEAuditor"));
}

#[test]
fn a_guest_that_went_away_meanwhile_is_told_and_the_rest_goes_on() {
    for refusal in [
        (
            "500 Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist",
            r#"{"data":null,"message":"Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist\n"}"#,
        ),
        ("404 Not Found", "{}"),
    ] {
        let server = server(move |path| path.contains("qemu/104/config").then_some(refusal));
        let recorder = look(&server);
        assert!(
            gaps(&recorder)
                .iter()
                .any(|gap| gap.starts_with("Vanished: ")),
            "{:?}",
            gaps(&recorder)
        );
        assert!(!guest(&recorder, "qemu/106").disks.is_empty());
    }
}

#[test]
fn a_node_that_does_not_answer_is_left_and_the_rest_goes_on() {
    let server = server(|path| match path {
        "/cluster/status" => Some((
            "200 OK",
            r#"{"data":[{"type":"cluster","name":"prod"},{"type":"node","name":"pve1","online":1},{"type":"node","name":"pve0","online":1}]}"#,
        )),
        path if path.starts_with("/nodes/pve0") => Some(("595 No route to host", "")),
        _ => None,
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.contains("node pve0") && gap.contains("595")),
        "{:?}",
        gaps(&recorder)
    );
    let asked = server
        .asked()
        .iter()
        .filter(|asked| asked.line.contains("/nodes/pve0"))
        .count();
    assert_eq!(asked, 1);
    assert!(guest(&recorder, "qemu/104").uuid.is_some());
}

#[test]
fn an_answer_that_is_no_json_is_a_hole_of_its_own() {
    let server = server(|path| {
        path.contains("qemu/104/config")
            .then_some(("200 OK", "<html>maintenance</html>"))
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.starts_with("Malformed: /nodes/pve1/qemu/104/config")),
        "{:?}",
        gaps(&recorder)
    );
    assert!(guest(&recorder, "lxc/105").host_name.is_some());
}

#[test]
fn an_answer_without_an_end_is_cut_and_the_rest_goes_on() {
    let server = Server::secured(|asked, out| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let path = path.strip_prefix("/api2/json").unwrap_or_default();
        if !path.contains("rrddata") {
            let (status, body) = answered(path);
            return whole(out, status, body);
        }
        write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")?;
        let piece = vec![b' '; 1 << 20];
        (0..100).try_for_each(|_| out.write_all(&piece))
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.starts_with("TooLarge: ")),
        "{:?}",
        gaps(&recorder)
    );
    assert!(guest(&recorder, "qemu/106").disks.len() == 2);
}

#[test]
fn a_ticket_that_runs_out_keeps_what_was_read() {
    let server = server(|path| {
        path.contains("qemu/106")
            .then_some(("401 permission denied - invalid PVE ticket", ""))
    });
    let recorder = looked(
        access(&server, password("p&w \u{e9}")),
        Duration::from_secs(60),
    );
    assert!(
        gaps(&recorder).iter().any(|gap| gap.contains("ran out")),
        "{:?}",
        gaps(&recorder)
    );
    let keys: Vec<&str> = guests(&recorder)
        .iter()
        .map(|guest| guest.key.as_str())
        .collect();
    assert_eq!(keys, ["lxc/105", "qemu/104"]);
    assert_eq!(states(&recorder), [CoverageState::Partial]);
}

#[test]
fn a_server_that_says_nothing_ends_the_look_with_its_time() {
    let server = Server::secured(|_, out| {
        out.flush()?;
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    });
    let recorder = looked(access(&server, token(TOKEN)), Duration::from_millis(300));
    assert!(
        gaps(&recorder)[0].starts_with("BudgetExhausted: "),
        "{:?}",
        gaps(&recorder)
    );
}

#[test]
fn a_helper_that_hangs_is_silent_and_its_node_is_not_given_up() {
    let hangs = ("596 Connection timed out", "");
    let server = server(move |path| path.contains("/agent/").then_some(hangs));
    let recorder = look(&server);
    let mail = guest(&recorder, "qemu/104");
    assert_eq!(mail.tools.as_ref().unwrap().running, Some(false));
    assert!(!guest(&recorder, "qemu/106").disks.is_empty());
    assert_eq!(recorder.gaps().count(), 1, "{:?}", gaps(&recorder));
}

#[test]
fn one_answer_that_breaks_off_is_one_hole_and_three_are_an_end() {
    for (broken, guests_read) in [("qemu/104/snapshot", 4), ("qemu/", 1)] {
        let server = Server::secured(move |asked, out| {
            let path = asked.line.split(' ').nth(1).unwrap_or_default();
            let path = path.strip_prefix("/api2/json").unwrap_or_default();
            if path.contains(broken) {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{{")?;
                return Err(io::ErrorKind::Other.into());
            }
            let (status, body) = answered(path);
            whole(out, status, body)
        });
        let recorder = look(&server);
        assert_eq!(
            guests(&recorder).len(),
            guests_read,
            "those whose settings were read: {:?}",
            gaps(&recorder)
        );
        assert!(recorder.gaps().count() >= 2);
        assert_eq!(states(&recorder), [CoverageState::Partial]);
    }
}
