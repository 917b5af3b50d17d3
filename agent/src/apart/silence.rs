//! What did not answer during one look: a file system one source hung on is not waited for by the next.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use groma_model::Foreign;

/// Places that are remembered; a child that tells of more is not believed.
const PLACES_MAX: usize = 64;

/// Mount points, or single paths, that did not answer a child of this look.
#[derive(Debug, Default)]
pub struct Silence(Mutex<BTreeSet<Foreign>>);

impl Silence {
    /// A child says that `place` does not answer. What holds everything cannot be passed over.
    pub(crate) fn heard_of(&self, place: &Foreign) {
        let is_place = place.as_bytes().starts_with(b"/") && place.as_bytes() != b"/";
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_place && places.len() < PLACES_MAX {
            places.insert(place.clone());
        }
    }

    /// All of them.
    pub(crate) fn places(&self) -> Vec<Foreign> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_everything_is_never_passed_over_and_a_child_that_rants_is_not_believed() {
        let silence = Silence::default();
        for place in ["/", "", "srv", "/srv/nas", "/srv/nas"] {
            silence.heard_of(&place.into());
        }
        assert_eq!(silence.places(), [Foreign::from("/srv/nas")]);
        (0..999).for_each(|n| silence.heard_of(&format!("/srv/{n}").into()));
        assert_eq!(silence.places().len(), PLACES_MAX);
    }
}
