//! What the begin of a line shows is what trying every template shows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::path::Path;

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::{Begin, Shape};

/// Tries every template on `message`, and asks each whether it may fit; how many do.
fn fitting(message: &str) -> usize {
    let begin = Begin::of(message);
    let mut count = 0;
    for grammar in LOG_GRAMMARS.iter() {
        for line in &grammar.line {
            if let Shape::Text(template) = &line.shape
                && template.matches(message, |_, _| ())
            {
                count += 1;
                assert!(line.may_match(&begin), "{}: {message}", grammar.id);
            }
        }
    }
    count
}

/// What stands behind each colon, and the line itself.
fn messages(line: &str) -> impl Iterator<Item = &str> {
    let behind = line
        .match_indices(": ")
        .filter_map(|(at, _)| line.get(at + 2..));
    std::iter::once(line).chain(behind.take(4))
}

/// Lines of the daemons themselves, as recorded.
fn recorded() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut out = Vec::new();
    for entry in std::fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "log") {
            let bytes = std::fs::read(path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            out.extend(text.lines().take(400).map(str::to_owned));
        }
    }
    out
}

#[test]
fn a_line_a_template_fits_is_tried_by_it() {
    let lines = recorded();
    let fit: usize = lines
        .iter()
        .flat_map(|line| messages(line))
        .map(fitting)
        .sum();
    assert!(fit > 500, "only {fit} lines of {} are known", lines.len());
}

#[test]
fn so_is_one_that_somebody_bent() {
    const SIGNS: &[char] = &[
        ' ', ':', '=', '<', '"', '[', ']', '\t', '>', '|', '{', 'ä', '0', ',',
    ];
    let lines = recorded();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    for _ in 0..10_000 {
        let mut signs: Vec<char> = lines[random(lines.len())].chars().take(300).collect();
        for _ in 0..=random(3) {
            let at = random(signs.len() + 1);
            match random(3) {
                0 => signs.insert(at, SIGNS[random(SIGNS.len())]),
                1 => drop((at < signs.len()).then(|| signs.remove(at))),
                _ => signs.truncate(at),
            }
        }
        let line: String = signs.into_iter().collect();
        let fit: usize = messages(&line).map(fitting).sum();
        assert!(fit < 1_000);
    }
}
