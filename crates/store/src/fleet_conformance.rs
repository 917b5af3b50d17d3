//! What every engine behind [`Fleet`] has to pass, promise by promise.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken promise panics with its name"
)]

use std::time::Duration;

use groma_model::fleet::{
    AgentHost, AgentRecord, AgentState, AgentStatus, Policy, RefusalWord, TokenRecord,
};
use groma_model::{AgentId, SiteId, Timestamp};

use crate::{Fleet, Heard};

/// The start of the world of this suite.
fn dawn() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

const HOUR: Duration = Duration::from_secs(3600);

/// Every promise, each on a new empty store.
pub fn run(make: &dyn Fn() -> Box<dyn Fleet>) {
    let promises: &[fn(&mut dyn Fleet)] = &[
        a_token_lets_in_as_many_as_it_says_and_no_more,
        a_token_that_is_over_or_unknown_lets_nobody_in,
        a_token_that_was_ended_lets_nobody_in_any_more,
        an_agent_is_found_only_at_its_site,
        a_change_is_kept_and_a_stranger_is_not_made,
        what_agents_say_of_themselves_changes_nothing_else,
        what_is_asked_of_one_agent_goes_before_what_is_asked_of_its_site,
        shares_of_packets_never_exceed_the_cap_and_end,
    ];
    for promise in promises {
        promise(&mut *make());
    }
}

/// A token of `uses` that ends an hour after dawn.
pub fn token(uses: u64) -> TokenRecord {
    TokenRecord {
        digest: "d1".repeat(32),
        site: SiteId::new("north"),
        uses_max: uses,
        uses: 0,
        made_at: dawn(),
        ends_at: dawn().plus(HOUR),
        approve: false,
    }
}

/// An agent that came with `token`.
pub fn agent(number: u8, token: &TokenRecord) -> AgentRecord {
    AgentRecord {
        agent: AgentId::from_random([number; 16]),
        site: token.site.clone(),
        key: format!("{number:02x}").repeat(32),
        state: AgentState::Active,
        host: AgentHost::default(),
        enrolled_at: dawn(),
        token: token.name().to_owned(),
        copied_from: None,
        generation: 1,
        certificate_until: dawn().plus(24 * HOUR),
        certified_by: None,
        run: None,
        former_runs: Vec::new(),
        held_until: None,
        seen_at: None,
        status: AgentStatus::default(),
    }
}

fn enrol(
    fleet: &mut dyn Fleet,
    number: u8,
    digest: &str,
    now: Timestamp,
) -> Result<AgentRecord, RefusalWord> {
    fleet
        .enrol(digest, now, &mut |token| agent(number, token))
        .unwrap()
}

fn a_token_lets_in_as_many_as_it_says_and_no_more(fleet: &mut dyn Fleet) {
    let token = token(2);
    fleet.add_token(&token).unwrap();
    assert_eq!(enrol(fleet, 1, &token.digest, dawn()), Ok(agent(1, &token)));
    assert_eq!(enrol(fleet, 2, &token.digest, dawn()), Ok(agent(2, &token)));
    assert_eq!(
        enrol(fleet, 3, &token.digest, dawn()),
        Err(RefusalWord::TokenUsed)
    );
    assert_eq!(fleet.agents().unwrap().len(), 2);
    assert_eq!(fleet.tokens().unwrap().first().map(|t| t.uses), Some(2));
}

fn a_token_that_is_over_or_unknown_lets_nobody_in(fleet: &mut dyn Fleet) {
    let token = token(1);
    fleet.add_token(&token).unwrap();
    assert_eq!(
        enrol(fleet, 1, "none", dawn()),
        Err(RefusalWord::TokenUnknown)
    );
    assert_eq!(
        enrol(fleet, 1, &token.digest, dawn().plus(HOUR)),
        Err(RefusalWord::TokenEnded)
    );
    assert!(fleet.agents().unwrap().is_empty());
    assert_eq!(fleet.tokens().unwrap().first().map(|t| t.uses), Some(0));
}

fn a_token_that_was_ended_lets_nobody_in_any_more(fleet: &mut dyn Fleet) {
    let token = token(3);
    fleet.add_token(&token).unwrap();
    assert!(enrol(fleet, 1, &token.digest, dawn()).is_ok());
    fleet.end_token(&token.digest, dawn()).unwrap();
    fleet.end_token(&token.digest, dawn().plus(HOUR)).unwrap();
    fleet.end_token("unknown", dawn()).unwrap();
    assert_eq!(
        enrol(fleet, 2, &token.digest, dawn()),
        Err(RefusalWord::TokenEnded)
    );
    let kept = fleet.tokens().unwrap();
    assert_eq!((kept.len(), kept[0].uses, kept[0].ends_at), (1, 1, dawn()));
}

