//! All unit files of a machine as one catalogue: who overrides whom, who starts whom. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use groma_model::Foreign;
use groma_model::fact::{Job, Unit};
use groma_model::schedule::{span_seconds, timer_rhythm};

use super::file::{Section, UnitFile, command, expanded, first_word};
use super::names::{drop_in_owners, is_template, template, with_instance_of};
use crate::jobs::command::program;
use crate::text::lossy;

/// Kinds of units that are told; targets and slices only order the others.
const TOLD: &[&str] = &["service", "socket", "timer", "path", "mount", "automount"];

/// Bytes the name of a unit may have (systemd.unit(5)); a longer one is nothing.
const NAME_MAX: usize = 255;
/// Units that are followed: a template that wants instances of itself has no end.
const STARTED_MAX: usize = 10_000;

/// Where something was found: the number of its directory, lower is stronger.
pub(crate) type Rank = usize;

/// What stands under a unit's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// A file with settings.
    Fragment {
        /// The directory it counts for.
        rank: Rank,
        /// Where it stands.
        path: Foreign,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// A link to `/dev/null` or an empty file: it can never be started.
    Masked {
        /// The directory it counts for.
        rank: Rank,
        /// Where it stands.
        path: Foreign,
    },
    /// Another name of a unit.
    Alias(String),
}

/// Everything found in the unit directories. Whoever fills it goes from the strongest directory to the weakest.
#[derive(Default)]
pub(crate) struct Catalogue {
    entries: BTreeMap<String, Entry>,
    drop_ins: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    wants: BTreeMap<String, BTreeSet<String>>,
    requires: BTreeMap<String, BTreeSet<String>>,
}

/// What a catalogue tells, each with the directory it counts for.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) units: Vec<(Rank, Unit)>,
    /// Timers that start at boot.
    pub(crate) jobs: Vec<(Rank, Job)>,
}

impl Catalogue {
    /// Adds what stands under `name`, unless a stronger directory has it.
    pub(crate) fn add(&mut self, name: String, entry: Entry) {
        self.entries.entry(name).or_insert(entry);
    }

    /// True if a stronger directory already has `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Adds a drop-in of `unit`, unless a stronger directory has one of that name.
    pub(crate) fn add_drop_in(&mut self, unit: &str, file: &[u8], bytes: Vec<u8>) {
        self.drop_ins
            .entry(unit.to_owned())
            .or_default()
            .entry(file.to_vec())
            .or_insert(bytes);
    }

    /// True if a stronger directory already has this drop-in.
    pub(crate) fn has_drop_in(&self, unit: &str, file: &[u8]) -> bool {
        self.drop_ins
            .get(unit)
            .is_some_and(|files| files.contains_key(file))
    }

    /// Says that `unit` starts `other` (a link in `unit.wants/` or `unit.requires/`).
    pub(crate) fn link(&mut self, unit: &str, other: &str, required: bool) {
        let links = if required {
            &mut self.requires
        } else {
            &mut self.wants
        };
        links
            .entry(unit.to_owned())
            .or_default()
            .insert(other.to_owned());
    }

    /// The unit a name means, after aliases; a chain that is too long means nothing.
    fn resolved(&self, name: &str) -> Option<String> {
        let mut name = name.to_owned();
        for _ in 0..8 {
            let entry = self
                .entries
                .get(&name)
                .or_else(|| self.entries.get(&template(&name)?));
            match entry? {
                Entry::Alias(other) if *other == name => return None,
                // An alias of a template keeps the instance.
                Entry::Alias(other) => name = with_instance_of(&name, other),
                _ => return Some(name),
            }
        }
        None
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries
            .get(name)
            .or_else(|| self.entries.get(&template(name)?))
    }

    /// A unit with its drop-ins laid over it.
    fn file(&self, name: &str) -> Option<UnitFile> {
        let Entry::Fragment { bytes, .. } = self.entry(name)? else {
            return None;
        };
        let mut file = UnitFile::default();
        file.lay(bytes);
        let mut drop_ins: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
        // The most special directory wins where file names are equal.
        for owner in drop_in_owners(name) {
            for (file, bytes) in self.drop_ins.get(&owner).into_iter().flatten() {
                drop_ins.insert(file, bytes);
            }
        }
        for bytes in drop_ins.into_values() {
            file.lay(bytes);
        }
        Some(file)
    }

