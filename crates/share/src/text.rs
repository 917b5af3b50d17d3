//! Sentences: identifiers out, words of the vocabulary through, and nothing else.
//!
//! One pass over the words. A word is a name of the document, or has the form of one, or is a word everybody knows; what is
//! none of them becomes `word-…`, so a name nobody told us of does not leave the house either.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::known::{Known, normal};
use crate::names::Names;
use crate::words;

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Mode {
    /// Words of a closed list: names of the document are not looked for.
    Words,
    /// Makers and products: words that nobody knows stay.
    Product,
    /// Sentences of groma.
    Text,
    /// Sentences of others: a name is a name, also where it is a word.
    Told,
}

/// Reads sentences.
pub(crate) struct Reader<'r, 'k> {
    pub(crate) names: &'r Names<'k>,
    pub(crate) known: &'r Known,
    /// Words without names that are words too.
    seen: RefCell<HashMap<(Mode, String), String>>,
}

/// True between words: blanks and what cannot be seen.
pub(crate) fn is_gap(c: char) -> bool {
    c.is_whitespace() || !groma_model::visible::is_plain(c)
}

impl<'r, 'k> Reader<'r, 'k> {
    pub(crate) fn new(names: &'r Names<'k>, known: &'r Known) -> Self {
        Self {
            names,
            known,
            seen: RefCell::default(),
        }
    }

    /// `text` without identifiers. `meant` are the names, words too, that are spoken of here.
    pub(crate) fn read(&self, mode: Mode, text: &str, meant: &BTreeSet<String>) -> String {
        let chunks: Vec<&str> = text
            .split(is_gap)
            .filter(|chunk| !chunk.is_empty())
            .collect();
        let mut out = String::with_capacity(text.len());
        let mut rest = chunks.as_slice();
        while let Some((chunk, behind)) = rest.split_first() {
            if !out.is_empty() {
                out.push(' ');
            }
            if let Some((shown, count)) = self.several(mode, rest, meant) {
                out.push_str(&shown);
                rest = rest.get(count..).unwrap_or_default();
                continue;
            }
            out.push_str(&self.chunk(mode, chunk, meant));
            rest = behind;
        }
        out
    }

    /// A name of several words at the beginning of `chunks`.
    fn several(
        &self,
        mode: Mode,
        chunks: &[&str],
        meant: &BTreeSet<String>,
    ) -> Option<(String, usize)> {
        let (open, first, _) = peel(chunks.first()?);
        let longest = match mode {
            Mode::Words => 0,
            _ => self.known.longest(&first.to_lowercase()).min(chunks.len()),
        };
        (2..=longest).rev().find_map(|count| {
            let name = chunks.get(..count)?.join(" ");
            let (_, core, close) = peel(&name);
            let shown = self.known_name(mode, &normal(core), core, meant)?;
            Some((format!("{open}{shown}{close}"), count))
        })
    }

    fn chunk(&self, mode: Mode, chunk: &str, meant: &BTreeSet<String>) -> String {
        let (open, core, close) = peel(chunk);
        format!("{open}{}{close}", self.word(mode, core, meant))
    }

    fn word(&self, mode: Mode, core: &str, meant: &BTreeSet<String>) -> String {
        if core.is_empty() {
            return String::new();
        }
        // What stands here depends on what is spoken of only where such a name is in it.
        let in_doubt = !meant.is_empty() && core.len() < 512;
        if in_doubt {
            return self.fresh_word(mode, core, meant);
        }
        if let Some(shown) = self.seen.borrow().get(&(mode, core.to_owned())) {
            return shown.clone();
        }
        let shown = self.fresh_word(mode, core, meant);
        self.seen
            .borrow_mut()
            .insert((mode, core.to_owned()), shown.clone());
        shown
    }

    fn fresh_word(&self, mode: Mode, core: &str, meant: &BTreeSet<String>) -> String {
        if mode == Mode::Words {
            return if words::is_plain(core) && is_safe(core) {
                core.to_owned()
            } else {
                self.hidden(core)
            };
        }
        // Marks of a script or a pipe: nothing of ours has them within a word.
        if core.contains(['<', '>', '|']) && core.contains(char::is_alphanumeric) {
            return self.hidden(core);
        }
        if let Some(shown) = self.one(mode, core, meant) {
            return shown;
        }
        self.pieces(mode, core, meant)
            .unwrap_or_else(|| self.hidden(core))
    }

    /// A word as a whole.
    fn one(&self, mode: Mode, core: &str, meant: &BTreeSet<String>) -> Option<String> {
        let lower = core.to_lowercase();
        if let Some(shown) = self.known_name(mode, &lower, core, meant) {
            return Some(shown);
        }
        if let Some(bare) = lower.strip_suffix("'s").or(lower.strip_suffix("’s"))
            && let Some(shown) = self.known_name(mode, bare, bare, meant)
        {
            return Some(shown);
        }
        let is_number = core.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && core.parse::<std::net::IpAddr>().is_err();
        let is_file = lower
            .rsplit_once('.')
            .is_some_and(|(stem, end)| words::is_ending(end) && words::is_plain(stem));
        if let Some(shown) = self.names.numbers(core) {
            return Some(shown);
        }
        // The ends of a sender policy (RFC 7208, 4.6.2).
        if matches!(core, "-all" | "~all") {
            return Some(core.to_owned());
        }
        let named = self.has_name(mode, &lower, meant);
        let through = is_safe(core)
            && !named
            && (is_number && core.len() <= 12 && !has_long_number(mode, core)
                || is_file
                || is_source(&lower)
                || is_schedule(core));
        if through {
            return Some(core.to_owned());
        }
        if let Some(shown) = self.names.shape(core) {
            return Some(shown);
        }
        let stays = words::is_plain(core) || mode == Mode::Product && is_product(core);
        (stays && is_safe(core) && !named && !has_long_number(mode, core)).then(|| core.to_owned())
    }

