//! What platforms of virtualization tell, in the layout of an RVTools export: the tools people already have read it, whatever
//! the platform.
//!
//! Names of sheets and columns are those of RVTools 4. A column we know nothing for stays, and stays empty: a nought or a
//! `False` that nobody told would be counted. Numbers are in the units of RVTools (MiB, MHz), a yes or no is the text `True` or
//! `False`, moments are dates in UTC. An empty sheet is its header alone, or its sentence would be read as a row.

mod columns;
mod estate;
mod frame;
mod guests;
mod hosts;
mod network;
mod parts;
mod row;
mod sheet;
mod storage;

use groma_model::inventory::Inventory;

use crate::WorkbookError;
use crate::book::ROWS_MAX;
use estate::Estate;
use row::Row;
use sheet::Sheets;

/// The guests, hosts, clusters and datastores of `inventory` as the bytes of one `.xlsx` file that is laid out as an export of
/// RVTools 4. Sheets without rows are there, with their header.
///
/// # Errors
///
/// [`WorkbookError`] where the format refuses what we hand it, such as more than 4 GiB of one sheet.
pub fn rvtools(inventory: &Inventory) -> Result<Vec<u8>, WorkbookError> {
    written(inventory, ROWS_MAX)
}

/// [`rvtools`] with `rows` rows to a sheet at most, beside its header.
fn written(inventory: &Inventory, rows: u32) -> Result<Vec<u8>, WorkbookError> {
    let estate = Estate::of(inventory);
    let mut sheets = Sheets::new(inventory.generated_at, rows);
    of_guests(&estate, &mut sheets)?;
    of_hosts(&estate, &mut sheets)?;
    sheets.put(&columns::HEALTH, guests::health(&estate))?;
    sheets.put(&columns::META, hosts::meta(inventory, &estate))?;
    sheets.finish()
}

fn of_guests(estate: &Estate<'_>, sheets: &mut Sheets) -> Result<(), WorkbookError> {
    let each = |row: fn(&Estate<'_>, &estate::Told<'_>) -> Row| {
        estate.guests.iter().map(move |told| row(estate, told))
    };
    sheets.put(&columns::INFO, each(guests::info))?;
    sheets.put(&columns::CPU, each(guests::cpu))?;
    sheets.put(&columns::MEMORY, each(guests::memory))?;
    sheets.put(&columns::DISK, parts::disks(estate))?;
    sheets.put(&columns::PARTITION, parts::partitions(estate))?;
    sheets.put(&columns::NETWORK, parts::cards(estate))?;
    sheets.put(&columns::CD, parts::media(estate))?;
    sheets.put(&columns::USB, parts::usb(estate))?;
    sheets.put(&columns::SNAPSHOT, parts::snapshots(estate))?;
    sheets.put(&columns::TOOLS, each(guests::tools))
}

fn of_hosts(estate: &Estate<'_>, sheets: &mut Sheets) -> Result<(), WorkbookError> {
    sheets.put(&columns::POOL, [])?;
    sheets.put(&columns::CLUSTER, hosts::clusters(estate))?;
    sheets.put(&columns::HOST, hosts::hosts(estate))?;
    sheets.put(&columns::ADAPTER, [])?;
    sheets.put(&columns::CARD, network::cards(estate))?;
    sheets.put(&columns::SWITCH, network::switches(estate))?;
    sheets.put(&columns::PORT, network::ports(estate))?;
    sheets.put(&columns::SPANNING_SWITCH, network::spanning(estate))?;
    sheets.put(&columns::SPANNING_PORT, network::spanning_ports(estate))?;
    sheets.put(&columns::OWN_ADDRESS, network::own_addresses(estate))?;
    sheets.put(&columns::DATASTORE, storage::datastores(estate))?;
    sheets.put(&columns::PATHS, [])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Reader as _, Xlsx};

    use super::*;
    use crate::rvtools::row::Row;

    #[test]
    fn what_a_sheet_does_not_take_goes_on_in_the_next_one() {
        let mut sheets = Sheets::new(groma_model::Timestamp::from_seconds(0), 3);
        let rows = (0..7_u64).map(|number| Row::default().with("Name", number));
        sheets.put(&columns::HEALTH, rows).unwrap();
        sheets.put(&columns::META, []).unwrap();
        let mut read = Xlsx::new(Cursor::new(sheets.finish().unwrap())).unwrap();
        let heights: Vec<(String, usize)> = read
            .worksheets()
            .into_iter()
            .map(|(name, range)| (name, range.height() - 1))
            .collect();
        let heights: Vec<(&str, usize)> = heights.iter().map(|(n, h)| (n.as_str(), *h)).collect();
        assert_eq!(
            heights,
            [
                ("vHealth", 3),
                ("vHealth 2", 3),
                ("vHealth 3", 1),
                ("vMetaData", 0)
            ]
        );
    }
}
