mod patches;
mod scene;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use groma_model::AgentId;
use scene::{DAY, Made, Scene, identity, scene};

use super::*;

#[test]
fn what_waits_arrives_once_each_and_in_order() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    for _ in 0..5 {
        scene.look(&shipper, scene.world.clock.now());
    }
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert_eq!(
        collector.kept.keys().map(|key| key.2).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert!(collector.kept.values().all(|times| *times == 1));
}

#[test]
fn whom_the_collector_names_is_believed_and_written_down_and_nonsense_is_neither() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let says = |words: &str| {
        scene.collector.borrow_mut().authorities = Some(words.to_owned());
    };
    says("one and the next");
    shipper.beat().unwrap();
    let believed = |shipper: &Shipper<Made>| {
        let running = held(&shipper.common.identity).authorities.clone();
        let written = shipper.home.identity().unwrap().unwrap();
        assert_eq!(running, written.authorities);
        running
    };
    assert_eq!(believed(&shipper), "one and the next");
    says("damaged");
    shipper.beat().unwrap();
    assert_eq!(believed(&shipper), "one and the next");
    assert!(shipper.trouble.is_some());
}

#[test]
fn a_certificate_is_renewed_when_the_collector_asks_and_not_over_and_over() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let renewals = |shipper: &mut Shipper<Made>, time: Duration| {
        let before = scene.collector.borrow().renewals;
        let end = scene.world.clock.monotonic() + time;
        while scene.world.clock.monotonic() < end {
            let waits = shipper.step();
            scene.pass(waits.max(Duration::from_millis(1)));
        }
        scene.collector.borrow().renewals - before
    };
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(renewals(&mut shipper, minutes(20)), 0);
    scene.collector.borrow_mut().asks_to_renew = true;
    assert_eq!(renewals(&mut shipper, minutes(4)), 1);
    assert!(renewals(&mut shipper, minutes(56)) <= 12);
    scene.collector.borrow_mut().asks_to_renew = false;
    renewals(&mut shipper, minutes(10));
    assert_eq!(renewals(&mut shipper, minutes(20)), 0);
}

#[test]
fn a_certificate_that_cannot_be_written_down_is_not_shown_while_another_is_good() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let pass = |shipper: &mut Shipper<Made>, minutes: u64| {
        let end = scene.world.clock.monotonic() + Duration::from_secs(60 * minutes);
        while scene.world.clock.monotonic() < end {
            let waits = shipper.step();
            scene.pass(waits.max(Duration::from_millis(1)));
        }
        held(&shipper.common.identity).generation
    };
    assert_eq!(pass(&mut shipper, 5), 1);
    // A file stands where the folder was.
    let folder = scene.home.path();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, "").unwrap();
    scene.collector.borrow_mut().asks_to_renew = true;
    assert_eq!(pass(&mut shipper, 30), 1, "it was good for hours yet");
    assert!(scene.collector.borrow().renewals > 0);
    std::fs::remove_file(folder).unwrap();
    std::fs::create_dir(folder).unwrap();
    let generation = pass(&mut shipper, 10);
    assert!(generation > 1);
    let written = shipper.home.identity().unwrap().unwrap();
    assert_eq!(written.generation, generation);
}

#[test]
fn a_refusal_of_one_batch_is_told_in_its_place_and_holds_up_no_other() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene.look(&shipper, scene.world.clock.now());
    shipper.beat().unwrap();
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Malformed);
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    let own: Vec<u64> = collector
        .kept
        .keys()
        .filter(|key| key.1 == shipper.common.run)
        .map(|key| key.2)
        .collect();
    assert_eq!(
        (own, collector.kept.len()),
        (vec![2], 2),
        "the second batch, and a word about the first"
    );
}

#[test]
fn a_failing_way_makes_nobody_ask_for_a_certificate() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.collector.borrow_mut().away = true;
    scene.look(&shipper, scene.world.clock.now());
    for _ in 0..200 {
        let waits = shipper.step();
        scene.pass(waits);
    }
    let collector = scene.collector.borrow();
    assert_eq!(
        (collector.rejoins, collector.renewals, collector.splits),
        (0, 0, 0)
    );
}

#[test]
fn a_certificate_is_renewed_by_the_collectors_clock_and_not_by_ours() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let now = scene.world.clock.now();
    held(&shipper.common.identity).renew_at = Timestamp::from_seconds(5_000_000_000);
    shipper.step();
    assert_eq!(scene.collector.borrow().renewals, 0);
    scene.collector.borrow_mut().clock = Some(Timestamp::from_seconds(5_000_000_001));
    for _ in 0..100 {
        let waits = shipper.step();
        scene.pass(waits);
    }
    assert_eq!(
        scene.collector.borrow().renewals,
        1,
        "our own clock says {now}"
    );
}

#[test]
fn a_copy_takes_a_name_of_its_own_and_what_waited_travels_under_it() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Copy);
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert_eq!(collector.splits, 1);
    assert!(
        collector
            .kept
            .keys()
            .all(|key| key.0 == AgentId::from_random([99; 16])),
        "{:?}",
        collector.kept
    );
}

#[test]
fn a_number_that_stands_for_something_else_there_is_not_taken_for_ours() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let (agent, run) = (identity(1).agent, shipper.common.run);
    scene.collector.borrow_mut().kept.insert((agent, run, 1), 1);
    scene.look(&shipper, scene.world.clock.now());
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert!(
        collector.kept.keys().any(|key| key.1 != run),
        "it went again under another number"
    );
}

