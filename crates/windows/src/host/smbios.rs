//! The SMBIOS table that firmware hands over (DMTF DSP0134): structures of a formatted part and its strings.

/// A table has some hundred structures.
const STRUCTURES_MAX: usize = 4096;
/// Ends a table.
const END_OF_TABLE: u8 = 127;

/// What firmware says, as it says it: makers leave junk in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Firmware {
    /// Who wrote the firmware (type 0).
    pub(crate) vendor: Option<String>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// Its date, as written.
    pub(crate) date: Option<String>,
    /// Who made the system (type 1).
    pub(crate) maker: Option<String>,
    /// What it is called.
    pub(crate) product: Option<String>,
    /// Its serial number.
    pub(crate) serial: Option<String>,
    /// Its UUID as the guest reads it, lower case with dashes.
    pub(crate) uuid: Option<String>,
    /// Serial number of the board (type 2).
    pub(crate) board_serial: Option<String>,
    /// Model of the first processor (type 4).
    pub(crate) processor: Option<String>,
    /// True if the table breaks off where it should not.
    pub(crate) damaged: bool,
}

/// Reads a table.
pub(crate) fn firmware(table: &[u8]) -> Firmware {
    let mut found = Firmware::default();
    let mut rest = table;
    for _ in 0..STRUCTURES_MAX {
        if rest.iter().all(|byte| *byte == 0) {
            return found;
        }
        let Some((structure, after)) = first(rest) else {
            break;
        };
        if structure.kind == END_OF_TABLE {
            return found;
        }
        found.take(&structure);
        rest = after;
    }
    found.damaged = true;
    found
}

/// One structure: its formatted part with the header of four bytes, and its strings.
struct Structure<'a> {
    kind: u8,
    formatted: &'a [u8],
    strings: &'a [u8],
}

/// The first structure and what follows it. Strings end with a NUL each, all of them with one more; none are two NULs.
fn first(rest: &[u8]) -> Option<(Structure<'_>, &[u8])> {
    let kind = *rest.first()?;
    let length = usize::from(*rest.get(1)?);
    let (formatted, after) = rest.split_at_checked(length)?;
    let end = after.windows(2).position(|two| two == [0, 0])?;
    let structure = Structure {
        kind,
        formatted,
        strings: after.get(..end)?,
    };
    (length >= 4).then_some((structure, after.get(end + 2..)?))
}

impl Firmware {
    fn take(&mut self, one: &Structure<'_>) {
        let keep = |place: &mut Option<String>, offset: usize| {
            if place.is_none() {
                *place = one.text(offset);
            }
        };
        match one.kind {
            0 => {
                keep(&mut self.vendor, 0x04);
                keep(&mut self.version, 0x05);
                keep(&mut self.date, 0x08);
            }
            1 => {
                keep(&mut self.maker, 0x04);
                keep(&mut self.product, 0x05);
                keep(&mut self.serial, 0x07);
                self.uuid = self.uuid.take().or_else(|| one.uuid());
            }
            2 => keep(&mut self.board_serial, 0x07),
            4 => keep(&mut self.processor, 0x10),
            _ => {}
        }
    }
}

impl Structure<'_> {
    /// The string whose number stands at `offset`; they count from 1.
    fn text(&self, offset: usize) -> Option<String> {
        let number = usize::from(*self.formatted.get(offset)?);
        let mut strings = self.strings.split(|byte| *byte == 0);
        let text = strings.nth(number.checked_sub(1)?)?;
        let text = String::from_utf8_lossy(text).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// The UUID of a system: its first three fields have their lowest byte first (SMBIOS 2.6, §7.2.1), which is how Windows
    /// reads it whatever the version.
    fn uuid(&self) -> Option<String> {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        let bytes = self.formatted.get(0x08..0x18)?;
        let mut text = String::with_capacity(36);
        for (at, from) in ORDER.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{:02x}", bytes.get(*from)?));
        }
        Some(text)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A structure as firmware writes it.
    fn structure(kind: u8, body: &[u8], strings: &[&str]) -> Vec<u8> {
        let mut bytes = vec![kind, u8::try_from(body.len() + 4).unwrap(), 0, 0];
        bytes.extend(body);
        for text in strings {
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        if strings.is_empty() {
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    /// A whole table of a system with this maker, product and serial number.
    pub(crate) fn table(maker: &str, product: &str, serial: &str) -> Vec<u8> {
        let uuid = [
            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        let mut system = vec![1, 2, 0, 3];
        system.extend(uuid);
        let mut processor = vec![0; 0x0c];
        processor.push(1);
        [
            structure(
                0,
                &[1, 2, 0, 0, 3],
                &["Maker of firmware", "1.2", "04/01/2024"],
            ),
            structure(1, &system, &[maker, product, serial]),
            structure(2, &[1, 1, 1, 2], &["Board", "BOARD-7"]),
            structure(4, &processor, &["Processor 9000"]),
            structure(9, &[0; 13], &[]),
            structure(127, &[], &[]),
            vec![1, 2, 3],
        ]
        .concat()
    }

    #[test]
    fn a_table_says_who_made_the_machine_and_which_one_it_is() {
        let found = firmware(&table("House of Machines", "M1", "SN-42"));
        assert_eq!(found.maker.as_deref(), Some("House of Machines"));
        assert_eq!(found.product.as_deref(), Some("M1"));
        assert_eq!(found.serial.as_deref(), Some("SN-42"));
        assert_eq!(found.board_serial.as_deref(), Some("BOARD-7"));
        assert_eq!(found.processor.as_deref(), Some("Processor 9000"));
        assert_eq!(found.date.as_deref(), Some("04/01/2024"));
        assert_eq!(
            found.uuid.as_deref(),
            Some("33221100-5544-7766-8899-aabbccddeeff"),
            "the first three fields have their lowest byte first"
        );
        assert!(!found.damaged);
    }

    #[test]
    fn a_table_that_breaks_off_says_so_and_keeps_what_it_had() {
        let whole = table("House of Machines", "M1", "SN-42");
        let found = firmware(&whole[..whole.len() / 2]);
        assert!(found.damaged);
        assert_eq!(found.vendor.as_deref(), Some("Maker of firmware"));
        assert_eq!(firmware(&[]), Firmware::default());
        assert!(firmware(&[1, 2, 3]).damaged, "a length below the header");
    }

    #[test]
    fn a_mutated_table_makes_nothing_fall() {
        groma_fuzz::hammer(2000, &[&table("A", "B", "C")], |bytes| {
            let _ = firmware(bytes);
        });
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = firmware(&bytes);
        }
    }
}
