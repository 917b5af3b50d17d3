//! The settings of a guest: `key: value`, out of an answer or out of its file (qm.conf(5), pct.conf(5)).

use std::collections::BTreeMap;

use groma_model::virtualization::GuestSnapshot;
use groma_model::{Foreign, Timestamp};
use serde_json::Value;

use crate::json;

/// Most settings of a guest, and snapshots of one.
const SETTINGS_MAX: usize = 2_000;
const SNAPSHOTS_MAX: usize = 1_000;
/// Longest line of a file.
const LINE_MAX: usize = 16 << 10;

/// What a file may hold beyond settings of a guest: somebody's words, and secrets for its first start.
const NEVER_KEPT: &[&str] = &["description", "cipassword", "sshkeys", "ciuser", "cicustom"];

/// The settings of a guest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
    /// As the file tells them; an answer tells them apart.
    pub(crate) snapshots: Vec<GuestSnapshot>,
}

impl Settings {
    /// Out of an answer: an object of texts and numbers.
    pub(crate) fn of_answer(answer: &Value) -> Self {
        let mut settings = Self::default();
        for (key, value) in answer.as_object().into_iter().flatten() {
            if let Some(text) = json::as_text(value) {
                settings.keep(key, &text);
            }
        }
        settings
    }

    /// Out of a file. `[name]` begins a snapshot; sections of changes that wait (`[PENDING]`) and of the system (`[special:…]`)
    /// are passed over.
    pub(crate) fn of_file(text: &str) -> Self {
        let (mut settings, mut section) = (Self::default(), Section::Guest);
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| line.len() <= LINE_MAX && !line.starts_with('#')) {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                section = settings.section(name);
            } else if let Some((key, value)) = line.split_once(':') {
                settings.take(section, key.trim(), value.trim());
            }
        }
        let parent = settings.value("parent").map(str::to_owned);
        settings.settle(parent.as_deref());
        settings
    }

    fn section(&mut self, name: &str) -> Section {
        let is_snapshot = name != "PENDING" && name != "pve:pending" && !name.contains(':');
        if !is_snapshot || self.snapshots.len() >= SNAPSHOTS_MAX {
            return Section::Passed;
        }
        self.snapshots.push(GuestSnapshot {
            name: Foreign::from(name),
            ..GuestSnapshot::default()
        });
        Section::Snapshot
    }

    fn take(&mut self, section: Section, key: &str, value: &str) {
        match (section, self.snapshots.last_mut()) {
            (Section::Guest, _) => self.keep(key, value),
            (Section::Snapshot, Some(snapshot)) => match key {
                "snaptime" => snapshot.taken_at = value.parse().ok().map(Timestamp::from_seconds),
                "vmstate" => snapshot.with_memory = !value.is_empty() && value != "0",
                _ => {}
            },
            _ => {}
        }
    }

    fn keep(&mut self, key: &str, value: &str) {
        let room = self.values.len() < SETTINGS_MAX;
        if let (true, false, Some(value)) = (room, NEVER_KEPT.contains(&key), json::short(value)) {
            self.values.insert(key.to_owned(), value);
        }
    }

    /// Oldest first; the guest goes on from `parent`.
    pub(crate) fn settle(&mut self, parent: Option<&str>) {
        for snapshot in &mut self.snapshots {
            snapshot.current = parent.is_some() && snapshot.name.as_str() == parent;
        }
        let moment = |snapshot: &GuestSnapshot| snapshot.taken_at.map(Timestamp::millis);
        self.snapshots
            .sort_by(|a, b| (moment(a), &a.name).cmp(&(moment(b), &b.name)));
    }

    /// The text of `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The number of `key`.
    pub(crate) fn number<N: std::str::FromStr>(&self, key: &str) -> Option<N> {
        self.value(key)?.parse().ok()
    }

    /// The yes or no of `key`.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        json::yes(self.value(key)?)
    }

    /// `word0`, `word1`, … with their values, by number.
    pub(crate) fn numbered(&self, word: &str) -> Vec<(String, &str)> {
        let mut found: Vec<(u32, String, &str)> = self
            .values
            .iter()
            .filter_map(|(key, value)| {
                let digits = key.strip_prefix(word)?;
                let plain =
                    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
                let number = digits.parse().ok().filter(|_| plain)?;
                Some((number, key.clone(), value.as_str()))
            })
            .collect();
        found.sort();
        found
            .into_iter()
            .map(|(_, key, value)| (key, value))
            .collect()
    }
}

/// Where a line of a file belongs.
#[derive(Clone, Copy)]
enum Section {
    Guest,
    Snapshot,
    Passed,
}
