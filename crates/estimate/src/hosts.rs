//! Capture and recapture: how many machines none of the ways of looking met.
//!
//! Each way in which machines are known is a list. How the lists overlap tells what all of them miss: two lists that
//! share nearly everything miss little (Lincoln and Petersen; Chao 1987; Chao, Tsay and others 2001). Two faults of
//! the plain formula are met here. *Some machines are hard to find for everybody*, so that lists agree too well: the
//! model gives each machine an ease of its own, the same for all lists, and integrates over how unlike machines are
//! ([`crate::ease`]). *Some lists copy each other*: pairs that agree, or avoid each other, far beyond what the
//! other lists explain are merged into one, and where fewer than two are left nothing is said.

use std::collections::BTreeMap;

use crate::ease::{Cells, possibilities};
use crate::silence::{Machines, Silence};
use crate::spread::{Interval, interval};

/// Fewest machines an estimate is made from.
pub const HOSTS_MIN: usize = 10;
/// Fewest machines that two lists share.
const RECAPTURES_MIN: usize = 7;
/// Most lists.
const LISTS_MAX: u32 = 6;
/// Log odds ratio beyond which two lists count as one, and how many standard errors it must stand off.
const COPIES: f64 = 2.6;
const AVOIDS: f64 = -1.6;
const SURE: f64 = 2.5;
/// An interval wider than the known machines times this is no answer.
const WIDE: f64 = 1.5;

/// How many machines are unseen, and from how many lists that was told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Missed {
    /// Machines that no list has.
    pub unseen: Interval,
    /// Independent lists that were left after merging.
    pub lists: usize,
    /// Lists that were merged away because they repeat or avoid another one.
    pub merged: usize,
}

/// Estimates the machines that no list has. Each history has bit `i` set if list `i` (0 to 5) has the machine; a history
/// without bits is no machine and is left out. Order does not matter.
///
/// # Errors
///
/// [`Silence`] where machines, lists or machines on two lists are too few, or the lists repeat each other.
pub fn unseen_hosts(histories: &[u32]) -> Result<Missed, Silence> {
    let (unseen, lists, merged) = unseen_of(histories)?;
    Ok(Missed {
        unseen,
        lists,
        merged,
    })
}

fn unseen_of(histories: &[u32]) -> Result<(Interval, usize, usize), Silence> {
    let mask = (1 << LISTS_MAX) - 1;
    let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
    for history in histories.iter().map(|h| h & mask).filter(|h| *h != 0) {
        *counts.entry(history).or_default() += 1.0;
    }
    let many = histories.iter().filter(|h| **h & mask != 0).count();
    if many < HOSTS_MIN {
        return Err(Silence::FewHosts(Machines(many)));
    }
    let mut lists = groups(&counts);
    let before = lists.len();
    if before < 2 {
        return Err(Silence::FewLists(before));
    }
    while let Some((one, other)) = dependent(&counts, &lists) {
        let taken = lists.remove(other);
        if let Some(kept) = lists.get_mut(one) {
            *kept |= taken;
        }
    }
    if lists.len() < 2 {
        return Err(Silence::OneVoice);
    }
    let cells = cells(&counts, &lists);
    let again = histories.iter().filter(|h| on(**h, &lists) >= 2).count();
    if again < RECAPTURES_MIN {
        return Err(Silence::FewRecaptures(Machines(again)));
    }
    let unseen = interval(&possibilities(&cells));
    if unseen.high - unseen.low > WIDE * many as f64 {
        return Err(Silence::WideHosts(unseen));
    }
    Ok((unseen, lists.len(), before - lists.len()))
}

/// The lists that have any machine, each a mask of its own.
fn groups(counts: &BTreeMap<u32, f64>) -> Vec<u32> {
    let any = counts.keys().fold(0, |all, history| all | history);
    (0..LISTS_MAX)
        .map(|bit| 1 << bit)
        .filter(|mask| any & mask != 0)
        .collect()
}

fn on(history: u32, lists: &[u32]) -> usize {
    lists.iter().filter(|mask| history & **mask != 0).count()
}

fn cells(counts: &BTreeMap<u32, f64>, lists: &[u32]) -> Cells {
    let mut cells: BTreeMap<u32, f64> = BTreeMap::new();
    for (history, count) in counts {
        let bits = lists.iter().enumerate();
        let bits = bits.filter(|(_, mask)| history & **mask != 0);
        let merged = bits.fold(0, |all, (at, _)| all | 1 << at);
        *cells.entry(merged).or_default() += count;
    }
    Cells {
        lists: lists.len(),
        counts: cells.into_iter().collect(),
    }
}

