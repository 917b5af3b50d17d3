use groma_model::{Fact, Reason};

use super::attached;
use crate::{DeviceRow, Machine, Registry, Rows, Said, Value, WrittenFiles, WrittenRegistry};

const ENUM: &str = r"HKLM\SYSTEM\CurrentControlSet\Enum";

fn row(instance: &str, class: &str, name: &str, service: &str) -> DeviceRow {
    DeviceRow {
        instance: instance.into(),
        present: true,
        class: Some(class.into()),
        friendly_name: Some(name.into()),
        service: Some(service.into()),
        manufacturer: None,
    }
}

fn said(registry: &dyn Registry, files: &WrittenFiles, devices: Vec<DeviceRow>) -> Said {
    let rows = Rows {
        devices,
        ..Rows::default()
    };
    let machine = Machine {
        registry,
        files,
        rows: &rows,
        certificate: &|_| None,
    };
    attached(&machine).remove(0)
}

fn lines(said: &Said) -> Vec<String> {
    said.facts.iter().map(Fact::says).collect()
}

fn desk() -> Vec<DeviceRow> {
    vec![
        row(r"USB\ROOT_HUB30\4&1", "USB", "USB Root Hub", "USBHUB3"),
        row(
            r"USB\VID_046D&PID_C31C\5&1",
            "USB",
            "USB Composite Device",
            "usbccgp",
        ),
        row(
            r"USB\VID_046D&PID_C31C&MI_00\6&1",
            "HIDClass",
            "USB Input Device",
            "HidUsb",
        ),
        row(
            r"HID\VID_046D&PID_C31C&MI_00\7&1",
            "Keyboard",
            "HID Keyboard Device",
            "kbdhid",
        ),
        row(
            r"USB\VID_0781&PID_5567\4C53",
            "USB",
            "USB Mass Storage Device",
            "USBSTOR",
        ),
        row(r"USB\VID_046D&PID_0825\1", "Image", "Webcam", "usbvideo"),
        row(
            r"USB\VID_0627&PID_0001\1",
            "HIDClass",
            "USB Input Device",
            "HidUsb",
        ),
        row(r"USB\VID_0BDA&PID_8153\1", "Net", "USB GbE", "rtux64w10"),
        row(
            r"USB\VID_8087&PID_0A2B\1",
            "Bluetooth",
            "Wireless Bluetooth",
            "BTHUSB",
        ),
        row(r"PCI\VEN_8086&DEV_100E\3", "Net", "PRO/1000", "E1G60"),
        row(
            r"PCI\VEN_8086&DEV_9C3D\3",
            "Ports",
            "Management SOL (COM3)",
            "Serial",
        ),
        row(
            r"ACPI\PNP0501\1",
            "Ports",
            "Communications Port (COM1)",
            "Serial",
        ),
        row(
            r"ROOT\SMARTCARDREADER\0000",
            "SmartCardReader",
            "Virtual",
            "x",
        ),
        row(r"SWD\PRINTENUM\{1}", "PrintQueue", "PDF", ""),
        row(r"SCSI\DISK&VEN_X\1", "DiskDrive", "X", "disk"),
    ]
}

#[test]
fn what_every_desk_has_is_silent() {
    let serial = r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM";
    let cards = r"HKLM\SOFTWARE\Microsoft\Cryptography";
    let registry = WrittenRegistry::default()
        .with(
            &format!(r"{ENUM}\USB\VID_046D&PID_0825\1"),
            "CompatibleIDs",
            Value::List(vec![r"USB\Class_0e&SubClass_03".into()]),
        )
        .with_text(serial, r"\Device\Serial0", "COM1")
        .with_text(serial, r"\Device\BthModem0", "COM5")
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}\0000",
            "AttachedTo",
            "COM9",
        )
        .with_text(
            r"HKLM\SOFTWARE\Microsoft\Fax\Device Providers\{2172FD8F}",
            "ImageName",
            r"%systemroot%\system32\FXST30.dll",
        )
        .with_text(
            &format!(r"{cards}\Defaults\Provider\Microsoft Strong Cryptographic Provider"),
            "Image Path",
            r"%SystemRoot%\system32\rsaenh.dll",
        )
        .with_text(
            &format!(r"{cards}\Calais\SmartCards\Identity Device (NIST SP 800-73 [PIV])"),
            "80000001",
            "msclmd.dll",
        )
        .with(
            r"HKLM\SYSTEM\CurrentControlSet\Services\vpnagent",
            "Start",
            Value::Number(4),
        );
    let said = said(&registry, &WrittenFiles::default(), desk());
    assert_eq!(lines(&said), [""; 0]);
    assert!(said.gaps.is_empty());
}

