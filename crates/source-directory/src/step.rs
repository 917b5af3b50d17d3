//! Questions as data: what is asked for, and who reads the answers. `explain` prints the same table.

use ldap3::Scope;

use crate::entry::Entry;
use crate::learnt::Learnt;
use crate::root::Root;

/// Where a question begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Base {
    /// The domain, or the base that was named.
    Domain,
    /// So much below the domain.
    BelowDomain(&'static str),
    /// So much below the configuration of the forest.
    BelowConfiguration(&'static str),
    /// The schema of the forest.
    Schema,
    /// Zones that the domain controllers of the domain keep.
    DomainZones,
    /// Zones that those of the forest keep.
    ForestZones,
    /// As written.
    Fixed(&'static str),
    /// Each naming context of the server.
    Contexts,
    /// So much below each naming context.
    BelowContexts(&'static str),
}

impl Base {
    /// The names it stands for with the server that was asked; none where that server has no such place.
    pub(crate) fn names(self, root: &Root) -> Vec<String> {
        let below = |part: &str, whole: &Option<String>| match whole {
            Some(whole) if part.is_empty() => vec![whole.clone()],
            Some(whole) => vec![format!("{part},{whole}")],
            None => Vec::new(),
        };
        match self {
            Self::Domain => below("", &root.domain),
            Self::BelowDomain(part) => below(part, &root.domain),
            Self::BelowConfiguration(part) => below(part, &root.configuration),
            Self::Schema => below("", &root.schema),
            Self::DomainZones => root.zones("DC=DomainDnsZones,"),
            Self::ForestZones => root.zones("DC=ForestDnsZones,"),
            Self::Fixed(name) => vec![name.to_owned()],
            Self::Contexts => root.contexts.clone(),
            Self::BelowContexts(part) => root
                .contexts
                .iter()
                .map(|c| format!("{part},{c}"))
                .collect(),
        }
    }

    /// For a person who reads beforehand.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Domain => "the domain".to_owned(),
            Self::BelowDomain(part) => format!("{part} of the domain"),
            Self::BelowConfiguration("") => "the configuration of the forest".to_owned(),
            Self::BelowConfiguration(part) => format!("{part} of the configuration"),
            Self::Schema => "the schema".to_owned(),
            Self::DomainZones => "the DNS zones of the domain".to_owned(),
            Self::ForestZones => "the DNS zones of the forest".to_owned(),
            Self::Fixed(name) => name.to_owned(),
            Self::Contexts => "each naming context".to_owned(),
            Self::BelowContexts(part) => format!("{part} of each naming context"),
        }
    }
}

/// Nothing waits.
pub(crate) fn nothing(_: &mut Learnt) {}

/// A question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Its name in coverage and gaps.
    pub(crate) name: &'static str,
    pub(crate) base: Base,
    pub(crate) scope: Scope,
    pub(crate) filter: &'static str,
    pub(crate) attributes: &'static [&'static str],
    /// Reads one answer.
    pub(crate) tell: fn(&Entry, &mut Learnt),
    /// Tells what had to wait until all answers were read.
    pub(crate) after: fn(&mut Learnt),
    /// True if the list of rights of each object is asked for: it is the most expensive attribute there is, so owner,
    /// group and audit entries are left out, and a page is smaller.
    pub(crate) rights: bool,
    /// True if it is no fault when the place is not there, or may not be read by everybody.
    pub(crate) optional: bool,
    /// True if the answer is another one at each moment: it is asked last, and again and again while the look watches.
    pub(crate) sampled: bool,
}
