//! Zone files (RFC 1035 §5.1, RFC 2308 §4 for `$TTL`, BIND's `$GENERATE`): text to sets of records.
//!
//! One entry is a line, or more of them within parentheses. What cannot be read is counted with its line and passed
//! over; the next line is read. Names with escaped characters in them are nobody's host, and are passed over in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use groma_model::{HostName, Peer, Reason};

use super::generate;

/// Sets of records of one zone that are kept.
pub(super) const SETS_MAX: usize = 50_000;
/// Values of one set that are kept.
const VALUES_MAX: usize = 256;
/// Words of one entry; a long TXT record has hundreds.
const WORDS_MAX: usize = 4_096;
/// Octets of one word that are kept.
const WORD_MAX: usize = 1_024;
/// Files within files.
const DEPTH_MAX: usize = 8;
/// Files that could not be included, of which the name is told.
const UNREAD_MAX: usize = 64;
/// Lines that were not understood, of which the place is told.
const FAULTS_MAX: usize = 20;
/// Longest name (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;

/// What stands at one name, of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Set {
    pub(super) values: BTreeSet<String>,
    pub(super) peers: BTreeSet<Peer>,
    pub(super) ttl_seconds: Option<u32>,
}

/// What a zone's files say.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// By name and kind.
    pub(super) sets: BTreeMap<(String, &'static str), Set>,
    /// Files and lines that were not understood.
    pub(super) faults: Vec<String>,
    /// Lines that were not understood, all of them.
    pub(super) faulty: u64,
    /// Files that were to be included and were not read: as written, with the reason.
    pub(super) unread: BTreeMap<String, Reason>,
    /// Sets, and values of sets, that had no room.
    pub(super) left_out: u64,
}

/// Finds the text of a file that another one includes, or says why it cannot be read.
pub(super) type Include<'i> = dyn FnMut(&str) -> Result<String, Reason> + 'i;

/// Reads `text`, which is `file`, as the zone `name`.
pub(super) fn read(name: &str, file: &str, text: &str, include: &mut Include<'_>) -> Zone {
    let mut reader = Reader {
        zone: Zone::default(),
        apex: name.to_owned(),
        origin: name.to_owned(),
        owner: None,
        ttl: None,
        last_ttl: None,
        made: 0,
        include,
    };
    reader.file(file, text, 0);
    reader.zone
}

struct Reader<'r, 'i> {
    zone: Zone,
    apex: String,
    origin: String,
    owner: Option<String>,
    /// What `$TTL` said.
    ttl: Option<u32>,
    /// What the last record said, or the first one's SOA.
    last_ttl: Option<u32>,
    /// Records that `$GENERATE` made so far.
    made: usize,
    include: &'r mut Include<'i>,
}

impl Reader<'_, '_> {
    fn file(&mut self, file: &str, text: &str, depth: usize) {
        let mut entries = Entries::new(text);
        while let Some(entry) = entries.next() {
            let line = entry.line;
            if self.entry(&entry, depth).is_none() || entry.is_torn {
                self.zone.faulty += 1;
                if self.zone.faults.len() < FAULTS_MAX {
                    self.zone.faults.push(format!("{file}:{line}"));
                }
            }
        }
    }

    /// `None` if it is not understood.
    fn entry(&mut self, entry: &Entry, depth: usize) -> Option<()> {
        let mut words = entry.words.iter().map(String::as_str);
        let first = entry.words.first()?.to_ascii_uppercase();
        match first.as_str() {
            "$ORIGIN" => {
                self.origin = self.absolute(words.nth(1)?)??;
                Some(())
            }
            "$TTL" => {
                self.ttl = Some(seconds(words.nth(1)?)?);
                Some(())
            }
            "$INCLUDE" => self.included(words.nth(1)?, words.next(), depth),
            "$GENERATE" => self.generated(&entry.words),
            _ if first.starts_with('$') => None,
            _ => self.record(&entry.words, entry.is_of_last),
        }
    }

