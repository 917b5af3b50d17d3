//! The same facts against what a wave promised.

use crate::compare;
use groma_diff::{WaveLine, WaveOutcome, compare_wave, wave_text, wave_to_json};
use groma_model::inventory::{CoverageEntry, Dependency, EvidenceEntry, Inventory};
use groma_model::wave::{Move, Wave};
use groma_model::{CoverageState, EvidenceId, SourceName, Witness};

use crate::build::*;

fn estate(dependencies: Vec<Dependency>) -> Inventory {
    inventory(
        ["app1", "app2", "mail1", "mail-new", "db1", "db2"]
            .map(host)
            .into(),
        dependencies,
    )
}

fn wave() -> Wave {
    let promise = Move {
        from: "mail1".into(),
        to: "mail-new".into(),
        names_that_follow: Vec::new(),
    };
    Wave {
        name: "w1".into(),
        members: vec!["mail1".into()],
        moves: vec![promise],
        ..Wave::default()
    }
}

fn judged(before: Vec<Dependency>, after: Vec<Dependency>, wave: &Wave) -> WaveOutcome {
    let (before, after) = (estate(before), estate(after));
    compare_wave(&compare(&before, &after), &before, &after, wave)
}

fn lines(list: &[WaveLine]) -> Vec<&str> {
    list.iter().map(|l| l.says.as_str()).collect()
}

fn relay(consumer: &str, provider: &str) -> Dependency {
    depends(consumer, "smtp-relay", provider, 25)
}

#[test]
fn who_followed_is_confirmed_and_who_did_not_is_missing() {
    let outcome = judged(
        vec![relay("app1", "mail1"), relay("app2", "mail1")],
        vec![relay("app1", "mail-new"), relay("app2", "mail1")],
        &wave(),
    );
    assert_eq!(
        lines(&outcome.confirmed),
        ["app1 (app1.service) for mail relay: now at mail-new:25"]
    );
    assert_eq!(
        lines(&outcome.missing),
        ["app2 (app2.service) for mail relay: still at mail1"]
    );
    assert!(
        outcome.unexpected.is_empty() && outcome.moved.is_empty() && outcome.not_seen.is_empty(),
        "{outcome:#?}"
    );
    assert!(outcome.needs_action());
}

#[test]
fn who_is_nowhere_is_missing_and_who_is_elsewhere_moved() {
    let outcome = judged(
        vec![relay("app1", "mail1"), relay("app2", "mail1")],
        vec![relay("app2", "db1")],
        &wave(),
    );
    assert_eq!(
        lines(&outcome.missing),
        ["app1 (app1.service) for mail relay: gone from the old place, and not at the new one"]
    );
    assert_eq!(
        lines(&outcome.moved),
        ["app2 (app2.service) for mail relay: now at db1:25, not where the wave says"]
    );
    assert!(outcome.unexpected.is_empty(), "{outcome:#?}");
}

#[test]
fn another_port_at_the_new_place_is_not_what_was_promised() {
    let outcome = judged(
        vec![relay("app1", "mail1")],
        vec![depends("app1", "smtp-relay", "mail-new", 2525)],
        &wave(),
    );
    assert_eq!(
        lines(&outcome.moved),
        ["app1 (app1.service) for mail relay: now at mail-new:2525, another port"]
    );
}

#[test]
fn nobody_saw_it_is_not_the_same_as_missing() {
    let gone_quiet = with(relay("app1", "mail1"), |d| d.current = false);
    let outcome = judged(vec![relay("app1", "mail1")], vec![gone_quiet], &wave());
    assert!(outcome.missing.is_empty(), "{outcome:#?}");
    assert_eq!(
        lines(&outcome.not_seen),
        ["app1 (app1.service) for mail relay: seen neither at the old place nor at the new one"]
    );
    let only_written = judged(
        vec![relay("app1", "mail1")],
        vec![written_only(relay("app1", "mail-new"))],
        &wave(),
    );
    assert_eq!(
        lines(&only_written.not_seen),
        ["app1 (app1.service) for mail relay: configured for mail-new:25, no connection seen yet"]
    );
    assert!(!only_written.needs_action());
}

