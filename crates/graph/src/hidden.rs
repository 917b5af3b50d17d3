//! Why a standard inventory does not show a dependency. The computations are told in `docs/reference/hidden.md`.

use groma_model::fact::ComponentClass;
use groma_model::inventory::Entity;
use groma_model::inventory::ReachedBy;
use groma_model::name::Protection;
use groma_model::registry::REGISTRY;
use groma_model::virtualization::is_carried;
use groma_model::{Estate, Witness};

use crate::draft::{Draft, Place};

/// What the reasons are computed from.
pub(crate) struct Case<'a> {
    pub(crate) place: &'a Place,
    pub(crate) draft: &'a Draft,
    pub(crate) consumer: &'a Entity,
    pub(crate) provider: &'a Entity,
    pub(crate) estate: &'a Estate,
    /// Samples taken of the consumer's sockets.
    pub(crate) samples: u64,
}

/// The reasons, as words of the registry, in order; empty means: not hidden.
pub(crate) fn reasons(case: &Case<'_>) -> Vec<String> {
    let Case {
        place,
        draft,
        consumer,
        ..
    } = case;
    // What a machine needs of itself moves together with it, and its resolver, clock and mirrors stand in
    // every inventory of host facts; what it runs on, and whom a host of guests asks for names and the time, in the
    // list of its platform.
    if place.consumer == place.provider
        || is_carried(&draft.kind, draft.witnesses.as_slice())
        || is_listed_by_its_platform(case)
    {
        return Vec::new();
    }
    let plain = !REGISTRY.kind(&draft.kind).shared;
    let mut reasons: Vec<&str> = Vec::new();
    let mut say = |holds: bool, word: &'static str| {
        if holds {
            reasons.push(word);
        }
    };
    let only_written = draft.witnesses.as_slice() == [Witness::Written];
    say(
        !consumer.has_agent && consumer.kind != "external",
        "device-without-agent",
    );
    say(plain && only_written, "config-only");
    say(
        plain && (draft.component.class == ComponentClass::ScheduledJob || draft.rhythm.is_some()),
        "scheduled",
    );
    say(plain && is_rare(case), "rare");
    say(plain && is_short_lived(case), "short-lived");
    say(draft.witnesses.as_slice() == [Witness::History], "log-only");
    say(by_address(draft), "address-literal");
    say(reached_by(draft, ReachedBy::Alias), "alias");
    say(reached_by(draft, ReachedBy::Broadcast), "netbios-name");
    say(
        reached_by(draft, ReachedBy::HostsFile),
        "hosts-file-override",
    );
    say(relays_by_address(case), "unauthenticated-relay");
    say(
        draft.kind == "ldap-bind" && draft.protection == Some(Protection::None),
        "cleartext-bind",
    );
    say(
        draft.witnesses.as_slice() == [Witness::Declared],
        "directory-only",
    );
    say(plain && is_undeclared(case), "undeclared");
    reasons.sort_unstable();
    reasons.into_iter().map(str::to_owned).collect()
}

/// The name servers and clocks of a host of guests, as its platform tells them.
fn is_listed_by_its_platform(case: &Case<'_>) -> bool {
    case.consumer.attributes.hypervisor.is_some()
        && REGISTRY.kind(&case.draft.kind).shared
        && case.draft.witnesses.as_slice() == [Witness::Declared]
}

fn reached_by(draft: &Draft, by: ReachedBy) -> bool {
    draft.reached.iter().any(|(r, _)| *r == by)
}

/// A written address, where a name could stand: `resolv.conf` has no choice, nor has a route.
fn by_address(draft: &Draft) -> bool {
    !matches!(draft.kind.as_str(), "dns" | "dhcp" | "gateway")
        && reached_by(draft, ReachedBy::AddressLiteral)
}

/// Seen alive in at most one of ten samples, and called no more often than that; and there were at least ten.
fn is_rare(case: &Case<'_>) -> bool {
    let often = case.draft.alive.max(case.draft.calls);
    case.samples >= 10 && often > 0 && often.saturating_mul(10) <= case.samples
}

/// No connection watched from begin to end lasted a second, and at most one of ten samples met one.
fn is_short_lived(case: &Case<'_>) -> bool {
    let draft = case.draft;
    let short = draft
        .seen
        .lasted
        .is_some_and(|lasted| lasted.longest_ms < 1000);
    short && draft.calls > 0 && draft.alive.saturating_mul(10) <= case.samples
}

/// A configured relay without an account, or one that a directory allows: the other side lets it in by its address.
fn relays_by_address(case: &Case<'_>) -> bool {
    let draft = case.draft;
    draft.kind == "smtp-relay"
        && (draft.witnesses.contains(&Witness::Written)
            || draft.witnesses.contains(&Witness::Declared))
        && draft.accounts.is_empty()
        && !draft.account_untold
}

/// A list was imported, and one end of the edge is not in it.
fn is_undeclared(case: &Case<'_>) -> bool {
    let missing = |e: &Entity| !e.declared && e.kind != "external";
    case.estate.compared_with_list && (missing(case.consumer) || missing(case.provider))
}
