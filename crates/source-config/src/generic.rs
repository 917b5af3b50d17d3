//! The one generic rule: URLs, and addresses with a port, in files no product's rule knows.
//!
//! It looks for two bytes first, `:` and `.`, and reads a line only where `://` or an address may stand; a
//! tree of megabytes without either costs little more than reading it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use groma_knowledge::rules::COMMON_KEYS;
use groma_model::{Peer, Port, Transport};
use memchr::memmem::Finder;
use memchr::{memchr, memchr2, memchr2_iter, memrchr};

use crate::apply::{Place, kind_by_port};
use crate::finds::{Find, Finds, Lines, Named, SAID_LATELY};
use crate::format::is_comment;
use crate::peers::{is_open, is_own, served_by_web, told};
use crate::quick::{Words, words};
use crate::recent::Recent;
use crate::sieve::Sieve;
use crate::value::{Target, address, each_url_from, is_reading_key, is_reading_place, port};

static SIGN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

static CLOSE_MARKUP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("-->"));
static CLOSE_TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(">"));
static CLOSE_CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("*/"));

/// Comments of one file; what comes after is read.
const COMMENTS_MAX: usize = 10_000;

/// How much of a long line is looked at on either side of what was found.
const REACH: usize = 1024;

/// Letters of a key.
const KEY_MAX: usize = 100;

/// How a file's language marks text that is data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// Settings: keys and values.
    Settings,
    /// A program: only a whole literal in quotes counts.
    Program,
}

/// What `text` names, each machine, port and kind once. The flag is true if some were left out.
pub(crate) fn scan(text: &str, dialect: Dialect, place: Place) -> (Finds, bool) {
    let (all, cut) = SAID_LATELY.with_borrow_mut(|lately| {
        let mut scan = Scan::of(text, dialect, lately);
        let cut = scan.read_on();
        (scan.named.all, cut)
    });
    let place = Some(place);
    (Finds { place, all }, cut)
}

/// Where the line around `hit` begins and ends; of a long one, the part around it.
fn reach(text: &str, hit: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let low = floor(text, hit.saturating_sub(REACH));
    let before = bytes.get(low..hit).unwrap_or_default();
    let high = ceiling(text, (hit + REACH).min(bytes.len()));
    let after = bytes.get(hit..high).unwrap_or_default();
    (
        memrchr(b'\n', before).map_or(low, |n| low + n + 1),
        memchr(b'\n', after).map_or(high, |n| hit + n),
    )
}

struct Scan<'a> {
    text: &'a str,
    dialect: Dialect,
    lately: &'a mut Lines,
    /// Where comments stand, once it was asked; and whether it needs to be.
    comments: Option<Vec<(usize, usize)>>,
    has_marks: bool,
    named: Named,
    heads_of_urls: Recent<HeadOfUrl>,
    heads_of_addresses: Recent<HeadOfAddress>,
    /// What the line says that is read now.
    said: Vec<(u64, Find)>,
}

/// What stands before a URL in its line, and what follows from it alone.
#[derive(Clone)]
struct HeadOfUrl {
    /// What stands there is a value: not prose, not a comment behind code.
    speaks: bool,
    /// The key says that the URL is for people to read, or that it is this machine's own.
    is_reading: bool,
    /// What is served by the web under such a key.
    served: Option<&'static str>,
    key: Arc<str>,
}

