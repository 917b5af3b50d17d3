//! Wave files as people write them, right and wrong.

use groma_wave::{Problem, Wave, WaveError, parse};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../docs/reference/wave-example.toml");

fn refused(text: &str) -> WaveError {
    parse("w1.toml", text).expect_err(text)
}

#[test]
fn the_documented_example_is_read_whole() {
    let wave = parse("wave-example.toml", EXAMPLE).unwrap();
    assert_eq!((wave.name.as_str(), wave.order), ("w1", 1));
    assert_eq!(wave.requires, ["w0"]);
    let window = wave.window.unwrap();
    assert_eq!(
        (window.from.minute(), window.to.minute()),
        ("2026-12-05 19:00".into(), "2026-12-06 03:00".into())
    );
    assert_eq!(wave.moves.len(), 2);
    assert_eq!(wave.moves[0].names_that_follow, ["mail.corp.example"]);
    let expected: Vec<String> = wave.expected.iter().map(ToString::to_string).collect();
    assert_eq!(
        expected,
        [
            "smtp-relay to mail-new:25",
            "ldap-bind from mail-new to dc2.corp.example:636"
        ]
    );
    assert_eq!(wave.coexistence.unwrap().until.unwrap().day(), "2026-12-19");
    let rollback = wave.rollback.unwrap();
    assert_eq!(
        (rollback.minutes, rollback.restore_tested_on.unwrap().day()),
        (Some(45), "2026-11-28".into())
    );
    assert_eq!(
        wave.criteria
            .iter()
            .map(|c| c.threshold)
            .collect::<Vec<_>>(),
        [Some(60.0), None, Some(2.5)]
    );
    assert_eq!(wave.exclusions, ["build1"]);
    assert_eq!(wave.communications.len(), 2);
}

#[test]
fn the_example_shows_every_key_and_every_key_is_of_the_published_type() {
    let wave = parse("wave-example.toml", EXAMPLE).unwrap();
    let json = serde_json::to_value(&wave).unwrap();
    let empty = serde_json::to_value(Wave::default()).unwrap();
    for (key, value) in json.as_object().unwrap() {
        assert!(
            *value != empty[key] || key == "parallel_with",
            "{key} is not shown"
        );
        assert!(EXAMPLE.contains(key), "{key}");
    }
    assert_eq!(serde_json::from_value::<Wave>(json).unwrap(), wave);
}

#[test]
fn a_name_is_enough() {
    let wave = parse("w1.toml", "name = \"w1\"\n").unwrap();
    assert_eq!(
        wave,
        Wave {
            name: "w1".into(),
            ..Wave::default()
        }
    );
}

#[test]
fn a_key_nobody_knows_is_refused_with_the_one_that_was_meant() {
    let error = refused("name = \"w1\"\n\nmembres = [\"mail1\"]\n");
    assert_eq!(
        error.to_string(),
        "read \"w1.toml\" line 3, key \"membres\": no such key; did you mean \"members\"?"
    );
    let error = refused("name = \"w1\"\n[rollback]\nminuts = 3\n");
    assert_eq!(
        error.to_string(),
        "read \"w1.toml\" line 3, key \"rollback.minuts\": no such key; did you mean \"minutes\"?"
    );
    let error = refused(
        "name = \"w1\"\nmoves = [{ from = \"a\", to = \"b\" },\n  { from = \"c\", too = \"d\" }]\n",
    );
    assert_eq!((error.line, error.key.as_str()), (3, "moves[1].too"));
    let error = refused("name = \"w1\"\ncolour = 1\n");
    assert!(
        error
            .to_string()
            .contains("known here: name, order, requires"),
        "{error}"
    );
}

