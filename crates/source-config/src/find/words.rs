//! The names and addresses searched for, and where a text holds one of them as a whole.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use groma_model::Peer;
use groma_model::found::{Naming, Spelling};

use super::comments::Comments;
use super::hashed;

/// Hits of the words in one file, before they are weighed.
const HITS_MAX: usize = 1 << 20;
/// How much of a long line is looked at on either side of a hit.
const REACH: usize = 2048;

/// What is searched for.
pub(super) struct Words {
    automaton: AhoCorasick,
    spellings: Vec<Spelling>,
}

/// A place that names one of the systems.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hit {
    /// Line, from 1.
    pub(super) line: u32,
    /// The word before the name, where it is a key.
    pub(super) key: String,
    /// The name as it stands there.
    pub(super) peer: Peer,
    /// The way it is named.
    pub(super) naming: Naming,
}

impl Words {
    /// `None` if there is nothing to search for.
    pub(super) fn of(spellings: &[Spelling]) -> Option<Self> {
        if spellings.is_empty() {
            return None;
        }
        let automaton = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(spellings.iter().map(|s| s.text.as_str()))
            .ok()?;
        Some(Self {
            automaton,
            spellings: spellings.to_vec(),
        })
    }

    /// Every line of `text` that names somebody, once for each name, in order.
    pub(super) fn within(&self, text: &str, path: &str) -> Vec<Hit> {
        let mut out: Vec<Hit> = hashed::hits(text, path, &self.spellings);
        let mut comments = None;
        let mut line = 1_u32;
        let mut counted = 0;
        for found in self.automaton.find_overlapping_iter(text).take(HITS_MAX) {
            let Some(spelling) = self.spellings.get(found.pattern().as_usize()) else {
                continue;
            };
            let (start, end) = (found.start(), found.end());
            if !is_whole(text, start, end, spelling) {
                continue;
            }
            let comments = comments.get_or_insert_with(|| Comments::of(text, path));
            let (head, tail) = around(text, start, end);
            if comments.has(start) || comments.is_comment(head) {
                continue;
            }
            // A name without a domain is a word like any other.
            let is_word = matches!(&spelling.peer, Peer::Name(n) if !n.as_str().contains('.'));
            if is_word && !is_host_like(head, tail) {
                continue;
            }
            let passed = text.get(counted..start).unwrap_or_default();
            line = line.saturating_add(u32::try_from(passed.matches('\n').count()).unwrap_or(0));
            counted = counted.max(start);
            let hit = Hit {
                line,
                key: if is_cut(text, start, head) {
                    String::new()
                } else {
                    key_of(head)
                },
                peer: spelling.peer.clone(),
                naming: spelling.naming,
            };
            if !out
                .iter()
                .rev()
                .take(64)
                .any(|h| h.line == line && h.peer == hit.peer)
            {
                out.push(hit);
            }
        }
        out.sort_by_key(|h| h.line);
        drop_shorter(&mut out);
        out
    }
}

/// A line that holds the whole name holds no second mention by the short one.
fn drop_shorter(hits: &mut Vec<Hit>) {
    let mut longer: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for hit in hits.iter().filter(|h| h.naming != Naming::Short) {
        longer
            .entry(hit.line)
            .or_default()
            .push(hit.peer.to_string());
    }
    hits.retain(|h| {
        let short = format!("{}.", h.peer);
        let on_line = longer.get(&h.line).into_iter().flatten();
        h.naming != Naming::Short || !on_line.into_iter().any(|name| name.starts_with(&short))
    });
}

/// True if the line is longer than we look back: its head begins somewhere, perhaps within a secret.
fn is_cut(text: &str, start: usize, head: &str) -> bool {
    let begins = start - head.len();
    let before = begins.checked_sub(1).and_then(|n| text.as_bytes().get(n));
    before.is_some_and(|b| *b != b'\n')
}