/// What stands before an address in its line.
#[derive(Clone)]
struct HeadOfAddress {
    names_a_peer: bool,
    /// Without a port behind it, the address as often says where a program itself listens.
    is_open_alone: bool,
    served: Option<&'static str>,
    key: Arc<str>,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str, dialect: Dialect, lately: &'a mut Lines) -> Self {
        Self {
            text,
            dialect,
            lately,
            comments: None,
            has_marks: false,
            named: Named::default(),
            heads_of_urls: Recent::default(),
            heads_of_addresses: Recent::default(),
            said: Vec::new(),
        }
    }

    /// True if the end is not reached because enough was found.
    fn read_on(&mut self) -> bool {
        let mut sieve = Sieve::new(self.text.as_bytes());
        let (mut at, mut passed) = (0, 0);
        while let Some(hit) = sieve.next(at) {
            // In a program an address alone is no literal.
            if self.dialect == Dialect::Program && self.text.as_bytes().get(hit) == Some(&b'.') {
                at = hit + 1;
                continue;
            }
            at = self.line_around(hit, passed, &mut sieve).max(hit + 1);
            passed = at;
            if self.named.is_full() {
                return true;
            }
        }
        false
    }

    /// Reads the line around `hit`, before which nothing stands from `passed` on; gives where to go on.
    fn line_around(&mut self, hit: usize, passed: usize, sieve: &mut Sieve<'_>) -> usize {
        let (start, end) = reach(self.text, hit);
        let line = self.text.get(start..end).unwrap_or_default();
        self.has_marks = sieve.has_marks(hit) || memchr2(b'!', b'*', line.as_bytes()).is_some();
        // The candidate itself may be the sign of a URL; else one may stand further on in its line.
        let is_sign = self.text.as_bytes().get(hit) == Some(&b':') && passed <= start;
        let sign = is_sign.then_some(hit - start);
        // A line of addresses seldom comes again.
        let may_be_known = is_sign && !self.has_marks;
        let lately = may_be_known.then_some(&*self.lately);
        if let Some(known) = lately.and_then(|lately| lately.of(line, self.dialect)) {
            add(&mut self.named, known, || sieve.line_at(start));
            return end;
        }
        let mut said = std::mem::take(&mut self.said);
        self.read(line, start, sign, hit, &mut said);
        if may_be_known {
            self.lately.keep(line, self.dialect, &said);
        }
        add(&mut self.named, &said, || sieve.line_at(start));
        said.clear();
        self.said = said;
        end
    }

    fn read(
        &mut self,
        line: &str,
        start: usize,
        sign: Option<usize>,
        hit: usize,
        said: &mut Vec<(u64, Find)>,
    ) {
        let is_silent = is_comment(line) || line.trim_start().starts_with("<!DOCTYPE");
        if is_silent || self.is_in_comment(hit) {
            return;
        }
        if let Some(sign) = sign.or_else(|| SIGN.find(line.as_bytes())) {
            self.urls(line, start, sign, said);
        } else if self.dialect == Dialect::Settings {
            self.addresses(line, said);
        }
    }

    fn is_in_comment(&mut self, hit: usize) -> bool {
        if !self.has_marks {
            return false;
        }
        let comments = self.comments.get_or_insert_with(|| comments(self.text));
        let last = comments.partition_point(|(from, _)| *from <= hit);
        last.checked_sub(1)
            .and_then(|n| comments.get(n))
            .is_some_and(|(_, to)| hit < *to)
    }

    fn urls(&mut self, line: &str, line_start: usize, sign: usize, said: &mut Vec<(u64, Find)>) {
        let dialect = self.dialect;
        each_url_from(line, sign, &mut |start, target| {
            let text = line.get(..start).unwrap_or_default();
            let head = |text: &str| HeadOfUrl::of(text, dialect);
            let head = self.heads_of_urls.of(text, head);
            if !head.speaks || head.is_reading || is_reading_place(&target) {
                return;
            }
            // Something else of the line led here: the URL itself may stand in a comment behind it.
            if !self.is_in_comment(line_start + start) {
                said.push(digested(find("url", head.key, head.served, target)));
            }
        });
    }

    fn addresses(&mut self, line: &str, said: &mut Vec<(u64, Find)>) {
        let bytes = line.as_bytes();
        let mut at = 0;
        while let Some(start) = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(u8::is_ascii_digit))
            .map(|n| at + n)
        {
            let rest = bytes.get(start..).unwrap_or_default();
            let length = rest
                .iter()
                .position(|b| !b.is_ascii_digit() && *b != b'.')
                .unwrap_or(rest.len());
            at = start + length.max(1);
            let (head, tail) = line.split_at_checked(start).unwrap_or((line, ""));
            if let Some((peer, port)) = address_at(head, tail, length) {
                let head = self.heads_of_addresses.of(head, HeadOfAddress::of);
                let is_open = port.is_none() && head.is_open_alone;
                if head.names_a_peer && !is_open {
                    let target = Target::new(peer, port);
                    let find = find("address", head.key, head.served, target);
                    said.push(digested(find));
                }
            }
        }
    }
}

