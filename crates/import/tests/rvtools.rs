//! What our own workbook in the layout of RVTools says is read back as the same machines.
#![allow(clippy::unwrap_used, reason = "tests only")]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

use groma_import::{Kind, read, recognise};
use groma_model::fact::Declared;

fn read_back() -> Vec<Declared> {
    let bytes = groma_workbook::rvtools(&sample::guests()).unwrap();
    assert_eq!(recognise(&bytes), Kind::RvTools);
    let imported = read("rvtools.xlsx", &bytes, sample::noon()).unwrap();
    let problems: Vec<String> = imported.skipped.iter().map(|p| format!("{p:?}")).collect();
    assert!(problems.is_empty(), "{problems:?}");
    imported.declared
}

#[test]
fn guests_come_back_with_name_uuid_cards_addresses_and_host() {
    let declared = read_back();
    let inventory = sample::guests();
    let mut met = 0;
    for entity in &inventory.entities {
        let Some(guest) = entity.attributes.guest.as_deref() else {
            continue;
        };
        let told = declared.iter().find(|d| d.name == guest.name);
        let told = told.unwrap_or_else(|| panic!("{} is lost", entity.name));
        met += 1;
        assert_eq!(
            told.macs,
            guest.macs().collect::<Vec<_>>(),
            "{}",
            entity.name
        );
        assert_eq!(
            told.addresses,
            guest.addresses().collect::<Vec<_>>(),
            "{}",
            entity.name
        );
        let container = guest.sort == groma_model::virtualization::GuestSort::Container;
        assert_eq!(
            told.smbios_uuid.as_ref(),
            guest.uuid.as_ref().filter(|_| !container)
        );
        assert!(told.runs_on.is_some(), "{}", entity.name);
    }
    assert_eq!(met, 6);
    let web = declared
        .iter()
        .find(|d| d.name.as_str() == Some("web1.corp.example"))
        .unwrap();
    assert_eq!(
        web.runs_on.as_ref().unwrap().as_str(),
        Some("esx1.corp.example")
    );
}

#[test]
fn hosts_come_back_and_no_machine_has_the_uuid_of_a_center() {
    let declared = read_back();
    let host = declared
        .iter()
        .find(|d| d.name.as_str() == Some("esx1.corp.example"))
        .unwrap();
    assert_eq!(
        host.smbios_uuid.as_deref(),
        Some("99999999-0000-4000-8000-000000000001")
    );
    assert!(!format!("{declared:?}").contains("11111111-2222-4333-8444-555555555555"));
    assert_eq!(declared.len(), 8, "six guests, two hosts");
}
