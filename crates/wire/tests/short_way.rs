//! What comes to a batch by the short way, out of what is known of the lines of the one before, is what comes to it in full.

mod common;

use common::{bytes, connection, header, listener, measurement, saw, small, unpack};
use groma_model::batch::{Batch, FactKey, Record};
use groma_model::fact::Account;
use groma_model::{Coverage, CoverageState, Fact, Scope, Seen, SourceName, Timestamp};
use groma_wire::{Limits, Mark, Received, WireError, against, receive_text, receive_told};
use proptest::prelude::*;

fn text(batch: &Batch) -> Vec<u8> {
    unpack(&bytes(batch)).into_bytes()
}

fn outcome(received: Result<Received, WireError>) -> Result<(Batch, String, Vec<Mark>), String> {
    let received = received.map_err(|error| error.to_string())?;
    let quoted = format!("{:?}", received.quoted);
    Ok((received.batch, quoted, received.marks))
}

/// Both ways from `base`, of whose facts every `kept`th was kept as it stood, to `text`. Says how many lines went the short way at least.
fn both(base: &[u8], text: &[u8], kept: usize, limits: &Limits) -> usize {
    let Some(patch) = against::write(text, base) else {
        return 0;
    };
    let first = receive_text(base, &Limits::network(), &|_| false);
    let marks = first.map(|first| first.marks).unwrap_or_default();
    let keep = |(at, mark): (usize, Mark)| match at % kept {
        0 => mark,
        _ => Mark::default(),
    };
    let marks: Vec<Mark> = marks.into_iter().enumerate().map(keep).collect();
    let keys: Vec<FactKey> = marks.iter().filter_map(Mark::key).copied().collect();
    let knows = |key: &FactKey| keys.contains(key);
    let told = against::read_marked(&patch, base, &marks, &Limits::network());
    let told = told.expect("it was written just now");
    assert_eq!(told.text(), text);
    let plain = against::read(&patch, base, &Limits::network());
    assert_eq!(plain.ok().as_deref(), Some(text));
    let short = outcome(receive_told(&told, limits, &knows));
    let long = outcome(receive_text(text, limits, &knows));
    assert_eq!(short, long);
    keys.len()
}

fn account(name: &str) -> Fact {
    Fact::Account(Account {
        name: name.into(),
        id: "7".to_owned(),
        home: None,
        shell: None,
        can_log_in: true,
    })
}

/// Facts of two sources and three scopes, some with moments in them, some said twice.
fn record() -> impl Strategy<Value = (bool, usize, Fact)> {
    let fact = prop_oneof![
        4 => (0_u32..40).prop_map(connection),
        2 => (440_u16..450).prop_map(listener),
        1 => (0_u32..3).prop_map(|n| measurement(f64::from(n))),
        1 => prop_oneof![
            Just("anna"), Just("2026-11-22T06:54:14.12Z"), Just("a\"b\\"), Just("\",\"saw\":{"), Just("\u{1}\u{e9}"),
        ].prop_map(account),
    ];
    (any::<bool>(), 0_usize..3, fact)
}

