//! In which of the common formats a file is written that no rule knows.

use groma_knowledge::rules::Format;

use crate::format::is_comment;

/// So many lines tell.
const LINES_LOOKED_AT: usize = 400;

/// The format most lines of `text` are written in. Keys and values with `=` where nothing tells.
pub(crate) fn guess(text: &str) -> Format {
    let start = text.trim_start();
    if start.starts_with("<?xml") || (start.starts_with('<') && text.contains("</")) {
        return Format::Xml;
    }
    if start.starts_with("#!") {
        return Format::Shell;
    }
    let mut tally = Tally::default();
    let lines = lines(text).map(trimmed);
    lines
        .filter(|line| !line.is_empty() && !is_comment(line))
        .take(LINES_LOOKED_AT)
        .for_each(|line| tally.count(line));
    tally.format()
}

/// The lines of `text`, with what ends them on Windows.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    ends.filter_map(move |end| {
        let line = text.get(start..end);
        start = end + 1;
        line
    })
}

/// As [`str::trim`]; nearly every line begins and ends with a letter, and needs none.
fn trimmed(line: &str) -> &str {
    match line.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => line,
        _ => line.trim(),
    }
}

#[derive(Default)]
struct Tally {
    sections: usize,
    braces: usize,
    equals: usize,
    colons: usize,
    words: usize,
}

impl Tally {
    fn count(&mut self, line: &str) {
        let ends_key = |b: &u8| matches!(b, b' ' | b'\t' | b'=' | b':' | b'{');
        let key_end = line.as_bytes().iter().position(ends_key);
        let rest = line.get(key_end.unwrap_or(line.len())..);
        let separator = rest.unwrap_or_default().trim_start().bytes().next();
        let (first, last) = (line.bytes().next(), line.bytes().next_back());
        if first == Some(b'[') && last == Some(b']') {
            self.sections += 1;
        } else if last == Some(b'{') || first == Some(b'}') {
            self.braces += 1;
        } else if separator == Some(b'=') {
            self.equals += 1;
        } else if separator == Some(b':') {
            self.colons += 1;
        } else if separator.is_some() {
            self.words += 1;
        }
    }

    fn format(&self) -> Format {
        if self.sections > 0 && self.equals + self.colons >= self.words {
            return Format::Ini;
        }
        if self.braces > 1 {
            return Format::Braces;
        }
        let most = self.equals.max(self.colons).max(self.words);
        if self.equals == most {
            Format::Ini
        } else if self.colons == most {
            Format::Colon
        } else {
            Format::Words
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_their_format() {
        for (text, format) in [
            ("a = 1\nb = 2\n", Format::Ini),
            ("# x\n[s]\nk: v\n", Format::Ini),
            ("Server a.corp\nPort 1\nUser x y\n", Format::Words),
            ("host: a\nport: 1\n", Format::Colon),
            ("redis {\n servers = \"a:1\";\n}\n", Format::Braces),
            ("<?xml version=\"1.0\"?><a/>", Format::Xml),
            ("#!/bin/sh\nA=b\n", Format::Shell),
            ("", Format::Ini),
        ] {
            assert_eq!(guess(text), format, "{text}");
        }
    }
}