    /// The names of the other file are counted from where it says; afterwards everything is as before but `$TTL`.
    fn included(&mut self, file: &str, origin: Option<&str>, depth: usize) -> Option<()> {
        let read = match depth < DEPTH_MAX {
            true => (self.include)(file),
            false => Err(Reason::BudgetExhausted),
        };
        let text = match read {
            Ok(text) => text,
            Err(reason) => {
                self.unread(file, reason);
                return Some(());
            }
        };
        let before = (self.origin.clone(), self.owner.clone());
        if let Some(origin) = origin {
            self.origin = self.absolute(origin)??;
        }
        self.file(file, &text, depth + 1);
        (self.origin, self.owner) = before;
        Some(())
    }

    fn unread(&mut self, file: &str, reason: Reason) {
        let unread = &mut self.zone.unread;
        if unread.len() < UNREAD_MAX || unread.contains_key(file) {
            unread.insert(file.to_owned(), reason);
        } else {
            self.zone.faulty += 1;
        }
    }

    fn generated(&mut self, words: &[String]) -> Option<()> {
        let range = generate::Range::parse(words.get(1)?)?;
        let left = words.get(2)?;
        for number in range {
            self.made += 1;
            if self.made > generate::MADE_MAX {
                return None;
            }
            let mut line = vec![generate::filled(left, number)?];
            for word in words.get(3..)? {
                line.push(generate::filled(word, number)?);
            }
            self.record(&line, false)?;
        }
        Some(())
    }

    fn record(&mut self, words: &[String], is_of_last: bool) -> Option<()> {
        let mut rest = words.iter().map(String::as_str).peekable();
        if !is_of_last {
            self.owner = self.absolute(rest.next()?)?;
        }
        let mut ttl = None;
        while let Some(word) = rest.peek() {
            if let Some(said) = seconds(word) {
                ttl = Some(said);
            } else if word.eq_ignore_ascii_case("CH") || word.eq_ignore_ascii_case("HS") {
                return Some(());
            } else if !word.eq_ignore_ascii_case("IN") {
                break;
            }
            rest.next();
        }
        let kind = rest.next()?.to_ascii_uppercase();
        let data: Vec<&str> = rest.collect();
        if kind == "SOA" {
            let minimum = data.get(6).and_then(|word| seconds(word));
            self.last_ttl = ttl.or(minimum).or(self.last_ttl);
            return Some(());
        }
        self.last_ttl = ttl.or(self.last_ttl);
        let ttl = ttl.or(self.ttl).or(self.last_ttl);
        let Some(kind) = KINDS.iter().find(|known| **known == kind) else {
            // A kind that leads nowhere, if it is one at all.
            return kind
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
                .then_some(());
        };
        let Some((value, peer)) = self.value(kind, &data)? else {
            return Some(());
        };
        self.keep(kind, value, peer, ttl);
        Some(())
    }

    /// The value as a zone file writes it with whole names, and the machine it names. The inner `None` for a name that is
    /// no host's.
    fn value(&self, kind: &str, data: &[&str]) -> Option<Option<(String, Option<Peer>)>> {
        let name = |at: usize| self.absolute(data.get(at)?);
        let number = |at: usize| data.get(at)?.parse::<u16>().ok();
        let (before, name) = match kind {
            "A" => {
                let address: Ipv4Addr = data.first()?.parse().ok()?;
                return Some(Some((
                    address.to_string(),
                    Some(Peer::Address(address.into())),
                )));
            }
            "AAAA" => {
                let address: Ipv6Addr = data.first()?.parse().ok()?;
                let peer = Peer::Address(std::net::IpAddr::V6(address).to_canonical());
                return Some(Some((address.to_string(), Some(peer))));
            }
            "MX" => (format!("{} ", number(0)?), name(1)?),
            "SRV" => (
                format!("{} {} {} ", number(0)?, number(1)?, number(2)?),
                name(3)?,
            ),
            _ => (String::new(), name(0)?),
        };
        let Some(name) = name else {
            return Some(None);
        };
        let peer = HostName::parse(&name).map(Peer::Name);
        let shown = if name.is_empty() { "." } else { name.as_str() };
        Some(Some((format!("{before}{shown}"), peer)))
    }

