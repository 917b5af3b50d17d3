//! What is attached to a machine: what numbers, drivers and names of devices mean, and which programs stand between a machine and
//! a card, a signature or a private network. A table of what vendors registered (USB-IF, PCI-SIG) and documented.

/// A USB vendor, perhaps one of its products, and what it makes.
struct Known {
    vendor: &'static str,
    /// Product numbers, lowest and highest.
    products: Option<(u16, u16)>,
    role: &'static str,
    maker: &'static str,
}

const fn known(
    vendor: &'static str,
    products: Option<(u16, u16)>,
    role: &'static str,
    maker: &'static str,
) -> Known {
    Known {
        vendor,
        products,
        role,
        maker,
    }
}

/// The first row that fits counts.
const USB: &[Known] = &[
    known(
        "0529",
        Some((0x0500, 0x06ff)),
        "signing-token",
        "Aladdin/SafeNet eToken",
    ),
    known(
        "0529",
        None,
        "license-dongle",
        "Aladdin/Thales HASP, Sentinel",
    ),
    known(
        "04b9",
        Some((0x1000, 0x1fff)),
        "signing-token",
        "SafeNet iKey",
    ),
    known("04b9", None, "license-dongle", "Rainbow/Thales Sentinel"),
    known(
        "064f",
        None,
        "license-dongle",
        "WIBU-SYSTEMS CodeMeter, WibuBox",
    ),
    known(
        "096e",
        Some((0x0800, 0x08ff)),
        "signing-token",
        "Feitian ePass",
    ),
    known(
        "096e",
        Some((0x0001, 0x03ff)),
        "license-dongle",
        "Feitian Rockey",
    ),
    known("0a89", Some((0x0001, 0x001f)), "license-dongle", "Guardant"),
    known("0a89", None, "signing-token", "Aktiv Rutoken"),
    known("1bc0", None, "license-dongle", "Senselock"),
    known("07f2", None, "license-dongle", "KEYLOK"),
    known("0d7a", None, "license-dongle", "MARX CRYPTO-BOX"),
    known("24dc", None, "signing-token", "Aladdin R.D. JaCarta"),
    known("1050", None, "signing-token", "Yubico"),
    known("051d", None, "ups", "APC"),
    known("0463", None, "ups", "MGE/Eaton"),
    known("0764", None, "ups", "CyberPower"),
    known("06da", None, "ups", "Phoenixtec"),
    known("10af", None, "ups", "Liebert/Vertiv"),
    known("05f9", None, "barcode-reader", "Datalogic/PSC"),
    known("0c2e", None, "barcode-reader", "Honeywell/Metrologic"),
    known("05e0", None, "barcode-reader", "Zebra/Symbol"),
    known("0572", Some((0x1300, 0x13ff)), "modem", "Conexant"),
    known("0803", None, "modem", "Zoom"),
    known("0baf", None, "modem", "U.S. Robotics"),
];

/// Made up by hypervisors, and the hubs of the kernel itself.
const VIRTUAL: &[&str] = &["1d6b", "0627", "80ee", "0e0f", "46f4", "1af4"];

/// PCI vendors whose boards telephone.
const PCI: &[Known] = &[
    known("d161", None, "telephony-board", "Digium"),
    known("1923", None, "telephony-board", "Sangoma"),
    known("12c7", None, "telephony-board", "Dialogic"),
    known("1133", None, "telephony-board", "Eicon/Dialogic Diva"),
    known("1244", None, "telephony-board", "AVM"),
    known("14f1", Some((0x1030, 0x1fff)), "modem", "Conexant"),
    known("11d4", Some((0x1805, 0x1805)), "modem", "Analog Devices"),
    known("1204", None, "telephony-board", "Brooktrout/Dialogic"),
];

