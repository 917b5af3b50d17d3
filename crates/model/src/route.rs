//! Where a mail server sends mail on to: by configuration, aliases, filters and rules of its users.
//!
//! Addresses of people are not kept: of each only the domain, and how many there are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::evidence::Witness;
use crate::id::{EntityId, EvidenceId};
use crate::name::{HostName, Peer, Port};

/// What a rule does with mail.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RouteRule {
    /// The machine takes mail for a domain as its own.
    Takes,
    /// The machine takes mail for a domain and hands it on to who has it.
    RelaysFor,
    /// All mail for others leaves this way.
    Relay,
    /// Mail for one domain leaves this way.
    Transport,
    /// Mail of one sender leaves this way.
    SenderRelay,
    /// Mail is delivered this way.
    Delivery,
    /// An alias leads there.
    Alias,
    /// A forward in a home directory leads there.
    Forward,
    /// A filter rule of a user, or of all, sends mail on.
    Sieve,
    /// Every mail, or that of some, is copied there.
    Archive,
    /// What a pattern fits is sent elsewhere.
    Redirect,
    /// A filter looks at mail on its way.
    Filter,
    /// A service is asked whether mail is taken.
    Policy,
    /// A list of senders nobody wants is asked.
    BlockList,
    /// Addresses, domains or ways are looked up there.
    Lookup,
    /// Mailing lists.
    List,
    /// Mailboxes are kept in step with another machine.
    Replica,
    /// Who reads mail is handed on to another machine.
    Proxy,
    /// Folders that several read.
    Shared,
    /// A program is run when something happens to a mailbox.
    Script,
    /// An answer is sent while somebody is away.
    Vacation,
    /// Mail is signed with a key (DKIM).
    Signing,
    /// Mail of some age, or beyond some number, is deleted by itself.
    Retention,
    /// How much a mailbox may hold.
    Quota,
}

impl RouteRule {
    /// What a person calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Takes => "takes mail for",
            Self::RelaysFor => "relays mail for",
            Self::Relay => "relays all through",
            Self::Transport => "transport",
            Self::SenderRelay => "relay by sender",
            Self::Delivery => "delivery",
            Self::Alias => "alias",
            Self::Forward => "forward of a user",
            Self::Sieve => "sieve rule",
            Self::Archive => "copy to an archive",
            Self::Redirect => "redirect by pattern",
            Self::Filter => "filter",
            Self::Policy => "policy service",
            Self::BlockList => "block list",
            Self::Lookup => "look-up",
            Self::List => "mailing lists",
            Self::Replica => "replica",
            Self::Proxy => "proxy for readers",
            Self::Shared => "shared folders",
            Self::Script => "program on events",
            Self::Vacation => "vacation notice",
            Self::Signing => "signature",
            Self::Retention => "deletes old mail",
            Self::Quota => "limits mailboxes",
        }
    }

    /// The word between the rule and where it leads.
    const fn towards(self) -> &'static str {
        match self {
            Self::Filter | Self::Policy | Self::BlockList | Self::Lookup | Self::Shared => "at",
            Self::Signing | Self::Script => "with",
            Self::Relay => "",
            Self::Retention => "in",
            _ => "to",
        }
    }
}

/// Where a rule leads.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// It stays here.
    Here,
    /// Addresses of a domain.
    Domain {
        /// The domain.
        domain: HostName,
    },
    /// A machine.
    Host {
        /// Name or address.
        peer: Peer,
        /// The port, where it is written or the way has one by definition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<Port>,
    },
    /// A program of this machine: only its path, never its arguments.
    Program {
        /// Its path, or its name where none is written.
        path: Foreign,
    },
    /// A file of this machine.
    File {
        /// Its path.
        path: Foreign,
    },
    /// A socket of this machine.
    Socket {
        /// Its path.
        path: Foreign,
    },
    /// A way of the mail server that leads no further by this rule.
    Way {
        /// Its name.
        name: String,
    },
    /// A DKIM selector.
    Selector {
        /// The selector.
        name: String,
    },
}

impl std::fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here => f.write_str("this machine"),
            Self::Domain { domain } => write!(f, "{domain}"),
            Self::Host { peer, port: None } => write!(f, "{peer}"),
            Self::Host {
                peer: Peer::Address(std::net::IpAddr::V6(address)),
                port: Some(port),
            } => write!(f, "[{address}]:{port}"),
            Self::Host {
                peer,
                port: Some(port),
            } => write!(f, "{peer}:{port}"),
            Self::Program { path } => write!(f, "program {path}"),
            Self::File { path } => write!(f, "file {path}"),
            Self::Socket { path } => write!(f, "socket {path}"),
            Self::Way { name } => f.write_str(name),
            Self::Selector { name } => write!(f, "selector {name}"),
        }
    }
}

