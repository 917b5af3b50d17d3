//! How machines nobody is known to need were watched, asked of the store.
//!
//! An estate of ten thousand machines has millions of looks. Asked is only about those whose newest look saw every caller and
//! of which nothing says that somebody needs them; what each look said of itself is read only where they lasted long enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use groma_model::inventory::Inventory;
use groma_model::store::LookRecord;
use groma_model::watched::{FLOWS, OwnWatch, Span, saw_every_caller};
use groma_model::{AgentId, EntityId, SiteId, SourceName, Timestamp};
use groma_store::{Moment, Store};

#[cfg(test)]
mod tests;

/// So far back looks are asked for: a longer silence says no more, and every year has such a time.
const TOLD: Duration = Duration::from_secs(92 * 86_400);

/// Machines whose looks are in memory at once: at the shortest policy each of them has 26,000.
const AT_ONCE: usize = 16;

/// The agents that looked at one machine from inside.
type Agents = Vec<(SiteId, AgentId)>;

/// Says of machines nobody is known to need how their own agents watched who calls, where that was long enough to prove it.
pub(crate) fn fill(
    store: &dyn Store,
    moment: &Moment,
    looks: &[LookRecord],
    vantages: &BTreeMap<AgentId, EntityId>,
    inventory: &mut Inventory,
    now: Timestamp,
) -> Result<()> {
    let mut machines = watching(looks, vantages);
    if machines.is_empty() {
        return Ok(());
    }
    let quiet = groma_check::quiet_machines(inventory, now);
    machines.retain(|machine, _| quiet.contains(machine));
    let since = before(now, TOLD);
    let machines: Vec<(EntityId, Agents)> = machines.into_iter().collect();
    let mut told: BTreeMap<EntityId, OwnWatch> = BTreeMap::new();
    for some in machines.chunks(AT_ONCE) {
        for (machine, agents, begun) in long_enough(store, moment, some, since, now)? {
            let watch = watch(store, moment, agents, begun)?;
            told.extend(watch.map(|watch| (machine.clone(), watch)));
        }
    }
    for entity in &mut inventory.entities {
        entity.attributes.watched = told.remove(&entity.id);
    }
    Ok(())
}

/// Machines whose newest look at their connections saw every caller, with their agents.
fn watching(
    looks: &[LookRecord],
    vantages: &BTreeMap<AgentId, EntityId>,
) -> BTreeMap<EntityId, Agents> {
    let mut of_machine: BTreeMap<&EntityId, Vec<&LookRecord>> = BTreeMap::new();
    for look in looks.iter().filter(|look| look.source.as_str() == FLOWS) {
        if let Some(machine) = vantages.get(&look.vantage) {
            of_machine.entry(machine).or_default().push(look);
        }
    }
    let is_whole = |looks: &Vec<&LookRecord>| {
        let newest = looks.iter().max_by_key(|look| look.ended);
        newest.is_some_and(|look| saw_every_caller(&look.coverage, &look.gaps))
    };
    let agents = |looks: Vec<&LookRecord>| -> Agents {
        let each = looks.iter();
        each.map(|look| (look.site.clone(), look.vantage.clone()))
            .collect()
    };
    of_machine
        .into_iter()
        .filter(|(_, looks)| is_whole(looks))
        .map(|(machine, looks)| (machine.clone(), agents(looks)))
        .collect()
}

/// Those of `machines` whose looks would prove silence if none of them lost anything, and since when they do.
fn long_enough<'m>(
    store: &dyn Store,
    moment: &Moment,
    machines: &'m [(EntityId, Agents)],
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(&'m EntityId, &'m Agents, Timestamp)>> {
    let agents: Vec<(SiteId, AgentId)> = machines.iter().flat_map(|(_, a)| a.clone()).collect();
    let mut spans: BTreeMap<(SiteId, AgentId), Vec<Span>> = BTreeMap::new();
    for span in store.spans_of(moment, FLOWS, &agents, since)? {
        let of = spans.entry((span.site, span.vantage)).or_default();
        of.push((span.started, span.ended));
    }
    let proves = |agents: &Agents| {
        let of_them = agents.iter().filter_map(|agent| spans.get(agent));
        let looks: Vec<Span> = of_them.flatten().copied().collect();
        let watch = OwnWatch::of(SourceName::new(FLOWS), &looks);
        watch.filter(|watch| groma_check::proves_silence(watch, now))
    };
    let each = machines.iter();
    let each = each.filter_map(|(machine, agents)| Some((machine, agents, proves(agents)?.from)));
    Ok(each.collect())
}

/// The watch of one machine, of the looks that lost nothing.
fn watch(
    store: &dyn Store,
    moment: &Moment,
    agents: &Agents,
    since: Timestamp,
) -> Result<Option<OwnWatch>> {
    let mut looks: BTreeSet<Span> = BTreeSet::new();
    for agent in agents {
        let all = store.looks_of(moment, FLOWS, agent, since)?;
        let whole = all
            .iter()
            .filter(|look| saw_every_caller(&look.coverage, &look.gaps));
        looks.extend(whole.filter_map(listened));
    }
    let looks: Vec<Span> = looks.into_iter().collect();
    Ok(OwnWatch::of(SourceName::new(FLOWS), &looks))
}

/// When a look listened for connections: reading files and asking others may go on for long after it.
fn listened(look: &LookRecord) -> Option<Span> {
    let from = look
        .coverage
        .iter()
        .map(|c| c.from)
        .max()?
        .max(look.started);
    let to = look.coverage.iter().map(|c| c.to).min()?.min(look.ended);
    (from <= to).then_some((from, to))
}

fn before(moment: Timestamp, length: Duration) -> Timestamp {
    let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(moment.millis().saturating_sub(millis))
}