fn look_up(table: &'static [Known], vendor: &str, product: &str) -> Option<&'static Known> {
    let number = u16::from_str_radix(product, 16).ok();
    table.iter().find(|row| {
        row.vendor == vendor
            && row
                .products
                .is_none_or(|(first, last)| number.is_some_and(|n| (first..=last).contains(&n)))
    })
}

/// A USB device as the system tells it.
#[derive(Clone, Debug, Default)]
pub struct Usb {
    /// Number of its vendor, four lower-case hex digits.
    pub vendor: String,
    /// Number of the product, four lower-case hex digits.
    pub product: String,
    /// What it calls itself; empty where it has no name.
    pub name: String,
    /// Classes of the device and its interfaces, two hex digits each.
    pub classes: Vec<String>,
    /// Drivers bound to it, by their names on Linux.
    pub drivers: Vec<String>,
}

/// What a USB device is for, and who makes it, where its number alone tells; [`made_up`] ones are for the caller to leave out.
pub fn usb_number(vendor: &str, product: &str) -> Option<(&'static str, &'static str)> {
    look_up(USB, vendor, product).map(|row| (row.role, row.maker))
}

/// True for the numbers of what a hypervisor makes up, and of the hubs of a kernel.
pub fn made_up(vendor: &str) -> bool {
    VIRTUAL.contains(&vendor)
}

/// What a USB device is for, and who is known to make it; `None` for what moves with nobody: hubs, keyboards, disks,
/// cameras, network cards, and what hypervisors make up.
pub fn usb(device: &Usb) -> Option<(&'static str, Option<&'static str>)> {
    if made_up(&device.vendor) {
        return None;
    }
    if let Some((role, maker)) = usb_number(&device.vendor, &device.product) {
        return Some((role, Some(maker)));
    }
    let has = |class: &str| device.classes.iter().any(|c| c == class);
    let driven = |names: &[&str]| device.drivers.iter().any(|d| names.contains(&d.as_str()));
    let name = device.name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| name.contains(w));
    let role = if has("07") {
        "printer"
    } else if has("0b") {
        "smart-card-reader"
    } else if says(&["modem", "fax"]) || driven(&["option", "qmi_wwan", "cdc_mbim", "sierra"]) {
        "modem"
    } else if says(&["barcode", "bar code"]) {
        "barcode-reader"
    } else if says(&["scanner", "scanjet", "scan snap", "scansnap"]) {
        "scanner"
    } else if driven(&[
        "ftdi_sio",
        "pl2303",
        "cp210x",
        "ch341",
        "ch341-uart",
        "mos7840",
        "mos7720",
        "ti_usb_3410_5052",
        "cdc_acm",
        "io_edgeport",
        "keyspan",
    ]) {
        "serial-adapter"
    } else if ["09", "03", "08", "01", "0e", "e0", "02", "0a", "06"]
        .iter()
        .any(|c| has(c))
    {
        return None;
    } else {
        "other"
    };
    Some((role, None))
}

/// What a PCI device is for, by its class (`0x070300`) and number; `None` for what every machine has.
pub fn pci(
    class: &str,
    vendor: &str,
    product: &str,
) -> Option<(&'static str, Option<&'static str>)> {
    if let Some(row) = look_up(PCI, vendor, product) {
        return Some((row.role, Some(row.maker)));
    }
    let class = class.trim_start_matches("0x");
    match class.get(..4)? {
        "0703" => Some(("modem", None)),
        "0702" => Some(("serial-adapter", None)),
        "0b40" | "1000" | "1080" if vendor != "8086" && vendor != "1022" => Some(("other", None)),
        _ => None,
    }
}

/// Software of Linux that stands between a machine and a card, a signature or a private network: path, role, what it is.
/// Programs that serve as well as ask (OpenVPN, IPsec, WireGuard) make no client by being there: their settings tell.
pub const SOFTWARE: &[(&str, &str, &str)] = &[
    ("/opt/cprocsp", "signing-client", "CryptoPro CSP"),
    ("/opt/itcs", "vpn-client", "ViPNet"),
    ("/opt/cisco/anyconnect", "vpn-client", "Cisco AnyConnect"),
    (
        "/opt/cisco/secureclient",
        "vpn-client",
        "Cisco Secure Client",
    ),
    ("/opt/forticlient", "vpn-client", "FortiClient"),
    (
        "/opt/paloaltonetworks/globalprotect",
        "vpn-client",
        "GlobalProtect",
    ),
    ("/opt/pulsesecure", "vpn-client", "Pulse Secure"),
    ("/usr/bin/snx", "vpn-client", "Check Point SNX"),
    ("/usr/sbin/openconnect", "vpn-client", "OpenConnect"),
    ("/usr/sbin/vpnc", "vpn-client", "vpnc"),
    ("/usr/sbin/pcscd", "smart-card-middleware", "pcscd"),
    ("/etc/opensc/opensc.conf", "smart-card-middleware", "OpenSC"),
    (
        "/usr/lib/libeToken.so",
        "smart-card-middleware",
        "SafeNet Authentication Client",
    ),
    ("/opt/aktivco", "smart-card-middleware", "Rutoken"),
    (
        "/usr/sbin/aksusbd_x86_64",
        "license-service",
        "Sentinel LDK run-time",
    ),
    (
        "/usr/sbin/aksusbd",
        "license-service",
        "Sentinel LDK run-time",
    ),
    (
        "/usr/sbin/hasplmd",
        "license-service",
        "Sentinel LDK license manager",
    ),
    ("/usr/sbin/CodeMeterLin", "license-service", "CodeMeter"),
];

