//! Places that did not answer: whoever comes later passes them over instead of waiting as long again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Mount points, or single paths, where somebody waited in vain; and which of them were met since.
#[derive(Debug, Default)]
pub(crate) struct Silent {
    places: Vec<PathBuf>,
    met: Mutex<BTreeSet<PathBuf>>,
}

impl Silent {
    /// What holds everything cannot be passed over.
    pub(crate) fn of(places: Vec<PathBuf>) -> Self {
        let is_place = |path: &PathBuf| path.is_absolute() && path.parent().is_some();
        Self {
            places: places.into_iter().filter(is_place).collect(),
            met: Mutex::default(),
        }
    }

    #[cfg(unix)]
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// True if `path` is one of them or lies below one; it is remembered that somebody wanted to go there.
    pub(crate) fn refuses(&self, path: &Path) -> bool {
        let place = self.places.iter().find(|place| path.starts_with(place));
        if let Some(place) = place {
            self.met().insert(place.clone());
        }
        place.is_some()
    }

    /// Those that somebody wanted to go to since this was asked for the last time.
    pub(crate) fn take_met(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.met()).into_iter().collect()
    }

    /// True if there are any.
    pub(crate) fn is_met(&self) -> bool {
        !self.met().is_empty()
    }

    fn met(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
