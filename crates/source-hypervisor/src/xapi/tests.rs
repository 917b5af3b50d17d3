//! Against a server of our own that answers as the maker's description says; it was not recorded from a real one.

mod refusals;

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_model::virtualization::{Guest, PlatformKind};
use groma_model::{CoverageState, Fact};
use groma_platform::xapi::Class;
use groma_source::{Budget, Recorder, Source};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::access::{Access, Logon};
use crate::testing::{Asked, Server, machine, whole};
use crate::{HypervisorSource, NAME};
use groma_trust::Trust;

macro_rules! answer {
    ($name:literal) => {
        include_str!(concat!(
            "../../../platform/tests/fixtures/xapi/",
            $name,
            ".json"
        ))
    };
}

const PASSWORD: &str = "p\"w \u{e9} of-a-test";

fn answer(class: &str) -> Option<&'static str> {
    Some(match class {
        "pool" => answer!("pool"),
        "host" => answer!("host"),
        "host_metrics" => answer!("host_metrics"),
        "PIF" => answer!("PIF"),
        "PIF_metrics" => answer!("PIF_metrics"),
        "Bond" => answer!("Bond"),
        "network" => answer!("network"),
        "PCI" => answer!("PCI"),
        "PUSB" => answer!("PUSB"),
        "GPU_group" => answer!("GPU_group"),
        "SR" => answer!("SR"),
        "PBD" => answer!("PBD"),
        "VM" => answer!("VM"),
        "VM_guest_metrics" => answer!("VM_guest_metrics"),
        "VIF" => answer!("VIF"),
        "VBD" => answer!("VBD"),
        "VDI" => answer!("VDI"),
        "VGPU" => answer!("VGPU"),
        "VUSB" => answer!("VUSB"),
        "VM_appliance" => answer!("VM_appliance"),
        "VM_group" => answer!("VM_group"),
        _ => return None,
    })
}

fn no(code: &str, words: &[&str]) -> String {
    json!({"jsonrpc": "2.0", "error": {"code": 1, "message": code, "data": words}, "id": 1})
        .to_string()
}

fn yes(result: &Value) -> String {
    json!({"jsonrpc": "2.0", "result": result, "id": 1}).to_string()
}

/// What was called, and with what.
fn called(asked: &Asked) -> (String, Vec<String>) {
    let call: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    assert_eq!(call["jsonrpc"], "2.0");
    let words = call["params"].as_array().into_iter().flatten();
    let words = words.map(|word| word.as_str().unwrap_or_default().to_owned());
    (
        call["method"].as_str().unwrap_or_default().to_owned(),
        words.collect(),
    )
}

/// What a healthy pool answers to whom it let in as `session`.
fn answered(session: &str, method: &str, words: &[String]) -> String {
    if words.first().map(String::as_str) != Some(session) {
        return no(
            "SESSION_INVALID",
            &[words.first().map_or("", String::as_str)],
        );
    }
    let (class, verb) = method.split_once('.').unwrap_or_default();
    let all = || -> Value { serde_json::from_str(answer(class).unwrap_or("{}")).unwrap() };
    match verb {
        _ if method == "session.logout" => yes(&json!("")),
        "get_all_records" => {
            answer(class).map_or_else(|| no("MESSAGE_METHOD_UNKNOWN", &[method]), str::to_owned)
        }
        "get_all" => {
            let all = all();
            let keys = all["result"].as_object().unwrap().keys();
            yes(&keys.cloned().collect::<Vec<_>>().into())
        }
        "get_record" => match all()["result"].get(&words[1]) {
            Some(record) => yes(record),
            None => no("HANDLE_INVALID", &[class, &words[1]]),
        },
        _ => no("RBAC_PERMISSION_DENIED", &[method, "no permission"]),
    }
}

/// A server that lets one user in, gives each log-on a session of its own, and does nothing but tell. `instead` may answer a
/// call in its place, the how-manieth log-on this is at hand.
fn server(
    instead: impl Fn(usize, &str, &[String]) -> Option<String> + Send + Sync + 'static,
) -> Server {
    let sessions = AtomicUsize::new(0);
    Server::secured(move |asked, out| {
        let (method, words) = called(asked);
        assert_eq!(asked.line, "POST /jsonrpc HTTP/1.1");
        let now = sessions.load(Ordering::SeqCst);
        if let Some(answer) = instead(now, &method, &words) {
            return whole(out, "200 OK", &answer);
        }
        if method == "session.login_with_password" {
            return logged_on(&sessions, &words, out);
        }
        let answer = answered(&format!("OpaqueRef:session-{now}"), &method, &words);
        whole(out, "200 OK", &answer)
    })
}

fn logged_on(sessions: &AtomicUsize, words: &[String], out: &mut dyn Write) -> io::Result<()> {
    match words == ["reader", PASSWORD, "1.0", "groma"] {
        true => {
            let now = sessions.fetch_add(1, Ordering::SeqCst) + 1;
            whole(
                out,
                "200 OK",
                &yes(&json!(format!("OpaqueRef:session-{now}"))),
            )
        }
        false => whole(
            out,
            "200 OK",
            &no("SESSION_AUTHENTICATION_FAILED", &["reader", "s3cret"]),
        ),
    }
}

fn access(server: &Server, password: &str) -> Access {
    Access {
        kind: PlatformKind::Xapi,
        url: server.url.clone(),
        logon: Logon::Password {
            user: "reader".to_owned(),
            password: Zeroizing::new(password.to_owned()),
        },
        trust: Trust::Fingerprint(server.print),
        own_certificate: None,
        ask_guests: false,
    }
}

