//! The tables, one module for those that belong together.

mod clusters;
mod content;
mod devices;
mod estate;
mod findings;
mod guests;
mod hosts;
mod looked;
mod mail;
mod needs;
mod services;

use crate::WorkbookError;
use crate::book::Book;
use crate::index::Index;

/// Every table but the summary, in the order in which people read them.
pub(crate) fn write(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    findings::findings(index, book)?;
    hosts::hosts(index, book)?;
    guests::guests(index, book)?;
    clusters::clusters(index, book)?;
    guests::hosts(index, book)?;
    guests::datastores(index, book)?;
    devices::devices(index, book)?;
    estate::systems(index, book)?;
    needs::hidden(index, book)?;
    needs::dependencies(index, book)?;
    needs::listeners(index, book)?;
    findings::certificates(index, book)?;
    content::volumes(index, book)?;
    content::rights(index, book)?;
    content::mailboxes(index, book)?;
    content::backups(index, book)?;
    services::watching(index, book)?;
    mail::records(index, book)?;
    mail::routes(index, book)?;
    mail::servers(index, book)?;
    mail::ledger(index, book)?;
    services::ledger(index, book)?;
    services::zones(index, book)?;
    services::relying_parties(index, book)?;
    hosts::file_systems(index, book)?;
    hosts::interfaces(index, book)?;
    hosts::jobs(index, book)?;
    estate::things(index, book)?;
    looked::measurements(index, book)?;
    looked::waves(index, book)?;
    findings::questions(index, book)?;
    looked::coverage(index, book)?;
    looked::gaps(index, book)?;
    looked::evidence(index, book)
}

/// `all` in an order that does not hang on the one they came in.
fn sorted<'a, T, K: Ord>(
    all: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&'a T) -> K,
) -> Vec<&'a T> {
    let mut all: Vec<&T> = all.into_iter().collect();
    all.sort_by_cached_key(|one| key(one));
    all
}