    /// Everything that starts at boot, or is started by something that does: sockets, timers and paths count
    /// for what they trigger. Each with its file.
    fn started(&self) -> BTreeSet<String> {
        let mut waiting: VecDeque<String> = ["default.target", "sysinit.target", "basic.target"]
            .iter()
            .filter_map(|name| self.resolved(name))
            .collect();
        if self.resolved("default.target").is_none() {
            waiting.extend(self.resolved("multi-user.target"));
        }
        let mut started: BTreeSet<String> = waiting.iter().cloned().collect();
        while let Some(name) = waiting.pop_front() {
            let Some(file) = self.file(&name) else {
                continue;
            };
            let written = file
                .units(&["Wants", "Requires", "BindsTo", "Upholds"])
                .map(|unit| lossy(&expanded(unit, &name)));
            let triggered = triggers(&name, &file).into_iter();
            let linked = [&self.wants, &self.requires].into_iter().flat_map(|links| {
                let by_template = template(&name).and_then(|t| links.get(&t));
                links
                    .get(&name)
                    .into_iter()
                    .chain(by_template)
                    .flatten()
                    .map(|other| with_instance_of(&name, other))
            });
            for other in written.chain(triggered).chain(linked) {
                if started.len() >= STARTED_MAX {
                    return started;
                }
                if other.len() <= NAME_MAX
                    && let Some(other) = self.resolved(&other)
                    && started.insert(other.clone())
                {
                    waiting.push_back(other);
                }
            }
        }
        started
    }

    /// Units and the jobs of timers that start at boot, each with the rank of the directory it counts for.
    pub(crate) fn facts(&self) -> Told {
        let started = self.started();
        let mut facts = Told::default();
        let named: BTreeSet<&String> = self.entries.keys().chain(&started).collect();
        for name in named {
            let told = name
                .rsplit_once('.')
                .is_some_and(|(_, kind)| TOLD.contains(&kind));
            if !told || is_template(name) {
                continue;
            }
            match self.entry(name) {
                Some(Entry::Masked { rank, path }) => facts.units.push((*rank, masked(name, path))),
                Some(Entry::Fragment { rank, path, .. }) => {
                    let Some(file) = self.file(name) else {
                        continue;
                    };
                    let enabled = started.contains(name);
                    facts
                        .units
                        .push((*rank, self.unit(name, &file, path, enabled)));
                    if enabled && name.ends_with(".timer") {
                        facts.jobs.push((*rank, self.timer_job(name, &file, path)));
                    }
                }
                _ => {}
            }
        }
        facts
    }

    fn unit(&self, name: &str, file: &UnitFile, path: &Foreign, enabled: bool) -> Unit {
        let mut requires: BTreeSet<Foreign> = file
            .units(&["Requires", "BindsTo"])
            .map(|unit| Foreign::from_bytes(expanded(unit, name)))
            .collect();
        requires.extend(
            self.requires
                .get(name)
                .into_iter()
                .flatten()
                .map(|unit| Foreign::from(unit.as_str())),
        );
        Unit {
            name: name.into(),
            enabled,
            description: file
                .last(Section::Unit, "Description")
                .map(|text| lossy(&expanded(text, name))),
            executable: exec(name, file)
                .and_then(|line| first_word(&line))
                .map(Foreign::from_bytes),
            user: file
                .last(Section::Kind, "User")
                .map(|user| Foreign::from_bytes(expanded(user, name))),
            requires: requires.into_iter().collect(),
            file: path.clone(),
        }
    }

