//! How the kernel lays out an event: the text of a `format` file → places of fields, pure.
//!
//! ```text
//! name: inet_sock_set_state
//! ID: 2287
//! format:
//!     field:unsigned short common_type; offset:0; size:2; signed:0;
//!     field:__u8 saddr[4]; offset:32; size:4; signed:0;
//! ```
//!
//! Layouts differ between kernels, so nothing is taken for granted: an event without one of the fields that are
//! needed is not understood, and said so.

use std::collections::HashMap;

/// Fields of one event that are taken up; a real one has some twenty.
const FIELDS_MAX: usize = 128;

/// Where a field stands, in bytes from the begin of the event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// First byte.
    pub offset: usize,
    /// How many.
    pub size: usize,
}

impl Field {
    /// Its bytes.
    pub fn of(self, event: &[u8]) -> Option<&[u8]> {
        event.get(self.offset..self.offset.checked_add(self.size)?)
    }

    /// It as a number of this processor, of one, two, four or eight bytes.
    pub fn number(self, event: &[u8]) -> Option<u64> {
        let bytes = self.of(event)?;
        Some(match bytes.len() {
            1 => u64::from(*bytes.first()?),
            2 => u64::from(u16::from_ne_bytes(bytes.try_into().ok()?)),
            4 => u64::from(u32::from_ne_bytes(bytes.try_into().ok()?)),
            8 => u64::from_ne_bytes(bytes.try_into().ok()?),
            _ => return None,
        })
    }

    /// The text it leads to (`__data_loc`): offset in its low half, length in its high half; ends at a zero.
    pub fn text(self, event: &[u8]) -> Option<&[u8]> {
        let at = self.number(event).filter(|_| self.size == 4)?;
        let (offset, length) = (
            usize::try_from(at & 0xffff).ok()?,
            usize::try_from(at >> 16).ok()?,
        );
        let bytes = event.get(offset..offset.checked_add(length)?)?;
        bytes.split(|b| *b == 0).next()
    }
}

/// The layout of one kind of event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Format {
    /// What it is called.
    pub name: String,
    /// The number events of this kind begin with.
    pub id: u16,
    fields: HashMap<String, Field>,
}

impl Format {
    /// Reads a `format` file; `None` if it names no event or gives it no number.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut format = Self::default();
        let mut id = None;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("name:") {
                name.trim().clone_into(&mut format.name);
            } else if let Some(number) = line.strip_prefix("ID:") {
                id = number.trim().parse().ok();
            } else if let Some((name, field)) = read_field(line)
                && format.fields.len() < FIELDS_MAX
            {
                format.fields.insert(name.to_owned(), field);
            }
        }
        format.id = id?;
        (!format.name.is_empty()).then_some(format)
    }

    /// Where a field stands.
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields.get(name).copied()
    }
}

/// `field:__u8 saddr[4]; offset:32; size:4; signed:0;`
fn read_field(line: &str) -> Option<(&str, Field)> {
    let mut parts = line.strip_prefix("field:")?.split(';').map(str::trim);
    let declared = parts.next()?;
    let name = declared.rsplit([' ', '\t', '*']).next()?;
    let name = name.split('[').next()?;
    let offset = parts.next()?.strip_prefix("offset:")?.parse().ok()?;
    let size = parts.next()?.strip_prefix("size:")?.parse().ok()?;
    Some((name, Field { offset, size }))
}
