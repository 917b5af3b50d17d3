//! What must be known of a machine before its files can be judged: which units run, which files are
//! theirs, which names nginx gave to groups of servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_knowledge::rules::{Format, Mention, Rule};
use groma_model::Foreign;
use groma_model::fact::{Component, ComponentClass};
use groma_model::schedule::Calendar;
use groma_source::{Disk, EntryKind};

use crate::aliases::Aliases;
use crate::calls::Calls;
use crate::environment::{Overruled, Pieces};
use crate::format;
use crate::mentions::Mentioners;
use crate::mounts::Mounts;
use crate::own::Own;
use crate::placeholders::is_secret;
use crate::pristine::Pristine;
use crate::starters::{Starter, Starters};
use crate::text::decode;
use crate::working_copies::WorkingCopies;

/// Directories of units, the strongest first (systemd.unit(5)).
const UNIT_DIRECTORIES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Directories that belong to everybody: a unit that works there owns nothing in them.
const COMMON_DIRECTORIES: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/share",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/etc",
    "/etc/default",
    "/etc/sysconfig",
    "/home",
    "/root",
    "/var",
    "/var/lib",
    "/var/www",
    "/var/spool",
    "/srv",
    "/opt",
    "/tmp",
    "/run",
    "/lib",
    "",
];

/// Where the settings of a service stand under its name.
const SETTINGS_DIRECTORIES: &[&str] = &["/etc/default/", "/etc/sysconfig/", "/etc/conf.d/"];

const FILE_MAX: u64 = 1 << 20;
const ENTRIES_MAX: usize = 20_000;

/// Units, owners and names of one machine.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// Units that may run: neither switched off nor masked.
    active: BTreeSet<String>,
    /// The file of every unit that exists, by name.
    known: BTreeMap<String, String>,
    /// Paths (files, or directories with everything below) and the unit they belong to.
    owned: BTreeMap<String, String>,
    /// Names of nginx upstreams: they look like hosts and are none.
    upstreams: BTreeSet<String>,
    /// Files that mention others, as settings, read once.
    mentioners: Mentioners,
    /// Rhythm of the timer that starts a unit.
    rhythms: BTreeMap<String, String>,
    /// Files that are still as a package brought them.
    pristine: Pristine,
    /// Sections that count only where another file calls them.
    calls: Calls,
    /// Names that are its own.
    own: Own,
    /// Names only the SSH client knows.
    aliases: Aliases,
    /// Who starts scripts.
    starters: Starters,
    /// Directories that lie on other machines.
    mounts: Mounts,
    /// Working copies that jobs use.
    working_copies: WorkingCopies,
    /// Values of variables no program gets.
    overruled: Overruled,
    /// Variables in the environment of each service, by its name without `.service`.
    given: BTreeMap<String, BTreeMap<String, String>>,
    /// True if some unit of a package is there.
    sees_packages: bool,
    /// What this machine calls itself: the first label of its name.
    name: String,
    /// Names of services that exist and do not run.
    idle: BTreeSet<String>,
    /// Services that scripts of System V start, by name.
    scripts: BTreeSet<String>,
    /// Rules whose product gave way to another one of its role.
    displaced: BTreeSet<String>,
    /// For each path with a `*` that files live with: what the `*` may stand for.
    lives: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct UnitFiles {
    files: BTreeMap<String, String>,
    masked: BTreeSet<String>,
    wanted: BTreeSet<String>,
    /// Drop-ins of each service: their paths by name, the strongest directory's.
    drop_ins: BTreeMap<String, BTreeMap<String, String>>,
}

