//! What a host is made of and what runs on it, part by part.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{
    Account, ComponentClass, Container, FileSystem, Hardware, Job, OperatingSystem, Unit,
};
use groma_model::inventory::{Attributes, Entity, JobEntry};
use groma_model::{DependencyId, EntityId};

use crate::change::{Area, Change, Class, Detail};
use crate::pair::{Index, Pair};

/// Memory the firmware takes differs by a little from boot to boot; a module makes more than this, in percent.
const MEMORY_PERCENT: u64 = 3;

/// One part that is different, before it is put under its host.
struct Part {
    class: Class,
    area: Area,
    says: String,
    details: Vec<Detail>,
    act: Option<&'static str>,
}

/// The lines about the parts of hosts that were watched on both sides. `said` are the lines there are
/// already: a remote mount or a job that is a need is not listed twice.
pub(crate) fn changes(pair: &Pair<'_>, said: &[Change]) -> Vec<Change> {
    let hosts = pair.both().filter(|(b, a)| b.has_agent && a.has_agent);
    let needs = said.iter().filter(|c| c.area == Area::Dependency);
    let spoken_of: BTreeSet<&EntityId> = needs.flat_map(|c| &c.entities).collect();
    let told = Told::of(pair, said);
    hosts
        .flat_map(|(b, a)| host(b, a, spoken_of.contains(&a.id), &told))
        .collect()
}

/// The lines about jobs that [`changes`] leaves to the lines about their needs, where no line among those of `said` that
/// `is_told` speaks of one.
pub(crate) fn jobs_left(
    pair: &Pair<'_>,
    said: &[Change],
    is_told: impl Fn(&Change) -> bool,
) -> Vec<Change> {
    let all = Told::of(pair, said);
    let told = Told::of(pair, said.iter().filter(|c| is_told(c)));
    let [new, gone] = [(&all.new, &told.new), (&all.gone, &told.gone)];
    let left = new.0.difference(new.1).chain(gone.0.difference(gone.1));
    let hosts: BTreeSet<&EntityId> = left.map(|(host, _)| *host).collect();
    let there = pair.both().filter(|(b, a)| b.has_agent && a.has_agent);
    let there = there.filter(|(_, after)| hosts.contains(&after.id));
    let lines = there.flat_map(|(before, after)| {
        let (b, a) = (&before.attributes.jobs, &after.attributes.jobs);
        let has_line = jobs(b, a, &after.id, &all);
        let has_line: BTreeSet<_> = has_line.into_iter().map(|p| (p.class, p.says)).collect();
        let parts = jobs(b, a, &after.id, &told).into_iter();
        let parts = parts.filter(move |p| !has_line.contains(&(p.class, p.says.clone())));
        parts.map(|part| part.on(before, after))
    });
    lines.collect()
}

/// Jobs whose need is a line: who reads of the need reads of the job.
struct Told<'a> {
    new: BTreeSet<JobOf<'a>>,
    gone: BTreeSet<JobOf<'a>>,
}

/// A machine, and the name of a job on it.
type JobOf<'a> = (&'a EntityId, String);

impl<'a> Told<'a> {
    fn of<'s>(pair: &Pair<'a>, said: impl IntoIterator<Item = &'s Change>) -> Self {
        let said: Vec<&Change> = said.into_iter().collect();
        Self {
            new: jobs_of(&said, Class::Added, &pair.after),
            gone: jobs_of(&said, Class::Removed, &pair.before),
        }
    }

    /// True if a line about a need speaks of all jobs that are called so.
    fn all(&self, part: &Part, host: &EntityId, gone: &[Job], new: &[Job]) -> bool {
        let (jobs, told) = match part.class {
            Class::Added => (new, &self.new),
            Class::Removed => (gone, &self.gone),
            _ => return false,
        };
        let mut called = jobs.iter().filter(|j| job_name(j) == part.says);
        called.all(|j| told.contains(&(host, j.name.to_string())))
    }
}