fn looked(platforms: Vec<Access>, limit: Duration) -> Recorder {
    let (world, window) = machine(limit);
    let mut recorder = Recorder::new(groma_model::SourceName::new(NAME));
    HypervisorSource::new(world, platforms).look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn look(server: &Server) -> Recorder {
    looked(vec![access(server, PASSWORD)], Duration::from_secs(120))
}

fn guests(recorder: &Recorder) -> Vec<Guest> {
    let facts = recorder.facts().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some((**guest).clone()),
        _ => None,
    });
    facts.collect()
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

/// How often each call was made.
fn count(server: &Server, method: &str) -> usize {
    let asked = server.asked();
    asked
        .iter()
        .filter(|asked| called(asked).0 == method)
        .count()
}

#[test]
fn a_pool_is_read_with_one_log_on_and_only_by_reading() {
    let server = server(|_, _, _| None);
    let recorder = look(&server);
    assert_eq!(
        (gaps(&recorder), states(&recorder)),
        (vec![], vec![CoverageState::Complete])
    );
    assert_eq!(guests(&recorder).len(), 5);
    let calls: Vec<String> = server.asked().iter().map(|asked| called(asked).0).collect();
    let (first, rest) = calls.split_first().unwrap();
    let (last, middle) = rest.split_last().unwrap();
    assert_eq!(
        (first.as_str(), last.as_str()),
        ("session.login_with_password", "session.logout")
    );
    let expected: Vec<String> = Class::ALL.into_iter().map(Class::all_records).collect();
    assert_eq!(middle, expected);
    assert_eq!(
        server.connections(),
        1,
        "one question after the other, on one connection"
    );
}

#[test]
fn a_class_a_version_does_not_have_is_no_hole_and_one_it_must_have_is() {
    let old = server(|_, method, _| {
        ["VM_group.get_all_records", "VUSB.get_all_records"]
            .contains(&method)
            .then(|| no("MESSAGE_METHOD_UNKNOWN", &[method]))
    });
    assert_eq!(
        states(&look(&old)),
        [CoverageState::Partial],
        "the guest points to a device"
    );
    let group = server(|_, method, _| {
        (method == "VM_group.get_all_records").then(|| no("MESSAGE_METHOD_UNKNOWN", &[method]))
    });
    assert_eq!(states(&look(&group)), [CoverageState::Complete]);
    let strange = server(|_, method, _| {
        (method == "SR.get_all_records").then(|| no("MESSAGE_METHOD_UNKNOWN", &[method]))
    });
    let recorder = look(&strange);
    assert!(
        gaps(&recorder)[0].contains("not all SR records"),
        "{:?}",
        gaps(&recorder)
    );
}

#[test]
fn a_session_that_ends_is_opened_once_again() {
    let ends = server(|now, method, _| {
        (now == 1 && method == "VM.get_all_records").then(|| no("SESSION_INVALID", &["x"]))
    });
    let recorder = look(&ends);
    assert_eq!(
        states(&recorder),
        [CoverageState::Complete],
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(count(&ends, "session.login_with_password"), 2);
    assert_eq!(count(&ends, "session.logout"), 1);
}

#[test]
fn a_session_that_ends_again_and_again_keeps_what_was_read() {
    let ends = server(|_, method, _| {
        (method == "VIF.get_all_records").then(|| no("SESSION_INVALID", &["x"]))
    });
    let recorder = look(&ends);
    assert_eq!(count(&ends, "session.login_with_password"), 2);
    assert_eq!(guests(&recorder).len(), 5);
    assert_eq!(
        gaps(&recorder),
        ["Refused: the session ended and ended again"]
    );
    assert_eq!(count(&ends, "VBD.get_all_records"), 0);
}

#[test]
fn records_that_are_too_long_together_are_asked_one_by_one() {
    let server = huge(|_, _| None);
    let recorder = look(&server);
    assert_eq!(guests(&recorder).len(), 5);
    assert_eq!(
        (gaps(&recorder), states(&recorder)),
        (vec![], vec![CoverageState::Complete])
    );
    assert_eq!(count(&server, "VM.get_all"), 1);
    assert_eq!(count(&server, "VM.get_record"), 9);
}

#[test]
fn a_guest_deleted_while_it_was_asked_for_is_told_and_the_rest_goes_on() {
    let server = huge(|method, words| {
        (method == "VM.get_record" && words[1] == "OpaqueRef:vm-old")
            .then(|| no("HANDLE_INVALID", &["VM", &words[1]]))
    });
    let recorder = look(&server);
    assert_eq!(guests(&recorder).len(), 4);
    assert_eq!(
        gaps(&recorder),
        ["Vanished: 1 records of VM went away meanwhile"]
    );
}

/// A server whose answer to `VM.get_all_records` has 100 MB.
fn huge(instead: impl Fn(&str, &[String]) -> Option<String> + Send + Sync + 'static) -> Server {
    let sessions = AtomicUsize::new(0);
    Server::secured(move |asked, out| {
        let (method, words) = called(asked);
        if method == "session.login_with_password" {
            return logged_on(&sessions, &words, out);
        }
        if method == "VM.get_all_records" {
            write!(
                out,
                "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n{{\"result\":{{\"r\":{{\"x\":\""
            )?;
            let piece = vec![b'x'; 1 << 20];
            return (0..100).try_for_each(|_| out.write_all(&piece));
        }
        let answer = instead(&method, &words)
            .unwrap_or_else(|| answered("OpaqueRef:session-1", &method, &words));
        whole(out, "200 OK", &answer)
    })
}