/// Keeps what a line says; its number is asked for only where it says anything.
fn add(named: &mut Named, said: &[(u64, Find)], number: impl FnOnce() -> u32) {
    if said.is_empty() {
        return;
    }
    let number = number();
    for (digest, find) in said {
        named.add(number, *digest, find);
    }
}

fn digested(find: Find) -> (u64, Find) {
    (find.digest(), find)
}

/// True if a URL stands in a sentence or a link within a quoted text: `"see http://…"`, `<a href="…">`.
fn is_prose(head: &str) -> bool {
    let bare = head.trim_end_matches('\\');
    let link = |mark: &str| bare.ends_with(mark) || head.ends_with(mark);
    if link("href=\"") || link("href='") || link("href=") || head.ends_with("href=\\\"") {
        return true;
    }
    // Only what is within an open quotation: keys and options stand before one.
    if memchr::memchr_iter(b'"', head.as_bytes())
        .count()
        .is_multiple_of(2)
    {
        return false;
    }
    let inside = head.rsplit('"').next().unwrap_or_default();
    inside
        .strip_suffix(' ')
        .and_then(|text| text.chars().next_back())
        .is_some_and(|c| c.is_alphabetic() || matches!(c, '.' | '!'))
}

fn find(rule: &'static str, key: Arc<str>, served: Option<&'static str>, target: Target) -> Find {
    let transport = target.transport.unwrap_or(Transport::Tcp);
    let said = target.kind.filter(|kind| *kind != "other");
    let kind = said
        .or_else(|| target.port.and_then(|p| kind_by_port(p, transport)))
        .unwrap_or("other");
    Find {
        rule,
        key,
        port: target.port.or(target.default_port),
        peer: target.peer,
        transport,
        kind: match kind {
            "http" => served.unwrap_or(kind),
            other => other,
        },
        resource: target.resource.map(Into::into),
        account: target.account.map(Into::into),
        protection: target.protection,
        has_secret: target.has_secret,
    }
}

impl HeadOfUrl {
    fn of(head: &str, dialect: Dialect) -> Self {
        let key = key_of_url(head);
        Self {
            speaks: speaks(head, dialect),
            is_reading: is_reading_key(key) || is_own(key),
            served: served_by_web(key, ""),
            key: shown(key, "url"),
        }
    }
}

impl HeadOfAddress {
    fn of(head: &str) -> Self {
        let key = key_before(head);
        Self {
            names_a_peer: names_a_peer(key) && !is_own(key),
            is_open_alone: is_open_alone(key),
            served: served_by_web(key, ""),
            key: shown(key, "address"),
        }
    }
}

/// The key as it is said; where there is none, the rule stands for it.
fn shown(key: &str, rule: &str) -> Arc<str> {
    if key.is_empty() { rule } else { key }.into()
}

/// True if what stands before a URL makes it a value: not prose, not a comment behind code.
fn speaks(head: &str, dialect: Dialect) -> bool {
    let hash =
        memchr(b'#', head.as_bytes()).is_some() && (head.contains(" #") || head.contains("\t#"));
    let slashes = memchr(b'/', head.as_bytes()).is_some()
        && (head.contains(" // ") || head.trim_start().starts_with("//"));
    if hash || slashes || is_prose(head) {
        return false;
    }
    let quoted = head.ends_with(['"', '\'', '`']);
    if dialect == Dialect::Program {
        return quoted;
    }
    quoted
        || head.split_whitespace().nth(1).is_none()
        || head
            .trim_end()
            .ends_with(['=', ':', '>', '(', '[', ',', '|', '@'])
}

/// The address in the first `length` letters of `tail`, if it is one and stands by itself behind `head`.
fn address_at(head: &str, tail: &str, length: usize) -> Option<(Peer, Option<Port>)> {
    // From `1.1.1.1` to `255.255.255.255`.
    if !(7..=15).contains(&length) {
        return None;
    }
    let before = head.bytes().next_back().unwrap_or(b' ');
    if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'-' | b'_' | b'/') {
        return None;
    }
    let (token, after) = tail.split_at_checked(length)?;
    if after.starts_with(['/', '-']) || after.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let found = token.parse::<Ipv4Addr>().ok()?;
    let digits = after.strip_prefix(':').unwrap_or_default();
    let many = digits.bytes().take_while(u8::is_ascii_digit).count();
    let port = match digits.get(..many).filter(|digits| !digits.is_empty()) {
        Some(digits) => Some(port(digits)?),
        None => None,
    };
    Some((address(IpAddr::V4(found))?, port))
}