    fn keep(&mut self, kind: &'static str, value: String, peer: Option<Peer>, ttl: Option<u32>) {
        let Some(owner) = &self.owner else {
            return;
        };
        // What lies outside the zone is no part of it (glue of another one): servers pass over it.
        let inside = owner == &self.apex || owner.ends_with(&format!(".{}", self.apex));
        let key = (owner.clone(), kind);
        if !inside {
            return;
        }
        if self.zone.sets.len() >= SETS_MAX && !self.zone.sets.contains_key(&key) {
            self.zone.left_out += 1;
            return;
        }
        let set = self.zone.sets.entry(key).or_default();
        if set.values.len() >= VALUES_MAX && !set.values.contains(&value) {
            self.zone.left_out += 1;
        } else {
            set.values.insert(value);
            set.peers.extend(peer);
            // Records of one set have one time; BIND takes the first one's.
            set.ttl_seconds = set.ttl_seconds.or(ttl);
        }
    }

    /// The whole name that `word` means, lower case, without its final dot; the root is empty. The inner `None` for one with
    /// escapes or signs that no host has.
    fn absolute(&self, word: &str) -> Option<Option<String>> {
        let lower = word.to_ascii_lowercase();
        let whole = match lower.strip_suffix('.') {
            _ if lower == "@" => self.origin.clone(),
            Some(whole) => whole.to_owned(),
            None if self.origin.is_empty() => lower,
            None => format!("{lower}.{}", self.origin),
        };
        if whole.len() > NAME_MAX || word.is_empty() {
            return None;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.*/".contains(c);
        Some(whole.chars().all(plain).then_some(whole))
    }
}

/// Kinds that lead to a machine.
const KINDS: &[&str] = &["A", "AAAA", "CNAME", "DNAME", "MX", "NS", "PTR", "SRV"];

/// `3600`, `1h30m`, `2w` (BIND's units).
pub(super) fn seconds(word: &str) -> Option<u32> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (mut all, mut number) = (0_u32, None::<u32>);
    for c in word.chars() {
        let unit = match c.to_ascii_lowercase() {
            '0'..='9' => {
                let digit = c.to_digit(10)?;
                let so_far = number.unwrap_or_default().checked_mul(10)?;
                number = Some(so_far.checked_add(digit)?);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        all = all.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    all.checked_add(number.unwrap_or_default())
}

/// Words that belong together.
struct Entry {
    words: Vec<String>,
    /// True if it begins with a blank: it is about the name of the entry before.
    is_of_last: bool,
    /// The line it begins on, from 1.
    line: usize,
    /// True if a bracket or a quote of it is never closed: what follows may be lost in it.
    is_torn: bool,
}

/// The entries of a text.
struct Entries<'t> {
    bytes: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
}

impl<'t> Entries<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            bytes: text.chars().peekable(),
            line: 1,
        }
    }

    fn next(&mut self) -> Option<Entry> {
        loop {
            self.bytes.peek()?;
            let entry = self.one();
            if !entry.words.is_empty() {
                return Some(entry);
            }
        }
    }

    fn one(&mut self) -> Entry {
        let mut entry = Entry {
            words: Vec::new(),
            is_of_last: self.bytes.peek().is_some_and(|c| matches!(c, ' ' | '\t')),
            line: self.line,
            is_torn: false,
        };
        let mut depth = 0_usize;
        while let Some(c) = self.bytes.next() {
            match c {
                '\n' => {
                    self.line += 1;
                    if depth == 0 {
                        break;
                    }
                }
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ';' => self.comment(),
                '"' => entry.is_torn |= !self.quoted(&mut entry.words),
                c if c.is_whitespace() => {}
                c => self.word(c, &mut entry.words),
            }
        }
        entry.is_torn |= depth > 0;
        entry
    }

    /// Up to the end of the line, which stays.
    fn comment(&mut self) {
        while self.bytes.next_if(|c| *c != '\n').is_some() {}
    }

    /// Up to the quote that ends it, or to the end of the line, which stays; false if none does.
    fn quoted(&mut self, words: &mut Vec<String>) -> bool {
        let (mut text, mut is_closed) = (String::new(), false);
        while let Some(c) = self.bytes.next_if(|c| *c != '\n') {
            match c {
                '"' => {
                    is_closed = true;
                    break;
                }
                '\\' => {
                    let escaped = self.bytes.next_if(|c| *c != '\n');
                    text.extend(escaped.filter(|_| text.len() < WORD_MAX));
                }
                c if text.len() < WORD_MAX => text.push(c),
                _ => {}
            }
        }
        if words.len() < WORDS_MAX {
            words.push(text);
        }
        is_closed
    }

    fn word(&mut self, first: char, words: &mut Vec<String>) {
        let mut text = String::from(first);
        let mut escaped = first == '\\';
        let ends = |c: &char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | '"');
        while let Some(c) = self.bytes.next_if(|c| *c != '\n' && (escaped || !ends(c))) {
            escaped = c == '\\' && !escaped;
            if text.len() < WORD_MAX {
                text.push(c);
            }
        }
        if words.len() < WORDS_MAX {
            words.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/zones/");

    fn recorded(name: &str) -> Option<String> {
        std::fs::read_to_string(format!("{FOLDER}{name}")).ok()
    }

    fn nothing(_: &str) -> Result<String, Reason> {
        Err(Reason::NotPresent)
    }

    fn told(zone: &Zone) -> BTreeSet<String> {
        let line = |((owner, kind), set): (&(String, &str), &Set)| {
            let ttl = set.ttl_seconds.unwrap_or_default();
            let lines: Vec<String> = (set.values.iter())
                .map(|value| format!("{owner} {ttl} {kind} {value}"))
                .collect();
            lines
        };
        zone.sets.iter().flat_map(line).collect()
    }

    /// What BIND itself makes of the same files, in its own words.
    fn compiled(name: &str) -> BTreeSet<String> {
        let text = recorded(name).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [owner, ttl, "IN", kind, data @ ..] = words.as_slice() else {
                return None;
            };
            let escaped = owner.contains('\\');
            let dotless = |word: &&str| {
                let short = word.strip_suffix('.').unwrap_or(word);
                let name = if short.is_empty() { "." } else { short };
                name.to_ascii_lowercase()
            };
            let data: Vec<String> = data.iter().map(dotless).collect();
            (KINDS.contains(kind) && !escaped)
                .then(|| format!("{} {ttl} {kind} {}", dotless(owner), data.join(" ")))
        });
        lines.collect()
    }

    #[test]
    fn a_zone_is_read_as_bind_reads_it() {
        for (zone, file) in [
            ("corp.example", "corp.example"),
            ("77.10.in-addr.arpa", "reverse"),
        ] {
            let text = recorded(&format!("{file}.zone")).unwrap_or_default();
            let mut include = |name: &str| recorded(name).ok_or(Reason::NotPresent);
            let read = read(zone, file, &text, &mut include);
            assert_eq!(read.faults, Vec::<String>::new(), "{zone}");
            let compiled = compiled(&format!("{file}.compiled"));
            assert!(compiled.len() > 10, "{zone}");
            assert_eq!(told(&read), compiled, "{zone}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line_and_the_rest_is_read() {
        let text = "$TTL 60\n@ SOA a b 1 1 1 1 1\nx A not-an-address\n$STRANGE y\ny A 10.0.0.1\n$INCLUDE nothing\nz MX ten z\n";
        let zone = read("a.example", "f", text, &mut nothing);
        assert_eq!(zone.faults, ["f:3", "f:4", "f:7"]);
        assert_eq!(
            told(&zone).into_iter().collect::<Vec<_>>(),
            ["y.a.example 60 A 10.0.0.1"]
        );
    }

    #[test]
    fn a_bracket_or_quote_that_is_never_closed_is_told_with_its_first_line() {
        for (torn, lost) in [
            ("x A 10.0.0.1\n@ SOA ns h ( 1 2 3 4 5\ny A 10.0.0.2\n", 1),
            ("x A 10.0.0.1\nt TXT \"no end\ny A 10.0.0.2\n", 0),
            ("x A 10.0.0.1\nt TXT \"no end", 1),
        ] {
            let zone = read("a.example", "f", torn, &mut nothing);
            assert_eq!(zone.faults, ["f:2"], "{torn}");
            assert_eq!(zone.sets.len(), 2 - lost, "{torn}");
        }
        // Its twin: brackets and quotes over lines that end.
        let whole = "@ SOA ns h ( 1 2\n 3 4 5 ) ; (\nt TXT ( \"a\"\n \"(\" )\ny A 10.0.0.2";
        let zone = read("a.example", "f", whole, &mut nothing);
        assert_eq!((zone.sets.len(), zone.faulty), (1, 0));
    }

    #[test]
    fn values_without_room_are_counted() {
        let mut text = String::new();
        for n in 0..VALUES_MAX + 3 {
            text += &format!("x A 10.0.{}.{}\n", n / 256, n % 256);
        }
        // A value that is there already needs no room.
        text += "x A 10.0.0.0\n";
        let zone = read("a.example", "f", &text, &mut nothing);
        assert_eq!((zone.left_out, zone.faulty), (3, 0));
        assert!(zone.sets.values().all(|set| set.values.len() == VALUES_MAX));
    }

    #[test]
    fn a_file_that_includes_itself_and_a_range_without_end_end() {
        let zone = read("a.example", "f", "$INCLUDE f\nx A 10.0.0.1\n", &mut |_| {
            Ok("$INCLUDE f\nx A 10.0.0.1\n".to_owned())
        });
        assert_eq!((zone.sets.len(), zone.unread.len()), (1, 1));
        let text = "$GENERATE 0-4294967295 h$ A 10.0.0.1\n";
        let zone = read("a.example", "f", text, &mut nothing);
        assert_eq!(zone.faulty, 1);
    }

    #[test]
    fn names_outside_the_zone_are_none_of_it() {
        let zone = read(
            "a.example",
            "f",
            "x.b.example. A 10.0.0.1\nxa.example. A 10.0.0.2\n",
            &mut nothing,
        );
        assert!(zone.sets.is_empty());
    }

    #[test]
    fn times_are_read() {
        for (word, wanted) in [
            ("3600", Some(3600)),
            ("1h30m", Some(5400)),
            ("2W1d", Some(1_296_000)),
            ("5m3", Some(303)),
            ("h", None),
            ("4294967296", None),
            ("1y", None),
        ] {
            assert_eq!(seconds(word), wanted, "{word}");
        }
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let seeds: Vec<String> = ["corp.example.zone", "reverse.zone", "sub.inc"]
            .iter()
            .filter_map(|name| recorded(name))
            .collect();
        let seeds: Vec<&[u8]> = seeds.iter().map(String::as_bytes).collect();
        groma_fuzz::hammer(3_000, &seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let zone = read("corp.example", "f", &text, &mut |_| {
                Ok("x A 10.0.0.1".to_owned())
            });
            assert!(zone.sets.len() <= SETS_MAX);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z0-9$@.;()\"\\\\ \n]{0,200}") {
            let _ = read("a.example", "f", &text, &mut nothing);
        }

        #[test]
        fn an_address_comes_back(label in "[a-z][a-z0-9]{0,20}", address: [u8; 4], ttl in 0u32..1_000_000) {
            let address = Ipv4Addr::from(address);
            let zone = read("a.example", "f", &format!("{label} {ttl} IN A {address}\n"), &mut nothing);
            let set = zone.sets.get(&(format!("{label}.a.example"), "A")).cloned().unwrap_or_default();
            proptest::prop_assert_eq!(set.ttl_seconds, Some(ttl));
            proptest::prop_assert!(set.peers.contains(&Peer::Address(address.into())));
        }
    }
}
