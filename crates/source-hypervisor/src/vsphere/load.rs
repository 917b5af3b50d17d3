//! What running guests took over the last days, from the platform's own statistics.
//!
//! A vCenter keeps samples of half an hour for a week, a lone host samples of 20 seconds for an hour. A peak is that of samples,
//! so what lasts shorter than one is within its average.

use std::time::Duration;

use groma_model::Timestamp;
use groma_platform::vsphere::Counters;

use super::ask::{self, Period};
use super::session::{No, Session};
use super::teller::Teller;

/// Series of one question: a vCenter refuses more than 64 unless it was set up otherwise.
const SERIES_MAX: usize = 64;

/// Asks for the statistics of all running guests. Without them nothing of the inventory is missing, so a failure is told and the
/// coverage stays what it is.
pub(super) fn read(session: &mut Session<'_>, teller: &mut Teller<'_>) {
    if teller.running.is_empty() || teller.asking.window.is_over() {
        return;
    }
    if let Err(no) = all(session, teller) {
        let cause = no.cause();
        let what = format!("not all statistics of guests could be read: {}", cause.what);
        teller.note(what, cause.reason, &cause.remedy);
    }
}

fn all(session: &mut Session<'_>, teller: &mut Teller<'_>) -> Result<(), No> {
    let Some(manager) = session.statistics().cloned() else {
        return Ok(());
    };
    let mut counters = Counters::default();
    let question = ask::one(session.collector(), &manager, "perfCounter");
    session.page(&question, &mut |object| {
        counters = object
            .value("perfCounter")
            .map(Counters::of)
            .unwrap_or_default();
    })?;
    let keys: Vec<i64> = counters.keys().take(SERIES_MAX).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let period = period(session.instance().is_some(), teller.asking.window.now());
    let platform = teller.inventory.platform().clone();
    let guests = std::mem::take(&mut teller.running);
    let mut open: Vec<&[String]> = guests.chunks(SERIES_MAX / keys.len()).collect();
    while let Some(some) = open.pop() {
        let question = ask::statistics(&manager, some, &keys, &period);
        let mut read = groma_platform::Read::default();
        let asked = session.load(&question, &platform, &counters, period.interval, &mut read);
        teller.tell(read);
        match asked {
            // One of them was deleted meanwhile, and the platform tells nothing of the others then.
            Err(No::Fault(fault)) if fault.kind == "ManagedObjectNotFound" => {
                let (left, right) = some.split_at(some.len() / 2);
                let halves = [left, right].into_iter();
                open.extend(halves.filter(|half| !half.is_empty() && some.len() > 1));
            }
            asked => asked?,
        }
    }
    Ok(())
}

fn period(is_vcenter: bool, now: Timestamp) -> Period {
    let (interval, samples) = match is_vcenter {
        true => (1_800, 336),
        false => (20, 180),
    };
    let length = Duration::from_secs(u64::from(interval) * u64::from(samples));
    let length = i64::try_from(length.as_millis()).unwrap_or(0);
    Period {
        from: Timestamp::from_millis(now.millis().saturating_sub(length)).to_string(),
        to: now.to_string(),
        interval,
        samples,
    }
}
