//! Whether a text says a name, as a word of its own.
//!
//! `anna` is said by `/home/anna`, `CORP\Anna` and `ask anna.`; not by `joanna`, `anna-server`, `anna.petrova` or `anna@corp.example`,
//! which are names of their own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What makes a text another word than the spelling that stands in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    /// A person, an account, a mail address. An `@` on either side makes another name of it.
    Person,
    /// A host name: whatever stands before an `@` is at that host.
    Host,
    /// An address; a hyphen beside it is one of a range.
    Address,
    /// A mark as machines write it, case and all.
    Mark,
}

/// One way in which something is named.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Spelling {
    /// In small letters, but for marks.
    text: Vec<char>,
    kind: Kind,
    only_beside: bool,
}

impl Spelling {
    /// A person's name, a mail address or an account; small and large letters are the same.
    pub fn person(name: &str) -> Self {
        Self::of(name.trim(), Kind::Person)
    }

    /// A host name; small and large letters are the same.
    pub fn host(name: &str) -> Self {
        Self::of(name.trim().trim_end_matches('.'), Kind::Host)
    }

    /// An address, and the name under which its own name is asked for (RFC 1035 §3.5, RFC 3596 §2.5).
    pub fn address(address: IpAddr) -> [Self; 2] {
        let backwards = match address {
            IpAddr::V4(four) => {
                let [a, b, c, d] = four.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(six) => {
                let digits = format!("{:032x}", u128::from(six));
                let digits: Vec<String> = digits.chars().rev().map(String::from).collect();
                format!("{}.ip6.arpa", digits.join("."))
            }
        };
        let plain = Self::of(&address.to_string(), Kind::Address);
        [plain, Self::host(&backwards)]
    }

    /// A mark as it is written: a serial number, a network card, a fingerprint, an id.
    pub fn mark(text: &str) -> Self {
        Self::of(text, Kind::Mark)
    }

    /// Counts only in a text that says another spelling too, one that is nobody else's: `web1` beside `web1.corp.example`.
    #[must_use]
    pub fn only_beside(self) -> Self {
        Self {
            only_beside: true,
            ..self
        }
    }

    fn of(text: &str, kind: Kind) -> Self {
        let text = match kind {
            Kind::Mark => text.chars().collect(),
            _ => text.chars().flat_map(char::to_lowercase).collect(),
        };
        Self {
            text,
            kind,
            only_beside: false,
        }
    }

    /// How many bytes at the begin of `text` spell it; `None` if they do not.
    fn begins(&self, text: &str) -> Option<usize> {
        let mut wanted = self.text.iter();
        for (at, c) in text.char_indices() {
            if wanted.as_slice().is_empty() {
                return Some(at);
            }
            let agrees = match self.kind {
                Kind::Mark => wanted.next() == Some(&c),
                _ => c.to_lowercase().all(|c| wanted.next() == Some(&c)),
            };
            if !agrees {
                return None;
            }
        }
        wanted.as_slice().is_empty().then_some(text.len())
    }

    /// True if nothing on either side makes another word of it.
    fn stands_alone(&self, before: &str, after: &str) -> bool {
        let mut back = before.chars().rev();
        let mut on = after.chars();
        let left = self.is_joined(back.next(), back.next(), matches!(self.kind, Kind::Person));
        let right = self.is_joined(on.next(), on.next(), true);
        !left && !right
    }

    /// True if `next` is a letter of the same word, or joins it to `then`. `at` says whether an `@` joins here.
    fn is_joined(&self, next: Option<char>, then: Option<char>, at: bool) -> bool {
        let is_letter = |c: char| {
            let hyphen = matches!(c, '_' | '-') && self.kind != Kind::Address;
            c.is_alphanumeric() || hyphen
        };
        let Some(next) = next else { return false };
        let joins = match next {
            '.' | '+' => true,
            '@' => at,
            ':' => match self.kind {
                Kind::Mark => true,
                // The port behind an address of version 4; version 6 has colons of its own.
                Kind::Address => self.text.contains(&':'),
                Kind::Person | Kind::Host => false,
            },
            _ => return is_letter(next),
        };
        joins && then.is_some_and(|then| is_letter(then) || then == ':')
    }
}

/// The words that hold a name and are another one, as far as they are remembered.
const NEAR_MAX: usize = 8;
const NEAR_CHARS: usize = 64;

/// Finds any of several spellings, the longest first.
#[derive(Debug)]
pub(super) struct Finder {
    spellings: Vec<Spelling>,
    /// Whether a spelling may begin with this byte.
    begins: Box<[bool; 256]>,
    near: RefCell<BTreeSet<String>>,
}

impl Finder {
    pub(super) fn new(spellings: &[Spelling]) -> Self {
        let mut spellings: Vec<Spelling> = spellings.to_vec();
        spellings.retain(|spelling| !spelling.text.is_empty());
        spellings.sort_by(|a, b| (b.text.len(), a).cmp(&(a.text.len(), b)));
        spellings.dedup();
        let mut begins = Box::new([false; 256]);
        for first in spellings.iter().filter_map(|s| s.text.first()) {
            for c in first.to_lowercase().chain(first.to_uppercase()) {
                let byte = c.encode_utf8(&mut [0; 4]).bytes().next();
                if let Some(place) = byte.and_then(|b| begins.get_mut(usize::from(b))) {
                    *place = true;
                }
            }
        }
        Self {
            spellings,
            begins,
            near: RefCell::default(),
        }
    }

    /// True if some spelling counts only beside another one.
    pub(super) fn has_weak(&self) -> bool {
        self.spellings.iter().any(|spelling| spelling.only_beside)
    }