fn look(records: &[(bool, usize, Fact)], at: i64, count: u64, more: bool) -> Batch {
    let scopes = [
        Scope::new("socket", "host/tcp"),
        Scope::new("socket", "\u{e9}\"x"),
        Scope::new("s", ""),
    ];
    let record = |(other, scope, fact): &(bool, usize, Fact)| {
        let source = if *other { "host.sockets" } else { "host.flows" };
        let mut record = saw(source, &scopes[*scope % scopes.len()], fact.clone(), at);
        if let groma_model::batch::Said::Saw(observation) = &mut record.said {
            let (first, last) = (at * 7919, at * 7919 + 1000);
            let moment = |at: i64| Timestamp::from_millis(1_795_000_000_000 + at);
            observation.seen = Seen {
                bytes: more.then_some(count * 1000),
                ..Seen::between(moment(first), moment(last), count)
            };
        }
        record
    };
    let mut all: Vec<Record> = records.iter().map(record).collect();
    all.push(Record {
        source: SourceName::new("host.sockets"),
        said: groma_model::batch::Said::Covered(Coverage {
            scope: scopes[0].clone(),
            state: CoverageState::Complete,
            from: Timestamp::from_millis(at),
            to: Timestamp::from_millis(at),
            how: None,
        }),
    });
    Batch {
        header: header(),
        records: all,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn both_ways_say_the_same(
        records in prop::collection::vec(record(), 0..60),
        (at, count, more, later, kept) in (0_i64..5000, 0_u64..3000, any::<bool>(), any::<bool>(), 1_usize..4),
        (from, until, new) in (0_usize..20, 0_usize..60, prop::collection::vec(record(), 0..10)),
    ) {
        let base = look(&records, 3, 20, later);
        let mut next: Vec<_> = records.iter().take(until.max(from)).skip(from).cloned().collect();
        next.extend(new);
        let next = look(&next, at, count, more);
        both(&text(&base), &text(&next), kept, &Limits::network());
    }

    #[test]
    fn both_ways_refuse_the_same(
        records in prop::collection::vec(record(), 1..30), line_bytes in 100_usize..800, string_bytes in 10_usize..80,
        (values, many, expanded) in (20_u64..2000, 1_u64..40, 300_u64..20_000), depth in 2_usize..6,
    ) {
        let (base, next) = (look(&records, 3, 20, false), look(&records, 4, 21, false));
        let limits = Limits::network();
        for limits in [
            Limits { line_bytes, ..limits },
            Limits { values, ..limits },
            Limits { records: many, ..limits },
            Limits { expanded_bytes: expanded, ..limits },
        ] {
            both(&text(&base), &text(&next), 1, &limits);
        }
        // Bounds on what is in a line hold for the base already: nothing is known of what is beyond them.
        let _ = (string_bytes, depth);
    }
}

#[test]
fn a_look_that_says_what_the_look_before_said_goes_the_short_way() {
    let records: Vec<_> = (0..50).map(|n| (true, 0, connection(n))).collect();
    let (base, next) = (look(&records, 3, 20, false), look(&records, 4, 21, false));
    assert!(both(&text(&base), &text(&next), 1, &Limits::network()) >= 50);
    let next = look(&records, 4, 21, true);
    assert!(both(&text(&base), &text(&next), 1, &Limits::network()) >= 50);
}

#[test]
fn whatever_stands_in_a_text_comes_to_the_same_both_ways() {
    let records: Vec<_> = (0..6).map(|n| (n % 2 == 0, 0, connection(n))).collect();
    let (one, other) = (
        text(&look(&records, 3, 20, false)),
        text(&look(&records, 4, 21, true)),
    );
    let small = text(&small());
    let limits = Limits::network();
    groma_fuzz::hammer(1_500, &[&one, &other, &small], |bytes| {
        let mut bytes = bytes.to_vec();
        if bytes.last() != Some(&b'\n') {
            bytes.push(b'\n');
        }
        both(&one, &bytes, 1, &limits);
        both(&bytes, &other, 1, &limits);
    });
}

/// A patch of somebody who means harm: words in the place of words may be anything but a line feed.
#[test]
fn a_seen_that_is_broken_open_is_read_as_it_stands() {
    let line = |hours: &str, n: u32| {
        format!(
            r#"{{"source":"host.sockets","scope":"a:b","seen":{{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15Z","count":3,"hours":"{hours}"}},"saw":{{"fact":"x","n":{n}}}}}"#
        )
    };
    let head = unpack(&bytes(&small())).lines().next().unwrap().to_owned();
    let hours = "80".to_owned() + &"00".repeat(20);
    let whole = |hours: &str| {
        let lines: Vec<String> = (0..9).map(|n| line(hours, n)).collect();
        format!("{head}\n{}\n{{\"records\":9}}\n", lines.join("\n")).into_bytes()
    };
    let base = whole(&hours);
    for hostile in [
        hours.replace('8', "4").as_str(),
        "",
        "\\",
        "80\"},\"saw\":{\"fact\":\"y\"},\"z\":{\"a\":\"",
        "80\",\"deep\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],\"b\":\"",
        &"a".repeat(70_000),
    ] {
        both(&base, &whole(hostile), 1, &Limits::network());
        both(&whole(hostile), &base, 1, &Limits::network());
    }
}
