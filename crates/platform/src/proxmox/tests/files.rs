//! Guests by the files they are configured by.

use proptest::prelude::*;

use super::*;

pub(super) const FILE: &str = include_str!("../../../tests/fixtures/proxmox/104.conf");
const CONTAINER: &str = include_str!("../../../tests/fixtures/proxmox/105.conf");

#[test]
fn a_file_tells_the_same_guest_as_the_interface() {
    let read = of_file(FILE, "prod", Some(104));
    let (from_file, asked) = (guest(&read, "qemu/104"), guest(&super::read(), "qemu/104"));
    assert_eq!(
        (&from_file.platform, &from_file.uuid),
        (&asked.platform, &asked.uuid)
    );
    assert_eq!(from_file.snapshots, asked.snapshots);
    assert_eq!(
        from_file.memory_bytes,
        Some(8 << 30),
        "neither what waits nor a snapshot"
    );
    assert_eq!(
        (
            from_file.disks.len(),
            from_file.media.len(),
            from_file.passthrough.len()
        ),
        (1, 0, 0)
    );
    assert_eq!(
        from_file.disks[0].datastore, None,
        "the file does not say whose storage it is"
    );
    assert_eq!(from_file.processors, Some(4));
}

#[test]
fn a_file_without_a_number_tells_it_by_its_volumes() {
    assert_eq!(
        guest(&of_file(FILE, "prod", None), "qemu/104").name,
        "mail1".into()
    );
    assert_eq!(
        guest(&of_file(CONTAINER, "prod", None), "lxc/105").sort,
        GuestSort::Container
    );
}

#[test]
fn other_settings_are_no_guest() {
    for text in [
        "",
        "name: x\nmemory: 5\n",
        "[mysqld]\nport: 3306\n",
        "hostname: x\nmemory: 1\ncores: 1\n",
    ] {
        assert!(!is_file(text), "{text}");
    }
    assert!(is_file(FILE) && is_file(CONTAINER));
}

#[test]
fn no_file_breaks_the_reader() {
    groma_fuzz::hammer(2000, &[FILE.as_bytes(), CONTAINER.as_bytes()], |bytes| {
        drop(of_file(&String::from_utf8_lossy(bytes), "prod", None));
    });
}

proptest! {
    #[test]
    fn any_settings_make_a_guest_or_none(lines in proptest::collection::vec("(net|scsi|ide|usb|hostpci|mp|rootfs|smbios1|memory|numa)[0-9]{0,2}: [ -~\u{20ac}]{0,60}", 0..20)) {
        let text = format!("ostype: l26\ncores: 1\nmemory: 1\nscsihw: lsi\n{}", lines.join("\n"));
        drop(of_file(&text, "p", Some(1)));
    }

    #[test]
    fn a_drive_is_read_back_as_it_was_written(number in 0_u32..30, size in 1_u64..4096, backup: bool) {
        let text = format!("ostype: l26\ncores: 1\nmemory: 1\nscsi{number}: local:vm-7-disk-0,size={size}G,backup={}\n", u8::from(backup));
        let read = guest(&of_file(&text, "p", Some(7)), "qemu/7");
        prop_assert_eq!(read.disks[0].capacity_bytes, Some(size << 30));
        prop_assert_eq!(read.disks[0].left_out_of_backup, !backup);
    }
}
