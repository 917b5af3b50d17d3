//! Folders that several machines keep alike (DFS Replication): who is a member of which group, and who takes from whom.

use groma_model::Peer;
use groma_model::fact::NeedReason;

use crate::entry::{Entry, domain_of, names};
use crate::learnt::{Learnt, need};

pub(crate) const GROUPS: &str = "CN=DFSR-GlobalSettings,CN=System";

/// Members that are kept until connections are read.
const MEMBERS_MAX: usize = 10_000;

/// A machine's part in a group: connections refer to it.
pub(crate) fn member(entry: &Entry, learnt: &mut Learnt) {
    let computer = entry.text("msDFSR-ComputerReference");
    let machine = computer.and_then(|dn| {
        let (_, name) = names(&dn).into_iter().next()?;
        Peer::parse(&format!("{name}.{}", domain_of(&dn)))
    });
    if let Some(machine) = machine.filter(|_| learnt.group_members.len() < MEMBERS_MAX) {
        learnt
            .group_members
            .insert(entry.dn.to_lowercase(), machine);
    }
}

/// A group, or a connection: it stands below the member that takes what changed.
pub(crate) fn part(entry: &Entry, learnt: &mut Learnt) {
    if entry.is("msDFSR-ReplicationGroup") {
        let object = learnt.described("replication-group", entry, &[]);
        learnt.object(object);
        return;
    }
    let off = entry
        .text("msDFSR-Enabled")
        .is_some_and(|word| word.eq_ignore_ascii_case("FALSE"));
    let below = entry.dn.split_once(',').map(|(_, dn)| dn.to_lowercase());
    let from = entry.text("fromServer").map(|dn| dn.to_lowercase());
    let machine = |dn: Option<String>| learnt.group_members.get(&dn?).cloned();
    let (Some(to), Some(from), false) = (machine(below), machine(from), off) else {
        return;
    };
    let reason = ("other", NeedReason::FolderReplication);
    let mut need = need(to, from, reason, entry, "fromServer");
    // The group stands three above the connection: member, topology, group.
    need.resource = names(&entry.dn)
        .into_iter()
        .nth(3)
        .map(|(_, name)| name.as_str().into());
    learnt.need(need);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{entry, learnt, needs};

    const GROUP: &str = "CN=projects,CN=DFSR-GlobalSettings,CN=System,DC=corp,DC=example";

    fn with(enabled: &str) -> Vec<String> {
        let mut learnt = learnt();
        for (id, machine) in [("m1", "FS1"), ("m2", "FS2")] {
            let computer = format!("CN={machine},OU=Servers,DC=corp,DC=example");
            let dn = format!("CN={id},CN=Topology,{GROUP}");
            member(
                &entry(&dn, &[("msDFSR-ComputerReference", &computer)]),
                &mut learnt,
            );
        }
        let from = format!("cn=m1,CN=Topology,{GROUP}");
        let connection = entry(
            &format!("CN=c1,CN=m2,CN=Topology,{GROUP}"),
            &[("fromServer", &from), ("msDFSR-Enabled", enabled)],
        );
        part(&connection, &mut learnt);
        if let Some(groma_model::Fact::DirectoryNeed(need)) = learnt.facts.first() {
            assert_eq!(need.resource, Some("projects".into()));
        }
        needs(&learnt)
    }

    #[test]
    fn a_connection_is_a_need_of_the_one_that_takes_and_none_where_it_is_switched_off() {
        assert_eq!(with("TRUE"), ["fs2.corp.example other fs1.corp.example"]);
        assert!(with("FALSE").is_empty());
    }
}
