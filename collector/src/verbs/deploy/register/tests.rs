use groma_deploy::{Outcome, Step, Undone};
use groma_model::fleet::AgentHost;
use groma_store::SqliteStore;
use groma_store::fleet_conformance::{agent, token};

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

fn record(number: u8, name: &str) -> AgentRecord {
    AgentRecord {
        host: AgentHost {
            name: "web1".to_owned(),
            fingerprint: format!("of {number}"),
            ..AgentHost::default()
        },
        token: name.to_owned(),
        ..agent(number, &token(1))
    }
}

const INSTALLING: Work = Work {
    is_removal: false,
    is_trial: false,
};
const REMOVING: Work = Work {
    is_removal: true,
    is_trial: false,
};

/// What is said of a host, and whether somebody has to see to it.
fn settle(
    fleet: &mut SqliteStore,
    token: Option<&str>,
    result: &HostResult,
    work: Work,
) -> Option<(String, bool)> {
    let note = settled(Some(fleet), token, result, work, now());
    note.map(|note| (note.text, note.is_open))
}

/// Two agents, and a third one with a copy.
fn fleet() -> SqliteStore {
    let mut fleet = SqliteStore::open_in_memory().unwrap();
    let copy = AgentRecord {
        copied_from: Some(id(3)),
        ..record(4, "third")
    };
    let agents = [
        record(1, "first"),
        record(2, "second"),
        record(3, "third"),
        copy,
    ];
    for agent in agents {
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
    let gone = removed(Some(claim(1)));
    let note = settle(&mut fleet, None, &gone, REMOVING);
    assert_eq!(note, Some((format!("{} revoked", id(1)), false)));
    assert_eq!(revoked(&fleet), [(id(1), REMOVED.to_owned())]);
    let again = settle(&mut fleet, None, &gone, REMOVING);
    assert_eq!(
        again,
        Some((format!("{} was revoked before", id(1)), false))
    );
}

#[test]
fn who_was_lost_while_it_was_taken_off_is_revoked_too() {
    let mut fleet = fleet();
    let lost = result(Outcome::Removed, Identity::Unknown, Some(claim(1)));
    let note = settle(&mut fleet, None, &lost, REMOVING);
    assert_eq!(note, Some((format!("{} revoked", id(1)), false)));
    assert_eq!(revoked(&fleet), [(id(1), REMOVED.to_owned())]);
}

#[test]
fn who_was_enrolled_and_taken_back_is_revoked_by_its_token_with_all_it_let_in() {
    let mut fleet = fleet();
    let token = TokenRecord {
        digest: "second and its secret".to_owned(),
        ..token(1)
    };
    fleet.add_token(&token).unwrap();
    let back = rolled_back(Identity::Gone);
    let note = settle(&mut fleet, Some(&token.digest), &back, INSTALLING);
    assert_eq!(note, Some((format!("{} revoked", id(2)), false)));
    assert_eq!(revoked(&fleet), [(id(2), ROLLED_BACK.to_owned())]);
    // Whoever held on to the token is late.
    assert_eq!(fleet.tokens().unwrap()[0].ends_at, now());
    // Nobody came with this one.
    let note = settle(&mut fleet, Some("unused"), &back, INSTALLING);
    assert_eq!(note, None);
    let note = settle(&mut fleet, Some("third"), &back, INSTALLING);
    assert_eq!(note, Some((format!("{} {} revoked", id(3), id(4)), false)));
}

#[test]
fn a_trial_says_whom_it_would_revoke_and_does_not() {
    let mut fleet = fleet();
    let would = result(Outcome::WouldRemove, Identity::Gone, Some(claim(1)));
    let trial = Work {
        is_trial: true,
        ..REMOVING
    };
    let note = settle(&mut fleet, None, &would, trial);
    assert_eq!(note, Some((format!("would revoke {}", id(1)), false)));
    assert_eq!(revoked(&fleet), []);
}

#[test]
fn who_still_is_an_agent_is_not_revoked_and_nor_is_who_never_was() {
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
        for (token, work) in [(None, REMOVING), (Some("second"), INSTALLING)] {
            let kept = result(outcome.clone(), Identity::Kept, Some(claim(1)));
            assert_eq!(settle(&mut fleet, token, &kept, work), None, "{outcome}");
        }
    }
    // No token was made for it: the store was busy.
    let back = rolled_back(Identity::Gone);
    assert_eq!(settle(&mut fleet, None, &back, INSTALLING), None);
    assert_eq!(revoked(&fleet), []);
}

#[test]
fn where_nobody_knows_the_remedy_is_said_and_somebody_has_to_see_to_it() {
    let mut fleet = fleet();
    let unknown = rolled_back(Identity::Unknown);
    let copied = removed(Some(claim(3)));
    let cases = [
        (removed(None), None, REMOVING, "groma agents revoke ID"),
        (copied, None, REMOVING, "has been copied"),
        (
            unknown,
            Some("second"),
            INSTALLING,
            "is not known: deploy again",
        ),
    ];
    for (result, token, work, says) in cases {
        let (note, is_open) = settle(&mut fleet, token, &result, work).unwrap();
        assert!(
            note.contains(says) && note.contains("groma agents revoke "),
            "{note}"
        );
        assert!(is_open, "{note}");
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
    for (result, says, to_be_seen_to) in [
        (stranger, "is not enrolled here", false),
        (elsewhere, "is not enrolled here", false),
        (another, "looks different", true),
    ] {
        let (note, is_open) = settle(&mut fleet, None, &result, REMOVING).unwrap();
        assert!(note.contains(says), "{note}");
        assert_eq!(is_open, to_be_seen_to, "{note}");
    }
    assert_eq!(revoked(&fleet), []);
    let nowhere = settled(None, None, &removed(Some(claim(1))), REMOVING, now()).unwrap();
    assert!(
        nowhere.text.contains("is not enrolled here"),
        "{}",
        nowhere.text
    );
}