impl Machine {
    /// Looks at units, nginx and the files that mention others. What cannot be read here is a gap of the scan itself.
    pub(crate) fn look(disk: &dyn Disk, rules: &[Rule]) -> Self {
        let mut machine = Self {
            pristine: Pristine::look(disk),
            calls: Calls::look(disk, rules),
            aliases: Aliases::look(disk),
            own: Own::look(disk),
            mounts: Mounts::look(disk),
            working_copies: WorkingCopies::look(disk),
            ..Self::default()
        };
        machine.name = text_of(disk, "/etc/hostname")
            .and_then(|text| Some(text.trim().split('.').next()?.to_ascii_lowercase()))
            .unwrap_or_default();
        machine.look_at_scripts(disk);
        machine.look_at_units(disk);
        machine.look_at_upstreams(disk);
        machine.starters = Starters::look(disk, &|unit| machine.known.contains_key(unit));
        machine.note_displaced(rules);
        for path in rules.iter().filter_map(|rule| rule.lives_with.as_ref()) {
            let above = path.split('*').next().unwrap_or(path);
            let names = disk
                .list(Path::new(above), ENTRIES_MAX)
                .unwrap_or_default()
                .iter()
                .filter_map(|entry| entry.path.file_name()?.to_str().map(str::to_owned))
                .collect();
            machine.lives.insert(path.clone(), names);
        }
        machine.mentioners = Mentioners::look(rules, &|path| texts_of(disk, path));
        machine
    }

    /// True if one of the files `mention` names speaks of `path`.
    pub(crate) fn is_mentioned(&self, mention: &Mention, path: &str) -> bool {
        self.mentioners.is_mentioned(mention, path)
    }

    /// True for a file that is still as a package of the distribution brought it.
    pub(crate) fn is_distributed(&self, path: &str, bytes: &[u8]) -> bool {
        self.pristine.is_distributed(path, bytes)
    }

    /// True for a file that is still as a package brought it.
    pub(crate) fn is_vendors(&self, path: &str, bytes: &[u8]) -> bool {
        self.pristine.is_vendors(path, bytes)
    }

    /// True for a rule whose product does not run while another one of its role does.
    pub(crate) fn is_displaced(&self, rule: &Rule) -> bool {
        self.displaced.contains(&rule.id)
    }

    /// True if what the file lives with is gone: `part` is what the first `*` of its glob stands for.
    pub(crate) fn outlived(&self, rule: &Rule, part: &str) -> bool {
        let lives = rule.lives_with.as_ref().and_then(|p| self.lives.get(p));
        lives.is_some_and(|names| !names.is_empty() && !names.contains(part))
    }

    /// True for what a package left behind, and for the settings of a service that exists and does not run.
    pub(crate) fn is_left_over(&self, path: &str) -> bool {
        if self.pristine.is_left_over(path) || self.overruled.is_unread(path) {
            return true;
        }
        SETTINGS_DIRECTORIES
            .iter()
            .find_map(|directory| path.strip_prefix(directory))
            .is_some_and(|name| self.idle.contains(name) && !self.owned.contains_key(path))
    }

    /// True if a service of this name runs.
    pub(crate) fn serves(&self, units: &[String]) -> bool {
        units.iter().any(|unit| {
            let name = unit.strip_suffix(".service").unwrap_or(unit);
            self.runs(unit) || (!self.known.contains_key(unit) && self.scripts.contains(name))
        })
    }

    fn note_displaced(&mut self, rules: &[Rule]) {
        let (running, still): (Vec<&Rule>, Vec<&Rule>) = rules
            .iter()
            .filter(|rule| rule.role.is_some())
            .partition(|rule| self.serves(&rule.units));
        self.displaced = still
            .iter()
            .filter(|rule| running.iter().any(|other| other.role == rule.role))
            .map(|rule| rule.id.clone())
            .collect();
    }

