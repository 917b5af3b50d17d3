//! A plan in the words that terminal and page share: everything foreign made visible, every list with an end.

use std::collections::BTreeMap;

use groma_model::inventory::Strength;

use super::shape::{CutEdge, DiskBytes, Plan, PlannedWave, PlatformPart, Stage, WaveVolume};
use super::shown::{count, listed, shown, size};

/// A wave as a person reads it.
pub(super) struct Card {
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) title: String,
    pub(super) machines: String,
    pub(super) why: Vec<String>,
    pub(super) members: Vec<Row>,
    pub(super) members_more: usize,
    pub(super) lines: Vec<Line>,
    pub(super) edges: Vec<Bridge>,
    pub(super) edges_total: usize,
}

/// One member.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) about: String,
}

/// A word and what it says.
pub(super) struct Line {
    pub(super) word: &'static str,
    pub(super) says: String,
    pub(super) under: Vec<String>,
}

/// A dependency whose ends live apart from this wave on.
pub(super) struct Bridge {
    pub(super) says: String,
    pub(super) strength: &'static str,
    pub(super) until: String,
    pub(super) to_do: Vec<String>,
}

/// How much of each list is shown.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) members: usize,
    pub(super) edges: usize,
}

/// All waves as cards.
pub(super) fn cards(plan: &Plan, most: Most) -> Vec<Card> {
    let mut opening: BTreeMap<u32, Vec<&CutEdge>> = BTreeMap::new();
    for edge in &plan.cut_edges {
        opening.entry(edge.from).or_default().push(edge);
    }
    plan.waves
        .iter()
        .map(|wave| {
            let edges = opening.get(&wave.order).map_or(&[][..], Vec::as_slice);
            card(wave, edges, most)
        })
        .collect()
}

/// The plan in two sentences.
pub(super) fn summary(plan: &Plan) -> Vec<String> {
    let moving = plan.waves.iter().filter(|w| w.stage.moves()).count();
    let quality = &plan.quality;
    let mut lines = vec![format!(
        "{} in {}, at most {} in one{}.",
        count(quality.machines, "machine moves", "machines move"),
        count(moving, "wave", "waves"),
        plan.options.hosts_max.max(1),
        if plan.options.sites_apart {
            "; sites move apart"
        } else {
            ""
        },
    )];
    if quality.edges_total > 0 {
        lines.push(format!(
            "{} of {} between them {} cut (weight {} of {}); {} moves before what it needs.",
            quality.edges_cut,
            count(quality.edges_total, "dependency", "dependencies"),
            if quality.edges_cut == 1 { "is" } else { "are" },
            quality.weight_cut,
            quality.weight_total,
            match quality.consumers_first {
                0 => "no consumer".to_owned(),
                n => format!("in {n} of them the consumer"),
            },
        ));
    }
    lines
}

fn card(wave: &PlannedWave, edges: &[&CutEdge], most: Most) -> Card {
    let members = wave.members.iter().take(most.members);
    Card {
        name: shown(&wave.name),
        stage: wave.stage,
        title: wave.stage.words().to_owned(),
        machines: count(wave.members.len(), "machine", "machines"),
        why: wave.why.iter().map(|w| shown(w)).collect(),
        members: members.map(row).collect(),
        members_more: wave.members.len().saturating_sub(most.members),
        lines: lines(wave),
        edges: edges.iter().take(most.edges).map(|e| bridge(e)).collect(),
        edges_total: edges.len(),
    }
}

fn row(member: &super::shape::Member) -> Row {
    let mut about = Vec::new();
    if member.written != member.name {
        about.push(shown(&member.written));
    }
    let serves = member.serves.iter().take(3);
    about.extend(serves.map(|s| format!("{} for {}", shown(&s.kind), s.consumers)));
    about.extend(member.criticality.as_ref().map(|c| shown(c)));
    if !member.has_agent {
        about.push("no agent".to_owned());
    }
    Row {
        name: shown(&member.name),
        about: about.join("; "),
    }
}

fn lines(wave: &PlannedWave) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |word, says: String, under: Vec<String>| lines.push(Line { word, says, under });
    if !wave.requires.is_empty() {
        add(
            "after",
            listed(&wave.requires, wave.requires.len()),
            Vec::new(),
        );
    }
    let systems: Vec<String> = wave
        .systems
        .iter()
        .filter(|s| s.of > 1)
        .map(|s| format!("{} ({} of {})", s.name, s.members, s.of))
        .collect();
    if !systems.is_empty() {
        add("systems", listed(&systems, systems.len()), Vec::new());
    }
    for ring in &wave.together_because {
        let edges = ring.edges.iter().take(10).map(|e| shown(&e.says));
        let names = listed(&ring.names, ring.names.len());
        add(
            "together",
            format!("{names} need each other in a circle"),
            edges.collect(),
        );
    }
    if wave.stage != Stage::Beside {
        add("breaks", breaks(wave), Vec::new());
    }
    if wave.stage != Stage::Retire {
        add("data", volume(&wave.volume), Vec::new());
    }
    let people: Vec<String> = wave.people.iter().take(10).map(person).collect();
    if !people.is_empty() {
        let more = wave.people.len() - people.len();
        let says = match more {
            0 => people.join("; "),
            more => format!("{}; and {more} more", people.join("; ")),
        };
        add("ask", says, Vec::new());
    }
    let nobody: Vec<String> = (wave.members.iter())
        .filter(|m| m.owner.is_none())
        .map(|m| m.name.clone())
        .collect();
    if !nobody.is_empty() {
        add("no owner", listed(&nobody, nobody.len()), Vec::new());
    }
    lines
}

