//! What is said of each wave.

use groma_model::inventory::{ReachedBy, Strength};
use groma_model::name::Protection;

use crate::build::*;

#[test]
fn each_cut_says_what_to_do_about_it() {
    let mut literal = needs("a", "ldap-bind", "z");
    literal.reached_by = Some(ReachedBy::AddressLiteral);
    literal.reached_as = Some("10.0.0.5".to_owned());
    literal.details.written_in = vec!["/etc/app.env:3".to_owned()];
    literal.details.protection = Some(Protection::None);
    literal.hidden_because = vec!["address-literal".to_owned(), "cleartext-bind".to_owned()];
    let plain = needs("b", "ldap-bind", "z");
    let plan = planned(&estate(hosts(&["a", "b", "z"]), vec![literal, plain]), 1);
    let of = |name: &str| {
        let edge = plan.cut_edges.iter().find(|e| e.consumer.name == name);
        edge.unwrap().to_do.join("\n")
    };
    assert!(
        of("a").contains("10.0.0.5, which will not follow DNS: change it in /etc/app.env:3 on a")
    );
    assert!(of("a").contains("clear text"));
    assert!(of("b").contains("let the name z lead to the new place"));
    assert!(!of("b").contains("clear text") && !of("b").contains("will not follow"));
}

#[test]
fn coexistence_lasts_from_the_earlier_end_to_the_later_one() {
    let inventory = estate(
        hosts(&["a", "b", "c"]),
        vec![
            needs("a", "sql", "b"),
            needs("b", "sql", "c"),
            needs("a", "smtp-relay", "c"),
        ],
    );
    let plan = planned(&inventory, 1);
    let long = plan
        .cut_edges
        .iter()
        .find(|e| e.kind == "smtp-relay")
        .unwrap();
    assert_eq!((long.from, long.until), (1, Some(3)));
    assert_eq!(long.provider.wave.as_deref(), Some("w1"));
    assert_eq!(wave(&plan, "w1").opens.len(), 2);
    assert_eq!(wave(&plan, "w3").closes.len(), 2);
    assert!(wave(&plan, "w3").opens.is_empty());
}

#[test]
fn the_radius_counts_who_stops_directly_and_through_others_and_nobody_who_limps() {
    let inventory = estate(
        hosts(&["db", "app", "web", "mon"]),
        vec![
            needs("app", "sql", "db"),
            needs("web", "http", "app"),
            needs("mon", "monitoring", "db"),
        ],
    );
    let plan = planned(&inventory, 1);
    let radius = &plan
        .waves
        .iter()
        .find(|w| w.members[0].name == "db")
        .unwrap()
        .blast_radius;
    assert_eq!((radius.direct, radius.through_others), (1, 1));
    assert_eq!(radius.names, ["app", "web"]);
}

#[test]
fn names_of_the_radius_end_at_ten_and_its_numbers_do_not() {
    let mut entities = hosts(&["db"]);
    let mut dependencies = Vec::new();
    for n in 0..90 {
        entities.push(host(&format!("c{n:02}")));
        dependencies.push(needs(&format!("c{n:02}"), "sql", "db"));
    }
    let plan = planned(&estate(entities, dependencies), 1);
    let first = &plan.waves[0];
    assert_eq!(first.members[0].name, "db");
    assert_eq!(
        (first.blast_radius.direct, first.blast_radius.names.len()),
        (90, 10)
    );
    // The ninety waves after it are followed in a second batch too, and break nobody.
    assert!(plan.waves[1..].iter().all(|w| w.blast_radius.direct == 0));
}

