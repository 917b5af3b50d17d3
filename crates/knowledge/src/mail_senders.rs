//! What a sender of mail seems to be: words of its address, and names makers give their machines.

use std::sync::LazyLock;

use groma_model::ledger::ConsumerClass;
use serde::Deserialize;

/// Longest word that is looked for.
const WORD_MAX: usize = 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    class: ConsumerClass,
    words: Vec<String>,
}

/// What must follow the beginning of a maker's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    Hex,
    Any,
}

/// A name that a maker gives its machines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MakersName {
    begins: String,
    then: Then,
    least: usize,
    says: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever edits the file; a test asks for it")
    )]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Senders {
    #[serde(rename = "version")]
    _version: u32,
    word: Vec<Words>,
    helo: Vec<MakersName>,
}

static SENDERS: LazyLock<Senders> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/mail_senders.toml"))
        .expect("data/mail_senders.toml is compiled in and a test parses it")
});

/// All words, sorted, each with what sends under it.
static WORDS: LazyLock<Vec<(&'static str, ConsumerClass)>> = LazyLock::new(|| {
    let of = |words: &'static Words| words.words.iter().map(|word| (word.as_str(), words.class));
    let mut all: Vec<_> = SENDERS.word.iter().flat_map(of).collect();
    all.sort_unstable();
    all
});

/// The word of ours that the local part of an address holds, if any: `Kopierer-EG` holds `kopierer`. A device's word is
/// meant before others. What stands around it is nobody's business.
pub fn sender_word(local_part: &str) -> Option<&'static str> {
    let parts = local_part.split(|c: char| !c.is_ascii_alphabetic());
    let known = parts
        .filter_map(known_word)
        .map(|(word, class)| (class, word));
    known.min().map(|(_, word)| word)
}

/// By the first letter of a word, which lengths words with it have, a bit each: nearly no name is one, which that tells.
static LENGTHS: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut lengths = [0; 26];
    for (word, _) in WORDS.iter() {
        if let Some(known) = letter(word).and_then(|letter| lengths.get_mut(letter)) {
            *known |= 1 << word.len();
        }
    }
    lengths
});

/// The place of a word's first letter in the alphabet.
fn letter(word: &str) -> Option<usize> {
    let first = word.bytes().next()?.to_ascii_lowercase();
    first.checked_sub(b'a').map(usize::from)
}

fn known_word(part: &str) -> Option<(&'static str, ConsumerClass)> {
    let lengths = LENGTHS.get(letter(part)?)?;
    if part.len() > WORD_MAX || lengths >> part.len() & 1 == 0 {
        return None;
    }
    let mut room = [0; WORD_MAX];
    let lower = room.get_mut(..part.len()).filter(|room| !room.is_empty())?;
    lower.copy_from_slice(part.as_bytes());
    lower.make_ascii_lowercase();
    let lower = std::str::from_utf8(lower).ok()?;
    let at = WORDS
        .binary_search_by(|(word, _)| (*word).cmp(lower))
        .ok()?;
    WORDS.get(at).copied()
}

/// What sends under a word of [`sender_word`].
pub fn class_of_word(word: &str) -> Option<ConsumerClass> {
    known_word(word).map(|(_, class)| class)
}

/// Which device has a name like this from its maker: `BRN30055C123456` is a Brother printer's.
pub fn device_of_helo(helo: &str) -> Option<&'static str> {
    let name = helo.split('.').next().unwrap_or(helo);
    let fits = |maker: &&MakersName| {
        let Some((begin, rest)) = name.split_at_checked(maker.begins.len()) else {
            return false;
        };
        begin.eq_ignore_ascii_case(&maker.begins)
            && rest.len() >= maker.least
            && (maker.then == Then::Any || rest.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    SENDERS
        .helo
        .iter()
        .find(fits)
        .map(|maker| maker.says.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_one_and_every_maker_has_a_source() {
        for (word, _) in WORDS.iter() {
            let sound = word.bytes().all(|b| b.is_ascii_lowercase()) && word.len() <= WORD_MAX;
            assert!(sound && !word.is_empty(), "{word}");
        }
        let mut words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        words.dedup();
        assert_eq!(words.len(), WORDS.len(), "a word stands twice");
        for maker in &SENDERS.helo {
            assert!(
                maker.source.len() > 20 && !maker.says.is_empty(),
                "{}",
                maker.begins
            );
        }
    }

    #[test]
    fn a_device_is_known_by_its_word_and_a_person_by_none() {
        for (local, word) in [
            ("scan", "scan"),
            ("Kopierer-EG", "kopierer"),
            ("fax.2", "fax"),
            ("no-reply", "reply"),
            ("svc_backup", "backup"),
        ] {
            assert_eq!(sender_word(local), Some(word), "{local}");
        }
        for none in [
            "anna",
            "scanlon",
            "upshaw",
            "",
            "j.camden",
            "müller",
            &"x".repeat(300),
        ] {
            assert_eq!(sender_word(none), None, "{none}");
        }
        assert_eq!(class_of_word("fax"), Some(ConsumerClass::Device));
        assert_eq!(class_of_word("nagios"), Some(ConsumerClass::Monitoring));
        assert_eq!(class_of_word("anna"), None);
    }

    #[test]
    fn a_makers_name_is_known_and_one_that_only_begins_so_is_not() {
        assert_eq!(
            device_of_helo("BRN30055C123456.corp.example"),
            Some("Brother printer")
        );
        assert_eq!(device_of_helo("rnp583879"), Some("Ricoh printer"));
        for none in [
            "brno.corp.example",
            "KMail",
            "secretary",
            "etc",
            "npi",
            "apc",
            "é",
        ] {
            assert_eq!(device_of_helo(none), None, "{none}");
        }
    }
}
