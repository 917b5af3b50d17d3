//! Whether a certificate still stands where it was met: the newest look may have met another one there, or could not ask.

use std::collections::HashSet;

use groma_model::fact::CertificatePlace;
use groma_model::inventory::CertificatePlaceEntry;
use groma_model::{EntityId, Foreign, Port};

use crate::View;

/// A door or a file that holds one certificate, or one key, at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Spot<'a> {
    Port(Port),
    File(&'a Foreign),
}

/// The spots at which the newest looks met something.
pub(crate) struct Confirmed<'a>(HashSet<(&'a EntityId, Spot<'a>)>);

impl<'a> Confirmed<'a> {
    /// Asks every place of every certificate.
    pub(crate) fn of(view: &View<'a>) -> Self {
        let places = view.entities().flat_map(|e| &e.attributes.places);
        let current = places.filter(|place| place.state.is_current());
        let spots = current.flat_map(|place| spots(place).map(|spot| (&place.host, spot)));
        Self(spots.collect())
    }

    /// False if the newest look did not meet it there, and met another one instead; or nobody holds the port any more.
    pub(crate) fn stands(&self, view: &View<'_>, place: &CertificatePlaceEntry) -> bool {
        let replaced = || spots(place).any(|spot| self.0.contains(&(&place.host, spot)));
        place.state.is_current() || (!replaced() && is_held(view, place))
    }
}

fn spots(place: &CertificatePlaceEntry) -> impl Iterator<Item = Spot<'_>> {
    let own = match &place.place {
        CertificatePlace::Endpoint {
            port, position: 0, ..
        } => Some(Spot::Port(*port)),
        CertificatePlace::File { path, .. } if place.key_present => Some(Spot::File(path)),
        _ => None,
    };
    let key = place.key.as_ref().map(|key| Spot::File(&key.path));
    own.into_iter().chain(key)
}

/// False for a port of a watched machine at which nothing listens.
fn is_held(view: &View<'_>, place: &CertificatePlaceEntry) -> bool {
    let CertificatePlace::Endpoint { port, .. } = &place.place else {
        return true;
    };
    let watched = view.entity(&place.host).is_some_and(|host| host.has_agent);
    !watched || view.listeners(&place.host).iter().any(|l| l.port == *port)
}

/// How a place is named that the newest look could not confirm: `mail1:636 (last seen 2026-10-01)`.
pub(crate) fn dated(named: String, place: &CertificatePlaceEntry) -> String {
    match place.last_seen.filter(|_| !place.state.is_current()) {
        Some(last) => format!("{named} (last seen {})", last.day()),
        None => named,
    }
}
