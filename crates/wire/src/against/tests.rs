#![allow(
    clippy::indexing_slicing,
    reason = "a test that indexes wrongly fails, and should"
)]

use super::*;

const LINE: &str = r#"{"source":"s","seen":{"first":"2026-11-22T06:54:14.120Z","last":"2026-11-22T06:54:15Z","count":30},"saw":{"n":0}}"#;

fn text(lines: &[String]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}

/// So many lines, each with a number, and a second of each that is `later`.
fn lines(many: usize, later: usize) -> Vec<String> {
    let line = |n: usize| {
        LINE.replace("\"n\":0", &format!("\"n\":{n}"))
            .replace(":30}", &format!(":{}}}", 30 + later))
            .replace(":15Z", &format!(":{}Z", 15 + later))
    };
    (0..many).map(line).collect()
}

fn through(text: &[u8], base: &[u8]) -> Vec<u8> {
    let patch = write(text, base).unwrap();
    let back = read(&patch, base, &Limits::network()).unwrap();
    assert_eq!(back, text);
    patch
}

#[test]
fn what_is_said_again_costs_its_numbers_alone() {
    let patch = through(&text(&lines(500, 7)), &text(&lines(500, 3)));
    assert!(patch.len() < 500, "{} bytes for 500 lines", patch.len());
}

