//! What is decided of every field: [`Decision`], read from `fields.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The table. A test holds it against the document's schema.
const TABLE: &str = include_str!("fields.txt");

/// What becomes of the text in a field. The table says what each word means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Decision {
    Keep,
    Word,
    Device,
    Product,
    Text,
    Told,
    /// What a risk says, of a check.
    Risk,
    /// Why a row of the register stands where it stands.
    Closing,
    /// The same of a row that a person wrote.
    ClosingTold,
    /// A dependency a wave promises.
    Expected,
    Id,
    Hex,
    Path,
    Program,
    DistinguishedName,
    Uid,
    Gone,
    /// A name, of this kind where its form tells nothing.
    Name(&'static str),
}

/// What a field becomes that nobody decided about.
pub(crate) const UNDECIDED: Decision = Decision::Name("unknown");

/// By `Type.field`.
static DECISIONS: LazyLock<BTreeMap<&'static str, Decision>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(": "))
        .flat_map(|(word, fields)| {
            let decision = Decision::of(word);
            fields
                .split_whitespace()
                .map(move |field| (field, decision))
        })
        .collect()
});

impl Decision {
    /// The decision with this word; one nobody knows hides everything.
    fn of(word: &'static str) -> Self {
        match word {
            "keep" => Self::Keep,
            "word" => Self::Word,
            "device" => Self::Device,
            "product" => Self::Product,
            "text" => Self::Text,
            "told" => Self::Told,
            "risk" => Self::Risk,
            "closing" => Self::Closing,
            "expected" => Self::Expected,
            "id" => Self::Id,
            "hex" => Self::Hex,
            "path" => Self::Path,
            "program" => Self::Program,
            "dn" => Self::DistinguishedName,
            "uid" => Self::Uid,
            "gone" => Self::Gone,
            other => other.strip_prefix("name:").map_or(UNDECIDED, Self::Name),
        }
    }

    /// What is decided where a person wrote the row: what a check says in our words, a person says in theirs.
    pub(crate) fn of_person(self) -> Self {
        match self {
            Self::Risk => Self::Told,
            Self::Closing => Self::ClosingTold,
            other => other,
        }
    }

    /// True if what stands there is an identifier, to be found again in sentences.
    pub(crate) fn is_identifier(self) -> bool {
        matches!(
            self,
            Self::Name(_) | Self::Path | Self::Program | Self::DistinguishedName
        )
    }
}

/// What is decided of `field`, as `Type.field`.
pub(crate) fn decision(field: &str) -> Option<Decision> {
    DECISIONS.get(field).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_word_that_is_known_and_no_field_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for line in TABLE
            .lines()
            .filter(|l| !l.starts_with('#') && !l.is_empty())
        {
            let (word, fields) = line.rsplit_once(": ").expect(line);
            assert!(Decision::of(word) != UNDECIDED, "{word} is no decision");
            for field in fields.split_whitespace() {
                assert!(seen.insert(field), "{field} stands twice");
            }
        }
    }

    #[test]
    fn a_word_nobody_knows_hides() {
        assert_eq!(Decision::of("show"), UNDECIDED);
        assert_eq!(decision("Host.secret"), None);
    }
}
