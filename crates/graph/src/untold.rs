//! Clients of a directory that no log tells: their flows and settings do. A directory whose log is off, or that keeps none of
//! logons, still has its rows in the ledger.
//!
//! What is known is said, and nothing else: the account where settings name one, a simple bind where a password stands beside a
//! name of the directory, TLS where the settings or the port say so.

use std::collections::BTreeSet;

use groma_model::directory::without_persons;
use groma_model::inventory::{Basis, Dependency};
use groma_model::name::{Port, Protection};
use groma_model::{DependencyId, Seen, Witness};

/// The kind whose needs are rows even where nobody saw them used: who binds at a directory.
pub(crate) const KIND: &str = "ldap-bind";
/// Ports of a directory at which TLS begins with the first byte (`ldaps` of the service names registry of IANA; the global
/// catalogue of Active Directory).
const TLS_PORTS: [Port; 2] = [Port(636), Port(3269)];

/// One way in which a need uses a directory.
pub(crate) struct Use<'d> {
    pub(crate) need: &'d Dependency,
    pub(crate) account: Option<String>,
    /// True if another account of the same need was told: what was seen is that one's.
    is_beside: bool,
}

/// A need and an account of it.
pub(crate) type Told<'d> = (&'d DependencyId, Option<&'d str>);

/// True for a need of a directory that may be a row: not one that was concluded, nor what a machine asks of itself.
pub(crate) fn is_of_directory(need: &Dependency) -> bool {
    need.kind == KIND
        && need.consumer.entity != need.provider.entity
        && need.basis != Basis::Inferred
}

/// What a row of `account` tells of a need that it speaks of: a row that knows none tells all of it.
pub(crate) fn told<'d>(need: &'d Dependency, account: Option<&str>) -> Vec<Told<'d>> {
    let accounts = need.details.accounts.iter().map(String::as_str);
    let meant = accounts.filter(|own| account.is_none_or(|told| is_one_account(own, told)));
    let nobodys = need.details.accounts.is_empty().then_some(None);
    meant
        .map(Some)
        .chain(nobodys)
        .map(|account| (&need.id, account))
        .collect()
}

/// The uses of directories that no row tells, one for each account of a need.
pub(crate) fn uses<'d>(
    needs: &'d [Dependency],
    told: &BTreeSet<Told<'d>>,
) -> impl Iterator<Item = Use<'d>> {
    needs
        .iter()
        .filter(|need| is_of_directory(need))
        .flat_map(move |need| of_need(need, told))
        .filter(|used| !used.witnesses().is_empty())
}

fn of_need<'d>(need: &'d Dependency, told: &BTreeSet<Told<'d>>) -> Vec<Use<'d>> {
    let is_told = |account: Option<&'d str>| told.contains(&(&need.id, account));
    let accounts = &need.details.accounts;
    if accounts.is_empty() {
        let untold = (!is_told(None)).then_some(Use {
            need,
            account: None,
            is_beside: false,
        });
        return untold.into_iter().collect();
    }
    let is_beside = accounts.iter().any(|account| is_told(Some(account)));
    let mut untold: Vec<&String> = accounts.iter().filter(|a| !is_told(Some(a))).collect();
    let mut met = BTreeSet::new();
    untold.retain(|account| met.insert(bare(account)));
    let used = |account: &String| Use {
        need,
        account: Some(account.clone()),
        is_beside,
    };
    untold.into_iter().map(used).collect()
}

