//! Lays out hives and their logs, byte by byte, as the description of the format says.

use super::super::base::checksum;
use super::super::marvin::marvin;

/// A hive while it is laid out: its bins, without the base block.
#[derive(Clone)]
pub(crate) struct Laid {
    bins: Vec<u8>,
    /// Where the bin that is being filled begins.
    bin: usize,
    pub(crate) root: u32,
}

/// Numbers of the base block.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) began: u32,
    pub(crate) ended: u32,
    pub(crate) written: u64,
    pub(crate) minor: u32,
}

impl Numbers {
    pub(crate) fn of(began: u32, ended: u32) -> Self {
        Self {
            began,
            ended,
            written: 7,
            minor: 5,
        }
    }
}

impl Laid {
    /// A hive with its first key.
    pub(crate) fn begun() -> Self {
        let mut laid = Self {
            bins: vec![0; 32],
            bin: 0,
            root: 0,
        };
        laid.root = laid.key(0, b"root", true);
        laid
    }

    /// A cell in use; a new bin where the old one is full.
    pub(crate) fn cell(&mut self, content: &[u8]) -> u32 {
        let length = (content.len() + 4).next_multiple_of(8);
        let used = self.bins.len() - self.bin;
        if used > 32 && used + length + 8 > 4096 {
            self.end_bin();
            self.bins.extend([0; 32]);
        }
        let at = self.bins.len();
        let signed = -i32::try_from(length).unwrap();
        self.bins.extend(signed.to_le_bytes());
        self.bins.extend(content);
        self.bins.resize(at + length, 0);
        u32::try_from(at).unwrap()
    }

    fn end_bin(&mut self) {
        let free = self.bins.len();
        let end = self.bin + (free - self.bin).next_multiple_of(4096);
        self.bins.resize(end, 0);
        if end > free {
            let length = i32::try_from(end - free).unwrap();
            self.bins[free..free + 4].copy_from_slice(&length.to_le_bytes());
        }
        let head = &mut self.bins[self.bin..];
        head[..4].copy_from_slice(b"hbin");
        head[4..8].copy_from_slice(&u32::try_from(self.bin).unwrap().to_le_bytes());
        head[8..12].copy_from_slice(&u32::try_from(end - self.bin).unwrap().to_le_bytes());
        head[20..28].copy_from_slice(&7_u64.to_le_bytes());
        self.bin = end;
    }

