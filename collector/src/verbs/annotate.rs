//! `groma annotate`: what no machine can know.

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_model::inventory::{Inventory, VerdictWord};
use groma_model::store::{Annotation, Word};

use crate::command::Place;
use crate::terminal::visible;
use crate::verbs::{inventory_at, open_existing, speaker, wrong_usage};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What it is about: a name, an address, or the id of an entity, dependency, finding, system, or item of a checklist.
    about: String,
    /// Who owns it.
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// How critical it is.
    #[arg(long, value_name = "TEXT")]
    criticality: Option<String>,
    /// When it may be touched.
    #[arg(long, value_name = "TEXT")]
    window: Option<String>,
    /// By when somebody looks at a risk again, as 2026-12-05.
    #[arg(long, value_name = "DAY")]
    control_date: Option<String>,
    /// Anything worth writing down.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A judgement; it survives every later look.
    #[arg(long, value_enum, requires = "because")]
    verdict: Option<VerdictArgument>,
    /// Why.
    #[arg(long, value_name = "TEXT", requires = "verdict")]
    because: Option<String>,
    /// Who says it [default: the user name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VerdictArgument {
    Confirmed,
    Wrong,
    Accepted,
}

impl From<VerdictArgument> for VerdictWord {
    fn from(word: VerdictArgument) -> Self {
        match word {
            VerdictArgument::Confirmed => Self::Confirmed,
            VerdictArgument::Wrong => Self::Wrong,
            VerdictArgument::Accepted => Self::Accepted,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let words = words(arguments)?;
    if words.is_empty() {
        return Err(wrong_usage(
            "say something: --owner, --criticality, --window, --control-date, --note or --verdict … --because …",
        ));
    }
    let world = groma_sys::this_machine(true);
    let mut store = open_existing(place)?;
    let inventory = inventory_at(store.as_mut(), None, &world)?;
    let about = id_of(&inventory, &arguments.about)?;
    let by = speaker(arguments.by.as_ref());
    for word in words {
        store.annotate(&Annotation {
            about: about.clone(),
            by: by.clone(),
            at: world.clock.now(),
            word,
        })?;
    }
    Ok(0)
}

fn words(arguments: &Arguments) -> Result<Vec<Word>> {
    let mut words = Vec::new();
    words.extend(arguments.owner.clone().map(Word::Owner));
    words.extend(arguments.criticality.clone().map(Word::Criticality));
    words.extend(arguments.window.clone().map(Word::Window));
    words.extend(arguments.note.clone().map(Word::Note));
    if let (Some(verdict), Some(because)) = (arguments.verdict, arguments.because.clone()) {
        words.push(Word::Verdict {
            verdict: verdict.into(),
            because,
        });
    }
    if let Some(day) = &arguments.control_date {
        let moment = format!("{day}T00:00:00Z").parse().map_err(|_| {
            wrong_usage(format!(
                "--control-date {day:?} is no day: write it as 2026-12-05"
            ))
        })?;
        words.push(Word::ControlDate(Some(moment)));
    }
    Ok(words)
}

/// The one thing `text` means; two candidates are an error that names both.
pub(crate) fn id_of(inventory: &Inventory, text: &str) -> Result<String> {
    if is_item(text) {
        return Ok(text.to_owned());
    }
    let exact = inventory.dependencies.iter().any(|d| d.id.as_str() == text)
        || inventory.findings.iter().any(|f| f.id.as_str() == text)
        || inventory.systems.iter().any(|s| s.id == text);
    if exact {
        return Ok(text.to_owned());
    }
    entity_of(inventory, text).map(|id| id.to_string())
}

/// An id as `groma wave check` prints it. Which items there are, only the wave file tells.
fn is_item(text: &str) -> bool {
    let digest = text.strip_prefix("item-");
    let parts = digest.and_then(|d| d.split_once('-'));
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    parts.is_some_and(|(what, says)| is_hex(what, 24) && is_hex(says, 8))
}

/// The one entity `text` means.
pub(crate) fn entity_of(inventory: &Inventory, text: &str) -> Result<groma_model::EntityId> {
    match inventory.find(text).as_slice() {
        [only] => Ok(only.id.clone()),
        [] => anyhow::bail!(
            "nothing here is called {:?}: give a name, an address or an id as `groma export` shows them",
            visible(text)
        ),
        several => {
            let names: Vec<String> = several
                .iter()
                .take(8)
                .map(|e| format!("{} ({}, {})", visible(&e.name), e.kind, e.id))
                .collect();
            anyhow::bail!(
                "{:?} may mean {}: give the id",
                visible(text),
                names.join(" or ")
            )
        }
    }
}
