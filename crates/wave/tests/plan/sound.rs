//! What holds for every plan, whatever the estate.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Inventory, Strength};
use groma_wave::plan::{Plan, PlanOptions, Stage, to_json};
use proptest::prelude::*;

use crate::build::*;

const KINDS: &[&str] = &[
    "sql",
    "http",
    "smtp-relay",
    "ldap-bind",
    "dns",
    "monitoring",
    "nfs",
];

fn estate_of(machines: usize, edges: &[(usize, usize, usize)], sites: usize) -> Inventory {
    let name = |n: usize| format!("h{:03}", n % machines);
    let mut entities = Vec::new();
    for n in 0..machines {
        let mut entity = host(&name(n));
        entity.site = groma_model::SiteId::new(format!("s{}", n % sites));
        entity.criticality = ["low", "high", ""].get(n % 3).map(|c| (*c).to_owned());
        entities.push(entity);
    }
    let mut dependencies: Vec<_> = edges
        .iter()
        .map(|(a, b, kind)| needs(&name(*a), KINDS[kind % KINDS.len()], &name(*b)))
        .collect();
    dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    dependencies.dedup_by(|a, b| a.id == b.id);
    let mut inventory = estate(entities, dependencies);
    inventory.systems = vec![system("one", &["h000", "h001", "h002"])];
    inventory
}

/// Every machine once, every wave within its bound, every cut edge told, every requirement earlier.
fn is_sound(inventory: &Inventory, options: &PlanOptions, plan: &Plan) {
    let mut wave_of: BTreeMap<&str, u32> = BTreeMap::new();
    for wave in moving(plan) {
        assert!(wave.members.len() <= options.hosts_max.max(1));
        assert!(wave.stage != Stage::Pilot || wave.members.len() <= options.pilot_max);
        for member in &wave.members {
            assert!(wave_of.insert(member.entity.as_str(), wave.order).is_none());
        }
    }
    let shared: BTreeSet<&str> = plan.shared.iter().map(|s| s.entity.as_str()).collect();
    for entity in &inventory.entities {
        let id = entity.id.as_str();
        assert!(
            wave_of.contains_key(id) != shared.contains(id),
            "{id} is in one place"
        );
    }
    let cut: BTreeSet<&str> = plan
        .cut_edges
        .iter()
        .map(|e| e.dependency.as_str())
        .collect();
    for d in &inventory.dependencies {
        let ends = (d.consumer.entity.as_str(), d.provider.entity.as_str());
        if let (Some(a), Some(b)) = (wave_of.get(ends.0), wave_of.get(ends.1)) {
            assert_eq!(a != b, cut.contains(d.id.as_str()), "{} {}", ends.0, ends.1);
        }
    }
    let orders: BTreeMap<&str, u32> = plan
        .waves
        .iter()
        .map(|w| (w.name.as_str(), w.order))
        .collect();
    for wave in &plan.waves {
        assert!(
            wave.requires
                .iter()
                .all(|r| orders[r.as_str()] < wave.order)
        );
        assert!(!wave.members.is_empty() && !wave.why.is_empty());
        for ring in &wave.together_because {
            let members: BTreeSet<&str> = wave.members.iter().map(|m| m.entity.as_str()).collect();
            assert!(ring.members.iter().all(|m| members.contains(m.as_str())));
        }
        if options.sites_apart && wave.stage.moves() && wave.together_because.is_empty() {
            assert_eq!(wave.sites.len(), 1);
        }
    }
    let opened: usize = plan.waves.iter().map(|w| w.opens.len()).sum();
    assert_eq!(opened, plan.cut_edges.len());
}

#[test]
fn everybody_needing_everybody_still_gives_waves() {
    let mut edges = Vec::new();
    for a in 0..30 {
        edges.extend((0..30).filter(|b| *b != a).map(|b| (a, b, 0)));
    }
    let inventory = estate_of(30, &edges, 1);
    for hosts_max in [0, 7, 30] {
        let options = PlanOptions {
            hosts_max,
            ..PlanOptions::default()
        };
        let plan = groma_wave::plan(&inventory, &options);
        is_sound(&inventory, &options, &plan);
        assert_eq!(plan.cut_rings.len(), usize::from(hosts_max < 30));
    }
}

#[test]
fn a_chain_of_ten_thousand_needs_no_deep_stack() {
    let edges: Vec<(usize, usize, usize)> = (0..10_000).map(|n| (n, n + 1, 0)).collect();
    let mut inventory = estate_of(10_000, &edges, 1);
    // The last one closes the circle over all.
    let plan = planned(&inventory, 25);
    assert_eq!(plan.cut_rings.len(), 1);
    inventory
        .dependencies
        .retain(|d| d.provider.entity != id("h000"));
    let plan = planned(&inventory, 25);
    assert_eq!(plan.cut_rings.len(), 0);
    assert!(plan.quality.edges_cut < 1000, "{:?}", plan.quality);
}

#[test]
fn providers_go_first_where_no_circle_stands_against_it() {
    let edges: Vec<(usize, usize, usize)> =
        (0..400).map(|n| (n * 7 % 60 + 20, n * 3 % 20, 0)).collect();
    let plan = planned(&estate_of(80, &edges, 1), 5);
    assert!(plan.quality.edges_cut > 0);
    assert!(
        plan.cut_edges
            .iter()
            .all(|e| e.strength == Strength::Blocking)
    );
    assert!(
        plan.quality.consumers_first * 10 <= plan.quality.edges_cut,
        "{:?}",
        plan.quality
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_plan_is_sound_and_the_order_of_lists_does_not_matter(
        machines in 3_usize..40,
        edges in proptest::collection::vec((0_usize..40, 0_usize..40, 0_usize..7), 0..160),
        sites in 1_usize..3,
        hosts_max in 0_usize..12,
        pilot_max in 0_usize..6,
        sites_apart in any::<bool>(),
        turn in 0_usize..200,
    ) {
        let edges: Vec<_> = edges.into_iter().filter(|(a, b, _)| a % machines != b % machines).collect();
        let inventory = estate_of(machines, &edges, sites);
        let options = PlanOptions { hosts_max, pilot_max, sites_apart };
        let plan = groma_wave::plan(&inventory, &options);
        is_sound(&inventory, &options, &plan);
        let mut turned = inventory.clone();
        turned.entities.reverse();
        let at = turn % turned.dependencies.len().max(1);
        turned.dependencies.rotate_left(at);
        prop_assert_eq!(to_json(&groma_wave::plan(&turned, &options)), to_json(&plan));
    }
}