fn jobs_of<'a>(said: &[&Change], class: Class, side: &Index<'a>) -> BTreeSet<JobOf<'a>> {
    let needs = said
        .iter()
        .filter(|c| c.area == Area::Dependency && c.class == class);
    let needs = needs.filter_map(|c| {
        side.dependencies
            .get(&DependencyId::new(c.id.as_str()))
            .copied()
    });
    let jobs = needs.filter(|d| d.consumer.component.class == ComponentClass::ScheduledJob);
    jobs.map(|d| (&d.consumer.entity, d.consumer.component.name.to_string()))
        .collect()
}

fn host(before: &Entity, after: &Entity, spoken_of: bool, told: &Told<'_>) -> Vec<Change> {
    let (b, a) = (&before.attributes, &after.attributes);
    let mut parts = Vec::new();
    parts.extend(operating_system(
        b.operating_system.as_ref(),
        a.operating_system.as_ref(),
    ));
    parts.extend(hardware(b.hardware.as_ref(), a.hardware.as_ref()));
    parts.extend(
        file_systems(b, a)
            .into_iter()
            .filter(|(remote, _)| !(*remote && spoken_of))
            .map(|(_, part)| part),
    );
    parts.extend(keyed(
        Area::Unit,
        &b.units,
        &a.units,
        |u| u.name.to_string(),
        unit,
    ));
    parts.extend(jobs(&b.jobs, &a.jobs, &after.id, told));
    parts.extend(keyed(
        Area::Container,
        &b.containers,
        &a.containers,
        container_name,
        container,
    ));
    parts.extend(accounts(&b.accounts, &a.accounts));
    parts.extend(packages(&b.packages, &a.packages));
    parts
        .into_iter()
        .map(|part| part.on(before, after))
        .collect()
}

impl Part {
    fn changed(area: Area, says: impl Into<String>, details: Vec<Detail>) -> Option<Self> {
        let part = Self {
            class: Class::Changed,
            area,
            says: says.into(),
            details,
            act: None,
        };
        (!part.details.is_empty()).then_some(part)
    }

    fn on(self, before: &Entity, after: &Entity) -> Change {
        let few = |e: &Entity| e.evidence.get(..1).unwrap_or_default().to_vec();
        let change = Change::new(
            self.class,
            self.area,
            &after.name,
            after.id.as_str(),
            self.says,
        );
        change
            .details(self.details)
            .act(self.act)
            .involves([&after.id])
            .because(&[&few(before), &few(after)])
    }
}