    fn timer_job(&self, name: &str, timer: &UnitFile, path: &Foreign) -> Job {
        let service = triggers(name, timer)
            .into_iter()
            .next()
            .and_then(|service| self.resolved(&service));
        let file = service.as_deref().and_then(|service| self.file(service));
        let both = service.as_deref().zip(file.as_ref());
        let schedule = schedule(timer);
        let delay = timer
            .last(Section::Kind, "RandomizedDelaySec")
            .and_then(|value| span_seconds(&lossy(value)));
        Job {
            scheduler: "timer".into(),
            name: name.into(),
            rhythm: timer_rhythm(&schedule).map(str::to_owned),
            schedule,
            user: both
                .and_then(|(_, file)| file.last(Section::Kind, "User"))
                .map(Foreign::from_bytes),
            executable: both.and_then(|(service, file)| program(&exec(service, file)?)),
            file: path.clone(),
            starts: service.as_deref().map(Foreign::from),
            random_delay_seconds: delay.filter(|seconds| *seconds > 0),
            persistent: timer.last(Section::Kind, "Persistent").is_some_and(is_yes),
            ..Job::default()
        }
    }
}

fn masked(name: &str, path: &Foreign) -> Unit {
    Unit {
        name: name.into(),
        enabled: false,
        description: None,
        executable: None,
        user: None,
        requires: Vec::new(),
        file: path.clone(),
    }
}

/// The first command of a service, signs removed.
fn exec(name: &str, file: &UnitFile) -> Option<Vec<u8>> {
    file.all(Section::Kind, "ExecStart")
        .next()
        .map(|value| expanded(command(value), name))
}

/// What a socket, timer, path or automount starts.
fn triggers(name: &str, file: &UnitFile) -> Vec<String> {
    let Some((stem, kind)) = name.rsplit_once('.') else {
        return Vec::new();
    };
    let written = |key: &str| {
        file.last(Section::Kind, key)
            .map(|unit| lossy(&expanded(unit, name)))
    };
    match kind {
        "socket" => vec![written("Service").unwrap_or_else(|| format!("{stem}.service"))],
        "timer" | "path" => vec![written("Unit").unwrap_or_else(|| format!("{stem}.service"))],
        "automount" => vec![format!("{stem}.mount")],
        _ => Vec::new(),
    }
}

