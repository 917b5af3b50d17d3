//! Where people of a domain have their homes, profiles and logon scripts: the machines they need, and the shares there.
//!
//! No person is told. Paths are taken apart as they come: machine and share stay, what lies below is forgotten, and a
//! share that may be one person's own is not named either.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{DirectoryObject, Fact, Measurement, NeedReason};
use groma_model::{HostName, Peer, Port, Stated};

use super::accounts::EPOCH_1601;
use super::terminal;
use crate::entry::Entry;
use crate::learnt::{Learnt, Says, need};

pub(crate) const PERSON: &[&str] = &[
    "sAMAccountName",
    "accountExpires",
    "homeDirectory",
    "homeDrive",
    "profilePath",
    "scriptPath",
    "msTSHomeDirectory",
    "msTSHomeDrive",
    "msTSProfilePath",
    "userParameters",
];

/// Attributes that may hold a path, and the drive it is given.
const PATHS: [(&str, Option<&str>); 5] = [
    ("homeDirectory", Some("homeDrive")),
    ("profilePath", None),
    ("scriptPath", None),
    ("msTSHomeDirectory", Some("msTSHomeDrive")),
    ("msTSProfilePath", None),
];

/// Shares that are kept apart; more than that are only machines.
const SHARES_MAX: usize = 5_000;

/// Who uses a share of a machine, for what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Use {
    people: u64,
    /// True once it cannot be one person's own.
    is_shared: bool,
    drives: BTreeSet<String>,
}

/// Machine as it is written, lower case; share, lower case; attribute.
pub(crate) type Folders = BTreeMap<(String, String, &'static str), Use>;

/// The name that `\\CORP\…` has in DNS.
pub(crate) fn flat_name(entry: &Entry, learnt: &mut Learnt) {
    let (Some(flat), Some(dns)) = (entry.text("nETBIOSName"), entry.text("dnsRoot")) else {
        return;
    };
    if let Some(dns) = HostName::parse(&dns) {
        learnt.flat_names.insert(flat.to_lowercase(), dns);
    }
}

/// Folders and scripts of one person.
pub(crate) fn person(entry: &Entry, learnt: &mut Learnt) {
    let expired = entry.number("accountExpires").is_some_and(|stamp| {
        let seconds = stamp.saturating_sub(EPOCH_1601) / 10_000_000;
        // 0 and the greatest number mean never.
        stamp > EPOCH_1601 && seconds < learnt.now.millis() / 1000
    });
    if expired {
        return;
    }
    let account = entry.text("sAMAccountName").unwrap_or_default();
    for (attribute, drive) in PATHS {
        let Some(path) = entry.text(attribute) else {
            continue;
        };
        let drive = drive.and_then(|name| entry.text(name)).and_then(letter);
        folder(attribute, &path, drive, &account, learnt);
    }
    let parameters = entry.values("userParameters").first();
    let parameters = parameters.and_then(|bytes| std::str::from_utf8(bytes).ok());
    for (attribute, path) in parameters.map(terminal::paths).unwrap_or_default() {
        folder(attribute, &path, None, &account, learnt);
    }
}

/// A folder that one person is led to.
fn folder(
    attribute: &'static str,
    path: &str,
    drive: Option<String>,
    account: &str,
    learnt: &mut Learnt,
) {
    let Some(path) = Path::parse(path) else {
        return;
    };
    let mut key = (path.machine.clone(), path.share.clone(), attribute);
    if learnt.folders.len() >= SHARES_MAX && !learnt.folders.contains_key(&key) {
        key.1.clear();
    }
    let used = learnt.folders.entry(key).or_default();
    used.people += 1;
    used.is_shared |= used.people > 1 || path.lies_below(account);
    used.drives.extend(drive);
}

/// A letter with a colon, and nothing else.
fn letter(text: String) -> Option<String> {
    let plain = text.trim().trim_end_matches(':');
    let is_letter = plain.len() == 1 && plain.bytes().all(|b| b.is_ascii_alphabetic());
    is_letter.then(|| format!("{}:", plain.to_ascii_uppercase()))
}

/// `\\machine\share\below`, in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Path {
    machine: String,
    share: String,
    below: Vec<String>,
}

impl Path {
    /// `None` for a path of the machine itself (`C:\…`, `/home/…`), or relative to the domain's own scripts.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('/', "\\").to_lowercase();
        let text = text.strip_prefix("\\\\")?;
        // Long form of the same: `\\?\UNC\machine\share`.
        let text = text.strip_prefix("?\\unc\\").unwrap_or(text);
        let mut parts = text.split('\\').filter(|part| !part.is_empty());
        let machine = parts.next()?.to_owned();
        let share = parts.next()?.to_owned();
        // `\\machine@SSL\DavWWWRoot` is a web server: another port, and no share.
        Peer::parse(&machine)?;
        Some(Self {
            machine,
            share,
            below: parts.map(str::to_owned).collect(),
        })
    }

    /// True if the person's own part stands below the share, so that the share itself is not the person's.
    fn lies_below(&self, account: &str) -> bool {
        let own = |part: &String| part.contains("%username%") || self::own(part, account);
        !self::own(&self.share, account) && self.below.iter().any(own)
    }
}

