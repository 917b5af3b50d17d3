//! `host.shares`: what other machines may use here, and who may do what with it.
//!
//! Who uses a share now is no matter of this source: connections to ports 445 and 2049 are seen by `host.sockets`. How
//! many do, the servers' own tables say.

mod acl;
mod exports;
mod sessions;
mod sids;
mod smb;
mod tdb;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::fact::{Access, Share};
use groma_model::{Fact, Foreign, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, EntryKind, Explanation, Metadata, Sink, Source, Window, World};

use crate::accounts::Accounts;
use crate::mounts::Mounts;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::path;
use acl::{People, Rights};
use sids::Sids;

const TIME_MAX: Duration = Duration::from_secs(120);
/// Levels below the root of a share on which rights are told where they deviate.
const RIGHTS_DEPTH: usize = 2;
/// Directories of one share whose rights are looked at, and those of them that are told.
const RIGHTS_MAX: usize = 5_000;
const TOLD_MAX: usize = 500;
/// Directories of one share that are summed up, and how deep.
const DIRECTORIES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 64;
/// Pairs of owner and group of one share that are counted apart.
const OWNERS_MAX: usize = 10_000;

/// Shares and exports of this machine.
pub struct SharesSource {
    world: World,
}

impl SharesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for SharesSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.shares")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which directories other machines may use, who may do what there, and how much lies in them.".into(),
            reads: words(&[
                "/etc/samba/smb.conf and what it includes, /etc/exports, /etc/exports.d",
                "owner, group, mode and ACLs (system.posix_acl_access, system.posix_acl_default, security.NTACL) of shared directories, two levels deep",
                "names, sizes and times of the files in shared directories of local file systems (as /var/lib/samba/printers)",
                "/etc/passwd, /etc/group, /etc/nsswitch.conf, whether Samba's idmap.ldb and winbindd_idmap.tdb are there, /etc/hostname",
                "share_info.tdb of Samba: rights on whole shares; of secrets.tdb, passdb.tdb and group_mapping.tdb the keys, and behind them only SIDs and names of accounts: what else stands there is never read",
                "smbXsrv_tcon_global.tdb and locking.tdb of Samba, /var/lib/nfs/rmtab and /proc/fs/nfsd/clients: how many are connected, and how many files they hold open",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "name, path, rights and hosts of each share; owners and explicit entries of directories in it that differ from its root; numbers that own files in it and belong to nobody",
                "bytes, files and last change of each share as a whole, how many are connected to it and how many files they hold open",
            ]),
            never_sends: words(&["names of files in a share, also of those held open", "passwords, and which accounts Samba has beside those that have rights on a share"]),
            rights: words(&["root: closed directories, and security.NTACL, which only root may read; without it gaps name them"]),
            cost: "one call for each file in a share, with pauses, 120 s at most".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let accounts = Accounts::read(&mut reading);
        let mut part = Part::begin(window, sink, Scope::new("share", "smb"));
        let mut left = Left::default();
        let open = sessions::smb(&mut reading, &mut part);
        let held = sessions::held(&mut reading, &mut part);
        let offered = smb::read(&mut reading).unwrap_or_default();
        let sids = Sids::read(&mut reading, &mut part, &offered.server, &accounts);
        let people = People {
            accounts: &accounts,
            sids: &sids,
        };
        let whole = share_rights(&mut reading, &mut part, &offered);
        for what in &offered.unread {
            part.missed_with(
                what.clone(),
                Reason::Unsupported,
                "ask who runs the server, or name them in a list",
            );
        }
        for share in offered.shares {
            let count = open
                .as_ref()
                .map(|open| of(open, &share.name.lossy().to_lowercase()));
            used(&mut part, &share, count);
            let files = held.as_ref().map(|held| of(held, &share.path.lossy()));
            if let Some(files) = files.filter(|_| !share.path.is_empty()) {
                let scope = scope_of(&share);
                part.counted(&scope, "share_open_files", &share.path, files);
            }
            whole_share(&mut part, &share, &whole, people, &mut left);
            let windows = offered.windows_rights;
            tell(&mut reading, &mut part, share, people, windows, &mut left);
        }
        left.say(&mut part);
        part.close();
        let mut part = Part::begin(window, sink, Scope::new("share", "nfs"));
        let mut left = Left::default();
        let people = People {
            accounts: &accounts,
            sids: &Sids::default(),
        };
        let open = sessions::nfs(&mut reading, &mut part);
        if let Some(clients) = sessions::nfs4(&mut reading, &mut part) {
            let scope = Scope::new("share", "nfs");
            part.counted(&scope, "share_clients", &"nfs4".into(), clients);
        }
        for share in exports::read(&mut reading, &mut part) {
            let count = open.as_ref().map(|open| of(open, &share.path.lossy()));
            used(&mut part, &share, count);
            tell(&mut reading, &mut part, share, people, false, &mut left);
        }
        left.say(&mut part);
        part.close();
    }
}

