//! `groma forget NAME`: what it would erase, and with `--yes` the erasing.

mod whom;

use anyhow::Result;
use clap::Args;
use groma_store::{Act, Forget, Kind, PostgresStore, SqliteStore, Traces};

use crate::command::Place;
use crate::files;
use crate::terminal::{Waiting, tell, visible};
use crate::verbs::{must_be_in, speaker};

use whom::Meant;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A host name, an address, a mail address, an account, a person's name, or the id of an entity.
    #[arg(required_unless_present_any = ["list", "sweep"])]
    name: Option<String>,
    /// NAME is a person, an account or a mail address, whatever else is called so.
    #[arg(long)]
    person: bool,
    /// Erase it. Without this, only say what would be erased.
    #[arg(long)]
    yes: bool,
    /// Who erases [default: the user name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// List what was ever erased: when, by whom, of what kind and how much; never what it was called.
    #[arg(long, conflicts_with_all = ["name", "person", "yes", "by", "sweep"])]
    list: bool,
    /// Only finish an erasure that was interrupted.
    #[arg(long, conflicts_with_all = ["name", "person", "yes", "by"])]
    sweep: bool,
}

/// What no program of ours can erase.
const OUT_OF_REACH: &str = "out of reach: backups made before, documents that were written, batches that wait in agents' spools, \
     what agents and surveys remember of logs (*.memory in their folders; deleted, they read anew what is still there), what other data \
     directories of the same database keep of moments (kept/), the machines themselves";

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let mut store = open_existing(place)?;
    if arguments.list {
        return list(store.as_ref());
    }
    let name = arguments.name.as_deref().unwrap_or_default();
    let waiting = Waiting::new();
    let heard = &mut |progress| waiting.shows(progress);
    let finished = (arguments.sweep || arguments.yes) && store.sweep(heard)?;
    if arguments.sweep || finished {
        crate::kept::clear(place)?;
    }
    if finished {
        tell("an erasure that was interrupted is finished");
    }
    if arguments.sweep {
        if !finished {
            tell("nothing was left to do");
        }
        return Ok(0);
    }
    let meant = whom::meant(store.as_mut(), name, arguments.person, heard)?;
    let traces = store.traces(&meant.whom, heard)?;
    if traces.is_empty() {
        waiting.done();
        if finished {
            return Ok(0);
        }
        return Err(unknown(name, &traces));
    }
    if !arguments.yes {
        waiting.done();
        files::print(told(&meant, &traces).as_bytes())?;
        tell("nothing was erased: with --yes it is");
        return Ok(0);
    }
    let by = speaker(arguments.by.as_ref());
    let now = groma_sys::this_machine(true).clock.now();
    let act = store.forget(&meant.whom, &by, now, heard);
    waiting.done();
    // Also where the store could not be swept yet.
    crate::kept::clear(place)?;
    let act = act?;
    let text = format!(
        "erased; {} stands where it was named\n{}{OUT_OF_REACH}\n",
        act.mark(),
        table(&act.traces)
    );
    files::print(text.as_bytes())?;
    Ok(0)
}

fn open_existing(place: &Place) -> Result<Box<dyn Forget>> {
    Ok(match place.database() {
        Some(url) => Box::new(PostgresStore::open(url)?),
        None => {
            must_be_in(&place.directory())?;
            Box::new(SqliteStore::open(&place.directory())?)
        }
    })
}

fn list(store: &dyn Forget) -> Result<u8> {
    for act in store.acts()? {
        files::print(line(&act).as_bytes())?;
    }
    Ok(0)
}

fn line(act: &Act) -> String {
    let swept = if act.swept { "" } else { "\tnot swept yet" };
    format!(
        "{}\t{}\t{}\t{}\t{} rows{swept}\n",
        act.mark(),
        act.at,
        visible(&act.by),
        act.kind.as_str(),
        act.traces.sum()
    )
}

fn unknown(name: &str, traces: &Traces) -> anyhow::Error {
    let text = format!(
        "nothing here says {:?} as a name of its own: give a name, an address, a mail address, an account, or an id as `groma export` \
         shows them",
        visible(name)
    );
    match near(traces) {
        Some(near) => anyhow::anyhow!("{text}; there is {near}"),
        None => anyhow::anyhow!(text),
    }
}

fn near(traces: &Traces) -> Option<String> {
    let words: Vec<String> = traces.near.iter().map(|word| visible(word)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What would be erased, for people.
fn told(meant: &Meant, traces: &Traces) -> String {
    let mut text = format!("{}: this would be erased\n{}", meant.told, table(traces));
    if traces.agents > 0 && meant.whom.kind == Kind::Entity {
        text.push_str(
            "its agent is not let in any more: take it off the machine, or enrol it anew\n",
        );
    }
    if let Some(near) = near(traces) {
        text.push_str(&format!("other names, which stay: {near}\n"));
    }
    text.push_str(OUT_OF_REACH);
    text.push('\n');
    text
}

/// One line for each kind of trace there is.
fn table(traces: &Traces) -> String {
    let rows = [
        ("facts", traces.facts_changed, traces.facts_removed),
        (
            "sightings",
            traces.sightings_changed,
            traces.sightings_removed,
        ),
        ("looks", 0, traces.looks_removed),
        ("coverage and gaps", traces.reports_changed, 0),
        ("numbers", traces.numbers_changed, traces.numbers_removed),
        (
            "identities",
            traces.identities_changed,
            traces.identities_removed,
        ),
        (
            "words of people",
            traces.annotations_changed,
            traces.annotations_removed,
        ),
        ("agents", traces.agents, 0),
        ("names of snapshots", traces.snapshots_renamed, 0),
        ("earlier erasures", traces.acts_changed, 0),
    ];
    let mut text = String::new();
    for (what, changed, removed) in rows {
        let said = match (changed, removed) {
            (0, 0) => continue,
            (changed, 0) => format!("{changed} told without the name"),
            (0, removed) => format!("{removed} removed"),
            (changed, removed) => format!("{changed} told without the name, {removed} removed"),
        };
        text.push_str(&format!("  {what:<19} {said}\n"));
    }
    for (many, what) in [
        (traces.snapshots_affected, "snapshots show less than before"),
        (
            traces.imports,
            "imported lists are news if they are imported again",
        ),
    ] {
        if many > 0 {
            text.push_str(&format!("  {many} {what}\n"));
        }
    }
    text
}
