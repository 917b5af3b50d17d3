use super::*;
use crate::key::ShareKey;
use crate::known::Both;

fn read(mode: Mode, text: &str, meant: &[&str]) -> String {
    let key = ShareKey::new([5; 32]);
    let names = Names::new(&key);
    let (mut known, mut both) = (Known::default(), Both::new());
    for (kind, name) in [
        ("host", "mail1.corp.example"),
        ("host", "backup"),
        ("person", "Anna Schmidt"),
        ("host", "gitlab"),
        ("account", "karl"),
        ("share", "Daten Vertrieb"),
        ("host", "web.acmepay.example"),
        ("host", "imap.corp.example"),
        ("host", "mail-archive"),
        ("person", "Grant Price"),
        ("change", "4711"),
    ] {
        known.learn(kind, name, &mut both);
    }
    assert_eq!(known.all().get("mail1"), Some(&"host"));
    let meant = meant.iter().map(|m| (*m).to_owned()).collect();
    Reader::new(&names, &known).read(mode, text, &meant)
}

fn label(kind: &str, name: &str) -> String {
    let key = ShareKey::new([5; 32]);
    Names::new(&key).label(kind, name)
}

#[test]
fn our_words_stay_and_names_go() {
    let shown = read(
        Mode::Text,
        "karl listens on mail1 port 25/tcp (Anna Schmidt says), since 2026-11-20.",
        &[],
    );
    let (karl, mail1, anna) = (
        label("account", "karl"),
        label("host", "mail1"),
        label("person", "anna schmidt"),
    );
    assert_eq!(
        shown,
        format!("{karl} listens on {mail1} port 25/tcp ({anna} says), since 2026-11-20.")
    );
}

