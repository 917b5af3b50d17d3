use groma_model::SiteId;
use groma_model::fleet::{AgentHost, AgentStatus};

use super::*;
use crate::{Authority, prepare, retire, switch};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn agent(number: u8, believes: &[String], certified_by: Option<String>) -> AgentRecord {
    AgentRecord {
        agent: AgentId::from_random([number; 16]),
        site: SiteId::default(),
        key: String::new(),
        state: AgentState::Active,
        host: AgentHost::default(),
        enrolled_at: now(),
        token: String::new(),
        copied_from: None,
        generation: 1,
        certificate_until: now(),
        certified_by,
        run: None,
        former_runs: Vec::new(),
        held_until: None,
        seen_at: Some(now()),
        status: AgentStatus {
            believes: believes.to_vec(),
            ..AgentStatus::default()
        },
    }
}

#[test]
fn who_is_ready_is_asked_of_the_step_that_is_under_way() {
    let home = tempfile::tempdir().unwrap();
    let alone = Authority::open(home.path(), now()).unwrap();
    let prepared = prepare(home.path(), now()).unwrap();
    let [old, new] = [alone.roots(), prepared.roots()].map(|roots| roots.clone());
    let (old, new) = (old.present.pin(), new.next.unwrap().pin());
    let both = [old.clone(), new.clone()];
    let one = [old.clone()];
    let mut sold = agent(5, &one, None);
    sold.state = AgentState::Revoked {
        at: now(),
        because: "sold".to_owned(),
    };
    let mut away = agent(4, &one, Some(old.clone()));
    away.seen_at = Some(Timestamp::from_millis(0));
    let agents = [
        agent(1, &both, Some(new.clone())),
        agent(2, &both, Some(old.clone())),
        agent(3, &one, Some(old.clone())),
        away,
        sold,
        agent(6, &[], Some(old.clone())),
    ];
    let behind = |roots: &Roots| {
        let standing = standing(roots, &agents, now());
        assert_eq!(standing.agents, 5);
        let of = |one: &Behind| {
            let at = agents.iter().position(|agent| agent.agent == one.agent);
            (at.unwrap() + 1, one.soon)
        };
        standing.behind.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(behind(alone.roots()), []);
    assert_eq!(
        behind(prepared.roots()),
        [(3, true), (4, false), (6, false)]
    );
    let switched = switch(home.path(), now()).unwrap();
    let all_but_the_first: Vec<usize> = behind(switched.roots()).iter().map(|b| b.0).collect();
    assert_eq!(all_but_the_first, [2, 3, 4, 6]);
    let retired = retire(home.path()).unwrap();
    assert_eq!(behind(retired.roots()), []);
}

#[test]
fn the_end_is_told_at_ninety_thirty_and_seven_days_and_not_before() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::open(home.path(), now()).unwrap();
    let until = authority.roots().present.until();
    let before = |days: u64| {
        let at = until.millis() - DAY_MS * i64::try_from(days).unwrap() + 1000;
        ending(authority.roots(), Timestamp::from_millis(at)).map(|e| (e.days, e.within_days))
    };
    assert_eq!(ending(authority.roots(), now()), None);
    assert_eq!(before(91), None);
    assert_eq!(before(90), Some((89, 90)));
    assert_eq!(before(31), Some((30, 90)));
    assert_eq!(before(30), Some((29, 30)));
    assert_eq!(before(7), Some((6, 7)));
    let after = ending(authority.roots(), until.plus(DAY)).unwrap();
    assert_eq!((after.days, after.within_days), (0, 7));
    assert!(after.what_to_do.ends_with("prepare"));
}
