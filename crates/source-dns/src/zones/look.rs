//! The source: which zones there are, and what their files say.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_knowledge::named_conf::{self, ZoneSetting, beside};
use groma_model::fact::ZoneRecord;
use groma_model::{CoverageState, Fact, HostName, Reason, Scope, SourceName};
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World, disk};

use super::master::{self, Zone};

const SETTINGS_BYTES_MAX: u64 = 8 << 20;
const ZONE_BYTES_MAX: u64 = 64 << 20;
/// Zones of one server that are read; further ones are a gap.
const ZONES_MAX: usize = 5_000;
/// Records of all zones together.
const FACTS_MAX: usize = 100_000;
/// Where BIND counts the names of files from, where nothing says.
const DIRECTORIES: &[&str] = &["/var/cache/bind", "/var/named"];
/// What every server has for itself.
const OF_EVERYBODY: &[&str] = &[
    "localhost",
    "0.in-addr.arpa",
    "127.in-addr.arpa",
    "255.in-addr.arpa",
    "0.0.127.in-addr.arpa",
    "1.0.0.127.in-addr.arpa",
    "localhost.localdomain",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
];
/// Roles in which a server answers out of a file of its own.
const KEEPS: &[&str] = &["primary", "secondary"];
/// Files that were not read and are told by name, for settings and for each zone.
const UNREAD_MAX: usize = 20;
const TOO_MUCH: &str = "more than a look reads";
const BE_ROOT: &str = "run as root, or as a member of the group bind (named)";
const RAW: &str = "`named-compilezone -f raw -F text -o COPY ZONE FILE` writes it as text, by hand; `masterfile-format text;` makes the server keep it so";
const READ_BY_HAND: &str = "read its file by hand: names of machines may stand in it";
const JOURNAL: &str = "`rndc sync ZONE` writes them into the file; it changes nothing else";

/// The zones of this machine's name server.
pub struct ZonesSource {
    world: World,
}

impl ZonesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for ZonesSource {
    fn name(&self) -> SourceName {
        SourceName::new("names.zones")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells which names lead to which machines in the zones that this machine answers for, and for how long others remember it.".to_owned(),
            reads: vec![format!(
                "{} with what they include, and the zone files they name, most often below {}, /etc/bind, /var/lib/bind",
                named_conf::FILES.join(", "),
                DIRECTORIES.join(", ")
            )],
            contacts: Vec::new(),
            sends: vec!["names, kinds, values and times to live of records that lead to a machine".to_owned()],
            never_sends: vec!["texts in zones (TXT), keys, comments, settings".to_owned()],
            rights: vec!["root or the group of the name server".to_owned()],
            cost: "the bytes of those files, once".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let settings = named_conf::all(&mut |path| text(disk, path));
        unread_settings(&settings.unread, window, sink);
        let wanted: Vec<&ZoneSetting> = settings.zones.iter().filter(|z| is_wanted(z)).collect();
        let directory = settings.directory.clone().unwrap_or_else(|| {
            let there = |folder: &&&str| disk.metadata(Path::new(folder)).is_ok();
            let found = DIRECTORIES.iter().find(there);
            found.copied().unwrap_or("/").to_owned()
        });
        let mut look = Look {
            disk,
            window,
            sink,
            directory,
            bytes_left: Cell::new(budget.total_bytes_max),
            facts: 0,
        };
        for zone in wanted.iter().take(ZONES_MAX) {
            look.zone(zone);
        }
        if wanted.len() > ZONES_MAX {
            let scope = Scope::new("zone", "more");
            let what = format!("{} further zones", wanted.len() - ZONES_MAX);
            let remedy = "more than a look reads";
            sink.missed_because(&scope, what, Reason::BudgetExhausted, remedy);
            sink.covered_now(window, &scope, CoverageState::Partial);
        }
    }
}