    /// Scripts of System V: one runs if a link in the directory of a run level starts it.
    fn look_at_scripts(&mut self, disk: &dyn Disk) {
        let names = |directory: &str| -> Vec<String> {
            disk.list(Path::new(directory), ENTRIES_MAX)
                .unwrap_or_default()
                .iter()
                .filter_map(|entry| entry.path.file_name()?.to_str().map(str::to_owned))
                .collect()
        };
        let mut linked = false;
        for level in ["2", "3", "4", "5", "S"] {
            for name in names(&format!("/etc/rc{level}.d")) {
                linked = true;
                let starts = name.strip_prefix('S').and_then(|rest| rest.get(2..));
                self.scripts.extend(starts.map(str::to_owned));
            }
        }
        if linked {
            let all = names("/etc/init.d").into_iter();
            self.idle = all.filter(|name| !self.scripts.contains(name)).collect();
        }
    }

    /// Services that exist as units, and neither run nor are asked for by one that does.
    fn note_idle(
        &mut self,
        files: &UnitFiles,
        parsed: &BTreeMap<String, crate::settings::Settings>,
    ) {
        let asked: BTreeSet<&str> = parsed
            .iter()
            .filter(|(name, _)| self.active.contains(*name))
            .flat_map(|(_, settings)| &settings.all)
            .filter(|s| matches!(s.key.as_str(), "Wants" | "Requires" | "BindsTo" | "Upholds"))
            .flat_map(|s| s.value.split_whitespace())
            .collect();
        for name in files.files.keys().chain(&files.masked) {
            let Some(stem) = name.strip_suffix(".service").filter(|s| !s.contains('@')) else {
                continue;
            };
            let instance = format!("{stem}@");
            let runs = self.active.contains(name)
                || asked.contains(name.as_str())
                || files.wanted.iter().any(|w| w.starts_with(&instance));
            if runs {
                self.idle.remove(stem);
            } else {
                self.idle.insert(stem.to_owned());
            }
        }
    }

    /// Sections of other files that a file may call by name.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The one script of this name that somebody starts.
    pub(crate) fn script_named(&self, stem: &str) -> Option<&str> {
        self.starters.named(stem)
    }

    /// Who starts the script at `path`.
    pub(crate) fn starter(&self, path: &str) -> Option<&Starter> {
        self.starters.of(path)
    }

    /// Working copies that jobs use.
    pub(crate) fn working_copies(&self) -> &WorkingCopies {
        &self.working_copies
    }

    /// Directories that lie on other machines.
    pub(crate) fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// Values of variables no program gets.
    pub(crate) fn overruled(&self) -> &Overruled {
        &self.overruled
    }

    /// Names that are its own.
    pub(crate) fn own_names(&self) -> &Own {
        &self.own
    }

    /// Names only the SSH client knows.
    pub(crate) fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// The variables a service gets, by its name with or without `.service`.
    pub(crate) fn given(&self, service: &str) -> Option<&BTreeMap<String, String>> {
        let name = service.strip_suffix(".service").unwrap_or(service);
        self.given.get(name)
    }