/// The line around a hit: what stands before, and what stands after.
fn around(text: &str, start: usize, end: usize) -> (&str, &str) {
    let low = text.floor_char_boundary(start.saturating_sub(REACH));
    let high = text.ceil_char_boundary(end.saturating_add(REACH));
    let head = text.get(low..start).unwrap_or_default();
    let tail = text.get(end..high).unwrap_or_default();
    let head = head.rsplit('\n').next().unwrap_or(head);
    (head, tail.split('\n').next().unwrap_or(tail))
}

/// True if the hit is the whole name or address, not a part of a longer one.
fn is_whole(text: &str, start: usize, end: usize, spelling: &Spelling) -> bool {
    let before = text.get(..start).and_then(|t| t.chars().next_back());
    let mut rest = text.get(end..).unwrap_or_default().chars();
    let (after, next) = (rest.next(), rest.next());
    let is_six = matches!(&spelling.peer, Peer::Address(a) if a.is_ipv6());
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-') || (is_six && c == ':');
    let is_four = matches!(&spelling.peer, Peer::Address(a) if a.is_ipv4());
    // A range of addresses names both its ends: `10.0.0.5-10.0.0.9`.
    let is_range = |c: char| is_four && c == '-';
    let clear_before = before.is_none_or(|c| is_range(c) || !(joins(c) || c == '.'));
    let clear_after = match (after, next) {
        (Some('.'), Some(c)) => !c.is_alphanumeric(),
        (Some(c), _) => is_range(c) || !joins(c),
        (None, _) => true,
    };
    clear_before && clear_after
}

/// True if a short name stands where a host may stand: not as a part of a path, a variable, a call, a key of its own.
fn is_host_like(head: &str, tail: &str) -> bool {
    let before = head.chars().next_back();
    let is_path = match before {
        Some('/') => !head.ends_with("//"),
        Some('\\') => !head.ends_with("\\\\"),
        Some('$' | '%' | '{' | '<' | '+' | '&' | '*') => true,
        _ => false,
    };
    let after = tail.chars().next();
    let is_name_of_something = matches!(after, Some('(' | '}' | '%' | '+' | '*'))
        || tail.trim_start().starts_with('=')
        || tail.starts_with(".*");
    let is_prose = tail.starts_with("'s ") || is_within_prose(head, tail);
    !(is_path || is_name_of_something || is_prose)
}

/// Words of a sentence on both sides: `the files of mail1 are kept for a year`.
fn is_within_prose(head: &str, tail: &str) -> bool {
    const SENTENCE: &[&str] = &[
        "the", "of", "is", "are", "was", "this", "that", "which", "and", "or", "not", "for", "to",
        "der", "die", "das", "und", "ist",
    ];
    let said = head
        .split_whitespace()
        .chain(tail.split_whitespace())
        .filter(|word| SENTENCE.contains(word))
        .count();
    said >= 3
}

