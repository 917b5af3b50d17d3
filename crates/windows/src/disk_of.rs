//! A disk, from the bytes a driver gives: `STORAGE_DEVICE_DESCRIPTOR` and `DISK_GEOMETRY_EX` (Microsoft Learn: `winioctl.h`).

use crate::DiskRow;

/// The disk with this number.
///
/// `descriptor` answers `IOCTL_STORAGE_QUERY_PROPERTY`: whether its media can be taken out stands in byte 10, where the texts of
/// maker and product begin in the words at 12 and 16, each ends with a zero. `geometry` answers `IOCTL_DISK_GET_DRIVE_GEOMETRY_EX`:
/// the bytes of the disk are its word of 64 bits at 24. `None` for media that can be taken out, and for what has no size.
pub fn disk_of(number: u32, descriptor: &[u8], geometry: &[u8]) -> Option<DiskRow> {
    let is_removable = descriptor.get(10).is_some_and(|flag| *flag != 0);
    let bytes = u64::from_le_bytes(geometry.get(24..32)?.try_into().ok()?);
    // It is a signed number there.
    let is_size = bytes > 0 && i64::try_from(bytes).is_ok();
    (!is_removable && is_size).then(|| DiskRow {
        name: format!("PhysicalDrive{number}"),
        model: model(descriptor),
        bytes,
    })
}

fn model(descriptor: &[u8]) -> Option<String> {
    let [maker, product] = [12, 16].map(|at| text(descriptor, at).unwrap_or_default());
    let whole = format!("{maker} {product}");
    Some(whole.trim().to_owned()).filter(|whole| !whole.is_empty())
}

fn text(descriptor: &[u8], at: usize) -> Option<String> {
    let begin = descriptor.get(at..at.checked_add(4)?)?;
    let begin = usize::try_from(u32::from_le_bytes(begin.try_into().ok()?)).ok()?;
    let rest = descriptor.get(begin..).filter(|_| begin > 0)?;
    let text = rest.split(|byte| *byte == 0).next()?;
    let is_plain = text.iter().all(|byte| (b' '..=b'~').contains(byte));
    is_plain.then(|| String::from_utf8_lossy(text).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laid out after the vendor's page: maker, product, revision and serial number behind the header.
    fn descriptor(is_removable: bool) -> Vec<u8> {
        let mut made = vec![0_u8; 36];
        made[10] = u8::from(is_removable);
        for (at, text) in [(12, "Msft    "), (16, "Virtual Disk    "), (24, "S123")] {
            let begin = u32::try_from(made.len()).unwrap();
            made[at..at + 4].copy_from_slice(&begin.to_le_bytes());
            made.extend(text.as_bytes());
            made.push(0);
        }
        made
    }

    fn geometry(bytes: i64) -> Vec<u8> {
        let mut made = vec![0_u8; 40];
        made[24..32].copy_from_slice(&bytes.to_le_bytes());
        made
    }

    #[test]
    fn a_disk_has_maker_product_and_size_and_no_serial_number() {
        let disk = disk_of(1, &descriptor(false), &geometry(64 << 30)).unwrap();
        assert_eq!(disk.name, "PhysicalDrive1");
        assert_eq!(disk.model.as_deref(), Some("Msft Virtual Disk"));
        assert_eq!(disk.bytes, 64 << 30);
    }

    #[test]
    fn a_card_that_can_be_taken_out_and_a_drive_without_a_disk_are_none() {
        assert_eq!(disk_of(1, &descriptor(true), &geometry(64 << 30)), None);
        assert_eq!(disk_of(1, &descriptor(false), &geometry(0)), None);
        assert_eq!(disk_of(1, &descriptor(false), &geometry(-1)), None);
        assert_eq!(disk_of(1, &descriptor(false), &[]), None);
        let nameless = disk_of(0, &[], &geometry(1)).unwrap();
        assert_eq!(nameless.model, None);
    }

    #[test]
    fn no_descriptor_makes_it_panic() {
        groma_fuzz::hammer(2000, &[&descriptor(false)], |bytes| {
            disk_of(0, bytes, &geometry(1));
        });
    }
}
