//! Two tables of the access file that tell one platform: what they tell falls together.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{Platform, PlatformKind};
use groma_model::{Coverage, Fact, Gap, Observation, Reason};
use groma_source::Sink;

use crate::cause::Cause;

/// What every ESXi calls itself; under a vCenter it is `host-42`.
const LONE_ESXI: &str = "ha-host";

/// Hands everything on, and notices of which platform it is.
pub(crate) struct Noticing<'a> {
    sink: &'a mut dyn Sink,
    platforms: BTreeSet<Platform>,
}

impl<'a> Noticing<'a> {
    pub(crate) fn new(sink: &'a mut dyn Sink) -> Self {
        Self {
            sink,
            platforms: BTreeSet::new(),
        }
    }

    /// Why what `url` told falls together with what another one told before, by platform. `told` keeps who told which first.
    pub(crate) fn twice(self, url: &str, told: &mut BTreeMap<Platform, String>) -> Vec<Cause> {
        let mut causes = Vec::new();
        for platform in self.platforms {
            match told.get(&platform) {
                Some(first) => causes.push(same(first, url, &platform)),
                None => drop(told.insert(platform, url.to_owned())),
            }
        }
        causes
    }
}

impl Sink for Noticing<'_> {
    fn saw(&mut self, observation: Observation) {
        if let Some(platform) = platform(&observation.fact)
            && !self.platforms.contains(platform)
        {
            self.platforms.insert(platform.clone());
        }
        self.sink.saw(observation);
    }

    fn missed(&mut self, gap: Gap) {
        self.sink.missed(gap);
    }

    fn covered(&mut self, coverage: Coverage) {
        self.sink.covered(coverage);
    }

    fn keeps(&mut self, line: String) {
        self.sink.keeps(line);
    }
}

/// The platform, if it knows its guests by small numbers, as Proxmox VE does and an ESXi without a vCenter. Elsewhere they are
/// known by what no other one has, and two ways are no harm.
fn platform(fact: &Fact) -> Option<&Platform> {
    let Fact::Hypervisor(host) = fact else {
        return None;
    };
    let counts = match host.platform.kind {
        PlatformKind::Proxmox => true,
        PlatformKind::Vsphere => host.key == LONE_ESXI,
        _ => false,
    };
    counts.then_some(&host.platform)
}

fn same(first: &str, second: &str, platform: &Platform) -> Cause {
    Cause::new(
        format!(
            "{first} and {second} tell the same platform {:?}: they are two nodes of one cluster, or two installations of one name or UUID, whose guests cannot be told apart",
            platform.id
        ),
        Reason::Malformed,
        "name one node of a cluster alone; give one of two installations another name or another search domain",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::virtualization::Hypervisor;

    #[test]
    fn who_counts_its_guests_is_watched_and_who_names_them_is_not() {
        let counts = |kind, key: &str| {
            let mut host = Hypervisor {
                key: key.to_owned(),
                ..Hypervisor::default()
            };
            host.platform.kind = kind;
            platform(&Fact::Hypervisor(Box::new(host))).is_some()
        };
        assert!(counts(PlatformKind::Proxmox, "pve1"));
        assert!(counts(PlatformKind::Vsphere, "ha-host"));
        assert!(!counts(PlatformKind::Vsphere, "host-9"), "of a vCenter");
        assert!(!counts(PlatformKind::Libvirt, "hv1"));
    }
}