/// A rule that says where mail goes. Lines of one file that say the same are one fact.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailRoute {
    /// What it does.
    pub rule: RouteRule,
    /// The program whose rule it is, as `Postfix`.
    pub product: String,
    /// The domain it is about, lower case, a leading dot for all below it; for mailing lists their domain. None: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it leads.
    pub to: RouteTarget,
    /// The file it stands in.
    pub file: Foreign,
    /// The setting that makes it hold, as `virtual_alias_maps`; empty where the file alone does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The first line that says so, counted from 1; 0 where the file says it by being there.
    pub line: u32,
    /// How many entries of the file say so. It changes only when somebody edits the file.
    pub entries: u32,
}

impl MailRoute {
    /// One line a person understands.
    pub fn says(&self) -> String {
        let times = match self.entries {
            0 | 1 => String::new(),
            many => format!(" ({many} entries)"),
        };
        let about = self.from.as_ref().map(|from| format!(" for {from}"));
        let what = match self.rule {
            RouteRule::Takes => "takes mail".to_owned(),
            RouteRule::RelaysFor => "relays mail".to_owned(),
            rule => rule.as_str().to_owned(),
        };
        let to = match &self.to {
            RouteTarget::Here => String::new(),
            to => match self.rule.towards() {
                "" => format!(" {to}"),
                towards => format!(" {towards} {to}"),
            },
        };
        let place = match self.line {
            0 => self.file.to_string(),
            line => format!("{}:{line}", self.file),
        };
        let (product, about) = (&self.product, about.unwrap_or_default());
        format!("{product}: {what}{about}{to}{times} ({place})")
    }

    /// The machine it hands mail or questions on to, over the network.
    pub fn next_hop(&self) -> Option<(&Peer, Option<Port>)> {
        match &self.to {
            RouteTarget::Host { peer, port } => Some((peer, *port)),
            _ => None,
        }
    }
}

/// One row of the table of mail routes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailRouteEntry {
    /// The machine whose rule it is.
    pub on: EntityId,
    /// The rule as it is written.
    #[serde(flatten)]
    pub route: MailRoute,
    /// The machine it leads to, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<EntityId>,
    /// How it is known. Sorted.
    pub witnesses: Vec<Witness>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// The domains this estate takes or relays mail for, and those that were asked about: mail to any other leaves it.
pub fn own_domains<'a>(
    routes: impl IntoIterator<Item = &'a MailRouteEntry>,
    asked: impl IntoIterator<Item = &'a HostName>,
) -> std::collections::BTreeSet<String> {
    let routes = routes.into_iter().map(|entry| &entry.route);
    let ours = |rule| {
        matches!(
            rule,
            RouteRule::Takes | RouteRule::RelaysFor | RouteRule::List
        )
    };
    routes
        .filter(|route| ours(route.rule))
        .filter_map(|route| route.from.clone())
        .chain(asked.into_iter().map(|name| name.as_str().to_owned()))
        .map(|domain| domain.trim_start_matches('.').to_owned())
        .filter(|domain| domain.contains('.'))
        .collect()
}

/// True if `domain` is one of `own`, or below one.
pub fn is_own(domain: &str, own: &std::collections::BTreeSet<String>) -> bool {
    let mut rest = domain;
    loop {
        if own.contains(rest) {
            return true;
        }
        match rest.split_once('.') {
            Some((_, above)) => rest = above,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_an_own_domain_is_own_and_what_only_ends_alike_is_not() {
        let own = ["corp.example".to_owned()].into();
        assert!(is_own("corp.example", &own) && is_own("lists.corp.example", &own));
        assert!(!is_own("xcorp.example", &own) && !is_own("example", &own));
    }

    #[test]
    fn a_route_says_itself_in_a_line() {
        let route = MailRoute {
            rule: RouteRule::Alias,
            product: "Postfix".to_owned(),
            from: None,
            to: RouteTarget::Domain {
                domain: HostName::parse("example.net").expect("a name"),
            },
            file: "/etc/aliases".into(),
            key: "alias_maps".to_owned(),
            line: 7,
            entries: 17,
        };
        assert_eq!(
            route.says(),
            "Postfix: alias to example.net (17 entries) (/etc/aliases:7)"
        );
        let json = serde_json::to_string(&crate::Fact::MailRoute(route.clone())).expect("json");
        assert_eq!(
            crate::Fact::from_json(&json).expect("a fact"),
            crate::Fact::MailRoute(route)
        );
    }

    #[test]
    fn what_is_deleted_by_itself_says_where_and_when() {
        let route = |rule, name: &str| MailRoute {
            rule,
            product: "Dovecot".to_owned(),
            from: None,
            to: RouteTarget::Way {
                name: name.to_owned(),
            },
            file: "/etc/dovecot/local.conf".into(),
            key: "autoexpunge".to_owned(),
            line: 3,
            entries: 1,
        };
        assert_eq!(
            route(RouteRule::Retention, "Trash after 30 days").says(),
            "Dovecot: deletes old mail in Trash after 30 days (/etc/dovecot/local.conf:3)"
        );
        assert_eq!(
            route(RouteRule::Quota, "1G").says(),
            "Dovecot: limits mailboxes to 1G (/etc/dovecot/local.conf:3)"
        );
    }
}
