//! The capabilities of a scanner (Mopria eSCL): who it is, and that it scans.

use std::net::IpAddr;

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};

use crate::text::{plain, uuid};
use crate::xml::{has, places, text};

/// What the document of the machine at `address` says of it; `None` if it is of no scanner.
pub fn says(address: IpAddr, document: &[u8]) -> Option<DeviceSays> {
    let all = places(document);
    if !has(&all, "ScannerCapabilities") {
        return None;
    }
    let mut says = DeviceSays::new(address, DeviceWitness::Escl);
    let word = |name| text(&all, name).and_then(plain);
    says.maker = word("ScannerCapabilities/Manufacturer");
    says.model = word("ScannerCapabilities/MakeAndModel");
    says.serial = word("ScannerCapabilities/SerialNumber");
    says.uuid = text(&all, "ScannerCapabilities/UUID").and_then(uuid);
    says.class = Some(DeviceClass::Scanner);
    says.can = vec![Deed::Scan];
    says.proof = vec!["ScannerCapabilities".to_owned()];
    Some(says)
}
