//! Which waves small estates get.

use groma_model::SiteId;
use groma_model::inventory::{Disposition, Entity, Verdict, VerdictWord};
use groma_wave::plan::{OutBecause, PlanOptions};

use crate::build::*;

#[test]
fn an_application_of_three_tiers_moves_as_one_where_it_fits() {
    let inventory = estate(
        hosts(&["web1", "app1", "db1"]),
        vec![needs("web1", "http", "app1"), needs("app1", "sql", "db1")],
    );
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: app1 db1 web1"]);
    assert!(plan.cut_edges.is_empty());
    assert_eq!(plan.quality.edges_total, 2);
}

#[test]
fn where_it_does_not_fit_the_provider_goes_first_and_the_cut_is_the_weakest() {
    let inventory = estate(
        hosts(&["web1", "app1", "db1"]),
        vec![needs("web1", "http", "app1"), needs("app1", "sql", "db1")],
    );
    let plan = planned(&inventory, 2);
    assert_eq!(
        drawn(&plan),
        ["w1 Applications: app1 db1", "w2 Applications: web1"]
    );
    let [cut] = plan.cut_edges.as_slice() else {
        panic!("{:?}", plan.cut_edges);
    };
    assert_eq!(
        (cut.kind.as_str(), cut.from, cut.until),
        ("http", 1, Some(2))
    );
    assert_eq!(wave(&plan, "w2").requires, ["w1"]);
    let alone = planned(&inventory, 1);
    assert_eq!(
        drawn(&alone),
        [
            "w1 Databases: db1",
            "w2 Applications: app1",
            "w3 Applications: web1"
        ]
    );
    assert_eq!(wave(&alone, "w3").requires, ["w2"]);
}

#[test]
fn two_applications_that_share_a_database_move_with_it_or_after_it() {
    let dependencies = || {
        vec![
            needs("web1", "imap", "app1"),
            needs("web2", "imap", "app2"),
            needs("app1", "sql", "db1"),
            needs("app2", "sql", "db1"),
        ]
    };
    let names = ["web1", "app1", "web2", "app2", "db1"];
    let inventory = estate(hosts(&names), dependencies());
    assert_eq!(
        drawn(&planned(&inventory, 5)),
        ["w1 Applications: app1 app2 db1 web1 web2"]
    );
    let plan = planned(&inventory, 3);
    assert_eq!(
        drawn(&plan),
        ["w1 Databases: app1 db1 web1", "w2 Applications: app2 web2"]
    );
    assert_eq!(plan.cut_edges.len(), 1);
    assert_eq!(plan.cut_edges[0].consumer.name, "app2");
}

#[test]
fn a_ring_of_three_moves_together_and_says_through_what() {
    let inventory = estate(
        hosts(&["a", "b", "c", "d"]),
        vec![
            needs("a", "smtp-relay", "b"),
            needs("b", "sql", "c"),
            needs("c", "nfs", "a"),
            needs("d", "sql", "c"),
        ],
    );
    let plan = planned(&inventory, 3);
    assert_eq!(drawn(&plan), ["w1 Databases: a b c", "w2 Applications: d"]);
    let [ring] = wave(&plan, "w1").together_because.as_slice() else {
        panic!("one ring");
    };
    assert_eq!(ring.names, ["a", "b", "c"]);
    assert_eq!((ring.edges.len(), ring.edges_total), (3, 3));
    assert!(wave(&plan, "w2").together_because.is_empty());
    assert!(plan.cut_rings.is_empty());
}

#[test]
fn a_circle_that_only_slows_down_binds_nobody() {
    let inventory = estate(
        hosts(&["a", "b", "c"]),
        vec![
            needs("a", "sql", "b"),
            needs("b", "sql", "c"),
            needs("c", "monitoring", "a"),
        ],
    );
    let plan = planned(&inventory, 2);
    assert!(plan.waves.iter().all(|w| w.together_because.is_empty()));
    assert!(plan.cut_rings.is_empty());
}

