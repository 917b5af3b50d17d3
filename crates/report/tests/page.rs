//! The page: nothing a stranger wrote becomes an element, nothing is fetched, and the map keeps its promises.

mod markup;
mod sample;

use groma_model::inventory::{Inventory, Severity};
use markup::{assert_clean, tags};
use proptest::prelude::*;

#[test]
fn hostile_names_become_text() {
    let html = groma_report::html(&sample::office());
    assert_clean(&html);
    assert!(!html.contains("<script>alert"));
    assert!(
        html.contains("&#60;script&#62;alert(1)"),
        "it is there, as text"
    );
}

#[test]
fn no_format_holds_a_character_that_hides_or_turns_text() {
    let office = sample::office();
    let summary = groma_report::summary(&office).to_string();
    for text in [
        groma_report::html(&office),
        groma_report::markdown(&office),
        groma_report::csv(&office),
        groma_report::json(&office),
        summary,
    ] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']));
    }
}

fn assert_no_formula(table: &str) {
    let mut reader = csv::ReaderBuilder::new().from_reader(table.as_bytes());
    for record in reader.records() {
        for cell in record.expect("the table is CSV").iter() {
            assert!(
                !cell
                    .trim_start()
                    .starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                "{cell:?}"
            );
        }
    }
}

#[test]
fn no_cell_of_the_table_is_a_formula() {
    let csv = groma_report::csv(&sample::office());
    assert!(csv.contains("\"'=cmd|"));
    assert_no_formula(&csv);
}

#[test]
fn the_page_opens_offline() {
    for inventory in [sample::office(), sample::single()] {
        let html = groma_report::html(&inventory);
        let fetched = [
            "src=",
            "url(",
            "@import",
            "fetch(",
            "XMLHttpRequest",
            "import(",
        ];
        for word in fetched {
            let allowed = if word == "url(" { "url(#" } else { "\0" };
            let found = html.matches(word).count() - html.matches(allowed).count();
            // The hostile sample writes `src=x` as text.
            let as_text = html.matches("img src=x").count();
            assert!(found == 0 || (word == "src=" && found == as_text), "{word}");
        }
    }
}

#[test]
fn the_policy_names_the_style_and_script_of_the_page() {
    let html = groma_report::html(&sample::single());
    let policy = html
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let policy = policy.replace("&#39;", "'");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"));
}

#[test]
fn the_data_block_is_json_and_cannot_end_its_element() {
    let html = groma_report::html(&sample::office());
    let block = html
        .split("id=\"data\">")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    assert!(!block.contains(['<', '>', '&']));
    let data: serde_json::Value = serde_json::from_str(block).unwrap();
    assert_eq!(
        data["edges"]["consumer"].as_array().unwrap().len(),
        sample::office().dependencies.len() - 1
    );
}