/// Numbers and SIDs that no local account has and that a directory may know: nobody here can say whose they are.
#[derive(Default)]
struct Left {
    numbers: BTreeSet<String>,
}

impl Left {
    fn take(&mut self, rights: &Rights) {
        let unnamed = rights
            .grants
            .iter()
            .filter(|g| !rights.orphans.contains(&g.principal));
        let text = unnamed.map(|g| g.principal.to_string());
        // `S-1-5-21-` begins those of machines and domains; all others mean the same everywhere.
        self.numbers.extend(text.filter(|text| {
            let begins = ["uid ", "gid ", "S-1-5-21-"];
            begins.iter().any(|start| text.starts_with(start))
        }));
    }

    fn say(&self, part: &mut Part<'_>) {
        let some: Vec<&str> = self.numbers.iter().take(5).map(String::as_str).collect();
        if !some.is_empty() {
            let more = self.numbers.len().saturating_sub(some.len());
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            part.cannot(
                format!("whether the directory knows {}{more}", some.join(", ")),
                Reason::Unsupported,
                "ask it on the machine: `getent passwd NUMBER`, `getent group NUMBER`, `wbinfo --sid-to-name SID`",
            );
        }
    }
}

fn of(open: &BTreeMap<String, u64>, name: &str) -> u64 {
    open.get(name).copied().unwrap_or(0)
}

fn scope_of(share: &Share) -> Scope {
    let name = share.name.lossy().trim_start_matches('/').to_owned();
    Scope::new("share", &format!("{}/{name}", share.protocol))
}

/// How many are connected now, where the server keeps a table of it.
fn used(part: &mut Part<'_>, share: &Share, count: Option<u64>) {
    if let Some(count) = count {
        part.counted(&scope_of(share), "share_sessions", &share.path, count);
    }
}

/// Rights on whole shares by their names, where somebody ever set one.
fn share_rights(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    offered: &smb::Offered,
) -> BTreeMap<String, Vec<u8>> {
    if offered.shares.is_empty() {
        return BTreeMap::new();
    }
    let table = offered.server.share_rights();
    let mut missed = |reason| {
        part.missed(
            format!("rights on whole shares ({})", foreign(&table)),
            reason,
        );
        BTreeMap::new()
    };
    match reading.read_if_there(&table) {
        Ok(None) => BTreeMap::new(),
        Ok(Some(bytes)) => match sids::share_rights(&bytes) {
            Some(rows) => rows.map(|(name, row)| (name, row.to_vec())).collect(),
            None => missed(Reason::Malformed),
        },
        Err(error) => missed(error.reason),
    }
}

fn whole_share(
    part: &mut Part<'_>,
    share: &Share,
    whole: &BTreeMap<String, Vec<u8>>,
    people: People<'_>,
    left: &mut Left,
) {
    let Some(bytes) = whole.get(&share.name.lossy().to_lowercase()) else {
        return;
    };
    match acl::of_share(bytes, people) {
        Some(rights) => {
            let lists = vec![("share-acl", rights)];
            let at = path(share.path.as_bytes());
            tell_lists(part, &scope_of(share), &at, lists, left);
        }
        None => part.missed(
            format!("rights on the share {} as a whole", share.name),
            Reason::Malformed,
        ),
    }
}

fn tell(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    share: Share,
    people: People<'_>,
    windows: bool,
    left: &mut Left,
) {
    let name = share.name.lossy().trim_start_matches('/').to_owned();
    let scope = scope_of(&share);
    let (root, subject) = (path(share.path.as_bytes()), share.path.clone());
    part.saw_in(&scope, Fact::Share(share));
    if subject.is_empty() {
        return;
    }
    let metadata = match reading.metadata(&root) {
        Ok(metadata) => metadata,
        Err(error) => return part.refused("what a share holds", &error),
    };
    if metadata.kind != EntryKind::Directory {
        return part.missed(
            format!("what the share {name} holds: {subject} is no directory of its own"),
            Reason::NotARegularFile,
        );
    }
    // An export of `/` holds no tables of the kernel, and nothing of other machines.
    let mounts = Mounts::read(reading).unwrap_or_default();
    let known = Known {
        root: &root,
        mounts: &mounts,
        top: &metadata,
        people,
        windows,
    };
    rights(reading, part, &scope, &known, left);
    let owners = volume(reading, part, &scope, &known, &subject);
    owners.tell(part, &scope, &root, people.accounts, left);
}