#[test]
fn a_job_that_runs_next_month_is_not_due_yet() {
    let job = with(relay("app1", "mail1"), |d| d.next_due = Some(in_days(11)));
    let outcome = judged(vec![job], Vec::new(), &wave());
    assert_eq!(
        lines(&outcome.not_due_yet),
        ["app1 (app1.service) for mail relay: runs again on 2026-12-01"]
    );
}

#[test]
fn what_nobody_planned_is_unexpected_unless_it_is_excluded() {
    let before = vec![depends("app1", "sql", "db1", 5432)];
    let after = vec![depends("app1", "sql", "db2", 5432)];
    let outcome = judged(before.clone(), after.clone(), &wave());
    assert_eq!(
        lines(&outcome.unexpected),
        ["app1: needs moved, app1.service uses database at db2:5432, before at db1:5432"]
    );
    let excluded = Wave {
        exclusions: vec!["db2".into()],
        ..wave()
    };
    assert!(!judged(before, after, &excluded).needs_action());
}

#[test]
fn expected_lines_are_held_against_kind_consumer_provider_and_port() {
    let expected = |line: &str| Wave {
        expected: vec![line.parse().unwrap()],
        ..wave()
    };
    let after = vec![relay("app1", "mail-new")];
    let of = |line: &str| judged(after.clone(), after.clone(), &expected(line));
    assert_eq!(
        lines(&of("smtp-relay to mail-new:25").confirmed),
        ["smtp-relay to mail-new:25: seen, by app1"]
    );
    assert_eq!(
        lines(&of("smtp-relay from app1 to mail-new").confirmed).len(),
        1
    );
    assert_eq!(
        lines(&of("smtp-relay from app2 to mail-new").missing),
        ["smtp-relay from app2 to mail-new: nobody does it"]
    );
    assert_eq!(
        lines(&of("smtp-relay to mail-new:26").moved),
        ["smtp-relay to mail-new:26: found at mail-new:25 instead"]
    );
    assert_eq!(lines(&of("imap to mail-new:993").missing).len(), 1);
    assert_eq!(
        lines(&of("imap to mail-old").missing),
        ["imap to mail-old: nobody knows mail-old"]
    );
}

#[test]
fn a_name_that_must_follow_leads_to_the_new_place_or_is_missing() {
    let named = |at: &str| {
        let mut inventory = estate(Vec::new());
        let it = inventory
            .entities
            .iter_mut()
            .find(|e| e.name == at)
            .unwrap();
        it.names.push("mail.corp.example".into());
        inventory
    };
    let mut wave = wave();
    wave.moves
        .iter_mut()
        .for_each(|m| m.names_that_follow = vec!["mail.corp.example".into()]);
    let judge = |after: &Inventory| {
        compare_wave(
            &compare(&named("mail1"), after),
            &named("mail1"),
            after,
            &wave,
        )
    };
    assert_eq!(
        lines(&judge(&named("mail-new")).confirmed),
        ["mail.corp.example leads to mail-new"]
    );
    assert_eq!(
        lines(&judge(&named("mail1")).missing),
        ["mail.corp.example still leads to mail1"]
    );
    assert_eq!(
        lines(&judge(&named("db1")).missing),
        ["mail.corp.example leads neither to mail1 nor to mail-new"]
    );
}

#[test]
fn a_consumer_that_moves_itself_is_looked_for_at_its_new_place() {
    let mut wave = wave();
    wave.moves.push(Move {
        from: "app1".into(),
        to: "app2".into(),
        names_that_follow: Vec::new(),
    });
    let outcome = judged(
        vec![relay("app1", "mail1")],
        vec![relay("app2", "mail-new")],
        &wave,
    );
    assert_eq!(outcome.confirmed.len(), 1, "{outcome:#?}");
    assert!(
        outcome.missing.is_empty() && outcome.unexpected.is_empty(),
        "{outcome:#?}"
    );
}

#[test]
fn a_name_nobody_knows_is_said() {
    let mut wave = wave();
    wave.moves.iter_mut().for_each(|m| m.to = "mial-new".into());
    let outcome = judged(Vec::new(), Vec::new(), &wave);
    assert_eq!(
        lines(&outcome.missing),
        ["mial-new is in neither inventory: check the name in the wave file"]
    );
}