fn an_agent_is_found_only_at_its_site(fleet: &mut dyn Fleet) {
    let token = token(1);
    let known = agent(1, &token);
    fleet.add_agent(&known).unwrap();
    assert_eq!(
        fleet.agent(&known.site, &known.agent).unwrap(),
        Some(known.clone())
    );
    assert_eq!(
        fleet.agent(&SiteId::new("south"), &known.agent).unwrap(),
        None
    );
}

fn a_change_is_kept_and_a_stranger_is_not_made(fleet: &mut dyn Fleet) {
    let token = token(1);
    let known = agent(1, &token);
    fleet.add_agent(&known).unwrap();
    let mut renew = |agent: &mut AgentRecord| agent.generation += 1;
    let changed = fleet
        .change_agent(&known.site, &known.agent, &mut renew)
        .unwrap();
    assert_eq!(changed.map(|a| a.generation), Some(2));
    let again = fleet.agent(&known.site, &known.agent).unwrap();
    assert_eq!(again.map(|a| a.generation), Some(2));
    let stranger = AgentId::from_random([9; 16]);
    assert_eq!(
        fleet
            .change_agent(&known.site, &stranger, &mut renew)
            .unwrap(),
        None
    );
    assert_eq!(fleet.agents().unwrap().len(), 1);
}

fn what_agents_say_of_themselves_changes_nothing_else(fleet: &mut dyn Fleet) {
    let token = token(2);
    let (one, other) = (agent(1, &token), agent(2, &token));
    fleet.add_agent(&one).unwrap();
    fleet.add_agent(&other).unwrap();
    let said = |record: &AgentRecord, minute: u64| Heard {
        site: record.site.clone(),
        agent: record.agent.clone(),
        seen_at: dawn().plus(Duration::from_secs(60 * minute)),
        status: AgentStatus {
            trouble: Some(format!("in minute {minute}")),
            ..AgentStatus::default()
        },
    };
    let stranger = Heard {
        agent: AgentId::from_random([9; 16]),
        ..said(&one, 1)
    };
    fleet
        .hear(&[said(&other, 2), stranger, said(&one, 1)])
        .unwrap();
    // Clocks are set back: what comes last is believed.
    fleet.hear(&[said(&one, 3)]).unwrap();
    fleet.hear(&[said(&other, 1)]).unwrap();
    fleet.hear(&[]).unwrap();
    let told = |before: &AgentRecord, minute| {
        let mut after = before.clone();
        said(before, minute).tell(&mut after);
        after
    };
    assert_eq!(fleet.agents().unwrap(), [told(&one, 3), told(&other, 1)]);
}

fn what_is_asked_of_one_agent_goes_before_what_is_asked_of_its_site(fleet: &mut dyn Fleet) {
    let (site, one, other) = (
        SiteId::new("north"),
        AgentId::from_random([1; 16]),
        AgentId::from_random([2; 16]),
    );
    assert_eq!(fleet.policy(&site, &one).unwrap(), Policy::default());
    let of = |watch_s| Policy {
        watch_s,
        ..Policy::default()
    };
    let whole = fleet.set_policy(&site, None, &of(30)).unwrap();
    let own = fleet.set_policy(&site, Some(&one), &of(5)).unwrap();
    assert!(own.version > whole.version && whole.version > 0);
    assert_eq!(fleet.policy(&site, &one).unwrap(), own);
    assert_eq!(fleet.policy(&site, &other).unwrap(), whole);
    assert_eq!(
        fleet.policy(&SiteId::new("south"), &other).unwrap(),
        Policy::default()
    );
    let later = fleet.set_policy(&site, None, &of(40)).unwrap();
    assert!(
        later.version > own.version,
        "a version is never given twice"
    );
}

fn shares_of_packets_never_exceed_the_cap_and_end(fleet: &mut dyn Fleet) {
    let agents: Vec<AgentId> = (1..4).map(|n| AgentId::from_random([n; 16])).collect();
    let until = dawn().plus(HOUR);
    let mut ask = |agent: usize, asked: u32, now: Timestamp| {
        fleet.lease(&agents[agent], asked, 200, now, until).unwrap()
    };
    assert_eq!(ask(0, 150, dawn()), 150);
    assert_eq!(ask(1, 150, dawn()), 50);
    assert_eq!(ask(2, 1, dawn()), 0);
    assert_eq!(
        ask(0, 100, dawn()),
        100,
        "one's own share is given back first"
    );
    assert_eq!(ask(2, 80, dawn()), 50);
    assert_eq!(ask(1, 0, dawn()), 0, "nothing asked gives back");
    assert_eq!(ask(2, 80, dawn()), 80);
    assert_eq!(ask(1, 200, until), 200, "what is over is nobody's");
}