#[test]
fn a_ring_too_large_for_a_wave_is_cut_where_it_is_weakest_and_that_is_said() {
    let names: Vec<String> = (0..6).map(|n| format!("n{n}")).collect();
    let mut dependencies = Vec::new();
    for at in 0..6 {
        // Between n2 and n3 and between n5 and n0 only mail; else databases.
        let kind = if at % 3 == 2 { "smtp-relay" } else { "sql" };
        dependencies.push(needs(&names[at], kind, &names[(at + 1) % 6]));
    }
    let all: Vec<Entity> = names.iter().map(|n| host(n)).collect();
    let plan = planned(&estate(all, dependencies), 3);
    let members: Vec<usize> = plan.waves.iter().map(|w| w.members.len()).collect();
    assert_eq!(members, [3, 3]);
    assert!(plan.cut_edges.iter().all(|e| e.kind == "smtp-relay"));
    let [ring] = plan.cut_rings.as_slice() else {
        panic!("one cut ring");
    };
    assert_eq!((ring.machines, ring.cut_at.len()), (6, 2));
    assert!(
        plan.notes
            .iter()
            .any(|n| n.contains("6 machines need each other in a circle"))
    );
}

#[test]
fn a_copier_stays_out_and_its_mail_server_says_that_it_must_be_changed_by_hand() {
    let mut inventory = estate(
        vec![host("mail1"), thing("device", "copier")],
        vec![needs("copier", "smtp-relay", "mail1")],
    );
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: mail1"]);
    assert_eq!(plan.stays_out.len(), 1);
    assert_eq!(plan.stays_out[0].because, OutBecause::Device);
    assert_eq!(plan.stays_out[0].needs, 1);
    let [cut] = plan.cut_edges.as_slice() else {
        panic!("one cut");
    };
    assert_eq!((cut.from, cut.until, &cut.consumer.wave), (1, None, &None));
    assert!(cut.to_do[0].contains("at its panel"), "{:?}", cut.to_do);
    let radius = &wave(&plan, "w1").blast_radius;
    assert_eq!(
        (radius.direct, radius.names.as_slice()),
        (1, &["copier".to_owned()][..])
    );
    // With an agent it is a machine like others.
    inventory.entities[1].has_agent = true;
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: copier mail1"]);
    assert!(plan.cut_edges.is_empty() && plan.stays_out.is_empty());
}

#[test]
fn a_domain_controller_everybody_needs_is_built_first_and_retired_last() {
    let mut entities = hosts(&["dc1", "db1"]);
    let mut dependencies = Vec::new();
    for n in 1..=6 {
        let name = format!("app{n}");
        entities.push(host(&name));
        dependencies.push(needs(&name, "ldap-bind", "dc1"));
        dependencies.push(needs(&name, "smb", "dc1"));
    }
    dependencies.push(needs("app1", "sql", "db1"));
    dependencies[0].reached_by = Some(groma_model::inventory::ReachedBy::AddressLiteral);
    let plan = planned(&estate(entities, dependencies), 25);
    let drawn = drawn(&plan);
    assert_eq!(drawn.first().unwrap(), "w0 Beside: dc1");
    assert_eq!(drawn.last().unwrap(), "w2 Retire: dc1");
    assert!(moving(&plan).all(|w| w.members.iter().all(|m| m.name != "dc1")));
    let [shared] = plan.shared.as_slice() else {
        panic!("one shared service");
    };
    assert_eq!(
        (
            shared.consumers,
            shared.built_in.as_str(),
            shared.retired_in.as_str()
        ),
        (6, "w0", "w2")
    );
    assert_eq!(shared.by_hand, ["app1"]);
    assert!(plan.cut_edges.is_empty(), "{:?}", plan.cut_edges);
    assert_eq!(wave(&plan, "w1").requires, ["w0"]);
    assert_eq!(wave(&plan, "w2").requires, ["w1"]);
    assert_eq!(wave(&plan, "w0").blast_radius.direct, 0);
    assert_eq!(wave(&plan, "w2").blast_radius.direct, 6);
}