#[test]
fn every_refusal_has_its_line_its_key_and_a_remedy() {
    let cases = [
        ("order = 1\n", 1, "name", "write name = \"w1\""),
        (
            "name = 7\n",
            1,
            "name",
            "expected text in quotes, found an integer",
        ),
        ("name = \"\"\n", 1, "name", "write something"),
        (
            "name = \"w\"\nmembers = \"mail1\"\n",
            2,
            "members",
            "expected a list of texts",
        ),
        (
            "name = \"w\"\norder = -1\n",
            2,
            "order",
            "from 0 to 4294967295",
        ),
        (
            "name = \"w\"\nwindow = { from = 2026-12-05T20:00:00Z }\n",
            2,
            "window.to",
            "write to = 2026",
        ),
        (
            "name = \"w\"\nwindow = { from = 2026-12-05T20:00:00, to = 2026-12-06 }\n",
            2,
            "window.from",
            "with its offset",
        ),
        (
            "name = \"w\"\n[window]\nfrom = 2026-12-06\nto = 2026-12-05\n",
            4,
            "window.to",
            "the later moment",
        ),
        (
            "name = \"w\"\nexpected = [\n \"sql to db\",\n \"mail-new:25\",\n]\n",
            4,
            "expected",
            "KIND to NAME[:PORT]",
        ),
        (
            "name = \"w\"\nexpected = [\"smtp-rely to a\"]\n",
            2,
            "expected",
            "did you mean \"smtp-relay\"?",
        ),
        (
            "name = \"w\"\nexpected = [\"sql to db:70000\"]\n",
            2,
            "expected",
            "from 1 to 65535",
        ),
        (
            "name = \"w\"\nmoves = [{ from = \"a\", to = \"A\" }]\n",
            2,
            "moves[0].to",
            "takes its place",
        ),
        (
            "name = \"w\"\n[[moves]]\nfrom = \"a\"\nto = \"b\"\n[[moves]]\nfrom = \"a\"\nto = \"c\"\n",
            6,
            "moves[1].from",
            "keep one",
        ),
        (
            "name = \"w\"\nmoves = [{ from = \"a\" }]\n",
            2,
            "moves[0].to",
            "write to = ",
        ),
        (
            "name = \"w\"\n[[criterion]]\nmetric = \"x\"\nthreshold = nan\n",
            4,
            "criterion[0].threshold",
            "finite",
        ),
        (
            "name = \"w\"\n[[criterion]]\nmetric = \"x\"\n",
            2,
            "criterion[0].threshold",
            "write threshold",
        ),
        (
            "name = \"w\"\n[[criterion]]\nmetric = \"x\"\nat_least = inf\n",
            4,
            "criterion[0].at_least",
            "finite",
        ),
        (
            "name = \"w\"\n[[criterion]]\nmetric = \"x\"\nat_least = 5\nthreshold = 4\n",
            4,
            "criterion[0].at_least",
            "a lower at_least",
        ),
        (
            "name = \"w\"\n[[criterion]]\nthreshold = 1\n",
            2,
            "criterion[0].metric",
            "write metric",
        ),
        (
            "name = \"w\"\nrequires = [\"w\"]\n",
            2,
            "requires",
            "take it out",
        ),
        (
            "name = \"w\"\nrequires = [\"v\"]\nparallel_with = [\"v\"]\n",
            3,
            "parallel_with",
            "one of the two",
        ),
        (
            "name = \"w\"\nmembers = [\"a\"]\nexclusions = [\"a\"]\n",
            3,
            "exclusions",
            "one of the two",
        ),
        (
            "name = \"w\"\ncommunications = { users = 3 }\n",
            2,
            "communications.users",
            "text in quotes",
        ),
        ("name = \"w\"\nname = \"v\"\n", 2, "", "not TOML"),
        ("name = \"w\"\nmembers = [\"a\",\n", 2, "", "not TOML"),
    ];
    for (text, line, key, remedy) in cases {
        let error = refused(text);
        let said = error.to_string();
        assert!(said.contains(remedy), "{text}\n{said}");
        assert_eq!(
            (error.line, error.key.as_str()),
            (line, key),
            "{text}\n{said}"
        );
        assert_eq!(error.file, "w1.toml");
    }
}

#[test]
fn a_mark_in_front_and_foreign_line_ends_are_read() {
    let wave = parse(
        "w1.toml",
        "\u{feff}name = \"w1\"\r\nmembers = [\"mail1\"]\r\n",
    )
    .unwrap();
    assert_eq!(wave.members, ["mail1"]);
    assert_eq!(refused("\u{feff}name = \"w1\"\r\nmembres = []\r\n").line, 2);
}

#[test]
fn what_is_no_wave_file_at_all_is_refused_by_size_and_depth() {
    let large = format!("name = \"w\"\n# {}", "x".repeat(groma_wave::BYTES_MAX));
    assert_eq!(refused(&large).problem, Problem::TooLarge);
    assert!(matches!(
        refused(&format!("name = {}", "[".repeat(100_000))).problem,
        Problem::NotToml(_)
    ));
}

#[test]
fn an_error_cannot_steer_the_terminal() {
    let error = refused("name = \"w1\"\n\"mem\\u001b[2J\\u202Ebers\" = 1\n").to_string();
    assert!(
        error.chars().all(|c| !c.is_control() && c != '\u{202e}'),
        "{error:?}"
    );
    let error = refused("name = \"w1\"\nexpected = [\"\\u001b[2J\\u202E\"]\n").to_string();
    assert!(
        error.chars().all(|c| !c.is_control() && c != '\u{202e}'),
        "{error:?}"
    );
}

#[test]
fn mangled_files_never_panic() {
    let corpus: &[&[u8]] = &[
        EXAMPLE.as_bytes(),
        b"name = \"w\"\nmoves = [{ from = \"a\", to = \"b\" }]\n",
    ];
    groma_fuzz::hammer(2000, corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(error) = parse("w1.toml", &text) {
            assert!(
                error.line >= 1 && error.line <= text.lines().count() + 1,
                "{error}"
            );
            assert!(
                error.to_string().chars().all(|c| !c.is_control()),
                "{error:?}"
            );
        }
    });
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parse("w1.toml", &text);
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(members in proptest::collection::vec("[a-z][a-z0-9.-]{0,12}", 0..5), order in any::<u32>()) {
        let quoted: Vec<String> = members.iter().map(|m| format!("{m:?}")).collect();
        let text = format!("name = \"w1\"\norder = {order}\nmembers = [{}]\n", quoted.join(", "));
        let wave = parse("w1.toml", &text).unwrap();
        prop_assert_eq!(&wave.members, &members);
        let written = toml::to_string(&serde_json::to_value(Wave { window: None, ..wave.clone() }).unwrap().as_object().unwrap()
            .iter().filter(|(_, v)| !v.is_null()).collect::<std::collections::BTreeMap<_, _>>()).unwrap();
        prop_assert_eq!(parse("again.toml", &written).unwrap(), wave);
    }
}
