//! What holds for every pair.

use groma_diff::{Changes, compare_wave, text, to_json, wave_text};
use groma_fuzz::Chance;
use groma_model::fact::{Account, ComponentClass, Job};
use groma_model::inventory::{Basis, Dependency, Entity, Inventory, JobEntry, ReachedBy};
use groma_model::name::Protection;
use groma_model::wave::{Move, Wave};
use groma_model::{DependencyId, EvidenceId};
use proptest::prelude::*;

use crate::build::*;
use crate::compare;

const HOSTS: [&str; 6] = ["app1", "app2", "db1", "mail1", "10.0.0.9", "nas1"];
const KINDS: [&str; 5] = ["sql", "http", "ldap-bind", "other", "nfs"];

fn pick<'t>(chance: &mut Chance, from: &[&'t str]) -> &'t str {
    from[chance.below(from.len())]
}

/// An arbitrary small estate.
fn arbitrary(seed: u64) -> Inventory {
    let mut chance = Chance::new(seed);
    let entities: Vec<Entity> = HOSTS
        .iter()
        .filter_map(|name| arbitrary_host(&mut chance, name))
        .collect();
    let mut dependencies = Vec::new();
    for _ in 0..chance.below(9) {
        let (consumer, kind, provider) = (
            pick(&mut chance, &HOSTS),
            pick(&mut chance, &KINDS),
            pick(&mut chance, &HOSTS),
        );
        let port = [5430, 5431, 5432, 5433][chance.below(4)];
        let mut need = depends(consumer, kind, provider, port);
        need.current = chance.below(5) != 0;
        told_somehow(&mut chance, &mut need);
        dependencies.push(need);
    }
    dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    dependencies.dedup_by(|a, b| a.id == b.id);
    let mut inventory = inventory(entities, dependencies);
    for _ in 0..chance.below(7) {
        let port = [25, 443, 5432, 40000, 40001][chance.below(5)];
        let unit = pick(&mut chance, &["a.service", "b.service"]);
        inventory
            .listeners
            .push(listener(pick(&mut chance, &HOSTS), port, unit));
    }
    inventory
}

/// Two machines that need the same of the place that goes in [`some_wave`] and of the one that comes.
fn clients(seed: u64) -> Inventory {
    let mut chance = Chance::new(seed);
    let mut needs = Vec::new();
    for _ in 0..chance.below(5) {
        let consumer = pick(&mut chance, &["app1", "app2"]);
        let provider = pick(&mut chance, &["db1", "mail1"]);
        let mut need = depends(consumer, "sql", provider, [5432, 5433][chance.below(2)]);
        told_somehow(&mut chance, &mut need);
        needs.push(need);
    }
    needs.sort_by(|a, b| a.id.cmp(&b.id));
    needs.dedup_by(|a, b| a.id == b.id);
    inventory(["app1", "app2", "db1", "mail1"].map(host).into(), needs)
}

/// By a part that was seen or not, written down or not, under a name of its own or not, concluded or not.
fn told_somehow(chance: &mut Chance, need: &mut Dependency) {
    if chance.below(3) == 0 {
        let class = [ComponentClass::Device, ComponentClass::File][chance.below(2)];
        need.id = DependencyId::of(&[need.id.as_str(), &format!("{class:?}")]);
        need.consumer.component.class = class;
    }
    if chance.below(2) == 0 {
        need.details.written_in.clear();
    }
    if chance.below(3) == 0 {
        need.reached_as = Some(pick(chance, &["shop", "Shop", "db1"]).to_owned());
        need.reached_by = [None, Some(ReachedBy::HostsFile)][chance.below(2)];
    }
    if chance.below(5) == 0 {
        need.basis = [Basis::Inferred, Basis::Declared][chance.below(2)];
        need.evidence.push(EvidenceId::of(&["shared"]));
    }
    need.last_seen = in_days([0, 0, 3][chance.below(3)]);
}

fn arbitrary_host(chance: &mut Chance, name: &str) -> Option<Entity> {
    let mut entity = match chance.below(5) {
        0 => return None,
        1 => entity("host", name),
        _ => host(name),
    };
    if chance.below(2) == 0 {
        entity = mounts(
            runs(entity, "debian", pick(chance, &["12", "13"])),
            "nas1",
            "/export",
        );
    }
    for n in 0..chance.below(3) {
        entity
            .attributes
            .packages
            .insert(format!("p{n}"), pick(chance, &["1", "2"]).to_owned());
        let id = n.to_string();
        entity.attributes.accounts.push(Account {
            name: format!("u{n}").into(),
            id,
            home: None,
            shell: None,
            can_log_in: n == 0,
        });
        entity.attributes.jobs.push(JobEntry::from(Job {
            scheduler: "cron".into(),
            name: format!("/etc/crontab:{n}").into(),
            schedule: pick(chance, &["@daily", "@weekly"]).into(),
            rhythm: None,
            user: None,
            executable: None,
            file: "/etc/crontab".into(),
            ..Job::default()
        }));
    }
    Some(entity)
}

