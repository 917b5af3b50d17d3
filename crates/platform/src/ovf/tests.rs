use proptest::prelude::*;

use super::*;

const ONE: &str = include_str!("../../tests/fixtures/ovf/one.ovf");
const TWO: &str = include_str!("../../tests/fixtures/ovf/two.ovf");

fn guests(text: &str) -> Vec<Guest> {
    let read = of_text(text, "export");
    assert_eq!(read.untold, Vec::<String>::new());
    let guests = read.facts.into_iter().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(*guest),
        _ => None,
    });
    guests.collect()
}

#[test]
fn a_machine_of_vmware_is_read() {
    let all = guests(ONE);
    let [mail] = all.as_slice() else { panic!() };
    assert_eq!(
        (mail.name.as_str(), mail.key.as_str()),
        (Some("mail1 & more"), "vm")
    );
    assert_eq!(
        (mail.processors, mail.cores_per_socket, mail.memory_bytes),
        (Some(4), Some(2), Some(8 << 30))
    );
    assert_eq!(
        (
            mail.firmware,
            mail.secure_boot,
            mail.hardware_version.as_deref()
        ),
        (Some(Firmware::Efi), Some(true), Some("vmx-19"))
    );
    assert_eq!(mail.configured_os.as_deref(), Some("Ubuntu Linux (64-bit)"));
    let [disk] = mail.disks.as_slice() else {
        panic!()
    };
    assert_eq!(
        (disk.format, disk.capacity_bytes, disk.controller),
        (
            DiskFormat::Vmdk,
            Some(32 << 30),
            Some(DiskController::Pvscsi)
        )
    );
    assert_eq!(
        disk.path.as_ref().unwrap().as_str(),
        Some("mail1-disk1.vmdk")
    );
    assert_eq!(
        (
            mail.nics[0].network.as_deref(),
            mail.nics[0].model.as_deref(),
            mail.nics[0].connected
        ),
        (Some("VM Network"), Some("VmxNet3"), Some(true))
    );
    assert_eq!(
        (mail.media.len(), mail.passthrough.len(), mail.power),
        (0, 0, None),
        "an empty drive and a controller are nothing"
    );
}

#[test]
fn a_collection_is_many_machines() {
    let all = guests(TWO);
    let [web, db] = all.as_slice() else { panic!() };
    assert_eq!((web.key.as_str(), db.key.as_str()), ("shop/web", "shop/db"));
    assert_eq!(
        (web.memory_bytes, web.firmware, web.uuid.as_deref()),
        (Some(512 << 20), None, None)
    );
    assert_eq!(web.nics[0].mac.as_deref(), Some("08:00:27:01:02:03"));
    assert_eq!(web.media, ["cd.iso".into()]);
    assert_eq!(
        (db.disks[0].format, db.disks[0].capacity_bytes),
        (DiskFormat::Vdi, Some(1000))
    );
    assert_eq!(
        db.uuid.as_deref(),
        Some("11112222-3333-4444-5555-666677778888")
    );
}

#[test]
fn units_are_read_in_old_and_new_words() {
    for (text, unit) in [
        ("byte * 2^20", Some(1 << 20)),
        ("MegaBytes", Some(1 << 20)),
        ("byte", Some(1)),
        ("byte * 10^3", Some(1000)),
        ("hertz * 10^6", None),
        ("byte * 2^999", None),
    ] {
        assert_eq!(units(text), unit, "{text}");
    }
}

#[test]
fn other_xml_is_no_descriptor_and_a_declaration_of_entities_ends_it() {
    assert!(is_ovf(ONE) && is_ovf(TWO));
    for text in [
        "",
        "<domain/>",
        "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"/>",
        "Envelope /ovf/envelope",
    ] {
        assert!(!is_ovf(text), "{text}");
    }
    let read = of_text(
        "<!DOCTYPE x [<!ENTITY a \"b\">]><Envelope><VirtualSystem/></Envelope>",
        "x",
    );
    assert_eq!((read.facts.len(), read.untold.len()), (0, 1));
}

#[test]
fn a_descriptor_that_breaks_off_gives_what_it_had() {
    let cut = ONE.split("<Item ovf:required").next().unwrap();
    let read = of_text(&format!("{cut}</broken>"), "x");
    assert_eq!(
        (read.facts.len(), read.untold.len()),
        (1, 1),
        "{:?}",
        read.untold
    );
    let deep = "<a>".repeat(100);
    assert_eq!(of_text(&deep, "x").untold.len(), 1);
}

#[test]
fn no_descriptor_breaks_the_reader() {
    groma_fuzz::hammer(3000, &[ONE.as_bytes(), TWO.as_bytes()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        assert!(!is_ovf(&text) || text.contains("Envelope"));
        drop(of_text(&text, "x"));
    });
}

proptest! {
    #[test]
    fn any_text_is_read_or_told(text in "\\PC{0,300}") {
        assert!(!is_ovf(&text) || text.contains("Envelope"));
        drop(of_text(&text, "x"));
    }
}