/// True if the last word of a key says that a machine stands behind it: `db_server`, `primaryHost`.
fn names_a_peer(key: &str) -> bool {
    if COMMON_KEYS
        .managed_keys
        .iter()
        .any(|managed| managed == key)
    {
        return false;
    }
    let tail = key.rsplit(['_', '.', '-', ':', '@']).next().unwrap_or(key);
    let hump = tail
        .rfind(|c: char| c.is_ascii_uppercase())
        .filter(|at| *at > 0)
        .and_then(|at| tail.get(at..));
    let names_one = |word: &str| {
        PEER_WORDS.contains(word)
            || (word.bytes().any(|b| b.is_ascii_uppercase())
                && PEER_WORDS.contains(word.to_ascii_lowercase().as_str()))
    };
    names_one(tail) || hump.is_some_and(names_one)
}

/// True for `address`, `http_addr`: without a service before it, and without a port behind it, as often where a program
/// itself listens.
fn is_open_alone(key: &str) -> bool {
    let tail = key.rsplit(['_', '.', '-', ':', '@']).next().unwrap_or(key);
    is_open(&tail.to_ascii_lowercase()) && told(key, "").is_none()
}

static PEER_WORDS: LazyLock<Words> = LazyLock::new(|| words(&COMMON_KEYS.peer_words));

/// The key of a URL. What stands before a comma or a bar is another column, and may be a secret.
fn key_of_url(head: &str) -> &str {
    let tail = head.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
    if tail.ends_with([',', '|', '@']) {
        return "";
    }
    key_before(head)
}

/// The key a value belongs to: the word before `=`, `:`, `>`, a quote or white space.
fn key_before(head: &str) -> &str {
    let head = head.trim_end_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | '=' | ':' | '>' | '(' | '[' | ',' | '{' | '|'
            )
    });
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'@' | b'$');
    let length = head.bytes().rev().take_while(word).count();
    let key = head
        .get(head.len() - length..)
        .unwrap_or_default()
        .trim_matches(['-', '.', '$', '@']);
    if key.len() > KEY_MAX { "" } else { key }
}

