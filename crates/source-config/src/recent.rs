//! What was concluded from the last few texts that were asked about: what stands before a value is most often what
//! stood before another one a few lines above.

/// Texts that are remembered.
const KEPT: usize = 8;
/// Longer ones are met once.
const LENGTH_MAX: usize = 64;

/// The last conclusions. A conclusion depends on its text alone.
pub(crate) struct Recent<T> {
    kept: Vec<(String, T)>,
    /// The one that goes next.
    oldest: usize,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            oldest: 0,
        }
    }
}

impl<T: Clone> Recent<T> {
    /// What `conclude` says of `text`, or said of it lately.
    pub(crate) fn of(&mut self, text: &str, conclude: impl FnOnce(&str) -> T) -> T {
        if let Some((_, known)) = self.kept.iter().find(|(kept, _)| kept == text) {
            return known.clone();
        }
        let conclusion = conclude(text);
        if text.len() > LENGTH_MAX {
            return conclusion;
        }
        match self.kept.get_mut(self.oldest) {
            Some((kept, known)) => {
                text.clone_into(kept);
                *known = conclusion.clone();
                self.oldest = (self.oldest + 1) % KEPT;
            }
            None => {
                self.kept.push((text.to_owned(), conclusion.clone()));
                self.oldest = self.kept.len() % KEPT;
            }
        }
        conclusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_concluded_twice_in_a_row_and_nothing_wrongly() {
        let (mut recent, mut asked) = (Recent::default(), 0);
        for round in 0..40_usize {
            for text in ["a", "bb", "ccc"] {
                let text = text.repeat(1 + round / 4);
                let length = recent.of(&text, |text| {
                    asked += 1;
                    text.len()
                });
                assert_eq!(length, text.len());
            }
        }
        assert!(asked <= 30 + 3, "{asked}");
    }
}
