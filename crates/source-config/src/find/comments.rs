//! Which part of a text speaks to people only.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Ranges of comments, and what begins one on a line.
pub(super) struct Comments {
    /// Byte ranges, in order, not within each other.
    ranges: Vec<(usize, usize)>,
    marks: &'static [&'static str],
    trailing: &'static [&'static str],
}

/// A comment of more than a line: how it begins and ends, and whether it must begin a line.
const BLOCKS: &[(&str, &str, bool)] = &[
    ("<!--", "-->", false),
    ("/*", "*/", true),
    ("<#", "#>", true),
    ("\"\"\"", "\"\"\"", true),
    ("'''", "'''", true),
    ("=pod", "=cut", true),
    ("=head1", "=cut", true),
];

const RANGES_MAX: usize = 10_000;

const EVERYWHERE: &[&str] = &["#", ";", "//", "dnl ", "<!--"];
const WINDOWS: &[&str] = &["rem ", "::", "'", ";", "#"];
const PROPERTIES: &[&str] = &["#", "!"];
const SHELLS: &[&str] = &["#"];
const LUA: &[&str] = &["--", "#"];

static WITH_HASH: &[&str] = &[" #", "\t#"];
static WITH_ALL: &[&str] = &[" #", "\t#", " ;", "\t;", " //", "\t//"];

impl Comments {
    pub(super) fn of(text: &str, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
        let is_script = text.starts_with("#!") || ends(&[".sh", ".bash", ".py", ".pl", ".rb"]);
        let is_columns =
            path.contains("/cron") || path.ends_with("/exports") || path.ends_with("fstab");
        let (marks, trailing) = if ends(&[".bat", ".cmd", ".vbs", ".kix"]) {
            (WINDOWS, &[][..])
        } else if ends(&[".properties"]) {
            (PROPERTIES, &[][..])
        } else if is_script || is_columns {
            (SHELLS, WITH_HASH)
        } else if ends(&[".lua", ".sql"]) {
            (LUA, WITH_HASH)
        } else if ends(&[".ini", ".php", ".js", ".conf", ".cfg", ".cnf"]) {
            (EVERYWHERE, WITH_ALL)
        } else {
            (EVERYWHERE, WITH_HASH)
        };
        Self {
            ranges: ranges(text),
            marks,
            trailing,
        }
    }

    /// True if the byte at `at` stands in a comment of several lines.
    pub(super) fn has(&self, at: usize) -> bool {
        let next = self.ranges.partition_point(|(start, _)| *start <= at);
        next.checked_sub(1)
            .and_then(|n| self.ranges.get(n))
            .is_some_and(|(_, end)| at < *end)
    }

    /// True if the line is a comment from its begin, or a comment began before here, outside of quotes.
    pub(super) fn is_comment(&self, head: &str) -> bool {
        let line = head.trim_start();
        let lower = line.get(..4).unwrap_or(line).to_ascii_lowercase();
        // A share begins like a comment: `//host/share`.
        let begins = self
            .marks
            .iter()
            .any(|mark| lower.starts_with(mark) && !(*mark == "//" && line == "//"));
        begins || self.trailing.iter().any(|mark| is_open(head, mark))
    }
}

/// True if `mark` stands outside of quotes. The quotes before it are counted once, however often it stands there.
fn is_open(head: &str, mark: &str) -> bool {
    let (mut counted, mut double, mut single) = (0, false, false);
    for (at, found) in head.match_indices(mark) {
        for byte in head.as_bytes().get(counted..at).unwrap_or_default() {
            double ^= *byte == b'"';
            single ^= *byte == b'\'';
        }
        counted = at;
        let rest = head.get(at + found.len()..).unwrap_or_default();
        let share = found.ends_with("//") && rest.is_empty();
        if !share && !double && !single {
            return true;
        }
    }
    false
}

/// True if only white space stands before `at` in its line. Looked at from `at` backwards, so a long line costs nothing.
fn begins_its_line(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(..at).unwrap_or_default();
    let before = head
        .iter()
        .rev()
        .find(|b| !matches!(b, b' ' | b'\t' | b'\r'));
    before.is_none_or(|b| *b == b'\n')
}

fn ranges(text: &str) -> Vec<(usize, usize)> {
    static BEGINS: LazyLock<Vec<Finder<'static>>> =
        LazyLock::new(|| BLOCKS.iter().map(|(open, ..)| Finder::new(open)).collect());
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    for (finder, (open, close, at_line)) in BEGINS.iter().zip(BLOCKS) {
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let start = from + at;
            from = start + open.len();
            if *at_line && !begins_its_line(bytes, start) {
                continue;
            }
            let Some(length) = text.get(from..).and_then(|rest| rest.find(close)) else {
                break;
            };
            from += length + close.len();
            out.push((start, from));
            if out.len() > RANGES_MAX {
                break;
            }
        }
    }
    out.sort_unstable();
    out.dedup_by(|inner, outer| inner.1 <= outer.1);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_silent(path: &str, text: &str) -> bool {
        let at = text.find("host1").unwrap();
        let head = text[..at].rsplit('\n').next().unwrap();
        let comments = Comments::of(text, path);
        comments.has(at) || comments.is_comment(head)
    }

    #[test]
    fn comments_of_every_house_are_known() {
        for (path, text) in [
            ("/a.xml", "<a><!-- \n host1 --></a>"),
            ("/a.php", "<?php\n/* x\n * host1\n */"),
            ("/a.py", "#!/usr/bin/python3\n\"\"\"Asks\nhost1.\"\"\"\n"),
            ("/a.ps1", "<#\n host1\n#>\n"),
            ("/a.bat", "REM copy to host1\r\n"),
            ("/a.properties", "! host1\n"),
            ("/a.conf", "x = 1 ; host1\n"),
            ("/a.lua", "-- host1\n"),
            ("/a.pl", "=pod\nhost1\n=cut\n"),
        ] {
            assert!(is_silent(path, text), "{path} {text:?}");
        }
    }

    #[test]
    fn a_line_of_a_megabyte_is_counted_once() {
        let head = format!("x = \"{}", " # a".repeat(1 << 18));
        let comments = Comments::of("", "/a.sh");
        assert!(!comments.is_comment(&head));
        assert!(comments.is_comment(&format!("{head}\" # ")));
    }

    #[test]
    fn what_only_looks_like_a_comment_speaks() {
        for (path, text) in [
            ("/etc/fstab", "//host1/share /mnt cifs x 0 0\n"),
            ("/etc/cron.d/a", "* * * * * root curl host1\n"),
            ("/a.sh", "#!/bin/sh\necho \"# $(ssh host1)\"\n"),
            ("/a.py", "#!/usr/bin/python3\nx = \"\"\"host1\"\"\"\n"),
            ("/a.conf", "url = http://host1/\n"),
            ("/a.ini", "dsn = server=a;host=host1\n"),
        ] {
            assert!(!is_silent(path, text), "{path} {text:?}");
        }
    }
}
