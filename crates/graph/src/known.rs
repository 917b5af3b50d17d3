//! What needs say of two machines: what the ledgers join their rows with.

use std::collections::{BTreeSet, HashMap, HashSet};

use groma_model::fact::ComponentClass;
use groma_model::inventory::{Dependency, ReachedBy, Watching};
use groma_model::name::Port;
use groma_model::{EntityId, EvidenceId};
use rayon::prelude::*;

/// What else is known of two machines.
pub(crate) struct Known<'d> {
    /// What rows cite by themselves: a need cites the words of all its accounts, a row those of its own.
    pub(crate) of_rows: HashSet<EvidenceId>,
    /// By consumer, and of each in the order of their providers.
    needs: HashMap<&'d EntityId, Vec<&'d Dependency>>,
    pub(crate) watchers: BTreeSet<(&'d EntityId, &'d EntityId)>,
}

impl<'d> Known<'d> {
    pub(crate) fn new(dependencies: &'d [Dependency], watching: &'d [Watching]) -> Self {
        let mut needs: HashMap<_, Vec<&Dependency>> = HashMap::new();
        for need in dependencies {
            needs.entry(&need.consumer.entity).or_default().push(need);
        }
        needs.par_iter_mut().for_each(|(_, of_one)| {
            of_one.sort_by(|a, b| a.provider.entity.cmp(&b.provider.entity))
        });
        let by = |row: &'d Watching| Some((row.by.as_ref()?, &row.entity));
        Self {
            of_rows: HashSet::new(),
            needs,
            watchers: watching.iter().filter_map(by).collect(),
        }
    }

    /// The needs of `consumer` for `provider` of this kind, at `port` where that is known.
    pub(crate) fn needs(
        &self,
        consumer: &EntityId,
        provider: &EntityId,
        kind: &str,
        port: Option<Port>,
    ) -> Vec<&'d Dependency> {
        let of_one = self.needs.get(consumer).map_or(&[][..], Vec::as_slice);
        let begin = of_one.partition_point(|need| need.provider.entity < *provider);
        let same_port = |need: &Dependency| port.is_none() || need.provider.port == port;
        let there = of_one.iter().skip(begin).copied();
        there
            .take_while(|need| need.provider.entity == *provider)
            .filter(|need| need.kind == kind && same_port(need))
            .collect()
    }
}

/// By what the consumer reaches the server: an address is news before a name is.
pub(crate) fn reached(needs: &[&Dependency]) -> (Option<ReachedBy>, Option<String>) {
    let literal = |need: &&&Dependency| need.reached_by == Some(ReachedBy::AddressLiteral);
    let known = needs
        .iter()
        .find(literal)
        .or_else(|| needs.iter().find(|n| n.reached_by.is_some()));
    known.map_or((None, None), |need| {
        (need.reached_by, need.reached_as.clone())
    })
}

/// What calls there; what a whole machine is called says nothing.
pub(crate) fn programs(needs: &[&Dependency]) -> Vec<String> {
    let mut out = BTreeSet::new();
    for need in needs {
        let part = &need.consumer.component;
        if part.class != ComponentClass::Device {
            out.insert(part.name.to_string());
        }
        out.extend(need.details.programs.iter().cloned());
    }
    out.into_iter().collect()
}