/// Byte ranges of `<!-- … -->` and of `/* … */` that begin a line or follow white space, in order.
fn comments(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut out: Vec<(usize, usize)> = Vec::new();
    let (mut markup_ended, mut code_ended, mut type_ended) = (Some(0), Some(0), Some(0));
    // The second letter of either opening is rarer than the first.
    for second in memchr2_iter(b'!', b'*', bytes) {
        let Some(start) = second.checked_sub(1) else {
            continue;
        };
        let rest = bytes.get(start..).unwrap_or_default();
        let at_word = start == 0 || bytes.get(start - 1).is_some_and(u8::is_ascii_whitespace);
        let (ended, close) = match rest {
            [b'<', b'!', b'-', b'-', ..] => (&mut markup_ended, &*CLOSE_MARKUP),
            // Where a kind of document is described is a name, and no place anybody asks.
            [b'<', b'!', b'D', b'O', b'C', b'T', ..] => (&mut type_ended, &*CLOSE_TYPE),
            [b'/', b'*', ..] if at_word => (&mut code_ended, &*CLOSE_CODE),
            _ => continue,
        };
        if ended.is_none_or(|ended| start < ended) {
            continue;
        }
        // What nobody closes is no comment, and nothing after it is one of its kind.
        *ended = close.find(rest).map(|length| start + length);
        out.extend(ended.map(|end| (start, end)));
        if out.len() > COMMENTS_MAX {
            break;
        }
    }
    // One kind of comment may lie within the other: a range inside one before it adds nothing.
    out.dedup_by(|inner, outer| inner.1 <= outer.1);
    out
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceiling(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use groma_model::fact::{Component, ComponentClass};

    use super::*;

    fn place() -> Place {
        Place {
            file: "/opt/x.conf".into(),
            component: Component {
                class: ComponentClass::File,
                name: "/opt/x.conf".into(),
            },
            rhythm: None,
            is_crontab: false,
        }
    }

    fn shown(text: &str, dialect: Dialect) -> Vec<String> {
        scan(text, dialect, place())
            .0
            .references()
            .map(|r| {
                format!(
                    "{} {} {} {}:{}",
                    r.line,
                    r.key,
                    r.kind,
                    r.peer,
                    r.port.map_or(0, |p| p.0)
                )
            })
            .collect()
    }

    #[test]
    fn urls_and_peers_are_found_with_key_and_line() {
        let text = "# url = http://old/\nurl = https://erp.corp:8443/x\n  server 10.1.2.3:5432;\nlisten 10.0.0.1:80\n{\"api\": \"http://a.corp/\"}\n<host>http://b.corp/</host>\n";
        assert_eq!(
            shown(text, Dialect::Settings),
            [
                "2 url http erp.corp:8443",
                "3 server sql 10.1.2.3:5432",
                "5 api http a.corp:80",
                "6 host http b.corp:80"
            ]
        );
    }

    #[test]
    fn prose_comments_and_namespaces_are_silent() {
        let text = "see the page at http://x.corp/ for more\n/* a = http://y.corp/\n*/\n<!-- <a href=\"http://z.corp\"/>\n-->\n<a xmlns=\"http://www.w3.org/1999/x\">\nx = 1 # http://c.corp\nversion = 10.0.0.1\nallow 10.0.0.5\n<?xml version=\"1.0\"?><!DOCTYPE a PUBLIC \"-//B//EN\"\n \"http://d.corp/a.dtd\"> <!-- 1.0 http://e.corp/ -->\n";
        assert!(
            shown(text, Dialect::Settings).is_empty(),
            "{:?}",
            shown(text, Dialect::Settings)
        );
    }

    #[test]
    fn programs_speak_in_literals_only() {
        assert_eq!(
            shown(
                "get(\"http://a.corp/x\") // http://b.corp\nlet u = http://c.corp;\n",
                Dialect::Program
            ),
            ["1 get http a.corp:80"]
        );
    }

    proptest::proptest! {
        /// The pattern a bench searches with (`tests/bench/gb.py`, `ENDPOINTS`): all it finds is looked at.
        #[test]
        fn whatever_the_endpoint_pattern_finds_is_a_candidate(
            before in "[ -~\n]{0,40}",
            endpoint in "((https?|jdbc:[a-z]{1,8}|ldaps?|amqps?|mongodb|redis)://[A-Za-z0-9._-]{1,20}(:[0-9]{1,5})?|[0-9]{1,3}(\\.[0-9]{1,3}){3}(:[0-9]{1,5})?)",
            after in "[ -~\n]{0,40}",
        ) {
            let text = format!("{before}{endpoint}{after}");
            let within = before.len()..before.len() + endpoint.len();
            let mut sieve = Sieve::new(text.as_bytes());
            let mut next = sieve.next(0);
            while let Some(hit) = next.filter(|hit| !within.contains(hit)) {
                next = sieve.next(hit + 1);
            }
            proptest::prop_assert!(next.is_some());
        }
    }

    /// The parts of `text` that are read because a candidate stands in them.
    fn looked_at(text: &str) -> Vec<(usize, usize)> {
        let (mut out, mut at) = (Vec::new(), 0);
        let mut sieve = Sieve::new(text.as_bytes());
        while let Some(hit) = sieve.next(at) {
            let (start, end) = reach(text, hit);
            out.push((start, end));
            at = end.max(hit + 1);
        }
        out
    }

    /// What ripgrep finds with the pattern of the bench: file, offset and length of each hit.
    fn ripgrep(roots: &[&str]) -> Option<Vec<(String, usize, usize)>> {
        const PATTERN: &str = r"(https?|jdbc:[a-z]+|ldaps?|amqps?|mongodb|redis)://[A-Za-z0-9._-]+(:[0-9]+)?|\b[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?\b";
        let words = [
            "-uuu",
            "--no-config",
            "--null",
            "-o",
            "-b",
            "-N",
            "--no-heading",
            "--with-filename",
        ];
        let mut command = std::process::Command::new("rg");
        let limits = [
            "--max-filesize",
            "64K",
            "--max-count",
            "2000",
            "--no-messages",
        ];
        let said = command
            .args(words)
            .args(limits)
            .arg(PATTERN)
            .args(roots)
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let hit = |line: &str| {
            let (file, rest) = line.split_once('\0')?;
            let (offset, found) = rest.split_once(':')?;
            Some((file.to_owned(), offset.parse().ok()?, found.len()))
        };
        Some(said.lines().filter_map(hit).collect())
    }

    /// Every hit lies in a part that is looked at. Says how many were compared.
    fn nothing_is_lost(hits: Vec<(String, usize, usize)>) -> usize {
        let mut compared = 0;
        for of_file in hits.chunk_by(|a, b| a.0 == b.0) {
            let Ok(text) = std::fs::read(&of_file[0].0).map(String::from_utf8) else {
                continue;
            };
            let Ok(text) = text else { continue };
            let parts = looked_at(&text);
            for (file, start, length) in of_file {
                let end = start + length;
                // In a line longer than what is looked at, several parts may hold it together.
                let from = parts.partition_point(|(_, high)| high <= start);
                let mut reached = *start;
                for (_, high) in parts[from..].iter().take_while(|(low, _)| low < &end) {
                    reached = reached.max(*high);
                }
                let begins = parts.get(from).is_some_and(|(low, _)| low <= start);
                assert!(
                    begins && reached >= end,
                    "{file}: {start} to {end} is passed over"
                );
                compared += 1;
            }
        }
        compared
    }

    #[test]
    fn nothing_ripgrep_finds_in_made_up_files_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let pieces = [
            "url = https://a.corp:8443/x",
            "10.0.0.1",
            "10.0.0.1:80,",
            "1.2.3.4.5",
            "a=",
            "ä.1.",
            "# ",
            "://",
            "jdbc:mysql://db1/x",
            "http://",
            "x:// ldap://d.corp",
            "\n",
            "\n",
            " ",
            "\"",
            "<!-- ",
            "-->",
            ": ",
            ".",
        ];
        for file in 0..200_usize {
            let (mut text, mut state) = (String::new(), file);
            for _ in 0..400 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                text += pieces[(state >> 33) % pieces.len()];
                // Lines longer than what is looked at around a candidate.
                if (state >> 20) % 97 == 0 {
                    text += &"é x".repeat(REACH / 3);
                }
            }
            std::fs::write(directory.path().join(format!("f{file:03}.conf")), text).unwrap();
        }
        let Some(hits) = ripgrep(&[directory.path().to_str().unwrap()]) else {
            eprintln!("skipped: ripgrep is not installed");
            return;
        };
        assert!(nothing_is_lost(hits) > 10_000);
    }

    #[test]
    fn one_machine_counts_once_per_file() {
        assert_eq!(
            shown("a=http://h.corp/1\nb=http://h.corp/2\n", Dialect::Settings).len(),
            1
        );
    }

    #[test]
    fn the_column_beside_a_url_is_not_its_key() {
        let text = "svc,hunter2,https://api.corp.example/v1\n";
        for line in shown(text, Dialect::Settings) {
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn a_line_of_five_megabytes_is_read_in_windows() {
        let text = format!(
            "{}\"u\":\"http://deep.corp/\"{}",
            "x".repeat(2 << 20),
            "ä".repeat(1 << 20)
        );
        assert_eq!(shown(&text, Dialect::Settings), ["1 u http deep.corp:80"]);
        let dense = "a=1.1.1.1 ".repeat(1 << 19);
        let _ = shown(&dense, Dialect::Settings);
    }

    #[test]
    fn no_text_breaks_the_scan() {
        groma_fuzz::hammer(
            500,
            &[
                b"a = http://x:1/ \xc3\xa4 10.0.0.1:2 <!-- /* */ -->\n",
                b"\"u\": \"ldap://y\"",
            ],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let _ = scan(&text, Dialect::Settings, place());
            },
        );
    }
}