/// Places of the boxes of a page.
fn boxes(html: &str) -> Vec<(i64, i64)> {
    let tags = tags(html);
    let boxes = tags
        .iter()
        .filter(|t| t.name == "g" && t.attributes.iter().any(|(name, _)| name == "data-n"));
    boxes
        .map(|tag| {
            let place = &tag
                .attributes
                .iter()
                .find(|(name, _)| name == "transform")
                .expect("every box has a place")
                .1;
            let numbers = place.trim_start_matches("translate(").trim_end_matches(')');
            let (x, y) = numbers.split_once(' ').expect("two numbers");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn no_two_boxes_touch() {
    for inventory in [
        sample::office(),
        sample::single(),
        sample::large(300, 2_000),
        sample::large(1_000, 8_000),
    ] {
        let boxes = boxes(&groma_report::html(&inventory));
        assert!(boxes.len() > 5);
        for (at, a) in boxes.iter().enumerate() {
            for b in boxes.iter().skip(at + 1) {
                let apart = (a.0 - b.0).abs() > 176 || (a.1 - b.1).abs() > 46;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn a_lone_machine_is_drawn_by_its_programs() {
    let html = groma_report::html(&sample::single());
    assert!(html.contains("Inside build1.lab.example"));
    for title in [
        "nginx",
        "postgresql@15-main",
        "slapd",
        "postfix",
        "app",
        "report:2",
    ] {
        assert!(html.contains(&format!(">{title}</text>")), "{title}");
    }
}

#[test]
fn a_large_estate_is_drawn_by_networks_and_stays_small() {
    let inventory = sample::large(4_000, 40_000);
    let html = groma_report::html(&inventory);
    let drawn = boxes(&html).len();
    assert!((10..=120).contains(&drawn), "{drawn}");
    assert!(html.contains("share a box"));
    assert!(html.contains("The rest is in the CSV and JSON formats"));
    assert!(html.len() < 6_000_000, "{}", html.len());
    assert_clean(&html);
}

#[test]
fn a_name_moves_nobody_who_has_nothing_to_do_with_it() {
    let before = boxes(&groma_report::html(&sample::office()));
    let mut office = sample::office();
    for finding in &mut office.findings {
        finding.severity = Severity::Low;
    }
    assert_eq!(before, boxes(&groma_report::html(&office)));
}

/// One machine whose every text is `text`.
fn named(text: &str) -> Inventory {
    let mut inventory = sample::single();
    for entity in &mut inventory.entities {
        entity.name = text.to_owned();
        entity.kind = text.to_owned();
        entity.layer = text.to_owned();
        entity.owner = Some(text.to_owned());
    }
    for dependency in &mut inventory.dependencies {
        dependency.kind = text.to_owned();
        dependency.layer = text.to_owned();
        dependency.consumer.name = text.to_owned();
        dependency.consumer.component.name = text.into();
        dependency.hidden_because = vec![text.to_owned()];
    }
    for fact in &mut inventory.evidence {
        fact.says = text.to_owned();
    }
    inventory
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_at_all_breaks_out_of_its_place(text in "[<>\"'&=/a-z \\-!\u{0}-\u{1f}\u{202a}-\u{202e}]{0,40}") {
        let inventory = named(&text);
        assert_clean(&groma_report::html(&inventory));
        assert_no_formula(&groma_report::csv(&inventory));
    }
}

#[test]
fn what_stands_between_is_told_of_the_need_of_the_host_and_on_the_map() {
    use groma_model::fact::{Component, ComponentClass, ForwardMode};
    use groma_model::inventory::{Basis, Through};
    let mut office = sample::office();
    let machines: Vec<_> = office
        .entities
        .iter()
        .filter(|e| e.kind == "host")
        .take(3)
        .map(|e| (e.id.clone(), e.name.clone()))
        .collect();
    let [(consumer, _), (relay, relay_name), (provider, _)] = machines.as_slice() else {
        panic!("the office has three hosts");
    };
    let mut edge = office.dependencies[0].clone();
    edge.id = groma_model::DependencyId::of(&["concluded"]);
    edge.basis = Basis::Inferred;
    edge.shared_service = false;
    edge.consumer.entity = consumer.clone();
    edge.provider.entity = provider.clone();
    edge.details.one_of_several = true;
    edge.details.through = vec![Through {
        entity: relay.clone(),
        name: relay_name.clone(),
        port: Some(groma_model::Port(443)),
        mode: ForwardMode::HttpProxy,
        component: Component {
            class: ComponentClass::Unit,
            name: "relay<b>.service".into(),
        },
    }];
    let mut direct = edge.clone();
    direct.id = groma_model::DependencyId::of(&["direct"]);
    direct.basis = Basis::Observed;
    direct.provider.entity = relay.clone();
    direct.details.through.clear();
    direct.details.onward = vec!["one of: 10.0.0.77:81 (under a condition)".into()];
    office.dependencies.extend([edge, direct]);
    let html = groma_report::html(&office);
    let told = format!("reverse proxy relay&#60;b&#62;.service on {relay_name}:443");
    for part in [
        format!("Through: {told}, others there can take its place"),
        "May lead on to: 10.0.0.77:81 (under a condition)".to_owned(),
        format!("<td>{told}</td><td>"),
        "nobody knows; perhaps 10.0.0.77:81 (under a condition)".to_owned(),
        "class=\"edge concluded".to_owned(),
        format!(", through {relay_name}"),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    tags(&html);
}

#[test]
fn who_signs_in_through_whom_is_a_table_with_file_and_line() {
    use groma_model::EvidenceId;
    use groma_model::fact::SignInWay;
    use groma_model::relying::RelyingPartyEntry;
    let mut office = sample::office();
    assert!(!groma_report::html(&office).contains("id=\"sign-in\""));
    let machine = office.entities.iter().find(|e| e.kind == "host");
    let machine = machine.expect("an office has machines");
    let (id, name) = (machine.id.clone(), machine.name.clone());
    let party = RelyingPartyEntry {
        provider: Some(id.clone()),
        product: "Dex".to_owned(),
        name: "Argo <b>CD</b>".to_owned(),
        identifier: Some("argo-cd".to_owned()),
        way: SignInWay::Oidc,
        places: vec!["argocd.corp.example".to_owned()],
        consumers: vec![id],
        told_by: Vec::new(),
        written_in: vec!["/etc/dex/config.yaml:3".to_owned()],
        evidence: vec![EvidenceId::of(&["party"])],
    };
    let unknown = RelyingPartyEntry {
        provider: None,
        consumers: Vec::new(),
        ..party.clone()
    };
    office.relying_parties = vec![party, unknown];
    let html = groma_report::html(&office);
    assert_clean(&html);
    let table = html.split("id=\"sign-in\"").nth(1).expect("a section");
    let table = table.split("</section>").next().unwrap_or_default();
    for text in [
        "Argo &#60;b&#62;CD",
        "argo-cd",
        "argocd.corp.example",
        "oidc",
        "/etc/dex/config.yaml:3",
        &format!("{name} (Dex)"),
        "Dex, which one, the list does not say",
    ] {
        assert!(table.contains(text), "{text} is not in {table}");
    }
    let markdown = groma_report::markdown(&office);
    assert!(markdown.contains("Who signs in through whom"));
    assert!(markdown.contains("/etc/dex/config.yaml:3"));
}
