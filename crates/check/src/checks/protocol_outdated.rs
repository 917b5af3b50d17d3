//! `protocol-outdated`: a machine is set to speak only in ways that newer systems refuse.

use groma_model::fact::{ProtocolSetting, ProtocolSide};
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};
use groma_model::name::Protection;

use crate::view::was_seen_alive;
use crate::wording::{names, who};
use crate::{Check, Draft, View};

/// The first build of Windows that speaks TLS 1.3 without being told to (Server 2022).
const SPEAKS_1_3: u64 = 20_348;

pub(crate) struct ProtocolOutdated;

impl Check for ProtocolOutdated {
    fn name(&self) -> &'static str {
        "protocol-outdated"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let entities = view.entities();
        let found = entities.filter_map(|entity| {
            let faults = faults(entity);
            (!faults.is_empty()).then(|| draft(view, entity, &faults))
        });
        found.collect()
    }
}

/// What is set in a way that a newer system on the other side refuses.
struct Fault<'a> {
    /// What the machine does, after its name.
    words: &'static str,
    severity: Severity,
    /// Which of its callers speak that way; of a fault towards those whom it calls, none.
    calls_so: fn(&Dependency) -> bool,
    settings: Vec<&'a ProtocolSetting>,
}

fn faults(entity: &Entity) -> Vec<Fault<'_>> {
    let mut found = Vec::new();
    for side in [ProtocolSide::Server, ProtocolSide::Client] {
        found.extend(without_newer_tls(entity, side));
    }
    found.extend(old_file_sharing(entity));
    found.extend(old_logon(entity));
    found
}

fn setting<'a>(
    entity: &'a Entity,
    protocol: &str,
    side: ProtocolSide,
) -> Option<&'a ProtocolSetting> {
    let mut all = entity.attributes.protocol_settings.iter();
    all.find(|setting| setting.protocol == protocol && setting.side == side)
}

/// TLS 1.2 is switched off, 1.3 is not there, and something older may be spoken.
fn without_newer_tls(entity: &Entity, side: ProtocolSide) -> Option<Fault<'_>> {
    let is = |protocol: &str, states: &[&str]| {
        setting(entity, protocol, side).filter(|s| states.contains(&s.state.as_str()))
    };
    let withheld = &["off", "not-by-default"];
    let newer = is("tls-1.2", withheld)?;
    let newest = setting(entity, "tls-1.3", side);
    let speaks_newest = match newest {
        Some(newest) => newest.state == "on",
        None => speaks_1_3_by_itself(entity),
    };
    let older = ["tls-1.1", "tls-1"]
        .iter()
        .any(|old| is(old, withheld).is_none());
    let (words, calls_so): (_, fn(&Dependency) -> bool) = match side {
        ProtocolSide::Server => ("serves with no newer TLS than 1.1", is_protected),
        ProtocolSide::Client => ("calls others with no newer TLS than 1.1", |_| false),
    };
    (!speaks_newest && older).then(|| Fault {
        words,
        severity: Severity::High,
        calls_so,
        settings: std::iter::once(newer).chain(newest).collect(),
    })
}

fn speaks_1_3_by_itself(entity: &Entity) -> bool {
    let system = entity.attributes.operating_system.as_ref();
    let build = system.and_then(|system| {
        let mut numbers = system.kernel.split(['.', ' ']);
        numbers.find_map(|number| number.parse::<u64>().ok().filter(|n| *n > 1000))
    });
    build.is_some_and(|build| build >= SPEAKS_1_3)
}

fn old_file_sharing(entity: &Entity) -> Option<Fault<'_>> {
    let on = setting(entity, "smb-1", ProtocolSide::Server).filter(|s| s.state == "on")?;
    Some(Fault {
        words: "still lets callers in by SMB 1",
        severity: Severity::Medium,
        calls_so: |d| d.kind == "smb",
        settings: vec![on],
    })
}

fn old_logon(entity: &Entity) -> Option<Fault<'_>> {
    let old = setting(entity, "ntlm", ProtocolSide::Client).filter(|s| s.state != "ntlm-2")?;
    Some(Fault {
        words: "logs on to others by the first version of NTLM",
        severity: Severity::Medium,
        calls_so: |_| false,
        settings: vec![old],
    })
}

fn is_protected(dependency: &Dependency) -> bool {
    let protection = dependency.details.protection;
    protection.is_some_and(|protection| protection != Protection::None)
}

fn draft<'a>(view: &View<'a>, entity: &'a Entity, faults: &[Fault<'_>]) -> Draft {
    let calls_so = |d: &&Dependency| faults.iter().any(|fault| (fault.calls_so)(d));
    let callers = view.needs_for(&entity.id).filter(|d| !d.details.local);
    let callers: Vec<&Dependency> = callers.filter(calls_so).collect();
    let mut draft = Draft::about(&[entity.id.as_str()]);
    let severities = faults.iter().map(|fault| fault.severity);
    draft.severity = severities.max().unwrap_or(Severity::Medium);
    "os".clone_into(&mut draft.layer);
    draft.likelihood = match callers.iter().any(|d| was_seen_alive(d)) {
        true => Likelihood::High,
        false => Likelihood::Medium,
    };
    draft.risk = format!(
        "{} {}: a newer system on the other side refuses that.",
        entity.name,
        names(faults.iter().map(|fault| fault.words)),
    );
    draft.indicator = indicator(faults, &callers);
    "The machine itself goes on as before; what moves is the other side, and from then on the two do not understand each other. A new machine in its place refuses its old callers.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Switch the newer way on beside the old one, on the old machine, weeks before the wave.",
        "See who still needs the old way, by the logs of connections, and ask the maker of each for newer firmware.",
        "Then switch the old way off for a test outside working hours, before anything moves.",
    ];
    draft.points_at(entity);
    callers.iter().for_each(|d| draft.cites(d));
    draft.cites_evidence(entity.evidence.get(..3).unwrap_or(&entity.evidence));
    draft
}

fn indicator(faults: &[Fault<'_>], callers: &[&Dependency]) -> String {
    let written = faults.iter().flat_map(|fault| &fault.settings);
    let written = names(written.map(|s| format!("{} = {} in {}", s.protocol, s.state, s.file)));
    match callers.is_empty() {
        true => written,
        false => format!("{written}; {}", who(callers)),
    }
}
