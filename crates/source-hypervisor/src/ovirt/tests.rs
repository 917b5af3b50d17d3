//! Against a server of our own that answers as the maker's description says; it was not recorded from a real engine.

mod parts;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_model::virtualization::{Guest, Hypervisor, PlatformKind};
use groma_model::{CoverageState, Fact};
use groma_source::{Budget, Recorder, Source};
use zeroize::Zeroizing;

use crate::access::{Access, Logon};
use crate::testing::{Asked, Server, machine, whole};
use crate::{HypervisorSource, NAME};
use groma_trust::Trust;

macro_rules! answer {
    ($name:literal) => {
        include_str!(concat!("../../../platform/tests/fixtures/ovirt/", $name))
    };
}

const FORM: &str =
    "grant_type=password&scope=ovirt-app-api&username=groma%40internal&password=p%26w%20%C3%A9";
const GRANTED: &str = r#"{"access_token":"t0ken-of-a-test","scope":"ovirt-app-api","exp":"9223372036854775807","token_type":"bearer"}"#;
const REFUSED: &str = r#"{"error_code":"access_denied","error":"Cannot authenticate user 'groma@internal': the user name or password is incorrect."}"#;
const BACK: &str = "scope=&token=t0ken-of-a-test";

/// `/ovirt-engine/api`, answered.
const GREETING: &str = answer!("api.json");

type Said = (&'static str, String);

/// The name of the list that is asked for: `vms`, and `devices` for those of machines.
fn list(path: &str) -> &str {
    let name = path.split('?').next().unwrap_or_default();
    match path.contains("all_content") {
        true => "devices",
        false => name.trim_start_matches('/'),
    }
}

/// Answers of a healthy engine.
fn answered(path: &str) -> Said {
    let found = match list(path) {
        "" => answer!("api.json"),
        "datacenters" => answer!("datacenters.json"),
        "clusters" => answer!("clusters.json"),
        "storagedomains" => answer!("storagedomains.json"),
        "networks" => answer!("networks.json"),
        "vnicprofiles" => answer!("vnicprofiles.json"),
        "hosts" => answer!("hosts.json"),
        "templates" => answer!("templates.json"),
        "vms" => answer!("vms.json"),
        "devices" => answer!("vms-devices.json"),
        _ => return ("404 Not Found", "{}".to_owned()),
    };
    ("200 OK", found.to_owned())
}

fn said(status: &'static str, body: &str) -> Option<Said> {
    Some((status, body.to_owned()))
}

/// A server that asks everybody who it is, does nothing but tell, and lets nobody in who gave the token back.
fn server(instead: impl Fn(&Asked, &str) -> Option<Said> + Send + Sync + 'static) -> Server {
    let left = Arc::new(AtomicUsize::new(0));
    Server::secured(move |asked, out| {
        let mut words = asked.line.split(' ');
        let verb = words.next().unwrap_or_default();
        let path = words.next().unwrap_or_default();
        match (verb, path) {
            ("POST", "/ovirt-engine/sso/oauth/token") => match asked.body.as_str() {
                FORM => whole(out, "200 OK", GRANTED),
                _ => whole(out, "400 Bad Request", REFUSED),
            },
            ("POST", "/ovirt-engine/services/sso-logout") if asked.body == BACK => {
                left.fetch_add(1, Ordering::SeqCst);
                whole(out, "200 OK", "{}")
            }
            ("GET", path) if is_let_in(asked) && left.load(Ordering::SeqCst) == 0 => {
                let path = path
                    .strip_prefix("/ovirt-engine/api")
                    .unwrap_or("/elsewhere");
                let (status, body) = instead(asked, path).unwrap_or_else(|| answered(path));
                whole(out, status, &body)
            }
            ("GET", _) => whole(out, "401 Unauthorized", ""),
            _ => whole(out, "405 Method Not Allowed", ""),
        }
    })
}

fn is_let_in(asked: &Asked) -> bool {
    let has = |line: &str| asked.head.iter().any(|one| one == line);
    has("authorization: bearer t0ken-of-a-test")
        && has("accept: application/json")
        && has("version: 4")
}

fn access(server: &Server, logon: Logon) -> Access {
    Access {
        kind: PlatformKind::Ovirt,
        url: server.url.clone(),
        logon,
        trust: Trust::Fingerprint(server.print),
        own_certificate: None,
        ask_guests: false,
    }
}

fn password(text: &str) -> Logon {
    Logon::Password {
        user: "groma@internal".to_owned(),
        password: Zeroizing::new(text.to_owned()),
    }
}

fn right() -> Logon {
    password("p&w \u{e9}")
}

fn looked(access: Access, limit: Duration) -> Recorder {
    let (world, window) = machine(limit);
    let mut recorder = Recorder::new(groma_model::SourceName::new(NAME));
    HypervisorSource::new(world, vec![access]).look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn look(server: &Server) -> Recorder {
    looked(access(server, right()), Duration::from_secs(60))
}

fn guests(recorder: &Recorder) -> Vec<&Guest> {
    let guests = recorder.facts().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    guests.collect()
}

fn named<'a>(recorder: &'a Recorder, name: &str) -> &'a Guest {
    let mut guests = guests(recorder).into_iter();
    guests.find(|guest| guest.name.to_string() == name).unwrap()
}

