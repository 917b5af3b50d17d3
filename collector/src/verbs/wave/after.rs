//! `groma wave residual` and `groma wave certify`: after the switch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use groma_model::inventory::{Dependency, Inventory};
use groma_model::wave::Wave;
use groma_model::{AgentId, EntityId, Timestamp};
use groma_source::World;
use groma_store::{Moment, Store};
use groma_wave::Watch;

use super::Format;
use crate::command::Place;
use crate::conclude::{self, Concluded};
use crate::verbs::{inventory_at, open_existing, wrong_usage};
use crate::{exit, files, waves};

/// Looks that see who is connected to a machine.
const WATCHING: [&str; 2] = ["host.sockets", "host.flows"];

/// Which wave, and from when on.
#[derive(Args, Debug)]
struct Gone {
    /// The wave file.
    file: PathBuf,
    /// The snapshot from before the wave: what its names meant then is what is retired.
    #[arg(long, value_name = "NAME")]
    before: Option<String>,
    /// From when on a call counts, as 2026-12-06T04:00:00Z [default: the end of the window].
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Residual {
    #[command(flatten)]
    gone: Gone,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Certify {
    #[command(flatten)]
    gone: Gone,
    /// For how many days nobody may have called.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    /// The directory for the statement, its signature and the public key.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What is known after a wave.
struct After {
    wave: Wave,
    inventory: Inventory,
    old: BTreeSet<EntityId>,
    residual: groma_wave::Residual,
}

pub(super) fn residual(arguments: &Residual, place: &Place) -> Result<u8> {
    let after = after(&arguments.gone, place)?;
    let residual = &after.residual;
    let text = match arguments.format {
        Format::Text => groma_wave::residual_text(residual),
        Format::Json => serde_json::to_string_pretty(residual)? + "\n",
    };
    files::write(&arguments.out, text.as_bytes())?;
    Ok(if residual.needs_action() {
        exit::ACT
    } else {
        0
    })
}

pub(super) fn certify(arguments: &Certify, place: &Place) -> Result<u8> {
    let after = after(&arguments.gone, place)?;
    let due = due(&after);
    let statement = groma_wave::certify(&after.residual, arguments.days, &due);
    let text = serde_json::to_string_pretty(&statement)? + "\n";
    files::print(groma_wave::statement_text(&statement).as_bytes())?;
    sign(&arguments.out, &after.wave.name, &text, place)?;
    Ok(if statement.certified { 0 } else { exit::ACT })
}

fn after(gone: &Gone, place: &Place) -> Result<After> {
    let world = groma_sys::this_machine(true);
    let wave = waves::read(&gone.file)?;
    let since = since(gone, &wave)?;
    let mut store = open_existing(place)?;
    let (now, randomness) = (world.clock.now(), world.randomness.as_ref());
    ensure!(
        since <= now,
        "the wave is not over: calls count from {since} on; give --since to look earlier"
    );
    let old = match &gone.before {
        Some(name) => places_at(store.as_mut(), name, &world, &wave)?,
        None => BTreeSet::new(),
    };
    let Concluded {
        inventory,
        vantages,
    } = conclude::concluded(store.as_mut(), &Moment::Now, now, randomness, Vec::new())?;
    let old = match gone.before {
        Some(_) => old,
        None => groma_wave::old_places(&inventory, &wave),
    };
    let watches = watches(store.as_ref(), &vantages)?;
    let residual = groma_wave::residual(&inventory, &wave, &old, since, &watches);
    Ok(After {
        wave,
        inventory,
        old,
        residual,
    })
}

fn since(gone: &Gone, wave: &Wave) -> Result<Timestamp> {
    match (&gone.since, wave.window) {
        (Some(text), _) => text.parse().map_err(|_| {
            wrong_usage(format!(
                "--since {text:?} is no moment: write it as 2026-12-06T04:00:00Z"
            ))
        }),
        (None, Some(window)) => Ok(window.to),
        (None, None) => Err(wrong_usage(
            "the wave file has no window: say from when on calls count, with --since",
        )),
    }
}

fn places_at(
    store: &mut dyn Store,
    snapshot: &str,
    world: &World,
    wave: &Wave,
) -> Result<BTreeSet<EntityId>> {
    let before = inventory_at(store, Some(snapshot), world)?;
    Ok(groma_wave::old_places(&before, wave))
}

/// When agents looked at the connections of their own machines.
fn watches(store: &dyn Store, vantages: &BTreeMap<AgentId, EntityId>) -> Result<Vec<Watch>> {
    let spans = store.spans(&Moment::Now, &WATCHING)?.into_iter();
    let watch = |span: groma_model::store::LookSpan| {
        Some(Watch {
            entity: vantages.get(&span.vantage)?.clone(),
            from: span.started,
            to: span.ended,
        })
    };
    Ok(spans.filter_map(watch).collect())
}

/// What has a rhythm, needed an old place, and has not come round since.
fn due(after: &After) -> Vec<(Timestamp, String)> {
    let returns = |d: &&Dependency| {
        after.old.contains(&d.provider.entity)
            && !after.old.contains(&d.consumer.entity)
            && !d.details.local
    };
    let waited = |d: &Dependency| {
        d.details
            .last_used
            .is_none_or(|at| at <= after.residual.since)
    };
    let needs = after.inventory.dependencies.iter().filter(returns);
    needs
        .filter(|d| waited(d))
        .filter_map(|d| {
            Some((
                d.next_due?,
                format!("{} to {}", d.consumer.name, d.provider.name),
            ))
        })
        .collect()
}

/// The statement, its signature, and the key that proves it: `openssl dgst -sha256 -verify` takes them as they are.
fn sign(directory: &Path, wave: &str, text: &str, place: &Place) -> Result<()> {
    let signer = groma_serve::StatementKey::open(&place.directory())?;
    std::fs::create_dir_all(directory)?;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '_'
        }
    };
    let stem: String = wave.chars().take(80).map(plain).collect();
    let at = |ending: &str| directory.join(format!("{stem}-decommission.{ending}"));
    files::write(&at("json"), text.as_bytes())?;
    files::write(&at("sig"), &signer.sign(text.as_bytes())?)?;
    files::write(&at("pem"), signer.public_pem().as_bytes())?;
    crate::terminal::tell(&format!(
        "{}, signed; whoever reads it checks: openssl dgst -sha256 -verify {} -signature {} {}",
        at("json").display(),
        at("pem").display(),
        at("sig").display(),
        at("json").display()
    ));
    Ok(())
}