#[test]
fn devices_are_told_by_number_class_and_what_the_registry_adds() {
    let mut devices = desk();
    let mut absent = row(r"USB\VID_064F&PID_0BD7\1", "USB", "CmStick", "wibukey2");
    absent.present = false;
    devices.extend([
        absent,
        row(
            r"USB\VID_0529&PID_0001\5&1",
            "USB",
            "HASP HL Key",
            "hardlock",
        ),
        row(
            r"USB\VID_0403&PID_6001\A9XY",
            "USB",
            "USB Serial Converter",
            "FTDIBUS",
        ),
        row(
            r"FTDIBUS\VID_0403+PID_6001+A9XY\0000",
            "Ports",
            "USB Serial Port (COM4)",
            "FTSER2K",
        ),
        row(
            r"USB\VID_076B&PID_3031\1",
            "SmartCardReader",
            "OMNIKEY 3x21",
            "WUDFRd",
        ),
        row(
            r"USB\VID_0A5F&PID_0080\X7",
            "USB",
            "USB Printing Support",
            "usbprint",
        ),
        row(
            r"USBPRINT\ZEBRAZTC_GK420D\7&AB&0&USB001",
            "Printer",
            "ZDesigner GK420d",
            "",
        ),
        row(
            r"SCSI\SEQUENTIAL&VEN_HP&PROD_ULTRIUM_5\1",
            "TapeDrive",
            "HP LTO",
            "hplto",
        ),
        row(
            r"SWD\DAFWSDPROVIDER\URN:UUID:1",
            "Image",
            "Office MFP",
            "WSDScan",
        ),
        row(r"PCI\VEN_12C7&DEV_0001\1", "MultiFunction", "Diva", "diva"),
        row(
            r"HID\VID_0463&PID_FFFF\1",
            "Battery",
            "HID UPS Battery",
            "HidBatt",
        ),
        row(
            r"USB\VID_04C5&PID_11A2\1",
            "Image",
            "ScanSnap S1500",
            "usbscan",
        ),
    ]);
    let registry = WrittenRegistry::default()
        .with_text(
            &format!(r"{ENUM}\USB\VID_0A5F&PID_0080\X7"),
            "ParentIdPrefix",
            "7&ab&0",
        )
        .with_text(
            &format!(r"{ENUM}\FTDIBUS\VID_0403+PID_6001+A9XY\0000\Device Parameters"),
            "PortName",
            "COM4",
        )
        .with_text(
            &format!(r"{ENUM}\FTDIBUS\VID_0403+PID_6001+A9XY\0000"),
            "Mfg",
            "@oem3.inf,%ftdi%;FTDI",
        )
        .with_text(
            &format!(r"{ENUM}\SWD\DAFWSDPROVIDER\URN:UUID:1"),
            "LocationInformation",
            "http://192.0.2.7:80/WSD/scan?x=1",
        )
        .with_text(
            r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM",
            r"\Device\VCP0",
            "COM4",
        );
    let said = said(&registry, &WrittenFiles::default(), devices);
    assert_eq!(
        lines(&said),
        [
            "network Office MFP (scanner) at http://192.0.2.7:80/WSD/scan",
            "pci Dialogic Diva (telephony-board)",
            "scsi HP LTO (tape-drive)",
            "usb Aladdin/Thales HASP, Sentinel HASP HL Key (license-dongle)",
            "usb ZDesigner GK420d (printer)",
            "usb ScanSnap S1500 (scanner)",
            "usb FTDI USB Serial Port (serial-adapter) as COM4",
            "usb OMNIKEY 3x21 (smart-card-reader)",
            "usb MGE/Eaton HID UPS Battery (ups)",
        ]
    );
    let all = format!("{:?}", said.facts);
    assert!(
        !all.contains("A9XY") && !all.contains("X7"),
        "serial numbers stay here"
    );
}

