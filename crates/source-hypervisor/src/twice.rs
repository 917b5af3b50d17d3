//! Two tables of the access file that tell one platform: what they tell falls together.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{Platform, PlatformKind};
use groma_model::{Coverage, Fact, Gap, Observation, Reason};
use groma_source::Sink;

use crate::cause::Cause;

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
        // Guests of Proxmox VE are known by small numbers; elsewhere by what no other one has, and two ways are no harm.
        if let Some(platform) = platform(&observation.fact)
            && platform.kind == PlatformKind::Proxmox
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

fn platform(fact: &Fact) -> Option<&Platform> {
    match fact {
        Fact::Hypervisor(host) => Some(&host.platform),
        _ => None,
    }
}

fn same(first: &str, second: &str, platform: &Platform) -> Cause {
    Cause::new(
        format!(
            "{first} and {second} tell the same platform {:?}: they are two nodes of one cluster, or two installations of one name, whose guests cannot be told apart",
            platform.id
        ),
        Reason::Malformed,
        "name one node of a cluster alone; give one of two installations another name or another search domain",
    )
}
