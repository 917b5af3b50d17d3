//! Configuration that names a device of the machine, and modules of PKCS #11. Pure.

use groma_model::Foreign;
use groma_model::fact::Attachment;

use crate::text::{lossy, meaningful_lines, pair, words};

/// Devices one file may name.
pub(super) const NAMED_MAX: usize = 256;

pub(super) fn named(
    role: &str,
    bus: &str,
    device: &str,
    driver: Option<String>,
    file: &str,
) -> Attachment {
    Attachment {
        bus: bus.to_owned(),
        role: role.to_owned(),
        driver,
        known_as: Some(device.into()),
        used_in: Some(file.into()),
        ..Attachment::default()
    }
}

/// `port = /dev/ttyS0` and `driver = apcsmart` by `[section]`: NUT's `ups.conf`(5).
pub(super) fn nut(bytes: &[u8], file: &str) -> Vec<Attachment> {
    let mut out = Vec::new();
    let mut driver = None;
    for (_, line) in meaningful_lines(bytes) {
        if line.starts_with(b"[") {
            driver = None;
        }
        match pair(line, b'=') {
            Some((b"driver", value)) => driver = Some(lossy(value).trim_matches('"').to_owned()),
            Some((b"port", value)) => {
                let port = lossy(value).trim_matches('"').to_owned();
                // What is asked over the network is attached to another machine.
                let remote = driver.as_deref().is_some_and(|d| {
                    d.starts_with("snmp") || d.starts_with("netxml") || d == "dummy-ups"
                });
                if !remote && (port.starts_with("/dev/") || port == "auto") && out.len() < NAMED_MAX
                {
                    out.push(named(
                        "ups",
                        if port == "auto" { "usb" } else { "serial" },
                        &port,
                        driver.clone(),
                        file,
                    ));
                }
            }
            _ => {}
        }
    }
    out
}

/// Every `/dev/…` a line of the wanted keys names: apcupsd (`DEVICE`), smstools (`device`), gammu (`port`), HylaFAX.
pub(super) fn devices(bytes: &[u8], keys: &[&str], role: &str, file: &str) -> Vec<Attachment> {
    let lines = meaningful_lines(bytes);
    let devices = lines.filter_map(|(_, line)| {
        let mut all = words(line)
            .flat_map(|w| w.split(|b| *b == b'=' || *b == b':'))
            .filter(|w| !w.is_empty());
        let key = lossy(all.next()?);
        let device = lossy(all.next()?);
        (keys.iter().any(|k| k.eq_ignore_ascii_case(&key)) && device.starts_with("/dev/"))
            .then_some(device)
    });
    devices
        .take(NAMED_MAX)
        .map(|device| named(role, "serial", &device, None, file))
        .collect()
}

/// Readers on a serial line, which pcscd cannot find by itself (reader.conf(5)): `FRIENDLYNAME`, `DEVICENAME`, `LIBPATH`.
pub(super) fn card_readers(bytes: &[u8], file: &str) -> Vec<Attachment> {
    let mut out: Vec<Attachment> = Vec::new();
    let mut name = None;
    for (_, line) in meaningful_lines(bytes) {
        let text = lossy(line);
        let Some((key, value)) = text.split_once(char::is_whitespace) else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match key {
            "FRIENDLYNAME" => name = Some(value.to_owned()),
            "DEVICENAME" if out.len() < NAMED_MAX => {
                let mut found = named("smart-card-reader", "serial", value, None, file);
                found.product = name.take();
                out.push(found);
            }
            "LIBPATH" => {
                if let Some(reader) = out.last_mut().filter(|r| r.driver.is_none()) {
                    reader.driver = value.rsplit('/').next().map(str::to_owned);
                }
            }
            _ => {}
        }
    }
    out
}

/// A module of p11-kit (pkcs11.conf(5)): the library behind it; what only lists certificates or keyrings is none.
pub(super) fn module(bytes: &[u8], file: &str) -> Option<Attachment> {
    let value = |key: &[u8]| {
        let mut lines = meaningful_lines(bytes).filter_map(|(_, line)| pair(line, b':'));
        lines.find(|(k, _)| *k == key).map(|(_, v)| lossy(v))
    };
    let library = value(b"module")?;
    let name = library.rsplit('/').next().unwrap_or_default();
    let usual = ["p11-kit", "gnome-keyring", "gkm", "softhsm"]
        .iter()
        .any(|u| name.contains(u));
    (!usual).then(|| Attachment {
        product: Some(name.to_owned()),
        known_as: Some(Foreign::from(library.clone())),
        ..named("smart-card-middleware", "software", &library, None, file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_configurations_name() {
        let ups = nut(b"maxretry = 3\n[a]\n driver = \"apcsmart\"\n port = /dev/ttyS0\n[b]\n driver = snmp-ups\n port = 192.0.2.1\n#[c]\n# port = /dev/ttyS9\n[d]\n driver = usbhid-ups\n port = auto\n", "/etc/nut/ups.conf");
        assert_eq!(
            ups.iter()
                .map(|a| a.known_as.as_ref().unwrap().to_string())
                .collect::<Vec<_>>(),
            ["/dev/ttyS0", "auto"]
        );
        let sms = devices(
            b"device = /dev/ttyUSB0\n# device = /dev/ttyUSB1\ndevicename = GSM1\n",
            &["device"],
            "modem",
            "/etc/smsd.conf",
        );
        assert_eq!(sms.len(), 1);
        assert!(devices(b"DEVICE\nUPSCABLE usb\n", &["DEVICE"], "ups", "x").is_empty());
    }

    #[test]
    fn a_reader_on_a_serial_line_is_told_and_the_shipped_comment_is_not() {
        let text = b"# FRIENDLYNAME \"Ghost\"\nFRIENDLYNAME \"GemPC Twin\"\nDEVICENAME /dev/ttyS0:GemPCTwin\nLIBPATH /usr/lib/pcsc/drivers/serial/libccidtwin.so\nCHANNELID 1\n";
        let found = card_readers(text, "/etc/reader.conf.d/x");
        let [one] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(one.product.as_deref(), Some("GemPC Twin"));
        assert_eq!(one.driver.as_deref(), Some("libccidtwin.so"));
    }

    #[test]
    fn a_module_of_a_card_counts_and_the_trust_list_does_not() {
        assert_eq!(
            module(b"# x\nmodule: /usr/lib/opensc-pkcs11.so\n", "/m")
                .unwrap()
                .product
                .as_deref(),
            Some("opensc-pkcs11.so")
        );
        assert!(module(b"module: p11-kit-trust.so\n", "/m").is_none());
    }

    #[test]
    fn hammered_files_never_panic() {
        let corpus: &[&[u8]] = &[
            b"[a]\ndriver=x\nport=/dev/y\n",
            b"FRIENDLYNAME x\nDEVICENAME /dev/y\nLIBPATH /a/b.so\n",
            b"module: /a/b.so\n",
            b"device = /dev/a\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            nut(bytes, "f");
            card_readers(bytes, "f");
            module(bytes, "f");
            devices(bytes, &["device"], "modem", "f");
        });
    }
}
