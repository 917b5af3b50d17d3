//! `host.mailbox-rights`: who may use whose mailbox, as the ACL files of Dovecot say (acl-backend-vfile).
//!
//! Only where the plugin is on: files it left behind say nothing. Names of folders stay here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use groma_model::fact::MailboxTie;
use groma_model::mailbox::{TieWay, mailbox_key};
use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use super::dovecot::{self, Setting};
use super::globals;
use super::mailplace::{Place, Told as Location, locations};
use super::reader::Reader;
use super::{Found, TIME_MAX};
use crate::accounts::Accounts;
use crate::enabled::Enabled;
use crate::part::Part;
use crate::reading::Reading;

/// The file of a folder that has rights of its own.
const FILE: &str = "dovecot-acl";
/// Directory of a folder's mail in dbox.
const DBOX: &str = "dbox-Mails";
const MAILBOXES_MAX: usize = 10_000;
/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 8;
/// Lines of one file that are read.
pub(super) const LINES_MAX: usize = 2_000;
const SAY_WHERE: &str = "set mail_location (mail_path since 2.4)";
pub(super) const ASK_DOVEADM: &str = "ask Dovecot: doveadm acl debug, doveadm acl get";
/// Different ties one machine may tell of.
pub(super) const TIES_MAX: usize = 50_000;

/// Letters of rights and their words, as doveadm-acl(1) has them.
const RIGHTS: &[(char, &str)] = &[
    ('l', "lookup"),
    ('r', "read"),
    ('w', "write"),
    ('s', "write-seen"),
    ('t', "write-deleted"),
    ('i', "insert"),
    ('p', "post"),
    ('e', "expunge"),
    ('k', "create"),
    ('x', "delete"),
    ('a', "admin"),
];

/// Who may use whose mailbox on this machine.
pub struct MailboxRightsSource {
    world: World,
}

impl MailboxRightsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for MailboxRightsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.mailbox-rights")
    }

    fn explain(&self) -> Explanation {
        let words = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Tells who works in whose mailbox, so that people who share mailboxes move together.".into(),
            reads: words(&[
                "/etc/dovecot: its settings; lists of users they name, of which the home is kept; /etc/passwd: homes; which units start by themselves",
                "where Dovecot's plugin acl is on: dovecot-acl in each folder of each mailbox; the file or the directory of rights for all of them, and the dictionary of who shares with whom, that the settings name",
            ]),
            contacts: Vec::new(),
            sends: words(&["the two names of each tie and the rights, without the folder"]),
            never_sends: words(&["names of folders, mail, passwords of lists of users"]),
            rights: words(&["root (or CAP_DAC_READ_SEARCH) to read the mailboxes of others"]),
            cost: "where the plugin is on, one directory for each mailbox and one small file for each folder with rights".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let scope = Scope::new("mailbox-rights", "/");
        let mut part = Part::begin(window, sink, scope.clone());
        let enabled = Enabled::read(&mut reading);
        let accounts = Accounts::read(&mut reading);
        let mut found = Found::new(&mut reading, &mut part).about("who may use whose mailbox");
        let settings = match enabled.is_off(&["dovecot.service"]) {
            true => Vec::new(),
            false => dovecot::load(&mut found),
        };
        let ties = match settings.iter().any(switches_on) {
            true => ties(&mut found, &settings, &accounts),
            false => Vec::new(),
        };
        for tie in ties {
            part.saw_in(&scope, Fact::MailboxTie(tie));
        }
        part.close();
    }
}

/// `plugin { acl = vfile }`, and `acl_driver = vfile` since 2.4.
fn switches_on(setting: &Setting) -> bool {
    matches!(setting.key.as_str(), "acl" | "acl_driver") && setting.value.starts_with("vfile")
}

/// Whose a directory is.
struct Home {
    path: PathBuf,
    owner: String,
    /// The uid of its owner, where it is one of an account of this machine.
    number: Option<u32>,
}

