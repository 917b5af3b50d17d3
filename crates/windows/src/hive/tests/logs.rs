//! Hives that were not closed, completed from their logs.

use super::super::{Damage, Doubt, Hive};
use super::build::{Laid, Numbers, entry, new_log, old_log, signed};

/// The same hive at three moments; the last has grown by bins.
struct Moments {
    root: u32,
    first: Laid,
    second: Laid,
    third: Laid,
}

fn moments() -> Moments {
    let mut first = Laid::begun();
    let root = first.root;
    let state = first.number("State", 1);
    first.values(root, &[state]);
    let mut second = first.clone();
    second.put(state, 8, 2);
    let mut third = second.clone();
    third.put(state, 8, 3);
    let names: Vec<String> = (0..60).map(|number| format!("key {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    third.keys(root, &names);
    Moments {
        root,
        first,
        second,
        third,
    }
}

/// What the hive says its state is, and how many keys it has.
fn state(read: Result<(Hive, Vec<Doubt>), Damage>) -> (u64, usize, Vec<Doubt>) {
    let (hive, doubts) = read.unwrap();
    let key = hive.key("").unwrap().unwrap();
    (key.number("State").unwrap(), key.keys.len(), doubts)
}

#[test]
fn entries_of_both_logs_are_put_in_by_their_numbers() {
    let Moments {
        root,
        first,
        second,
        third,
    } = moments();
    let numbers = Numbers::of(5, 4);
    let one = first.ended(numbers);
    let two = second.ended(numbers);
    let three = third.ended(numbers);
    assert!(three.len() > two.len());
    let bins = one.len() - 4096;
    // Behind the newest entry stands an old one, of another round.
    let log1 = new_log(
        5,
        root,
        bins,
        &[entry(5, &two, &three), entry(2, &two, &one)],
    );
    let log2 = new_log(4, root, bins, &[entry(4, &one, &two)]);
    let read = Hive::of_bytes(one.clone(), &[&log1, &log2]);
    assert_eq!(state(read), (3, 60, vec![]));
    let read = Hive::of_bytes(one.clone(), &[&log2]);
    assert_eq!(state(read), (2, 0, vec![]));
    assert!(!Hive::is_closed(&one));
}

#[test]
fn a_hive_that_was_closed_ignores_its_logs() {
    let Moments {
        root,
        first,
        second,
        ..
    } = moments();
    let one = first.ended(Numbers::of(4, 4));
    let two = second.ended(Numbers::of(4, 4));
    let log = new_log(4, root, one.len() - 4096, &[entry(4, &one, &two)]);
    assert!(Hive::is_closed(&one));
    assert_eq!(state(Hive::of_bytes(one, &[&log])), (1, 0, vec![]));
}

#[test]
fn a_hive_without_its_logs_is_read_and_doubted() {
    let one = moments().first.ended(Numbers::of(5, 4));
    let read = Hive::of_bytes(one.clone(), &[]);
    assert_eq!(state(read), (1, 0, vec![Doubt::LogsMissing]));
    let read = Hive::of_bytes(one, &[&[], &[]]);
    assert_eq!(state(read), (1, 0, vec![Doubt::LogsMissing]));
    assert!(Doubt::LogsMissing.to_string().contains("newest changes"));
}

#[test]
fn logs_of_another_moment_are_not_put_in() {
    let Moments {
        root,
        first,
        second,
        ..
    } = moments();
    let one = first.ended(Numbers::of(9, 8));
    let two = second.ended(Numbers::of(9, 8));
    let bins = one.len() - 4096;
    let doubtful = (1, 0, vec![Doubt::LogsDoNotFit]);
    let earlier = new_log(3, root, bins, &[entry(3, &one, &two)]);
    assert_eq!(state(Hive::of_bytes(one.clone(), &[&earlier])), doubtful);
    let mut written = Numbers::of(9, 9);
    written.written = 8;
    let old = old_log(&written, root, &one, &two);
    assert_eq!(state(Hive::of_bytes(one.clone(), &[&old])), doubtful);
    let unfinished = old_log(&Numbers::of(9, 8), root, &one, &two);
    assert_eq!(state(Hive::of_bytes(one.clone(), &[&unfinished])), doubtful);
    assert_eq!(state(Hive::of_bytes(one, &[b"regf but short"])), doubtful);
}

#[test]
fn an_entry_with_a_wrong_hash_ends_what_is_put_in() {
    let Moments {
        root,
        first,
        second,
        third,
    } = moments();
    let numbers = Numbers::of(5, 4);
    let (one, two) = (first.ended(numbers), second.ended(numbers));
    let three = third.ended(numbers);
    let mut torn = entry(5, &two, &three);
    *torn.last_mut().unwrap() ^= 1;
    let log = new_log(4, root, one.len() - 4096, &[entry(4, &one, &two), torn]);
    let read = Hive::of_bytes(one.clone(), &[&log]);
    assert_eq!(state(read), (2, 0, vec![Doubt::LogTorn]));
    let short = log.get(..1000).unwrap();
    let read = Hive::of_bytes(one, &[short]);
    assert_eq!(state(read), (1, 0, vec![Doubt::LogsDoNotFit]));
}

#[test]
fn an_entry_whose_pages_lead_astray_or_grow_without_end_is_left_out() {
    let Moments {
        root,
        first,
        second,
        ..
    } = moments();
    let one = first.ended(Numbers::of(5, 4));
    let two = second.ended(Numbers::of(5, 4));
    let whole = entry(4, &one, &two);
    // Bins of two gibibytes; a page far away; more pages than the entry has.
    for (at, word) in [(16, 0x8000_0000_u32), (40, 0x7fff_f000), (20, u32::MAX)] {
        let mut strange = whole.clone();
        strange[at..at + 4].copy_from_slice(&word.to_le_bytes());
        let body = super::super::marvin::marvin(&strange[40..]);
        strange[24..32].copy_from_slice(&body.to_le_bytes());
        let head = super::super::marvin::marvin(&strange[..32]);
        strange[32..40].copy_from_slice(&head.to_le_bytes());
        let log = new_log(4, root, one.len() - 4096, &[strange]);
        let read = Hive::of_bytes(one.clone(), &[&log]);
        assert_eq!(state(read), (1, 0, vec![Doubt::LogsDoNotFit]), "{at}");
    }
}

#[test]
fn pages_of_a_bitmap_are_put_in() {
    let Moments {
        root, first, third, ..
    } = moments();
    let one = first.ended(Numbers::of(5, 4));
    let three = third.ended(Numbers::of(5, 4));
    let log = old_log(&Numbers::of(5, 5), root, &one, &three);
    let read = Hive::of_bytes(one.clone(), &[&[], &log]);
    assert_eq!(state(read), (3, 60, vec![]));
    let cut = log.get(..log.len() - 100).unwrap();
    let read = Hive::of_bytes(one, &[cut]);
    assert_eq!(state(read), (1, 0, vec![Doubt::LogsDoNotFit]));
}

#[test]
fn a_damaged_base_block_is_taken_from_a_log() {
    let Moments {
        root,
        first,
        second,
        ..
    } = moments();
    let one = first.ended(Numbers::of(5, 5));
    let two = second.ended(Numbers::of(5, 5));
    let mut broken = one.clone();
    broken[..512].fill(0xaa);
    let new = new_log(5, root, one.len() - 4096, &[entry(5, &one, &two)]);
    let read = Hive::of_bytes(broken.clone(), &[&new]);
    assert_eq!(state(read), (2, 0, vec![]));
    let old = old_log(&Numbers::of(5, 5), root, &one, &two);
    let read = Hive::of_bytes(broken.clone(), &[&old]);
    assert_eq!(state(read), (2, 0, vec![]));
    let read = Hive::of_bytes(broken, &[]);
    assert_eq!(read.unwrap_err(), Damage::NotAHive);
    // Only its checksum is wrong: it is read as it is, and doubted.
    let mut shaken = one;
    shaken[100] ^= 1;
    let read = Hive::of_bytes(shaken, &[]);
    assert_eq!(state(read), (1, 0, vec![Doubt::LogsMissing]));
}

#[test]
fn a_log_is_no_hive() {
    let Moments {
        root,
        first,
        second,
        ..
    } = moments();
    let one = first.ended(Numbers::of(5, 5));
    let two = second.ended(Numbers::of(5, 5));
    let log = old_log(&Numbers::of(5, 5), root, &one, &two);
    assert_eq!(Hive::of_bytes(log, &[]).unwrap_err(), Damage::NotAHive);
    let mut older = one;
    older[24] = 2;
    signed(&mut older);
    let read = Hive::of_bytes(older, &[]);
    assert_eq!(read.unwrap_err(), Damage::Version(1, 2));
}

#[test]
fn logs_broken_at_random_never_stop_the_reader() {
    let Moments {
        root,
        first,
        second,
        third,
    } = moments();
    let numbers = Numbers::of(5, 4);
    let (one, two) = (first.ended(numbers), second.ended(numbers));
    let three = third.ended(numbers);
    let entries = [entry(4, &one, &two), entry(5, &two, &three)];
    let new = new_log(4, root, one.len() - 4096, &entries);
    let old = old_log(&Numbers::of(5, 5), root, &one, &three);
    groma_fuzz::hammer(3000, &[&new, &old], |bytes| {
        let _ = Hive::of_bytes(one.clone(), &[bytes, &new]);
        if let Ok((hive, _)) = Hive::of_bytes(one.clone(), &[bytes]) {
            let _ = hive.key("");
        }
    });
}
