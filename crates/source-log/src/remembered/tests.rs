use std::path::PathBuf;

use groma_model::SourceName;
use groma_source::Recorder;
use groma_source::testing::{FakeDisk, window, world};

use super::*;
use crate::kept::Kept;
use crate::read::Reader;

const SLAPD: &[u8] = include_bytes!("../../tests/recorded/slapd.log");
const MAIL: &[u8] = include_bytes!("../../tests/recorded/postfix-senders.log");

fn basis() -> Basis {
    Basis {
        schema: SCHEMA.to_owned(),
        program: "1".to_owned(),
        around: 7,
    }
}

/// What is kept of a machine with these two logs.
fn kept() -> Vec<String> {
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", MAIL)
        .file("/var/log/syslog", SLAPD);
    let world = world(disk);
    let (disk, window) = (world.disk.as_ref(), window(&world));
    let around = Surroundings::of(disk);
    let kept = Kept::default();
    let mut reader = Reader::new(disk, &window, (&around, &kept), 1 << 30);
    let paths = ["/var/log/mail.log", "/var/log/syslog"];
    let mut logs = reader.read(&paths, Before::default());
    let mut recorder = Recorder::new(SourceName::new("log.services"));
    keep(&mut logs, &basis(), &mut recorder);
    recorder.kept
}

#[test]
fn what_is_kept_is_read_again_as_it_was() {
    let lines = kept();
    let text = lines.join("\n") + "\n";
    let before = parse(text.as_bytes(), &basis()).unwrap();
    let logs: Vec<PathBuf> = before.logs().map(Path::to_owned).collect();
    assert_eq!(
        logs,
        ["/var/log/mail.log", "/var/log/syslog"].map(PathBuf::from)
    );
    for part in before.parts() {
        let once = serde_json::to_value(&part.reading).unwrap();
        let again: Reading = serde_json::from_value(once.clone()).unwrap();
        let again = serde_json::to_value(&again).unwrap();
        assert_eq!(sorted(once), sorted(again));
    }
    let other = Basis {
        around: 8,
        ..basis()
    };
    assert!(parse(text.as_bytes(), &other).is_none(), "another machine");
    assert!(parse(text.trim_end().as_bytes(), &basis()).is_none(), "cut");
}

/// Tables have no order.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            items.into()
        }
        serde_json::Value::Object(items) => {
            items.into_iter().map(|(k, v)| (k, sorted(v))).collect()
        }
        value => value,
    }
}

#[test]
fn no_line_no_address_of_mail_and_nothing_that_was_typed_is_kept() {
    let typed = "Nov 20 05:00:00 mail1 postfix/smtpd[9]: connect from a[10.1.1.1]\n\
        Nov 20 05:00:01 mail1 postfix/smtpd[9]: warning: a[10.1.1.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=Sommer2026!\n\
        Nov 20 05:00:02 mail1 postfix/smtpd[9]: disconnect from a[10.1.1.1] ehlo=1 auth=0/1 commands=1/2\n";
    let disk = FakeDisk::new().file("/var/log/mail.log", [MAIL, typed.as_bytes()].concat());
    let world = world(disk);
    let (disk, window) = (world.disk.as_ref(), window(&world));
    let around = Surroundings::of(disk);
    let kept = Kept::default();
    let mut reader = Reader::new(disk, &window, (&around, &kept), 1 << 30);
    let mut logs = reader.read(&["/var/log/mail.log"], Before::default());
    let mut recorder = Recorder::new(SourceName::new("log.services"));
    keep(&mut logs, &basis(), &mut recorder);
    let text = recorder.kept.join("\n");
    assert!(text.contains("\"mail\""), "{text}");
    assert!(!text.contains("Sommer2026"), "{text}");
    assert!(
        !text.contains('@') && !text.contains("message-id"),
        "{text}"
    );
}

#[test]
fn no_bytes_break_the_reader() {
    let text = kept().join("\n") + "\n";
    groma_fuzz::hammer(1_000, &[text.as_bytes()], |bytes| {
        if let Some(before) = parse(bytes, &basis()) {
            let around = Surroundings::of(&FakeDisk::new());
            let mut whole = Reading::default();
            for part in before.into_parts() {
                whole.go_back(part.reading, &around.zones);
            }
        }
    });
}

#[test]
fn long_text_is_kept_in_lines() {
    let text = "ä".repeat(LINE_MAX);
    let pieces = pieces(&text);
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() <= LINE_MAX));
    assert_eq!(pieces.concat(), text);
}