#[test]
fn what_was_not_measured_is_never_nothing() {
    let mut inventory = estate(hosts(&["a", "b", "c"]), Vec::new());
    let plan = planned(&inventory, 25);
    assert_eq!(plan.waves[0].volume.bytes, None);
    assert!(groma_wave::plan::text(&plan).contains("data      not measured\n"));
    let mut database = thing("database", "sales");
    database.attributes.lies_on = Some(id("b"));
    inventory.entities.push(database);
    // The database lies in the file system of b, so its bytes are not counted twice.
    inventory.volumes = vec![
        volume("a", "/", 10),
        volume("b", "/", 100),
        volume("sales", "sales", 60),
    ];
    let plan = planned(&inventory, 25);
    let measured = &plan.waves[0].volume;
    assert_eq!(measured.bytes, Some(110 << 30));
    assert_eq!(measured.transfer_hours, Some([2.0, 6.0]));
    assert_eq!((measured.measured, measured.not_measured_total), (2, 1));
    assert_eq!(measured.not_measured, ["c"]);
    let text = groma_wave::plan::text(&plan);
    assert!(
        text.contains("at least 110.0 GiB, 2 to 6 h to carry over; not measured: c"),
        "{text}"
    );
}

#[test]
fn a_guest_nobody_measured_counts_as_its_platform_tells_and_that_is_said() {
    let mut inventory = estate(hosts(&["a", "b", "c", "d"]), Vec::new());
    inventory.volumes = vec![volume("a", "/", 10)];
    // The platform tells of a too: what the agent measured stays, and is not counted twice.
    inventory.guests = vec![
        guest_row("a", Some(900), true),
        guest_row("b", Some(40), true),
        guest_row("c", Some(100), false),
        guest_row("d", None, false),
    ];
    let plan = planned(&inventory, 25);
    let data = &plan.waves[0].volume;
    assert_eq!(data.bytes, Some(150 << 30));
    assert_eq!(data.transfer_hours, Some([2.0, 5.0]));
    assert_eq!((data.measured, data.not_measured_total), (1, 1));
    assert_eq!(data.not_measured, ["d"]);
    let json = groma_wave::plan::to_json(&plan);
    let part = |from: &str, gib: u64, name: &str| serde_json::json!({ "from": from, "bytes": gib << 30, "names": [name], "machines": 1 });
    let said: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        said["waves"][0]["volume"]["of_platforms"],
        serde_json::json!([part("used", 40, "b"), part("provisioned", 100, "c")])
    );
    let line = "about 150.0 GiB, 2 to 5 h to carry over; 40.0 GiB of it as the platform measured disks of b; \
        100.0 GiB of it as large as disks may grow, for the platform tells no more, of c; not measured: d";
    let text = groma_wave::plan::text(&plan);
    assert!(text.contains(line), "{text}");
    assert!(groma_wave::plan::html(&plan).contains(line));
    let file = groma_wave::plan::wave_file(&plan, 0);
    assert!(
        file.contains("as the platform measured disks of b"),
        "{file}"
    );
}

#[test]
fn a_machine_an_agent_measured_is_told_as_if_no_platform_knew_it() {
    let mut inventory = estate(hosts(&["a", "b"]), Vec::new());
    inventory.volumes = vec![volume("a", "/", 10), volume("b", "/", 20)];
    let alone = planned(&inventory, 25);
    inventory.guests = vec![
        guest_row("a", Some(900), true),
        guest_row("b", Some(5), false),
    ];
    let both = planned(&inventory, 25);
    assert_eq!(
        groma_wave::plan::to_json(&alone),
        groma_wave::plan::to_json(&both)
    );
    assert!(!groma_wave::plan::to_json(&both).contains("of_platforms"));
}

#[test]
fn owners_are_asked_and_who_has_none_is_a_question() {
    let mut inventory = estate(hosts(&["a", "b", "c"]), Vec::new());
    inventory.entities[0].owner = Some("Jo Example".to_owned());
    inventory.systems = vec![system("s", &["b"])];
    inventory.systems[0].owner = Some("Ann Example".to_owned());
    inventory.systems[0].on_call = Some("the night desk".to_owned());
    let wave = &planned(&inventory, 25).waves[0];
    let people: Vec<_> = wave
        .people
        .iter()
        .map(|p| (p.who.as_str(), p.role.as_str(), p.of[0].as_str()))
        .collect();
    assert_eq!(
        people,
        [
            ("Ann Example", "owner", "b"),
            ("Jo Example", "owner", "a"),
            ("the night desk", "on call", "s")
        ]
    );
    let about: Vec<&str> = wave.questions.iter().map(|q| q.about.as_str()).collect();
    assert_eq!(about, ["ent-c"]);
}

