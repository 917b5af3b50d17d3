//! What may be asked. Every question is a GET, and there is no other way to make a path.

use std::fmt;

/// Most things of one page.
pub const PAGE: usize = 100;

/// A question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Question {
    /// Which engine it is, its version, and how many machines and hosts it knows.
    Api,
    /// A page of a list, counted from 1.
    Page(List, u32),
    /// A whole list at once: for who sees a part only, where the engine counts pages before it leaves out.
    Whole(List),
}

/// A list of the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum List {
    /// Data centers.
    DataCenters,
    /// Clusters with their affinity groups.
    Clusters,
    /// Storage domains.
    Stores,
    /// Logical networks.
    Networks,
    /// What cards of machines are plugged into.
    Profiles,
    /// Hosts with their cards.
    Hosts,
    /// Templates with their disks.
    Templates,
    /// Machines with cards, disks, snapshots and devices.
    Machines,
    /// The same without their NUMA nodes, which not every version follows.
    PlainMachines,
    /// Machines with what is told only on demand: a trusted platform module among it.
    MachineDevices,
}

impl Question {
    /// The path with its query.
    pub fn path(&self) -> String {
        match self {
            Self::Api => "/ovirt-engine/api".to_owned(),
            Self::Page(list, page) => {
                // Without the clause an engine is free to answer in another order each time.
                let search = list
                    .sorted()
                    .then(|| format!("search=sortby%20name%20asc%20page%20{page}&max={PAGE}"));
                list.path(search)
            }
            Self::Whole(list) => list.path(None),
        }
    }

    /// The next page. `None` where the answer was all there is.
    pub fn next(&self) -> Option<Self> {
        match self {
            Self::Page(list, page) if list.sorted() => {
                Some(Self::Page(*list, page.checked_add(1)?))
            }
            _ => None,
        }
    }

    /// The same, without what not every version follows. `None` where there is nothing to leave out.
    pub fn plain(&self) -> Option<Self> {
        match self {
            Self::Page(List::Machines, page) => Some(Self::Page(List::PlainMachines, *page)),
            Self::Whole(List::Machines) => Some(Self::Whole(List::PlainMachines)),
            _ => None,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => f.write_str("/ovirt-engine/api"),
            Self::Page(list, page) if list.sorted() => write!(f, "page {page} of {}", list.name()),
            Self::Page(list, _) | Self::Whole(list) => f.write_str(list.name()),
        }
    }
}

impl List {
    /// All of them that are asked for in any case, in the order in which they are.
    pub const ALL: [Self; 8] = [
        Self::DataCenters,
        Self::Clusters,
        Self::Stores,
        Self::Networks,
        Self::Profiles,
        Self::Hosts,
        Self::Templates,
        Self::Machines,
    ];

    /// As the path calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DataCenters => "datacenters",
            Self::Clusters => "clusters",
            Self::Stores => "storagedomains",
            Self::Networks => "networks",
            Self::Profiles => "vnicprofiles",
            Self::Hosts => "hosts",
            Self::Templates => "templates",
            Self::Machines | Self::PlainMachines | Self::MachineDevices => "vms",
        }
    }

    /// As an answer calls one of it.
    pub(super) fn one(self) -> &'static str {
        match self {
            Self::DataCenters => "data_center",
            Self::Clusters => "cluster",
            Self::Stores => "storage_domain",
            Self::Networks => "network",
            Self::Profiles => "vnic_profile",
            Self::Hosts => "host",
            Self::Templates => "template",
            Self::Machines | Self::PlainMachines | Self::MachineDevices => "vm",
        }
    }

    /// False for what cannot be searched, and so has no pages.
    fn sorted(self) -> bool {
        self != Self::Profiles
    }

    /// What the engine is to put in, instead of a link to it.
    fn with(self) -> Option<&'static str> {
        Some(match self {
            Self::Clusters => "follow=affinity_groups",
            Self::Hosts => "follow=nics,network_attachments",
            Self::Templates => "follow=disk_attachments.disk",
            Self::Machines => {
                "follow=nics,disk_attachments.disk,snapshots,cdroms,host_devices,numa_nodes"
            }
            Self::PlainMachines => {
                "follow=nics,disk_attachments.disk,snapshots,cdroms,host_devices"
            }
            // Together with links it would put a whole description of the machine into each snapshot.
            Self::MachineDevices => "all_content=true",
            Self::DataCenters | Self::Stores | Self::Networks | Self::Profiles => return None,
        })
    }

    fn path(self, search: Option<String>) -> String {
        let words: Vec<String> = search
            .into_iter()
            .chain(self.with().map(str::to_owned))
            .collect();
        let mark = if words.is_empty() { "" } else { "?" };
        format!("/ovirt-engine/api/{}{mark}{}", self.name(), words.join("&"))
    }
}
