//! The section of machines to ask about before they are moved.

mod markup;
mod sample;

use groma_model::SourceName;
use groma_model::inventory::{FindingState, Inventory, Verdict, VerdictWord};
use groma_model::watched::OwnWatch;
use markup::assert_clean;
use sample::{HOSTILE, days_ago, noon, office};

/// The office, in which nobody was seen to use a machine with a hostile name.
fn asked_about() -> Inventory {
    let mut office = office();
    let machine = office.entities.iter_mut().find(|e| e.has_agent);
    let machine = machine.expect("the office has machines");
    machine.name = HOSTILE[0].to_owned();
    machine.attributes.watched = Some(OwnWatch {
        source: SourceName::new("host.flows"),
        from: days_ago(41),
        to: noon(),
        looks: 900,
        seconds: 1_700_000,
        longest_gap_seconds: 1_800,
        day_seconds: 86_400,
        week_seconds: 600_000,
    });
    let subject = machine.id.to_string();
    let finding = office.findings.first_mut().expect("the office has risks");
    finding.check = "nobody-seen-to-use".to_owned();
    finding.state = FindingState::Open;
    finding.verdict = None;
    finding.owner = None;
    finding.indicator = "nobody was seen to use it".to_owned();
    finding.subjects = vec!["dep-1".to_owned(), subject];
    office
}

#[test]
fn a_machine_to_ask_about_stands_with_its_days_and_with_whom_to_ask() {
    let estate = asked_about();
    let html = groma_report::html(&estate);
    assert_clean(&html);
    assert!(html.contains("<section id=\"retire\""));
    assert!(html.contains("href=\"#retire\""));
    assert!(html.contains(
        "<td>41 days</td><td>nobody was seen to use it</td><td>nobody is known to own it</td>"
    ));
    let page = groma_report::markdown(&estate);
    assert!(page.contains("## Retire instead of migrate?"));
    assert!(page.contains("41 days"));
}

#[test]
fn where_there_is_nothing_to_ask_there_is_no_section() {
    let mut accepted = asked_about();
    for finding in &mut accepted.findings {
        finding.verdict = Some(Verdict {
            verdict: VerdictWord::Accepted,
            by: "anna".to_owned(),
            because: "the year's end".to_owned(),
        });
    }
    let mut not_told = asked_about();
    for entity in &mut not_told.entities {
        entity.attributes.watched = None;
    }
    for estate in [office(), accepted, not_told] {
        assert!(!groma_report::html(&estate).contains("id=\"retire\""));
        assert!(!groma_report::markdown(&estate).contains("Retire instead"));
    }
}
