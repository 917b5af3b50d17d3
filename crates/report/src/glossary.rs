//! The words of the report, each in one plain sentence; a document explains only those that occur in it.

use serde::Serialize;

use crate::page::{Need, Page};

/// One word with its sentence.
#[derive(Serialize)]
pub(crate) struct Explained {
    pub(crate) word: &'static str,
    pub(crate) means: &'static str,
}

struct Entry {
    word: &'static str,
    means: &'static str,
    occurs: fn(&Page) -> bool,
}

/// In the order of the alphabet.
const WORDS: &[Entry] = &[
    entry(
        "baseline",
        "The snapshot taken before a wave, with which the numbers after it are compared.",
        |page| has_field(page, |f| f.iter().any(|v| v.contains("compared with "))),
    ),
    entry(
        "blank field",
        "Something of a wave that no machine can know and nobody has written down yet: it is a question to the owner of the wave.",
        |page| page.waves.rows.iter().any(|w| w.asked > 0),
    ),
    entry(
        "by address",
        "The consumer has the address of the provider written down, so it keeps going to the old machine after the name has moved.",
        |page| {
            any(page, |n| {
                n.reached
                    .as_deref()
                    .is_some_and(|r| r.starts_with("by address"))
            })
        },
    ),
    entry(
        "coexistence",
        "The time in which old and new live side by side, and how.",
        |page| !page.waves.rows.is_empty(),
    ),
    entry(
        "concluded",
        "A dependency that follows from several facts, none of which states it.",
        |page| any(page, |n| n.basis == "concluded"),
    ),
    entry(
        "consumer",
        "Who needs something: when its provider goes, it is the consumer that stops.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "control date",
        "The day by which somebody looks at a risk again.",
        |page| !page.findings.rows.is_empty(),
    ),
    entry(
        "coverage",
        "How much of what there is to see was looked at, scope by scope; what is not covered may hide anything.",
        |page| !page.sources.is_empty(),
    ),
    entry(
        "criterion",
        "A number that is measured after a wave and decides whether it is accepted.",
        |page| !page.waves.rows.is_empty(),
    ),
    entry(
        "cut edge",
        "A need whose two ends move in different waves, or of which one end moves in none: it must work across the cut while they stand apart.",
        |page| page.waves.rows.iter().any(|w| w.crossing_total > 0),
    ),
    entry(
        "dependency",
        "A consumer needs a provider; one line per consumer and its part, kind, provider and port.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "files, list, live, logs, network",
        "The five kinds of witness: what was written down, what a list or directory says, what was seen as it happened, what servers wrote about their users, and what the network itself shows.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "gap",
        "Something that could not be looked at, with the reason and what would help.",
        |page| !page.gaps.rows.is_empty(),
    ),
    entry(
        "guest",
        "A virtual machine or container that a platform of virtualization runs on one of its hosts.",
        |page| page.guests.is_some(),
    ),
    entry(
        "hidden",
        "A standard inventory (host facts, open ports, your list) does not show this dependency.",
        |page| page.hidden.total > 0,
    ),
    entry(
        "layer",
        "A floor of the map: what stands on a lower floor carries what stands above it.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "limps",
        "Without the provider the consumer goes on, but does only part of its work.",
        |page| any(page, |n| n.strength == "limps"),
    ),
    entry(
        "live, warm, cold",
        "Whether a guest goes on working while it moves, stands still for its last changes only, or is off while it is copied.",
        |page| {
            let guests = page.guests.iter().flat_map(|part| &part.guests.rows);
            guests.into_iter().any(|row| !row.ways.is_empty())
        },
    ),
    entry(
        "observed",
        "The dependency was seen in use: as it happened, in a log, or on the network.",
        |page| any(page, |n| n.basis == "observed"),
    ),
    entry(
        "probably unseen",
        "An estimate of what is still not known, from how often different ways of looking met the same things; the truth lies in the interval nine times out of ten.",
        |page| page.unseen.is_some(),
    ),
    entry(
        "provider",
        "Who is needed: a machine, a service or a device that others use.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "rhythm",
        "How often something happens by its schedule: daily, weekly, monthly.",
        |page| {
            any(page, |n| n.rhythm.is_some()) || page.runs.rows.iter().any(|r| r.rhythm.is_some())
        },
    ),
    entry(
        "rollback point",
        "Where and how a wave can still go back: what is done, what makes us do it, how long it takes, who decides, and the copy it relies on.",
        |page| !page.waves.rows.is_empty(),
    ),
    entry(
        "shared service",
        "What nearly every host needs, such as names and time: folded away on the map, because everything would lead there.",
        |page| any(page, |n| n.shared) || !page.folded.is_empty(),
    ),
    entry(
        "snapshot",
        "The estate as it was known at a named moment.",
        |page| page.snapshot.is_some(),
    ),
    entry(
        "stops",
        "Without the provider the consumer does not work at all.",
        |page| any(page, |n| n.strength == "stops"),
    ),
    entry(
        "system",
        "Machines and services that people speak of as one thing: mail, or the books of a company.",
        |page| !page.systems.rows.is_empty(),
    ),
    entry(
        "wave",
        "What moves together in one window, with one owner and one way back.",
        |page| !page.waves.rows.is_empty(),
    ),
    entry(
        "witness",
        "An independent way in which something is known; two that agree are worth more than one that repeats itself.",
        |page| !page.dependencies.rows.is_empty(),
    ),
    entry(
        "written down",
        "A file, directory or list says that the dependency is there; nobody saw it in use.",
        |page| any(page, |n| n.basis == "written down"),
    ),
];

const fn entry(word: &'static str, means: &'static str, occurs: fn(&Page) -> bool) -> Entry {
    Entry {
        word,
        means,
        occurs,
    }
}

/// The words that occur on `page`.
pub(crate) fn of(page: &Page) -> Vec<Explained> {
    let occurring = WORDS.iter().filter(|entry| (entry.occurs)(page));
    let explained = occurring.map(|entry| Explained {
        word: entry.word,
        means: entry.means,
    });
    explained.collect()
}

fn any(page: &Page, is: impl Fn(&Need) -> bool) -> bool {
    let all = page.dependencies.rows.iter().chain(&page.hidden.rows);
    all.into_iter().any(is)
}

fn has_field(page: &Page, is: impl Fn(&[String]) -> bool) -> bool {
    let fields = page.waves.rows.iter().flat_map(|wave| &wave.fields);
    fields.into_iter().any(|field| is(&field.values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_once_and_in_order_with_one_sentence() {
        let words: Vec<&str> = WORDS.iter().map(|entry| entry.word).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
        for entry in WORDS {
            let full_stops = entry.means.matches(". ").count();
            assert!(
                entry.means.ends_with('.') && full_stops == 0,
                "{}",
                entry.word
            );
        }
    }
}