/// The two lists that depend on each other most, if any do beyond what machines' own ease explains. Judged among machines
/// that a third list has: there also those show that neither of the two has.
fn dependent(counts: &BTreeMap<u32, f64>, lists: &[u32]) -> Option<(usize, usize)> {
    let mut worst: Option<(f64, usize, usize)> = None;
    for (one, first) in lists.iter().enumerate() {
        for (other, second) in lists.iter().enumerate().skip(one + 1) {
            let beyond = beyond(counts, lists, *first, *second);
            if beyond > 0.0 && worst.is_none_or(|(most, ..)| beyond > most) {
                worst = Some((beyond, one, other));
            }
        }
    }
    worst.map(|(_, one, other)| (one, other))
}

/// By how many standard errors two lists depend on each other beyond the bound; 0 if they do not.
fn beyond(counts: &BTreeMap<u32, f64>, lists: &[u32], one: u32, other: u32) -> f64 {
    let third: u32 = lists.iter().filter(|l| **l != one && **l != other).sum();
    let mut table = [0.5; 4];
    for (history, count) in counts.iter().filter(|(h, _)| **h & third != 0) {
        let at = usize::from(history & one != 0) * 2 + usize::from(history & other != 0);
        if let Some(cell) = table.get_mut(at) {
            *cell += count;
        }
    }
    let [neither, right, left, both] = table;
    if third == 0 {
        return 0.0;
    }
    let odds = (both * neither / (left * right)).ln();
    let error = table.iter().map(|n| 1.0 / n).sum::<f64>().sqrt();
    if !(AVOIDS..=COPIES).contains(&odds) && odds.abs() > SURE * error {
        odds.abs() / error
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histories(of: &[(u32, usize)]) -> Vec<u32> {
        let each = of
            .iter()
            .map(|(history, many)| std::iter::repeat_n(*history, *many));
        each.flatten().collect()
    }

    #[test]
    fn lists_that_agree_on_everything_miss_nothing() {
        let missed = unseen_hosts(&histories(&[(0b111, 120)])).unwrap();
        assert!(missed.unseen.high <= 1.0, "{missed:?}");
    }

    #[test]
    fn two_lists_that_share_half_miss_about_what_the_plain_formula_says() {
        // Lincoln and Petersen: 40 · 40 / 80 = 20; machines that are unlike make it more.
        let missed = unseen_hosts(&histories(&[(0b01, 40), (0b10, 40), (0b11, 80)])).unwrap();
        assert!(
            missed.unseen.low <= 20.0 && 20.0 <= missed.unseen.high,
            "{missed:?}"
        );
        assert!(
            missed.unseen.middle >= 20.0 && missed.unseen.middle < 60.0,
            "{missed:?}"
        );
    }

    #[test]
    fn a_list_and_its_copy_are_one() {
        let alone = [(0b001, 40), (0b010, 40), (0b011, 80)];
        let copied = [(0b101, 40), (0b010, 40), (0b111, 80)];
        let alone = unseen_hosts(&histories(&alone)).unwrap();
        let copied = unseen_hosts(&histories(&copied)).unwrap();
        assert_eq!((copied.lists, copied.merged, alone.merged), (2, 1, 0));
        assert_eq!(alone.unseen, copied.unseen, "the copy told nothing");
    }

    #[test]
    fn lists_that_share_next_to_nothing_are_not_compared() {
        let apart = histories(&[(0b01, 50), (0b10, 50), (0b11, 3)]);
        assert_eq!(
            unseen_hosts(&apart),
            Err(Silence::FewRecaptures(Machines(3)))
        );
        let wide = histories(&[(0b01, 200), (0b10, 200), (0b11, 8)]);
        assert!(matches!(unseen_hosts(&wide), Err(Silence::WideHosts(_))));
    }

    #[test]
    fn one_machine_or_one_list_says_nothing() {
        assert_eq!(unseen_hosts(&[]), Err(Silence::FewHosts(Machines(0))));
        assert_eq!(unseen_hosts(&[3]), Err(Silence::FewHosts(Machines(1))));
        assert_eq!(unseen_hosts(&[2; 50]), Err(Silence::FewLists(1)));
        assert_eq!(unseen_hosts(&[0; 50]), Err(Silence::FewHosts(Machines(0))));
    }

    #[test]
    fn order_does_not_matter() {
        let mut all = histories(&[(1, 20), (2, 15), (3, 30), (4, 9), (7, 50), (6, 11)]);
        let there = unseen_hosts(&all);
        all.reverse();
        assert_eq!(there, unseen_hosts(&all));
    }
}
