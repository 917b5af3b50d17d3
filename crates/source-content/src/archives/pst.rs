//! Outlook's files: the header of a PST or OST, and how many messages its node tree holds ([MS-PST]).
//!
//! All numbers are little-endian. Offsets are those of [MS-PST] 2.2.2.6 (HEADER), 2.2.2.5 (ROOT), 2.2.2.7.1
//! (PAGETRAILER), 2.2.2.7.7 (BTPAGE); the pages of 4 KiB that Outlook 2013 brought are not in the standard, and
//! their messages are not counted.

use std::collections::BTreeSet;

use groma_source::{DiskError, OpenFile};

use crate::reading::piece;

/// Bytes of the header that say what is told here.
pub(crate) const HEADER_BYTES: usize = 564;

/// A page of a tree, in bytes.
const PAGE: usize = 512;
/// Pages that are read at most: 64 MiB of tree hold some three million nodes.
const PAGES_MAX: usize = 131_072;
/// Levels of a tree: cLevel is a byte, and real trees have three or four.
const LEVELS_MAX: u8 = 16;

/// What the header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// `pst` or `ost` (wMagicClient).
    pub(crate) format: &'static str,
    /// `ansi`, `unicode` or `unicode-4k` (wVer).
    pub(crate) variant: &'static str,
    /// `none`, `permute`, `cyclic`, `edp`, or `unknown` (bCryptMethod).
    pub(crate) encryption: &'static str,
    /// True if dwCRCPartial does not fit the bytes it stands for.
    pub(crate) damaged: bool,
    /// Where the page at the root of the node tree begins (ROOT.BREFNBT.ib).
    nodes_at: u64,
}

/// Reads a header; `None` if this is no PST or OST.
pub(crate) fn header(bytes: &[u8]) -> Option<Header> {
    if !bytes.starts_with(b"!BDN") {
        return None;
    }
    let format = match bytes.get(8..10)? {
        b"SM" => "pst",
        b"SO" => "ost",
        _ => return None,
    };
    let (variant, crypt_at, nodes_at) = match u16_at(bytes, 10)? {
        14 | 15 => ("ansi", 461, u64::from(u32_at(bytes, 188)?)),
        36 => ("unicode-4k", 513, u64_at(bytes, 224)?),
        // 21 and 23 are written by Outlook, 37 by Windows Information Protection.
        20..=37 => ("unicode", 513, u64_at(bytes, 224)?),
        _ => return None,
    };
    let encryption = match bytes.get(crypt_at)? {
        0 => "none",
        1 => "permute",
        2 => "cyclic",
        0x10 => "edp",
        _ => "unknown",
    };
    Some(Header {
        format,
        variant,
        encryption,
        damaged: u32_at(bytes, 4)? != checksum(bytes.get(8..479)?),
        nodes_at,
    })
}

/// Messages in the file, appointments and contacts among them, and the hidden one most files keep for free and busy
/// times (two files of Outlook, read with `pffexport` beside it, had that one more than it exports): nodes of type NID_TYPE_NORMAL_MESSAGE ([MS-PST] 2.2.2.1) in the leaves of the node tree.
/// `None` where the tree cannot be followed; the second number is what was read of the file.
pub(crate) fn messages(
    file: &dyn OpenFile,
    header: &Header,
) -> Result<(Option<u64>, usize), DiskError> {
    if header.variant == "unicode-4k" {
        return Ok((None, 0));
    }
    let shape = Shape::of(header.variant == "ansi");
    let mut count = 0_u64;
    let mut seen = BTreeSet::new();
    let mut open = vec![(header.nodes_at, LEVELS_MAX)];
    let read = |pages: &BTreeSet<u64>| pages.len().saturating_mul(PAGE);
    while let Some((at, below)) = open.pop() {
        // A page met twice is a circle; a level that does not fall is one as well.
        if seen.len() >= PAGES_MAX || !seen.insert(at) {
            return Ok((None, read(&seen)));
        }
        let page = piece(file, at, PAGE)?;
        match shape.page(&page) {
            Some(Page::Leaf(messages)) => count = count.saturating_add(messages),
            Some(Page::Branch(level, children)) if level < below => {
                open.extend(children.into_iter().map(|child| (child, level)));
            }
            _ => return Ok((None, read(&seen))),
        }
    }
    Ok((Some(count), read(&seen)))
}

enum Page {
    /// How many messages are in it.
    Leaf(u64),
    /// Its level, and where the pages below begin.
    Branch(u8, Vec<u64>),
}

/// Where things stand on a page: ANSI files have numbers of four bytes, Unicode files of eight.
struct Shape {
    /// cEnt; cbEnt and cLevel follow one byte after another.
    count_at: usize,
    trailer_at: usize,
    node: usize,
    branch: usize,
    wide: bool,
}

impl Shape {
    fn of(ansi: bool) -> Self {
        match ansi {
            true => Self {
                count_at: 496,
                trailer_at: 500,
                node: 16,
                branch: 12,
                wide: false,
            },
            false => Self {
                count_at: 488,
                trailer_at: 496,
                node: 32,
                branch: 24,
                wide: true,
            },
        }
    }

    fn page(&self, page: &[u8]) -> Option<Page> {
        let count = usize::from(*page.get(self.count_at)?);
        let size = usize::from(*page.get(self.count_at + 2)?);
        let level = *page.get(self.count_at + 3)?;
        // ptypeNBT, twice.
        if page.get(self.trailer_at..self.trailer_at + 2)? != [0x81, 0x81] {
            return None;
        }
        let entries = page.get(..count.checked_mul(size)?.min(self.count_at))?;
        let wanted = if level == 0 { self.node } else { self.branch };
        if size < wanted {
            return None;
        }
        let entries = entries.chunks_exact(size);
        Some(match level {
            0 => Page::Leaf(u64::try_from(entries.filter(|e| is_message(e)).count()).ok()?),
            _ => Page::Branch(level, entries.filter_map(|e| self.child(e)).collect()),
        })
    }

