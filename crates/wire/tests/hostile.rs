//! Batches made by somebody who means harm, or by a disk that failed.

mod common;

use std::io::Read;

use common::{bytes, pack, regular, small, unpack};
use groma_model::Fact;
use groma_model::batch::Said;
use groma_wire::{Limits, WireError, decode, receive_text};

fn refusal(bytes: &[u8]) -> WireError {
    refusal_within(bytes, &Limits::network())
}

fn refusal_within(mut bytes: &[u8], limits: &Limits) -> WireError {
    decode(&mut bytes, limits).expect_err("it must be refused")
}

/// The lines of the small batch with one of them replaced.
fn edited(number: usize, with: &str) -> Vec<u8> {
    let text = unpack(&bytes(&small()));
    let lines: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(n, l)| if n + 1 == number { with } else { l })
        .collect();
    pack(&(lines.join("\n") + "\n"))
}

#[test]
fn every_cut_is_noticed() {
    let whole = bytes(&small());
    for length in 0..whole.len() {
        let error = refusal(whole.get(..length).unwrap());
        let fits = matches!(error, WireError::Truncated { .. });
        assert!(fits, "cut at {length}: {error}");
    }
}

#[test]
fn a_batch_cut_between_two_lines_and_packed_again_is_noticed() {
    let text = unpack(&bytes(&small()));
    let lines: Vec<&str> = text.lines().collect();
    for count in 1..lines.len() {
        let error = refusal(&pack(&(lines.get(..count).unwrap().join("\n") + "\n")));
        assert!(
            matches!(error, WireError::Truncated { .. }),
            "{count} lines: {error}"
        );
    }
}

#[test]
fn a_line_taken_out_is_noticed() {
    let text = unpack(&bytes(&small()));
    let lines: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(n, _)| *n != 1)
        .map(|(_, l)| l)
        .collect();
    let error = refusal(&pack(&(lines.join("\n") + "\n")));
    assert!(
        error.to_string().contains("counts 9 records, 8 came"),
        "{error}"
    );
}

#[test]
fn a_flipped_bit_is_noticed() {
    let whole = bytes(&small());
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 0x10;
        }
        // Bits of the frame header that no decoder reads may flip unharmed; the content may not change.
        if let Ok(batch) = decode(&mut damaged.as_slice(), &Limits::network()) {
            assert_eq!(batch, small(), "flip at {at}");
        }
    }
}

#[test]
fn a_batch_of_a_newer_version_names_both_versions_and_the_remedy() {
    let newer = unpack(&bytes(&small())).replacen("groma.batch/1", "groma.batch/2", 1);
    let error = refusal(&pack(&newer)).to_string();
    assert!(
        error.contains("groma.batch/2")
            && error.contains("groma.batch/1")
            && error.contains("upgrade the collector"),
        "{error}"
    );
}

#[test]
fn something_else_is_called_so() {
    for other in [
        &b"name,ip\nmail1,10.0.0.1\n"[..],
        b"PK\x03\x04",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ] {
        assert!(
            matches!(refusal(other), WireError::NotABatch { .. }),
            "{other:?}"
        );
    }
    assert!(matches!(
        refusal(&pack("hello\n")),
        WireError::NotABatch { .. }
    ));
    assert!(matches!(
        refusal(&pack("{\"schema\":\"groma.inventory/1\"}\n")),
        WireError::NotABatch { .. }
    ));
}

#[test]
fn a_second_frame_and_trailing_garbage_are_refused() {
    let whole = bytes(&small());
    let twice = [whole.clone(), whole.clone()].concat();
    assert!(matches!(refusal(&twice), WireError::Trailing));
    assert!(matches!(
        refusal(&[whole, b"x".to_vec()].concat()),
        WireError::Trailing
    ));
    let text = unpack(&bytes(&small()));
    assert!(matches!(
        refusal(&pack(&format!("{text}{{}}\n"))),
        WireError::Trailing
    ));
}

#[test]
fn a_bomb_is_stopped_long_before_it_has_unpacked() {
    let header = unpack(&bytes(&small())).lines().next().unwrap().to_owned();
    let spaces = zstd::encode_all(
        std::io::Cursor::new(header + "\n").chain(std::io::repeat(b'\n').take(1 << 26)),
        1,
    )
    .unwrap();
    assert!(spaces.len() < 64 << 10, "{}", spaces.len());
    let error = refusal_within(&spaces, &Limits::local());
    assert!(
        matches!(
            error,
            WireError::Bomb { .. } | WireError::Malformed { line: 2, .. }
        ),
        "{error}"
    );
}