#[test]
fn the_page_and_the_document_say_the_same() {
    let outcome = judged(
        vec![relay("app1", "mail1")],
        vec![relay("app1", "mail1")],
        &wave(),
    );
    let page = wave_text(&outcome);
    assert!(page.starts_with("wave w1: 1 missing, 0 moved elsewhere, 0 unexpected, 0 not seen, 0 not due yet, 0 confirmed\n"), "{page}");
    let read: WaveOutcome = serde_json::from_str(&wave_to_json(&outcome)).unwrap();
    assert_eq!(read, outcome);
    assert_eq!(read.schema, "groma.wave-outcome/1");
}

/// A look at everything these machines hold open, at this moment.
fn looked_at(inventory: &mut Inventory, machines: &[&str], day: i64) {
    let look = |machine: &&str| CoverageEntry {
        source: SourceName::new("host.sockets"),
        vantage: id(machine),
        scope: "socket:self/tcp".into(),
        state: CoverageState::Complete,
        gaps: Vec::new(),
        from: in_days(day),
        to: in_days(day),
        how: None,
    };
    inventory.coverage = machines.iter().map(look).collect();
}

#[test]
fn a_machine_nobody_looked_at_again_is_not_accused_of_staying_behind() {
    let other_part = with(depends("app2", "smtp-relay", "mail-new", 587), |d| {
        d.consumer.component.name = "other.service".into();
    });
    let both = || {
        vec![
            relay("app1", "mail1"),
            relay("app2", "mail1"),
            other_part.clone(),
        ]
    };
    let (mut before, mut after) = (estate(both()), estate(both()));
    looked_at(&mut before, &["app1", "app2"], 0);
    looked_at(&mut after, &["app1"], 7);
    after
        .coverage
        .extend(before.coverage.iter().skip(1).cloned());
    let outcome = compare_wave(&compare(&before, &after), &before, &after, &wave());
    assert_eq!(
        lines(&outcome.missing),
        ["app1 (app1.service) for mail relay: still at mail1"]
    );
    assert_eq!(
        lines(&outcome.not_seen),
        ["app2 (app2.service) for mail relay: nobody has looked since"]
    );
}

#[test]
fn what_a_machine_said_that_nobody_looked_at_since_does_not_hold_a_name_back() {
    let named = |tellers: [(&str, &str); 2], day: i64| {
        let mut inventory = estate(Vec::new());
        for (teller, leads_to) in tellers {
            let about = EvidenceId::new(format!("evi-{teller}-{leads_to}"));
            let entities = inventory.entities.iter_mut();
            for place in entities.filter(|e| e.name == leads_to) {
                place.names.push("mail.corp.example".into());
                place.evidence.push(about.clone());
            }
            inventory.evidence.push(EvidenceEntry {
                id: about,
                source: SourceName::new("names.dns"),
                witness: Witness::Written,
                vantage: id(teller),
                observed_at: in_days(day),
                says: format!("DNS says mail.corp.example is alias {leads_to}"),
            });
        }
        looked_at(&mut inventory, &["app1", "app2"], day);
        inventory
    };
    let mut wave = wave();
    wave.moves
        .iter_mut()
        .for_each(|m| m.names_that_follow = vec!["mail.corp.example".into()]);
    let before = named([("app1", "mail1"), ("app2", "mail1")], 0);
    let judge = |after: &Inventory| {
        let outcome = compare_wave(&compare(&before, after), &before, after, &wave);
        (
            lines(&outcome.confirmed).len(),
            lines(&outcome.missing).len(),
        )
    };
    // app2 was asked before alone: what it was told then says nothing of now.
    let mut silent = named([("app1", "mail-new"), ("app2", "mail1")], 7);
    let (old, new) = (&before.coverage, &mut silent.coverage);
    new.truncate(1);
    new.extend(old.iter().skip(1).cloned());
    assert_eq!(judge(&silent), (1, 0));
    // The twin was asked again, and is still told the old place.
    assert_eq!(
        judge(&named([("app1", "mail-new"), ("app2", "mail1")], 7)),
        (0, 1)
    );
}