#[test]
fn a_batch_of_a_clock_that_is_twenty_years_off_arrives_at_the_right_time() {
    for years in [-20_i64, 20] {
        let scene = scene();
        let mut shipper = scene.shipper(1);
        let away = years * 365 * 86_400_000;
        let right = |scene: &Scene| Timestamp::from_millis(scene.world.clock.now().millis() - away);
        let ended = right(&scene);
        scene.look(&shipper, scene.world.clock.now());
        scene.pass(Duration::from_secs(3600));
        scene.collector.borrow_mut().clock = Some(right(&scene));
        shipper.beat().unwrap();
        let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
        let bytes = shipper.travelling(&frame).unwrap();
        let batch = groma_wire::decode(&mut bytes.as_slice(), &Limits::network()).unwrap();
        let off = ended.millis() - batch.header.ended.millis();
        assert!(
            off.abs() < 1000,
            "{off} ms off with a clock {years} years away"
        );
    }
}

#[test]
fn who_is_revoked_asks_once_an_hour_and_sends_nothing() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene
        .collector
        .borrow_mut()
        .says
        .extend([RefusalWord::Revoked; 24]);
    let mut waited = Duration::ZERO;
    for _ in 0..24 {
        let waits = shipper.step();
        waited += waits;
        scene.pass(waits);
    }
    assert!(waited >= Duration::from_secs(23 * 3600), "{waited:?}");
    assert!(scene.collector.borrow().kept.is_empty());
}

#[test]
fn a_machine_that_slept_keeps_its_own_sound_moments() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    // The look ended fourteen hours ago by both walls' clocks; the clock that only goes forward stood still meanwhile.
    let ended = Timestamp::from_millis(scene.world.clock.now().millis() - 14 * 3_600_000);
    scene.look(&shipper, ended);
    shipper.beat().unwrap();
    let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
    let bytes = shipper.travelling(&frame).unwrap();
    let batch = groma_wire::decode(&mut bytes.as_slice(), &Limits::network()).unwrap();
    assert_eq!(batch.header.ended, ended);
}

#[test]
fn what_the_first_machine_saw_is_not_sent_as_the_copys_own() {
    let scene = scene();
    let mut shipper = scene.shipper(2);
    held(&shipper.common.identity).copied_from = Some(identity(1).agent);
    let before = scene.batch(&identity(1), (777, 1), scene.world.clock.now());
    let bytes = encoded(&before).unwrap();
    held(&shipper.common.spool).append(777, 1, &bytes).unwrap();
    let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
    shipper.beat().unwrap();
    let sent = shipper.travelling(&frame).unwrap();
    let sent = groma_wire::decode(&mut sent.as_slice(), &Limits::network()).unwrap();
    assert!(is_telling(&sent.header), "a gap stands in its place");
    assert_eq!(sent.header.agent, identity(2).agent);
}

/// Seven days without a collector, a look every six hours, and a thousand agents come back to one that takes 50 requests a second.
#[test]
fn a_thousand_agents_come_back_after_seven_days_without_a_storm() {
    let scene = scene();
    let many: u16 = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        1000
    } else {
        100
    };
    let capacity = u64::from(many) / 20; // a twentieth of them a second
    scene.collector.borrow_mut().away = true;
    scene.collector.borrow_mut().per_second = capacity;
    let mut shippers: Vec<Shipper<Made>> = (0..many).map(|number| scene.shipper(number)).collect();
    let mut due: BinaryHeap<Reverse<(Duration, usize)>> = (0..shippers.len())
        .map(|index| Reverse((Duration::ZERO, index)))
        .collect();
    let (week, mut looked) = (DAY * 7, Duration::ZERO);
    let looks = 28;
    let mut returned = None;
    while let Some(Reverse((at, index))) = due.pop() {
        scene.pass(at.saturating_sub(scene.world.clock.monotonic()));
        if looked < week && at >= looked {
            shippers
                .iter()
                .for_each(|shipper| scene.look(shipper, scene.world.clock.now()));
            looked += DAY / 4;
        }
        if at >= week && returned.is_none() {
            scene.collector.borrow_mut().away = false;
            returned = Some(at.as_secs());
        }
        let waits = shippers[index].step().max(Duration::from_millis(20));
        let is_done =
            returned.is_some() && held(&shippers[index].common.spool).status().frames == 0;
        if !is_done {
            due.push(Reverse((at + waits, index)));
        }
    }
    let collector = scene.collector.borrow();
    assert_eq!(
        collector.kept.len(),
        usize::from(many) * looks,
        "everything arrived"
    );
    assert!(collector.kept.values().all(|times| *times == 1));
    assert_eq!((collector.rejoins, collector.splits), (0, 0));
    let returned = returned.unwrap();
    let (mut peak, mut end) = (0, returned);
    for (second, asked) in collector.asked.range(returned..) {
        // Over ten seconds: a second alone says little.
        let ten: u64 = collector
            .asked
            .range(*second..second + 10)
            .map(|(_, asked)| asked)
            .sum();
        peak = peak.max(ten / 10);
        end = end.max(*second);
        let _ = asked;
    }
    eprintln!(
        "{many} agents, {looks} batches each, {capacity} requests a second: drained in {} s, at most {peak} requests a second",
        end - returned
    );
    assert!(
        peak <= 2 * capacity,
        "{peak} requests a second were offered to a collector of {capacity}"
    );
    let away: u64 = collector
        .asked
        .range(..returned)
        .map(|(_, asked)| asked)
        .sum();
    let per_agent_and_hour = away / u64::from(many) / (7 * 24);
    assert!(
        per_agent_and_hour <= 40,
        "{per_agent_and_hour} tries an hour while nobody is there"
    );
}
