//! The section of devices, and the sheet for whoever reads their panels.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod sample;

use groma_model::sheet::SHEET_COLUMNS;
use sample::{devices, office};

#[test]
fn a_device_stands_with_who_says_so_and_what_it_needs() {
    let page = groma_report::markdown(&devices());
    for part in [
        "## Devices",
        "multifunction device",
        "Example C 300",
        "sent through mail1.corp.example, as its log tells",
        "without an account",
        "reaches the server by its address 10.1.0.11",
        "Witnesses do not agree: serial number, whether it scans",
        "X1 (SNMP) / Y2 (WSD)",
        "stands on the sheet",
    ] {
        assert!(page.contains(part), "{part} is not in the section");
    }
    assert!(!groma_report::markdown(&office()).contains("## Devices"));
    let csv = groma_report::devices_csv(&devices());
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert!(
        csv.contains(
            "mail1.corp.example:25, anonymous, starttls, TLSv1, address-literal 10.1.0.11"
        ),
        "{csv}"
    );
}

#[test]
fn the_sheet_holds_those_nobody_knows_about_and_no_cell_for_a_password() {
    let sheet = groma_report::device_sheet(&devices());
    assert_eq!(sheet.matches("<section>").count(), 2);
    assert!(
        !sheet.contains("<script"),
        "no script, whatever a device is called"
    );
    assert!(!sheet.contains("<img"));
    assert!(!sheet.contains("copier1.corp.example"), "its mail is known");
    let csv = groma_report::device_sheet_csv(&devices());
    let header: Vec<String> = SHEET_COLUMNS
        .iter()
        .map(|c| format!("\"{}\"", c.name))
        .collect();
    assert_eq!(csv.lines().next().unwrap(), header.join(","));
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(
        csv.contains("\"'=cmd|"),
        "nothing a spreadsheet would compute"
    );
    assert!(!SHEET_COLUMNS.iter().any(|c| c.name.contains("pass")));
    let nobody = groma_report::device_sheet(&office());
    assert!(nobody.contains("There is no such device."));
}