    /// True for the name of this machine, with or without a domain. Two machines of one name in two domains
    /// are told apart only by whoever sees both.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        let label = name.split('.').next().unwrap_or(name);
        !self.name.is_empty() && label.eq_ignore_ascii_case(&self.name)
    }

    /// Takes out what a list of members says about this machine itself.
    pub(crate) fn drop_own_sections(&self, settings: &mut crate::settings::Settings) {
        let own: BTreeSet<u32> = settings
            .all
            .iter()
            .filter(|s| {
                let section = s.section.rsplit([' ', '/']).next().unwrap_or_default();
                let is_name = matches!(s.key.trim_end_matches(':'), "name" | "@name" | "@uname");
                self.is_own_name(section) || (is_name && self.is_own_name(s.value.trim()))
            })
            .map(|s| s.group)
            .collect();
        settings.all.retain(|s| {
            let first = s.value.split_whitespace().next().unwrap_or_default();
            !own.contains(&s.group) && !self.is_own_name(first)
        });
    }

    /// True for a name that stands for a group of servers.
    pub(crate) fn is_upstream(&self, name: &str) -> bool {
        self.upstreams.contains(name)
    }

    /// True for a unit that is neither switched off nor masked.
    pub(crate) fn runs(&self, unit: &str) -> bool {
        self.active.contains(unit)
    }

    /// True if `path` is the file in force for `unit`, or a drop-in of it.
    pub(crate) fn is_in_force(&self, unit: &str, path: &str) -> bool {
        // Where no package's units can be seen (a copied tree), a drop-in is all there is of its unit.
        let alone = !self.sees_packages && path.contains(".d/") && !self.known.contains_key(unit);
        if alone {
            return true;
        }
        self.runs(unit)
            && (path.contains(".d/") || self.known.get(unit).is_some_and(|file| file == path))
    }

    /// How often a timer starts `unit`.
    pub(crate) fn rhythm(&self, unit: &str) -> Option<&String> {
        self.rhythms.get(unit)
    }

    /// Who reads `path`: the first of `units` that exists, the unit the path belongs to, else the file alone.
    pub(crate) fn component(&self, path: &Path, units: &[String], application: bool) -> Component {
        let unit = |name: &str| Component {
            class: ComponentClass::Unit,
            name: Foreign::from(name),
        };
        // A file in somebody's home is read by their programs, not by the service of the same product.
        let at_home = path.starts_with("/home") || path.starts_with("/root");
        if let Some(name) = units
            .iter()
            .find(|u| !at_home && self.known.contains_key(*u))
        {
            return unit(name);
        }
        if let Some(owner) = path
            .to_str()
            .and_then(|p| self.owner(p))
            .filter(|_| application || units.is_empty())
        {
            return unit(owner);
        }
        Component {
            class: ComponentClass::File,
            name: groma_source::disk::foreign(path),
        }
    }

    /// True if a unit names this very file, not only a directory above it.
    pub(crate) fn claims_file(&self, path: &str) -> bool {
        self.owned.contains_key(path)
    }

    fn owner(&self, path: &str) -> Option<&str> {
        let mut at = path;
        loop {
            if let Some(unit) = self.owned.get(at) {
                return Some(unit);
            }
            at = at.rsplit_once('/')?.0;
        }
    }

    fn look_at_units(&mut self, disk: &dyn Disk) {
        let mut files = UnitFiles::default();
        for directory in UNIT_DIRECTORIES {
            files.gather(disk, directory);
        }
        let mut parsed = BTreeMap::new();
        self.sees_packages = files
            .files
            .values()
            .any(|path| path.contains("/lib/systemd/system/"));
        for (name, path) in &files.files {
            if files.masked.contains(name) {
                continue;
            }
            self.known.insert(name.clone(), path.clone());
            if let Some(text) = text_of(disk, path) {
                parsed.insert(name.clone(), format::read(Format::Unit, &[], &text));
            }
        }
        for (name, settings) in &parsed {
            let installed = settings
                .all
                .iter()
                .any(|s| s.section.eq_ignore_ascii_case("install"));
            let wanted = files.wanted.contains(name)
                || template(name)
                    .is_some_and(|t| files.wanted.iter().any(|w| template(w) == Some(t)));
            let stem = name
                .rsplit_once('.')
                .map_or(name.as_str(), |(stem, _)| stem);
            let triggered = ["timer", "socket", "path"]
                .iter()
                .any(|t| files.wanted.contains(&format!("{stem}.{t}")));
            if !installed || wanted || triggered {
                self.active.insert(name.clone());
                self.own(name, settings);
            }
        }
        self.weigh_environments(disk, &files, &parsed);
        self.note_idle(&files, &parsed);
        self.note_rhythms(&parsed);
    }

    /// Files of variables that only a drop-in names belong to its unit as well.
    fn weigh_environments(
        &mut self,
        disk: &dyn Disk,
        files: &UnitFiles,
        parsed: &BTreeMap<String, crate::settings::Settings>,
    ) {
        let mut beside = BTreeMap::new();
        for (unit, paths) in &files.drop_ins {
            if !self.active.contains(unit) {
                continue;
            }
            for path in paths.values() {
                if let Some(text) = text_of(disk, path) {
                    let settings = format::read(Format::Unit, &[], &text);
                    self.own(unit, &settings);
                    beside.insert(path.as_str(), settings);
                }
            }
        }
        let services: Vec<Pieces<'_>> = parsed
            .iter()
            .filter(|(unit, _)| unit.ends_with(".service") && self.active.contains(*unit))
            .filter_map(|(unit, settings)| {
                let own = (self.known.get(unit)?.as_str(), settings);
                let drop_ins = files.drop_ins.get(unit).into_iter().flatten();
                let beside = drop_ins
                    .filter_map(|(_, path)| Some((path.as_str(), beside.get(path.as_str())?)));
                Some(Pieces {
                    files: std::iter::once(own).chain(beside).collect(),
                })
            })
            .collect();
        self.overruled = Overruled::weigh(&services, &|path| text_of(disk, path));
        self.note_given(disk, files, parsed);
    }

    /// What the environment of each service holds: its own lines, the files it names, and what stands under
    /// its name where distributions keep such files. A drop-in of a unit that is nowhere counts as well.
    fn note_given(
        &mut self,
        disk: &dyn Disk,
        files: &UnitFiles,
        parsed: &BTreeMap<String, crate::settings::Settings>,
    ) {
        let names: BTreeSet<&String> = parsed.keys().chain(files.drop_ins.keys()).collect();
        for unit in names {
            let Some(name) = unit.strip_suffix(".service") else {
                continue;
            };
            if self.known.contains_key(unit) && !self.active.contains(unit) {
                continue;
            }
            let drop_ins = files.drop_ins.get(unit).into_iter().flatten();
            let beside: Vec<_> = drop_ins
                .filter_map(|(_, path)| text_of(disk, path))
                .map(|text| format::read(Format::Unit, &[], &text))
                .collect();
            let given = self.given.entry(name.to_owned()).or_default();
            // What a template's only instance gets, the template gets.
            let mut instances = files
                .wanted
                .iter()
                .filter(|w| name.ends_with('@') && w.starts_with(name));
            let instance = instances.next().map_or(unit, |wanted| wanted);
            for settings in parsed.get(unit).into_iter().chain(&beside) {
                take_environment(disk, instance, settings, given);
            }
        }
        for directory in SETTINGS_DIRECTORIES {
            for entry in disk
                .list(Path::new(directory), ENTRIES_MAX)
                .unwrap_or_default()
            {
                let name = entry.path.file_name().and_then(|n| n.to_str());
                let (Some(name), Some(path)) = (name, entry.path.to_str()) else {
                    continue;
                };
                let given = self.given.entry(name.to_owned()).or_default();
                for (key, value) in assignments(disk, path) {
                    given.entry(key).or_insert(value);
                }
            }
        }
    }

    fn own(&mut self, unit: &str, settings: &crate::settings::Settings) {
        if !unit.ends_with(".service") {
            return;
        }
        for setting in &settings.all {
            match setting.key.as_str() {
                "WorkingDirectory" => self.claim(setting.value.trim_start_matches('-'), unit),
                "EnvironmentFile" => self.claim_file(setting.value.trim_start_matches('-'), unit),
                "ExecStart" => {
                    for word in setting
                        .value
                        .split_whitespace()
                        .filter(|w| w.starts_with('/'))
                    {
                        self.claim_file(word, unit);
                        if let Some((directory, _)) =
                            word.rsplit_once('/').filter(|_| !is_key_file(word))
                        {
                            self.claim(directory, unit);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn claim(&mut self, directory: &str, unit: &str) {
        let directory = directory.trim_end_matches('/');
        let shared = COMMON_DIRECTORIES.contains(&directory)
            || directory.starts_with("/usr/lib/")
            || directory.starts_with("/usr/libexec/")
            || !directory.starts_with('/');
        if !shared && !directory.contains('%') {
            self.owned
                .entry(directory.to_owned())
                .or_insert_with(|| unit.to_owned());
        }
    }

    fn claim_file(&mut self, file: &str, unit: &str) {
        let program = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/lib/"]
            .iter()
            .any(|p| file.starts_with(p));
        if file.starts_with('/')
            && !program
            && file.len() > 1
            && !COMMON_DIRECTORIES.contains(&file.trim_end_matches('/'))
        {
            self.owned
                .entry(file.to_owned())
                .or_insert_with(|| unit.to_owned());
        }
    }

    fn note_rhythms(&mut self, parsed: &BTreeMap<String, crate::settings::Settings>) {
        for (name, settings) in parsed {
            let Some(stem) = name
                .strip_suffix(".timer")
                .filter(|_| self.active.contains(name))
            else {
                continue;
            };
            let value = |key: &str| {
                settings
                    .all
                    .iter()
                    .find(|s| s.key == key)
                    .map(|s| s.value.as_str())
            };
            let unit = value("Unit").map_or_else(|| format!("{stem}.service"), str::to_owned);
            let word = value("OnCalendar").and_then(|text| Calendar::parse(text)?.rhythm());
            if let Some(word) = word {
                self.rhythms.insert(unit, word.to_owned());
            }
        }
    }

    fn look_at_upstreams(&mut self, disk: &dyn Disk) {
        let mut directories = vec![("/etc/nginx".to_owned(), 0)];
        while let Some((directory, depth)) = directories.pop() {
            for entry in disk
                .list(Path::new(&directory), ENTRIES_MAX)
                .unwrap_or_default()
            {
                let Some(path) = entry.path.to_str() else {
                    continue;
                };
                match entry.kind {
                    EntryKind::Directory if depth < 3 => {
                        directories.push((path.to_owned(), depth + 1))
                    }
                    EntryKind::File | EntryKind::Link => {
                        let text = text_of(disk, path).unwrap_or_default();
                        let names = text
                            .lines()
                            .filter_map(|l| l.trim_start().strip_prefix("upstream "))
                            .filter_map(|l| l.split([' ', '{', '\t']).find(|w| !w.is_empty()));
                        self.upstreams.extend(names.map(str::to_ascii_lowercase));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl UnitFiles {
    fn gather(&mut self, disk: &dyn Disk, directory: &str) {
        for entry in disk
            .list(Path::new(directory), ENTRIES_MAX)
            .unwrap_or_default()
        {
            let (Some(path), Some(name)) = (
                entry.path.to_str(),
                entry.path.file_name().and_then(|n| n.to_str()),
            ) else {
                continue;
            };
            match entry.kind {
                EntryKind::Directory if name.ends_with(".wants") || name.ends_with(".requires") => {
                    let links = disk.list(&entry.path, ENTRIES_MAX).unwrap_or_default();
                    self.wanted.extend(
                        links
                            .iter()
                            .filter_map(|l| l.path.file_name().and_then(|n| n.to_str()))
                            .map(str::to_owned),
                    );
                }
                EntryKind::Directory if name.ends_with(".service.d") => {
                    let unit = name.trim_end_matches(".d").to_owned();
                    let drop_ins = self.drop_ins.entry(unit).or_default();
                    for found in disk.list(&entry.path, ENTRIES_MAX).unwrap_or_default() {
                        let name = found.path.file_name().and_then(|n| n.to_str());
                        if let (Some(name), Some(path)) = (name, found.path.to_str())
                            && name.ends_with(".conf")
                        {
                            drop_ins
                                .entry(name.to_owned())
                                .or_insert_with(|| path.to_owned());
                        }
                    }
                }
                EntryKind::File => {
                    self.files
                        .entry(name.to_owned())
                        .or_insert_with(|| path.to_owned());
                }
                EntryKind::Link => self.gather_link(disk, &entry.path, name),
                _ => {}
            }
        }
    }

    /// A link to `/dev/null` masks; a link to a unit of another name is an alias and switches it on.
    fn gather_link(&mut self, disk: &dyn Disk, path: &Path, name: &str) {
        let Ok(to) = disk.read_link(path) else { return };
        if to == Path::new("/dev/null") {
            if !self.files.contains_key(name) {
                self.masked.insert(name.to_owned());
            }
            return;
        }
        let target = to.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if target == name {
            self.files
                .entry(name.to_owned())
                .or_insert_with(|| path.to_string_lossy().into_owned());
        } else {
            self.wanted.insert(target.to_owned());
            self.files
                .entry(name.to_owned())
                .or_insert_with(|| path.to_string_lossy().into_owned());
        }
    }
}

/// True for a key or a certificate: that a program is given one says nothing about the directory it lies in.
fn is_key_file(path: &str) -> bool {
    ["key", ".pem", ".crt", ".cer", ".p12", ".jks", "known_hosts"]
        .iter()
        .any(|ending| path.ends_with(ending))
        || path.contains("/id_")
}

/// Adds what `settings` of the service `name` put into its environment; a later value takes an earlier one's place.
fn take_environment(
    disk: &dyn Disk,
    name: &str,
    settings: &crate::settings::Settings,
    given: &mut BTreeMap<String, String>,
) {
    let name = name.strip_suffix(".service").unwrap_or(name);
    let instance = name.split_once('@').map_or("", |(_, instance)| instance);
    for setting in &settings.all {
        if setting.section == "Environment" && !is_secret(&setting.key) {
            given.insert(setting.key.clone(), setting.value.clone());
        } else if setting.key == "EnvironmentFile" {
            let path = setting
                .value
                .trim_start_matches('-')
                .replace("%i", instance);
            given.extend(assignments(disk, &path));
        }
    }
}

/// The variables a file sets, as a shell reads it, without those whose names speak of secrets.
pub(crate) fn assignments_in(text: &str) -> impl Iterator<Item = (String, String)> {
    format::read(Format::Shell, &[], text)
        .all
        .into_iter()
        .filter(|s| s.key != "command" && s.value.len() < 4096 && !is_secret(&s.key))
        .take(4096)
        .map(|s| (s.key, s.value))
}

fn assignments(disk: &dyn Disk, path: &str) -> Vec<(String, String)> {
    let text = text_of(disk, path).unwrap_or_default();
    assignments_in(&text).collect()
}

/// `foo@` of `foo@bar.service`.
fn template(name: &str) -> Option<&str> {
    name.split_once('@').map(|(stem, _)| stem)
}

/// The text of a file, or those of all files in a directory where `path` ends in `/*`.
fn texts_of(disk: &dyn Disk, path: &str) -> Vec<String> {
    let Some(directory) = path.strip_suffix("/*") else {
        return text_of(disk, path).into_iter().collect();
    };
    let entries = disk
        .list(Path::new(directory), ENTRIES_MAX)
        .unwrap_or_default();
    let paths = entries.iter().filter_map(|entry| entry.path.to_str());
    paths.filter_map(|path| text_of(disk, path)).collect()
}

pub(crate) fn text_of(disk: &dyn Disk, path: &str) -> Option<String> {
    let read = disk.read(Path::new(path), FILE_MAX).ok()?;
    decode(&read.bytes).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn machine(disk: FakeDisk) -> Machine {
        Machine::look(&disk, &[])
    }

    const APP: &str = "[Service]\nWorkingDirectory=/opt/app\nEnvironmentFile=-/etc/default/app\nExecStart=/usr/bin/python3 /srv/x/run.py\n[Install]\nWantedBy=multi-user.target\n";

    #[test]
    fn a_unit_owns_what_it_works_in() {
        let disk = FakeDisk::new()
            .file("/etc/systemd/system/app.service", APP)
            .link(
                "/etc/systemd/system/multi-user.target.wants/app.service",
                "/etc/systemd/system/app.service",
            );
        let machine = machine(disk);
        assert!(machine.runs("app.service"));
        for path in [
            "/opt/app/conf/settings.py",
            "/etc/default/app",
            "/srv/x/.env",
        ] {
            assert_eq!(
                machine.component(Path::new(path), &[], true).name,
                Foreign::from("app.service"),
                "{path}"
            );
        }
        assert_eq!(
            machine
                .component(Path::new("/opt/other/.env"), &[], true)
                .class,
            ComponentClass::File
        );
        assert_eq!(
            machine.component(Path::new("/usr/bin/x"), &[], true).class,
            ComponentClass::File
        );
    }

    #[test]
    fn a_unit_switched_off_or_masked_owns_nothing() {
        let off = machine(FakeDisk::new().file("/etc/systemd/system/app.service", APP));
        assert!(!off.runs("app.service"));
        assert_eq!(
            off.component(Path::new("/opt/app/.env"), &[], true).class,
            ComponentClass::File
        );
        let masked = machine(
            FakeDisk::new()
                .link("/etc/systemd/system/app.service", "/dev/null")
                .file("/lib/systemd/system/app.service", APP),
        );
        assert!(!masked.runs("app.service"));
    }

    #[test]
    fn a_timer_switches_its_service_on_and_tells_its_rhythm() {
        let disk = FakeDisk::new()
            .file(
                "/lib/systemd/system/a.service",
                "[Service]\nExecStart=/x\n[Install]\nWantedBy=x\n",
            )
            .file(
                "/lib/systemd/system/a.timer",
                "[Timer]\nOnCalendar=monthly\n[Install]\nWantedBy=timers.target\n",
            )
            .link(
                "/etc/systemd/system/timers.target.wants/a.timer",
                "/lib/systemd/system/a.timer",
            );
        let machine = machine(disk);
        assert!(machine.runs("a.service"));
        assert_eq!(
            machine.rhythm("a.service").map(String::as_str),
            Some("monthly")
        );
    }

    #[test]
    fn settings_of_a_service_that_is_off_are_left_over() {
        let unit = "[Service]\nExecStart=/usr/sbin/x\n[Install]\nWantedBy=multi-user.target\n";
        let disk = FakeDisk::new()
            .file("/lib/systemd/system/relay.service", unit)
            .file("/lib/systemd/system/other.service", unit)
            .file("/lib/systemd/system/called.service", unit)
            .file("/lib/systemd/system/flow.service", unit)
            .file("/lib/systemd/system/flow@.service", unit)
            .file(
                "/etc/systemd/system/own.service",
                "[Service]\nEnvironmentFile=/etc/default/other\n",
            )
            .file(
                "/etc/systemd/system/boss.service",
                "[Unit]\nWants=called.service\n",
            )
            .link(
                "/etc/systemd/system/multi-user.target.wants/flow@a.service",
                "/lib/systemd/system/flow@.service",
            )
            .file("/etc/init.d/old", "")
            .file("/etc/init.d/new", "")
            .file("/etc/rc2.d/S01new", "");
        let machine = machine(disk);
        for path in [
            "/etc/default/relay",
            "/etc/sysconfig/relay",
            "/etc/default/old",
        ] {
            assert!(machine.is_left_over(path), "{path}");
        }
        for path in [
            "/etc/default/other",
            "/etc/default/called",
            "/etc/default/flow",
            "/etc/default/new",
            "/etc/default/locale",
            "/etc/relay",
        ] {
            assert!(!machine.is_left_over(path), "{path}");
        }
    }

    #[test]
    fn upstreams_are_known_whatever_file_they_stand_in() {
        let machine = machine(FakeDisk::new().file(
            "/etc/nginx/conf.d/up.conf",
            "upstream app {\n server a:1;\n}\n",
        ));
        assert!(machine.is_upstream("app"));
        assert!(!machine.is_upstream("a"));
    }
}
