//! Words without which no application's file is worth taking apart: a look for URLs is enough.
//!
//! A file is asked for all of them at once, before anything else is done with it. The vector search finds stems,
//! short and rare pieces of the words; only where one stands is the word itself compared.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, Span};
use groma_knowledge::rules::Format;
use memchr::memmem::Finder;
use memchr::{memchr, memchr2, memrchr};

use crate::peers::{stands_for_a_machine, words_for_machines};
use crate::sieve::places_of;

/// The words as keys write them in lower case.
const TELLING: &[&str] = &[
    "host",
    "_server",
    ".server",
    "smtp",
    "ldap",
    "imap",
    "ername",
    "passw",
    "pwd",
    "databases",
    "location",
    "bootstrap",
    "broker",
    "_proxy",
    "mailserver",
    "dbserver",
    "onnectionString",
    "mysqli",
    "dsn",
    // JSON may write a URL as `https:\\/\\/…`.
    ":\\/\\/",
];

/// Three letters of each word, in two lists of at most 32: so the vector search runs in its widest lanes. They are
/// chosen to be rare in settings and in prose (`ssw`, not `pas`), and so that few of them share a lane.
const STEMS: [&[&str]; 2] = [
    &[
        "hos", "HOS", "Hos", "ils", "ILS", "mtp", "MTP", "map", "MAP", "rna", "RNA", "ssw", "SSW",
        "aba", "ABA", "tst", "TST", "_pr", "_PR", "_Pr", "qli", "QLI", ":\\/",
    ],
    &[
        "_se", "_SE", "_Se", ".se", ".SE", ".Se", "bse", "BSE", "dap", "DAP", "pwd", "PWD", "Pwd",
        "oca", "OCA", "rok", "ROK", "nSt", "NST", "dsn", "DSN", "Dsn",
    ],
];

/// One vector search, and for each of its stems the words around it, with the offset of the stem in the word.
struct Stems {
    search: Searcher,
    words: Vec<Vec<(String, usize)>>,
}

impl Stems {
    fn new(stems: &[&str], spelt: &[String]) -> Option<Self> {
        let around = |stem: &&str| {
            let word = |word: &String| Some((word.clone(), word.find(stem)?));
            spelt.iter().filter_map(word).collect()
        };
        Some(Self {
            search: Searcher::new(stems)?,
            words: stems.iter().map(around).collect(),
        })
    }

    fn are_in(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(found) = self.search.find_in(text, Span::from(at..text.len())) {
            let words = self.words.get(found.pattern().as_usize());
            let stands = |(word, offset): &(String, usize)| {
                let start = found.start().checked_sub(*offset);
                start
                    .and_then(|start| text.get(start..))
                    .is_some_and(|rest| rest.starts_with(word.as_bytes()))
            };
            if words.is_some_and(|words| words.iter().any(stands)) {
                return true;
            }
            at = found.start() + 1;
        }
        false
    }
}

/// The vector searches; where the processor has none, an automaton does their work.
static SEARCH: LazyLock<(Option<[Stems; 2]>, AhoCorasick)> = LazyLock::new(|| {
    let spelt = spelt();
    let automaton = AhoCorasick::new(&spelt).expect("a short list of words fits an automaton");
    let [mixed, upper] = STEMS;
    let vector = Stems::new(mixed, &spelt).zip(Stems::new(upper, &spelt));
    (vector.map(|(mixed, upper)| [mixed, upper]), automaton)
});

/// Each word as keys spell it: `host`, `HOST`, `Host`.
fn spelt() -> Vec<String> {
    let mut spelt: Vec<String> = TELLING.iter().map(|w| (*w).to_owned()).collect();
    spelt.extend(TELLING.iter().map(|w| w.to_ascii_uppercase()));
    spelt.extend(TELLING.iter().map(|w| titled(w)));
    spelt
}

/// `Host` of `host`, `_Server` of `_server`.
fn titled(word: &str) -> String {
    let at = word.find(|c: char| c.is_ascii_lowercase()).unwrap_or(0);
    let (head, tail) = word.split_at(at);
    let mut chars = tail.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    head.chars().chain(first).chain(chars).collect()
}

/// Words so frequent that they tell something only as the end of a key.
const PLAIN: &[&str] = &["server", "target", "endpoint", "remote", "upstream"];

static PLAIN_SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let spelt = PLAIN
        .iter()
        .flat_map(|w| [(*w).to_owned(), w.to_ascii_uppercase(), titled(w)]);
    AhoCorasick::new(spelt).expect("a short list of words fits an automaton")
});