fn hosts(recorder: &Recorder) -> Vec<&Hypervisor> {
    let hosts = recorder.facts().filter_map(|fact| match fact {
        Fact::Hypervisor(host) => Some(&**host),
        _ => None,
    });
    hosts.collect()
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

/// The first words of what was asked, in order.
fn lines(server: &Server) -> Vec<String> {
    let asked = server.asked().into_iter();
    asked
        .map(|asked| {
            asked
                .line
                .replace(" HTTP/1.1", "")
                .replace("/ovirt-engine", "")
        })
        .collect()
}

fn count(server: &Server, begins: &str) -> usize {
    lines(server)
        .iter()
        .filter(|line| line.starts_with(begins))
        .count()
}

#[test]
fn an_engine_is_read_whole_by_one_log_on_and_eleven_questions() {
    let server = server(|_, _| None);
    let recorder = look(&server);
    assert_eq!(
        (gaps(&recorder), states(&recorder)),
        (vec![], vec![CoverageState::Complete])
    );
    assert_eq!((guests(&recorder).len(), hosts(&recorder).len()), (4, 2));
    assert_eq!(named(&recorder, "mail1").tpm, Some(true));
    let page = "search=sortby%20name%20asc%20page%201&max=100";
    assert_eq!(
        lines(&server),
        [
            "POST /sso/oauth/token".to_owned(),
            "GET /api".to_owned(),
            format!("GET /api/datacenters?{page}"),
            format!("GET /api/clusters?{page}&follow=affinity_groups"),
            format!("GET /api/storagedomains?{page}"),
            format!("GET /api/networks?{page}"),
            "GET /api/vnicprofiles".to_owned(),
            format!("GET /api/hosts?{page}&follow=nics,network_attachments"),
            format!("GET /api/templates?{page}&follow=disk_attachments.disk"),
            format!(
                "GET /api/vms?{page}&follow=nics,disk_attachments.disk,snapshots,cdroms,host_devices,numa_nodes"
            ),
            format!("GET /api/vms?{page}&all_content=true"),
            "POST /services/sso-logout".to_owned(),
        ]
    );
    assert_eq!(
        server.connections(),
        1,
        "one question after the other, on one connection"
    );
}

#[test]
fn a_wrong_password_is_tried_once_and_not_shown() {
    for logon in [
        password("wrong-s3cret"),
        Logon::Nobody,
        Logon::Token(Zeroizing::new("wrong-s3cret".to_owned())),
    ] {
        let server = server(|_, _| None);
        let recorder = looked(access(&server, logon), Duration::from_secs(60));
        let [gap] = recorder.gaps().collect::<Vec<_>>()[..] else {
            panic!("{:?}", gaps(&recorder))
        };
        assert!(
            gap.remedy
                .as_ref()
                .is_some_and(|remedy| remedy.contains("user")),
            "{gap:?}"
        );
        assert!(server.asked().len() <= 1, "{:?}", lines(&server));
        assert!(!format!("{:?}", recorder.records).contains("s3cret"));
        assert_eq!(
            (recorder.facts().count(), states(&recorder)),
            (0, vec![CoverageState::Partial])
        );
    }
}

#[test]
fn nothing_is_sent_to_a_server_nobody_named() {
    let server = server(|_, _| None);
    let access = Access {
        trust: Trust::Nothing,
        ..access(&server, right())
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
fn a_token_of_the_operator_is_used_and_not_given_back() {
    let server = server(|_, _| None);
    let token = Logon::Token(Zeroizing::new("t0ken-of-a-test\n".to_owned()));
    let recorder = looked(access(&server, token), Duration::from_secs(60));
    assert_eq!(gaps(&recorder), [""; 0]);
    assert_eq!(count(&server, "POST"), 0);
}

#[test]
fn a_session_that_ends_in_the_middle_is_opened_once_more() {
    let times = AtomicUsize::new(0);
    let server = server(move |_, path| {
        let is_first = list(path) == "hosts" && times.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| ("401 Unauthorized", String::new()))
    });
    let recorder = look(&server);
    assert_eq!((gaps(&recorder), guests(&recorder).len()), (vec![], 4));
    assert_eq!(count(&server, "POST /sso"), 2);
    assert_eq!(count(&server, "POST /services"), 1);
}

#[test]
fn a_session_that_ends_again_keeps_what_was_read() {
    let server =
        server(|_, path| (list(path) == "vms").then(|| ("401 Unauthorized", String::new())));
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.contains("ended the session")),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(
        (hosts(&recorder).len(), states(&recorder)),
        (2, vec![CoverageState::Partial])
    );
    assert_eq!(count(&server, "POST /sso"), 2, "no more than once anew");
    assert_eq!(count(&server, "POST /services"), 1, "and it is ended");
}

#[test]
fn a_server_that_says_nothing_ends_the_look_with_its_time() {
    let server = Server::secured(|_, out| {
        out.flush()?;
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    });
    let recorder = looked(access(&server, right()), Duration::from_millis(300));
    assert!(
        gaps(&recorder)[0].starts_with("BudgetExhausted: "),
        "{:?}",
        gaps(&recorder)
    );
}

#[test]
fn a_session_that_ends_at_two_questions_is_not_opened_a_third_time() {
    let times = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let server = server(move |_, path| {
        let at = ["hosts", "vms"]
            .iter()
            .position(|name| *name == list(path))?;
        let is_first = times[at].fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| ("401 Unauthorized", String::new()))
    });
    let recorder = look(&server);
    assert_eq!(count(&server, "POST /sso"), 2);
    assert_eq!((hosts(&recorder).len(), gaps(&recorder).len()), (2, 2));
    assert!(gaps(&recorder)[0].contains("ended the session"));
}