fn shuffled(inventory: &Inventory, seed: u64) -> Inventory {
    let mut other = inventory.clone();
    let mut chance = Chance::new(seed);
    shuffle(&mut chance, &mut other.dependencies);
    shuffle(&mut chance, &mut other.listeners);
    shuffle(&mut chance, &mut other.entities);
    for entity in &mut other.entities {
        shuffle(&mut chance, &mut entity.attributes.jobs);
        shuffle(&mut chance, &mut entity.attributes.accounts);
        shuffle(&mut chance, &mut entity.names);
    }
    other
}

fn shuffle<T>(chance: &mut Chance, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, chance.below(at + 1));
    }
}

fn some_wave() -> Wave {
    let promise = Move {
        from: "db1".into(),
        to: "mail1".into(),
        names_that_follow: vec!["app1".into()],
    };
    let expected = vec![
        "sql to mail1:5432".parse().expect("an expectation"),
        "http from app2 to 10.0.0.9"
            .parse()
            .expect("an expectation"),
    ];
    Wave {
        name: "w1".into(),
        members: vec!["db1".into()],
        moves: vec![promise],
        expected,
        ..Wave::default()
    }
}

/// A wave with or without members, moves and expectations, among names that are there and names that are not.
fn arbitrary_wave(seed: u64) -> Wave {
    const NAMES: [&str; 8] = [
        "app1", "app2", "db1", "mail1", "10.0.0.9", "nas1", "nobody", "",
    ];
    let mut chance = Chance::new(seed);
    let mut wave = Wave {
        name: "w1".into(),
        ..Wave::default()
    };
    for _ in 0..chance.below(3) {
        wave.members.push(pick(&mut chance, &NAMES).into());
    }
    for _ in 0..chance.below(3) {
        wave.moves.push(Move {
            from: pick(&mut chance, &NAMES).into(),
            to: pick(&mut chance, &NAMES).into(),
            names_that_follow: vec![pick(&mut chance, &NAMES).into()],
        });
    }
    for _ in 0..chance.below(3) {
        let line = format!(
            "{} to {}",
            pick(&mut chance, &KINDS),
            pick(&mut chance, &HOSTS)
        );
        wave.expected.extend(line.parse().ok());
    }
    if chance.below(2) == 0 {
        let day = [-4, -1, 0, 1, 4][chance.below(5)];
        wave.window = Some(groma_model::inventory::TimeWindow {
            from: in_days(day),
            to: in_days(day + 1),
        });
    }
    wave
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_differs_from_itself(seed in any::<u64>(), order in any::<u64>()) {
        let inventory = arbitrary(seed);
        let changes = compare(&inventory, &shuffled(&inventory, order));
        prop_assert!(changes.is_empty(), "{:#?}", changes);
        prop_assert_eq!(text(&changes), "");
        prop_assert!(!changes.needs_action());
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter(one in any::<u64>(), two in any::<u64>(), order in any::<u64>()) {
        let (before, after) = (arbitrary(one), arbitrary(two));
        let changes = compare(&before, &after);
        let again = compare(&shuffled(&before, order), &shuffled(&after, order.wrapping_add(1)));
        prop_assert_eq!(&changes, &again);
        let outcome = compare_wave(&changes, &before, &after, &some_wave());
        prop_assert!(!wave_text(&outcome).is_empty());
    }

    #[test]
    fn a_wave_over_one_and_the_same_estate_has_nothing_to_tell_but_promises(seed in any::<u64>(), order in any::<u64>(), which in any::<u64>()) {
        use groma_diff::Because;
        let before = arbitrary(seed);
        let after = shuffled(&before, order);
        let wave = arbitrary_wave(which);
        let changes = compare(&before, &after);
        let outcome = compare_wave(&changes, &before, &after, &wave);
        prop_assert!(outcome.unexpected.is_empty() && outcome.coverage_gaps.is_empty(), "{:#?}", outcome);
        let promises = wave.moves.len() + wave.expected.len();
        prop_assert!(promises > 0 || outcome.to_do.is_empty(), "{:#?}", outcome.to_do);
        let kept = |b: &Because| matches!(b, Because::Missing | Because::Moved | Because::NotSeen | Because::NotDueYet);
        prop_assert!(outcome.to_do.iter().all(|t| kept(&t.because)), "{:#?}", outcome.to_do);
    }

    #[test]
    fn a_wave_is_judged_the_same_in_any_order_and_can_be_read_again(one in any::<u64>(), two in any::<u64>(), order in any::<u64>(), which in any::<u64>()) {
        let (before, after, wave) = (arbitrary(one), arbitrary(two), arbitrary_wave(which));
        let changes = compare(&before, &after);
        let outcome = compare_wave(&changes, &before, &after, &wave);
        let (b, a) = (shuffled(&before, order), shuffled(&after, order.wrapping_add(1)));
        prop_assert_eq!(&outcome, &compare_wave(&changes, &b, &a, &wave));
        let page = groma_diff::wave_html(&changes, &outcome, &before, &after);
        prop_assert!(page == groma_diff::wave_html(&changes, &outcome, &b, &a), "the page differs");
        let read: groma_diff::WaveOutcome = serde_json::from_str(&groma_diff::wave_to_json(&outcome)).unwrap();
        prop_assert_eq!(read, outcome);
    }

    #[test]
    fn what_is_written_can_be_read_again(one in any::<u64>(), two in any::<u64>()) {
        let changes = compare(&arbitrary(one), &arbitrary(two));
        let read: Changes = serde_json::from_str(&to_json(&changes)).unwrap();
        prop_assert_eq!(read, changes);
    }

    #[test]
    fn what_was_added_one_way_was_removed_the_other_way(one in any::<u64>(), two in any::<u64>()) {
        use groma_diff::{Area, Class};
        let (before, after) = (arbitrary(one), arbitrary(two));
        let number = |changes: &Changes, class| changes.changes.iter().filter(|c| c.area == Area::Entity && c.class == class).count();
        let (there, back) = (compare(&before, &after), compare(&after, &before));
        prop_assert_eq!(number(&there, Class::Added), number(&back, Class::Removed));
    }

    #[test]
    fn who_is_new_at_a_place_that_goes_is_named_in_a_line(one in any::<u64>(), two in any::<u64>()) {
        let (before, after, wave) = (clients(one), clients(two), some_wave());
        let outcome = compare_wave(&compare(&before, &after), &before, &after, &wave);
        let lists = [&outcome.missing, &outcome.unexpected, &outcome.moved, &outcome.not_seen];
        let told: Vec<&str> = lists.into_iter().flatten().map(|l| l.says.as_str()).collect();
        let is_new = |d: &&Dependency| before.dependencies.iter().all(|old| old.id != d.id);
        let stays = |d: &&Dependency| d.current && d.basis != Basis::Inferred;
        let there = after.dependencies.iter().filter(|d| d.provider.name == "db1");
        for d in there.filter(is_new).filter(stays) {
            let says = |line: &&&str| line.starts_with(d.consumer.name.as_str()) && line.contains("db1");
            prop_assert!(told.iter().any(|line| says(&line)), "{:#?}\n{:#?}", d, outcome);
        }
    }

    #[test]
    fn what_is_only_told_in_other_words_is_told_alike_both_ways(seed in any::<u64>()) {
        let mut chance = Chance::new(seed);
        let mut told = |class: ComponentClass| {
            let mut need = depends("app1", "sql", "db1", 5432);
            need.id = DependencyId::of(&[need.id.as_str(), &format!("{class:?}")]);
            need.consumer.component.class = class;
            need.details.written_in.clear();
            need.details.protection = [None, Some(Protection::None), Some(Protection::Tls)][chance.below(3)];
            need.details.accounts = vec![pick(&mut chance, &["a", "b"]).to_owned()];
            need.reached_by = [None, Some(ReachedBy::Name), Some(ReachedBy::HostsFile)][chance.below(3)];
            inventory(["app1", "db1"].map(host).into(), vec![need])
        };
        let (seen, whole) = (told(ComponentClass::Executable), told(ComponentClass::Device));
        let details = |changes: &Changes| changes.changes.iter().map(|c| c.details.len()).collect::<Vec<_>>();
        prop_assert_eq!(details(&compare(&seen, &whole)), details(&compare(&whole, &seen)));
    }
}