#[test]
fn a_name_nobody_told_us_of_goes_too() {
    let shown = read(
        Mode::Text,
        "the share Xanadu of srv-fra-07 at +49-170-1234567 and почта",
        &[],
    );
    assert!(!read(Mode::Text, "told by ip-10-1-2-3", &[]).contains("10-1-2-3"));
    for word in ["Xanadu", "srv-fra-07", "1234567", "почта"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(shown.starts_with("the share word-"), "{shown}");
}

#[test]
fn a_name_that_is_a_word_goes_only_where_it_is_meant() {
    assert_eq!(
        read(Mode::Text, "no backup was found", &[]),
        "no backup was found"
    );
    let host = label("host", "backup");
    assert_eq!(
        read(Mode::Text, "backup is not reached", &["backup"]),
        format!("{host} is not reached")
    );
    assert_eq!(read(Mode::Told, "ask backup", &[]), format!("ask {host}"));
}

#[test]
fn in_what_others_told_a_name_is_one_whatever_is_attached_to_it() {
    let host = label("host", "backup");
    for (text, wanted) in [
        ("backup:22", format!("{host}:22")),
        ("backup/imap", format!("{host}/{}", label("host", "imap"))),
        (
            "mail-archive:25",
            format!("{}:25", label("host", "mail-archive")),
        ),
    ] {
        assert_eq!(read(Mode::Told, text, &[]), wanted, "{text}");
    }
    for text in ["backup-2", "old-mail-archive-2", "port-of-imap"] {
        let shown = read(Mode::Told, text, &[]);
        assert!(shown.starts_with("word-"), "{text} became {shown}");
    }
    for text in ["backup:22", "backup-job", "port 25/tcp"] {
        assert_eq!(read(Mode::Text, text, &[]), text);
    }
    assert_eq!(read(Mode::Told, "port 25/tcp", &[]), "port 25/tcp");
}

#[test]
fn no_person_is_spared_for_being_a_word() {
    let (whole, grant) = (label("person", "grant price"), label("person", "grant"));
    let price = label("person", "price");
    for mode in [Mode::Text, Mode::Told] {
        assert_eq!(
            read(mode, "says Grant Price's", &[]),
            format!("says {whole}")
        );
        assert_eq!(read(mode, "says Grant", &[]), format!("says {grant}"));
        assert!(!read(mode, "schmidt listens", &[]).contains("schmidt"));
    }
    assert_eq!(read(Mode::Told, "ask price", &[]), format!("ask {price}"));
    // A name that is a word, in our own sentence.
    assert_eq!(read(Mode::Text, "the price is", &[]), "the price is");
}

#[test]
fn telephones_and_tickets_go_and_counts_stay() {
    for (mode, text) in [
        (Mode::Text, "call 089/12345678"),
        (Mode::Text, "call 0049/89/1234567"),
        (Mode::Told, "call 089/12345678"),
        (Mode::Told, "call 030 12 34 56 or"),
        (Mode::Told, "call Tel:030-12-345"),
        (Mode::Told, "call 030*12*34"),
        (Mode::Told, "see 4711"),
        (Mode::Told, "net 10.9.9."),
    ] {
        let shown = read(mode, text, &[]);
        let (words, _) = shown.split_once('-').unwrap_or_default();
        assert!(
            words.ends_with("number") || words.ends_with("change"),
            "{text} became {shown}"
        );
        assert!(!words.contains(|c: char| c.is_ascii_digit()), "{shown}");
    }
    for text in ["see 4711 of 2026-11-20", "every */15 minutes", "10.11.6"] {
        assert_eq!(read(Mode::Text, text, &[]), text);
    }
    for text in [
        "until 2026-11-20 22 users",
        "from 08:00-17:00",
        "version 10.11.6, port 25",
    ] {
        assert_eq!(read(Mode::Told, text, &[]), text);
    }
    let address = read(Mode::Told, "at 10.1.2.3 33 1", &[]);
    assert!(
        address.starts_with("at 24") && address.ends_with(" 33 1"),
        "{address}"
    );
}

#[test]
fn products_stay_and_those_of_the_house_do_not() {
    assert_eq!(
        read(Mode::Product, "LaserWrite Pro 4711x (rev B)", &[]),
        "LaserWrite Pro 4711x (rev B)"
    );
    assert!(!read(Mode::Product, "acmepay-client", &[]).contains("acmepay"));
}

#[test]
fn no_hostile_letter_comes_through() {
    for mode in [Mode::Words, Mode::Product, Mode::Text, Mode::Told] {
        for text in [
            "=cmd|' /C calc'!A0",
            "<script>alert(1)</script>",
            "a\u{202e}b",
            "x\0y",
            "\u{1b}[31m",
            "+1+1",
            "@SUM(1)",
            "-2+3",
            "<script>alert(1)</script>",
        ] {
            let shown = read(mode, text, &[]);
            assert!(!shown.contains(['\u{202e}', '\0', '\u{1b}']), "{shown:?}");
            assert!(!shown.contains("<script>"), "{mode:?} {shown:?}");
            assert!(
                !shown.starts_with(['=', '+', '@', '-']),
                "{mode:?} {shown:?}"
            );
        }
    }
}

#[test]
fn other_forms_in_a_sentence_go() {
    let shown = read(
        Mode::Text,
        "uid=karl,dc=corp reads \"/home/karl/x.conf:3\", include:_spf.corp.example ip4:10.1.2.3 <karl@corp.example>",
        &[],
    );
    let network = read(Mode::Text, "allows 10.20.0.0/16 and 2001:10::/32", &[]);
    assert!(
        network.starts_with("allows 24")
            && network.ends_with("/32")
            && !network.contains("2001:10:"),
        "{network}"
    );
    for word in ["karl", "corp", "10.1.2.3"] {
        assert!(!shown.contains(word), "{shown}");
    }
}

proptest::proptest! {
    #[test]
    fn a_telephone_in_any_groups_is_one_number(
        groups in proptest::collection::vec("[0-9]{1,5}", 2..6),
        marks in proptest::collection::vec(
            proptest::sample::select(vec![" ", "/", "-", " / ", ") ", " - ", "–", "_", " (", "\u{a0}"]), 5,
        ),
        before in proptest::sample::select(vec!["", "+", "(", "Tel:", "#", "+("]),
    ) {
        let mut number = before.to_owned();
        for (group, mark) in groups.iter().zip(&marks) {
            number.push_str(group);
            number.push_str(mark);
        }
        let last = groups.last().map_or("1", String::as_str);
        number.push_str(last);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        proptest::prop_assume!(digits >= 6);
        // The one number of this scene that is somebody's name.
        proptest::prop_assume!(!groups.iter().any(|group| group == "4711"));
        let shown = read(Mode::Told, &format!("call {number}, or write"), &[]);
        let words: Vec<&str> = shown.split(' ').collect();
        proptest::prop_assert_eq!(words.len(), 4, "{} became {}", number, shown);
        proptest::prop_assert!(shown.contains("number-"), "{} became {}", number, shown);
    }
}
