//! Who goes first.

use groma_model::inventory::Entity;
use groma_wave::plan::PlanOptions;

use crate::build::*;

#[test]
fn the_pilot_is_small_and_matters_least() {
    let mut entities = Vec::new();
    let mut dependencies = Vec::new();
    for n in 1..=6 {
        let (app, db) = (format!("app{n}"), format!("db{n}"));
        let level = ["high", "medium", "low", "high", "medium", "high"][n - 1];
        for name in [&app, &db] {
            let criticality = Some(level.to_owned());
            entities.push(Entity {
                criticality,
                ..host(name)
            });
        }
        dependencies.push(needs(&app, "sql", &db));
    }
    let inventory = estate(entities, dependencies);
    let plan = groma_wave::plan(&inventory, &PlanOptions::default());
    assert_eq!(
        drawn(&plan),
        [
            "w1 Pilot: app3 db3",
            "w2 Applications: app2 app5 db2 db5",
            "w3 Applications: app1 app4 app6 db1 db4 db6",
        ]
    );
    assert_eq!(wave(&plan, "w3").requires, ["w1"]);
    assert!(
        wave(&plan, "w3")
            .why
            .iter()
            .any(|w| w.contains("matters much"))
    );
}

#[test]
fn what_everybody_calls_critical_is_no_pilot_and_a_small_estate_needs_none() {
    let critical = |n: usize| Entity {
        criticality: Some("critical".to_owned()),
        ..host(&format!("h{n:02}"))
    };
    let inventory = estate((0..12).map(critical).collect(), Vec::new());
    let plan = groma_wave::plan(&inventory, &PlanOptions::default());
    assert_eq!(plan.waves.len(), 1);
    assert_eq!(plan.waves[0].stage, groma_wave::plan::Stage::Applications);
    let few = estate(hosts(&["a", "b", "c"]), Vec::new());
    assert_eq!(
        drawn(&groma_wave::plan(&few, &PlanOptions::default())),
        ["w1 Applications: a b c"]
    );
}

#[test]
fn where_all_hangs_together_the_pilot_is_taken_from_those_nobody_needs() {
    let mut entities = hosts(&["hub"]);
    let mut dependencies = Vec::new();
    for n in 0..20 {
        entities.push(host(&format!("c{n:02}")));
        dependencies.push(needs(&format!("c{n:02}"), "sql", "hub"));
    }
    let plan = groma_wave::plan(&estate(entities, dependencies), &PlanOptions::default());
    assert_eq!(plan.waves[0].stage, groma_wave::plan::Stage::Pilot);
    assert_eq!(plan.waves[0].members.len(), 5);
    assert!(
        plan.waves[0]
            .members
            .iter()
            .all(|m| m.name.starts_with('c'))
    );
    assert_eq!(plan.waves[0].blast_radius.direct, 0);
}

#[test]
fn a_pilot_of_single_machines_is_better_than_a_whole_that_matters_more() {
    let mut entities = hosts(&["hub"]);
    let mut dependencies = Vec::new();
    for n in 0..12 {
        let name = format!("c{n:02}");
        dependencies.push(needs(&name, "sql", "hub"));
        let criticality = (n < 3).then(|| "low".to_owned());
        entities.push(Entity {
            criticality,
            ..host(&name)
        });
    }
    for name in ["x1", "x2"] {
        let criticality = Some("medium".to_owned());
        entities.push(Entity {
            criticality,
            ..host(name)
        });
    }
    dependencies.push(needs("x1", "sql", "x2"));
    let plan = groma_wave::plan(&estate(entities, dependencies), &PlanOptions::default());
    assert_eq!(drawn(&plan)[0], "w1 Pilot: c00 c01 c02");
}
