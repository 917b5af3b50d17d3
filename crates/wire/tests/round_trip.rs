//! What goes in comes out, and a person can read it on the way.

mod common;

use common::{bytes, connection, header, listener, measurement, regular, saw, small, unpack};
use groma_model::batch::{Batch, FactKey, Record, Said, fact_key};
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Gap, Hours, Lasted, Observation, Reason, Scope, Seen,
    SourceName, Timestamp,
};
use groma_wire::{Decoder, Limits, WireError, against, decode, receive, receive_text};
use proptest::prelude::*;

#[test]
fn a_batch_survives_the_wire() {
    let batch = small();
    assert_eq!(
        decode(&mut bytes(&batch).as_slice(), &Limits::network()).unwrap(),
        batch
    );
}

/// The text of every fact in a batch, as it is written.
fn facts(batch: &Batch) -> Vec<String> {
    let facts = batch
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(observation) => {
                Some(serde_json::to_string(&observation.fact).unwrap_or_default())
            }
            _ => None,
        });
    facts.collect()
}

#[test]
fn a_fact_whose_text_is_known_is_left_as_text_and_all_others_are_built() {
    let batch = small();
    let (limits, frame) = (Limits::network(), bytes(&batch));
    let texts = facts(&batch);
    let nothing = receive(&mut frame.as_slice(), &limits, &|_| false).unwrap();
    assert_eq!((nothing.batch, nothing.quoted), (batch.clone(), Vec::new()));

    let known: Vec<FactKey> = texts
        .iter()
        .step_by(2)
        .map(|text| fact_key(text.as_bytes()))
        .collect();
    let knows = |key: &FactKey| known.contains(key);
    let received = receive(&mut frame.as_slice(), &limits, &knows).unwrap();
    let text = unpack(&frame);
    let from_text = receive_text(text.as_bytes(), &limits, &knows).unwrap();
    assert_eq!(received.batch, from_text.batch);
    assert_eq!(received.quoted, from_text.quoted);

    // Each says in the one list or the other what it says in the batch.
    let mut built = received.batch.records.into_iter();
    let mut quoted = received.quoted.into_iter();
    for record in batch.records {
        let text = facts(&Batch {
            records: vec![record.clone()],
            ..small()
        });
        let key = text.first().map(|text| fact_key(text.as_bytes()));
        if key.is_none_or(|key| !known.contains(&key)) {
            assert_eq!(built.next(), Some(record));
            continue;
        }
        let (one, Said::Saw(seen)) = (quoted.next().unwrap(), record.said) else {
            panic!("only facts are known");
        };
        assert_eq!(
            (one.source, one.scope, one.seen),
            (record.source, seen.scope, seen.seen)
        );
        assert_eq!(
            (Some(&*one.text), Some(one.key)),
            (text.first().map(String::as_str), key)
        );
    }
    assert_eq!((built.next(), quoted.next()), (None, None));
}

#[test]
fn a_text_that_is_written_otherwise_is_not_known_by_the_fact_it_comes_to() {
    let fact = &facts(&small())[0];
    let known = fact_key(fact.as_bytes());
    let frame = bytes(&small());
    let text = unpack(&frame).replacen(fact, &format!(" {fact}").replacen(':', ": ", 1), 1);
    let received = receive_text(text.as_bytes(), &Limits::network(), &|key| *key == known).unwrap();
    assert_eq!((received.batch, received.quoted), (small(), Vec::new()));
}

#[test]
fn what_is_known_is_within_all_bounds_like_anything_else() {
    let knows_all = |_: &FactKey| true;
    let text = unpack(&bytes(&small()));
    let tight = [
        Limits {
            values: 20,
            ..Limits::network()
        },
        Limits {
            records: 2,
            ..Limits::network()
        },
        Limits {
            line_bytes: 100,
            ..Limits::network()
        },
        Limits {
            string_bytes: 4,
            ..Limits::network()
        },
        Limits {
            expanded_bytes: 200,
            ..Limits::network()
        },
    ];
    for limits in tight {
        let refused = receive_text(text.as_bytes(), &limits, &knows_all).unwrap_err();
        assert!(matches!(refused, WireError::TooLarge { .. }), "{refused}");
    }
    let cut = text.trim_end().rsplit_once('\n').unwrap().0;
    let refused = receive_text(cut.as_bytes(), &Limits::network(), &knows_all).unwrap_err();
    assert!(matches!(refused, WireError::Truncated { .. }), "{refused}");
    let twice = format!("{text}{text}");
    let refused = receive_text(twice.as_bytes(), &Limits::network(), &knows_all).unwrap_err();
    assert!(matches!(refused, WireError::Trailing), "{refused}");
}

#[test]
fn a_security_officer_reads_every_word_in_plain_text() {
    insta::assert_snapshot!(unpack(&bytes(&small())));
}

#[test]
fn every_line_is_json_and_the_last_one_counts_the_records() {
    let text = unpack(&bytes(&small()));
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), small().records.len() + 2);
    assert_eq!(lines.last().unwrap()["records"], 9);
}

#[test]
fn a_number_that_is_none_is_left_out_and_the_rest_survives() {
    let mut batch = small();
    let scope = Scope::new("disk", "/");
    batch
        .records
        .insert(0, saw("host.disks", &scope, measurement(f64::NAN), 0));
    batch
        .records
        .push(saw("host.disks", &scope, measurement(f64::INFINITY), 0));
    assert_eq!(
        decode(&mut bytes(&batch).as_slice(), &Limits::network()).unwrap(),
        small()
    );
}

