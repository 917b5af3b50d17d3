//! Backup jobs (`/cluster/backup`): a fact for each guest that a job copies.

use std::collections::BTreeSet;

use groma_model::fact::BackupJob;
use groma_model::virtualization::{Guest, GuestSort};
use groma_model::{Foreign, Peer};
use serde_json::Value;

use super::settings::Settings;
use super::storage::Stores;
use super::{disk, id_of};
use crate::Read;
use crate::json::{flag, text};

/// Where jobs stand on every node of a cluster.
const FILE: &str = "/etc/pve/jobs.cfg";

/// A job as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    id: String,
    is_on: bool,
    takes: Taken,
    excluded: BTreeSet<u32>,
    node: Option<String>,
    storage: Option<String>,
    schedule: Option<String>,
}

/// Which guests a job takes.
#[derive(Clone, Debug, Default)]
enum Taken {
    #[default]
    Nobody,
    All,
    Pool(String),
    These(BTreeSet<u32>),
}

impl Job {
    /// One entry of `/cluster/backup`. `None` for a job of another kind.
    pub(crate) fn of(entry: &Value) -> Option<Self> {
        if text(entry, "type").is_some_and(|kind| kind != "vzdump") {
            return None;
        }
        let takes = match (text(entry, "vmid"), text(entry, "pool"), flag(entry, "all")) {
            (_, _, Some(true)) => Taken::All,
            (_, Some(pool), _) => Taken::Pool(pool),
            (Some(list), _, _) => Taken::These(numbers(&list)),
            _ => Taken::Nobody,
        };
        Some(Self {
            id: text(entry, "id").unwrap_or_default(),
            is_on: flag(entry, "enabled") != Some(false),
            takes,
            excluded: numbers(&text(entry, "exclude").unwrap_or_default()),
            node: text(entry, "node"),
            storage: text(entry, "storage").or_else(|| text(entry, "dumpdir")),
            schedule: text(entry, "schedule").or_else(|| old_schedule(entry)),
        })
    }

    fn copies(&self, guest: &Guest) -> bool {
        let Some(id) = id_of(&guest.key) else {
            return false;
        };
        let taken = match &self.takes {
            Taken::Nobody => false,
            Taken::All => true,
            Taken::Pool(pool) => {
                guest.folder.as_ref().and_then(Foreign::as_str) == Some(pool.as_str())
            }
            Taken::These(these) => these.contains(&id),
        };
        let here = self.node.is_none() || self.node == guest.host;
        taken && here && !self.excluded.contains(&id)
    }

    /// The fact for `guest`, if the job copies it. A guest whom nobody on the network could know is told as such.
    pub(crate) fn tell(
        &self,
        guest: &Guest,
        settings: Option<&Settings>,
        stores: &Stores,
        read: &mut Read,
    ) {
        if guest.sort == GuestSort::Template || !self.copies(guest) {
            return;
        }
        let Some(of) = known_as(guest) else {
            let (job, key) = (&self.id, &guest.key);
            read.untold.push(format!(
                "backup job {job:?}: {key} has no name and no address that others could know it by"
            ));
            return;
        };
        let excludes = left_out(guest, settings);
        let whole = guest.sort == GuestSort::Container || (excludes.is_empty() && is_unix(guest));
        read.facts.push(groma_model::Fact::BackupJob(BackupJob {
            product: "vzdump".to_owned(),
            name: Foreign::from(self.id.as_str()),
            // Where a disk is left out, or paths have drive letters, nobody here knows what lies on which disk.
            covers: if whole {
                vec![Foreign::from("/")]
            } else {
                Vec::new()
            },
            excludes,
            databases: Vec::new(),
            target: self.storage.as_deref().map(Foreign::from),
            peer: self
                .storage
                .as_ref()
                .and_then(|store| stores.target(store))
                .cloned(),
            of: Some(of),
            schedule: self.schedule.clone(),
            rhythm: self.schedule.as_deref().and_then(rhythm).map(str::to_owned),
            unscheduled: !self.is_on,
            file: Foreign::from(FILE),
            line: 0,
        }));
    }
}

/// What it calls itself, what it is called here, or its first address.
fn known_as(guest: &Guest) -> Option<Peer> {
    let told = guest.host_name.clone().map(Peer::Name);
    let named = || guest.name.as_str().and_then(Peer::parse);
    let address = || guest.addresses().next().map(Peer::Address);
    told.or_else(named).or_else(address)
}

/// Disks of a machine, paths of a container.
fn left_out(guest: &Guest, settings: Option<&Settings>) -> Vec<Foreign> {
    match (guest.sort, settings) {
        (GuestSort::Container, Some(settings)) => disk::left_out_paths(settings),
        _ => {
            let out = guest.disks.iter().filter(|disk| disk.left_out_of_backup);
            out.map(|disk| Foreign::from(disk.name.as_str())).collect()
        }
    }
}

fn is_unix(guest: &Guest) -> bool {
    let os = guest.configured_os.as_deref().unwrap_or_default();
    matches!(os, "l24" | "l26" | "solaris")
}

fn numbers(list: &str) -> BTreeSet<u32> {
    let parts = list.split([',', ';', ' ']);
    parts.filter_map(|part| part.trim().parse().ok()).collect()
}

/// Until version 7: a time and days.
fn old_schedule(entry: &Value) -> Option<String> {
    let time = text(entry, "starttime")?;
    match text(entry, "dow") {
        Some(days) if days.split(',').count() < 7 => Some(format!("{days} {time}")),
        _ => Some(time),
    }
}

/// `daily` for `21:00` and `mon..sun 21:00`, `weekly` for `sun 01:00`, `hourly` for `*:00`. `None` where it is another one.
fn rhythm(schedule: &str) -> Option<&'static str> {
    let schedule = schedule.trim().to_ascii_lowercase();
    if let Some(word) = ["hourly", "daily", "weekly", "monthly"]
        .into_iter()
        .find(|word| schedule == *word)
    {
        return Some(word);
    }
    let is_clock = |text: &str| {
        text.contains(':')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b':')
    };
    let is_day = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match *schedule.split_whitespace().collect::<Vec<_>>() {
        [clock] if is_clock(clock) => Some("daily"),
        ["mon..sun", clock] if is_clock(clock) => Some("daily"),
        [day, clock] if is_day(day) && is_clock(clock) => Some("weekly"),
        [clock]
            if clock
                .strip_prefix("*:")
                .is_some_and(|minute| minute.bytes().all(|b| b.is_ascii_digit())) =>
        {
            Some("hourly")
        }
        _ => None,
    }
}
