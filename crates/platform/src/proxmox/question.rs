//! What may be asked. Every question is a GET, and there is no other way to make a path.

use std::fmt;

/// A guest and the node that answers for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GuestPlace {
    /// `qemu/104`, `lxc/105`.
    pub(super) key: String,
    /// The node it is on.
    pub(super) node: String,
}

impl GuestPlace {
    /// `qemu/104`, `lxc/105`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The node it is on.
    pub fn node(&self) -> &str {
        &self.node
    }
}

/// A question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Question {
    /// About the cluster, or the lone node.
    Cluster(ClusterQuestion),
    /// About a node.
    Node(String, NodeQuestion),
    /// About a guest.
    Guest(GuestPlace, GuestQuestion),
}

/// What is asked about the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClusterQuestion {
    /// The version of the one that answers.
    Version,
    /// The name of the cluster, and its nodes.
    Status,
    /// What who asks may see.
    Rights,
    /// Nodes, guests and storages.
    Resources,
    /// Settings of the storages.
    Storages,
    /// Jobs that copy guests.
    Backups,
    /// Guests that are started elsewhere.
    Watched,
    /// Nodes guests stay on, until version 8.
    Groups,
    /// Who runs beside whom, from version 9 on.
    Rules,
    /// Nodes in maintenance.
    Keepers,
}

/// What is asked about a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NodeQuestion {
    /// Processors, memory, version.
    Status,
    /// Cards, bridges, addresses.
    Network,
    /// Name servers and domain.
    Dns,
    /// Storages it reaches.
    Storage,
}

/// What is asked about a guest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GuestQuestion {
    /// Its settings.
    Config,
    /// Its snapshots.
    Snapshots,
    /// What it took in the last week.
    Load,
    /// Its interfaces, by the helper inside.
    AgentInterfaces,
    /// Its operating system, by the helper inside.
    AgentSystem,
    /// What it calls itself, by the helper inside.
    AgentHostName,
    /// Interfaces of a container, by its node.
    Interfaces,
}

impl Question {
    /// The path below `/api2/json`, with its query.
    pub fn path(&self) -> String {
        match self {
            Self::Cluster(question) => question.path().to_owned(),
            Self::Node(node, question) => format!("/nodes/{node}/{}", question.word()),
            Self::Guest(place, question) => {
                format!("/nodes/{}/{}/{}", place.node, place.key, question.word())
            }
        }
    }

    /// True for what the helper inside a guest is asked.
    pub fn is_for_agent(&self) -> bool {
        use GuestQuestion::{AgentHostName, AgentInterfaces, AgentSystem};
        matches!(
            self,
            Self::Guest(_, AgentInterfaces | AgentSystem | AgentHostName)
        )
    }

    /// True for what one version of Proxmox VE has and another has not, or a node without a cluster never had.
    pub fn may_be_absent(&self) -> bool {
        use ClusterQuestion::{Groups, Keepers, Rights, Rules, Watched};
        matches!(
            self,
            Self::Cluster(Rights | Groups | Rules | Keepers | Watched)
        ) || matches!(self, Self::Guest(_, GuestQuestion::Interfaces))
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl ClusterQuestion {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 10] = [
        Self::Version,
        Self::Status,
        Self::Rights,
        Self::Resources,
        Self::Storages,
        Self::Backups,
        Self::Watched,
        Self::Groups,
        Self::Rules,
        Self::Keepers,
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Version => "/version",
            Self::Status => "/cluster/status",
            Self::Rights => "/access/permissions",
            Self::Resources => "/cluster/resources",
            Self::Storages => "/storage",
            Self::Backups => "/cluster/backup",
            Self::Watched => "/cluster/ha/resources",
            Self::Groups => "/cluster/ha/groups",
            Self::Rules => "/cluster/ha/rules",
            Self::Keepers => "/cluster/ha/status/manager_status",
        }
    }
}

impl NodeQuestion {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 4] = [Self::Status, Self::Network, Self::Dns, Self::Storage];

    fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Storage => "storage",
        }
    }
}

impl GuestQuestion {
    fn word(self) -> &'static str {
        match self {
            Self::Config => "config?current=1",
            Self::Snapshots => "snapshot",
            Self::Load => "rrddata?timeframe=week",
            Self::AgentInterfaces => "agent/network-get-interfaces",
            Self::AgentSystem => "agent/get-osinfo",
            Self::AgentHostName => "agent/get-host-name",
            Self::Interfaces => "interfaces",
        }
    }
}
