//! The network namespaces of a machine: its own, and one for each container that has a network of its own.
//!
//! The kernel numbers them anew at each start, so a scope is named after what stays: the container, the name
//! `ip netns` gave, the unit, and only then the program that was there first.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use groma_model::Foreign;
use groma_source::World;

use crate::cgroup::membership;
use crate::walk::{Process, ProcessTable, describe, is_refusal, network_namespace};

/// Namespaces that are looked into; more are left out, with a gap.
const NAMESPACES_MAX: usize = 4096;

/// One foreign namespace and the processes in it, oldest number first.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// The kernel's number, of this boot only.
    pub number: u64,
    /// Processes that live in it.
    pub pids: Vec<u32>,
}

/// Which namespaces the processes of this machine live in.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    /// All but our own.
    pub foreign: Vec<Namespace>,
    /// Processes that did not tell us.
    pub denied: u64,
    /// True if there were more than are looked into.
    pub cut: bool,
}

/// Asks every process for its namespace.
pub(crate) fn survey(table: &ProcessTable, pids: &[u32]) -> Namespaces {
    let own = table
        .this_process()
        .and_then(|process| network_namespace(&process))
        .ok();
    let mut found = Namespaces::default();
    let mut members: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for pid in pids {
        // Whoever ended meanwhile lives in no namespace.
        let Ok(process) = table.process(*pid) else {
            continue;
        };
        match network_namespace(&process) {
            Ok(number) if Some(number) == own => {}
            Ok(number) => members.entry(number).or_default().push(*pid),
            Err(error) => found.denied += u64::from(is_refusal(&process, error)),
        }
    }
    found.cut = members.len() > NAMESPACES_MAX;
    found.foreign = members
        .into_iter()
        .take(NAMESPACES_MAX)
        .map(|(number, pids)| Namespace { number, pids })
        .collect();
    found
}

/// Names of `ip netns`, by namespace number.
pub(crate) fn given_names(world: &World) -> HashMap<u64, String> {
    let entries = world
        .disk
        .list(Path::new("/run/netns"), NAMESPACES_MAX)
        .unwrap_or_default();
    let named = entries.iter().filter_map(|entry| {
        let name = entry.path.file_name()?.to_string_lossy().into_owned();
        Some((world.disk.metadata(&entry.path).ok()?.identity.1, name))
    });
    named.collect()
}

/// What a scope calls a namespace.
pub(crate) fn label(
    namespace: &Namespace,
    table: &ProcessTable,
    given: &HashMap<u64, String>,
) -> String {
    if namespace.pids.first() == Some(&1) {
        return "netns-init".to_owned();
    }
    let processes = namespace
        .pids
        .iter()
        .filter_map(|pid| describe(&table.process(*pid).ok()?, *pid, None));
    let first = processes
        .filter(|process| !process.executable.is_empty()) // kernel threads, and what has just ended
        .min_by_key(|process| (process.started, process.pid))
        .unwrap_or_default();
    let name = name(&first, given.get(&namespace.number));
    format!("netns-{}", name.replace(['/', ':'], "-"))
}

fn name(first: &Process, given: Option<&String>) -> String {
    let groups = membership(&first.groups);
    let program = Foreign::from_bytes(first.executable.as_slice()).file_name();
    let program = if program.is_empty() {
        "unnamed".to_owned()
    } else {
        program.lossy().into_owned()
    };
    groups
        .container
        .or_else(|| given.cloned())
        .or(groups.unit)
        .unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(groups: &str) -> Process {
        Process {
            executable: b"/usr/sbin/named".to_vec(),
            groups: groups.as_bytes().to_vec(),
            ..Process::default()
        }
    }

    #[test]
    fn a_namespace_is_called_after_what_stays() {
        let id = "a".repeat(64);
        let given = "dmz".to_owned();
        assert_eq!(
            name(&process(&format!("0::/docker/{id}")), Some(&given)),
            id
        );
        assert_eq!(
            name(&process("0::/system.slice/x.service"), Some(&given)),
            "dmz"
        );
        assert_eq!(
            name(&process("0::/system.slice/x.service"), None),
            "x.service"
        );
        assert_eq!(name(&process("0::/"), None), "named");
        assert_eq!(name(&Process::default(), None), "unnamed");
    }
}