    /// BTENTRY.BREF.ib.
    fn child(&self, entry: &[u8]) -> Option<u64> {
        match self.wide {
            true => u64_at(entry, 16),
            false => u32_at(entry, 8).map(u64::from),
        }
    }
}

/// The five low bits of a NID are its type; 0x04 is a normal message.
fn is_message(node: &[u8]) -> bool {
    node.first().is_some_and(|low| low & 0x1f == 0x04)
}

/// The sum of [MS-PST] 5.3: CRC-32 with neither the first nor the last inversion.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| {
        let mut sum = sum ^ u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
        sum
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use groma_source::Disk;
    use groma_source::testing::FakeDisk;
    use std::path::Path;

    /// A Unicode or ANSI file with a node tree of two levels, made by the letter of [MS-PST].
    pub(crate) fn made(version: u16, client: &[u8; 2], crypt: u8, messages: u32) -> Vec<u8> {
        let ansi = version <= 15;
        let mut file = vec![0_u8; 4096];
        file[..4].copy_from_slice(b"!BDN");
        file[8..10].copy_from_slice(client);
        file[10..12].copy_from_slice(&version.to_le_bytes());
        file[12..14].copy_from_slice(&19_u16.to_le_bytes());
        let (root, leaf) = (1024_u32, 2048_u32);
        if ansi {
            file[188..192].copy_from_slice(&root.to_le_bytes());
            file[460] = 0x80;
            file[461] = crypt;
        } else {
            file[224..228].copy_from_slice(&root.to_le_bytes());
            file[512] = 0x80;
            file[513] = crypt;
        }
        let sum = checksum(&file[8..479]);
        file[4..8].copy_from_slice(&sum.to_le_bytes());
        let shape = Shape::of(ansi);
        let mut page = |at: u32, level: u8, entries: Vec<Vec<u8>>| {
            let at = usize::try_from(at).unwrap();
            let size = entries.first().map_or(shape.node, Vec::len);
            for (number, entry) in entries.iter().enumerate() {
                let from = at + number * size;
                file[from..from + size].copy_from_slice(entry);
            }
            file[at + shape.count_at] = u8::try_from(entries.len()).unwrap();
            file[at + shape.count_at + 2] = u8::try_from(size).unwrap();
            file[at + shape.count_at + 3] = level;
            file[at + shape.trailer_at..at + shape.trailer_at + 2].copy_from_slice(&[0x81, 0x81]);
        };
        let mut branch = vec![0; shape.branch];
        let place = if ansi { 8 } else { 16 };
        branch[place..place + 4].copy_from_slice(&leaf.to_le_bytes());
        page(root, 1, vec![branch]);
        // Every node twice: a folder (type 0x02) and a message (type 0x04).
        let nodes = (0..messages).flat_map(|n| [(n << 5) | 0x02, (n << 5) | 0x04]);
        let nodes = nodes.map(|id| {
            let mut node = vec![0; shape.node];
            node[..4].copy_from_slice(&id.to_le_bytes());
            node
        });
        page(leaf, 0, nodes.collect());
        file
    }

    fn counted(file: &[u8]) -> Option<u64> {
        let header = header(file)?;
        let disk = FakeDisk::new().file("/a.pst", file);
        let open = disk.open(Path::new("/a.pst")).unwrap();
        messages(open.as_ref(), &header).unwrap().0
    }

    #[test]
    fn the_header_tells_variant_encryption_and_kind() {
        let said =
            |file: &[u8]| header(file).map(|h| (h.format, h.variant, h.encryption, h.damaged));
        assert_eq!(
            said(&made(23, b"SM", 1, 3)),
            Some(("pst", "unicode", "permute", false))
        );
        assert_eq!(
            said(&made(15, b"SM", 2, 3)),
            Some(("pst", "ansi", "cyclic", false))
        );
        assert_eq!(
            said(&made(36, b"SO", 0, 3)),
            Some(("ost", "unicode-4k", "none", false))
        );
        assert_eq!(
            said(&made(23, b"SO", 0x10, 3)),
            Some(("ost", "unicode", "edp", false))
        );
        let mut broken = made(23, b"SM", 1, 3);
        broken[100] ^= 1;
        assert!(header(&broken).unwrap().damaged);
    }

    #[test]
    fn something_else_with_that_name_is_no_archive() {
        assert_eq!(header(b"PK\x03\x04 a workbook renamed to .pst"), None);
        assert_eq!(header(b"!BDN"), None);
        // An address book of the same family (wMagicClient "AB").
        assert_eq!(header(&made(23, b"AB", 0, 1)), None);
    }

    #[test]
    fn messages_are_counted_in_the_leaves_and_folders_are_not() {
        assert_eq!(counted(&made(23, b"SM", 1, 7)), Some(7));
        assert_eq!(counted(&made(15, b"SM", 1, 5)), Some(5));
        assert_eq!(counted(&made(36, b"SO", 0, 5)), None);
    }

    #[test]
    fn a_circle_of_pages_ends() {
        let mut file = made(23, b"SM", 1, 7);
        file[1024 + 16..1024 + 20].copy_from_slice(&1024_u32.to_le_bytes());
        assert_eq!(counted(&file), None);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        let (wide, narrow) = (made(23, b"SM", 1, 7), made(14, b"SO", 2, 7));
        groma_fuzz::hammer(3000, &[&wide, &narrow], |bytes| {
            counted(bytes);
        });
    }
}