/// Compares two lists of things with a name: who is new, who is gone, whose fields differ.
fn keyed<T>(
    area: Area,
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> String,
    fields: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Vec<Part> {
    let index = |items: &[T]| -> BTreeMap<String, Vec<(&'static str, String)>> {
        items.iter().map(|i| (name(i), fields(i))).collect()
    };
    let (before, after) = (index(before), index(after));
    let one_sided = |class, says: &String| Part {
        class,
        area,
        says: says.clone(),
        details: Vec::new(),
        act: None,
    };
    let gone = before
        .keys()
        .filter(|k| !after.contains_key(*k))
        .map(|k| one_sided(Class::Removed, k));
    let new = after
        .keys()
        .filter(|k| !before.contains_key(*k))
        .map(|k| one_sided(Class::Added, k));
    let kept = before.iter().filter_map(|(key, b)| {
        let a = after.get(key)?;
        let differ = b
            .iter()
            .zip(a)
            .filter_map(|((what, b), (_, a))| Detail::of(what, Some(b.clone()), Some(a.clone())));
        Part::changed(area, key.clone(), differ.collect())
    });
    gone.chain(new).chain(kept).collect()
}

fn operating_system(
    before: Option<&OperatingSystem>,
    after: Option<&OperatingSystem>,
) -> Option<Part> {
    let (b, a) = (before?, after?);
    let same = |what, b: &str, a: &str| Detail::of(what, Some(b.to_owned()), Some(a.to_owned()));
    let virtualization = Detail::known(
        "virtualization",
        b.virtualization.clone(),
        a.virtualization.clone(),
    );
    let details = [
        same("system", &b.pretty_name, &a.pretty_name),
        same("version", &b.version, &a.version),
        same("kernel", &b.kernel, &a.kernel),
    ];
    let details = details
        .into_iter()
        .chain([virtualization])
        .flatten()
        .collect();
    Part::changed(Area::OperatingSystem, a.pretty_name.as_str(), details)
}

fn hardware(before: Option<&Hardware>, after: Option<&Hardware>) -> Option<Part> {
    let (b, a) = (before?, after?);
    let known =
        |what, b: &Option<String>, a: &Option<String>| Detail::known(what, b.clone(), a.clone());
    let mut details: Vec<Detail> = Vec::new();
    details.extend(known("maker", &b.vendor, &a.vendor));
    details.extend(known("product", &b.product, &a.product));
    details.extend(known("firmware", &b.firmware, &a.firmware));
    details.extend(known("firmware date", &b.firmware_date, &a.firmware_date));
    details.extend(known("processor", &b.processor, &a.processor));
    details.extend(Detail::of(
        "processors",
        Some(b.processors.to_string()),
        Some(a.processors.to_string()),
    ));
    let margin = b.memory_bytes / 100 * MEMORY_PERCENT;
    if b.memory_bytes.abs_diff(a.memory_bytes) > margin {
        details.extend(Detail::of(
            "memory",
            Some(size(b.memory_bytes)),
            Some(size(a.memory_bytes)),
        ));
    }
    let disk = |d: &groma_model::fact::Disk| format!("{} of {}", d.name, size(d.bytes));
    let disks = |h: &Hardware| -> Vec<String> {
        h.disks
            .iter()
            .map(disk)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    details.extend(Detail::members("disk", &disks(b), &disks(a)));
    Part::changed(Area::Hardware, "hardware and firmware", details)
}

/// `512 MiB`, `1.8 TiB`: the largest unit that leaves a number above one.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if tenths % 10 == 0 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

/// Each part with whether the file system lives on another machine.
fn file_systems(before: &Attributes, after: &Attributes) -> Vec<(bool, Part)> {
    let split = |remote: bool| {
        let of = |list: &[FileSystem]| -> Vec<FileSystem> {
            list.iter()
                .filter(|f| f.remote.is_some() == remote)
                .cloned()
                .collect()
        };
        let fields = |f: &FileSystem| {
            vec![
                ("device", f.device.to_string()),
                ("type", f.kind.clone()),
                ("size", f.bytes.map_or_else(|| "not asked".to_owned(), size)),
            ]
        };
        let parts = keyed(
            Area::FileSystem,
            &of(&before.file_systems),
            &of(&after.file_systems),
            |f| f.mount_point.to_string(),
            fields,
        );
        parts.into_iter().map(move |part| (remote, part))
    };
    split(false).chain(split(true)).collect()
}

fn unit(unit: &Unit) -> Vec<(&'static str, String)> {
    let text = |f: &Option<groma_model::Foreign>| {
        f.as_ref()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    let requires: BTreeSet<String> = unit.requires.iter().map(ToString::to_string).collect();
    vec![
        (
            "starts at boot",
            if unit.enabled { "yes" } else { "no" }.to_owned(),
        ),
        ("program", text(&unit.executable)),
        ("account", text(&unit.user)),
        (
            "requires",
            requires.into_iter().collect::<Vec<_>>().join(" "),
        ),
    ]
}

/// A cron job is called by file and line; when a line above comes or goes, it is still the same job.
fn jobs(before: &[JobEntry], after: &[JobEntry], host: &EntityId, told: &Told<'_>) -> Vec<Part> {
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) = (numbered(before), numbered(after));
    let gone: Vec<Job> = before
        .iter()
        .filter(|(k, _)| !after.contains_key(*k))
        .map(|(_, j)| (*j).clone())
        .collect();
    let new: Vec<Job> = after
        .iter()
        .filter(|(k, _)| !before.contains_key(*k))
        .map(|(_, j)| (*j).clone())
        .collect();
    let text = |f: &Option<groma_model::Foreign>| {
        f.as_ref()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    let fields = |j: &Job| {
        vec![
            ("schedule", j.schedule.clone()),
            ("account", text(&j.user)),
            ("scheduler", j.scheduler.clone()),
        ]
    };
    let mut parts = keyed(Area::Job, &gone, &new, job_name, fields);
    parts.retain(|part| !told.all(part, host, &gone, &new));
    parts
}

fn job_name(job: &Job) -> String {
    match &job.executable {
        Some(program) => format!("{program} in {}", job.file),
        None => job.name.to_string(),
    }
}

/// Jobs by everything but their name; equal ones are told apart by their number.
fn numbered(jobs: &[JobEntry]) -> BTreeMap<(String, usize), &Job> {
    let mut sorted: Vec<&Job> = jobs.iter().map(|entry| &entry.job).collect();
    let key = |j: &Job| {
        format!(
            "{} {} {:?} {:?} {}",
            j.scheduler, j.schedule, j.user, j.executable, j.file
        )
    };
    sorted.sort_by_key(|j| (key(j), j.name.clone()));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbered = BTreeMap::new();
    for job in sorted {
        let count = seen.entry(key(job)).or_insert(0);
        *count += 1;
        numbered.insert((key(job), *count), job);
    }
    numbered
}

/// Its id changes with every start, its name or image does not.
fn container_name(container: &Container) -> String {
    let name = container.name.as_ref().or(container.image.as_ref());
    format!(
        "{} ({})",
        name.map_or_else(|| "unnamed".to_owned(), ToString::to_string),
        container.runtime
    )
}

fn container(container: &Container) -> Vec<(&'static str, String)> {
    let image = container
        .image
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let ports: Vec<String> = container
        .ports
        .iter()
        .map(|p| format!("{}:{}/{}", p.port, p.inner, p.transport))
        .collect();
    vec![
        ("image", image),
        (
            "running",
            if container.running { "yes" } else { "no" }.to_owned(),
        ),
        ("networks", container.networks.join(", ")),
        ("ports", ports.join(", ")),
        ("restart", container.restart.clone().unwrap_or_default()),
    ]
}

fn accounts(before: &[Account], after: &[Account]) -> Vec<Part> {
    let login = |a: &Account| {
        if a.can_log_in {
            "can log in"
        } else {
            "cannot log in"
        }
        .to_owned()
    };
    let text = |f: &Option<groma_model::Foreign>| {
        f.as_ref()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    let fields = |a: &Account| {
        vec![
            ("log-in", login(a)),
            ("id", a.id.clone()),
            ("home", text(&a.home)),
            ("shell", text(&a.shell)),
        ]
    };
    let mut parts = keyed(Area::Account, before, after, |a| a.name.to_string(), fields);
    let can = |says: &String| {
        after
            .iter()
            .any(|a| a.can_log_in && a.name.to_string() == *says)
    };
    let opened = |p: &Part| {
        p.class == Class::Added
            || p.details
                .iter()
                .any(|d| d.what == "log-in" || d.what == "id")
    };
    for part in &mut parts {
        if opened(part) && can(&part.says) {
            part.act = Some("make sure that this log-in is meant");
        }
    }
    parts
}

/// All packages of a host are one line: an upgrade touches hundreds.
fn packages(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Option<Part> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = names
        .into_iter()
        .filter_map(|name| Detail::of(name, before.get(name).cloned(), after.get(name).cloned()));
    let details: Vec<Detail> = differ.collect();
    let count = |keep: fn(&Detail) -> bool| details.iter().filter(|d| keep(d)).count();
    let numbers = [
        (count(|d| d.before.is_none()), "installed"),
        (count(|d| d.after.is_none()), "removed"),
        (
            count(|d| d.before.is_some() && d.after.is_some()),
            "at another version",
        ),
    ];
    let said: Vec<String> = numbers
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    Part::changed(Area::Package, said.join(", "), details)
}