/// `anna`, `anna$`, `anna.v6` and `anna.corp` are Anna's.
fn own(part: &str, account: &str) -> bool {
    let begins = part.strip_prefix(&account.to_lowercase());
    !account.is_empty()
        && begins.is_some_and(|rest| rest.is_empty() || rest.starts_with(['$', '.']))
}

/// A machine, or a share of it, that people have folders on.
#[derive(Debug, Default)]
struct Folder {
    used_as: BTreeSet<String>,
    drives: BTreeSet<String>,
    people: u64,
}

/// Tells which machines people need for their folders, once all people were read.
pub(crate) fn tell(learnt: &mut Learnt) {
    let mut objects: BTreeMap<(Peer, String), Folder> = BTreeMap::new();
    let mut needs: BTreeSet<(Peer, String, &str)> = BTreeSet::new();
    for ((machine, share, attribute), used) in std::mem::take(&mut learnt.folders) {
        let Some(peer) = machine_of(&machine, learnt) else {
            continue;
        };
        let place = match used.is_shared && !share.is_empty() {
            true => format!("\\\\{machine}\\{share}"),
            false => format!("\\\\{machine}"),
        };
        let object = objects.entry((peer.clone(), place.clone())).or_default();
        object.used_as.insert(attribute.to_owned());
        object.drives.extend(used.drives);
        object.people += used.people;
        needs.insert((peer, place, attribute));
    }
    let domain = domain_entry(learnt);
    for ((peer, place), folder) in objects {
        let mut object = DirectoryObject {
            directory: learnt.directory.clone(),
            class: "people-folders".to_owned(),
            name: place.as_str().into(),
            dn: domain.dn.as_str().into(),
            host: Some(peer),
            account: None,
            attributes: Stated::new(),
        };
        object.says("used-as", folder.used_as);
        object.says("drives", folder.drives);
        object.says("paths", [about(folder.people).to_owned()]);
        learnt.object(object);
        learnt.facts.push(counted(&place, folder.people));
    }
    // The domain is the one that needs it: whoever logs on is led there.
    let Some(space) = HostName::parse(&learnt.directory).map(Peer::Name) else {
        return;
    };
    for (peer, place, attribute) in needs {
        let reason = match attribute {
            "scriptPath" => NeedReason::LogonScript,
            _ => NeedReason::PersonalFolder,
        };
        let mut need = need(space.clone(), peer, ("smb", reason), &domain, attribute);
        need.port = Some(Port(445));
        need.resource = Some(place.as_str().into());
        learnt.need(need);
    }
}

/// The entry of the domain: no person's own is named.
fn domain_entry(learnt: &Learnt) -> Entry {
    let labels = learnt
        .directory
        .split('.')
        .map(|label| format!("DC={label}"));
    Entry {
        dn: labels.collect::<Vec<_>>().join(","),
        ..Entry::default()
    }
}

/// The machine a path means. `\\CORP\…` is the domain itself.
fn machine_of(machine: &str, learnt: &Learnt) -> Option<Peer> {
    let flat = learnt.flat_names.get(machine).cloned();
    flat.map(Peer::Name).or_else(|| Peer::parse(machine))
}

/// How many, in words that do not change from day to day.
fn about(people: u64) -> &'static str {
    match people {
        ..=9 => "fewer than 10",
        10..=99 => "10 to 99",
        100..=999 => "100 to 999",
        _ => "1,000 and more",
    }
}

