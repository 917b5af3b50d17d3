//! Whom a SID stands for, as far as this machine alone can tell.
//!
//! Samba keeps the machine's own SID in `secrets.tdb` and its accounts in `passdb.tdb`, both between passwords. Only keys
//! are read of them, and the values of those keys that hold a SID or a name: no password is ever in our memory.
//! SIDs of a domain are known to its controllers; here they are nobody's only where nobody of a domain can log on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::{Foreign, Reason};

use super::tdb::Row;
use super::{acl, tdb};
use crate::accounts::Accounts;
use crate::part::Part;
use crate::reading::{Reading, piece};
use crate::text::lossy;

/// Where packages let Samba keep its secrets, and everything else that must survive.
const PRIVATE: &str = "/var/lib/samba/private";
const STATE: &str = "/var/lib/samba";
/// Numbers below it are the same in every domain: Administrator, Guests, …
const FIRST_OF_ITS_OWN: u32 = 1_000;

/// What the configuration says about the server as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Server {
    /// `netbios name`; else the name of the machine counts.
    pub(super) name: Option<String>,
    /// `private dir`.
    pub(super) private: Option<PathBuf>,
    /// `state directory`.
    pub(super) state: Option<PathBuf>,
    /// True if its accounts stand in `passdb.tdb` (`passdb backend = tdbsam`, the default).
    pub(super) own_accounts: bool,
    /// True if it is no member of any domain: nobody from one can log on.
    pub(super) standalone: bool,
}

impl Server {
    /// The table that holds rights on whole shares.
    pub(super) fn share_rights(&self) -> PathBuf {
        self.state().join("share_info.tdb")
    }

    fn state(&self) -> &Path {
        self.state.as_deref().unwrap_or(Path::new(STATE))
    }

    fn private(&self) -> &Path {
        self.private.as_deref().unwrap_or(Path::new(PRIVATE))
    }
}

/// The accounts behind SIDs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sids {
    /// The SID that those of this machine's accounts begin with.
    machine: Option<String>,
    /// Accounts and groups by their SID.
    names: BTreeMap<String, Foreign>,
    /// True if all accounts of this machine are known.
    complete: bool,
    standalone: bool,
}

impl Sids {
    /// Reads what Samba keeps about its accounts, where a server is set up.
    pub(super) fn read(
        reading: &mut Reading<'_>,
        part: &mut Part<'_>,
        server: &Server,
        accounts: &Accounts,
    ) -> Self {
        let mut sids = Self {
            standalone: server.standalone && !accounts.may_know_more(),
            ..Self::default()
        };
        if !server.own_accounts {
            return sids;
        }
        let mut of =
            |reading: &mut Reading<'_>, path: PathBuf, wants: &dyn Fn(&[u8]) -> bool| match chosen(
                reading, &path, wants,
            ) {
                Ok(rows) => rows,
                Err(reason) => {
                    let remedy = match reason {
                        Reason::PermissionDenied => crate::part::BE_ROOT,
                        _ => "ask the server itself (pdbedit -L -v, net groupmap list)",
                    };
                    let what = format!("whose the SIDs of this machine are ({})", path.display());
                    part.cannot(what, reason, remedy);
                    None
                }
            };
        let secrets = of(reading, server.private().join("secrets.tdb"), &is_sid);
        let users = of(reading, server.private().join("passdb.tdb"), &is_number);
        let groups = of(reading, server.state().join("group_mapping.tdb"), &is_group);
        sids.machine = machine(&secrets.unwrap_or_default(), &name(reading, server));
        sids.complete = users.is_some() && groups.is_some();
        sids.learn(&users.unwrap_or_default(), &groups.unwrap_or_default());
        sids
    }

    /// `RID_000003e8` holds a name; `UNIXGROUP/S-1-5-21-…` two numbers and a name (pdb_tdb.c, mapping_tdb.c).
    fn learn(&mut self, users: &[Row], groups: &[Row]) {
        let before_zero = |bytes: &[u8]| -> Vec<u8> {
            let name = bytes.split(|b| *b == 0).next();
            name.unwrap_or_default().to_vec()
        };
        for (key, value) in users {
            let number = number_in(key);
            if let (Some(machine), Some(number)) = (&self.machine, number) {
                let name = Foreign::from_bytes(before_zero(value));
                self.names.insert(format!("{machine}-{number}"), name);
            }
        }
        for (key, value) in groups {
            let sid = lossy(&before_zero(key.get(GROUP.len()..).unwrap_or_default()));
            let name = before_zero(value.get(8..).unwrap_or_default());
            let name = Foreign::from_bytes([b"@", name.as_slice()].concat());
            self.names.insert(sid, name);
        }
    }

    /// A name where this machine knows one, else the SID itself; and whether it stands for nobody any more.
    pub(super) fn who(&self, sid: &str, accounts: &Accounts) -> (Foreign, bool) {
        let number = |prefix: &str| sid.strip_prefix(prefix)?.parse::<u32>().ok();
        // Samba's own domains of Unix numbers.
        if let Some(id) = number("S-1-22-1-") {
            return (accounts.user(id), accounts.is_nobodys_user(id));
        }
        if let Some(id) = number("S-1-22-2-") {
            return (accounts.group(id), accounts.is_nobodys_group(id));
        }
        match self.names.get(sid) {
            Some(name) => (name.clone(), false),
            None => (sid.into(), self.is_nobodys(sid, accounts)),
        }
    }

    fn is_nobodys(&self, sid: &str, accounts: &Accounts) -> bool {
        let Some(machine) = self.machine.as_deref().filter(|_| self.complete) else {
            return false;
        };
        let own = sid
            .strip_prefix(machine)
            .and_then(|rest| rest.strip_prefix('-')?.parse::<u32>().ok());
        match own {
            Some(number) => number >= FIRST_OF_ITS_OWN && !is_reckoned(number, accounts),
            None => self.standalone && sid.starts_with("S-1-5-21-"),
        }
    }
}

