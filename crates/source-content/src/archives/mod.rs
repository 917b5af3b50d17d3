//! `host.archives`: mail that lies in files.

mod holders;
mod inspect;
mod mbox;
mod mbx;
mod programs;
mod pst;
mod sample;
mod tell;
mod tree;
mod walk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{Reason, Scope, SourceName};
use groma_source::{Budget, DiskError, Entry, Explanation, Sink, Source, Window, World, disk};

use crate::accounts::Accounts;
use crate::mounts::Mounts;
use crate::part::Part;
use crate::reading::Reading;
use inspect::Found;
use programs::Programs;
use walk::Walked;

/// The walk ends after this time at the latest.
const TIME_MAX: Duration = Duration::from_secs(120);
/// Archives that are told in one look.
const ARCHIVES_MAX: usize = 50_000;
/// Places where each account has a mailbox by habit.
const SPOOLS: &[&str] = &["/var/mail", "/var/spool/mail"];

/// Mail archives and mail stores of this machine.
pub struct ArchivesSource {
    world: World,
    /// Where the look before ran out of time: the tree of the root, and the directory in it.
    resume: Option<(PathBuf, PathBuf)>,
}

impl ArchivesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self {
            world,
            resume: None,
        }
    }
}

impl Source for ArchivesSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.archives")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Finds mail that lies in files (PST, OST, NSF, mbox, Maildir, MBX, dbox, Cyrus, EML), how much it is and whose.".into(),
            reads: words(&[
                "names of files in the directory tree of local file systems (all below /), programs and caches left out; sizes and owners of files that may be archives",
                "the first 4 KiB of such files; of an archive, nine blocks of 4 KiB, which make a key that copies share",
                "mailboxes in one file: up to 64 MiB each, to count messages; PST: the pages of its node tree",
                "/proc/self/mountinfo, /etc/passwd, /etc/group, /etc/nsswitch.conf, whether Samba's idmap.ldb and winbindd_idmap.tdb are there, links of /proc/*/fd",
                "profiles.ini and prefs.js of Thunderbird, /etc/dovecot with the homes in its lists of users, /etc/postfix/main.cf, /etc/courier/imapd, /etc/exim4/update-exim4.conf.conf, /etc/procmailrc, /etc/maildroprc",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "path, format, variant, encryption, owner and user of each archive; bytes, messages, last change, how many processes hold it open, a key of 48 bits",
                "of a mail store: the same for each mailbox, by its path",
            ]),
            never_sends: words(&[
                "senders, recipients, subjects or text of any message",
                "names of files that are no archives",
                "settings of mail programs, but the directories they name",
            ]),
            rights: words(&["root (or CAP_DAC_READ_SEARCH) for the homes and mailboxes of others; without it gaps name the trees"]),
            cost: "a walk of at most 120 s with pauses, one call for each file without a telling name; 8 GiB of reads at most".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let (mounts, roots) = match start(&mut reading) {
            Ok(start) => start,
            Err(error) => {
                let mut part = Part::begin(window, sink, Scope::new("archive", "/"));
                part.refused("mail archives: where file systems are mounted", &error);
                return part.close();
            }
        };
        let accounts = Accounts::read(&mut reading);
        let programs = Programs::read(&mut reading, &accounts);
        let resume = self.resume.take();
        let trees = walked(&mut reading, &mounts, roots, resume.as_ref());
        let stopped = trees
            .iter()
            .find_map(|t| Some((t.root.clone(), t.walked.stopped_at.clone()?)));
        self.resume = stopped;
        let known = tell::Known {
            accounts: &accounts,
            programs: &programs,
            mounts: &mounts,
        };
        let paths: Vec<PathBuf> = trees
            .iter()
            .flat_map(|t| &t.found)
            .map(|f| f.path.clone())
            .collect();
        let held = holders::of(&mut reading, &paths);
        let first = trees.first().map(|t| t.root.clone()).unwrap_or_default();
        for tree in trees {
            let mut part = Part::begin(
                window,
                sink,
                Scope::new("archive", &tree.root.to_string_lossy()),
            );
            say_gaps(&mut part, &tree);
            if tree.root == first {
                programs.say_unknown(&mut part);
            }
            tell::all(&mut part, tree.found, &known, held.as_ref());
            part.close();
        }
        for mount in &mounts.remote {
            let mut part = Part::begin(
                window,
                sink,
                Scope::new("archive", &mount.to_string_lossy()),
            );
            let at = disk::foreign(mount);
            part.missed(
                format!("mail archives on another machine's file system ({at})"),
                Reason::RemoteFileSystem,
            );
            part.close();
        }
    }
}

