//! The sources of Windows.

use groma_source::{Source, World};
use groma_source_config::ConfigSource;
use groma_source_socket::Tier;
use groma_source_windows::{AREAS, AreaSource, SocketWatch};
use groma_source_x509::CertificateFiles;

use crate::apart::Sight;

/// The sources that need nothing from another one, and are done when they have read what there is.
pub(crate) fn of_files(world: &World) -> Vec<Box<dyn Source>> {
    let areas = AREAS.iter().filter(|area| !is_watched(area.name));
    let mut sources: Vec<Box<dyn Source>> = areas
        .map(|area| Box::new(AreaSource::new(world.clone(), area)) as Box<dyn Source>)
        .collect();
    sources.push(Box::new(ConfigSource::new(world.clone())));
    sources.push(Box::new(CertificateFiles::new(world.clone())));
    sources
}

fn is_watched(area: &str) -> bool {
    area == groma_source_windows::SOCKETS
}

/// The sources that look for as long as the watch lasts. Connections are sampled here, whatever tier is allowed.
pub(crate) fn watchers(world: &World, _: Tier) -> Vec<Box<dyn Source>> {
    vec![Box::new(SocketWatch::new(world.clone()))]
}

/// What a source looks at: an area asks the system for its tables, and so keeps the right to; whoever reads files alone may
/// write nowhere.
pub(crate) fn sight(source: &dyn Source) -> Sight {
    let name = source.name();
    match AREAS.iter().any(|area| area.name == name.as_str()) {
        true => Sight::Processes,
        false => match name.as_str() {
            groma_source_packet::LISTENING_NAME | groma_source_packet::sentinel::NAME => Sight::Wire,
            _ => Sight::Files,
        },
    }
}
