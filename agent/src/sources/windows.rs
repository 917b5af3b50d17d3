//! The sources of Windows.

use std::sync::Arc;

use groma_source::{Source, World};
use groma_source_config::ConfigSource;
use groma_source_socket::Tier;
use groma_source_windows::{AREAS, AreaSource, SOCKETS, Shared, SocketWatch, ThisSystem};
use groma_source_x509::{CertificateFiles, certificate};

use crate::apart::Sight;

/// The sources that need nothing from another one, and are done when they have read what there is.
pub(crate) fn of_files(world: &World) -> Vec<Box<dyn Source>> {
    let system = Shared::of(Arc::new(ThisSystem));
    let areas = AREAS.iter().filter(|area| area.name != SOCKETS);
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for area in areas {
        let source = AreaSource::new(world.clone(), system.clone(), area, certificate);
        sources.push(Box::new(source));
    }
    sources.push(Box::new(ConfigSource::new(world.clone())));
    sources.push(Box::new(CertificateFiles::new(world.clone())));
    sources
}

/// The sources that look for as long as the watch lasts. Connections are sampled here, whatever tier is allowed.
pub(crate) fn watchers(world: &World, _: Tier) -> Vec<Box<dyn Source>> {
    let system = Shared::of(Arc::new(ThisSystem));
    vec![Box::new(SocketWatch::new(
        world.clone(),
        system,
        certificate,
    ))]
}

/// What a source looks at: an area asks the system for its tables, and so keeps the right to; whoever reads files alone may
/// write nowhere.
pub(crate) fn sight(source: &dyn Source) -> Sight {
    let name = source.name();
    match AREAS.iter().any(|area| area.name == name.as_str()) {
        true => Sight::Processes,
        false => match name.as_str() {
            groma_source_packet::LISTENING_NAME | groma_source_packet::sentinel::NAME => {
                Sight::Wire
            }
            _ => Sight::Files,
        },
    }
}
