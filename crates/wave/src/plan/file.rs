//! A proposed wave as a wave file: what is known stands in it, what only a person can say is a comment to fill in.

use std::fmt::Write as _;

use groma_model::registry::REGISTRY;

use super::shape::{Member, Plan, PlannedWave, Stage};
use super::shown::{count, listed, shown};
use super::view::{bridge, volume};

/// So many members are explained one by one; more would make the file too large to be read again.
const EXPLAINED: usize = 1000;

/// So many examples of moves, expectations and dependencies.
const EXAMPLES: usize = 60;

/// The wave at `index` of `plan.waves` as TOML that `groma_wave::parse` reads back to the same name, order, members and
/// requirements. Empty where there is no such wave.
pub fn wave_file(plan: &Plan, index: usize) -> String {
    let Some(wave) = plan.waves.get(index) else {
        return String::new();
    };
    let mut file = String::new();
    head(&mut file, wave);
    members(&mut file, wave);
    moves(&mut file, wave);
    expected(&mut file, wave);
    coexistence(&mut file, plan, wave);
    tail(&mut file);
    file
}

fn comment(file: &mut String, text: &str) {
    let _ = writeln!(file, "# {}", shown(text));
}

fn head(file: &mut String, wave: &PlannedWave) {
    comment(file, &format!("{}: {}.", wave.name, wave.stage.words()));
    comment(
        file,
        "Proposed by `groma wave plan` from what is known. Whatever begins with # below is for a person to fill in or to throw away.",
    );
    for why in &wave.why {
        comment(file, &format!("Why: {why}."));
    }
    if wave.stage == Stage::Beside {
        comment(
            file,
            "Nothing is switched off in this wave: the members are what a new one is built beside of.",
        );
    }
    let _ = writeln!(file, "\nname = {}", quoted(&wave.name));
    let _ = writeln!(file, "order = {}", wave.order);
    let requires: Vec<String> = wave.requires.iter().map(|w| quoted(w)).collect();
    let _ = writeln!(file, "requires = [{}]\n", requires.join(", "));
    if wave.stage != Stage::Retire {
        comment(
            file,
            &format!("Data to carry over: {}.", volume(&wave.volume)),
        );
    }
    comment(file, "When it may happen. Moments carry their offset.");
    comment(
        file,
        "window = { from = 2030-01-31T20:00:00+01:00, to = 2030-02-01T04:00:00+01:00 }\n"
            .trim_end(),
    );
    for person in wave.people.iter().take(EXAMPLES) {
        let of = listed(&person.of, person.of.len());
        comment(
            file,
            &format!("Ask {} ({} of {of}).", shown(&person.who), person.role),
        );
    }
    let nobody: Vec<String> = (wave.members.iter())
        .filter(|m| m.owner.is_none())
        .map(|m| m.name.clone())
        .collect();
    if !nobody.is_empty() {
        let names = listed(&nobody, nobody.len());
        comment(file, &format!("Nobody is named as owner of {names}."));
    }
    comment(file, "owner = \"who answers for this wave\"");
    comment(file, "change_reference = \"the number of the change\"");
}

fn members(file: &mut String, wave: &PlannedWave) {
    for ring in &wave.together_because {
        let names = listed(&ring.names, ring.names.len());
        comment(
            file,
            &format!("{names} need each other in a circle: keep them together."),
        );
    }
    let _ = writeln!(file, "\nmembers = [");
    let explained = wave.members.len() <= EXPLAINED;
    for member in &wave.members {
        let about = if explained {
            about(member)
        } else {
            String::new()
        };
        let _ = writeln!(file, "    {},{about}", quoted(&member.written));
    }
    let _ = writeln!(file, "]\n");
}

fn about(member: &Member) -> String {
    let mut words = Vec::new();
    if member.written != member.name {
        words.push(shown(&member.name));
    }
    let serves = member.serves.iter().take(4);
    words.extend(serves.map(|s| format!("{} for {}", shown(&s.kind), s.consumers)));
    words.extend(member.owner.as_ref().map(|o| format!("owner {}", shown(o))));
    if !member.has_agent {
        words.push("no agent".to_owned());
    }
    if words.is_empty() {
        String::new()
    } else {
        format!(" # {}", words.join("; "))
    }
}

/// A target is a human decision, so the moves are examples: the names with `-new` stand for whatever takes the place.
fn moves(file: &mut String, wave: &PlannedWave) {
    comment(
        file,
        "What takes whose place, and which names must lead there afterwards.",
    );
    comment(file, "moves = [");
    for member in wave.members.iter().take(EXAMPLES) {
        let _ = writeln!(
            file,
            "#     {{ from = {}, to = {}, names_that_follow = [] }},",
            quoted(&member.written),
            quoted(&format!("{}-new", member.written)),
        );
    }
    more(file, wave.members.len());
    comment(file, "]\n".trim_end());
    file.push('\n');
}

fn more(file: &mut String, total: usize) {
    if total > EXAMPLES {
        comment(file, &format!("    and {} more likewise", total - EXAMPLES));
    }
}

fn expected(file: &mut String, wave: &PlannedWave) {
    let line = |member: &Member, kind: &str| {
        let known = REGISTRY.dependencies.contains_key(kind);
        let one_word =
            !member.written.contains(char::is_whitespace) && !member.written.contains(':');
        (known && one_word).then(|| quoted(&format!("{kind} to {}-new", member.written)))
    };
    let lines: Vec<String> = wave
        .members
        .iter()
        .flat_map(|m| m.serves.iter().filter_map(move |s| line(m, &s.kind)))
        .collect();
    if lines.is_empty() {
        return;
    }
    comment(
        file,
        "What others need of the members today, and must find afterwards.",
    );
    comment(file, "expected = [");
    for line in lines.iter().take(EXAMPLES) {
        let _ = writeln!(file, "#     {line},");
    }
    more(file, lines.len());
    comment(file, "]\n".trim_end());
    file.push('\n');
}

fn coexistence(file: &mut String, plan: &Plan, wave: &PlannedWave) {
    let opens: Vec<_> = plan
        .cut_edges
        .iter()
        .filter(|e| e.from == wave.order)
        .collect();
    if !opens.is_empty() {
        let says = count(opens.len(), "dependency lives", "dependencies live");
        comment(file, &format!("{says} in two places from this wave on:"));
    }
    for edge in opens.iter().take(EXAMPLES).map(|e| bridge(e)) {
        comment(
            file,
            &format!("  {} ({}, {})", edge.says, edge.strength, edge.until),
        );
        for step in &edge.to_do {
            comment(file, &format!("    - {step}"));
        }
    }
    if opens.len() > EXAMPLES {
        comment(
            file,
            &format!(
                "  and {} more; the JSON form of the plan has all of them",
                opens.len() - EXAMPLES
            ),
        );
    }
    comment(file, "[coexistence]");
    comment(file, "until = 2030-02-28");
    comment(file, "how = \"how old and new live side by side\"");
    file.push('\n');
}

fn tail(file: &mut String) {
    comment(file, "The way back.");
    for line in [
        "[rollback]",
        "what = \"what is done to go back\"",
        "trigger = \"what makes us go back\"",
        "minutes = 45",
        "decides = \"who decides\"",
        "backup = \"the backup it relies on\"",
        "restore_tested_on = 2030-01-28",
    ] {
        comment(file, line);
    }
}

/// `text` as a basic string of TOML: quotes, backslashes and everything a reader could not see are written as numbers.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if !super::shown::is_plain_text(c.encode_utf8(&mut [0; 4])) => {
                let _ = write!(out, "\\U{:08X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