/// Older servers reckoned the number out of the Unix one: twice the uid and 1000, twice the gid and 1001. Where a
/// directory may know accounts, any number may be one.
fn is_reckoned(number: u32, accounts: &Accounts) -> bool {
    if accounts.may_know_more() {
        return true;
    }
    let half = (number - FIRST_OF_ITS_OWN) / 2;
    match number % 2 {
        0 => accounts.has_user(half),
        _ => accounts.has_group(half),
    }
}

const SECRET: &[u8] = b"SECRETS/SID/";
const NUMBER: &[u8] = b"RID_";
const GROUP: &[u8] = b"UNIXGROUP/";

fn is_sid(key: &[u8]) -> bool {
    key.starts_with(SECRET)
}

fn is_number(key: &[u8]) -> bool {
    key.starts_with(NUMBER)
}

fn is_group(key: &[u8]) -> bool {
    key.starts_with(GROUP)
}

fn number_in(key: &[u8]) -> Option<u32> {
    let digits = key.strip_prefix(NUMBER)?.strip_suffix(b"\0")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Rows of a table whose keys are wanted; `None` where none stands.
fn chosen(
    reading: &mut Reading<'_>,
    path: &Path,
    wants: &dyn Fn(&[u8]) -> bool,
) -> Result<Option<Vec<Row>>, Reason> {
    let file = match reading.open(path) {
        Ok(file) => file,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(error.reason),
    };
    let (mut spent, mut refused) = (0, None);
    let rows = tdb::chosen(
        &mut |at, length| match piece(file.as_ref(), at, length) {
            Ok(bytes) => {
                spent += bytes.len();
                Some(bytes)
            }
            Err(error) => {
                refused = Some(error.reason);
                None
            }
        },
        wants,
        tdb::RECORDS_MAX,
    );
    reading.spend(spent);
    rows.map(Some).map_err(|reason| refused.unwrap_or(reason))
}

/// The machine's own SID: the one of its name, or the only one there is. A member of a domain has the domain's too.
fn machine(secrets: &[Row], name: &str) -> Option<String> {
    let own = format!("SECRETS/SID/{name}").to_ascii_uppercase();
    let named = secrets
        .iter()
        .find(|(key, _)| lossy(key).trim_end_matches('\0').to_ascii_uppercase() == own);
    let only = || secrets.first().filter(|_| secrets.len() == 1);
    acl::sid(&named.or_else(only)?.1)
}

/// Fifteen letters of the first part of the machine's name, unless the configuration says another.
fn name(reading: &mut Reading<'_>, server: &Server) -> String {
    let host = || {
        let host = reading.read_if_there("/etc/hostname").ok().flatten();
        lossy(host.unwrap_or_default().trim_ascii())
    };
    let name = server.name.clone().filter(|name| !name.contains('%'));
    let name = name.unwrap_or_else(host);
    let name = name.split('.').next().unwrap_or_default();
    name.chars().take(15).collect()
}

/// Rights on whole shares by the share's name in lower case, as `sharesec` and Windows write them.
pub(super) fn share_rights(table: &[u8]) -> Option<impl Iterator<Item = (String, &[u8])>> {
    let rows = tdb::records(table)?.into_iter();
    Some(rows.filter_map(|(key, value)| {
        let name = key.strip_prefix(b"SECDESC/")?.strip_suffix(b"\0")?;
        Some((lossy(name).to_lowercase(), value))
    }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const MACHINE: &str = "S-1-5-21-1-2-3";

    fn accounts() -> Accounts {
        Accounts::parse(
            b"anna:x:1001:1001::/home/anna:/bin/sh\n",
            b"sales:x:2001:\n",
            b"passwd: files\n",
        )
    }

    /// A standalone server with one account and one group of its own.
    fn known() -> Sids {
        let mut sids = Sids {
            machine: Some(MACHINE.to_owned()),
            complete: true,
            standalone: true,
            ..Sids::default()
        };
        sids.learn(
            &[(b"RID_000003e8\0".to_vec(), b"anna\0".to_vec())],
            &[(
                b"UNIXGROUP/S-1-5-21-1-2-3-1001\0".to_vec(),
                b"\xd1\x07\0\0\x04\0\0\0Sales\0\0".to_vec(),
            )],
        );
        sids
    }

    fn said(sids: &Sids, sid: &str) -> String {
        let (who, nobody) = sids.who(sid, &accounts());
        format!("{who}{}", if nobody { " (nobody)" } else { "" })
    }

    #[test]
    fn accounts_of_this_machine_have_names_and_gone_ones_are_nobodys() {
        let sids = known();
        for (sid, expected) in [
            ("S-1-5-21-1-2-3-1000", "anna"),
            ("S-1-5-21-1-2-3-1001", "@Sales"),
            ("S-1-5-21-1-2-3-1002", "S-1-5-21-1-2-3-1002 (nobody)"),
            ("S-1-22-1-1001", "anna"),
            ("S-1-22-1-1234", "uid 1234 (nobody)"),
            // Another domain, where nobody of one can log on: left from an older machine.
            ("S-1-5-21-9-9-9-512", "S-1-5-21-9-9-9-512 (nobody)"),
            // Twins: everybody, a built-in group, the administrator, a number reckoned from a uid and from a gid.
            ("S-1-1-0", "S-1-1-0"),
            ("S-1-5-32-544", "S-1-5-32-544"),
            ("S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500"),
            ("S-1-5-21-1-2-3-3002", "S-1-5-21-1-2-3-3002"),
            ("S-1-5-21-1-2-3-5003", "S-1-5-21-1-2-3-5003"),
        ] {
            assert_eq!(said(&sids, sid), expected, "{sid}");
        }
    }

    #[test]
    fn a_number_that_a_directory_may_have_given_is_nobodys_only_where_there_is_no_directory() {
        let of = |switch: &[u8]| {
            let accounts = Accounts::parse(b"anna:x:1001:1001::/home/anna:/bin/sh\n", b"", switch);
            known().who("S-1-5-21-1-2-3-1002", &accounts).1
        };
        assert!(!of(b"passwd: files sss\n"));
        assert!(of(b"passwd: files\n"));
    }

    #[test]
    fn rights_on_a_whole_share_are_read_out_of_the_table_that_sharesec_wrote() {
        const RECORDED: &[u8] =
            include_bytes!("../../tests/fixtures/shares/samba-4.17/share_info.tdb");
        let mut sids = known();
        sids.machine = Some("S-1-5-21-1839986329-4224518065-2507810054".to_owned());
        sids.learn(&[(b"RID_000003e8\0".to_vec(), b"anna\0".to_vec())], &[]);
        let accounts = accounts();
        let people = acl::People {
            accounts: &accounts,
            sids: &sids,
        };
        let mut rows = share_rights(RECORDED).unwrap();
        let (name, row) = rows.next().unwrap();
        let rights = acl::of_share(row, people).unwrap();
        let told: Vec<String> = rights
            .grants
            .iter()
            .map(|g| format!("{} {}", g.principal, g.right))
            .collect();
        let gone = "S-1-5-21-1839986329-4224518065-2507810054-4711";
        let change = format!("{gone} write");
        assert_eq!(name, "closed");
        assert_eq!(
            told,
            ["S-1-1-0 denied", change.as_str(), "anna full-access"]
        );
        assert_eq!(rights.orphans, [gone.into()]);
        assert!(rows.next().is_none());
    }

    #[test]
    fn a_member_of_a_domain_and_a_machine_whose_tables_are_closed_judge_nobody() {
        let member = Sids {
            standalone: false,
            ..known()
        };
        assert_eq!(said(&member, "S-1-5-21-9-9-9-1105"), "S-1-5-21-9-9-9-1105");
        let closed = Sids {
            complete: false,
            ..known()
        };
        let unknown = Sids {
            machine: None,
            ..known()
        };
        for sids in [closed, unknown] {
            assert_eq!(said(&sids, "S-1-5-21-1-2-3-1002"), "S-1-5-21-1-2-3-1002");
            assert_eq!(said(&sids, "S-1-5-21-9-9-9-1105"), "S-1-5-21-9-9-9-1105");
        }
    }

    #[test]
    fn the_sid_of_a_domain_is_not_taken_for_the_machines_own() {
        let of = |name: &str, last: u8| {
            let mut value = vec![1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
            value.extend([1, 0, 0, 0, 2, 0, 0, 0, last, 0, 0, 0]);
            (format!("SECRETS/SID/{name}").into_bytes(), value)
        };
        let both = [of("OFFICE", 9), of("FILES1", 3)];
        assert_eq!(machine(&both, "files1").as_deref(), Some("S-1-5-21-1-2-3"));
        assert_eq!(machine(&both, "renamed"), None);
        assert_eq!(
            machine(&both[1..], "renamed").as_deref(),
            Some("S-1-5-21-1-2-3")
        );
    }
}