    /// A word of several parts: `name=value`, `one,two`, `host:port`, `a/b`.
    fn pieces(&self, mode: Mode, core: &str, meant: &BTreeSet<String>) -> Option<String> {
        let is_mark = |c: char| "=,;|()[]{}<>\"':/+&!?…".contains(c);
        if !core.contains(is_mark) || core.len() > 4096 {
            return None;
        }
        let mut out = String::new();
        let mut rest = core;
        loop {
            let end = rest.find(is_mark).unwrap_or(rest.len());
            let (piece, behind) = rest.split_at(end);
            if !piece.is_empty() {
                out.push_str(
                    &self
                        .one(mode, piece, meant)
                        .unwrap_or_else(|| self.hidden(piece)),
                );
            }
            let Some(mark) = behind.chars().next() else {
                break;
            };
            out.push(mark);
            rest = behind.get(mark.len_utf8()..).unwrap_or_default();
        }
        // A cell that begins so is a formula.
        Some(out.trim_start_matches(['=', '+']).to_owned())
    }

    /// The pseudonym of a name of the document, if `name` is one that is meant here.
    fn known_name(
        &self,
        mode: Mode,
        name: &str,
        written: &str,
        meant: &BTreeSet<String>,
    ) -> Option<String> {
        let kind = self.known.kind(name)?;
        let is_word = words::is_both(name);
        if is_word && mode != Mode::Told && !meant.contains(name) {
            return None;
        }
        Some(match kind {
            "program" => self.names.program(written),
            "file" => self.names.path(written),
            kind => self.names.thing(kind, written),
        })
    }

    /// True if a part of a compound is a name: `backup-acme` where `acme` is a domain, `copier-2nd-floor:161` where the machine
    /// is called so.
    fn has_name(&self, mode: Mode, lower: &str, meant: &BTreeSet<String>) -> bool {
        let parts = lower.split(|c: char| !c.is_alphanumeric());
        let pieces = lower.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
        parts
            .chain(pieces)
            .filter(|part| part.len() > 2 && *part != lower)
            .any(|part| {
                let is_word = words::is_both(part);
                self.known.kind(part).is_some_and(|kind| match mode {
                    Mode::Product => kind == "domain" && !is_word,
                    _ => !is_word || meant.contains(part),
                })
            })
    }

    fn hidden(&self, text: &str) -> String {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        self.names
            .label(if digits { "number" } else { "word" }, text)
    }
}

/// Marks that stand around a word, the word, and the marks behind it.
fn peel(chunk: &str) -> (&str, &str, &str) {
    let core = chunk.trim_start_matches(['(', '"', '\'', '<', '„', '“', '«', '{']);
    // A bracket belongs to an address of IPv6.
    let core = if core.starts_with('[') && !core.contains("]:") && !core.ends_with(']') {
        core.trim_start_matches('[')
    } else {
        core
    };
    let open = chunk.get(..chunk.len() - core.len()).unwrap_or_default();
    let bare = core.trim_end_matches([
        ')', '"', '\'', '>', '”', '“', '»', '}', ',', ';', ':', '.', '!', '?', '…',
    ]);
    let close = core.get(bare.len()..).unwrap_or_default();
    (open, bare, close)
}

/// True for text without what a spreadsheet or a terminal takes for more than text.
fn is_safe(text: &str) -> bool {
    let first = text.chars().next();
    text.chars().all(groma_model::visible::is_plain)
        && !(first.is_some_and(|c| "=+-@".contains(c)) && text.len() > 1 && !text.starts_with("--"))
}

/// True for what a maker may call a product.
fn is_product(text: &str) -> bool {
    text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._+-/(),:~#%&®™".contains(c))
}

/// True for a way of looking: `host.sockets`.
fn is_source(text: &str) -> bool {
    let Some((first, second)) = text.split_once('.') else {
        return false;
    };
    let ways = [
        "host",
        "config",
        "log",
        "network",
        "declared",
        "directory",
        "content",
        "device",
        "time",
        "x509",
        "file",
        "dns",
        "snmp",
        "service",
        "mail",
    ];
    ways.contains(&first) && !second.contains('.') && words::is_plain(second)
}

/// True for a field of a schedule.
fn is_schedule(text: &str) -> bool {
    text.len() <= 24
        && text.contains(['*', '/'])
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"*/,-:".contains(&b))
        && !text.starts_with('/')
}

/// True for more digits than a count or a date has at once: telephones, serials. People write such numbers in parts.
fn has_long_number(mode: Mode, text: &str) -> bool {
    let most = if mode == Mode::Told { 4 } else { 8 };
    let long = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > most);
    let parts = text.contains(['-', '/'])
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"-/()".contains(&b));
    long || parts && text.bytes().filter(u8::is_ascii_digit).count() > 8
}

#[cfg(test)]
mod tests {
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
}