    /// A key that says it stands below `above`; nothing lists it yet.
    pub(crate) fn key(&mut self, above: u32, name: &[u8], is_narrow: bool) -> u32 {
        let mut content = vec![0; 76];
        content[..2].copy_from_slice(b"nk");
        content[2] = if is_narrow { 0x20 } else { 0 };
        // 2020-01-01.
        content[4..12].copy_from_slice(&132_223_104_000_000_000_u64.to_le_bytes());
        content[16..20].copy_from_slice(&above.to_le_bytes());
        content[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
        content[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        content[72..74].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        content.extend(name);
        self.cell(&content)
    }

    /// Puts a number over what stands in a cell.
    pub(crate) fn put(&mut self, cell: u32, at: usize, number: u32) {
        let at = usize::try_from(cell).unwrap() + 4 + at;
        self.bins[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }

    /// A list of one of the four kinds; of a hint only its first four bytes count.
    pub(crate) fn list(&mut self, kind: &[u8; 2], entries: &[(u32, [u8; 4])]) -> u32 {
        let mut content = kind.to_vec();
        content.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (at, hint) in entries {
            content.extend(at.to_le_bytes());
            if matches!(kind, b"lf" | b"lh") {
                content.extend(hint);
            }
        }
        self.cell(&content)
    }

    /// Says that `list` lists the `count` keys below `key`.
    pub(crate) fn lists(&mut self, key: u32, count: usize, list: u32) {
        self.put(key, 20, u32::try_from(count).unwrap());
        self.put(key, 28, list);
    }

    /// Keys with these names below `key`, in a plain list.
    pub(crate) fn keys(&mut self, key: u32, names: &[&str]) -> Vec<u32> {
        let made: Vec<u32> = names
            .iter()
            .map(|name| self.key(key, name.as_bytes(), true))
            .collect();
        let entries: Vec<(u32, [u8; 4])> = made.iter().map(|at| (*at, [0; 4])).collect();
        let list = self.list(b"li", &entries);
        self.lists(key, made.len(), list);
        made
    }

    /// A value whose content lies at `at`.
    pub(crate) fn value(&mut self, name: &str, kind: u32, length: u32, at: u32) -> u32 {
        let mut content = b"vk".to_vec();
        content.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        content.extend(length.to_le_bytes());
        content.extend(at.to_le_bytes());
        content.extend(kind.to_le_bytes());
        content.extend([1, 0, 0, 0]);
        content.extend(name.as_bytes());
        self.cell(&content)
    }

    /// A number within its value.
    pub(crate) fn number(&mut self, name: &str, number: u32) -> u32 {
        self.value(name, 4, 0x8000_0004, number)
    }

    /// Says that `key` has these values.
    pub(crate) fn values(&mut self, key: u32, values: &[u32]) {
        let list: Vec<u8> = values.iter().flat_map(|at| at.to_le_bytes()).collect();
        let list = self.cell(&list);
        self.put(key, 36, u32::try_from(values.len()).unwrap());
        self.put(key, 40, list);
    }

    /// The whole file.
    pub(crate) fn ended(mut self, numbers: Numbers) -> Vec<u8> {
        self.end_bin();
        let mut file = base(&numbers, 0, self.root, self.bins.len());
        file.resize(4096, 0);
        file.extend(self.bins);
        file
    }
}

/// The sector of a base block that carries meaning.
fn base(numbers: &Numbers, kind: u32, root: u32, bins: usize) -> Vec<u8> {
    let mut sector = vec![0; 512];
    sector[..4].copy_from_slice(b"regf");
    let words = [
        (4, numbers.began),
        (8, numbers.ended),
        (20, 1),
        (24, numbers.minor),
        (28, kind),
        (32, 1),
        (36, root),
        (40, u32::try_from(bins).unwrap()),
        (44, 1),
    ];
    for (at, word) in words {
        sector[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    sector[12..20].copy_from_slice(&numbers.written.to_le_bytes());
    signed(&mut sector);
    sector
}

/// Makes the checksum of a base block right again.
pub(crate) fn signed(file: &mut [u8]) {
    let sum = checksum(file).unwrap();
    file[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// Places and bytes of every 512 bytes in which two hives differ, counted from the end of the base block.
fn changed<'a>(before: &[u8], after: &'a [u8]) -> Vec<(usize, &'a [u8])> {
    let pages = after[4096..].chunks(512).enumerate();
    let is_new = |at: usize, page: &[u8]| before.get(4096 + at..4096 + at + 512) != Some(page);
    pages
        .map(|(number, page)| (number * 512, page))
        .filter(|(at, page)| is_new(*at, page))
        .collect()
}

/// An entry of a log of the new form that makes `after` of `before`.
pub(crate) fn entry(number: u32, before: &[u8], after: &[u8]) -> Vec<u8> {
    let pages = changed(before, after);
    let mut body = Vec::new();
    for (at, page) in &pages {
        body.extend(u32::try_from(*at).unwrap().to_le_bytes());
        body.extend(u32::try_from(page.len()).unwrap().to_le_bytes());
    }
    for (_, page) in &pages {
        body.extend(*page);
    }
    let length = (body.len() + 40).next_multiple_of(512);
    body.resize(length - 40, 0);
    let mut entry = b"HvLE".to_vec();
    let bins = after.len() - 4096;
    for word in [
        length,
        0,
        usize::try_from(number).unwrap(),
        bins,
        pages.len(),
    ] {
        entry.extend(u32::try_from(word).unwrap().to_le_bytes());
    }
    entry.extend(marvin(&body).to_le_bytes());
    entry.extend(marvin(&entry).to_le_bytes());
    entry.extend(body);
    entry
}

/// A log of the new form, whose first entry has the number `first`.
pub(crate) fn new_log(first: u32, root: u32, bins: usize, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut log = base(&Numbers::of(first, first), 6, root, bins);
    for entry in entries {
        log.extend(entry);
    }
    log
}

/// A log of the old form that makes `after` of `before`.
pub(crate) fn old_log(numbers: &Numbers, root: u32, before: &[u8], after: &[u8]) -> Vec<u8> {
    let bins = after.len() - 4096;
    let pages = changed(before, after);
    let mut log = base(numbers, 1, root, bins);
    let mut bitmap = vec![0_u8; bins / 512 / 8];
    for (at, _) in &pages {
        bitmap[at / 512 / 8] |= 1 << (at / 512 % 8);
    }
    log.extend(b"DIRT");
    log.extend(bitmap);
    log.resize(log.len().next_multiple_of(512), 0);
    for (_, page) in &pages {
        log.extend(*page);
    }
    log
}