#[test]
fn what_answers_and_is_no_engine_is_told_so() {
    for (token, status, body, reason) in [
        ("<html>log on</html>", "200 OK", "", "NotThisService"),
        (GRANTED, "404 Not Found", "<html></html>", "NotThisService"),
        (GRANTED, "200 OK", "<html></html>", "Malformed"),
        (GRANTED, "302 Found", "", "NotThisService"),
        (
            r#"{"access_token":"a\r\nb: c"}"#,
            "200 OK",
            "",
            "NotThisService",
        ),
    ] {
        let server = Server::secured(move |asked, out| match asked.line.starts_with("POST") {
            true => whole(out, "200 OK", token),
            false => whole(out, status, body),
        });
        let recorder = look(&server);
        let gaps = gaps(&recorder);
        assert_eq!((gaps.len(), recorder.facts().count()), (1, 0));
        assert!(gaps[0].starts_with(reason), "{gaps:?}");
    }
}

#[test]
fn the_address_of_a_page_of_the_engine_is_one_of_the_engine() {
    for below in ["/ovirt-engine", "/ovirt-engine/api/", "/"] {
        let server = server(|_, _| None);
        let mut access = access(&server, right());
        access.url.push_str(below);
        let recorder = looked(access, Duration::from_secs(60));
        assert_eq!(gaps(&recorder), [""; 0], "{below}");
    }
}
