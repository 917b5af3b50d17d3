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

/// Kinds of the directory itself: who logs on there is of a directory, however the name is written.
const DIRECTORIES: &[&str] = &["ldap-bind", "kerberos"];
/// Kinds in which somebody logs on to a machine, by a name of it or of its directory.
const LOGONS: &[&str] = &["ssh", "telnet", "rdp"];
/// Accounts a machine may have of its own beside those of a directory.
const LOCAL: &[&str] = &["admin", "administrator", "user", "backup", "test"];
/// What Windows writes for a domain where there is none.
const NO_DOMAIN: &[&str] = &[
    "",
    ".",
    "builtin",
    "nt authority",
    "nt service",
    "localhost",
];

/// An account: what it is of, and its name without domain, realm and path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Account<'a> {
    pub(crate) of: Of<'a>,
    pub(crate) name: String,
}

/// What an account is of: one of another is another, though both are called `svc-backup`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Of<'a> {
    /// The server that knows it.
    Server(&'a EntityId),
    /// A directory, as far as it is written: `corp` of `CORP\x` and of `dc=corp,dc=example`; `ad.one.example` where `ad` is
    /// the first part of other directories too.
    Directory(String),
}

impl Of<'_> {
    /// What tells one from another.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Server(server) => server.as_str(),
            Self::Directory(name) => name,
        }
    }
}

/// A name as it was written: its domain, where there is one, and the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Spelled {
    domain: Option<String>,
    name: String,
}

/// `svc-erp` of `corp` for `CORP\svc-erp`, of `corp.example` for `svc-erp@CORP.EXAMPLE` and `cn=svc-erp,ou=services,dc=corp,dc=example`. An
/// address of mail stays whole, as mail servers have many domains; `None` for what says nobody.
fn spelled(account: &str) -> Option<Spelled> {
    let account = account.trim();
    let (domain, value) = match account.split_once(',').unwrap_or((account, "")) {
        (first, rest) if first.contains('=') => {
            let part =
                |part: &str| Some(part.trim().to_lowercase().strip_prefix("dc=")?.to_owned());
            let (_, value) = first.split_once('=')?;
            let parts: Vec<String> = rest.split(',').filter_map(part).collect();
            ((!parts.is_empty()).then(|| parts.join(".")), value)
        }
        _ => match account.rsplit_once('\\') {
            Some((domain, name)) => (Some(domain.to_owned()), name),
            None => (None, account),
        },
    };
    let (realm, bare) = match value.split_once('@') {
        // A realm is written in capitals.
        Some((name, realm)) if realm.bytes().all(|b| !b.is_ascii_lowercase()) => {
            (Some(realm), name)
        }
        _ => (None, value),
    };
    let domain = domain
        .or(realm.map(str::to_owned))
        .map(|d| d.to_lowercase());
    let domain = domain.filter(|domain| !NO_DOMAIN.contains(&domain.as_str()));
    let name = bare.to_lowercase();
    let is_somebody = !name.is_empty() && !EVERYWHERE.contains(&name.as_str());
    is_somebody.then_some(Spelled { domain, name })
}

/// The directories that are written with accounts somewhere.
#[derive(Default)]
struct Directories {
    /// Names that are written whole, by their first part.
    whole: BTreeMap<String, BTreeSet<String>>,
    /// What stands before each name of an account.
    before: BTreeMap<String, BTreeSet<String>>,
}