/// The schedule of a timer as written.
fn schedule(timer: &UnitFile) -> String {
    let keys = [
        "OnCalendar",
        "OnBootSec",
        "OnStartupSec",
        "OnActiveSec",
        "OnUnitActiveSec",
        "OnUnitInactiveSec",
    ];
    let lines = keys.into_iter().flat_map(|key| {
        let values = timer.all(Section::Kind, key).map(lossy);
        values
            .map(move |value| format!("{key}={value}"))
            .collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// What systemd takes for yes (systemd.syntax(7)).
fn is_yes(value: &[u8]) -> bool {
    [b"1".as_slice(), b"yes", b"true", b"on", b"y", b"t"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(text: &str) -> Entry {
        Entry::Fragment {
            rank: 0,
            path: "/x".into(),
            bytes: text.into(),
        }
    }

    fn catalogue(entries: &[(&str, &str)]) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (name, text) in entries {
            catalogue.add((*name).into(), fragment(text));
        }
        catalogue.add(
            "default.target".into(),
            Entry::Alias("graphical.target".into()),
        );
        catalogue.add(
            "graphical.target".into(),
            fragment("[Unit]\nRequires=multi-user.target\n"),
        );
        catalogue.add(
            "multi-user.target".into(),
            fragment("[Unit]\nRequires=basic.target\n"),
        );
        catalogue.add(
            "basic.target".into(),
            fragment("[Unit]\nWants=timers.target sockets.target\n"),
        );
        catalogue.add("timers.target".into(), fragment("[Unit]\n"));
        catalogue.add("sockets.target".into(), fragment("[Unit]\n"));
        catalogue
    }

    fn enabled(catalogue: &Catalogue) -> Vec<String> {
        catalogue
            .facts()
            .units
            .into_iter()
            .filter(|(_, u)| u.enabled)
            .map(|(_, u)| u.name.lossy().into_owned())
            .collect()
    }

    #[test]
    fn enabled_means_that_something_at_boot_starts_it() {
        let mut c = catalogue(&[
            ("web.service", "[Unit]\nRequires=db.service\n"),
            ("db.service", ""),
            ("idle.service", "[Install]\nWantedBy=multi-user.target\n"),
            ("report.timer", "[Timer]\nOnCalendar=monthly\n"),
            ("report.service", "[Service]\nExecStart=/opt/report\n"),
            ("odd.socket", "[Socket]\nService=even.service\n"),
            ("even.service", ""),
        ]);
        c.link("multi-user.target", "web.service", false);
        c.link("timers.target", "report.timer", false);
        c.link("sockets.target", "odd.socket", false);
        assert_eq!(
            enabled(&c),
            [
                "db.service",
                "even.service",
                "odd.socket",
                "report.service",
                "report.timer",
                "web.service"
            ]
        );
    }

    #[test]
    fn an_instance_is_told_and_its_template_is_not() {
        let mut c = catalogue(&[(
            "vpn@.service",
            "[Unit]\nDescription=Tunnel to %i\n[Service]\nExecStart=/usr/sbin/vpn --config %i.conf\n",
        )]);
        c.link("multi-user.target", "vpn@branch2.service", false);
        c.add_drop_in(
            "vpn@.service",
            b"user.conf",
            b"[Service]\nUser=vpn\n".to_vec(),
        );
        let units = c.facts().units;
        assert_eq!(units.len(), 1);
        let unit = &units[0].1;
        assert_eq!(
            (
                unit.name.clone(),
                unit.description.as_deref(),
                unit.user.clone()
            ),
            (
                "vpn@branch2.service".into(),
                Some("Tunnel to branch2"),
                Some("vpn".into())
            )
        );
        assert_eq!(unit.executable, Some("/usr/sbin/vpn".into()));
    }

    #[test]
    fn a_template_that_wants_more_of_itself_ends() {
        let wants = "[Unit]\nWants=a@%i-1.service a@%i-2.service\n";
        let mut c = catalogue(&[("a@.service", wants), ("b.service", "")]);
        c.link("multi-user.target", "a@x.service", false);
        c.link("multi-user.target", "b.service", false);
        let started = c.started();
        assert!(started.len() <= STARTED_MAX && started.iter().all(|n| n.len() <= NAME_MAX));
        assert!(started.contains("a@x-1.service") && started.contains("b.service"));
    }

    #[test]
    fn a_masked_unit_is_never_started() {
        let mut c = Catalogue::default();
        c.add(
            "old.service".into(),
            Entry::Masked {
                rank: 0,
                path: "/etc/systemd/system/old.service".into(),
            },
        );
        c.add(
            "old.service".into(),
            fragment("[Service]\nExecStart=/opt/old\n"),
        );
        c.add("multi-user.target".into(), fragment(""));
        c.link("multi-user.target", "old.service", false);
        let units = c.facts().units;
        assert_eq!(
            (
                units.len(),
                units[0].1.enabled,
                units[0].1.executable.clone()
            ),
            (1, false, None)
        );
    }

    #[test]
    fn an_alias_is_its_unit_and_a_circle_is_nothing() {
        let mut c = catalogue(&[("ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")]);
        c.add("sshd.service".into(), Entry::Alias("ssh.service".into()));
        c.add("a.service".into(), Entry::Alias("b.service".into()));
        c.add("b.service".into(), Entry::Alias("a.service".into()));
        c.link("multi-user.target", "sshd.service", false);
        c.link("multi-user.target", "a.service", false);
        assert_eq!(enabled(&c), ["ssh.service"]);
        assert_eq!(c.facts().units.len(), 1);
    }

    #[test]
    fn a_timer_that_starts_is_a_job_and_one_that_does_not_is_none() {
        let mut c = catalogue(&[
            (
                "report.timer",
                "[Timer]\nOnBootSec=15min\nOnUnitActiveSec=1d\n",
            ),
            (
                "report.service",
                "[Service]\nUser=report\nExecStart=/bin/sh -c 'cd /x && exec /opt/report --key=s3cr3t'\n",
            ),
            ("never.timer", "[Timer]\nOnCalendar=daily\n"),
            ("never.service", ""),
        ]);
        c.link("timers.target", "report.timer", false);
        let jobs = c.facts().jobs;
        assert_eq!(jobs.len(), 1);
        let job = &jobs[0].1;
        assert_eq!(
            (job.schedule.as_str(), job.rhythm.as_deref()),
            ("OnBootSec=15min; OnUnitActiveSec=1d", Some("daily"))
        );
        assert_eq!(
            (job.user.clone(), job.executable.clone()),
            (Some("report".into()), Some("/opt/report".into()))
        );
    }
}