fn is_wanted(zone: &ZoneSetting) -> bool {
    KEEPS.contains(&zone.role.as_str())
        && !zone.name.is_empty()
        && !OF_EVERYBODY.contains(&zone.name.as_str())
}

fn text(disk: &dyn Disk, path: &str) -> Result<String, Reason> {
    let read = disk.read(Path::new(path), SETTINGS_BYTES_MAX);
    let read = read.map_err(|error| error.reason)?;
    Ok(String::from_utf8_lossy(&read.bytes).into_owned())
}

/// Settings that were not read may name zones nobody hears of.
fn unread_settings(unread: &BTreeMap<String, Reason>, window: &Window, sink: &mut dyn Sink) {
    if unread.is_empty() {
        return;
    }
    let scope = Scope::new("zone-settings", "bind");
    for (path, reason) in unread.iter().take(UNREAD_MAX) {
        let what = format!("zones in the settings {}", disk::foreign(Path::new(path)));
        sink.missed_because(&scope, what, reason.clone(), remedy(reason));
    }
    if unread.len() > UNREAD_MAX {
        let what = format!(
            "zones in {} further files of settings",
            unread.len() - UNREAD_MAX
        );
        sink.missed_because(&scope, what, Reason::BudgetExhausted, TOO_MUCH);
    }
    sink.covered_now(window, &scope, CoverageState::Partial);
}

/// What helps where a file of settings, or one that a zone includes, was not read.
fn remedy(reason: &Reason) -> &'static str {
    match reason {
        Reason::PermissionDenied => BE_ROOT,
        Reason::BudgetExhausted | Reason::TooLarge => TOO_MUCH,
        Reason::Unsupported => {
            "includes with * are not followed yet; `named-checkconf -p` prints all settings, by hand"
        }
        _ => {
            "`named-checkconf` and `named-checkzone ZONE FILE` tell what the server thinks of it, by hand"
        }
    }
}

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    directory: String,
    bytes_left: Cell<u64>,
    facts: usize,
}

