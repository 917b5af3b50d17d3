//! The header rpm keeps of an installed package → name, version, architecture. Pure.
//!
//! All numbers are big-endian (rpm "Package Header Format"): two counts, the index of sixteen-byte entries
//! (tag, type, offset, count), then the store the offsets lead into.

use groma_model::fact::Package;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCHITECTURE: u32 = 1022;

/// Index entries of one header that are believed (rpm's own limit).
const ENTRIES_MAX: usize = 0xffff;

/// Bytes of a header that are read at first; most need less.
pub(crate) const FIRST_BYTES: usize = 8 << 10;

/// Bytes of a header that are read at most. A kernel's header has a megabyte, nearly all of it file names.
pub(crate) const LAST_BYTES: usize = 1 << 20;

/// What the beginning of a header gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Header {
    /// An installed package.
    Package(Package),
    /// A key that rpm keeps among the packages.
    Key,
    /// The words stand behind the bytes that were given; with this many it will be known.
    Needs(usize),
    /// No header.
    Malformed,
}

/// Reads the beginning of a header.
pub(crate) fn read(bytes: &[u8]) -> Header {
    read_whole(bytes).unwrap_or(Header::Malformed)
}

fn read_whole(bytes: &[u8]) -> Option<Header> {
    let count = usize::try_from(be32(bytes, 0)?)
        .ok()
        .filter(|n| (1..=ENTRIES_MAX).contains(n))?;
    let store_bytes = usize::try_from(be32(bytes, 4)?).ok()?;
    let store = 8 + count * 16;
    if bytes.len() < store {
        return Some(Header::Needs(store + 2048));
    }
    let entry = |tag: u32| {
        (0..count)
            .map(|at| 8 + at * 16)
            .find(|at| be32(bytes, *at) == Some(tag))
            .and_then(|at| {
                let offset = usize::try_from(be32(bytes, at + 8)?)
                    .ok()
                    .filter(|o| *o < store_bytes)?;
                Some(store + offset)
            })
    };
    let text = |tag: u32| -> Option<Result<String, usize>> {
        let start = entry(tag)?;
        let Some(rest) = bytes.get(start..).filter(|r| !r.is_empty()) else {
            return Some(Err(start + 2048));
        };
        match rest.iter().position(|b| *b == 0) {
            Some(end) => Some(Ok(crate::text::lossy(rest.get(..end)?))),
            None => Some(Err(bytes.len() + 4096)),
        }
    };
    let epoch = match entry(EPOCH) {
        Some(at) if bytes.len() < at + 4 => return Some(Header::Needs(at + 2048)),
        Some(at) => be32(bytes, at),
        None => None,
    };
    let mut words = Vec::new();
    for tag in [NAME, VERSION, RELEASE] {
        match text(tag)? {
            Ok(word) => words.push(word),
            Err(needs) => return Some(Header::Needs(needs)),
        }
    }
    let [name, version, release] = words.try_into().ok()?;
    if name == "gpg-pubkey" {
        return Some(Header::Key);
    }
    let architecture = match text(ARCHITECTURE) {
        Some(Ok(word)) => word,
        Some(Err(needs)) => return Some(Header::Needs(needs)),
        None => String::new(),
    };
    let epoch = epoch
        .filter(|e| *e > 0)
        .map_or(String::new(), |e| format!("{e}:"));
    Some(Header::Package(Package {
        name,
        version: format!("{epoch}{version}-{release}"),
        architecture,
        manager: "rpm".into(),
    }))
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header as rpm writes it, smaller.
    pub(crate) fn header(words: &[(u32, &[u8])]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, data) in words {
            let kind: u32 = if *tag == EPOCH { 4 } else { 6 };
            for number in [*tag, kind, u32::try_from(store.len()).unwrap(), 1] {
                index.extend(number.to_be_bytes());
            }
            store.extend_from_slice(data);
        }
        let mut bytes = u32::try_from(words.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(u32::try_from(store.len()).unwrap().to_be_bytes());
        bytes.extend(index);
        bytes.extend(store);
        bytes
    }

    #[test]
    fn an_epoch_stands_before_the_version() {
        let bytes = header(&[
            (NAME, b"web\0"),
            (VERSION, b"2.0\0"),
            (RELEASE, b"3.el9\0"),
            (EPOCH, &[0, 0, 0, 1]),
            (ARCHITECTURE, b"x86_64\0"),
        ]);
        let Header::Package(package) = read(&bytes) else {
            panic!("{:?}", read(&bytes))
        };
        assert_eq!(
            (
                package.name.as_str(),
                package.version.as_str(),
                package.architecture.as_str()
            ),
            ("web", "1:2.0-3.el9", "x86_64")
        );
    }

    #[test]
    fn half_a_header_says_how_much_it_needs() {
        let bytes = header(&[
            (5000, &[b'x'; 9000]),
            (NAME, b"web\0"),
            (VERSION, b"2.0\0"),
            (RELEASE, b"3\0"),
            (ARCHITECTURE, b"noarch\0"),
        ]);
        let Header::Needs(needs) = read(&bytes[..4096]) else {
            panic!()
        };
        assert!(needs > 4096 && needs <= bytes.len() + 4096);
        assert!(matches!(read(&bytes), Header::Package(_)));
    }

    #[test]
    fn a_key_is_no_package_and_noise_is_nothing() {
        assert_eq!(
            read(&header(&[
                (NAME, b"gpg-pubkey\0"),
                (VERSION, b"1\0"),
                (RELEASE, b"2\0")
            ])),
            Header::Key
        );
        assert_eq!(read(&[0xff; 64]), Header::Malformed);
        assert_eq!(read(b""), Header::Malformed);
    }

    #[test]
    fn hammered_headers_never_panic() {
        let whole = header(&[
            (NAME, b"web\0"),
            (VERSION, b"2.0\0"),
            (RELEASE, b"3.el9\0"),
            (EPOCH, &[0, 0, 0, 1]),
            (ARCHITECTURE, b"x86_64\0"),
        ]);
        groma_fuzz::hammer(2000, &[&whole], |bytes| {
            read(bytes);
        });
    }
}