/// Two names, and what the second may do below which directory; in which folder is nobody's business.
pub(super) type Told = BTreeMap<(String, String), (BTreeSet<&'static str>, PathBuf)>;

fn ties(
    found: &mut Found<'_, '_, '_, '_>,
    settings: &[Setting],
    accounts: &Accounts,
) -> Vec<MailboxTie> {
    let mut told = Told::new();
    let places = match globals::alone(settings) {
        true => BTreeSet::new(),
        false => places(found, settings),
    };
    for place in places {
        let roots = match place {
            Place::InHome(inner) => {
                let mut homes = homes(found, settings, accounts);
                homes.iter_mut().for_each(|home| home.path.push(&inner));
                homes
            }
            Place::Below(base, levels, inner) => {
                let mut roots = below(found, &base, levels);
                roots.iter_mut().for_each(|root| root.path.push(&inner));
                roots
            }
        };
        for root in roots {
            mailbox(found, &root, &mut told);
        }
        found.read_for(Reader::Machine);
    }
    globals::read(found, settings, &mut told);
    if told.len() > TIES_MAX {
        let what = format!("rights in mailboxes beyond the first {TIES_MAX}");
        found.gap(&what, Reason::BudgetExhausted, "");
    }
    let fact = |((mailbox, other), (rights, at)): ((String, String), (BTreeSet<&str>, PathBuf))| {
        MailboxTie {
            list: String::new(),
            at: Some(foreign(&at)),
            mailbox: mailbox.into(),
            names: Vec::new(),
            other: other.into(),
            way: TieWay::Folder,
            rights: rights.into_iter().map(str::to_owned).collect(),
        }
    };
    told.into_iter().take(TIES_MAX).map(fact).collect()
}

/// Where the settings say that mailboxes stand; a gap for each place that is not understood.
fn places(found: &mut Found<'_, '_, '_, '_>, settings: &[Setting]) -> BTreeSet<Place> {
    let mut out = BTreeSet::new();
    let told = locations(settings);
    if told.is_empty() {
        // Dovecot before 2.4 looks for them itself, here first.
        out.insert(Place::InHome("Maildir".into()));
        let what = "who may use whose mailbox: no setting says where mailboxes lie, only Maildir in each home was looked at";
        found.gap(what, Reason::Unsupported, SAY_WHERE);
    }
    for location in told {
        match location {
            Location::At(place) => drop(out.insert(place)),
            Location::Elsewhere => {}
            Location::Unknown(value, place) => {
                out.extend(place);
                let what = format!(
                    "who may use whose mailbox below {value}: folders of this form are not looked into"
                );
                found.gap(&what, Reason::Unsupported, ASK_DOVEADM);
            }
        }
    }
    out
}

/// The homes of everybody who has one here.
fn homes(
    found: &mut Found<'_, '_, '_, '_>,
    settings: &[Setting],
    accounts: &Accounts,
) -> Vec<Home> {
    let local = accounts.homes().map(|(path, name, number)| Home {
        path: path.clone(),
        number: Some(number),
        owner: name.lossy().into_owned(),
    });
    let mut out: Vec<Home> = local.take(MAILBOXES_MAX).collect();
    for (base, levels) in dovecot::homes_of_users(found, settings) {
        out.extend(below(found, &base, levels));
    }
    out
}

/// Directories so many levels below `base`.
fn below(found: &mut Found<'_, '_, '_, '_>, base: &Path, levels: usize) -> Vec<Home> {
    let mut at = vec![base.to_owned()];
    for _ in 0..levels {
        let mut next = Vec::new();
        for directory in at {
            if next.len() >= MAILBOXES_MAX || found.is_spent() {
                let what = format!("rights in mailboxes beyond the first {MAILBOXES_MAX}");
                found.gap(&what, Reason::BudgetExhausted, "");
                break;
            }
            let inside = found.list(&directory).into_iter();
            next.extend(
                inside
                    .filter(|e| e.kind == EntryKind::Directory)
                    .map(|e| e.path),
            );
        }
        at = next;
    }
    at.into_iter()
        .take(MAILBOXES_MAX)
        .filter_map(|path| {
            Some(Home {
                owner: owner(&path)?,
                number: None,
                path,
            })
        })
        .collect()
}

/// `/var/vmail/corp.example/anna` is `anna@corp.example`'s.
fn owner(home: &Path) -> Option<String> {
    let name = home.file_name()?.to_str()?;
    let domain = home
        .parent()
        .and_then(Path::file_name)
        .and_then(|parent| parent.to_str())
        .filter(|parent| parent.contains('.') && !name.contains('@'));
    Some(match domain {
        Some(domain) => format!("{name}@{domain}"),
        None => name.to_owned(),
    })
}

/// One mailbox: Maildir++ has folders that begin with a dot, dbox has a tree of them.
fn mailbox(found: &mut Found<'_, '_, '_, '_>, root: &Home, told: &mut Told) {
    if !found.is_there(&root.path) {
        return;
    }
    let number = root.number.or_else(|| found.owner_of(&root.path));
    found.read_for(Reader::User {
        owner: number.filter(|number| root.number.is_some() || *number != 0),
        home: root.path.clone(),
    });
    folder(found, root, &root.path, told);
    let mut is_dbox = false;
    for entry in found.list(&root.path) {
        let name = entry.path.file_name().and_then(|name| name.to_str());
        match name {
            _ if entry.kind != EntryKind::Directory => {}
            Some("mailboxes") => is_dbox = true,
            Some(name) if name.starts_with('.') => folder(found, root, &entry.path, told),
            _ => {}
        }
    }
    if is_dbox {
        tree(found, root, &root.path.join("mailboxes"), DEPTH_MAX, told);
    }
}

fn tree(
    found: &mut Found<'_, '_, '_, '_>,
    root: &Home,
    directory: &Path,
    depth: usize,
    told: &mut Told,
) {
    if depth == 0 || found.is_spent() {
        let what = "rights in folders that stand deep in others";
        return found.gap(what, Reason::BudgetExhausted, "");
    }
    for entry in found.list(directory) {
        if entry.kind != EntryKind::Directory {
            continue;
        }
        match entry.path.file_name().is_some_and(|name| name == DBOX) {
            true => folder(found, root, &entry.path, told),
            false => tree(found, root, &entry.path, depth - 1, told),
        }
    }
}

fn folder(found: &mut Found<'_, '_, '_, '_>, root: &Home, directory: &Path, told: &mut Told) {
    let file = directory.join(FILE);
    // Most folders have none: asking costs less than a file that is counted.
    if !found.is_there(&file) {
        return;
    }
    let text = found.text(&file).unwrap_or_default();
    for right in text.lines().take(LINES_MAX).filter_map(right) {
        note(told, &root.owner, &root.path, right);
    }
}

/// Adds that `right` holds in `mailbox`, as what lies at `path` says. What somebody may in their own ties nobody.
pub(super) fn note(
    told: &mut Told,
    mailbox: &str,
    path: &Path,
    (other, rights): (String, Vec<&'static str>),
) {
    if mailbox_key(&other) != mailbox_key(mailbox) && told.len() <= TIES_MAX {
        let key = (mailbox.to_owned(), other);
        let known = told.entry(key);
        let (known, _) = known.or_insert_with(|| (BTreeSet::new(), path.to_owned()));
        known.extend(rights);
    }
}

/// `user=bert@corp.example lrs`: who else, and what; a group is `@name`. What is taken away with `-`, and the owner's own,
/// ties nobody.
pub(super) fn right(line: &str) -> Option<(String, Vec<&'static str>)> {
    let line = line.trim();
    let (who, letters) = match line.strip_prefix('"') {
        Some(rest) => rest.split_once('"')?,
        None => line.split_once(' ')?,
    };
    let group = ["group=", "group-override="]
        .iter()
        .find_map(|kind| who.strip_prefix(kind));
    let other = match who {
        "anyone" | "authenticated" => "everybody",
        who => group.or_else(|| who.strip_prefix("user="))?,
    };
    let letters = letters.trim().split([' ', ':']).next().unwrap_or_default();
    let known = |letter| RIGHTS.iter().find(|(l, _)| *l == letter);
    let rights: Vec<&str> = letters
        .chars()
        .filter_map(known)
        .map(|(_, word)| *word)
        .collect();
    let sound = !other.is_empty() && other.len() <= 256 && !other.contains(char::is_control);
    // A group is no user of the same name.
    let other = match group {
        Some(group) => format!("@{group}"),
        None => other.to_owned(),
    };
    (sound && !rights.is_empty()).then_some((other, rights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_else_and_what() {
        let other = |line: &str| right(line).map(|(other, rights)| (other, rights.join(" ")));
        let said = |who: &str, what: &str| Some((who.to_owned(), what.to_owned()));
        assert_eq!(
            other("user=bert@corp.example lrs"),
            said("bert@corp.example", "lookup read write-seen")
        );
        assert_eq!(
            other("\"user=two words\" lr"),
            said("two words", "lookup read")
        );
        assert_eq!(other("anyone l"), said("everybody", "lookup"));
        assert_eq!(other("group=bau ilr"), said("@bau", "insert lookup read"));
        assert_eq!(other("group-override=bau l"), said("@bau", "lookup"));
        assert_eq!(other("user=bau l"), said("bau", "lookup"));
        for nobody in [
            "owner lrwstipekxa",
            "-user=bert lrs",
            "# user=bert lrs",
            "user=bert",
            "user=bert ",
            "user= lr",
            "group= lr",
            "",
        ] {
            assert_eq!(other(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(2_000, &[b"\"user=a b\" lrs :x\n-group=b lr"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().for_each(|line| drop(right(line)));
            owner(Path::new(text.as_ref()));
        });
    }
}