struct Known<'a> {
    root: &'a Path,
    mounts: &'a Mounts,
    top: &'a Metadata,
    people: People<'a>,
    windows: bool,
}

/// Rights of the root, and of directories below it that name somebody or have another owner, group or mode.
fn rights(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    scope: &Scope,
    known: &Known<'_>,
    left: &mut Left,
) {
    let mut open = vec![(known.root.to_owned(), 0)];
    let (mut looked, mut told) = (0, 0);
    while let Some((at, depth)) = open.pop() {
        if looked >= RIGHTS_MAX || told >= TOLD_MAX || reading.is_spent() {
            return part.missed(
                format!(
                    "rights below {} from {} on",
                    foreign(known.root),
                    foreign(&at)
                ),
                Reason::BudgetExhausted,
            );
        }
        looked += 1;
        match reading.metadata(&at) {
            Ok(metadata) => {
                let lists = one(reading, part, &at, &metadata, known);
                told += tell_lists(part, scope, &at, lists, left);
            }
            Err(error) if error.is_absent() => continue,
            Err(error) => part.refused("rights of a directory", &error),
        }
        if depth < RIGHTS_DEPTH {
            let below = reading.list(&at).unwrap_or_default().into_iter().rev();
            let below = below
                .filter(|e| e.kind == EntryKind::Directory && !known.mounts.is_closed(&e.path));
            open.extend(below.map(|e| (e.path, depth + 1)));
        }
    }
}

/// The rights of one directory, by how they are written.
fn one(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    at: &Path,
    metadata: &Metadata,
    known: &Known<'_>,
) -> Vec<(&'static str, Rights)> {
    let same = (metadata.owner, metadata.group, metadata.mode)
        == (known.top.owner, known.top.group, known.top.mode);
    let mut lists = Vec::new();
    if at == known.root || !same {
        lists.push(("mode", mode(metadata, known.people.accounts)));
    }
    let attributes: &[(&str, &'static str)] = &[
        ("system.posix_acl_access", "posix-acl"),
        ("system.posix_acl_default", "posix-default-acl"),
        ("security.NTACL", "nt-acl"),
    ];
    for (name, kind) in attributes
        .iter()
        .filter(|(name, _)| known.windows || *name != "security.NTACL")
    {
        let bytes = match reading.disk().attribute(at, name) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                part.refused("rights of a directory", &error);
                continue;
            }
        };
        let read = match *kind {
            "nt-acl" => acl::windows(&bytes, known.people),
            _ => acl::posix(&bytes, known.people.accounts),
        };
        match read {
            Some(rights) => lists.push((*kind, rights)),
            None => part.missed(format!("{kind} of {}", foreign(at)), Reason::Malformed),
        }
    }
    lists
}

