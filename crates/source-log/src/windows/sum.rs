//! Uses added up: one row for everything that is the same but time and count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::fact::ReportedUse;
use groma_model::name::{Peer, Port};
use groma_model::{Foreign, Hours, Seen, Timestamp};

use crate::tally::is_inside;

/// Rows that are kept; further ones are counted.
const ROWS_MAX: usize = 50_000;
/// Accounts one client may have at one server before they are taken for people, whom we do not list.
const ACCOUNTS_MAX: usize = 8;
/// On how many days a machine of the public internet must have come to be taken for a partner.
const DAYS_MIN: u32 = 3;
/// Kinds of services anybody may come to.
const OPEN_KINDS: &[&str] = &["http", "imap", "pop3", "smtp-relay"];
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy)]
struct Sum {
    seen: Seen,
    /// Days it was met on, modulo 64.
    days: u64,
    /// True if all anybody knows of the account is that it was typed.
    typed: bool,
}

/// Everything that was told so far.
#[derive(Default)]
pub(super) struct Sums {
    rows: HashMap<ReportedUse, Sum>,
    left_out: u64,
}

impl Sums {
    /// Adds a use between two times; `typed` if nothing says that there is such an account.
    pub(super) fn add(
        &mut self,
        used: ReportedUse,
        (first, last): (Timestamp, Timestamp),
        count: u64,
        typed: bool,
    ) {
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&used) {
            self.left_out += 1;
            return;
        }
        let mut hours = Hours::of(first);
        hours.insert(last);
        let seen = Seen {
            hours,
            ..Seen::between(first, last, count)
        };
        let days = day_bit(first) | day_bit(last);
        put(&mut self.rows, used, Sum { seen, days, typed });
    }

    /// The rows that speak of the estate, in order, and how many had no room.
    pub(super) fn rows(self) -> (BTreeMap<ReportedUse, Seen>, u64) {
        let left_out = self.left_out;
        let rows = without_persons(without_typed(self.rows)).into_iter();
        let inside = rows.filter(|(used, sum)| speaks_of_the_estate(used, sum.days));
        (
            inside.map(|(used, sum)| (used, sum.seen)).collect(),
            left_out,
        )
    }
}

fn put(rows: &mut HashMap<ReportedUse, Sum>, used: ReportedUse, sum: Sum) {
    rows.entry(used)
        .and_modify(|known| {
            known.seen = known.seen.joined(sum.seen);
            known.days |= sum.days;
            known.typed &= sum.typed;
        })
        .or_insert(sum);
}

fn day_bit(at: Timestamp) -> u64 {
    1 << at.millis().div_euclid(DAY_MS).rem_euclid(64)
}

fn speaks_of_the_estate(used: &ReportedUse, days: u64) -> bool {
    match &used.consumer {
        Peer::Address(address) if !is_inside(*address) => {
            !OPEN_KINDS.contains(&used.kind.as_str()) && days.count_ones() >= DAYS_MIN
        }
        _ => true,
    }
}

/// What was typed into the field for the name may be the password: it is an account only if it was let in somewhere.
fn without_typed(rows: HashMap<ReportedUse, Sum>) -> HashMap<ReportedUse, Sum> {
    let lower = |account: &Foreign| account.lossy().to_lowercase();
    let known: BTreeSet<String> = rows
        .iter()
        .filter(|(_, sum)| !sum.typed)
        .filter_map(|(used, _)| used.account.as_ref().map(lower))
        .collect();
    let mut out = HashMap::new();
    for (mut used, sum) in rows {
        if sum.typed {
            used.account = used.account.filter(|text| known.contains(&lower(text)));
        }
        put(&mut out, used, sum);
    }
    out
}

/// A client with ever other accounts lets people log on: they are not its accounts, and not ours to list.
fn without_persons(rows: HashMap<ReportedUse, Sum>) -> HashMap<ReportedUse, Sum> {
    type Place = (Peer, Peer, Option<Port>);
    let place =
        |used: &ReportedUse| -> Place { (used.consumer.clone(), used.provider.clone(), used.port) };
    let mut accounts: HashMap<Place, BTreeSet<Foreign>> = HashMap::new();
    for used in rows.keys().filter(|used| !used.is_at_home()) {
        let own = accounts.entry(place(used)).or_default();
        own.extend(used.account.clone());
    }
    accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
    let mut out = HashMap::new();
    for (mut used, sum) in rows {
        if accounts.contains_key(&place(&used)) {
            used.account = None;
        }
        put(&mut out, used, sum);
    }
    out
}
