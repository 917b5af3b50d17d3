use groma_deploy::{Outcome, Step, Undone};
use groma_model::fleet::{AgentHost, AgentStatus};
use groma_store::SqliteStore;

use super::*;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn host() -> Host {
    groma_deploy::hosts("web1").unwrap().remove(0)
}

fn id(agent: u8) -> AgentId {
    AgentId::from_random([agent; 16])
}

fn record(agent: u8, token: &str) -> AgentRecord {
    AgentRecord {
        agent: id(agent),
        site: SiteId::new("north"),
        key: format!("key of {agent}"),
        state: AgentState::Active,
        host: AgentHost {
            name: "web1".to_owned(),
            fingerprint: format!("of {agent}"),
            ..AgentHost::default()
        },
        enrolled_at: now(),
        token: token.to_owned(),
        copied_from: None,
        generation: 1,
        certificate_until: now(),
        certified_by: None,
        run: None,
        former_runs: Vec::new(),
        held_until: None,
        seen_at: None,
        status: AgentStatus::default(),
    }
}

/// Two agents, and a copy of the first one.
fn fleet() -> SqliteStore {
    let mut fleet = SqliteStore::open_in_memory().unwrap();
    let copy = AgentRecord {
        copied_from: Some(id(1)),
        ..record(3, "first")
    };
    for agent in [record(1, "first"), record(2, "second"), copy] {
        fleet.add_agent(&agent).unwrap();
    }
    fleet
}

fn claim(agent: u8) -> Claim {
    Claim {
        agent: id(agent).as_str().to_owned(),
        site: "north".to_owned(),
        fingerprint: format!("of {agent}"),
    }
}

fn result(outcome: Outcome, identity: Identity, claim: Option<Claim>) -> HostResult {
    HostResult {
        host: host(),
        outcome,
        notes: Vec::new(),
        identity,
        claim,
    }
}

fn removed(claim: Option<Claim>) -> HostResult {
    result(Outcome::Removed, Identity::Gone, claim)
}

fn rolled_back(identity: Identity) -> HostResult {
    let failed = Outcome::Failed {
        step: Step::Start,
        reason: "systemd did not start the unit".to_owned(),
        undone: Undone::RolledBack,
    };
    result(failed, identity, None)
}

/// Who is revoked, and why.
fn revoked(fleet: &SqliteStore) -> Vec<(AgentId, String)> {
    let all = fleet.agents().unwrap().into_iter();
    all.filter_map(|agent| match agent.state {
        AgentState::Revoked { because, .. } => Some((agent.agent, because)),
        _ => None,
    })
    .collect()
}

#[test]
fn who_was_taken_off_is_revoked_and_nobody_else() {
    let mut fleet = fleet();
    let note = settled(
        Some(&mut fleet),
        None,
        &removed(Some(claim(1))),
        false,
        now(),
    );
    assert_eq!(note, Some(format!("{} revoked", id(1))));
    // Not its copy either: that one runs on another machine, and nobody took it off.
    assert_eq!(revoked(&fleet), [(id(1), REMOVED.to_owned())]);
    let again = settled(
        Some(&mut fleet),
        None,
        &removed(Some(claim(1))),
        false,
        now(),
    );
    assert_eq!(again, Some(format!("{} was revoked before", id(1))));
}

#[test]
fn who_was_enrolled_and_taken_back_is_revoked_by_its_token() {
    let mut fleet = fleet();
    let back = rolled_back(Identity::Gone);
    let note = settled(Some(&mut fleet), Some("second"), &back, false, now());
    assert_eq!(note, Some(format!("{} revoked", id(2))));
    assert_eq!(revoked(&fleet), [(id(2), ROLLED_BACK.to_owned())]);
    // Nobody came with this one.
    let note = settled(Some(&mut fleet), Some("unused"), &back, false, now());
    assert_eq!(note, None);
}

#[test]
fn a_trial_says_whom_it_would_revoke_and_does_not() {
    let mut fleet = fleet();
    let would = result(Outcome::WouldRemove, Identity::Gone, Some(claim(1)));
    let note = settled(Some(&mut fleet), None, &would, true, now());
    assert_eq!(note, Some(format!("would revoke {}", id(1))));
    assert_eq!(revoked(&fleet), []);
}

#[test]
fn who_still_is_an_agent_is_not_revoked() {
    let mut fleet = fleet();
    let left = Outcome::Failed {
        step: Step::Remove,
        reason: "not all of it could be removed".to_owned(),
        undone: Undone::Left(vec!["/var/lib/groma-agent".to_owned()]),
    };
    for outcome in [
        Outcome::Installed,
        Outcome::Upgraded,
        Outcome::Unchanged,
        left,
    ] {
        for token in [None, Some("second")] {
            let kept = result(outcome.clone(), Identity::Kept, Some(claim(1)));
            assert_eq!(
                settled(Some(&mut fleet), token, &kept, false, now()),
                None,
                "{outcome}"
            );
        }
    }
    assert_eq!(revoked(&fleet), []);
}

#[test]
fn where_nobody_knows_the_remedy_is_said() {
    let mut fleet = fleet();
    let lost = result(Outcome::Removed, Identity::Unknown, Some(claim(1)));
    let cases = [
        (removed(None), None, "groma agents revoke ID"),
        (lost, None, "is not known: try again"),
        (
            rolled_back(Identity::Unknown),
            Some("second"),
            "is not known: try again",
        ),
    ];
    for (result, token, says) in cases {
        let note = settled(Some(&mut fleet), token, &result, false, now()).unwrap();
        assert!(
            note.contains(says) && note.contains("groma agents revoke "),
            "{note}"
        );
    }
    assert_eq!(revoked(&fleet), []);
}

#[test]
fn what_a_host_says_counts_only_where_our_record_says_the_same() {
    let mut fleet = fleet();
    let of = |change: &dyn Fn(&mut Claim)| {
        let mut claim = claim(1);
        change(&mut claim);
        removed(Some(claim))
    };
    // An agent of another collector, one of another site, and one that stands on another machine.
    let stranger = of(&|claim| claim.agent = id(9).as_str().to_owned());
    let elsewhere = of(&|claim| claim.site = "south".to_owned());
    let another = of(&|claim| claim.fingerprint = "of 2".to_owned());
    for (result, says) in [
        (stranger, "is not enrolled here"),
        (elsewhere, "is not enrolled here"),
        (another, "looks different"),
    ] {
        let note = settled(Some(&mut fleet), None, &result, false, now()).unwrap();
        assert!(note.contains(says), "{note}");
    }
    assert_eq!(revoked(&fleet), []);
    let nowhere = settled(None, None, &removed(Some(claim(1))), false, now()).unwrap();
    assert!(nowhere.contains("is not enrolled here"), "{nowhere}");
}
