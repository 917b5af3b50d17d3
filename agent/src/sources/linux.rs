//! The sources of Linux.

use groma_model::SourceName;
use groma_source::{Source, World};
use groma_source_config::{
    ConfigSource, ContainerConfigSource, InContainers, RelyingPartiesSource,
};
use groma_source_dns::ZonesSource;
use groma_source_forward::RulesetSource;
use groma_source_host::LoadSource;
use groma_source_log::LogSource;
use groma_source_socket::{FlowSource, SocketSource, Tier};
use groma_source_x509::{CertificateFiles, CertificatePins, CertificateUses};

use crate::apart::Sight;

/// The sources that need nothing from another one, and are done when they have read what there is.
pub(crate) fn of_files(world: &World) -> Vec<Box<dyn Source>> {
    let mut sources = groma_source_host::sources(world);
    sources.extend(groma_source_forward::sources(world));
    sources.push(Box::new(ZonesSource::new(world.clone())));
    sources.push(Box::new(RulesetSource::new(world.clone())));
    sources.push(Box::new(ConfigSource::new(world.clone())));
    sources.push(Box::new(ContainerConfigSource::new(world.clone())));
    sources.push(Box::new(RelyingPartiesSource::new(world.clone())));
    sources.push(Box::new(CertificateFiles::new(world.clone())));
    sources.push(Box::new(container_certificates(world)));
    sources.extend(groma_source_content::sources(world));
    sources.push(Box::new(CertificatePins::new(world.clone())));
    sources.push(Box::new(CertificateUses::new(world.clone())));
    sources
}

/// Certificates in files of running containers.
fn container_certificates(world: &World) -> InContainers {
    InContainers::new(
        world.clone(),
        SourceName::new("certificates.containers"),
        |world| Box::new(CertificateFiles::new(world)),
    )
}

/// The sources that look for as long as the watch lasts. Logs are read when it begins, and what services wrote meanwhile when
/// it ends.
pub(crate) fn watchers(world: &World, at_most: Tier) -> Vec<Box<dyn Source>> {
    let flows = FlowSource::new(world.clone(), groma_sys::kernel_events());
    vec![
        Box::new(flows.at_most(at_most)),
        Box::new(SocketSource::new(world.clone())),
        Box::new(LogSource::new(world.clone())),
        Box::new(LoadSource::new(world.clone())),
    ]
}

/// What a source looks at. It gets the right to read tables the kernel shows to a tracer only (`/proc/PID/exe`, `fd`,
/// `root`) for saying so: what it does not explain beforehand, it cannot read.
pub(crate) fn sight(source: &dyn Source) -> Sight {
    let reads = source.explain().reads;
    match source.name().as_str() {
        "host.flows" => Sight::Events,
        "host.ruleset" => Sight::Filter,
        groma_source_packet::LISTENING_NAME | groma_source_packet::sentinel::NAME => Sight::Wire,
        _ if reads
            .iter()
            .any(|line| line.contains("/proc/*/") || line.contains("/proc/PID/")) =>
        {
            Sight::Processes
        }
        _ => Sight::Files,
    }
}