/// True if a file in `format` may hold more than URLs. The format is asked for only where no word tells.
pub(crate) fn is_telling(text: &str, format: impl FnOnce() -> Format) -> bool {
    if has_telling_word(text) {
        return true;
    }
    match format() {
        // One line, one key: that it stands for a machine can be seen where it ends.
        Format::Ini | Format::Equals | Format::Colon | Format::Shell => has_telling_key(text),
        _ => PLAIN_SEARCH.is_match(text),
    }
}

fn has_telling_word(text: &str) -> bool {
    match &*SEARCH {
        (Some(vector), _) => vector.iter().any(|stems| stems.are_in(text.as_bytes())),
        (None, automaton) => automaton.is_match(text),
    }
}

/// True if a key before `=` or `:` ends in a word that stands for a machine, and its value is no URL; if it is a
/// number, and the name of its section is the key; or if a machine with its port stands behind any key.
fn has_telling_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = &*KEY_ENDS;
    places_of(b'=', b':', bytes).any(|at| is_telling_key(bytes, at, ends))
}

/// Nearly every key is told apart by its last letters, from the separator at `at` backwards.
fn is_telling_key(bytes: &[u8], at: usize, ends: &[u64; 512]) -> bool {
    let Some((mut head, [separator, behind @ ..])) = bytes.split_at_checked(at) else {
        return false;
    };
    if *separator == b':' && behind.first().is_some_and(u8::is_ascii_digit) {
        match behind_a_key(bytes, at) {
            Behind::Url => return false,
            Behind::Key => return true,
            Behind::Nothing => {}
        }
    }
    while let [before @ .., b' ' | b'\t' | b'"'] = head {
        head = before;
    }
    let whole = head.len();
    while let [before @ .., b'0'..=b'9'] = head {
        head = before;
    }
    match head {
        [.., letter] if letter.is_ascii_alphabetic() => {}
        [] | [.., b'\n' | b' ' | b'\t'] => return head.len() < whole && !is_url(bytes, at),
        _ => return false,
    }
    if !may_end_a_machine(head, ends) {
        return false;
    }
    let letters = head.iter().rev().take(WORD_MAX);
    let length = letters.take_while(|b| b.is_ascii_alphabetic()).count();
    let key = head.get(head.len() - length..).unwrap_or_default();
    let tells = |key: &str| ends_in_machine(key) && (is_proxy(key) || !is_url(bytes, at));
    std::str::from_utf8(key).is_ok_and(tells)
}

/// True if the last three letters, in either case, are the last ones of a word that stands for a machine.
/// Nearly no key ends so, and what else may stand there only has to be asked for in full.
fn may_end_a_machine(letters: &[u8], ends: &[u64; 512]) -> bool {
    let Some(&[a, b, c]) = letters.last_chunk() else {
        return true;
    };
    let at = index_of_end(a, b, c);
    ends.get(at / 64)
        .is_none_or(|bits| bits >> (at % 64) & 1 == 1)
}

/// The last five bits tell letters apart, not their case.
fn index_of_end(a: u8, b: u8, c: u8) -> usize {
    let bits = |letter: u8| usize::from(letter & 31);
    bits(a) << 10 | bits(b) << 5 | bits(c)
}

/// One bit for every three letters. A shorter word has anything before it.
static KEY_ENDS: LazyLock<[u64; 512]> = LazyLock::new(|| {
    let mut ends = [0; 512];
    for word in words_for_machines() {
        let mut letters = word.bytes().rev().map(|b| vec![b]);
        let any = || (0..32).collect();
        let (c, b, a) = (letters.next(), letters.next(), letters.next());
        for a in a.unwrap_or_else(any) {
            for b in b.clone().unwrap_or_else(any) {
                for c in c.clone().unwrap_or_else(any) {
                    let at = index_of_end(a, b, c);
                    if let Some(bits) = ends.get_mut(at / 64) {
                        *bits |= 1_u64 << (at % 64);
                    }
                }
            }
        }
    }
    ends
});

/// A proxy is written as a URL of its own, and only its key says what it is.
fn is_proxy(letters: &str) -> bool {
    letters.len() >= 5
        && letters
            .get(letters.len() - 5..)
            .is_some_and(|tail| tail.eq_ignore_ascii_case("proxy"))
}

/// What stands in its line before the colon of `app1.corp.example:6380`.
enum Behind {
    Url,
    Key,
    Nothing,
}

/// A machine with its port is believed whatever its key is called.
fn behind_a_key(bytes: &[u8], at: usize) -> Behind {
    let low = at.saturating_sub(VALUE_MAX);
    let head = bytes.get(low..at).unwrap_or_default();
    // The port of a URL: nearly every colon before a digit is one.
    let of_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let name = head.iter().rev().take_while(|b| of_name(b)).count();
    if head
        .get(..head.len() - name)
        .is_some_and(|before| before.ends_with(b"://"))
    {
        return Behind::Url;
    }
    let head = match memrchr(b'\n', head) {
        Some(end) => head.get(end + 1..).unwrap_or_default(),
        None => head,
    };
    match memchr2(b'=', b':', head) {
        _ if SIGN.find(head).is_some() => Behind::Url,
        Some(_) => Behind::Key,
        None => Behind::Nothing,
    }
}