#[test]
fn a_database_everybody_needs_cannot_stand_in_two_places() {
    let mut entities = hosts(&["db1"]);
    let mut dependencies = Vec::new();
    for n in 1..=6 {
        entities.push(host(&format!("app{n}")));
        dependencies.push(needs(&format!("app{n}"), "sql", "db1"));
    }
    let inventory = estate(entities, dependencies);
    assert!(planned(&inventory, 25).shared.is_empty());
    let plan = planned(&inventory, 3);
    assert!(
        drawn(&plan)[0].starts_with("w1 Databases: "),
        "{:?}",
        drawn(&plan)
    );
    assert!(wave(&plan, "w1").members.iter().any(|m| m.name == "db1"));
}

#[test]
fn a_name_server_on_a_machine_full_of_data_is_told_and_the_machine_moves() {
    let inventory = estate(
        hosts(&["db1", "a", "b"]),
        vec![
            needs("a", "dns", "db1"),
            needs("b", "dns", "db1"),
            needs("a", "sql", "db1"),
            needs("b", "sql", "db1"),
        ],
    );
    let plan = planned(&inventory, 25);
    assert!(plan.shared.is_empty());
    assert_eq!(plan.waves.len(), 1);
    assert!(
        plan.notes
            .iter()
            .any(|n| n.contains("db1 gives 2 machines")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn two_sites_never_share_a_wave_but_where_a_ring_reaches_across() {
    let mut entities = hosts(&["a1", "a2", "b1", "b2"]);
    for entity in &mut entities[2..] {
        entity.site = SiteId::new("branch");
    }
    let inventory = estate(
        entities.clone(),
        vec![
            needs("a1", "sql", "a2"),
            needs("b1", "sql", "b2"),
            needs("b1", "sql", "a2"),
        ],
    );
    let plan = planned(&inventory, 25);
    assert_eq!(
        drawn(&plan),
        ["w1 Databases: a1 a2", "w2 Applications: b1 b2"]
    );
    assert_eq!(plan.cut_edges.len(), 1);
    let together = PlanOptions {
        sites_apart: false,
        pilot_max: 0,
        ..PlanOptions::default()
    };
    assert_eq!(groma_wave::plan(&inventory, &together).waves.len(), 1);
    let ring = vec![needs("a1", "sql", "b1"), needs("b1", "smtp-relay", "a1")];
    let plan = planned(&estate(entities, ring), 25);
    let ring = moving(&plan).find(|w| w.sites.len() == 2).unwrap();
    assert_eq!(ring.members.len(), 2);
    assert!(ring.why.iter().any(|w| w.contains("several sites")));
}

#[test]
fn a_system_moves_whole_though_nothing_else_ties_it() {
    let mut inventory = estate(
        hosts(&["a", "b", "c", "x", "y", "z"]),
        vec![needs("a", "http", "x")],
    );
    inventory.systems = vec![system("payroll", &["a", "b", "c"])];
    let plan = planned(&inventory, 3);
    let with_a = plan
        .waves
        .iter()
        .find(|w| w.members.iter().any(|m| m.name == "a"));
    let names: Vec<&str> = with_a
        .unwrap()
        .members
        .iter()
        .map(|m| m.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(plan.divided_systems.is_empty());
    let plan = planned(&inventory, 2);
    assert_eq!(plan.divided_systems.len(), 1);
    assert!(plan.divided_systems[0].because.contains("3 machines"));
}

#[test]
fn what_somebody_decided_is_kept_to() {
    let mut inventory = estate(
        hosts(&["keep", "gone", "new", "app"]),
        vec![needs("app", "sql", "gone"), needs("app", "sql", "keep")],
    );
    inventory.systems = vec![
        system("k", &["keep"]),
        system("g", &["gone"]),
        system("n", &["new"]),
    ];
    inventory.systems[0].disposition = Some(Disposition::Stay);
    inventory.systems[1].disposition = Some(Disposition::Retire);
    inventory.systems[2].disposition = Some(Disposition::Replace);
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: app new"]);
    let reasons: Vec<_> = plan
        .stays_out
        .iter()
        .map(|s| (s.name.as_str(), s.because))
        .collect();
    assert_eq!(
        reasons,
        [("keep", OutBecause::Stays), ("gone", OutBecause::Retired)]
    );
    assert!(plan.stays_out[1].question.contains("what do they use"));
    assert!(plan.stays_out[0].question.is_empty());
    let retired = plan
        .cut_edges
        .iter()
        .find(|e| e.provider.name == "gone")
        .unwrap();
    assert!(retired.to_do[0].contains("another provider"));
    let questions = &plan.waves[0].questions;
    assert!(
        questions
            .iter()
            .any(|q| q.question == "What takes the place of new?")
    );
}

#[test]
fn what_only_a_list_names_stays_out_and_what_was_met_does_not() {
    let listed = |name: &str| Entity {
        declared: true,
        ..thing("host", name)
    };
    let inventory = estate(
        vec![listed("ghost"), listed("met"), host("app")],
        vec![needs("app", "sql", "met")],
    );
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: app met"]);
    assert_eq!(plan.stays_out[0].because, OutBecause::DeclaredOnly);
    assert_eq!(plan.stays_out.len(), 1);
}

#[test]
fn guests_leave_their_hypervisor_and_need_it_no_more() {
    let inventory = estate(
        vec![
            thing("hypervisor", "esx1"),
            thing("vm", "vm1"),
            thing("vm", "vm2"),
        ],
        vec![
            needs("vm1", "runs-on", "esx1"),
            needs("vm2", "runs-on", "esx1"),
        ],
    );
    let plan = planned(&inventory, 25);
    assert_eq!(drawn(&plan), ["w1 Applications: vm1 vm2"]);
    assert!(plan.cut_edges.is_empty());
    assert_eq!(plan.stays_out[0].because, OutBecause::Hypervisor);
}

#[test]
fn what_lies_on_a_machine_moves_with_it() {
    let mut share = thing("share", "projects");
    share.attributes.lies_on = Some(id("nas1"));
    let inventory = estate(
        vec![share, host("nas1"), host("app1")],
        vec![needs("app1", "smb", "projects")],
    );
    let plan = planned(&inventory, 1);
    assert_eq!(
        drawn(&plan),
        ["w1 Foundation: nas1", "w2 Applications: app1"]
    );
    assert_eq!(plan.cut_edges[0].provider.entity, id("nas1"));
    assert!(plan.stays_out.is_empty());
}

#[test]
fn needs_that_are_wrong_or_local_are_no_needs() {
    let mut wrong = needs("a", "sql", "b");
    wrong.verdict = Some(Verdict {
        verdict: VerdictWord::Wrong,
        by: "Jo Example".to_owned(),
        because: "an old file".to_owned(),
    });
    let mut local = needs("b", "sql", "c");
    local.details.local = true;
    let plan = planned(&estate(hosts(&["a", "b", "c"]), vec![wrong, local]), 1);
    assert!(plan.cut_edges.is_empty());
    assert_eq!(plan.quality.edges_total, 0);
}

#[test]
fn a_need_the_newest_look_did_not_see_is_kept_and_marked() {
    let mut old = needs("a", "sql", "b");
    old.current = false;
    let plan = planned(&estate(hosts(&["a", "b"]), vec![old]), 1);
    assert!(!plan.cut_edges[0].current);
    assert!(
        plan.cut_edges[0]
            .to_do
            .iter()
            .any(|t| t.contains("still there"))
    );
    assert!(
        plan.notes
            .iter()
            .any(|n| n.contains("1 dependency was not seen"))
    );
}

#[test]
fn who_watches_the_others_follows_them_and_being_watched_changes_nothing() {
    let inventory = estate(
        hosts(&["app1", "app2", "mon"]),
        vec![
            needs("mon", "monitoring", "app1"),
            needs("mon", "monitoring", "app2"),
        ],
    );
    assert_eq!(
        drawn(&planned(&inventory, 2)),
        ["w1 Applications: app1 app2", "w2 Users: mon"]
    );
}