#[test]
fn a_bomb_in_one_line_is_stopped_by_the_length_of_a_line() {
    let mut packed = Vec::new();
    let bomb = std::io::Cursor::new("{\"schema\":\"").chain(std::io::repeat(b'a').take(1 << 26));
    zstd::stream::copy_encode(bomb, &mut packed, 1).unwrap();
    let error = refusal_within(&packed, &Limits::local());
    assert!(
        matches!(
            error,
            WireError::TooLarge {
                what: "bytes in a line",
                ..
            } | WireError::Bomb { .. }
        ),
        "{error}"
    );
}

#[test]
fn a_bomb_of_honest_lines_is_stopped_by_the_ratio() {
    let text = unpack(&bytes(&small()));
    let mut lines = text.lines();
    let (header, line) = (lines.next().unwrap(), lines.next().unwrap());
    let bomb = format!("{header}\n{}", format!("{line}\n").repeat(80_000));
    let packed = pack(&bomb);
    let error = refusal(&packed);
    assert!(
        matches!(error, WireError::Bomb { ratio: 200, .. }),
        "{error} {}",
        bomb.len() / packed.len()
    );
}

#[test]
fn a_fact_said_again_a_million_times_counts_with_its_full_size() {
    let text = unpack(&bytes(&small()));
    let header = text.lines().next().unwrap();
    let seen = r#"{"first":"2026-11-20T11:00:00Z","last":"2026-11-20T11:00:00Z","count":1}"#;
    let fact = format!(
        r#"{{"n":1,"source":"a.b","scope":"a:b","seen":{seen},"saw":{{"fact":"x","y":"{}"}}}}"#,
        "z".repeat(60_000)
    );
    let again = format!("{{\"again\":1,\"seen\":{seen}}}\n").repeat(20_000);
    let error = refusal(&pack(&format!("{header}\n{fact}\n{again}")));
    assert!(
        matches!(
            error,
            WireError::Bomb { .. }
                | WireError::TooLarge {
                    what: "bytes unpacked",
                    ..
                }
        ),
        "{error}"
    );
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
    packer.window_log(27).unwrap();
    std::io::copy(&mut std::io::repeat(b' ').take(1 << 20), &mut packer).unwrap();
    let error = refusal_within(&packer.finish().unwrap(), &Limits::local());
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    let deep = format!(
        r#"{{"source":"a.b","scope":"a:b","saw":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let error = refusal(&edited(3, &deep));
    assert!(
        matches!(
            error,
            WireError::TooLarge {
                line: 3,
                what: "levels of nesting",
                limit: 32
            }
        ),
        "{error}"
    );
}

#[test]
fn a_long_string_and_too_many_values_are_refused() {
    let long = format!(r#"{{"source":"{}"}}"#, "a".repeat(70_000));
    assert!(matches!(
        refusal(&edited(2, &long)),
        WireError::TooLarge {
            line: 2,
            what: "bytes in a string",
            ..
        }
    ));
    let limits = Limits {
        values: 1000,
        ..Limits::network()
    };
    let many = format!(r#"{{"source":"a.b","x":[{}0]}}"#, "0,".repeat(5000));
    assert!(matches!(
        refusal_within(&edited(2, &many), &limits),
        WireError::TooLarge { what: "values", .. }
    ));
}

#[test]
fn more_bytes_or_records_than_allowed_are_refused() {
    let packed = bytes(&regular(2000));
    let few = Limits {
        records: 1999,
        ..Limits::network()
    };
    assert!(matches!(
        refusal_within(&packed, &few),
        WireError::TooLarge {
            what: "records",
            line: 2001,
            ..
        }
    ));
    let small_wire = Limits {
        wire_bytes: 100,
        ..Limits::network()
    };
    assert!(matches!(
        refusal_within(&packed, &small_wire),
        WireError::TooLarge {
            what: "bytes on the wire",
            ..
        }
    ));
    let small_text = Limits {
        expanded_bytes: 10_000,
        ..Limits::network()
    };
    assert!(matches!(
        refusal_within(&packed, &small_text),
        WireError::TooLarge {
            what: "bytes unpacked",
            ..
        }
    ));
}

#[test]
fn a_line_that_makes_no_sense_is_named_by_its_number() {
    let seen = r#"{"first":"2026-11-20T11:00:00Z","last":"2026-11-20T11:00:00Z","count":1}"#;
    let bad = [
        "not json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"source":"a.b"}"#.to_owned(),
        r#"{"source":"a.b","saw":{"fact":"x"}}"#.to_owned(),
        format!(r#"{{"source":"../../etc","scope":"a:b","seen":{seen},"saw":{{"fact":"x"}}}}"#),
        format!(r#"{{"again":77,"seen":{seen}}}"#),
    ];
    for line in bad {
        let error = refusal(&edited(4, &line));
        assert!(
            matches!(error, WireError::Malformed { line: 4, .. }),
            "{line}: {error}"
        );
    }
}

#[test]
fn an_agent_that_calls_itself_a_path_is_refused() {
    for name in ["../x", "", "a/b", ".ssh", "a\\u0000b", &"a".repeat(200)] {
        let text = unpack(&bytes(&small()));
        let agent = small().header.agent.to_string();
        let error = refusal(&pack(&text.replacen(&agent, name, 1)));
        assert!(
            matches!(error, WireError::Malformed { line: 1, .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn fields_nobody_knows_yet_are_ignored() {
    let text = unpack(&bytes(&small()));
    let newer: String = text
        .lines()
        .map(|l| l.replacen('{', r#"{"of_tomorrow":{"x":[1]},"#, 1) + "\n")
        .collect();
    assert_eq!(
        decode(&mut pack(&newer).as_slice(), &Limits::network()).unwrap(),
        small()
    );
}

#[test]
fn a_sender_that_fails_is_not_called_a_damaged_batch() {
    struct Broken(Vec<u8>);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            }
            let length = buffer.len().min(self.0.len()).min(7);
            let rest = self.0.split_off(length);
            buffer.get_mut(..length).unwrap().copy_from_slice(&self.0);
            self.0 = rest;
            Ok(length)
        }
    }
    let mut half = bytes(&small());
    half.truncate(half.len() / 2);
    let error = decode(&mut Broken(half), &Limits::network()).unwrap_err();
    assert!(matches!(error, WireError::Read { .. }), "{error}");
}

#[test]
fn no_bytes_break_the_decoder() {
    let (small, regular) = (bytes(&small()), bytes(&regular(60)));
    groma_fuzz::hammer(2000, &[&small, &regular], |bytes| {
        let _ = decode(&mut &*bytes, &Limits::network());
    });
}

/// Were serde_json built with `raw_value` or `arbitrary_precision`, a key of theirs in a stranger's fact would be read as what its text says:
/// something deeper than any bound, or something that cannot be read back.
#[test]
fn no_key_in_a_fact_has_a_meaning_of_its_own() {
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let text = unpack(&bytes(&small()));
    let (header, _) = text.split_once('\n').unwrap();
    for key in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
    ] {
        for fact in [
            serde_json::json!({ key: deep }),
            serde_json::json!({ key: "x", "a": 1 }),
            serde_json::json!({ "a": { key: "7" } }),
        ] {
            let line = serde_json::json!({
                "source": "host.system",
                "scope": "system",
                "seen": small().records.iter().find_map(|record| match &record.said {
                    Said::Saw(observation) => Some(observation.seen),
                    _ => None,
                }),
                "saw": fact,
            });
            let batch = format!("{header}\n{line}\n{{\"records\":1}}\n");
            let read = decode(&mut pack(&batch).as_slice(), &Limits::network()).unwrap();
            let [Said::Saw(seen)] = [&read.records[0].said] else {
                panic!("{read:?}");
            };
            assert_eq!(seen.fact, Fact::Unknown(fact.clone()));
            let kept = serde_json::to_string(&seen.fact).unwrap();
            assert_eq!(Fact::from_json(&kept).unwrap(), seen.fact, "{kept}");
        }
    }
}

#[test]
fn no_lines_break_the_decoder() {
    let (small, regular) = (unpack(&bytes(&small())), unpack(&bytes(&regular(20))));
    groma_fuzz::hammer(2000, &[small.as_bytes(), regular.as_bytes()], |lines| {
        let packed = zstd::encode_all(lines, 1).unwrap();
        let Ok(batch) = decode(&mut packed.as_slice(), &Limits::network()) else {
            return;
        };
        let received = receive_text(lines, &Limits::network(), &|_| false).unwrap();
        assert!(
            received.batch == batch,
            "a text said something else than the same text packed"
        );
        // A fact with a key twice is kept as unknown, loses one of the keys, and may then be known: once.
        let settled = decode(&mut bytes(&batch).as_slice(), &Limits::network()).unwrap();
        let again = decode(&mut bytes(&settled).as_slice(), &Limits::network()).unwrap();
        assert!(
            again == settled,
            "a batch that was read and written changed when read and written again"
        );
    });
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..500)) {
        let framed = zstd::encode_all(noise.as_slice(), 1).unwrap();
        proptest::prop_assert!(decode(&mut noise.as_slice(), &Limits::network()).is_err());
        proptest::prop_assert!(decode(&mut framed.as_slice(), &Limits::network()).is_err());
    }
}
