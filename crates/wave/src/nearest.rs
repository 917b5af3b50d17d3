//! Which known word somebody probably meant.

/// The known word most like `word`, if it is like enough: at most a third of its letters differ, or it
/// begins the same way.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let most = (word.chars().count() / 3).max(1);
    let ranked = known.map(|k| (distance(&word, k), k));
    let (distance, best) = ranked.min()?;
    let begins = word.len() >= 3 && (best.starts_with(&word) || word.starts_with(best));
    (distance <= most || begins).then_some(best)
}

/// How many letters must be put in, taken out or replaced (Levenshtein). Words longer than any key of ours
/// are simply far away.
fn distance(one: &str, other: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len() > LETTERS_MAX || other.len() > LETTERS_MAX {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let cost = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = cost;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (one, other, expected) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("membres", "members", 2),
            ("x", "x", 0),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn a_slip_is_understood_and_a_stranger_is_not() {
        let known = ["members", "moves", "name", "expected"];
        assert_eq!(nearest("membres", known.into_iter()), Some("members"));
        assert_eq!(nearest("Member", known.into_iter()), Some("members"));
        assert_eq!(nearest("expect", known.into_iter()), Some("expected"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest(&"m".repeat(100_000), known.into_iter()), None);
    }
}