#[test]
fn what_is_new_gone_moved_or_said_twice_comes_through() {
    let base = lines(40, 0);
    let mut changed = lines(50, 1);
    changed.remove(7);
    changed.swap(3, 30);
    changed.push(changed[5].clone());
    changed.push(String::new());
    changed.push(r#"{"source":"s","seen":{"count":1,"hours":"0080"},"saw":{"n":4}}"#.to_owned());
    through(&text(&changed), &text(&base));
    through(&text(&base), &text(&changed));
    through(&text(&changed), b"something else");
    through(&text(&changed), b"");
}

#[test]
fn two_looks_of_no_common_word_cost_no_more_than_one() {
    let other: Vec<String> = (0..300)
        .map(|n| format!(r#"{{"source":"t","missed":{{"what":"x{}"}}}}"#, n * 7919))
        .collect();
    let (other, base) = (text(&other), text(&lines(300, 0)));
    let whole = packed(&other).unwrap();
    assert!(write(&other, &base).is_none_or(|patch| patch.len() < whole.len() * 5 / 4));
}

#[test]
fn what_is_no_text_of_a_batch_is_not_written() {
    let base = text(&lines(3, 0));
    assert_eq!(write(b"no line feed at the end", &base), None);
    assert_eq!(write(b"a \x01 in it\n", &base), None);
    assert_eq!(write(&base, b"a \x01 in it\n"), None);
    let long = vec![b'a'; TEXT_BYTES_MAX + 1];
    assert_eq!(write(&long, &base), None);
    assert_eq!(write(&base, &long), None);
    assert_eq!(text_of(&packed(&long).unwrap()), None);
}

#[test]
fn another_base_is_noticed_and_so_is_every_cut() {
    let (base, new) = (text(&lines(9, 0)), text(&lines(9, 1)));
    let patch = write(&new, &base).unwrap();
    let limits = Limits::network();
    assert!(read(&patch, b"", &limits).is_err());
    assert!(
        read(
            &patch,
            b"a longer text of something else altogether\n",
            &limits
        )
        .is_err()
    );
    // One that says what is asked of it gives the text that was meant, and never another.
    for near in [text(&lines(9, 2)), text(&lines(8, 0)), text(&lines(9, 1))] {
        assert!(read(&patch, &near, &limits).map_or(true, |text| text == new));
    }
    for length in 0..patch.len() {
        assert!(read(&patch[..length], &base, &limits).is_err(), "{length}");
    }
    let narrow = Limits {
        wire_bytes: 10,
        ..limits
    };
    let refused = read(&patch, &base, &narrow);
    assert!(matches!(refused, Err(WireError::TooLarge { .. })));
}

#[test]
fn a_few_bytes_that_would_become_many_are_refused() {
    let base = text(&lines(2, 0));
    let many = vec![LINE.to_owned(); 60_000];
    let patch = write(&text(&many), &base).unwrap();
    assert!(patch.len() < 10_000, "{}", patch.len());
    let refused = read(&patch, &base, &Limits::network());
    assert!(refused.is_err(), "{} bytes became 7 MB", patch.len());
    // The same is fine if it was there before.
    through(&text(&many), &text(&many));
}

/// The inside of a patch as somebody who means harm would put it together.
fn inner(rests: &[u8], words: &[u8], columns: &Columns) -> Vec<u8> {
    let mut inner = [&[VERSION][..], &[0; DIGEST_BYTES + 8]].concat();
    for block in [rests, words] {
        inner.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
        inner.extend_from_slice(block);
    }
    columns.write(&mut inner).unwrap();
    inner
}

fn told(inner: &[u8], base: &[u8], most: usize) -> Option<Vec<u8>> {
    let (reader, _) = Reader::over(inner, base, &[])?;
    reader.text(most).map(|(text, _)| text)
}

#[test]
fn a_long_line_of_the_base_that_is_asked_for_again_and_again_is_read_twice_at_most() {
    let long = format!(r#"{{"seen":{{"x":"{}"}}}}"#, "y".repeat(1 << 20)) + "\n";
    let columns = |many: usize| {
        let mut columns = Columns::default();
        for index in 0..many {
            // The first line of the base each time, and none of what stands in it.
            columns.push(LINES, if index == 0 { NEXT } else { folded(-1) + 2 });
            columns.push(SHAPES, 1);
        }
        columns
    };
    let short = inner(b"", b"{}\n", &columns(10));
    assert_eq!(
        told(&short, long.as_bytes(), 1000).map(|t| t.len()),
        Some(120)
    );
    let hostile = inner(b"", b"{}\n", &columns(10_000));
    assert_eq!(told(&hostile, long.as_bytes(), 1 << 20), None);
}

#[test]
fn a_line_of_nothing_but_marks_stops_at_the_bound() {
    let mut columns = Columns::default();
    columns.push(LINES, NEW);
    columns.push(SHAPES, 1);
    let marks = vec![4; 100_000];
    let hostile = inner(&marks, &[b'z'; 100_000], &columns);
    assert_eq!(told(&hostile, b"", 1 << 20), None);
}

#[test]
fn more_words_than_any_batch_has_are_refused() {
    let hostile = inner(b"", &vec![b'\n'; LINES_MAX + 2], &Columns::default());
    assert_eq!(told(&hostile, b"", 1 << 20), None);
}

#[test]
fn whatever_comes_is_read_or_refused() {
    let base = text(&lines(20, 0));
    let mut changed = lines(30, 1);
    changed.swap(3, 17);
    let patch = write(&text(&changed), &base).unwrap();
    let decoder = zstd::Decoder::with_ref_prefix(&patch[..], &base).unwrap();
    let inside = unpacked(decoder.single_frame()).unwrap();
    assert!(told(&inside, &base, 1 << 20).is_some());
    // The sums of the frame would keep most changes from the reader: it is asked by itself.
    groma_fuzz::hammer(4_000, &[&inside], |bytes| {
        let text = told(bytes, &base, 10_000);
        assert!(text.is_none_or(|text| text.len() <= 10_000));
    });
    groma_fuzz::hammer(1_000, &[&patch], |bytes| {
        drop(read(bytes, &base, &Limits::network()));
    });
    // And with a base that is none.
    groma_fuzz::hammer(1_000, &[&base], |bytes| {
        drop(told(&inside, bytes, 1 << 20));
        if let Some(patch) = write(bytes, &base) {
            assert_eq!(read(&patch, &base, &Limits::network()).unwrap(), bytes);
        }
    });
}
