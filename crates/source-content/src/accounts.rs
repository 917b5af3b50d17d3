//! Who a number is: the local accounts and groups, and whether others may exist that no local file names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::Foreign;

use crate::reading::Reading;
use crate::text::{lines, meaningful, number, path, words};

/// Lines of passwd or group that are read at all.
const LINES_MAX: usize = 200_000;

/// The accounts this machine knows by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    users: BTreeMap<u32, Foreign>,
    groups: BTreeMap<u32, Foreign>,
    homes: BTreeMap<PathBuf, (Foreign, u32)>,
    /// True if a directory may know more numbers (nsswitch.conf names `sss`, `winbind`, `ldap`, …).
    directory: bool,
    /// True if Samba gives numbers of its own to accounts of its domain (idmap.ldb of a domain controller).
    gives_numbers: bool,
}

/// Numbers that a domain controller of Samba gives out by itself, as its idmap.ldb is provisioned.
const GIVEN: std::ops::RangeInclusive<u32> = 3_000_000..=4_000_000;
const GIVES: &str = "/var/lib/samba/private/idmap.ldb";
/// Where winbind keeps the numbers it gave out; from which range, smb.conf says, and that may change.
const GAVE: &str = "/var/lib/samba/winbindd_idmap.tdb";

impl Accounts {
    /// Reads `/etc/passwd`, `/etc/group` and `/etc/nsswitch.conf`, and looks whether Samba gives out numbers.
    pub(crate) fn read(reading: &mut Reading<'_>) -> Self {
        let mut file = |path: &str| {
            reading
                .read_if_there(path)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let (passwd, group, switch) = (
            file("/etc/passwd"),
            file("/etc/group"),
            file("/etc/nsswitch.conf"),
        );
        let mut is_there = |path: &str| reading.metadata(Path::new(path)).is_ok();
        let (gives_numbers, gave_numbers) = (is_there(GIVES), is_there(GAVE));
        let accounts = Self::parse(&passwd, &group, &switch);
        Self {
            directory: accounts.directory || gave_numbers,
            gives_numbers,
            ..accounts
        }
    }

    pub(crate) fn parse(passwd: &[u8], group: &[u8], switch: &[u8]) -> Self {
        let mut accounts = Self {
            directory: asks_a_directory(switch),
            ..Self::default()
        };
        for (_, line) in lines(passwd).take(LINES_MAX) {
            let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
            let (Some(name), Some(id)) = (fields.first(), fields.get(2).and_then(|f| id(f))) else {
                continue;
            };
            let name = Foreign::from_bytes(*name);
            if let Some(home) = fields.get(5).filter(|h| is_a_persons(h)) {
                accounts.settle(path(home), &name, id);
            }
            accounts.users.entry(id).or_insert(name);
        }
        for (_, line) in lines(group).take(LINES_MAX) {
            let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
            if let (Some(name), Some(id)) = (fields.first(), fields.get(2).and_then(|f| id(f))) {
                accounts
                    .groups
                    .entry(id)
                    .or_insert(Foreign::from_bytes(*name));
            }
        }
        accounts
    }

    /// A home of several accounts is that of the one with the highest number: never root's beside another's.
    fn settle(&mut self, home: PathBuf, name: &Foreign, id: u32) {
        let known = self.homes.entry(home).or_insert_with(|| (name.clone(), id));
        if known.1 < id {
            *known = (name.clone(), id);
        }
    }

    /// The name behind a uid, or `uid 1234`.
    pub(crate) fn user(&self, id: u32) -> Foreign {
        let unnamed = || format!("uid {id}").into();
        self.users.get(&id).cloned().unwrap_or_else(unnamed)
    }

    /// The name behind a gid as `@group`, or `gid 1234`.
    pub(crate) fn group(&self, id: u32) -> Foreign {
        match self.groups.get(&id) {
            Some(name) => Foreign::from_bytes([b"@", name.as_bytes()].concat()),
            None => format!("gid {id}").into(),
        }
    }

    /// True if nobody has this uid: the local files do not know it and no directory could.
    pub(crate) fn is_nobodys_user(&self, id: u32) -> bool {
        !self.may_be_given(id)
            && !self.directory
            && !self.users.is_empty()
            && !self.users.contains_key(&id)
    }

    /// The same for a gid.
    pub(crate) fn is_nobodys_group(&self, id: u32) -> bool {
        !self.may_be_given(id)
            && !self.directory
            && !self.groups.is_empty()
            && !self.groups.contains_key(&id)
    }

    fn may_be_given(&self, id: u32) -> bool {
        self.gives_numbers && GIVEN.contains(&id)
    }

    /// True if a local account has this number.
    pub(crate) fn has_user(&self, id: u32) -> bool {
        self.users.contains_key(&id)
    }

    /// True if a local group has this number.
    pub(crate) fn has_group(&self, id: u32) -> bool {
        self.groups.contains_key(&id)
    }

    /// True if a directory may know accounts that no local file names.
    pub(crate) fn may_know_more(&self) -> bool {
        self.directory
    }

    /// The account in whose home `path` lies.
    pub(crate) fn at_home(&self, path: &Path) -> Option<&Foreign> {
        let home = path.ancestors().skip(1).find_map(|at| self.homes.get(at));
        home.map(|(name, _)| name)
    }

    /// The home directories, each with its account and the number of it.
    pub(crate) fn homes(&self) -> impl Iterator<Item = (&PathBuf, &Foreign, u32)> {
        self.homes
            .iter()
            .map(|(path, (name, id))| (path, name, *id))
    }
}

fn id(text: &[u8]) -> Option<u32> {
    u32::try_from(number(text)?).ok()
}

/// Homes like `/`, `/bin` or `/nonexistent` are nobody's.
fn is_a_persons(home: &[u8]) -> bool {
    let system: [&[u8]; 9] = [
        b"/",
        b"/bin",
        b"/dev",
        b"/usr",
        b"/var",
        b"/run",
        b"/proc",
        b"/sbin",
        b"/nonexistent",
    ];
    let under = [b"/usr/".as_slice(), b"/run/", b"/proc/", b"/bin/", b"/dev/"];
    home.starts_with(b"/")
        && !system.contains(&home)
        && !under.iter().any(|prefix| home.starts_with(prefix))
}

/// `passwd:` of nsswitch.conf(5) names something that is no local file.
fn asks_a_directory(switch: &[u8]) -> bool {
    meaningful(switch, b"#")
        .filter_map(|(_, line)| line.strip_prefix(b"passwd:"))
        .flat_map(words)
        .any(|word| {
            matches!(
                word,
                b"sss" | b"winbind" | b"ldap" | b"nis" | b"nisplus" | b"hesiod"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] =
        b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\nbad line\n";

    #[test]
    fn a_number_without_account_is_nobodys() {
        let accounts = Accounts::parse(PASSWD, b"sales:x:2001:anna\n", b"passwd: files systemd\n");
        assert_eq!(accounts.user(1001), "anna".into());
        assert_eq!(accounts.group(2001), "@sales".into());
        assert_eq!(accounts.user(1234), "uid 1234".into());
        assert!(accounts.is_nobodys_user(1234) && accounts.is_nobodys_group(77));
        assert_eq!(
            accounts.at_home(Path::new("/home/anna/mail/x")),
            Some(&"anna".into())
        );
        assert_eq!(accounts.at_home(Path::new("/home/annabel/x")), None);
    }

    #[test]
    fn what_samba_gives_out_is_somebodys() {
        use groma_source::testing::{FakeDisk, window, world};
        let read = |beside: &str| {
            let disk = FakeDisk::new()
                .file("/etc/passwd", PASSWD)
                .file("/etc/group", "sales:x:2001:anna\n")
                .file(beside, "x");
            let world = world(disk);
            let window = window(&world);
            let hour = std::time::Duration::from_secs(3600);
            let budget = groma_source::Budget::default();
            Accounts::read(&mut Reading::begin(
                world.disk.as_ref(),
                &window,
                &budget,
                hour,
            ))
        };
        assert!(read("/tmp/other").is_nobodys_group(3_000_004));
        let controller = read(GIVES);
        assert!(!controller.is_nobodys_group(3_000_004) && !controller.is_nobodys_user(3_000_000));
        assert!(controller.is_nobodys_user(1234) && controller.is_nobodys_group(4_000_001));
        assert!(!read(GAVE).is_nobodys_user(1234));
    }

    #[test]
    fn with_a_directory_behind_it_no_number_is_nobodys() {
        let accounts = Accounts::parse(PASSWD, b"", b"passwd: files sss\n");
        assert!(!accounts.is_nobodys_user(1234));
    }
}