/// Says them; returns how many there were.
fn tell_lists(
    part: &mut Part<'_>,
    scope: &Scope,
    at: &Path,
    lists: Vec<(&'static str, Rights)>,
    left: &mut Left,
) -> usize {
    let told = lists
        .into_iter()
        .filter(|(_, rights)| !rights.grants.is_empty());
    told.map(|(kind, rights)| {
        left.take(&rights);
        part.saw_in(
            scope,
            Fact::Access(Access {
                path: foreign(at),
                kind: kind.to_owned(),
                grants: rights.grants,
                orphans: rights.orphans,
            }),
        );
    })
    .count()
}

fn mode(metadata: &Metadata, accounts: &Accounts) -> Rights {
    let mut rights = Rights::default();
    let bits = metadata.mode.unwrap_or(0);
    let letters = |shift: u32| acl::letters(u16::try_from(bits >> shift & 7).unwrap_or(0));
    if let Some(id) = metadata.owner {
        rights.give(accounts.user(id), &letters(6), accounts.is_nobodys_user(id));
    }
    if let Some(id) = metadata.group {
        rights.give(
            accounts.group(id),
            &letters(3),
            accounts.is_nobodys_group(id),
        );
    }
    if bits & 7 != 0 {
        rights.give("*".into(), &letters(0), false);
    }
    rights.settled()
}

/// Bytes and files of a share, and who owns them; links and other machines' file systems are passed over.
fn volume(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    scope: &Scope,
    known: &Known<'_>,
    subject: &Foreign,
) -> Owners {
    let mut sum = Sum::default();
    let mut open: Vec<(PathBuf, usize)> = vec![(known.root.to_owned(), 0)];
    let mut seen = 0;
    while let Some((at, depth)) = open.pop() {
        seen += 1;
        if seen > DIRECTORIES_MAX || reading.is_spent() {
            part.missed(
                format!("the whole size of {subject}, from {} on", foreign(&at)),
                Reason::BudgetExhausted,
            );
            sum.cut = true;
            break;
        }
        let entries = match reading.list(&at) {
            Ok(entries) => entries,
            Err(error) => {
                part.refused("a directory of a share", &error);
                continue;
            }
        };
        for entry in entries {
            match entry.kind {
                EntryKind::Directory if known.mounts.is_closed(&entry.path) => {}
                EntryKind::Directory if depth < DEPTH_MAX => open.push((entry.path, depth + 1)),
                EntryKind::File => sum.add(reading, &entry.path),
                _ => {}
            }
        }
    }
    part.counted(scope, "content_bytes", subject, sum.bytes);
    let items = if sum.cut {
        "content_items_estimated"
    } else {
        "content_items"
    };
    part.counted(scope, items, subject, sum.files);
    part.counted(scope, "content_changed_bytes", subject, sum.fresh);
    sum.owners
}

#[derive(Default)]
struct Sum {
    bytes: u64,
    files: u64,
    fresh: u64,
    cut: bool,
    owners: Owners,
}

/// How many files of a share each pair of uid and gid owns.
#[derive(Default)]
struct Owners {
    files: BTreeMap<(u32, u32), u64>,
}

impl Owners {
    fn add(&mut self, metadata: &Metadata) {
        if let (Some(user), Some(group)) = (metadata.owner, metadata.group)
            && (self.files.len() < OWNERS_MAX || self.files.contains_key(&(user, group)))
        {
            *self.files.entry((user, group)).or_default() += 1;
        }
    }

    /// Says which numbers own files here and belong to nobody, and how many files that are.
    fn tell(
        &self,
        part: &mut Part<'_>,
        scope: &Scope,
        root: &Path,
        accounts: &Accounts,
        left: &mut Left,
    ) {
        let mut unnamed = Rights::default();
        let mut files = 0;
        for ((user, group), many) in &self.files {
            let (no_user, no_group) = (
                accounts.is_nobodys_user(*user),
                accounts.is_nobodys_group(*group),
            );
            if !accounts.has_user(*user) {
                unnamed.give(accounts.user(*user), "owner", no_user);
            }
            if !accounts.has_group(*group) {
                unnamed.give(accounts.group(*group), "owner", no_group);
            }
            files += if no_user || no_group { *many } else { 0 };
        }
        let mut rights = unnamed.settled();
        left.take(&rights);
        rights
            .grants
            .retain(|g| rights.orphans.contains(&g.principal));
        if files > 0 {
            tell_lists(part, scope, root, vec![("files", rights)], left);
            part.counted(scope, "content_orphan_items", &foreign(root), files);
        }
    }
}

impl Sum {
    fn add(&mut self, reading: &mut Reading<'_>, path: &Path) {
        let today = reading.today();
        match reading.metadata(path) {
            Ok(metadata) => {
                self.files += 1;
                self.owners.add(&metadata);
                self.bytes = self.bytes.saturating_add(metadata.bytes);
                if today.saturating_sub(metadata.modified) < 86_400 {
                    self.fresh = self.fresh.saturating_add(metadata.bytes);
                }
            }
            Err(error) if error.is_absent() => {}
            Err(_) => self.cut = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_source::Recorder;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    #[test]
    fn an_export_of_everything_counts_no_tables_of_the_kernel() {
        let table = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:3 / /proc rw - proc proc rw\n3 1 0:4 / /mnt/nas rw - nfs4 nas1:/x rw\n4 1 8:2 / /srv rw - ext4 /dev/sda2 rw\n";
        let disk = FakeDisk::new()
            .file("/etc/exports", "/ *(ro)\n")
            .file("/proc/self/mountinfo", table)
            .file("/proc/kcore", vec![0; 1000])
            .file("/mnt/nas/theirs", vec![0; 1000])
            .file("/srv/ours", vec![0; 10]);
        let world = world(disk);
        let mut source = SharesSource::new(world.clone());
        let mut recorder = Recorder::new(source.name());
        source.look(&window(&world), &Budget::default(), &mut recorder);
        let bytes: Vec<f64> = recorder
            .facts()
            .filter_map(|fact| match fact {
                Fact::Measurement(m) if m.metric == "content_bytes" => Some(m.value),
                _ => None,
            })
            .collect();
        // The line of /etc/exports has eight bytes.
        assert_eq!(bytes, [18.0]);
    }
}