#[test]
fn a_table_that_was_not_asked_is_a_gap_and_ports_are_told_all_the_same() {
    let registry = WrittenRegistry::default()
        .with_text(r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM", r"\Device\Silabser0", "COM7")
        .with_text(r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM", r"\Device\Serial0", "COM1")
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}\0000",
            "AttachedTo",
            "COM1",
        )
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}\0000",
            "FriendlyName",
            "Courier V.Everything",
        );
    let said = said(&registry, &WrittenFiles::default(), Vec::new());
    assert_eq!(
        lines(&said),
        [
            "serial Courier V.Everything (modem) as COM1",
            "serial a device without a name (serial-adapter) as COM7"
        ]
    );
    assert_eq!(said.gaps[0].reason, Reason::NotPresent);
}

#[test]
fn software_for_cards_fax_scanners_and_private_networks_is_told() {
    let cards = r"HKLM\SOFTWARE\Microsoft\Cryptography";
    let scanner =
        r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{6bdd1fc6-810f-11d0-bec7-08002be2092f}\0003";
    let fax = r"HKLM\SOFTWARE\Microsoft\Fax\Device Providers\{1}";
    let registry = WrittenRegistry::default()
        .with_text(
            &format!(r"{cards}\Defaults\Provider\eToken Base Cryptographic Provider"),
            "Image Path",
            r"C:\Windows\System32\eTCAPI.dll",
        )
        .with_text(&format!(r"{cards}\Calais\SmartCards\Acme Card"), "80000001", "acmemd.dll")
        .with_text(&format!(r"{cards}\Calais\SmartCards\Acme Card 2"), "80000001", "acmemd.dll")
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Control\Cryptography\Providers\nCipher Key Storage Provider\UM",
            "Image",
            "ncksp.dll",
        )
        .with_text(fax, "ImageName", r"C:\fax\board.dll")
        .with_text(fax, "FriendlyName", "Board Fax")
        .with_text(scanner, "FriendlyName", "MFP 5")
        .with_text(&format!(r"{scanner}\DeviceData"), "IPAddress", "192.0.2.9")
        .with(
            r"HKLM\SYSTEM\CurrentControlSet\Services\PanGPS",
            "Start",
            Value::Number(2),
        )
        .with_text(
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
            "ProgramFilesDir",
            r"C:\Program Files",
        );
    let files = WrittenFiles::default()
        .with(
            r"C:\ProgramData\Microsoft\Network\Connections\Pbk\rasphone.pbk",
            b"[Head office]\nType=2\nVpnStrategy=7\nPhoneNumber=vpn.corp.example\n",
        )
        .with(
            r"C:\Program Files\OpenVPN\config\branch\branch.ovpn",
            b"client\nremote vpn2.corp.example 1194 udp\n",
        )
        .with(
            r"C:\Program Files\OpenVPN\config\server.ovpn",
            b"server 10.8.0.0 255.255.255.0\n",
        );
    let said = said(&registry, &files, Vec::new());
    let lines = lines(&said);
    let book = r"C:\ProgramData\Microsoft\Network\Connections\Pbk\rasphone.pbk";
    let branch = r"C:\Program Files\OpenVPN\config\branch\branch.ovpn";
    assert_eq!(
        lines[..8],
        [
            "network MFP 5 (scanner) at 192.0.2.9".to_owned(),
            "software Board Fax (fax-board)".to_owned(),
            "software Acme Card (smart-card-middleware) as acmemd.dll".to_owned(),
            "software eToken Base Cryptographic Provider (smart-card-middleware) as etcapi.dll"
                .to_owned(),
            "software nCipher Key Storage Provider (smart-card-middleware) as ncksp.dll".to_owned(),
            "software GlobalProtect (vpn-client) as PanGPS".to_owned(),
            format!(
                "software OpenVPN (vpn-client) as branch at vpn2.corp.example, used in {branch}"
            ),
            format!(
                "software Windows VPN (vpn-client) as Head office at vpn.corp.example, used in {book}"
            ),
        ]
    );
    let references = said.facts.iter().filter_map(|fact| match fact {
        Fact::Reference(r) => Some(format!(
            "{} {} {:?} {}",
            r.kind, r.peer, r.port, r.transport
        )),
        _ => None,
    });
    assert_eq!(
        references.collect::<Vec<_>>(),
        [
            "vpn vpn.corp.example Some(Port(500)) udp",
            "vpn vpn2.corp.example Some(Port(1194)) udp"
        ]
    );
}
