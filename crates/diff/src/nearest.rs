//! Which known word somebody probably meant.

/// Letters of a word that are compared; a longer one is nobody's slip of the pen.
const LETTERS_MAX: usize = 64;

/// The known word most like `word`, if at most a third of its letters differ.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = word.to_lowercase().chars().collect();
    let most = (wanted.len() / 3).max(1);
    let close = known.filter_map(|known| {
        let letters: Vec<char> = known.to_lowercase().chars().collect();
        let far = letters.len().abs_diff(wanted.len()) > most || letters.len() > LETTERS_MAX;
        let distance = if far {
            return None;
        } else {
            distance(&wanted, &letters)
        };
        (distance <= most).then_some((distance, known))
    });
    close.min().map(|(_, known)| known)
}

/// How many letters must be put in, taken out or replaced (Levenshtein), two that changed places counting as one.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut earlier: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let replaced = cell(&row, j) + usize::from(a != b);
            let left = cell(&next, j) + 1;
            let mut best = replaced.min(cell(&row, j + 1) + 1).min(left);
            let crossed =
                i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if crossed {
                best = best.min(cell(&earlier, j - 1) + 1);
            }
            next.push(best);
        }
        earlier = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood_and_another_word_is_not() {
        let known = ["mail-new", "mail1", "db1"];
        let of = |word: &str| nearest(word, known.iter().copied());
        assert_eq!(of("mial-new"), Some("mail-new"));
        assert_eq!(of("MAIL-NEV"), Some("mail-new"));
        assert_eq!(of("printer"), None);
        assert_eq!(of(&"x".repeat(100_000)), None);
        assert_eq!(of(""), None);
    }
}
