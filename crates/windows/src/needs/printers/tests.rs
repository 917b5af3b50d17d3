use super::*;
use crate::needs::testing::{said, shown};

const EXPORT: &str = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Front]
"Name"="Front"
"Port"="IP_192.0.2.71"
"Printer Driver"="HP Universal Printing PCL 6"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Labels]
"Name"="Labels"
"Port"="zebra1"
"Printer Driver"="ZDesigner ZD420"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Old]
"Name"="Old"
"Port"="192.0.2.73:raw"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Desk]
"Name"="Desk"
"Port"="USB001"
"Printer Driver"="Brother HL-L2350DW"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Cloud]
"Name"="Cloud"
"Port"="http://print1.corp.example:631/printers/front/.printer"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Found]
"Name"="Found"
"Port"="WSD-7c1e4f42-5f5c-4b0e-9f5c-9d7a5c7f1d10.0032"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Other]
"Name"="Other"
"Port"="\\\\print2\\office"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\Standard TCP/IP Port\Ports\IP_192.0.2.71]
"Protocol"=dword:00000001
"HostName"="192.0.2.71"
"IPAddress"="192.0.2.71"
"PortNumber"=dword:0000238c
"SNMP Community"="canary"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\Standard TCP/IP Port\Ports\zebra1]
"Protocol"=dword:00000002
"HostName"="zebra1.corp.example"
"PortNumber"=dword:00000203
"Queue"="lp"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\Standard TCP/IP Port\Ports\leftover]
"HostName"="192.0.2.99"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\LPR Port\Ports\192.0.2.73:raw]
"Server Name"="192.0.2.73"
"Printer Name"="raw"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\WSD Port\Ports\WSD-7c1e4f42-5f5c-4b0e-9f5c-9d7a5c7f1d10.0032]
"Printer UUID"="urn:uuid:0b9d6e3c-1111-2222-3333-444455556666"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Enum\SWD\DAFWSDProvider\urn:uuid:0b9d6e3c-1111-2222-3333-444455556666]
"LocationInformation"="http://192.0.2.75:3911/"

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Connections\,,print3,all]
"Server"="\\\\print3"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Print\Providers\Client Side Rendering Print Provider\Servers\print1.corp.example]
[HKEY_USERS\S-1-5-21-1-2-3-1001\Printers\Connections\,,print1.corp.example,Laser 2]
"Provider"="win32spl.dll"
"Server"="\\\\print1.corp.example"
"#;

#[test]
fn queues_lead_to_devices_and_to_print_servers() {
    let found = said(EXPORT);
    let short: Vec<String> = shown(&found)
        .iter()
        .map(|text| {
            text.split(", used in ")
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert_eq!(
        short,
        [
            "network a device without a name (printer) as Cloud at ipp://print1.corp.example:631",
            "windows-printer Port -> print print1.corp.example 631/tcp, None",
            "usb Brother HL-L2350DW (printer) as Desk",
            "network a device without a name (printer) as Found at wsd://192.0.2.75:3911",
            "windows-printer LocationInformation -> print 192.0.2.75 3911/tcp, None",
            "network HP Universal Printing PCL 6 (printer) as Front at socket://192.0.2.71:9100",
            "windows-printer HostName -> print 192.0.2.71 9100/tcp",
            "network ZDesigner ZD420 (printer) as Labels at lpd://zebra1.corp.example/lp",
            "windows-printer HostName -> print zebra1.corp.example 515/tcp, resource lp",
            "network a device without a name (printer) as Old at lpd://192.0.2.73/raw",
            "windows-printer Server Name -> print 192.0.2.73 515/tcp, resource raw",
            "network a device without a name (printer) as Other at smb://print2/office",
            "windows-printer Port -> print print2 445/tcp, resource office",
            "windows-printer-connection Server -> print print3 445/tcp, resource all",
            "windows-print-server-cached print1.corp.example -> print print1.corp.example 445/tcp, weak",
            "windows-printer-connection Server -> print print1.corp.example 445/tcp, resource Laser 2",
        ]
    );
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn programs_that_print_and_ports_without_a_queue_are_silent() {
    let export = r#"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Microsoft Print to PDF]
"Port"="PORTPROMPT:"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Fax]
"Port"="SHRFAX:"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\OneNote]
"Port"="nul:"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\XPS]
"Port"="XPSPort:"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\File]
"Port"="FILE:"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Somebody's (redirected 3)]
"Port"="TS001"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Printers\Archive]
"Port"="archive"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\Standard TCP/IP Port\Ports\archive]
"HostName"="127.0.0.1"
"PortNumber"=dword:0000238c
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print\Monitors\Standard TCP/IP Port\Ports\IP_192.0.2.99]
"HostName"="192.0.2.99"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Printers\Connections\,,app1,Own]
"Server"="\\\\app1"
"#;
    assert_eq!(shown(&said(export)), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        let _ = uuid(&text);
        let _ = uuid(&format!("uuid:{text}"));
    }
}
