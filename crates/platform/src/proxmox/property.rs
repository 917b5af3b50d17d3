//! Property strings: `virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5`, the first value often without a key.

use crate::json;

/// Most properties of one setting.
const PROPERTIES_MAX: usize = 64;

/// A property string.
pub(crate) struct Properties<'a> {
    /// The first part, where it has no key.
    pub(crate) first: Option<&'a str>,
    keyed: Vec<(&'a str, &'a str)>,
}

impl<'a> Properties<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut read = Self {
            first: None,
            keyed: Vec::new(),
        };
        for (at, part) in text.split(',').take(PROPERTIES_MAX).enumerate() {
            match part.split_once('=') {
                // A path may hold the sign; a key never holds a slash or a colon.
                Some((key, value)) if !key.contains(['/', ':']) => {
                    read.keyed.push((key.trim(), value.trim()));
                }
                _ if at == 0 => read.first = filled(part),
                _ => {}
            }
        }
        read
    }

    /// The value of `key`; `None` where it is missing or empty.
    pub(crate) fn value(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.keyed.iter().find(|(found, _)| *found == key)?;
        filled(value)
    }

    /// The first part, or what stands behind `key`.
    pub(crate) fn first_or(&self, key: &str) -> Option<&'a str> {
        self.first.or_else(|| self.value(key))
    }

    /// The yes or no of `key`.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        json::yes(self.value(key)?)
    }

    /// All keys with their values, in their order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.keyed.iter().copied()
    }
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Bytes of a size as Proxmox VE writes it: `32G`, `528K`, `4M`, `1T`, or plain bytes; by 1024.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, shift) = match text.chars().next_back()?.to_ascii_uppercase() {
        'K' => (text.get(..text.len() - 1)?, 10),
        'M' => (text.get(..text.len() - 1)?, 20),
        'G' => (text.get(..text.len() - 1)?, 30),
        'T' => (text.get(..text.len() - 1)?, 40),
        _ => (text, 0),
    };
    let factor = 1_u64 << shift;
    match digits.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        #[expect(clippy::cast_precision_loss, reason = "the factor is a power of two")]
        Err(_) => json::rounded(digits.parse::<f64>().ok()? * factor as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_string_has_a_first_part_and_keys() {
        let read = Properties::of("local-lvm:vm-104-disk-0,size=32G,backup=0,discard=on");
        assert_eq!(read.first, Some("local-lvm:vm-104-disk-0"));
        assert_eq!(read.value("size"), Some("32G"));
        assert_eq!(read.flag("backup"), Some(false));
        assert_eq!(read.value("absent"), None);
        let device = Properties::of("/dev/disk/by-id/wwn-0x5=a,size=1T");
        assert_eq!(device.first, Some("/dev/disk/by-id/wwn-0x5=a"));
        assert_eq!(
            Properties::of("file=local:iso/x.iso").first_or("file"),
            Some("local:iso/x.iso")
        );
    }

    #[test]
    fn sizes_are_counted_by_1024() {
        for (text, size) in [
            ("32G", Some(32 << 30)),
            ("528K", Some(528 << 10)),
            ("4194304", Some(4 << 20)),
            ("1.5T", Some(3 << 39)),
            ("99999999999999999T", None),
            ("-1G", None),
            ("G", None),
            ("", None),
            ("\u{20ac}", None),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }
}
