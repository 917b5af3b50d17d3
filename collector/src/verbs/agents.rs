//! `groma agents list | approve | revoke | policy | coverage`: the fleet, seen from the collector.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use groma_model::fleet::{AgentRecord, AgentState, Policy, SweepWish};
use groma_model::inventory::Entity;
use groma_model::registry::REGISTRY;
use groma_model::{SiteId, Timestamp};
use groma_source::World;
use groma_source::manners::Target;
use groma_store::{Fleet, StoreError};

use crate::command::Place;
use crate::files;
use crate::terminal::visible;
use crate::verbs::token::site;
use crate::verbs::{FleetStore, inventory_at, open_fleet, wrong_usage};

#[derive(Subcommand, Debug)]
pub(crate) enum Arguments {
    /// List agents: who reports, who is silent, who waits.
    List {
        /// Text for people, or JSON.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let in agents that wait. Compare the fingerprint with what `groma-agent status` shows on the machine.
    Approve {
        /// Ids, or begins of ids that mean one agent each.
        #[arg(value_name = "AGENT", required = true)]
        agents: Vec<String>,
    },
    /// Refuse agents, and those that were copied from them, from now on: their next word is not answered. What they said stays.
    Revoke {
        /// Ids, or begins of ids that mean one agent each.
        #[arg(value_name = "AGENT", required = true)]
        agents: Vec<String>,
        /// Why, for whoever reads it later.
        #[arg(long, value_name = "WORDS")]
        because: String,
    },
    /// Say what agents do, how often and, of a named vantage, whom they ask over the network; shows it where nothing is said.
    Policy(PolicyArguments),
    /// Say how far the fleet reaches: who reports, who is silent, and which machines the network knows that have no agent.
    Coverage,
}

#[derive(Args, Debug)]
pub(crate) struct PolicyArguments {
    /// The agents of this site.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = site)]
    site: SiteId,
    /// This agent alone: an id, or the begin of one.
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// From one look to the next, as 30m, 6h, 1d.
    #[arg(long, value_name = "TIME", value_parser = groma_agent::duration)]
    look_every: Option<Duration>,
    /// How long a look watches connections, as 30s, 5m.
    #[arg(long, value_name = "TIME", value_parser = groma_agent::duration)]
    watch: Option<Duration>,
    /// From one heartbeat to the next, as 60s, 5m.
    #[arg(long, value_name = "TIME", value_parser = groma_agent::duration)]
    beat_every: Option<Duration>,
    /// Only these sources look. May be given several times.
    #[arg(long = "source", value_name = "NAME")]
    sources: Vec<String>,
    /// Make this agent a vantage that asks this network who is there. May be given several times; the ceiling file of the machine
    /// still has the last word.
    #[arg(long = "target", value_name = "NETWORK", requires = "agent")]
    targets: Vec<String>,
    /// Ask nobody of this network. May be given several times.
    #[arg(long = "exclude", value_name = "NETWORK", requires = "targets")]
    excluded: Vec<String>,
    /// This vantage asks nobody over the network any more.
    #[arg(long, requires = "agent", conflicts_with = "targets")]
    no_targets: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let mut store = open_fleet(place)?;
    match arguments {
        Arguments::List { format } => list(store.as_ref(), *format, world.clock.now()),
        Arguments::Approve { agents } => approve(store.as_mut(), agents),
        Arguments::Revoke { agents, because } => {
            revoke(store.as_mut(), agents, because, world.clock.now())
        }
        Arguments::Policy(policy) => set_policy(store.as_mut(), policy),
        Arguments::Coverage => coverage(store.as_mut(), &world),
    }
}

fn list(store: &dyn FleetStore, format: Format, now: Timestamp) -> Result<u8> {
    let agents = store.agents()?;
    if let Format::Json = format {
        return files::print((serde_json::to_string_pretty(&agents)? + "\n").as_bytes())
            .map(|()| 0);
    }
    for agent in &agents {
        files::print(line(agent, now).as_bytes())?;
    }
    let count = |word: &str| {
        agents
            .iter()
            .filter(|agent| agent.state.word() == word)
            .count()
    };
    let silent = agents
        .iter()
        .filter(|agent| groma_serve::is_silent(agent, now))
        .count();
    let end = format!(
        "{} active, {silent} of them silent; {} waiting; {} revoked\n",
        count("active"),
        count("waiting"),
        count("revoked")
    );
    files::print(end.as_bytes()).map(|()| 0)
}

fn line(agent: &AgentRecord, now: Timestamp) -> String {
    let state = match &agent.state {
        AgentState::Active if groma_serve::is_silent(agent, now) => "SILENT",
        state => state.word(),
    };
    let seen = agent
        .seen_at
        .map_or_else(|| "never".to_owned(), Timestamp::minute);
    let looked = agent
        .status
        .looked_at
        .map_or_else(|| "not yet".to_owned(), Timestamp::minute);
    let mut notes = Vec::new();
    if agent.status.spool_batches > 0 {
        notes.push(format!("{} batches wait there", agent.status.spool_batches));
    }
    if agent.status.spool_losses > 0 {
        notes.push(format!("{} losses", agent.status.spool_losses));
    }
    if agent.held_until.is_some_and(|until| until > now) {
        notes.push("held: looks like another machine".to_owned());
    }
    if let Some(from) = &agent.copied_from {
        notes.push(format!("was a copy of {from}"));
    }
    notes.extend(agent.status.trouble.clone());
    if let AgentState::Revoked { because, .. } = &agent.state {
        notes.push(because.clone());
    }
    visible(&format!(
        "{}  {state:<8} {:<24} site {}  heard {seen}  looked {looked}  {}  fingerprint {}{}{}",
        agent.agent,
        agent.host.name,
        agent.site,
        agent.host.version,
        agent.host.fingerprint,
        if notes.is_empty() { "" } else { "  " },
        notes.join("; "),
    )) + "\n"
}

/// The agent somebody means: an id, or the begin of one.
fn meant(store: &dyn FleetStore, text: &str) -> Result<AgentRecord> {
    let begins = |agent: &AgentRecord| {
        let id = agent.agent.as_str();
        id.starts_with(text) || id.trim_start_matches("agt-").starts_with(text)
    };
    let mut found: Vec<AgentRecord> = store.agents()?.into_iter().filter(begins).collect();
    match (found.pop(), found.len()) {
        (Some(agent), 0) => Ok(agent),
        (Some(_), more) => Err(wrong_usage(format!(
            "{text:?} may be {} agents: write more letters",
            more + 1
        ))),
        (None, _) => Err(wrong_usage(format!(
            "there is no agent {text:?}; see `groma agents list`"
        ))),
    }
}

fn approve(store: &mut dyn FleetStore, agents: &[String]) -> Result<u8> {
    for text in agents {
        let agent = meant(store, text)?;
        let mut was = agent.state.clone();
        let mut change = |record: &mut AgentRecord| {
            was = record.state.clone();
            if record.state == AgentState::Waiting {
                record.state = AgentState::Active;
            }
        };
        store.change_agent(&agent.site, &agent.agent, &mut change)?;
        let says = match was {
            AgentState::Waiting => "approved",
            AgentState::Active => "was approved before",
            AgentState::Revoked { .. } => {
                "is revoked, and stays so: enrol it again with a new token"
            }
        };
        files::print(visible(&format!("{} ({}) {says}", agent.agent, agent.host.name)).as_bytes())?;
        files::print(b"\n")?;
    }
    Ok(0)
}

fn revoke(
    store: &mut dyn FleetStore,
    agents: &[String],
    because: &str,
    now: Timestamp,
) -> Result<u8> {
    for text in agents {
        let agent = meant(store, text)?;
        for one in with_copies(store, agent)? {
            revoke_one(store, &one, because, now)?;
            let line = visible(&format!("{} ({}) revoked", one.agent, one.host.name));
            files::print(format!("{line}\n").as_bytes())?;
        }
    }
    Ok(0)
}

/// Revokes this agent alone; one that was revoked before keeps its reason.
pub(crate) fn revoke_one(
    fleet: &mut dyn Fleet,
    agent: &AgentRecord,
    because: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut change = |record: &mut AgentRecord| {
        if !matches!(record.state, AgentState::Revoked { .. }) {
            record.state = AgentState::Revoked {
                at: now,
                because: because.to_owned(),
            };
        }
    };
    fleet.change_agent(&agent.site, &agent.agent, &mut change)?;
    Ok(())
}

/// An agent, and every agent that was let in by its key: who has the one may have made the others.
fn with_copies(store: &dyn FleetStore, agent: AgentRecord) -> Result<Vec<AgentRecord>> {
    let all = store.agents()?;
    let mut found = vec![agent];
    let mut at = 0;
    while let Some(one) = found.get(at).map(|one| one.agent.clone()) {
        let copies = all
            .iter()
            .filter(|copy| copy.copied_from.as_ref() == Some(&one));
        found.extend(copies.cloned());
        at += 1;
    }
    Ok(found)
}

fn set_policy(store: &mut dyn FleetStore, arguments: &PolicyArguments) -> Result<u8> {
    let agent = arguments
        .agent
        .as_deref()
        .map(|text| meant(store, text))
        .transpose()?;
    let site = agent.as_ref().map_or(&arguments.site, |agent| &agent.site);
    let whole_site = groma_model::AgentId::new("");
    let before = store.policy(
        site,
        agent.as_ref().map_or(&whole_site, |agent| &agent.agent),
    )?;
    let wished = wish(&before, arguments)?;
    let policy = match wished == before {
        true => before,
        false => store.set_policy(site, agent.as_ref().map(|agent| &agent.agent), &wished)?,
    };
    files::print((serde_json::to_string_pretty(&policy)? + "\n").as_bytes()).map(|()| 0)
}

fn wish(before: &Policy, arguments: &PolicyArguments) -> Result<Policy> {
    let mut policy = before.clone();
    let within = |name: &str, wish: Option<Duration>, least: u64, most: u64, now: u64| match wish {
        None => Ok(now),
        Some(wish) if (least..=most).contains(&wish.as_secs()) => Ok(wish.as_secs()),
        Some(_) => Err(wrong_usage(format!(
            "--{name} lies between {least} s and {most} s"
        ))),
    };
    policy.look_every_s = within(
        "look-every",
        arguments.look_every,
        300,
        30 * 86_400,
        policy.look_every_s,
    )?;
    policy.watch_s = within("watch", arguments.watch, 0, 3600, policy.watch_s)?;
    policy.beat_every_s = within(
        "beat-every",
        arguments.beat_every,
        10,
        3600,
        policy.beat_every_s,
    )?;
    if !arguments.sources.is_empty() {
        policy.sources.clone_from(&arguments.sources);
    }
    for target in arguments.targets.iter().chain(&arguments.excluded) {
        Target::parse(target).map_err(|why| wrong_usage(why.to_string()))?;
    }
    if !arguments.targets.is_empty() {
        policy.sweep = Some(SweepWish {
            targets: arguments.targets.clone(),
            excluded: arguments.excluded.clone(),
            packets_per_second: 200,
        });
    }
    if arguments.no_targets {
        policy.sweep = None;
    }
    Ok(policy)
}

fn coverage(store: &mut dyn FleetStore, world: &World) -> Result<u8> {
    let now = world.clock.now();
    let agents = store.agents()?;
    let inventory = inventory_at(store.evidence_store(), None, world)?;
    let all: Vec<&Entity> = inventory
        .entities
        .iter()
        .filter(|entity| REGISTRY.is_machine(&entity.kind))
        .collect();
    let (with, without): (Vec<&Entity>, Vec<&Entity>) =
        all.iter().copied().partition(|entity| entity.has_agent);
    let mut text = String::new();
    let mut say = |line: String| text.push_str(&(visible(&line) + "\n"));
    let active = agents
        .iter()
        .filter(|agent| agent.state == AgentState::Active);
    let (silent, reporting): (Vec<_>, Vec<_>) =
        active.partition(|agent| groma_serve::is_silent(agent, now));
    say(format!(
        "{} agents report, {} are silent, {} wait for a person",
        reporting.len(),
        silent.len(),
        agents
            .iter()
            .filter(|a| a.state == AgentState::Waiting)
            .count()
    ));
    for agent in &silent {
        let seen = agent
            .seen_at
            .map_or_else(|| "never".to_owned(), Timestamp::minute);
        say(format!(
            "  silent: {} ({}), last heard {seen}",
            agent.host.name, agent.agent
        ));
    }
    say(format!(
        "{} machines are known, {} of them with an agent",
        all.len(),
        with.len()
    ));
    say(format!(
        "{} machines are known to the network or to lists and have no agent{}",
        without.len(),
        if without.is_empty() { "" } else { ":" }
    ));
    for entity in &without {
        let addresses: BTreeSet<String> =
            entity.addresses.iter().map(ToString::to_string).collect();
        let addresses: Vec<String> = addresses.into_iter().collect();
        say(format!(
            "  {} {} {} (last seen {})",
            entity.kind,
            entity.name,
            addresses.join(", "),
            entity.last_seen.minute()
        ));
    }
    files::print(text.as_bytes()).map(|()| 0)
}