/// The word before `=` or `:`, or the first word of the line; never what may be a secret: nothing is a key that
/// stands behind another value.
fn key_of(head: &str) -> String {
    let line = head.trim_start().trim_start_matches("- ");
    let line = line.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '{' | '[' | '<' | '(' | ',')
    });
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '$')))
        .unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(['"', '\'', ']']);
    let rest = rest.trim_start();
    let is_key = rest.starts_with(['=', ':', '>']) && !rest.starts_with("://");
    // `server mail1`, `relayhost [mail1]`: nothing but the word stands before the name.
    let is_alone = rest
        .chars()
        .all(|c| matches!(c, '"' | '\'' | '[' | '(' | '\\' | '/' | '@'))
        && !rest.contains('@');
    let digits = word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let login = rest.contains('@') && !rest.contains("://");
    if word.is_empty()
        || word.starts_with('-')
        || word.len() > 64
        || digits
        || login
        || !(is_key || is_alone)
    {
        return String::new();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(text: &str, naming: Naming) -> Spelling {
        Spelling {
            text: text.to_owned(),
            naming,
            peer: Peer::parse(text).unwrap(),
            of: "mail1.corp.example".to_owned(),
        }
    }

    fn words() -> Words {
        Words::of(&[
            spelling("mail1.corp.example", Naming::Name),
            spelling("10.0.0.5", Naming::Address),
            spelling("mail1", Naming::Short),
            spelling("2001:db8::5", Naming::Address),
        ])
        .unwrap()
    }

    fn shown(path: &str, text: &str) -> Vec<String> {
        let show = |h: &Hit| format!("{} {} {} {}", h.line, h.key, h.peer, h.naming.word());
        words().within(text, path).iter().map(show).collect()
    }

    #[test]
    fn whole_names_and_addresses_are_found_with_line_and_key() {
        let text = "relay = MAIL1.corp.example\nserver 10.0.0.5:25;\n\nurl: \"ldap://mail1.corp.example/\"\n-s 10.0.0.5-10.0.0.9\nallow 2001:db8::5\n";
        assert_eq!(
            shown("/etc/x.conf", text),
            [
                "1 relay mail1.corp.example name",
                "2 server 10.0.0.5 address",
                "4 url mail1.corp.example name",
                "5  10.0.0.5 address",
                "6 allow 2001:db8::5 address"
            ]
        );
    }

    #[test]
    fn parts_of_longer_names_are_nobody() {
        let text = "a=oldmail1.corp.example\nb=mail1.corp.example.net\nc=110.0.0.5\nd=10.0.0.50\ne=10.0.0.5.7\nf=mail1-test\ng=x-mail1.corp.example\nh=2001:db8::5:1\n";
        assert_eq!(shown("/etc/x.conf", text), Vec::<String>::new());
    }

    #[test]
    fn a_short_name_counts_where_a_host_may_stand() {
        let text = "ssh mail1 uptime\nrsync -a mail1:/srv //mail1/share\nscp a root@mail1:\nhosts = mail1, web1\n  - mail1\n";
        assert_eq!(
            shown("/usr/local/bin/x", text),
            [
                "1 ssh mail1 short",
                "2  mail1 short",
                "3  mail1 short",
                "4 hosts mail1 short",
                "5  mail1 short"
            ]
        );
    }

    #[test]
    fn a_short_name_that_is_something_else_is_nobody() {
        let text = "cd /srv/mail1/x\nmail1=5\necho $mail1 ${mail1}\nmail1() { :; }\nlog /var/log/mail1.log\nText: the files of mail1 are kept for a year\n";
        assert_eq!(shown("/usr/local/bin/x", text), Vec::<String>::new());
    }

    #[test]
    fn comments_are_silent_and_crontabs_are_no_comments() {
        let text = "# mail1.corp.example\nx = 1 # mail1.corp.example\n; 10.0.0.5\n// 10.0.0.5\n";
        assert_eq!(shown("/etc/x.ini", text), Vec::<String>::new());
        assert_eq!(
            shown("/etc/cron.d/x", "* * * * * root ssh mail1\n"),
            ["1  mail1 short"]
        );
    }

    #[test]
    fn what_may_be_a_secret_is_no_key() {
        for text in [
            "svc:hunter2@mail1.corp.example\n",
            "svc,hunter2,mail1.corp.example\n",
            "curl -u svc:hunter2 mail1.corp.example\n",
        ] {
            for line in shown("/opt/x", text) {
                assert!(!line.contains("hunter2"), "{line}");
            }
        }
    }

    #[test]
    fn no_text_breaks_the_search() {
        let words = words();
        groma_fuzz::hammer(
            300,
            &[b"a = mail1 \xc3\xa4 10.0.0.5-\n# mail1.corp.example \"\"\"\n|1|AAAA|BBBB ssh-rsa x\n"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                for path in ["/etc/x", "/root/.ssh/known_hosts", "/a.py"] {
                    let _ = words.within(&text, path);
                }
            },
        );
        let long = "mail1 ".repeat(1 << 17);
        assert!(!words.within(&long, "/x").is_empty());
    }
}
