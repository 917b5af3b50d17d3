//! Batches that go as what is new in them.

use super::super::*;
use super::scene::{DAY, Made, Scene, scene};

/// A collector that takes batches against the ones before, and an agent that looked so often.
fn scene_with_bases(looks: usize) -> (Scene, Shipper<Made>) {
    let mut scene = scene();
    scene.records = 100;
    scene.collector.borrow_mut().bases = Some(BTreeMap::new());
    let shipper = scene.shipper(1);
    for _ in 0..looks {
        scene.pass(Duration::from_secs(1));
        scene.look(&shipper, scene.world.clock.now());
    }
    (scene, shipper)
}

/// Every batch arrived once; how many came as what is new in them, and how many whole.
fn came(scene: &Scene, looks: usize) -> (u64, u64) {
    let collector = scene.collector.borrow();
    let numbers: Vec<u64> = collector.kept.keys().map(|key| key.2).collect();
    assert_eq!(numbers, (1..=looks as u64).collect::<Vec<_>>());
    collector.came
}

#[test]
fn from_the_second_on_only_what_is_new_is_sent() {
    let (scene, mut shipper) = scene_with_bases(4);
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (3, 1));
    assert!(
        scene
            .collector
            .borrow()
            .kept
            .values()
            .all(|times| *times == 1)
    );
}

#[test]
fn a_collector_that_never_said_so_is_sent_whole_batches() {
    let (scene, mut shipper) = scene_with_bases(4);
    scene.collector.borrow_mut().bases = None;
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (0, 4));
}

#[test]
fn a_collector_that_forgot_is_sent_the_whole_batch_at_once() {
    let (scene, mut shipper) = scene_with_bases(4);
    shipper.step();
    // It was started again: it has what it kept, and remembers nothing.
    scene.collector.borrow_mut().bases = Some(BTreeMap::new());
    let begun = scene.world.clock.monotonic();
    let waits = shipper.step();
    assert!(waits < Duration::from_millis(10), "{waits:?}");
    assert_eq!(scene.world.clock.monotonic(), begun);
    assert_eq!(shipper.trouble, None);
    assert_eq!(scene.collector.borrow().came, (0, 2));
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (2, 2));
    assert!(
        scene
            .collector
            .borrow()
            .kept
            .values()
            .all(|times| *times == 1)
    );
}

#[test]
fn what_was_not_acknowledged_is_no_base() {
    let (scene, mut shipper) = scene_with_bases(3);
    shipper.step();
    scene.collector.borrow_mut().answers_lost = 1;
    shipper.step();
    assert!(shipper.trouble.is_some());
    // The collector has the second batch and takes it for the base; we do not know that, and the second goes again, whole.
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 3), (2, 2));
    let kept: Vec<u64> = scene.collector.borrow().kept.values().copied().collect();
    assert_eq!(kept, [1, 2, 1]);
}

#[test]
fn a_refusal_of_what_is_new_is_no_refusal_of_the_batch() {
    for word in [RefusalWord::Malformed, RefusalWord::TooLarge] {
        let (scene, mut shipper) = scene_with_bases(2);
        shipper.step();
        scene.collector.borrow_mut().says.push_back(word);
        scene.drain(&mut shipper, DAY);
        assert_eq!(came(&scene, 2), (0, 2), "{word:?}");
    }
}

#[test]
fn a_copy_writes_against_nothing_of_the_first_machine() {
    let (scene, mut shipper) = scene_with_bases(2);
    shipper.step();
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Copy);
    scene.drain(&mut shipper, DAY);
    assert_eq!(scene.collector.borrow().came, (0, 2));
}