impl Look<'_> {
    fn zone(&mut self, setting: &ZoneSetting) {
        let view = setting.view.as_deref().filter(|view| !view.is_empty());
        let place = match view {
            Some(view) => format!("{}/{view}", setting.name),
            None => setting.name.clone(),
        };
        let scope = Scope::new("zone", &place);
        let (name, file) = (HostName::parse(&setting.name), &setting.file);
        let complete = match (name, file) {
            (Some(name), Some(file)) => self.file(&scope, setting, name, file, view),
            (Some(_), None) => {
                let what = format!("the zone {}: the server keeps it in no file", setting.name);
                let remedy = "look at the server it is transferred from";
                let reason = Reason::NotPresent;
                self.sink.missed_because(&scope, what, reason, remedy);
                false
            }
            // Such as the parts of a network that are handed on by RFC 2317 (`0/26.2.0.192.in-addr.arpa`).
            (None, _) => {
                let what = format!("the zone {}: its name is no host's", setting.name);
                let reason = Reason::Unsupported;
                self.sink.missed_because(&scope, what, reason, READ_BY_HAND);
                false
            }
        };
        let state = match complete {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.sink.covered_now(self.window, &scope, state);
    }

    /// Reads the zone's file; false if something of it is missing, and that is said.
    fn file(
        &mut self,
        scope: &Scope,
        setting: &ZoneSetting,
        name: HostName,
        file: &str,
        view: Option<&str>,
    ) -> bool {
        let path = PathBuf::from(beside(&self.directory, file));
        let bytes = match self.bytes(&path) {
            Ok(bytes) => bytes,
            Err(reason) => {
                let what = format!("the zone {name} in {}", disk::foreign(&path));
                self.sink.missed_because(scope, what, reason, BE_ROOT);
                return false;
            }
        };
        if is_raw(&bytes)
            || setting
                .format
                .as_deref()
                .is_some_and(|format| format != "text")
        {
            let what = format!("the zone {name}: {} is in raw form", disk::foreign(&path));
            self.sink
                .missed_because(scope, what, Reason::Unsupported, RAW);
            return false;
        }
        let text = String::from_utf8_lossy(&bytes);
        let zone = {
            let mut include = |file: &str| {
                let path = PathBuf::from(beside(&self.directory, file));
                let bytes = self.bytes(&path)?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            };
            master::read(name.as_str(), &path.to_string_lossy(), &text, &mut include)
        };
        let is_copy = setting.role == "secondary";
        let whole = self.tell(scope, &name, &path, view, is_copy, &zone);
        let journal = self.journal(scope, &path);
        whole && !journal
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, Reason> {
        let limit = ZONE_BYTES_MAX.min(self.bytes_left.get());
        if limit == 0 || self.window.is_over() {
            return Err(Reason::BudgetExhausted);
        }
        let read = self.disk.read(path, limit).map_err(|error| error.reason)?;
        let left = limit.min(read.bytes.len() as u64);
        self.bytes_left
            .set(self.bytes_left.get().saturating_sub(left));
        Ok(read.bytes)
    }

    /// Changes that the server took in and has not written into the file yet.
    fn journal(&mut self, scope: &Scope, path: &Path) -> bool {
        let mut journal = path.as_os_str().to_owned();
        journal.push(".jnl");
        let journal = PathBuf::from(journal);
        let changed = |path: &Path| self.disk.metadata(path).ok().map(|m| m.modified);
        // A journal that is older than the file holds nothing the file has not.
        let newer = match (changed(&journal), changed(path)) {
            (Some(journal), Some(file)) => journal > file,
            _ => false,
        };
        if newer {
            let what = format!("changes in {}", disk::foreign(&journal));
            self.sink
                .missed_because(scope, what, Reason::Unsupported, JOURNAL);
        }
        newer
    }

    fn tell(
        &mut self,
        scope: &Scope,
        name: &HostName,
        path: &Path,
        view: Option<&str>,
        is_copy: bool,
        zone: &Zone,
    ) -> bool {
        let mut left_out = zone.left_out;
        for ((owner, kind), set) in &zone.sets {
            if self.facts >= FACTS_MAX {
                left_out += 1;
                continue;
            }
            self.facts += 1;
            let fact = Fact::ZoneRecord(ZoneRecord {
                zone: name.clone(),
                owner: owner.clone(),
                kind: (*kind).to_owned(),
                values: set.values.iter().cloned().collect(),
                peers: set.peers.iter().cloned().collect(),
                ttl_seconds: set.ttl_seconds,
                view: view.map(str::to_owned),
                is_copy,
                file: disk::foreign(path),
            });
            self.sink.saw_now(self.window, scope, fact);
        }
        if left_out > 0 {
            let what = format!("{left_out} further records of the zone {name}");
            let remedy = "more than a look keeps";
            self.sink
                .missed_because(scope, what, Reason::BudgetExhausted, remedy);
        }
        if zone.faulty > 0 {
            let what = format!(
                "{} lines of the zone {name} that were not understood: {}",
                zone.faulty,
                zone.faults.join(", ")
            );
            let remedy =
                "`named-checkzone ZONE FILE` tells what the server thinks of them, by hand";
            self.sink
                .missed_because(scope, what, Reason::Malformed, remedy);
        }
        for (file, reason) in &zone.unread {
            let path = PathBuf::from(beside(&self.directory, file));
            let what = format!(
                "what the zone {name} includes from {}",
                disk::foreign(&path)
            );
            self.sink
                .missed_because(scope, what, reason.clone(), remedy(reason));
        }
        left_out == 0 && zone.faulty == 0 && zone.unread.is_empty()
    }
}

/// BIND's raw and map forms begin with their number, 2 or 3, as four octets.
fn is_raw(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 0, 2]) || bytes.starts_with(&[0, 0, 0, 3])
}