fn counted(place: &str, people: u64) -> Fact {
    Fact::Measurement(Measurement {
        metric: "directory_paths_of_people".to_owned(),
        subject: place.into(),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a directory has fewer than 2^52 people"
        )]
        value: people as f64,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, learnt, needs};

    fn of(people: &[&[(&str, &str)]]) -> Learnt {
        let mut learnt = learnt();
        let partition = [("nETBIOSName", "CORP"), ("dnsRoot", "corp.example")];
        flat_name(&entry("CN=CORP,CN=Partitions", &partition), &mut learnt);
        for attributes in people {
            person(
                &entry("CN=Anna Canary,DC=corp,DC=example", attributes),
                &mut learnt,
            );
        }
        tell(&mut learnt);
        learnt
    }

    /// What is told of machines and shares.
    fn places(learnt: &Learnt) -> Vec<String> {
        let need = |fact: &Fact| match fact {
            Fact::DirectoryNeed(n) => Some(format!(
                "{} {}",
                n.attribute,
                n.resource.as_ref().unwrap().lossy()
            )),
            _ => None,
        };
        learnt.facts.iter().filter_map(need).collect()
    }

    #[test]
    fn homes_lead_to_the_file_server_and_to_no_person() {
        let learnt = of(&[
            &[
                ("sAMAccountName", "anna"),
                ("homeDirectory", r"\\Files1.corp.example\home\anna"),
                ("homeDrive", "H:"),
                ("profilePath", r"\\files2.corp.example\profiles\%USERNAME%"),
            ],
            &[
                ("sAMAccountName", "bernd"),
                ("homeDirectory", r"\\files1.corp.example\home\bernd"),
            ],
        ]);
        assert_eq!(
            needs(&learnt),
            [
                "corp.example smb files1.corp.example:445",
                "corp.example smb files2.corp.example:445"
            ]
        );
        assert_eq!(
            places(&learnt),
            [
                r"homeDirectory \\files1.corp.example\home",
                r"profilePath \\files2.corp.example\profiles"
            ]
        );
        let all = format!("{:?}", learnt.facts).to_lowercase();
        assert!(!all.contains("anna") && !all.contains("bernd"), "{all}");
        assert!(all.contains("value: 2") && all.contains("h:"), "{all}");
    }

    #[test]
    fn a_share_that_may_be_one_persons_own_is_not_named() {
        for path in [
            r"\\files1\anna$",
            r"\\files1\amueller",
            r"\\files1\anna$\docs\anna",
            r"\\files1\anna.mueller\x",
        ] {
            let learnt = of(&[&[("sAMAccountName", "anna"), ("homeDirectory", path)]]);
            assert_eq!(places(&learnt), [r"homeDirectory \\files1"], "{path}");
        }
        // Two people: it is nobody's own.
        let both: [&[(&str, &str)]; 2] = [
            &[("sAMAccountName", "a"), ("msTSProfilePath", r"\\files1\ts")],
            &[("sAMAccountName", "b"), ("msTSProfilePath", r"\\files1\ts")],
        ];
        assert_eq!(places(&of(&both)), [r"msTSProfilePath \\files1\ts"]);
    }

    #[test]
    fn what_terminal_services_wrote_for_themselves_leads_to_the_machine_and_to_no_person() {
        let parameters = super::terminal::tests::parameters(&[
            ("CtxWFHomeDir", b"\\\\ts1.corp.example\\home\\anna\0"),
            ("CtxWFProfilePath", b"C:\\profiles\\anna\0"),
        ]);
        let learnt = of(&[&[
            ("sAMAccountName", "anna"),
            ("userParameters", parameters.as_str()),
        ]]);
        assert_eq!(places(&learnt), [r"CtxWFHomeDir \\ts1.corp.example\home"]);
        assert!(!format!("{:?}", learnt.facts).contains("anna"));
    }

    #[test]
    fn what_stays_on_the_machine_or_in_the_domain_is_no_need() {
        let own = [
            ("homeDirectory", r"C:\home\anna"),
            ("homeDirectory", "/home/anna"),
            ("homeDirectory", r"\\corp.example\dfs\home\anna"),
            ("homeDirectory", r"\\CORP\dfs\home\anna"),
            ("homeDirectory", r"\\web1@SSL\DavWWWRoot\anna"),
            ("homeDirectory", r"\\files1"),
            ("scriptPath", "logon.bat"),
            ("scriptPath", r"\\corp.example\netlogon\logon.bat"),
        ];
        for (attribute, path) in own {
            let learnt = of(&[&[("sAMAccountName", "anna"), (attribute, path)]]);
            assert!(needs(&learnt).is_empty(), "{attribute} {path}");
        }
        let elsewhere = of(&[&[
            ("sAMAccountName", "anna"),
            ("scriptPath", r"//fs1/netlogon/l.bat"),
        ]]);
        assert_eq!(needs(&elsewhere), ["corp.example smb fs1:445"]);
    }

    #[test]
    fn an_account_that_has_expired_needs_nothing() {
        let stamp = |seconds: i64| (seconds * 10_000_000 + EPOCH_1601).to_string();
        let with = |expires: &str| {
            let home = ("homeDirectory", r"\\files1\home\a");
            needs(&of(&[&[
                ("sAMAccountName", "a"),
                home,
                ("accountExpires", expires),
            ]]))
            .len()
        };
        assert_eq!(with(&stamp(1_700_000_000)), 0);
        for lasting in ["0", "9223372036854775807", &stamp(1_900_000_000)] {
            assert_eq!(with(lasting), 1, "{lasting}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read_and_no_part_below_the_share_is_kept(text in ".{0,80}", below in "[a-z]{12}") {
            let _ = Path::parse(&text);
            let home = format!("\\\\files1\\home\\{below}\\x");
            let told = of(&[&[("sAMAccountName", "anna"), ("homeDirectory", &home), ("profilePath", &text)]]);
            let all = format!("{:?}", told.facts);
            prop_assert!(!all.contains(&below));
        }
    }
}
