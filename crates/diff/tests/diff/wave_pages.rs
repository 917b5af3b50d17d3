//! What is said at the top, and what the pages do with what strangers wrote.

use groma_diff::{
    GapKind, compare, compare_wave, html, markdown, wave_html, wave_markdown, wave_text,
};
use groma_model::inventory::*;
use groma_model::wave::{Criterion, Wave};
use groma_model::{CoverageState, SourceName, Witness};

use crate::build::*;
use crate::mail_move::{after, before, judge, monthly, relay, wave};
use crate::wave_tables::{measured, with_contents};

#[test]
fn documents_of_two_stores_unknown_names_and_wrong_dates_are_said_at_the_top() {
    let strangers = inventory(vec![host("elsewhere")], Vec::new());
    let outcome = judge(&before(), &strangers, &wave());
    assert!(
        outcome.warnings[0].contains("they come from two stores"),
        "{:?}",
        outcome.warnings
    );

    let wrong = Wave {
        members: vec!["mial1".into(), "nowhere-at-all".into()],
        window: Some(TimeWindow {
            from: in_days(-9),
            to: in_days(-8),
        }),
        requires: vec!["w1".into(), "w2".into()],
        order: 1,
        ..wave()
    };
    let (before, mut after) = (before(), after());
    let other = |name: &str, order, from, to| WaveEntry {
        name: name.into(),
        order,
        window: Some(TimeWindow {
            from: in_days(from),
            to: in_days(to),
        }),
        members: vec!["db1".into()],
        state: "planned".into(),
        ..WaveEntry::default()
    };
    after.waves = vec![other("w2", 2, 20, 21), other("w3", 3, -9, -7)];
    let outcome = judge(&before, &after, &wrong);
    let says = |words: &str| {
        assert!(
            outcome.warnings.iter().any(|w| w.contains(words)),
            "{words}: {:#?}",
            outcome.warnings
        );
    };
    says("did you mean mail1?");
    says("nowhere-at-all of the wave file is in neither document: check the name");
    says("before the first look");
    says("requires itself");
    says("wave w2 is required, but comes later");
    says("wave w3 has a window at the same time");
    let swapped = judge(&after, &before, &wave());
    assert!(
        swapped.warnings[0].contains("the wrong way round"),
        "{:?}",
        swapped.warnings
    );
    let early = Wave {
        window: Some(TimeWindow {
            from: in_days(30),
            to: in_days(31),
        }),
        ..wave()
    };
    assert!(judge(&before, &after, &early).warnings[0].contains("has not happened yet"));
}

#[test]
fn what_only_a_new_way_of_looking_tells_is_not_unexpected() {
    let (before, mut after) = (before(), after());
    let told = with(depends("web2", "ldap-bind", "db1", 389), |d| {
        d.witnesses = vec![Witness::History];
        d.last_seen = in_days(7);
    });
    let entry = EvidenceEntry {
        id: told.evidence[0].clone(),
        source: SourceName::new("log.services"),
        witness: Witness::History,
        vantage: id("db1"),
        observed_at: in_days(7),
        says: "a bind".into(),
    };
    after.dependencies.push(told);
    assert_eq!(judge(&before, &after, &wave()).unexpected.len(), 6);
    after.evidence.push(entry);
    after.coverage.push(CoverageEntry {
        source: SourceName::new("log.services"),
        to: in_days(7),
        ..sockets("db1", CoverageState::Complete)
    });
    let outcome = judge(&before, &after, &wave());
    assert_eq!(outcome.unexpected.len(), 5, "{}", wave_text(&outcome));
    assert!(
        outcome
            .coverage_gaps
            .iter()
            .any(|g| g.kind == GapKind::NotLookedBefore)
    );
}

#[test]
fn a_page_has_no_script_and_no_foreign_element() {
    let evil = "<script>alert(1)</script>\u{202e}\"'&--><b>";
    let (mut before, mut after) = with_contents();
    for inventory in [&mut before, &mut after] {
        for entity in &mut inventory.entities {
            entity.owner = Some(evil.into());
            if entity.name == "app1" || entity.name == "web1" {
                entity.name = evil.into();
            }
        }
        for need in &mut inventory.dependencies {
            need.consumer.name = evil.into();
            need.consumer.component.name = evil.into();
            need.provider.name = evil.into();
        }
    }
    let wave = Wave {
        name: evil.into(),
        owner: Some(evil.into()),
        ..wave()
    };
    let changes = compare(&before, &after);
    let outcome = compare_wave(&changes, &before, &after, &wave);
    for page in [
        wave_html(&changes, &outcome, &before, &after),
        html(&changes),
    ] {
        assert!(!page.contains("<script") && !page.contains("<b>&") && !page.contains('\u{202e}'));
        assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"));
        assert!(!page.contains("alert(1)</script>"));
    }
    for page in [wave_markdown(&outcome), markdown(&changes)] {
        let bare = page.replace("\\<", "");
        assert!(!bare.contains('<') && !page.contains('\u{202e}'), "{page}");
    }
}

/// Writes the pages where somebody wants to look at them: `GROMA_PAGES=FOLDER cargo test -p groma-diff pages -- --ignored`.
#[test]
#[ignore = "for eyes"]
#[allow(
    clippy::disallowed_methods,
    reason = "a test that a person starts writes where that person says"
)]
fn pages() {
    let (mut before, mut after) = with_contents();
    before.dependencies.push(monthly("mail1", -5));
    before.dependencies.push(relay("db1", "mail1"));
    after.dependencies.push(relay("db1", "mail1"));
    for i in [&mut before, &mut after] {
        for e in &mut i.entities {
            e.owner = match e.name.as_str() {
                "web1" | "web2" => Some("Web team".into()),
                "db1" | "db2" => Some("Databases, Kim Example".into()),
                _ => None,
            };
        }
        i.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    }
    after.measurements = vec![
        measured("mail-new", "content_open", 9.0, 7),
        measured("mail-new", "share_sessions", 5.0, 7),
    ];
    let criterion = |metric: &str, threshold: f64| Criterion {
        metric: metric.into(),
        threshold: Some(threshold),
        at_least: None,
        baseline: Some("before-w1".into()),
        accepted_by: Some("head of sales".into()),
    };
    let wave = Wave {
        criteria: vec![
            criterion("share_sessions", 10.0),
            criterion("content_open", 2.0),
            criterion("mail_delay_p95_seconds", 60.0),
        ],
        exclusions: vec!["biuld1".into()],
        ..wave()
    };
    let changes = compare(&before, &after);
    let outcome = compare_wave(&changes, &before, &after, &wave);
    let folder = std::path::PathBuf::from(std::env::var("GROMA_PAGES").expect("a folder"));
    for (name, page) in [
        ("wave.html", wave_html(&changes, &outcome, &before, &after)),
        ("diff.html", html(&changes)),
        ("wave.md", wave_markdown(&outcome)),
        ("wave.txt", wave_text(&outcome)),
    ] {
        std::fs::write(folder.join(name), page).expect("the folder is there");
    }
}
