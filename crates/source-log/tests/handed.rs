//! Journals that somebody handed over as text: what they tell is what the journal file itself tells.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::batch::Said;
use groma_model::{CoverageState, Fact, Reason, Timestamp};
use groma_source::testing::{FakeClock, FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_log::{JournalTexts, WindowsLogs};

fn packed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    std::fs::read(path).unwrap()
}

fn recorded(name: &str) -> Vec<u8> {
    zstd::stream::decode_all(packed(name).as_slice()).unwrap()
}

fn look_by(disk: FakeDisk, of: impl Fn(groma_source::World) -> Box<dyn Source>) -> Recorder {
    // Soon after the journals were recorded.
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_300_000)));
    let world = groma_source::World {
        clock,
        ..world(disk)
    };
    let window = window(&world);
    let mut source = of(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn look(disk: FakeDisk) -> Recorder {
    look_by(disk, |world| {
        Box::new(JournalTexts::new(world, vec![PathBuf::from("/srv")]))
    })
}

/// How often, who, what, as whom, how, at which port and how protected.
fn lines(recorder: &Recorder) -> BTreeSet<String> {
    let uses = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(o) => match &o.fact {
                Fact::ReportedUse(used) if used.mail.is_none() => {
                    assert_eq!(used.provider.to_string(), "mail1");
                    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                    Some(format!(
                        "{}× {} {} {} {} {} {}",
                        o.seen.count,
                        used.consumer,
                        used.product,
                        text(used.account.as_ref().map(ToString::to_string)),
                        text(used.mechanism.clone()),
                        text(used.port.map(|port| port.to_string())),
                        text(used.protection.map(|way| format!("{way:?}"))),
                    ))
                }
                Fact::ReportedUse(_) => None,
                other => panic!("{other:?}"),
            },
            _ => None,
        });
    uses.collect()
}

fn gaps(recorder: &Recorder) -> Vec<String> {
    recorder.gaps().map(|gap| gap.what.clone()).collect()
}

const NAMES: [&str; 4] = [
    "journal.export.zst",
    "journal.json.zst",
    "journal-seq.json.zst",
    "journal-sse.json.zst",
];

/// What the journal file tells of the same machine (tests/recorded.rs), of this machine as told by another.
const ROWS: [&str; 6] = [
    "1× 10.20.1.21 Dovecot anna PLAIN - -",
    "2× 10.20.1.31 Dovecot anna PLAIN - -",
    "1× 10.20.1.21 Dovecot scan PLAIN - None",
    "2× 10.20.1.21 OpenSSH - publickey 22 -",
    "1× 10.20.1.31 OpenSSH - password 22 -",
    "1× 10.20.1.201 Postfix - - 25 -",
];

#[test]
fn every_form_tells_what_the_journal_itself_tells() {
    let mut all: Vec<BTreeSet<String>> = Vec::new();
    for name in NAMES {
        let looked = look(FakeDisk::new().file("/srv/mail1.journal", recorded(name)));
        assert_eq!(gaps(&looked), Vec::<String>::new(), "{name}");
        let of_machine = looked
            .coverage()
            .find(|c| c.scope.as_str() == "log:journal of mail1")
            .unwrap();
        assert_eq!(of_machine.state, CoverageState::Complete, "{name}");
        assert_eq!(of_machine.from.minute(), "2026-11-21 00:45", "{name}");
        all.push(lines(&looked));
    }
    let packed = look(FakeDisk::new().file("/srv/mail1.zst", packed("journal.export.zst")));
    all.push(lines(&packed));
    let want: BTreeSet<String> = ROWS.map(str::to_owned).into();
    for told in &all {
        assert_eq!(told, &want);
    }
}

#[test]
fn an_entry_that_two_exports_hold_counts_once() {
    let one = FakeDisk::new().file("/srv/a", recorded("journal.export.zst"));
    let once = lines(&look(one));
    let disk = FakeDisk::new()
        .file("/srv/a", recorded("journal.export.zst"))
        .file("/srv/b", recorded("journal.json.zst"));
    assert_eq!(lines(&look(disk)), once);
}

#[test]
fn what_is_cut_backward_or_left_out_is_a_gap_with_its_place() {
    let whole = recorded("journal.export.zst");
    let cut = look(FakeDisk::new().file("/srv/a", &whole[..whole.len() - 700]));
    assert_eq!(
        gaps(&cut),
        ["/srv/a: it ends within an entry, the one behind entry 46"]
    );
    let backward = look(FakeDisk::new().file("/srv/a", recorded("journal-reverse.export.zst")));
    assert_eq!(gaps(&backward), ["/srv/a: its entries run backward"]);
    let short = look(FakeDisk::new().file("/srv/a", recorded("journal-short.json.zst")));
    assert_eq!(
        gaps(&short),
        ["/srv/a: 1 entries whose message is too long"]
    );
    let gap = short.gaps().next().unwrap();
    assert!(gap.reason == Reason::TooLarge && gap.remedy.as_deref().unwrap().contains("--all"));
    for looked in [&cut, &backward, &short] {
        let partial = looked
            .coverage()
            .filter(|c| c.state == CoverageState::Partial);
        assert_eq!(partial.count(), 2, "the file and the machine");
    }
}

#[test]
fn who_reads_windows_logs_leaves_a_journal_alone_and_the_other_way_round() {
    let named = || vec![PathBuf::from("/srv/a"), PathBuf::from("/srv/b")];
    let disk = || {
        FakeDisk::new()
            .file("/srv/a", recorded("journal.json.zst"))
            .file("/srv/b", packed("journal.export.zst"))
    };
    let windows = look_by(disk(), |world| Box::new(WindowsLogs::new(world, named())));
    assert_eq!(gaps(&windows), Vec::<String>::new());
    let table = "#Software: Microsoft Exchange Server\r\n#Fields: date-time\r\n";
    let other = look(
        FakeDisk::new()
            .file("/srv/a", table)
            .file("/srv/b", "{\"a\":1}\n"),
    );
    assert!(other.records.is_empty(), "{:?}", other.records);
}

#[test]
fn a_machine_without_a_name_is_not_made_one() {
    let text = String::from_utf8_lossy(&recorded("journal.json.zst"))
        .replace("\"mail1\"", "\"localhost\"");
    let looked = look(FakeDisk::new().file("/srv/a", text));
    assert!(lines(&looked).is_empty());
    assert_eq!(gaps(&looked), ["48 entries that name no machine"]);
}
