//! The public authorities every system ships: 140 certificates nobody wants in a report.

use std::collections::HashSet;
use std::path::Path;

use groma_source::{Budget, Window, World};

use crate::places;
use crate::read::{Found, Reader};

/// A file of this many authorities that all sign themselves, without a key, is somebody's copy of the
/// public bundle (a language runtime, a container image), not a thing this machine depends on.
const BUNDLE_MIN: usize = 32;

/// What is known of the trust store.
#[derive(Default)]
pub(crate) struct Trust {
    /// SHA-256 of what the distribution ships.
    vendor: HashSet<String>,
    /// SHA-256 of what a person added; said where it was added.
    anchors: HashSet<String>,
    /// True if the distribution keeps its authorities apart, so that additions to a bundle show.
    knows_vendor: bool,
}

impl Trust {
    /// Reads the trust store. What cannot be read makes the report longer, not wrong.
    pub(crate) fn read(world: &World, window: &Window, budget: &Budget) -> Self {
        let mut reader = Reader::new(world, window, budget);
        let mut fingerprints = |trees: &[&str]| {
            let all = trees.iter().flat_map(|tree| reader.everything_below(tree));
            all.flat_map(|file| file.contents.certificates)
                .map(|found| found.parsed.certificate.sha256)
                .collect::<HashSet<_>>()
        };
        let anchors = fingerprints(places::ANCHORS);
        let mut vendor = fingerprints(places::VENDOR);
        let knows_vendor = !vendor.is_empty();
        if !knows_vendor {
            vendor = fingerprints(places::BUNDLES);
        }
        vendor.retain(|fingerprint| !anchors.contains(fingerprint));
        Self {
            vendor,
            anchors,
            knows_vendor,
        }
    }

    /// What a person made of a certificate in `file`: `added` to the authorities of the system, or `distrusted`.
    pub(crate) fn word(&self, file: &Path) -> Option<&'static str> {
        if places::is_within(file, places::DISTRUSTED) {
            return Some("distrusted");
        }
        places::is_within(file, places::ANCHORS).then_some("added")
    }

    /// True if nothing in `file` is worth saying.
    pub(crate) fn hides_all_of(&self, file: &Found) -> bool {
        let certificates = &file.contents.certificates;
        let copied = certificates.len() >= BUNDLE_MIN
            && file.contents.keys.is_empty()
            && certificates
                .iter()
                .all(|c| c.parsed.certificate.authority && c.parsed.certificate.self_signed);
        let built = places::is_within(&file.real, places::BUNDLES);
        if built { !self.knows_vendor } else { copied }
    }

    /// True if the certificate with this fingerprint, met in `file`, is not worth saying.
    pub(crate) fn hides(&self, fingerprint: &str, file: &Found) -> bool {
        let built = places::is_within(&file.real, places::BUNDLES);
        self.vendor.contains(fingerprint) || (built && self.anchors.contains(fingerprint))
    }
}