impl Directories {
    fn of<'a>(accounts: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        let spelled: Vec<Spelled> = accounts.filter_map(spelled).collect();
        for domain in spelled.iter().filter_map(|spelled| spelled.domain.as_ref()) {
            if let Some((first, _)) = domain.split_once('.') {
                let whole = all.whole.entry(first.to_owned()).or_default();
                whole.insert(domain.clone());
            }
        }
        for Spelled { domain, name } in spelled {
            if let Some(directory) = domain.map(|domain| all.directory(domain)) {
                all.before.entry(name).or_default().insert(directory);
            }
        }
        all
    }

    /// What a directory is called here: by its first part, as Windows does, unless several begin so. Then a short spelling
    /// is none of them.
    fn directory(&self, domain: String) -> String {
        let first = domain.split('.').next().unwrap_or_default();
        let whole = self.whole.get(first).map_or(0, BTreeSet::len);
        match whole {
            0 | 1 => first.to_owned(),
            _ => domain,
        }
    }

    /// The account: of a directory only where its kind or its spelling says so.
    fn account<'a>(
        &self,
        kind: &str,
        provider: &'a EntityId,
        account: &str,
    ) -> Option<Account<'a>> {
        let Spelled { domain, name } = spelled(account)?;
        let is_address = name.contains('@') && !OWN_ACCOUNTS.contains(&kind);
        let written = self.before.get(&name);
        let many = written.map_or(0, BTreeSet::len);
        let is_logon = LOGONS.contains(&kind);
        let of = match (domain, many) {
            (Some(domain), _) => Of::Directory(self.directory(domain)),
            (None, _) if is_address => Of::Directory(String::new()),
            (None, 0) if DIRECTORIES.contains(&kind) => Of::Directory(String::new()),
            (None, 1) if DIRECTORIES.contains(&kind) || (is_logon && !is_local(&name)) => {
                Of::Directory(written?.first()?.clone())
            }
            // Who logs on to the machine is nobody its programs know.
            (None, _) if is_logon => return None,
            _ => Of::Server(provider),
        };
        Some(Account { of, name })
    }
}

/// True for a name that a machine may have for itself beside one of the directory.
fn is_local(name: &str) -> bool {
    LOCAL.contains(&name)
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
    let written = view.dependencies().flat_map(|d| &d.details.accounts);
    let told = view
        .all(|i| &i.ledger)
        .filter_map(|row| row.account.as_ref());
    let directories = Directories::of(written.chain(told).map(String::as_str));
    for need in view.dependencies().filter(|d| !d.details.local) {
        // Who logs on to a machine is a person until something says otherwise.
        if matches!(need.kind.as_str(), "ssh" | "telnet" | "rdp") {
            continue;
        }
        for account in &need.details.accounts {
            let account = directories.account(&need.kind, &need.provider.entity, account);
            if let Some(account) = account {
                accounts.entry(account).or_default().needs.push(need);
            }
        }
    }
    accounts.retain(|_, uses| uses.needs.iter().any(|need| is_written(need)));
    for row in view.all(|i| &i.ledger) {
        let account = row.account.as_deref().unwrap_or_default();
        let known = directories.account(&row.kind, &row.provider, account);
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
        for (spelling, domain) in [
            ("svc-erp", None),
            (".\\svc-erp", None),
            ("CORP\\svc-erp", Some("corp")),
            ("svc-erp@CORP.EXAMPLE", Some("corp.example")),
            ("cn=SVC-ERP,ou=services", None),
            (
                "cn=SVC-ERP,ou=services,dc=corp,dc=example",
                Some("corp.example"),
            ),
        ] {
            let (domain, name) = (domain.map(str::to_owned), "svc-erp".to_owned());
            assert_eq!(
                spelled(spelling),
                Some(Spelled { domain, name }),
                "{spelling}"
            );
        }
        let address = spelled("scan@corp.example").unwrap();
        assert_eq!(address.name, "scan@corp.example");
        assert_eq!(
            [spelled(""), spelled("root"), spelled("CORP\\")],
            [None, None, None]
        );
    }

    #[test]
    fn a_name_alone_is_of_the_one_directory_that_is_written_before_it_or_of_its_server() {
        let server = EntityId::new("host:nas1");
        let of = |all: &[&str], kind: &str, name: &str| {
            let directories = Directories::of(all.iter().copied());
            let account = directories.account(kind, &server, name);
            account.map_or_else(|| "nobody".to_owned(), |a| a.of.as_str().to_owned())
        };
        let (one, two) = (["CORP\\svc", "CORP\\admin"], ["CORP\\svc", "OTHER\\svc"]);
        assert_eq!(of(&one, "ldap-bind", "svc"), "corp");
        let both = ["CORP\\svc", "cn=svc,dc=corp,dc=example"];
        assert_eq!(of(&both, "ldap-bind", "svc"), "corp");
        assert_eq!(of(&both, "smb", "svc@CORP.EXAMPLE"), "corp");
        assert_eq!(of(&one, "rdp", "svc"), "corp");
        assert_eq!(of(&one, "rdp", "admin"), "nobody");
        assert_eq!(of(&one, "smb", "svc"), server.as_str());
        assert_eq!(of(&two, "ldap-bind", "svc"), server.as_str());
        assert_eq!(of(&[], "ldap-bind", "svc"), "");
        assert_eq!(of(&[], "smb", "OTHER\\svc"), "other");
    }
}
