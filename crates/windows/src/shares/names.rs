//! Whom a SID stands for, as far as this machine alone can tell.

use std::collections::BTreeSet;

use groma_model::Foreign;

use crate::Machine;
use crate::security::{Who, is_of_a_domain, relative_name, well_known_name};

/// Numbers below it are the same in every domain, and always stand for somebody: Administrator, Domain Users, …
const FIRST_OF_ITS_OWN: u32 = 1_000;

/// What is known of somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// A name, or a SID that means the same everywhere.
    Known,
    /// An account that is gone: others of its domain have names, this one has none.
    Nobody,
    /// Nobody here can say.
    Unknown,
}

/// Names of SIDs.
pub(super) struct Names<'a> {
    machine: &'a Machine<'a>,
    /// Domains of which some SID has a name, so that its directory did answer.
    answered: BTreeSet<&'a str>,
    /// The SID that those of this machine's accounts begin with.
    own: Option<&'a str>,
    /// True if whoever filled the tables asked for the names of the SIDs in them.
    were_asked: bool,
}

impl<'a> Names<'a> {
    /// Of a machine; `were_asked` where its shares come from the system's own table, whose reader asks for all names.
    pub(super) fn of(machine: &'a Machine<'a>, were_asked: bool) -> Self {
        let rows = machine.rows;
        let own = rows.users.iter().find_map(|user| is_of_a_domain(&user.sid));
        let own = own.map(|(domain, _)| domain);
        let named = rows.names.keys().filter_map(|sid| is_of_a_domain(sid));
        let answered = named.map(|(domain, _)| domain).chain(own).collect();
        Self {
            machine,
            answered,
            own,
            were_asked: were_asked && rows.missing("names").is_none(),
        }
    }

    /// A name where one is known, else the SID; names that are the same everywhere in English, whatever the system speaks.
    pub(super) fn who(&self, who: &Who) -> (Foreign, Standing) {
        match who {
            Who::Sid(sid) => self.named(sid),
            Who::Relative(number) => (self.relative(*number), Standing::Known),
        }
    }

    fn named(&self, sid: &str) -> (Foreign, Standing) {
        let rows = self.machine.rows;
        let user = || {
            let user = rows.users.iter().find(|user| user.sid == sid)?;
            Some(format!("{}\\{}", rows.system.host_name, user.name))
        };
        let told = well_known_name(sid).map(str::to_owned);
        let told = told.or_else(|| rows.names.get(sid).cloned()).or_else(user);
        match told.filter(|name| !name.is_empty()) {
            Some(name) => (name.into(), Standing::Known),
            None => (sid.into(), self.standing(sid)),
        }
    }

    fn standing(&self, sid: &str) -> Standing {
        match is_of_a_domain(sid) {
            None => Standing::Known,
            Some((_, number)) if number < FIRST_OF_ITS_OWN => Standing::Known,
            Some((domain, _)) if self.were_asked && self.answered.contains(domain) => {
                Standing::Nobody
            }
            Some(_) => Standing::Unknown,
        }
    }

    /// A text leaves the domain out where that is the machine's own; a name tells it where only one can be meant.
    fn relative(&self, number: u32) -> Foreign {
        let fits = |sid: &str| {
            is_of_a_domain(sid).is_some_and(|(domain, found)| {
                let is_local = Some(domain) == self.own;
                found == number && is_local == matches!(number, 500 | 501)
            })
        };
        let names = self.machine.rows.names.iter();
        let mut found = names.filter(|(sid, _)| fits(sid)).map(|(_, name)| name);
        match (found.next(), found.next()) {
            (Some(only), None) => only.as_str().into(),
            _ => match relative_name(number) {
                Some(name) => name.into(),
                None => format!("relative identifier {number}").into(),
            },
        }
    }
}