/// Programs of Windows that dial into a private network: the name of the service each installs, and what it is. A service that
/// serves as well as dials (OpenVPN, IPsec, WireGuard) makes no client by being there: its settings tell.
pub const WINDOWS_VPN: &[(&str, &str)] = &[
    ("vpnagent", "Cisco Secure Client (AnyConnect)"),
    ("csc_vpnagent", "Cisco Secure Client (AnyConnect)"),
    ("CVPND", "Cisco VPN Client"),
    ("FA_Scheduler", "FortiClient"),
    ("PanGPS", "GlobalProtect"),
    ("PulseSecureService", "Pulse Secure, Ivanti Secure Access"),
    ("dsNcService", "Juniper Network Connect"),
    ("TracSrvWrapper", "Check Point Endpoint Security VPN"),
    ("SONICWALL_NetExtender", "SonicWall NetExtender"),
    ("SevpnClient", "SoftEther VPN Client"),
    ("NcpRwsNt", "NCP Secure Client"),
    ("iked", "Shrew Soft VPN Client"),
    ("nsverctl", "Citrix Secure Access"),
    ("ZSATunnel", "Zscaler Client Connector"),
    ("Tailscale", "Tailscale"),
    ("ZeroTierOneService", "ZeroTier"),
    ("scvpn", "Sophos Connect"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_serves_as_well_makes_no_client() {
        let role = |path: &str| SOFTWARE.iter().find(|row| row.0 == path).map(|row| row.1);
        for both in ["openvpn", "swanctl", "ipsec"] {
            assert_eq!(role(&format!("/usr/sbin/{both}")), None);
        }
        assert_eq!(role("/usr/bin/wg"), None);
        assert_eq!(role("/usr/sbin/openconnect"), Some("vpn-client"));
    }

    fn device(vendor: &str, product: &str, name: &str, classes: &[&str], drivers: &[&str]) -> Usb {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Usb {
            vendor: vendor.into(),
            product: product.into(),
            name: name.into(),
            classes: owned(classes),
            drivers: owned(drivers),
        }
    }

    #[test]
    fn devices_are_known_by_number_class_driver_and_name() {
        for (vendor, product, name, classes, drivers, role) in [
            (
                "0529",
                "0001",
                "HASP HL 3.25",
                &["ff"][..],
                &[][..],
                "license-dongle",
            ),
            ("0529", "0620", "Token JC", &["0b"], &[], "signing-token"),
            ("0a89", "0030", "Rutoken ECP", &["0b"], &[], "signing-token"),
            (
                "03f0",
                "0f2a",
                "LaserJet",
                &["00", "07"],
                &["usblp"],
                "printer",
            ),
            ("076b", "3031", "OMNIKEY", &["0b"], &[], "smart-card-reader"),
            (
                "0403",
                "6001",
                "FT232R",
                &["ff"],
                &["ftdi_sio"],
                "serial-adapter",
            ),
            (
                "12d1",
                "1506",
                "HUAWEI Mobile",
                &["ff"],
                &["option"],
                "modem",
            ),
            ("051d", "0002", "Smart-UPS", &["03"], &["usbhid"], "ups"),
            ("04c5", "11a2", "ScanSnap S1500", &["ff"], &[], "scanner"),
        ] {
            let found = usb(&device(vendor, product, name, classes, drivers));
            assert_eq!(found.map(|(r, _)| r), Some(role), "{name}");
        }
    }

    #[test]
    fn hubs_keyboards_disks_and_made_up_devices_are_silent() {
        for (vendor, name, classes) in [
            ("1d6b", "xHCI Host Controller", &["09"][..]),
            ("046d", "USB Keyboard", &["00", "03"]),
            ("0781", "Ultra", &["00", "08"]),
            ("0627", "QEMU USB Tablet", &["03"]),
            ("0bda", "USB 10/100 LAN", &["02", "0a"]),
            ("05e3", "USB2.0 Hub", &["09"]),
        ] {
            assert!(
                usb(&device(vendor, "0001", name, classes, &[])).is_none(),
                "{name}"
            );
        }
        assert!(pci("0x020000", "8086", "100e").is_none());
        assert!(
            pci("0x070002", "8086", "9c3d").is_none(),
            "every board has a serial controller"
        );
    }
}
