//! Accounts programs log on with: what account checks agree on.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::Dependency;
use groma_model::ledger::LedgerEntry;

use crate::View;
use crate::view::is_written;

/// Kinds whose accounts are the server's own: `erp` of one database is not `erp` of another.
const OWN_ACCOUNTS: &[&str] = &[
    "sql",
    "nosql",
    "message-queue",
    "ftp",
    "backup",
    "snmp",
    "iscsi",
];
/// Accounts every installation has.
const EVERYWHERE: &[&str] = &[
    "root",
    "postgres",
    "sa",
    "guest",
    "anonymous",
    "nobody",
    "default",
    "git",
];

/// An account: the server it is of (none for one of a directory), and its name without domain, realm and path.
pub(crate) type Account<'a> = (Option<&'a EntityId>, String);

/// `svc-erp` for `CORP\svc-erp`, `svc-erp@CORP.EXAMPLE` and `cn=svc-erp,ou=services,dc=corp,dc=example`. An address of mail
/// stays whole, as mail servers have many domains; `None` for what says nobody.
pub(crate) fn name(account: &str) -> Option<String> {
    let account = account.trim();
    let first = account.split_once(',').map_or(account, |(first, _)| first);
    let value = match first.split_once('=') {
        Some((_, value)) => value,
        None => account.rsplit('\\').next().unwrap_or(account),
    };
    let bare = match value.split_once('@') {
        // A realm is written in capitals.
        Some((name, realm)) if realm.bytes().all(|b| !b.is_ascii_lowercase()) => name,
        _ => value,
    };
    let name = bare.to_lowercase();
    (!name.is_empty() && !EVERYWHERE.contains(&name.as_str())).then_some(name)
}

fn of<'a>(kind: &str, provider: &'a EntityId, account: &str) -> Option<Account<'a>> {
    let server = OWN_ACCOUNTS.contains(&kind).then_some(provider);
    Some((server, name(account)?))
}

/// Every account that a file gives to a program, with what is known of its use.
#[derive(Default)]
pub(crate) struct Uses<'a> {
    pub(crate) needs: Vec<&'a Dependency>,
    pub(crate) rows: Vec<&'a LedgerEntry>,
}

impl<'a> Uses<'a> {
    /// The machines it is used from.
    pub(crate) fn consumers(&self) -> BTreeSet<&'a EntityId> {
        let needs = self.needs.iter().map(|d| &d.consumer.entity);
        needs.chain(self.rows.iter().map(|r| &r.consumer)).collect()
    }
}

/// The accounts of services, each with its uses: those that stand in the settings of some program.
pub(crate) fn of_services<'a>(view: &View<'a>) -> BTreeMap<Account<'a>, Uses<'a>> {
    let mut accounts: BTreeMap<Account<'a>, Uses<'a>> = BTreeMap::new();
    for need in view.dependencies().filter(|d| !d.details.local) {
        // Who logs on to a machine is a person until something says otherwise.
        if matches!(need.kind.as_str(), "ssh" | "rdp") {
            continue;
        }
        for account in &need.details.accounts {
            if let Some(account) = of(&need.kind, &need.provider.entity, account) {
                accounts.entry(account).or_default().needs.push(need);
            }
        }
    }
    accounts.retain(|_, uses| uses.needs.iter().any(|need| is_written(need)));
    for row in view.all(|i| &i.ledger) {
        let account = row.account.as_deref().unwrap_or_default();
        let known = of(&row.kind, &row.provider, account);
        if let Some(uses) = known.and_then(|account| accounts.get_mut(&account)) {
            uses.rows.push(row);
        }
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_account_have_one_name() {
        for spelling in [
            "svc-erp",
            "CORP\\svc-erp",
            "svc-erp@CORP.EXAMPLE",
            "cn=SVC-ERP,ou=services,dc=corp,dc=example",
        ] {
            assert_eq!(name(spelling).as_deref(), Some("svc-erp"), "{spelling}");
        }
        assert_eq!(
            name("scan@corp.example").as_deref(),
            Some("scan@corp.example")
        );
        assert_eq!((name(""), name("root"), name("CORP\\")), (None, None, None));
    }
}