#[test]
fn a_name_that_means_two_things_is_written_as_an_id() {
    let mut inventory = estate(hosts(&["a", "b", "c"]), Vec::new());
    inventory.entities[0].name = "twin".to_owned();
    inventory.entities[1].names.push("TWIN".to_owned());
    let plan = planned(&inventory, 25);
    let written: Vec<&str> = plan.waves[0]
        .members
        .iter()
        .map(|m| m.written.as_str())
        .collect();
    assert_eq!(written, ["b", "c", "ent-a"]);
    for member in &plan.waves[0].members {
        let found = inventory.find(&member.written);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, member.entity);
    }
}

#[test]
fn an_empty_estate_and_one_without_needs_say_so_in_clear_words() {
    let empty = planned(&estate(Vec::new(), Vec::new()), 25);
    assert!(empty.waves.is_empty());
    assert!(
        empty.notes[0].contains("holds no machine"),
        "{:?}",
        empty.notes
    );
    let alone = planned(&estate(hosts(&["a", "b"]), Vec::new()), 25);
    assert!(alone.notes[0].contains("No dependency between machines is known"));
    let only_devices = planned(&estate(vec![thing("device", "copier")], Vec::new()), 25);
    assert!(only_devices.notes[0].starts_with("No machine moves: 1 thing is known"));
    for plan in [&empty, &alone, &only_devices] {
        assert!(groma_wave::plan::text(plan).contains(&plan.notes[0]));
        assert!(groma_wave::plan::html(plan).contains("Proposed waves"));
    }
}

#[test]
fn what_nobody_was_seen_to_use_is_asked_about_before_it_is_moved() {
    let finding = |state: &str| -> groma_model::inventory::Finding {
        serde_json::from_value(serde_json::json!({
            "id": "fnd-1", "check": "nobody-seen-to-use", "origin": "generated", "state": state, "severity": "low",
            "layer": "os", "risk": "r", "indicator": "i", "impact": "i", "likelihood": "medium", "mitigations": [],
            "owner": null, "control_date": null, "subjects": ["ent-b"], "evidence": [], "verdict": null,
        }))
        .unwrap()
    };
    let with = |state: &str| {
        let mut inventory = estate(hosts(&["a", "b"]), vec![needs("a", "sql", "b")]);
        let watched = serde_json::json!({
            "source": "host.flows", "from": now(), "to": now(), "looks": 1, "seconds": 1, "longest_gap_seconds": 0,
            "day_seconds": 1, "week_seconds": 1,
        });
        inventory.entities[1].attributes.watched = serde_json::from_value(watched).unwrap();
        inventory.findings = vec![finding(state)];
        planned(&inventory, 25)
    };
    let said = |plan: &groma_wave::plan::Plan| {
        plan.notes
            .iter()
            .filter(|n| n.contains("seen to use"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said(&with("open")),
        [
            "Nobody was seen to use 1 machine for weeks (b): ask its owner whether it has to be moved at all, before the waves are settled."
        ]
    );
    assert!(said(&with("closed")).is_empty());
}

#[test]
fn weak_needs_pull_nobody_out_of_order() {
    let mut unknown = needs("a", "http", "b");
    unknown.strength = Strength::Unknown;
    let plan = planned(&estate(hosts(&["a", "b"]), vec![unknown]), 1);
    assert_eq!(plan.quality.consumers_first, 0);
    assert_eq!(plan.waves[0].members[0].name, "b");
}
