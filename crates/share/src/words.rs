//! Words that tell nothing about a house: those of groma's own sentences and knowledge, and those every system has.
//!
//! `words.txt` is made of the words this program itself has (tests/words.rs tells when one is missing, and writes it);
//! `common.txt` is written by hand: directories, programs and accounts that come with systems, and endings of files.

use std::collections::HashSet;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let own = include_str!("words.txt").lines();
    own.chain(common("words"))
        .chain(common("programs"))
        .collect()
});
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    common("words")
        .chain(common("programs"))
        .chain(common("endings"))
        .collect()
});
static ACCOUNTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| common("accounts").collect());
static ENDINGS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| common("endings").collect());
static GIVEN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| common("given").collect());
static SMALL: LazyLock<HashSet<&'static str>> = LazyLock::new(|| common("small").collect());

/// The words of one part of `common.txt`.
fn common(part: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("common.txt").lines();
    lines
        .filter_map(move |line| line.strip_prefix(part)?.strip_prefix(": "))
        .flat_map(str::split_whitespace)
}

/// True for a word of the vocabulary, in lower case.
pub(crate) fn is_word(word: &str) -> bool {
    WORDS.contains(word)
}

/// True for an account that comes with a system or a product.
pub(crate) fn is_common_account(name: &str) -> bool {
    ACCOUNTS.contains(name.to_lowercase().as_str())
}

/// True for the ending of a file, without its dot.
pub(crate) fn is_ending(ending: &str) -> bool {
    ENDINGS.contains(ending)
}

/// True for the small words of a sentence: nobody's name is looked for in them.
pub(crate) fn is_small(word: &str) -> bool {
    SMALL.contains(word)
}

/// True for a first name that could be a word of the vocabulary, in lower case.
pub(crate) fn is_given_name(word: &str) -> bool {
    GIVEN.contains(word)
}

/// True for names that mean the same on every machine.
pub(crate) fn is_everywhere(name: &str) -> bool {
    matches!(
        name,
        "" | "*"
            | "."
            | "localhost"
            | "localhost.localdomain"
            | "localdomain"
            | "local"
            | "ip6-localhost"
            | "ip6-loopback"
            | "this machine"
            | "default"
    )
}

/// True for text of which every part is a word of the vocabulary, or a number as versions and dates have them.
pub(crate) fn is_plain(text: &str) -> bool {
    plain(text, is_word)
}

/// The same where people put what is theirs (`/opt`, `/srv`): only what comes with every system is plain there.
pub(crate) fn is_common(text: &str) -> bool {
    plain(text, |word| COMMON.contains(word))
}

fn plain(text: &str, is_word: impl Fn(&str) -> bool + Copy) -> bool {
    let is_between = |c: char| "-_.+/:,*~#%&()@…×–→".contains(c);
    let lower = text.to_lowercase();
    COMMON.contains(lower.as_str())
        || !has_address(&lower)
            && lower
                .split(is_between)
                .all(|part| is_plain_part(part, is_word))
}

/// True for a name that is a word of the vocabulary too, so that only its place tells which of both is meant. A number or a
/// dot in it makes it a name: `mail-2`, `backup.lan`.
pub(crate) fn is_both(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_digit() || c == '.') && name.split(' ').all(is_plain)
}

/// True if an address stands somewhere in it: its numbers alone are plain.
fn has_address(text: &str) -> bool {
    // With dashes too, as machines in clouds are called by it: `ip-10-1-2-3`.
    let four = |mark: char| {
        text.matches(mark).count() > 2
            && text
                .split(|c: char| !c.is_ascii_digit() && c != mark)
                .any(|piece| {
                    let dotted = piece.trim_matches(mark).replace(mark, ".");
                    dotted.parse::<std::net::Ipv4Addr>().is_ok()
                })
    };
    let six = |piece: &str| {
        [piece, piece.trim_end_matches(':')]
            .iter()
            .any(|piece| piece.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let is_sixes = |c: char| c.is_ascii_hexdigit() || c == ':';
    ['.', '-', '_'].into_iter().any(four)
        || text.matches(':').count() > 1
            && text
                .split(|c| !is_sixes(c))
                .any(|piece| piece.len() > 2 && six(piece))
}

fn is_plain_part(part: &str, is_word: impl Fn(&str) -> bool) -> bool {
    let letters = part.chars().filter(|c| !c.is_ascii_digit()).count();
    let is_number = letters == 0 && part.len() <= 8;
    // `2p1`, `7th`, `0ubuntu1`; a hash has more.
    let begins_with_digit = part.starts_with(|c: char| c.is_ascii_digit());
    let number_with_letters = begins_with_digit && part.is_ascii() && part.len() <= 9 && {
        let mut words = part
            .split(|c: char| c.is_ascii_digit())
            .filter(|w| !w.is_empty());
        words.all(|word| word.len() <= 2 || is_word(word))
    };
    is_number
        || number_with_letters
        || is_word(part)
        || letters == 1 && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_versions_are_plain_and_names_are_not() {
        for text in [
            "listens",
            "25/tcp",
            "10.11.6",
            "2026-11-20",
            "9.2p1",
            "v2",
            "certificate-expires-in-window",
            "smb.conf",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "mail1",
            "schmidt",
            "srv-fra-042x",
            "1f8b3c9d2e",
            "почта",
            "acmepay",
            "a\u{202e}b",
            "=1+1",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
