//! Mailboxes of UW-IMAP: one file, each message behind a line with its date and size.

use groma_source::{DiskError, OpenFile};

use crate::reading::piece;
use crate::text::number;

/// What a mailbox begins with; its own header fills the first 2048 bytes.
pub(crate) const MAGIC: &[u8] = b"*mbx*\r\n";
const FIRST_MESSAGE: u64 = 2048;
const MESSAGES_MAX: u64 = 1_000_000;

/// Messages in the mailbox; `None` where a line does not say how long its message is.
///
/// Each begins ` 1-Jan-2026 09:00:00 +0100,1234;00000000abcd-00000001` and the size does not count that line.
pub(crate) fn messages(file: &dyn OpenFile) -> Result<Option<u64>, DiskError> {
    let (mut at, mut messages) = (FIRST_MESSAGE, 0);
    while messages < MESSAGES_MAX {
        let head = piece(file, at, 100)?;
        if head.is_empty() {
            return Ok(Some(messages));
        }
        let Some((line, size)) = message(&head) else {
            return Ok(None);
        };
        at = match u64::try_from(line)
            .ok()
            .and_then(|l| at.checked_add(l)?.checked_add(size))
        {
            Some(next) => next,
            None => return Ok(None),
        };
        messages += 1;
    }
    Ok(None)
}

fn message(head: &[u8]) -> Option<(usize, u64)> {
    let end = head.iter().position(|b| *b == b'\n')?;
    let line = head.get(..end)?;
    let comma = line.iter().position(|b| *b == b',')?;
    let size = line.get(comma + 1..)?.split(|b| *b == b';').next()?;
    Some((end + 1, number(size)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::Disk;
    use groma_source::testing::FakeDisk;
    use std::path::Path;

    fn made() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.resize(2048, b' ');
        for size in [10_usize, 200] {
            file.extend(
                format!(" 1-Jan-2026 09:00:00 +0100,{size};000000000000-00000001\r\n").bytes(),
            );
            file.extend(std::iter::repeat_n(b'x', size));
        }
        file
    }

    fn counted(bytes: &[u8]) -> Option<u64> {
        let disk = FakeDisk::new().file("/m", bytes);
        messages(disk.open(Path::new("/m")).unwrap().as_ref()).unwrap()
    }

    #[test]
    fn messages_are_counted_by_leaping_over_them() {
        assert_eq!(counted(&made()), Some(2));
        assert_eq!(counted(&made()[..2111]), Some(1));
        let mut broken = made();
        broken[2060] = b'x';
        broken[2075] = b'x';
        assert_eq!(counted(&broken), None);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        groma_fuzz::hammer(1000, &[&made()], |bytes| {
            counted(bytes);
        });
    }
}
