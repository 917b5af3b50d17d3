use std::io::BufReader;
use std::path::Path;

use super::*;

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    zstd::stream::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

/// Machine, speaker and message of every entry, and what became of the file.
fn read(bytes: &[u8]) -> (Vec<(String, String, String)>, Told, Option<Reason>) {
    let mut out = Vec::new();
    let Some(form) = Form::of(bytes.get(..HEAD).unwrap_or(bytes)) else {
        return (out, Told::default(), Some(Reason::Unsupported));
    };
    // A small room, so that everything lies across its end once.
    let mut from = BufReader::with_capacity(61, bytes);
    let text = |field: &Option<Vec<u8>>| {
        String::from_utf8_lossy(field.as_deref().unwrap_or_default()).into_owned()
    };
    let (told, broken) = entries(form, &mut from, 1 << 30, &|| false, &mut |entry| {
        out.push((text(&entry.host), text(&entry.tag), text(&entry.message)));
        true
    });
    (out, told, broken)
}

#[test]
fn both_forms_tell_the_same_of_one_journal() {
    let (exported, told, broken) = read(&recorded("journal.export.zst"));
    assert_eq!(
        (told.entries, told.cut, told.damaged, broken),
        (48, false, 0, None)
    );
    for name in [
        "journal.json.zst",
        "journal-seq.json.zst",
        "journal-sse.json.zst",
    ] {
        let (objects, told, broken) = read(&recorded(name));
        assert_eq!(
            (told.entries, told.too_long, broken),
            (48, 0, None),
            "{name}"
        );
        assert_eq!(objects, exported, "{name}");
    }
    // Without --all journalctl leaves the long message out.
    let (_, told, _) = read(&recorded("journal-short.json.zst"));
    assert_eq!((told.entries, told.too_long), (48, 1));
}

#[test]
fn what_was_made_of_bytes_and_line_breaks_is_one_message() {
    let (exported, ..) = read(&recorded("journal.export.zst"));
    let of = |tag: &str| -> Vec<&str> {
        let of_tag = exported.iter().filter(|(_, own, _)| own == tag);
        of_tag.map(|(_, _, message)| message.as_str()).collect()
    };
    let forged = of("forger");
    assert!(
        forged
            .iter()
            .any(|m| m.contains("\n\n__REALTIME_TIMESTAMP=1\n_HOSTNAME=other\n")),
        "{forged:?}"
    );
    assert!(exported.iter().all(|(host, ..)| host != "other"));
    assert!(forged.iter().any(|m| m.contains('\u{fffd}')), "{forged:?}");
}

#[test]
fn a_cut_file_tells_what_came_before_and_says_so() {
    for name in ["journal.export.zst", "journal.json.zst"] {
        let whole = recorded(name);
        let (all, ..) = read(&whole);
        for at in (1..whole.len()).step_by(173) {
            let (some, told, broken) = read(&whole[..at]);
            assert!(all.starts_with(&some), "{name} cut at {at}");
            let is_told = told.cut || broken.is_some() || told.damaged > 0;
            let at_border = whole[..at].ends_with(b"\n") || whole[at] == b'\n';
            assert!(is_told || at_border, "{name} cut at {at}: {told:?}");
        }
    }
}

#[test]
fn lengths_that_lie_cost_nothing() {
    let head = b"__REALTIME_TIMESTAMP=1795221933584119\n_HOSTNAME=a\nMESSAGE\n";
    for length in [u64::MAX, 1 << 40, 300_000] {
        let mut bytes = head.to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(b"short\n\n");
        let (entries, told, broken) = read(&bytes);
        assert!(
            entries.is_empty() && (told.cut || broken.is_some()),
            "{length}"
        );
    }
    // As long as it says, and no line break behind it.
    let mut bytes = head.to_vec();
    bytes.extend(3_u64.to_le_bytes());
    bytes.extend(b"abcX\n\n");
    assert_eq!(read(&bytes).2, Some(Reason::Malformed));
    // A long message is passed over, and the entry behind it is read.
    let mut bytes = head.to_vec();
    bytes.extend(400_000_u64.to_le_bytes());
    bytes.extend(vec![b'x'; 400_000]);
    bytes.extend(b"\n\n__REALTIME_TIMESTAMP=1795221933584119\n_HOSTNAME=b\n\n");
    let (entries, told, broken) = read(&bytes);
    assert_eq!((entries.len(), told.too_long, broken), (2, 1, None));
}

#[test]
fn what_is_no_journal_is_none() {
    for other in [
        "",
        "{}",
        "{\"a\": 1}",
        "name,ip\n",
        "MESSAGE=x\n",
        "__CURSORS=x",
        "[{\"__CURSOR\": 1}]",
    ] {
        assert_eq!(Form::of(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn nested_lists_and_strange_values_are_no_entry() {
    let at = "\"__REALTIME_TIMESTAMP\":\"1795221933584119\"";
    let deep = "[".repeat(5_000);
    for bad in [
        format!("{{{at},\"MESSAGE\":{deep}"),
        format!("{{{at},\"MESSAGE\":[300]}}"),
        format!("{{{at},\"MESSAGE\":{{}}}}"),
        format!("{{{at},\"MESSAGE\":[[[1]]]}}"),
        "{\"__CURSOR\":\"a\"}".to_owned(),
    ] {
        let (entries, told, _) = read(format!("{bad}\n").as_bytes());
        assert!(entries.is_empty(), "{bad:.60}");
        assert_eq!(told.damaged, 1, "{bad:.60}");
    }
    let several = format!(
        "{{{at},\"MESSAGE\":[[97,98],\"c\"],\"X\":{deep}{}}}\n",
        "]".repeat(5_000)
    );
    // What is passed over costs no stack, however deep it is.
    assert_eq!(read(several.as_bytes()).0.len(), 1);
    let several = format!("{{{at},\"MESSAGE\":[[97,98],\"c\"]}}\n");
    assert_eq!(read(several.as_bytes()).0[0].2, "ab");
}

#[test]
fn no_bytes_make_it_panic_or_hang() {
    let export = recorded("journal.export.zst");
    let json = recorded("journal.json.zst");
    let short = |bytes: &[u8]| bytes[..bytes.len().min(3_000)].to_vec();
    groma_fuzz::hammer(10_000, &[&short(&export), &short(&json)], |bytes| {
        for form in [Form::Export, Form::Json] {
            let mut from = bytes;
            let _ = entries(form, &mut from, 1 << 20, &|| false, &mut |_| true);
        }
    });
}
