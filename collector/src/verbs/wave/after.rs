//! `groma wave residual` and `groma wave certify`: after the switch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use groma_model::inventory::{Dependency, Entity, Inventory};
use groma_model::schedule::round_days;
use groma_model::sentinel::SENTINEL;
use groma_model::wave::Wave;
use groma_model::{AgentId, EntityId, Timestamp};
use groma_store::{Moment, Store};
use groma_wave::Watch;

use super::Format;
use crate::command::Place;
use crate::conclude::{self, Concluded};
use crate::verbs::{inventory_at, not_replaced, open_existing, wrong_usage};
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
    residual: groma_wave::Residual,
    /// When each need with a rhythm must have come round since, and which it is.
    due: Vec<(Timestamp, String)>,
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
    let statement = groma_wave::certify(&after.residual, arguments.days, &after.due);
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
    if since > now {
        return Err(wrong_usage(format!(
            "the wave is not over: calls count from {since} on; give --since to look earlier"
        )));
    }
    let before = match &gone.before {
        Some(name) => Some(inventory_at(store.as_mut(), Some(name), &world)?),
        None => None,
    };
    let Concluded {
        inventory,
        vantages,
    } = conclude::concluded(store.as_mut(), &Moment::Now, now, randomness, Vec::new())?;
    let known = before.as_ref().unwrap_or(&inventory);
    let old = groma_wave::old_places(known, &wave);
    let mut watches = watches(store.as_ref(), &vantages, since)?;
    watches.extend(sentinels(store.as_ref(), &vantages, &inventory, since)?);
    let mut residual = groma_wave::residual(&inventory, &wave, &old, since, &watches);
    residual.forget_questions(&looks(
        store.as_ref(),
        &vantages,
        since,
        &groma_graph::ASKING,
    )?);
    Ok(After {
        due: due(known, &old, since),
        residual,
        wave,
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

/// When agents looked at the connections of their own machines, after `since`.
pub(super) fn watches(
    store: &dyn Store,
    vantages: &BTreeMap<AgentId, EntityId>,
    since: Timestamp,
) -> Result<Vec<Watch>> {
    looks(store, vantages, since, &WATCHING)
}

fn looks(
    store: &dyn Store,
    vantages: &BTreeMap<AgentId, EntityId>,
    since: Timestamp,
    sources: &[&str],
) -> Result<Vec<Watch>> {
    let spans = store.spans(&Moment::Now, sources)?.into_iter();
    let watch = |span: groma_model::store::LookSpan| {
        Some(Watch {
            entity: vantages.get(&span.vantage)?.clone(),
            from: span.started,
            to: span.ended,
            by: None,
        })
    };
    Ok(spans
        .filter(|s| s.ended > since)
        .filter_map(watch)
        .collect())
}

/// When sentinels stood at addresses of machines that are gone, after `since`: of each look, as much as lies between the first
/// and the last moment at which they are known to have listened there.
fn sentinels(
    store: &dyn Store,
    vantages: &BTreeMap<AgentId, EntityId>,
    inventory: &Inventory,
    since: Timestamp,
) -> Result<Vec<Watch>> {
    let mut all = Vec::new();
    for look in looks(store, vantages, since, &[SENTINEL])? {
        let posts = inventory.entity(&look.entity).map(|e| &e.attributes.posts);
        for entry in posts.into_iter().flatten() {
            let (from, to) = (look.from.max(entry.since), look.to.min(entry.until));
            let has_it =
                |e: &&Entity| e.id != look.entity && e.addresses.contains(&entry.post.address);
            let places = inventory.entities.iter().filter(has_it);
            all.extend(places.filter(|_| from < to).map(|place| Watch {
                entity: place.id.clone(),
                from,
                to,
                by: Some(groma_wave::Stood {
                    entity: look.entity.clone(),
                    address: entry.post.address.to_canonical(),
                    every_port: entry.post.ports.is_empty(),
                }),
            }));
        }
    }
    Ok(all)
}

/// When each need of old places that has a rhythm must have come round once since, wherever it goes now.
fn due(
    known: &Inventory,
    old: &BTreeMap<String, BTreeSet<EntityId>>,
    since: Timestamp,
) -> Vec<(Timestamp, String)> {
    let old: BTreeSet<&EntityId> = old.values().flatten().collect();
    let leads = |d: &&Dependency| {
        old.contains(&d.provider.entity) && !old.contains(&d.consumer.entity) && !d.details.local
    };
    let due = |d: &Dependency| {
        let days = round_days(d.rhythm.as_deref()?)?;
        let at = since.plus(Duration::from_secs(days * 86_400));
        Some((at, format!("{} to {}", d.consumer.name, d.provider.name)))
    };
    let mut all: Vec<_> = known
        .dependencies
        .iter()
        .filter(leads)
        .filter_map(due)
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The statement, its signature, and the key that proves it: `openssl dgst -sha256 -verify` takes them as they are.
fn sign(directory: &Path, wave: &str, text: &str, place: &Place) -> Result<()> {
    let signer = groma_serve::StatementKey::open(&place.directory())?;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("make the directory {}", directory.display()))?;
    let plain = |c: char| {
        let is_plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if is_plain { c } else { '_' }
    };
    let name: String = wave.chars().take(80).map(plain).collect();
    let day = groma_sys::this_machine(true).clock.now().day();
    let at = |ending: &str| directory.join(format!("{name}-decommission-{day}.{ending}"));
    if at("json").exists() {
        return Err(not_replaced(&at("json")));
    }
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
