//! Which of the machines that agents look at from inside is which of the things a platform tells of.
//!
//! Four marks are compared: the SMBIOS UUID in either byte order, the set of MAC addresses, the names, and the addresses.
//! A UUID that several have (clones, copies that kept it) proves nothing without a second mark, and neither does a set of MAC
//! addresses. Marks that contradict each other join nothing: two with different UUIDs are two, whatever else they share, and so
//! are two with one UUID and no MAC address in common, unless name and address agree (then a card was replaced).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What one side knows a machine by. Names are short and in lower case; addresses those that are its own alone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Marks {
    /// In either byte order; `None` where it belongs to the kernel's machine and not to this one, as in a container.
    pub(crate) uuid: Option<String>,
    pub(crate) macs: BTreeSet<String>,
    /// What the platform calls it: told by the platform on one side, by the host to its guest on the other.
    pub(crate) id: Option<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// False for one that was seen not to run.
    pub(crate) runs: bool,
    /// False for one that the newest look did not see again: it makes no mark of another one common.
    pub(crate) current: bool,
}

/// What came of one thing a platform tells of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is that machine, by these marks.
    Is(usize, String),
    /// It might be that machine by one mark, and is not by another.
    Contradicted(usize, String),
    /// Several machines might be it, and nothing tells which.
    Ambiguous(Vec<usize>),
    /// No machine is like it.
    Alone,
}

/// For each of `told`, which of `watched` it is. A machine is at most one thing.
pub(crate) fn pair(told: &[Marks], watched: &[Marks]) -> Vec<Verdict> {
    let known = Known::new(told, watched);
    let mut verdicts = vec![Verdict::Alone; told.len()];
    let mut candidates = Vec::new();
    for (at, marks) in told.iter().enumerate() {
        for to in known.candidates(marks) {
            let Some(machine) = watched.get(to) else {
                continue;
            };
            match known.compare(marks, machine) {
                Compared::Same { weight, by } => candidates.push(Candidate { weight, at, to, by }),
                Compared::Contradicts(why) => {
                    if let Some(verdict) = verdicts.get_mut(at) {
                        *verdict = Verdict::Contradicted(to, why);
                    }
                }
                Compared::Different => {}
            }
        }
    }
    settle(candidates, &mut verdicts);
    verdicts
}

/// A pair that may be one machine; the heavier the likelier.
struct Candidate {
    weight: u32,
    at: usize,
    to: usize,
    by: String,
}

/// From the heaviest down: a pair is one machine if neither side has another partner of the same weight that is still free.
fn settle(mut candidates: Vec<Candidate>, verdicts: &mut [Verdict]) {
    candidates.sort_by_key(|one| (std::cmp::Reverse(one.weight), one.at, one.to));
    let (mut told, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for level in candidates.chunk_by(|one, other| one.weight == other.weight) {
        let free: Vec<&Candidate> = level
            .iter()
            .filter(|one| !told.contains(&one.at) && !taken.contains(&one.to))
            .collect();
        let mut of_told: BTreeMap<usize, usize> = BTreeMap::new();
        let mut of_watched: BTreeMap<usize, usize> = BTreeMap::new();
        for one in &free {
            *of_told.entry(one.at).or_default() += 1;
            *of_watched.entry(one.to).or_default() += 1;
        }
        for one in free {
            let alone = of_told.get(&one.at) == Some(&1) && of_watched.get(&one.to) == Some(&1);
            let Some(verdict) = verdicts.get_mut(one.at) else {
                continue;
            };
            told.insert(one.at);
            // Nobody weaker gets what two are in doubt about.
            taken.insert(one.to);
            if alone {
                *verdict = Verdict::Is(one.to, one.by.clone());
                continue;
            }
            match verdict {
                Verdict::Ambiguous(several) => several.push(one.to),
                _ => *verdict = Verdict::Ambiguous(vec![one.to]),
            }
        }
    }
}

/// What two sides say of each other.
enum Compared {
    Same { weight: u32, by: String },
    Contradicts(String),
    Different,
}

/// How two marks of a kind stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agree {
    /// Both have it, and it is the same.
    All,
    /// Both have it, and some of it is the same.
    Some,
    /// Both have it, and nothing is the same.
    None,
    /// One side does not have it.
    Untold,
}

