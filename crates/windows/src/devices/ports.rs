//! Serial ports and what is plugged into them. `SERIALCOMM` is made anew at each start: what stands there is there.

use groma_model::fact::Attachment;

use super::blank;
use crate::{Machine, Part};

const PORTS: &str = r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM";
const MODEMS: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}";
const FAX: &str = r"HKLM\SOFTWARE\Microsoft\Fax\Device Providers";
/// The provider of the fax service that Windows brings.
const OWN_FAX: &str = "fxst30.dll";
const ENTRIES_MAX: usize = 1_000;
/// Ports that are built in, or made by software.
const SILENT: &[&str] = &[
    "serial", "bthmodem", "com0com", "rdpdr", "vserial", "evserial",
];

/// Ports, modems and boards for fax that the table of devices did not tell.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part, found: &mut Vec<Attachment>) {
    let ports = part.or_missed("serial ports (SERIALCOMM)", machine.registry.key(PORTS));
    let ports = ports.unwrap_or_default().values;
    let ports: Vec<(&str, &str)> = ports
        .iter()
        .take(ENTRIES_MAX)
        .filter_map(|(device, port)| Some((device.as_str(), port.text()?)))
        .collect();
    modems(machine, &ports, part, found);
    for (device, port) in &ports {
        let driver = device.rsplit('\\').next().unwrap_or(device);
        let driver = driver.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        if SILENT.contains(&driver.to_lowercase().as_str()) || is_told(found, port) {
            continue;
        }
        found.push(Attachment {
            driver: Some(driver.to_owned()).filter(|driver| !driver.is_empty()),
            known_as: Some((*port).into()),
            ..blank("serial", "serial-adapter")
        });
    }
    fax(machine, part, found);
}

fn is_told(found: &[Attachment], port: &str) -> bool {
    let mut names = found.iter().filter_map(|device| device.known_as.as_ref());
    names.any(|name| name.lossy() == port)
}

/// Modems that somebody set up by hand on a port that is there.
fn modems(
    machine: &Machine<'_>,
    ports: &[(&str, &str)],
    part: &mut Part,
    found: &mut Vec<Attachment>,
) {
    let list = part.or_missed("modems", machine.registry.key(MODEMS));
    for name in list.unwrap_or_default().keys.into_iter().take(ENTRIES_MAX) {
        let key = machine.registry.key(&format!(r"{MODEMS}\{name}"));
        let key = key.ok().flatten().unwrap_or_default();
        let Some(port) = key.text("AttachedTo") else {
            continue;
        };
        let product = key.text("FriendlyName").or_else(|| key.text("Model"));
        let told = found.iter().any(|device| {
            device.role == "modem" && product.is_some() && device.product.as_deref() == product
        });
        let there = ports
            .iter()
            .any(|(_, known)| known.eq_ignore_ascii_case(port));
        if told || !there || is_told(found, port) {
            continue;
        }
        found.push(Attachment {
            vendor: key.text("Manufacturer").map(str::to_owned),
            product: product.map(str::to_owned),
            known_as: Some(port.into()),
            ..blank("serial", "modem")
        });
    }
}

/// Providers of the fax service that are not Windows' own: the software of a board, or of fax over the network.
fn fax(machine: &Machine<'_>, part: &mut Part, found: &mut Vec<Attachment>) {
    let list = part.or_missed("providers of the fax service", machine.registry.key(FAX));
    for name in list.unwrap_or_default().keys.into_iter().take(ENTRIES_MAX) {
        let key = machine.registry.key(&format!(r"{FAX}\{name}"));
        let key = key.ok().flatten().unwrap_or_default();
        let Some(image) = key.text("ImageName").map(crate::base_name) else {
            continue;
        };
        if image.eq_ignore_ascii_case(OWN_FAX) {
            continue;
        }
        let product = key
            .text("FriendlyName")
            .or_else(|| key.text("ProviderName"));
        found.push(Attachment {
            product: product.map(str::to_owned),
            driver: Some(image.to_owned()),
            ..blank("software", "fax-board")
        });
    }
}