fn start(reading: &mut Reading<'_>) -> Result<(Mounts, Vec<PathBuf>), DiskError> {
    let mounts = Mounts::read(reading)?;
    let roots = walk::roots(reading, &mounts)?;
    Ok((mounts, roots))
}

/// A tree of the root with what was found in it.
struct Tree {
    root: PathBuf,
    found: Vec<Found>,
    /// Archives by their name that refused to be read, the first of them.
    unread: Vec<DiskError>,
    walked: Walked,
    /// True if the walk began in its middle, where the look before had stopped.
    resumed: bool,
    full: bool,
}

fn walked(
    reading: &mut Reading<'_>,
    mounts: &Mounts,
    roots: Vec<PathBuf>,
    resume: Option<&(PathBuf, PathBuf)>,
) -> Vec<Tree> {
    let mut trees = Vec::new();
    // Trees before the one where the look before stopped are walked last: what was never seen comes first.
    let mut order = roots;
    if let Some(at) = resume.and_then(|(root, _)| order.iter().position(|r| r == root)) {
        order.rotate_left(at);
    }
    for root in order {
        let from = resume
            .filter(|(at, _)| *at == root)
            .map(|(_, from)| from.as_path());
        let mut tree = Tree {
            root: root.clone(),
            found: Vec::new(),
            unread: Vec::new(),
            walked: Walked::default(),
            resumed: from.is_some(),
            full: false,
        };
        let mut letters = Vec::new();
        tree.walked = walk::walk(reading, mounts, &root, from, &mut |reading, at, entries| {
            visit(reading, at, entries, &mut tree, &mut letters)
        });
        tree.found.extend(folders_of_letters(letters, reading));
        trees.push(tree);
    }
    trees
}

fn visit(
    reading: &mut Reading<'_>,
    at: &Path,
    entries: &[Entry],
    tree: &mut Tree,
    letters: &mut Vec<(PathBuf, tree::Contents)>,
) -> bool {
    if tree.found.len() >= ARCHIVES_MAX {
        tree.full = true;
        return false;
    }
    if let Some(format) = tree::format(at, entries, reading) {
        let contents = tree::contents(at, format, reading);
        match inspect::directory(at, format, contents, reading) {
            Ok(found) => tree.found.push(Found {
                served_by: tree::served_by(format, entries),
                ..found
            }),
            Err(error) => tree.unread.push(error),
        }
        return false;
    }
    letters.extend(tree::eml(entries, reading).map(|contents| (at.to_owned(), contents)));
    let spool = SPOOLS.iter().any(|spool| at == Path::new(spool));
    for entry in entries {
        match inspect::file(entry, spool, reading) {
            Ok(found) => tree.found.extend(found),
            Err(error) => tree.unread.push(error),
        }
    }
    true
}

/// Folders of letters, one below another, are one archive: that of the uppermost.
fn folders_of_letters(
    letters: Vec<(PathBuf, tree::Contents)>,
    reading: &mut Reading<'_>,
) -> Vec<Found> {
    let mut trees: Vec<(PathBuf, tree::Contents)> = Vec::new();
    for (path, contents) in letters {
        match trees.last_mut().filter(|(top, _)| path.starts_with(top)) {
            Some((_, whole)) => {
                whole.bytes = whole.bytes.saturating_add(contents.bytes);
                whole.items += contents.items;
                whole.fresh = whole.fresh.saturating_add(contents.fresh);
                whole.modified = whole.modified.max(contents.modified);
                whole.cut |= contents.cut;
            }
            None => trees.push((path, contents)),
        }
    }
    let found = trees.into_iter();
    found
        .filter_map(|(path, contents)| inspect::directory(&path, "eml", contents, reading).ok())
        .collect()
}

fn say_gaps(part: &mut Part<'_>, tree: &Tree) {
    let root = disk::foreign(&tree.root);
    if let Some(at) = &tree.walked.stopped_at {
        let at = disk::foreign(at);
        part.missed(
            format!("mail archives below {root} from {at} on"),
            Reason::BudgetExhausted,
        );
    }
    if tree.resumed {
        part.missed(
            format!("mail archives below {root} that the look before had walked already"),
            Reason::BudgetExhausted,
        );
    }
    if tree.full {
        part.missed(
            format!("mail archives below {root} beyond the first {ARCHIVES_MAX}"),
            Reason::BudgetExhausted,
        );
    }
    if let Some((count, first, reason)) = &tree.walked.refused {
        let more = if *count > 1 {
            format!(" and {} more", count - 1)
        } else {
            String::new()
        };
        part.missed(
            format!("mail archives in {}{more}", disk::foreign(first)),
            reason.clone(),
        );
    }
    for error in tree.unread.iter().take(20) {
        part.refused("a mail archive", error);
    }
}
