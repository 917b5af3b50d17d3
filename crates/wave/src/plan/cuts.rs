//! Dependencies whose ends do not move together, and what to do about each.

use std::collections::BTreeSet;

use groma_model::inventory::{Dependency, ReachedBy, Strength};
use groma_model::name::Protection;
use groma_model::registry::REGISTRY;
use rayon::prelude::*;

use super::calendar::{self, Calendar};
use super::machines::Machines;
use super::needs::Need;
use super::shape::{CutEdge, CutEnd, OutBecause};

/// All of them, by the wave where they begin, those of most weight first.
pub(super) fn cut_edges(
    machines: &Machines<'_>,
    needs: &[Need<'_>],
    calendar: &Calendar,
    directories: &BTreeSet<usize>,
) -> Vec<CutEdge> {
    let mut cut: Vec<(u64, CutEdge)> = needs
        .par_iter()
        .filter(|need| !calendar.is_folded(need, directories))
        .filter_map(|need| {
            let (from, until) = apart(need, calendar)?;
            Some((need.weight, edge(machines, need, calendar, from, until)))
        })
        .collect();
    cut.sort_by(|(a, x), (b, y)| {
        (x.from, b, x.until, &x.dependency).cmp(&(y.from, a, y.until, &y.dependency))
    });
    cut.into_iter().map(|(_, edge)| edge).collect()
}

/// From which wave to which the two ends live apart; none if they never do.
fn apart(need: &Need<'_>, calendar: &Calendar) -> Option<(u32, Option<u32>)> {
    let (consumer, provider) = (calendar.order(need.consumer), calendar.order(need.provider));
    // Who keeps data on a shared service needs the old one until it goes.
    if calendar.is_shared(need.provider) {
        let from = match consumer {
            _ if calendar.is_shared(need.consumer) => return None,
            Some(order) => order,
            None => return Some((calendar.retire?, None)),
        };
        return Some((from, calendar.retire));
    }
    match (consumer, provider) {
        (Some(a), Some(b)) if a == b => None,
        (Some(a), Some(b)) => Some((a.min(b), Some(a.max(b)))),
        (Some(from), None) | (None, Some(from)) => Some((from, None)),
        (None, None) => None,
    }
}

fn edge(
    machines: &Machines<'_>,
    need: &Need<'_>,
    calendar: &Calendar,
    from: u32,
    until: Option<u32>,
) -> CutEdge {
    let d = need.dependency;
    let end = |node: usize| CutEnd {
        entity: machines
            .nodes
            .get(node)
            .map_or_else(|| d.consumer.entity.clone(), |n| n.entity.id.clone()),
        name: machines.name(node).to_owned(),
        wave: calendar.order(node).map(calendar::name),
    };
    CutEdge {
        dependency: d.id.clone(),
        says: says(machines, need),
        kind: d.kind.clone(),
        consumer: end(need.consumer),
        provider: end(need.provider),
        from,
        until,
        strength: d.strength,
        current: d.current,
        to_do: to_do(machines, need, calendar, from, until),
    }
}

/// A need in one line: `web1 (nginx.service) needs db1 at 5432/tcp: database`.
pub(super) fn says(machines: &Machines<'_>, need: &Need<'_>) -> String {
    let d = need.dependency;
    let port = match (d.provider.port, d.provider.transport) {
        (Some(port), Some(transport)) => format!(" at {}/{transport}", port.0),
        (Some(port), None) => format!(" at {}", port.0),
        _ => String::new(),
    };
    format!(
        "{} ({}) needs {}{port}: {}",
        machines.name(need.consumer),
        d.consumer.component.name,
        machines.name(need.provider),
        title(d),
    )
}

/// The kind in words; `other` for a word the registry does not hold.
fn title(d: &Dependency) -> &'static str {
    REGISTRY
        .dependencies
        .get(&d.kind)
        .map_or("network connection", |kind| kind.title.as_str())
}

fn to_do(
    machines: &Machines<'_>,
    need: &Need<'_>,
    calendar: &Calendar,
    from: u32,
    until: Option<u32>,
) -> Vec<String> {
    let d = need.dependency;
    let mut steps = vec![way(machines, need, calendar, from, until)];
    let moves = calendar.order(need.provider).is_some();
    steps.extend(moves.then(|| reached(machines, need)));
    steps.extend(protected(d));
    steps.extend(admitted(d));
    if matches!(
        REGISTRY.kind(&d.kind).layer.as_str(),
        "storage" | "database"
    ) {
        steps.push("measure how it bears the delay between the two places".to_owned());
    }
    if d.strength == Strength::Unknown {
        steps.push("ask what is lost without it".to_owned());
    }
    if let Some(due) = d.next_due {
        steps.push(format!("it is due again on {}: try it before", due.day()));
    } else if let Some(rhythm) = &d.rhythm {
        steps.push(format!("it runs {rhythm}: start it by hand after the move"));
    }
    if !d.current {
        steps.push("the newest look did not see it: ask whether it is still there".to_owned());
    }
    steps
}

