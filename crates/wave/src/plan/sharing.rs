//! Services nearly everybody needs. Whatever moves first or last, somebody is left who needs the old one, so a new
//! one is built beside it before anything moves, and the old one goes when nobody is left.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::SiteId;
use groma_model::inventory::Strength;
use groma_model::registry::REGISTRY;

use super::machines::Machines;
use super::needs::Need;

/// More than half of so many, at least, makes a provider one that everybody needs.
const CONSUMERS_MIN: usize = 5;

/// Of so many machines of a site, one at least has to use a service by nature shared.
const SHARE_OF_SITE: usize = 20;

/// The nodes that are shared services.
pub(super) struct Sharing {
    /// Which, and the reason, one sentence.
    pub(super) because: BTreeMap<usize, String>,
    /// Machines that would be, if they did not keep what cannot stand in two places: node → how many need the service.
    pub(super) tied: BTreeMap<usize, usize>,
}

/// Finds them.
pub(super) fn shared(machines: &Machines<'_>, needs: &[Need<'_>]) -> Sharing {
    let mut movable = 0;
    let mut at_site: BTreeMap<&SiteId, usize> = BTreeMap::new();
    for node in machines.nodes.iter().filter(|n| n.out.is_none()) {
        movable += 1;
        *at_site.entry(&node.entity.site).or_default() += 1;
    }
    let uses = Uses::of(machines, needs);
    let mut found = Sharing {
        because: BTreeMap::new(),
        tied: BTreeMap::new(),
    };
    for node in (0..machines.nodes.len()).filter(|n| machines.moves(*n)) {
        let site = machines.nodes.get(node).map(|n| &n.entity.site);
        let site = site
            .and_then(|s| at_site.get(s))
            .copied()
            .unwrap_or_default();
        let by_nature = uses.by_nature.get(&node).map_or(0, BTreeSet::len);
        let all = uses.doubling.get(&node).map_or(0, BTreeSet::len);
        let others = movable - 1;
        let because = if by_nature >= 2 && by_nature * SHARE_OF_SITE >= site {
            format!("{by_nature} machines need it for what every machine needs")
        } else if all >= CONSUMERS_MIN && all * 2 > others {
            format!("{all} of {others} other machines need it")
        } else {
            continue;
        };
        // What keeps data for nearly as many cannot stand in two places; the service has to leave it first.
        if uses.tying(node) * 2 > all {
            found.tied.insert(node, all);
        } else {
            found.because.insert(node, because);
        }
    }
    found
}

/// Who uses which node for what can be doubled.
struct Uses {
    /// By kinds that the registry calls shared: names, time, addresses.
    by_nature: BTreeMap<usize, BTreeSet<usize>>,
    /// By any kind of which a second one can stand beside the first.
    doubling: BTreeMap<usize, BTreeSet<usize>>,
    /// By kinds that stop without it and of which there can be one only. A directory's own file shares are no such thing.
    tying: BTreeMap<usize, BTreeSet<usize>>,
    /// Nodes that serve logons.
    directories: BTreeSet<usize>,
}

impl Uses {
    fn of(machines: &Machines<'_>, needs: &[Need<'_>]) -> Self {
        let mut uses = Self {
            by_nature: BTreeMap::new(),
            doubling: BTreeMap::new(),
            tying: BTreeMap::new(),
            directories: directories(needs),
        };
        for need in needs.iter().filter(|n| machines.moves(n.consumer)) {
            let d = need.dependency;
            if d.shared_service {
                let users = uses.by_nature.entry(need.provider).or_default();
                users.insert(need.consumer);
            }
            if d.shared_service || can_be_doubled(&d.kind) {
                let users = uses.doubling.entry(need.provider).or_default();
                users.insert(need.consumer);
            } else if d.strength == Strength::Blocking
                && !(d.kind == "smb" && uses.directories.contains(&need.provider))
            {
                let users = uses.tying.entry(need.provider).or_default();
                users.insert(need.consumer);
            }
        }
        uses
    }

    fn tying(&self, node: usize) -> usize {
        self.tying.get(&node).map_or(0, BTreeSet::len)
    }
}

/// Nodes that serve logons.
pub(super) fn directories(needs: &[Need<'_>]) -> BTreeSet<usize> {
    let logon = |n: &&Need<'_>| matches!(n.dependency.kind.as_str(), "ldap-bind" | "kerberos");
    needs.iter().filter(logon).map(|n| n.provider).collect()
}

/// True for services that keep no state of their own, or replicate it by themselves: networks, logons, monitoring. A
/// database or a file share cannot stand in two places, however many need it.
pub(super) fn can_be_doubled(kind: &str) -> bool {
    let kind = REGISTRY.kind(kind);
    kind.shared || matches!(kind.layer.as_str(), "network" | "identity" | "monitoring")
}