    /// The first place in `text` from `from` on that says one of them; with `weak` also those that count only beside another one.
    pub(super) fn find(&self, text: &str, from: usize, weak: bool) -> Option<(usize, usize)> {
        let bytes = text.as_bytes().get(from..)?;
        let may_begin = |byte: &u8| self.begins.get(usize::from(*byte)) == Some(&true);
        let mut places = bytes.iter().enumerate().filter(|(_, byte)| may_begin(byte));
        places.find_map(|(at, _)| self.said_at(text, from + at, weak))
    }

    fn said_at(&self, text: &str, at: usize, weak: bool) -> Option<(usize, usize)> {
        let (before, rest) = text.split_at_checked(at)?;
        let counts = self.spellings.iter().filter(|s| weak || !s.only_beside);
        for spelling in counts {
            let Some(length) = spelling.begins(rest) else {
                continue;
            };
            let after = rest.get(length..).unwrap_or_default();
            if spelling.stands_alone(before, after) {
                return Some((at, at + length));
            }
            self.note(before, rest, length);
        }
        None
    }

    /// Remembers the word around a name that is not said by it.
    fn note(&self, before: &str, rest: &str, length: usize) {
        let mut near = self.near.borrow_mut();
        if near.len() >= NEAR_MAX {
            return;
        }
        let of_word = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
        let half = NEAR_CHARS / 2;
        let back: Vec<char> = before
            .chars()
            .rev()
            .take_while(of_word)
            .take(half)
            .collect();
        let (name, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let on = after.chars().take_while(of_word).take(half);
        let word: String = back
            .into_iter()
            .rev()
            .chain(name.chars().take(half))
            .chain(on)
            .collect();
        near.insert(word.trim_end_matches('.').to_owned());
    }

    /// Words that hold a name and are another one: some of those that were met.
    pub(super) fn near(&self) -> Vec<String> {
        self.near.borrow().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(spelling: Spelling, text: &str) -> bool {
        Finder::new(&[spelling]).find(text, 0, false).is_some()
    }

    #[test]
    fn a_name_is_said_where_it_is_a_word_of_its_own() {
        for text in [
            "anna",
            "Anna",
            "/home/anna/.ssh",
            r"CORP\ANNA",
            "ask anna.",
            "anna's",
            "(anna)",
            "~anna",
            ".anna",
            "joanna and anna",
        ] {
            assert!(says(Spelling::person("anna"), text), "{text}");
        }
        for text in [
            "joanna",
            "annabel",
            "anna-server",
            "x-anna",
            "anna_old",
            "anna.petrova",
            "anna@corp.example",
            "root@anna",
            "anna+x",
            "ännä",
            "",
        ] {
            assert!(!says(Spelling::person("anna"), text), "{text}");
        }
    }

    #[test]
    fn a_mail_address_and_a_name_of_other_letters_are_words_too() {
        let mail = || Spelling::person("Anna@corp.example");
        assert!(says(mail(), "to <ANNA@CORP.EXAMPLE>, and"));
        for other in [
            "joanna@corp.example",
            "anna@corp.example.org",
            "x.anna@corp.example",
        ] {
            assert!(!says(mail(), other), "{other}");
        }
        assert!(says(
            Spelling::person("Анна Петрова"),
            "владелец: АННА ПЕТРОВА."
        ));
        assert!(!says(Spelling::person("Анна Петрова"), "Жанна Петрова"));
    }

    #[test]
    fn a_host_is_said_behind_a_user_and_before_a_port_but_not_within_another_name() {
        let host = || Spelling::host("web1.corp.example.");
        for text in [
            "root@WEB1.corp.example",
            "https://web1.corp.example:443/x",
            "web1.corp.example.",
            "*.web1.corp.example",
        ] {
            assert!(says(host(), text), "{text}");
        }
        for text in [
            "api.web1.corp.example",
            "web1.corp.example.org",
            "old-web1.corp.example",
            "web11.corp.example",
        ] {
            assert!(!says(host(), text), "{text}");
        }
    }

    #[test]
    fn an_address_is_no_part_of_a_longer_one() {
        let four = || {
            let [plain, _] = Spelling::address("10.0.0.5".parse().unwrap());
            plain
        };
        for text in [
            "10.0.0.5",
            "10.0.0.5/24",
            "10.0.0.5:443",
            "10.0.0.1-10.0.0.5",
            "at 10.0.0.5.",
        ] {
            assert!(says(four(), text), "{text}");
        }
        for text in ["110.0.0.5", "10.0.0.50", "10.0.0.5.6", "1.10.0.0.5"] {
            assert!(!says(four(), text), "{text}");
        }
        let six = || {
            let [plain, _] = Spelling::address("2001:db8::5".parse().unwrap());
            plain
        };
        assert!(says(six(), "[2001:DB8::5]:443"));
        for text in ["2001:db8::51", "2001:db8::5:1", "1:2001:db8::5"] {
            assert!(!says(six(), text), "{text}");
        }
        let [_, backwards] = Spelling::address("10.0.0.5".parse().unwrap());
        assert!(says(backwards, "5.0.0.10.in-addr.arpa"));
    }

    #[test]
    fn words_that_only_hold_the_name_are_told() {
        let finder = Finder::new(&[Spelling::person("anna")]);
        assert_eq!(
            finder.find("to joanna, Anna-server; anna@corp.example.", 0, false),
            None
        );
        assert_eq!(
            finder.near(),
            ["Anna-server", "anna@corp.example", "joanna"]
        );
    }
}