#[test]
fn a_fact_no_receiver_would_take_is_a_gap_and_costs_nothing_else() {
    let scope = Scope::new("packages", "");
    let long = |letters: usize| {
        Fact::Package(groma_model::fact::Package {
            version: "x".repeat(letters),
            name: "x".to_owned(),
            architecture: String::new(),
            manager: "dpkg".to_owned(),
        })
    };
    let mut batch = small();
    for (at, letters) in [(0, 70_000), (1, 70_000), (2, 60_000), (3, 60_000)] {
        let line = saw("host.packages", &scope, long(letters), at);
        batch.records.insert(0, line);
    }
    let read = decode(&mut bytes(&batch).as_slice(), &Limits::network()).unwrap();
    let gaps: Vec<&Gap> = read
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Missed(gap) if gap.reason == Reason::TooLarge => Some(gap),
            _ => None,
        })
        .collect();
    assert_eq!(gaps.len(), 1, "once, however often it was seen: {gaps:?}");
    assert_eq!(gaps[0].scope, scope);
    assert!(
        gaps[0].what.starts_with("a fact (package) of more than"),
        "{gaps:?}"
    );
    let kept = read.records.iter().filter(|record| match &record.said {
        Said::Saw(seen) => seen.fact == long(60_000),
        _ => false,
    });
    assert_eq!(kept.count(), 2);
    assert_eq!(read.records.len(), small().records.len() + 3);
}

#[test]
fn the_decoder_hands_out_records_before_the_batch_has_ended() {
    let packed = bytes(&regular(20_000));
    let half = packed.get(..packed.len() / 2).unwrap();
    let mut input = half;
    let mut decoder = Decoder::open(&mut input, &Limits::network()).unwrap();
    assert_eq!(decoder.header(), &header());
    let read = decoder.by_ref().take_while(Result::is_ok).count();
    assert!(read > 1000, "{read}");
    assert!(
        decoder.next().is_none(),
        "after an error there is nothing more"
    );
}

#[test]
fn a_very_regular_look_of_a_large_host_stays_within_the_limits() {
    let batch = regular(50_000);
    assert_eq!(
        decode(&mut bytes(&batch).as_slice(), &Limits::network())
            .unwrap()
            .records
            .len(),
        50_000
    );
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (-4_000_000_000_000_i64..4_000_000_000_000).prop_map(Timestamp::from_millis)
}

fn scope() -> impl Strategy<Value = Scope> {
    ("[a-z]{1,6}", "[ -~/]{0,20}").prop_map(|(space, path)| Scope::new(&space, &path))
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        any::<u16>().prop_map(listener),
        (0_u32..6).prop_map(connection),
        any::<f64>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(measurement),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| Fact::Identity(
            groma_model::fact::HostIdentity {
                host_name: Foreign::from_bytes(b),
                ..Default::default()
            }
        )),
        ("[a-z]{1,8}", any::<i64>()).prop_map(|(word, n)| Fact::Unknown(
            serde_json::json!({"fact": format!("x-{word}"), "n": n, "deep": [[{"a": null}]]})
        )),
    ]
}

fn seen() -> impl Strategy<Value = Seen> {
    let hours = prop_oneof![Just([0; 21]), any::<[u8; 21]>()];
    let more = (hours, any::<Option<u64>>(), any::<Option<(u32, u32)>>());
    (moment(), moment(), any::<u64>(), more).prop_map(
        |(first, last, count, (hours, bytes, lasted))| Seen {
            hours: Hours::from_bytes(&hours).expect("21 bytes are a week"),
            bytes,
            lasted: lasted.map(|(a, b)| Lasted::once(a).joined(Lasted::once(b))),
            ..Seen::between(first, last, count)
        },
    )
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        8 => (scope(), fact(), seen()).prop_map(|(scope, fact, seen)| Said::Saw(Observation { scope, fact, seen })),
        1 => (scope(), ".*").prop_map(|(scope, what)| Said::Missed(Gap { scope, what, reason: Reason::Unknown("x-y".to_owned()), remedy: None })),
        1 => (scope(), moment(), moment(), any::<Option<String>>()).prop_map(|(scope, from, to, how)| Said::Covered(Coverage { scope, state: CoverageState::Complete, from, to, how })),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let record = ("[a-z]{1,3}\\.[a-z]{1,3}", said()).prop_map(|(source, said)| Record {
        source: SourceName::new(source),
        said,
    });
    (
        prop::collection::vec(record, 0..40),
        any::<u64>(),
        any::<u64>(),
    )
        .prop_map(|(mut records, epoch, sequence)| {
            let repeated = records
                .get(..records.len() / 3)
                .unwrap_or_default()
                .to_vec();
            records.extend(repeated);
            Batch {
                header: groma_model::BatchHeader {
                    epoch,
                    sequence,
                    ..header()
                },
                records,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_written_against_whatever_comes_back_to_the_byte(
        (former, mut new) in (batch(), batch()), shared in any::<prop::sample::Index>(),
    ) {
        let shared = shared.index(former.records.len() + 1);
        new.records.extend(former.records.iter().take(shared).cloned());
        let text = |batch: &Batch| unpack(&bytes(batch)).into_bytes();
        let (base, text) = (text(&former), text(&new));
        if let Some(patch) = against::write(&text, &base) {
            prop_assert_eq!(against::read(&patch, &base, &Limits::network()).unwrap(), text);
        }
    }

    #[test]
    fn whatever_is_encoded_is_decoded_the_same(batch in batch()) {
        prop_assert_eq!(decode(&mut bytes(&batch).as_slice(), &Limits::network()).unwrap(), batch);
    }
}
