//! Sentences: identifiers out, words of the vocabulary through, and nothing else.
//!
//! One pass over the words. A word is a name of the document, or has the form of one, or is a word everybody knows; what is
//! none of them becomes `word-…`, so a name nobody told us of does not leave the house either.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::known::{Known, normal};
use crate::names::Names;
use crate::number::{Run, has_long_number, is_schedule, is_telephone, is_version};
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

/// Marks in a compound that are looked at.
const PARTS_MAX: usize = 24;

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
        let mut before = "";
        while let Some((chunk, behind)) = rest.split_first() {
            if !out.is_empty() {
                out.push(' ');
            }
            let version = mode == Mode::Told && is_version(before, peel(chunk).1);
            if version && self.names.numbers(peel(chunk).1).is_none() {
                out.push_str(chunk);
                (rest, before) = (behind, "");
                continue;
            }
            if let Some(run) = self.run(mode, before, rest) {
                out.push_str(&run.shown(|digits| self.hidden(digits)));
                rest = rest.get(run.count..).unwrap_or_default();
                before = "";
                continue;
            }
            before = chunk;
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

    /// A telephone, a ticket or an account at a bank, in groups of digits, at the beginning of `chunks`.
    fn run<'c>(&self, mode: Mode, before: &str, chunks: &[&'c str]) -> Option<Run<'c>> {
        if mode != Mode::Told {
            return None;
        }
        let is_taken = |core: &str| {
            self.names.numbers(core).is_some() || self.known.kind(&core.to_lowercase()).is_some()
        };
        Run::at_the_beginning(chunks, before, is_taken)
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
            let normal = normal(core);
            let bare = bare(&normal);
            let written = core.get(..bare.len()).filter(|_| bare.len() < normal.len());
            let whole = || self.known_name(mode, &normal, core, meant);
            let shown = written.and_then(|written| self.known_name(mode, bare, written, meant));
            let shown = whole().or(shown)?;
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
        // In parts, the first of them would stay.
        if is_telephone(mode, core) {
            let digits = core.chars().filter(char::is_ascii_digit);
            return self.hidden(&digits.collect::<String>());
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
        let bare = bare(&lower);
        if bare.len() < lower.len()
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
                || mode == Mode::Text && is_schedule(core));
        if through {
            return Some(core.to_owned());
        }
        // `backup/imap`: a class of service before a machine, or two machines.
        let two = mode == Mode::Told
            && lower
                .split_once('/')
                .is_some_and(|(class, _)| self.known.kind(class).is_some());
        if !two && let Some(shown) = self.names.shape(core) {
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
        if mode != Mode::Told && self.is_spared(name, meant) {
            return None;
        }
        Some(match kind {
            "program" => self.names.program(written),
            "file" => self.names.path(written),
            kind => self.names.thing(kind, written),
        })
    }

    /// True for a name that is a word or a number too, and not meant here. No person is spared for being a word.
    fn is_spared(&self, name: &str, meant: &BTreeSet<String>) -> bool {
        let digits = name.bytes().all(|b| b.is_ascii_digit());
        digits || words::is_both(name) && !meant.contains(name) && !self.known.is_never_a_word(name)
    }

    /// True if a part of a compound is a name: `backup-acme` where `acme` is a domain, `copier-2nd-floor:161` where the machine
    /// is called so. In what others told any part counts: `mail-archive-2`, `backup:22`.
    fn has_name(&self, mode: Mode, lower: &str, meant: &BTreeSet<String>) -> bool {
        let least = if mode == Mode::Told { 2 } else { 3 };
        spans(lower)
            .filter(|part| part.len() >= least && *part != lower)
            .any(|part| {
                self.known.kind(part).is_some_and(|kind| match mode {
                    Mode::Told => true,
                    Mode::Product => kind == "domain" && !words::is_both(part),
                    _ => !self.is_spared(part, meant),
                })
            })
    }

    fn hidden(&self, text: &str) -> String {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        self.names
            .label(if digits { "number" } else { "word" }, text)
    }
}

/// Every part of a compound, and every few of them that stand together.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    let between: Vec<(usize, &str)> = text
        .match_indices(|c: char| !c.is_alphanumeric())
        .take(PARTS_MAX)
        .collect();
    let behind = between.iter().map(|(at, mark)| at + mark.len());
    let begins: Vec<usize> = std::iter::once(0).chain(behind).collect();
    let ends: Vec<usize> = between.iter().map(|(at, _)| *at).collect();
    let last = text.len();
    begins.into_iter().flat_map(move |begin| {
        let ends: Vec<usize> = ends.iter().copied().chain([last]).collect();
        ends.into_iter()
            .filter_map(move |end| text.get(begin..end).filter(|part| !part.is_empty()))
    })
}

/// A name without the mark of whose something is.
fn bare(lower: &str) -> &str {
    let bare = lower.strip_suffix("'s").or(lower.strip_suffix("’s"));
    bare.unwrap_or(lower)
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

#[cfg(test)]
mod tests;
