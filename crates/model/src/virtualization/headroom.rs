//! How much room a cluster has, with all of its hosts and without the largest.

use super::{Cluster, Hypervisor, Load, Numbers, Platforms, Told};

/// What the hosts of a cluster have, and what is asked of them.
///
/// Room is memory: guests share processors and become slow; memory that is not there stops them. A host that somebody works on, or
/// that the platform does not reach, has nothing to give now, while its guests want to run somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headroom<'a> {
    /// All hosts.
    pub hosts: u64,
    /// Those that can carry guests now.
    pub carrying: u64,
    /// Memory of those, in bytes; `None` where one of them did not tell.
    pub memory: Option<u64>,
    /// The one with the most memory among them, if all told.
    pub largest: Option<Told<'a, Hypervisor>>,
    /// The guests on all hosts.
    pub load: Load,
    /// Memory in use on all hosts, as measured by the platform; `None` where it was not measured on each.
    pub used: Option<u64>,
}

impl Headroom<'_> {
    /// Memory that is there while the largest host is away, in bytes.
    pub fn without_largest(&self) -> Option<u64> {
        let (_, largest) = self.largest?;
        self.memory?.checked_sub(largest.memory_bytes?)
    }

    /// Memory that has to be there: what is in use, else what running guests were given. A platform may give more than it has.
    pub fn wanted(&self) -> u64 {
        self.used.unwrap_or(self.load.memory)
    }

    /// Bytes that are left while the largest host is away; `None` where the memory of a host is not known, or more is wanted than
    /// there would be.
    pub fn spare(&self) -> Option<u64> {
        self.without_largest()?.checked_sub(self.wanted())
    }

    /// Bytes that are missing while the largest host is away; `None` where enough is left, or where nobody can tell.
    pub fn lacking(&self) -> Option<u64> {
        let lacking = self.wanted().checked_sub(self.without_largest()?)?;
        Some(lacking).filter(|bytes| *bytes > 0)
    }
}

impl<'a> Platforms<'a> {
    /// How much room a cluster has.
    pub fn headroom(
        &self,
        (entity, cluster): Told<'_, Cluster>,
        numbers: &Numbers<'_>,
    ) -> Headroom<'a> {
        let hosts: Vec<Told<'a, Hypervisor>> = self
            .hosts_at((&entity.site, &cluster.platform))
            .filter(|(_, host)| host.cluster.as_deref() == Some(&cluster.key))
            .collect();
        let mut load = Load::default();
        for host in &hosts {
            load.join(self.on_host(*host));
        }
        let used =
            |(entity, _): &Told<'_, _>| numbers.bytes(&entity.id, "hypervisor_memory_used_bytes");
        let carrying: Vec<_> = hosts.iter().filter(|(_, host)| carries(host)).collect();
        let memory = sum(carrying.iter().map(|(_, host)| host.memory_bytes));
        let largest = carrying
            .iter()
            .max_by_key(|(_, host)| (host.memory_bytes, std::cmp::Reverse(&host.key)));
        Headroom {
            hosts: hosts.len() as u64,
            carrying: carrying.len() as u64,
            memory,
            largest: largest.filter(|_| memory.is_some()).map(|host| **host),
            load,
            used: sum(hosts.iter().map(used)),
        }
    }
}

fn carries(host: &Hypervisor) -> bool {
    host.maintenance != Some(true) && host.connected != Some(false)
}

/// A sum with a part that nobody told would be too small, and none of nothing is no number.
fn sum(parts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    let parts: Option<Vec<u64>> = parts.collect();
    let parts = parts.filter(|parts| !parts.is_empty())?;
    Some(parts.into_iter().fold(0, u64::saturating_add))
}