impl Use<'_> {
    /// How it is known. That a log tells of others between the two is no word about this one.
    pub(crate) fn witnesses(&self) -> BTreeSet<Witness> {
        let speaks = |witness: &Witness| match witness {
            Witness::Written | Witness::Declared => true,
            Witness::Live | Witness::Network => !self.is_beside,
            Witness::History => false,
        };
        self.need.witnesses.iter().copied().filter(speaks).collect()
    }

    fn is_seen(&self) -> bool {
        let seen = [Witness::Live, Witness::Network];
        !self.witnesses().is_disjoint(&seen.into())
    }

    /// How often it was seen; nought if it is only written.
    pub(crate) fn count(&self) -> u64 {
        if self.is_seen() { self.need.count } else { 0 }
    }

    /// When it was seen; or when it was read, where it is only written.
    pub(crate) fn seen(&self) -> Seen {
        let last = self.need.details.last_used.filter(|_| self.is_seen());
        let last = last.unwrap_or(self.need.last_seen);
        let first = self.need.first_seen.min(last);
        let mut seen = Seen::between(first, last, self.count());
        if self.is_seen() {
            seen.hours = self.need.details.hours;
        }
        seen
    }

    /// What settings say of one account; else a password beside a name of the directory is a simple bind (RFC 4513 §5.1.3):
    /// other mechanisms log on by other names.
    pub(crate) fn mechanism(&self) -> Option<String> {
        if let Some(said) = mechanism_of(self.need) {
            return Some(said);
        }
        let is_name = self.account.as_ref().is_some_and(|a| a.contains('='));
        let alone = self.need.details.accounts.len() == 1;
        (is_name && alone && self.need.details.secret_in_file).then(|| "simple".to_owned())
    }

    pub(crate) fn protection(&self) -> Option<Protection> {
        let by_port = protection_of(&self.need.kind, self.need.provider.port);
        by_port.or(self.need.details.protection)
    }
}

/// How a need logs on, as settings say; of several accounts nobody knows whose it is.
pub(crate) fn mechanism_of(need: &Dependency) -> Option<String> {
    let alone = need.details.accounts.len() <= 1;
    need.details.mechanism.clone().filter(|_| alone)
}

/// How a directory's port is protected whatever anybody says.
pub(crate) fn protection_of(kind: &str, port: Option<Port>) -> Option<Protection> {
    let is_tls = kind == KIND && port.is_some_and(|port| TLS_PORTS.contains(&port));
    is_tls.then_some(Protection::Tls)
}

/// True if the need logs on with `account`, in whatever spelling.
pub(crate) fn has_account(need: &Dependency, account: &str) -> bool {
    let accounts = &need.details.accounts;
    accounts.iter().any(|own| is_one_account(own, account))
}

/// True for two spellings of one account; nobody is nobody alone.
pub(crate) fn is_one_account(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// `svc` of `CN=svc,OU=services,DC=corp`, `CORP\svc` and `svc@CORP.EXAMPLE`.
fn bare(account: &str) -> String {
    let first = account.split(',').next().unwrap_or(account);
    let value = match first.split_once('=') {
        Some((_, value)) => value,
        None => account.rsplit('\\').next().unwrap_or(account),
    };
    let name = value.split('@').next().unwrap_or(value);
    name.trim().to_lowercase()
}

/// Where in the directory they search, without what may be a person.
pub(crate) fn bases(needs: &[&Dependency]) -> Vec<String> {
    let of_directory = needs.iter().filter(|need| need.kind == KIND);
    let written = of_directory.flat_map(|need| &need.details.resources);
    let names = written.filter(|base| base.contains('='));
    let bases: BTreeSet<String> = names
        .map(|base| without_persons(base))
        .filter(|base| base.contains('='))
        .collect();
    bases.into_iter().collect()
}

/// The rhythm of the one part that is meant.
pub(crate) fn rhythm(needs: &[&Dependency]) -> Option<String> {
    match needs {
        [only] => only.rhythm.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_is_one_in_every_spelling() {
        let name = "CN=svc-erp, OU=Services,DC=corp,DC=example";
        for other in [
            "cn=svc-erp,ou=services,dc=corp,dc=example",
            "CORP\\svc-erp",
            "svc-erp@CORP.EXAMPLE",
            "svc-erp",
        ] {
            assert!(is_one_account(name, other), "{other}");
        }
        assert!(!is_one_account(name, "svc-erp2") && !is_one_account(name, ""));
        assert!(is_one_account("", ""));
    }

    #[test]
    fn a_port_of_tls_is_protected_in_a_directory_alone() {
        assert_eq!(protection_of(KIND, Some(Port(636))), Some(Protection::Tls));
        assert_eq!(protection_of(KIND, Some(Port(389))), None);
        assert_eq!(protection_of("other", Some(Port(636))), None);
    }
}