fn person(person: &super::shape::Person) -> String {
    format!(
        "{} ({} of {})",
        shown(&person.who),
        person.role,
        listed(&person.of, person.of.len())
    )
}

fn breaks(wave: &PlannedWave) -> String {
    let radius = &wave.blast_radius;
    let total = radius.direct + radius.through_others;
    if total == 0 {
        return "nobody outside is known to".to_owned();
    }
    let still = match wave.stage {
        Stage::Retire => "whoever still asks the old ones, of ",
        _ => "",
    };
    format!(
        "{still}{} directly, {} through others: {}",
        radius.direct,
        radius.through_others,
        listed(&radius.names, total)
    )
}

/// The data of a wave; what was not measured is never nothing, and what a platform tells is said to be from there.
pub(super) fn volume(volume: &WaveVolume) -> String {
    let Some(bytes) = volume.bytes else {
        return "not measured".to_owned();
    };
    let hours = match volume.transfer_hours {
        Some([low, high]) => format!(", {low} to {high} h to carry over"),
        None => ", hours not known".to_owned(),
    };
    let grown = |part: &PlatformPart| part.from == DiskBytes::Provisioned;
    let some_grown = volume.of_platforms.iter().any(grown);
    // Sizes of disks are more than what is on them, and machines nobody measured have something on them.
    let about = match (volume.not_measured_total > 0, some_grown) {
        (false, false) => "",
        (false, true) => "at most ",
        (true, false) => "at least ",
        (true, true) => "about ",
    };
    let mut says = vec![format!("{about}{}{hours}", size(bytes))];
    says.extend(volume.of_platforms.iter().map(of_platform));
    if volume.not_measured_total > 0 {
        let missing = listed(&volume.not_measured, volume.not_measured_total);
        says.push(format!("not measured: {missing}"));
    }
    says.join("; ")
}

/// Where a number is from that no agent measured.
fn of_platform(part: &PlatformPart) -> String {
    let from = match part.from {
        DiskBytes::Used => "as the platform measured disks of",
        DiskBytes::Provisioned => "as large as disks may grow, for the platform tells no more, of",
    };
    format!(
        "{} of it {from} {}",
        size(part.bytes),
        listed(&part.names, part.machines)
    )
}

/// A cut dependency.
pub(super) fn bridge(edge: &CutEdge) -> Bridge {
    Bridge {
        says: shown(&edge.says),
        strength: match edge.strength {
            Strength::Blocking => "blocking",
            Strength::Degrading => "degrading",
            Strength::Unknown => "unknown",
        },
        until: match edge.until {
            Some(order) => format!("until w{order}"),
            None => "no end".to_owned(),
        },
        to_do: edge.to_do.iter().map(|t| shown(t)).collect(),
    }
}

/// Everything beside the waves: a heading, and lines under it.
pub(super) fn besides(plan: &Plan, most: usize) -> Vec<(&'static str, Vec<String>)> {
    let shared = plan.shared.iter().map(|s| {
        let by_hand = match s.by_hand_total {
            0 => String::new(),
            n => format!("; by hand: {}", listed(&s.by_hand, n)),
        };
        let why: Vec<String> = s.why.iter().map(|w| shown(w)).collect();
        format!("{}: {}{by_hand}", shown(&s.name), why.join("; "))
    });
    let divided = plan.divided_systems.iter().map(|s| {
        format!(
            "{} ({}): {}",
            shown(&s.name),
            listed(&s.waves, s.waves.len()),
            shown(&s.because)
        )
    });
    let out = plan.stays_out.iter().map(|s| {
        let question = match s.question.as_str() {
            "" => String::new(),
            question => format!(" {}", shown(question)),
        };
        format!(
            "{} ({}): {}; needed by {}, needs {}.{question}",
            shown(&s.name),
            shown(&s.kind),
            s.because.words(),
            s.needed_by,
            s.needs
        )
    });
    let sections = [
        ("Shared services", ended(shared.collect(), most)),
        (
            "Systems that do not move whole",
            ended(divided.collect(), most),
        ),
        ("What moves with no wave", ended(out.collect(), most)),
    ];
    sections
        .into_iter()
        .filter(|(_, l)| !l.is_empty())
        .collect()
}

fn ended(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("and {more} more; the JSON form has all of them"));
    }
    lines
}