/// The way that has to be open between the two places, and for how long.
fn way(
    machines: &Machines<'_>,
    need: &Need<'_>,
    calendar: &Calendar,
    from: u32,
    until: Option<u32>,
) -> String {
    let (consumer, provider) = (machines.name(need.consumer), machines.name(need.provider));
    let out = |n: usize| machines.nodes.get(n).and_then(|n| n.out);
    match (out(need.consumer), out(need.provider)) {
        (_, Some(OutBecause::Retired)) => {
            return format!("{provider} is retired: give {consumer} another provider first");
        }
        (_, Some(OutBecause::Outside)) => {
            return format!("{provider} sees {consumer} come from a new address: have it let in");
        }
        (Some(OutBecause::Retired), _) => {
            return format!(
                "{consumer} is retired: switch it off before {provider} moves, or with it"
            );
        }
        (Some(OutBecause::Device), _) => {
            return format!(
                "{consumer} takes no agent: change its settings at its panel in w{from}"
            );
        }
        _ => {}
    }
    let end = until.map_or_else(
        || "for good, or until one of the two is changed".to_owned(),
        |order| format!("until {} is proven", calendar::name(order)),
    );
    let consumer_first = calendar.order(need.consumer) == Some(from);
    let (moved, left) = if consumer_first {
        (consumer, provider)
    } else {
        (provider, consumer)
    };
    format!(
        "from w{from} on {moved} is in the new place and {left} in the old: keep the way open {end}"
    )
}

/// What the provider's new place means for how it is found.
fn reached(machines: &Machines<'_>, need: &Need<'_>) -> String {
    let d = need.dependency;
    let (consumer, provider) = (machines.name(need.consumer), machines.name(need.provider));
    let called = d.reached_as.as_deref().unwrap_or(provider);
    let literal = d.hidden_because.iter().any(|w| w == "address-literal");
    match d.reached_by {
        Some(ReachedBy::HostsFile) => {
            format!("the hosts file of {consumer} decides where {called} is: change it there")
        }
        Some(ReachedBy::Broadcast) => {
            format!(
                "{consumer} looks for {called} on its own link: give it a name or an address it can reach"
            )
        }
        Some(ReachedBy::AddressLiteral) => by_address(d, consumer, called),
        _ if literal => by_address(d, consumer, called),
        Some(ReachedBy::Name | ReachedBy::Alias) => {
            format!("let the name {called} lead to the new place when {provider} moves")
        }
        None => {
            format!("nothing tells how {consumer} finds {provider}: ask before {provider} moves")
        }
    }
}

fn by_address(d: &Dependency, consumer: &str, called: &str) -> String {
    let place = match d.details.written_in.as_slice() {
        [] => format!("on {consumer}"),
        [one] => format!("in {one} on {consumer}"),
        [one, rest @ ..] => format!("in {one} and {} more places on {consumer}", rest.len()),
    };
    format!(
        "it names {called}, which will not follow DNS: change it {place}, or take the address along"
    )
}

fn protected(d: &Dependency) -> Option<String> {
    let clear = d.details.protection == Some(Protection::None)
        || d.hidden_because.iter().any(|w| w == "cleartext-bind");
    clear.then(|| {
        "it travels in clear text: put it into a tunnel or switch on TLS before it crosses between the places".to_owned()
    })
}

/// Refusals to expect, in the words of why the dependency is hidden.
fn admitted(d: &Dependency) -> Vec<String> {
    let says = |word: &str| match word {
        "unauthenticated-relay" => {
            Some("the relay lets it in by its address alone: admit the new one")
        }
        "pinned-certificate" => Some(
            "it trusts one certificate and not its name: carry the certificate over, or change the pin",
        ),
        "cached-credential" => Some("it works from a stored credential: store it in the new place"),
        "behind-relay" => Some("something stands between the two: move or redirect that too"),
        _ => None,
    };
    let words = d.hidden_because.iter().filter_map(|w| says(w));
    words.map(str::to_owned).collect()
}