/// How often each mark occurs, and on whom of the watched.
struct Known<'a> {
    uuids: BTreeMap<&'a str, Vec<usize>>,
    macs: BTreeMap<&'a str, Vec<usize>>,
    ids: BTreeMap<&'a str, Vec<usize>>,
    addresses: BTreeMap<IpAddr, Vec<usize>>,
    /// UUIDs and MAC addresses that more than one of a side has.
    common: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(told: &'a [Marks], watched: &'a [Marks]) -> Self {
        let mut known = Self {
            uuids: BTreeMap::new(),
            macs: BTreeMap::new(),
            ids: BTreeMap::new(),
            addresses: BTreeMap::new(),
            common: BTreeSet::new(),
        };
        for (at, marks) in watched.iter().enumerate() {
            if let Some(uuid) = &marks.uuid {
                known.uuids.entry(uuid).or_default().push(at);
            }
            if let Some(id) = &marks.id {
                known.ids.entry(id).or_default().push(at);
            }
            for mac in &marks.macs {
                known.macs.entry(mac).or_default().push(at);
            }
            for address in &marks.addresses {
                known.addresses.entry(*address).or_default().push(at);
            }
        }
        for side in [told, watched] {
            let mut seen = BTreeSet::new();
            let all = side
                .iter()
                .filter(|marks| marks.current)
                .flat_map(|marks| marks.uuid.iter().chain(&marks.macs));
            let twice = all.filter(|mark| !seen.insert(mark.as_str()));
            known
                .common
                .extend(twice.map(String::as_str).collect::<Vec<_>>());
        }
        known
    }

    /// Those that share a mark other than a name.
    fn candidates(&self, marks: &Marks) -> BTreeSet<usize> {
        let uuid = marks
            .uuid
            .iter()
            .filter_map(|uuid| self.uuids.get(uuid.as_str()));
        let id = marks.id.iter().filter_map(|id| self.ids.get(id.as_str()));
        let macs = marks
            .macs
            .iter()
            .filter_map(|mac| self.macs.get(mac.as_str()));
        let addresses = marks
            .addresses
            .iter()
            .filter_map(|at| self.addresses.get(at));
        let all = uuid.chain(id).chain(macs).chain(addresses);
        all.flatten().copied().collect()
    }

    fn is_own(&self, mark: &str) -> bool {
        !self.common.contains(mark)
    }

    fn compare(&self, told: &Marks, watched: &Marks) -> Compared {
        let uuid = match (&told.uuid, &watched.uuid) {
            (Some(one), Some(other)) if one == other => Agree::All,
            (Some(_), Some(_)) => Agree::None,
            _ => Agree::Untold,
        };
        let macs = agree(&told.macs, &watched.macs);
        // The host itself told its guest which one it is: nothing is surer, either way.
        let told_so = match (&told.id, &watched.id) {
            (Some(one), Some(other)) if one != other => return Compared::Different,
            (one, other) => one.is_some() && other.is_some(),
        };
        let named = !told.names.is_disjoint(&watched.names);
        let placed = !told.addresses.is_disjoint(&watched.addresses);
        let own_uuid = told.uuid.as_deref().is_some_and(|uuid| self.is_own(uuid));
        let own_macs = told.macs.iter().all(|mac| self.is_own(mac));
        let rank = match (uuid, macs) {
            _ if told_so => 5,
            (Agree::All, Agree::All) => 4,
            (Agree::All, Agree::Untold | Agree::Some) if own_uuid || (named && placed) => 3,
            (Agree::All, Agree::Some) if named || placed => 3,
            (Agree::All, Agree::None) if own_uuid && named && placed => 2,
            (Agree::All, Agree::None) => {
                return Compared::Contradicts("one UUID, and no MAC address in common".to_owned());
            }
            (Agree::None, Agree::All | Agree::Some) => {
                return Compared::Contradicts("one MAC address, and two UUIDs".to_owned());
            }
            (Agree::Untold, Agree::All) if own_macs || named => 3,
            (Agree::Untold, Agree::All) => {
                return Compared::Contradicts(
                    "the same MAC addresses, which several have".to_owned(),
                );
            }
            (Agree::Untold, Agree::Some) if named || placed => 2,
            (Agree::Untold, Agree::Untold) if named && placed => 1,
            _ => return Compared::Different,
        };
        let bits = [told.current, named, placed, told.runs];
        let bits = bits
            .into_iter()
            .fold(0, |all, bit| all * 2 + u32::from(bit));
        Compared::Same {
            weight: rank * 16 + bits,
            by: because(told_so, (uuid, macs), rank == 1, (named, placed)),
        }
    }
}

/// All that a platform knows must be there; the machine may have more (bonds, bridges, tunnels).
fn agree(told: &BTreeSet<String>, watched: &BTreeSet<String>) -> Agree {
    if told.is_empty() || watched.is_empty() {
        return Agree::Untold;
    }
    match told.intersection(watched).count() {
        0 => Agree::None,
        same if same == told.len() => Agree::All,
        _ => Agree::Some,
    }
}

fn because(
    told_so: bool,
    (uuid, macs): (Agree, Agree),
    probable: bool,
    (named, placed): (bool, bool),
) -> String {
    let marks = [
        (told_so, "id that its host tells it"),
        (uuid == Agree::All, "SMBIOS UUID"),
        (macs == Agree::All, "MAC addresses"),
        (macs == Agree::Some, "a MAC address"),
        (named, "name"),
        (placed, "address"),
    ];
    let agreed: Vec<&str> = marks
        .iter()
        .filter(|(agrees, _)| *agrees)
        .map(|(_, word)| *word)
        .collect();
    let probable = if probable { " (probable)" } else { "" };
    format!("same {}{probable}", agreed.join(", "))
}