/// Letters of the longest word that stands for a machine, and more.
const WORD_MAX: usize = 32;

/// True if the value behind the separator at `at` holds a URL, or is the rest of one.
fn is_url(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    let line = rest.get(..rest.len().min(VALUE_MAX)).unwrap_or_default();
    let length = memchr(b'\n', line).unwrap_or(line.len());
    let line = line.get(..length).unwrap_or_default();
    line.starts_with(b"//") || SIGN.find(line).is_some()
}

static SIGN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

/// Letters of a value that are looked at.
const VALUE_MAX: usize = 256;

/// True for `server`, `ldapServer`, `SMTP`.
fn ends_in_machine(letters: &str) -> bool {
    if letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return stands_for_a_machine(letters);
    }
    let hump = letters
        .rfind(|c: char| c.is_ascii_uppercase())
        .and_then(|at| letters.get(at..))
        .unwrap_or(letters);
    [letters, hump]
        .iter()
        .any(|word| stands_for_a_machine(&word.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_every_word_has_its_stem() {
        for word in spelt() {
            for text in [
                word.clone(),
                format!("{}{word} = x\n", "a = b\n".repeat(50)),
            ] {
                assert!(has_telling_word(&text), "{word}");
            }
        }
    }

    #[test]
    fn a_proxy_is_known_by_its_key_though_its_value_is_a_url() {
        assert!(is_telling("proxy=http://webproxy:3128\n", || Format::Ini));
        assert!(is_telling("HttpProxy: http://webproxy:3128\n", || {
            Format::Ini
        }));
        assert!(!is_telling("baseurl=http://mirror/x\n", || Format::Ini));
    }

    #[test]
    fn a_stem_alone_tells_nothing() {
        for text in [
            "hose",
            "a server;",
            "SERVERS",
            "xDAP dap",
            "proxy_pass x",
            "wPD",
        ] {
            let text = text.repeat(20);
            assert!(!has_telling_word(&text), "{text}");
        }
    }

    #[test]
    fn a_key_that_ends_in_a_machine_tells_and_one_that_begins_so_does_not() {
        for text in [
            "servers = cache1.corp:6380\n",
            "a=b\nldapServer: dc1.corp\n",
            "UPSTREAM=a.corp",
            "\"target\" : \"a.corp\"\n",
            "server2=10.0.0.1\n",
            "[peers]\n1 = 10.0.0.7:9094\n",
            "conn = Server=db1;Database=erp\n",
            "cache = app1.corp.example:6380\n",
        ] {
            assert!(has_telling_key(text), "{text}");
        }
        for text in [
            "server_12 = upstream 5\n# server listen\n  server 10.0.0.1:80;\n",
            "url = https://server.corp:80/\n",
            "mode = server\n",
            "jdbc.url=jdbc:postgresql://db01.corp:5432/app\n",
        ] {
            assert!(!has_telling_key(text), "{text}");
        }
    }

    #[test]
    fn the_last_letters_of_a_key_give_no_machine_away() {
        for word in words_for_machines() {
            for key in [
                word.to_owned(),
                word.to_uppercase(),
                format!("my{}", titled(word)),
                format!("x_{word}"),
            ] {
                let letters = key.trim_start_matches("x_");
                if ends_in_machine(letters) {
                    assert!(may_end_a_machine(key.as_bytes(), &KEY_ENDS), "{key}");
                }
            }
        }
        let ends = KEY_ENDS.iter().map(|bits| bits.count_ones()).sum::<u32>();
        assert!(ends < 8_000, "{ends} of 32768 ends tell nothing apart");
        for key in [&b"enabled"[..], b"size"] {
            assert!(!may_end_a_machine(key, &KEY_ENDS));
        }
    }

    #[test]
    fn no_text_breaks_the_search_for_keys() {
        groma_fuzz::hammer(2_000, &[b"server = a\n1=b:c\n\"x\": y"], |bytes| {
            let _ = has_telling_key(&String::from_utf8_lossy(bytes));
        });
    }

    #[test]
    fn the_vector_search_says_what_the_automaton_says() {
        let corpus: Vec<Vec<u8>> = spelt()
            .into_iter()
            .map(|w| format!("x {w}=1 ost serv\n").into_bytes())
            .collect();
        let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(3_000, &corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(has_telling_word(&text), SEARCH.1.is_match(text.as_bytes()));
        });
    }
}
