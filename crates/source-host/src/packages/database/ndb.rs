//! rpm's own database format (`Packages.db`, SUSE): slots that say in which blocks a header stands. Little-endian.

use super::{Installed, Pages, Stop, le32};

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: u64 = 16;
/// Pages of slots that are believed: 32 million packages.
const SLOT_PAGES_MAX: u32 = 1 << 17;

pub(super) fn walk(pages: &Pages<'_>, first: &[u8], installed: &mut Installed) -> Result<(), Stop> {
    if le32(first, 4) != Some(0) {
        return Err(Stop::Unsupported);
    }
    let slot_pages = le32(first, 12)
        .filter(|n| (1..=SLOT_PAGES_MAX).contains(n))
        .ok_or(Stop::Malformed)?;
    for number in 0..slot_pages {
        let page = pages.exactly(u64::from(number) * 4096, PAGE_BYTES)?;
        // The file's header takes the place of the first two slots.
        let skipped = if number == 0 { 2 * SLOT_BYTES } else { 0 };
        for slot in page
            .get(skipped..)
            .unwrap_or_default()
            .chunks_exact(SLOT_BYTES)
        {
            take(pages, slot, installed)?;
        }
    }
    Ok(())
}

fn take(pages: &Pages<'_>, slot: &[u8], installed: &mut Installed) -> Result<(), Stop> {
    if !slot.starts_with(b"Slot") {
        return Err(Stop::Malformed);
    }
    let (Some(package), Some(block)) = (le32(slot, 4), le32(slot, 8)) else {
        return Err(Stop::Malformed);
    };
    if package == 0 || block == 0 {
        return Ok(());
    }
    let at = u64::from(block) * BLOCK_BYTES;
    let head = pages.exactly(at, SLOT_BYTES)?;
    let length = le32(&head, 12).and_then(|l| usize::try_from(l).ok());
    match length {
        Some(length) if head.starts_with(b"BlbS") && le32(&head, 4) == Some(package) => {
            installed.take(|many| pages.at_most(at + BLOCK_BYTES, many.min(length)))
        }
        _ => {
            installed.unread += 1;
            Ok(())
        }
    }
}
