//! Sockets of the kernel (process 4): which service they belong to.
//!
//! SMB, HTTP (`http.sys`), iSCSI and NFS live in drivers, so the tables name `System` for all of them. The unit is told
//! where something says so, the weakest first:
//!
//! - the Server and Workstation services, RAS, NFS and the iSCSI initiator by the ports their protocols have, where the
//!   service is there and not switched off;
//! - WinRM by the listeners of `WSMAN\Listener`, and 47001, which it always opens;
//! - IIS by the bindings of `applicationHost.config`;
//! - by a TLS binding of `http.sys`, whose `AppId` says who made it: IIS, AD FS, SSTP.
//!
//! Everything else stays `System` without a unit: a reservation of a URL is no proof that somebody serves it.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::host::units::unit_name;
use crate::{Machine, joined};

const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
/// Largest configuration of IIS that is read, in bytes, and elements of it.
const CONFIGURATION_MAX: u64 = 16 << 20;
const ELEMENTS_MAX: usize = 2_000_000;
/// `Start` of a service that is switched off.
const DISABLED: u64 = 4;

/// Units by TCP port.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    serves: BTreeMap<u16, String>,
    calls: BTreeMap<u16, String>,
}

impl Kernel {
    /// What a machine says of its drivers.
    pub(super) fn of(machine: &Machine<'_>) -> Self {
        let mut kernel = Self::default();
        for (port, service) in [
            (445, "LanmanServer"),
            (139, "LanmanServer"),
            (1723, "RemoteAccess"),
            (2049, "NfsService"),
            (111, "NfsService"),
            (47001, "WinRM"),
        ] {
            kernel.serve(machine, port, service);
        }
        for (port, service) in [
            (445, "LanmanWorkstation"),
            (139, "LanmanWorkstation"),
            (2049, "NfsClnt"),
            (3260, "MSiSCSI"),
        ] {
            if is_on(machine, service) {
                kernel.calls.insert(port, unit(service));
            }
        }
        for port in remote_management(machine) {
            kernel.serve(machine, port, "WinRM");
        }
        for port in sites(machine) {
            kernel.serve(machine, port, "W3SVC");
        }
        for (port, service) in protected(machine) {
            kernel.serve(machine, port, service);
        }
        kernel
    }

    fn serve(&mut self, machine: &Machine<'_>, port: u16, service: &str) {
        if is_on(machine, service) {
            self.serves.insert(port, unit(service));
        }
    }

    /// The unit that serves at a port.
    pub(super) fn serves(&self, port: u16) -> Option<&str> {
        self.serves.get(&port).map(String::as_str)
    }

    /// The unit that calls a port of another machine.
    pub(super) fn calls(&self, port: u16) -> Option<&str> {
        self.calls.get(&port).map(String::as_str)
    }
}

fn unit(service: &str) -> String {
    unit_name(service)
}

fn is_on(machine: &Machine<'_>, service: &str) -> bool {
    let key = machine.registry.key(&joined(SERVICES, service));
    let start = key.ok().flatten().and_then(|key| key.number("Start"));
    start.is_some_and(|start| start != DISABLED)
}

fn remote_management(machine: &Machine<'_>) -> Vec<u16> {
    let path = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener";
    let listeners = machine
        .registry
        .key(path)
        .ok()
        .flatten()
        .unwrap_or_default();
    let port = |name: &String| {
        let key = machine.registry.key(&joined(path, name)).ok().flatten()?;
        u16::try_from(key.number("Port")?).ok()
    };
    listeners.keys.iter().filter_map(port).collect()
}

/// Ports of the HTTP bindings of all sites.
fn sites(machine: &Machine<'_>) -> Vec<u16> {
    if !is_on(machine, "W3SVC") {
        return Vec::new();
    }
    let windows = machine.expand().windows;
    let path = joined(&windows, r"System32\inetsrv\config\applicationHost.config");
    let bytes = machine.files.read(&path, CONFIGURATION_MAX).ok().flatten();
    bindings(&bytes.unwrap_or_default())
}

/// `<binding protocol="https" bindingInformation="10.0.0.5:443:www.corp.example" />`.
fn bindings(bytes: &[u8]) -> Vec<u16> {
    let mut reader = Reader::from_reader(bytes);
    let mut ports = Vec::new();
    for _ in 0..ELEMENTS_MAX {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => ports.extend(port_of(&element)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    ports
}

fn port_of(element: &BytesStart<'_>) -> Option<u16> {
    if element.name().as_ref() != "binding" {
        return None;
    }
    let value = |name: &str| {
        let attribute = element.try_get_attribute(name).ok().flatten()?;
        Some(attribute.value.into_owned())
    };
    let is_http = value("protocol")?.to_ascii_lowercase().starts_with("http");
    let text = value("bindingInformation").filter(|_| is_http)?;
    // The address may hold colons itself.
    text.rsplit(':').nth(1)?.parse().ok()
}

/// Ports with TLS that `http.sys` serves, with who bound them (Microsoft Learn, "HTTP_SERVICE_CONFIG_SSL_PARAM").
fn protected(machine: &Machine<'_>) -> Vec<(u16, &'static str)> {
    let base = r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters";
    let mut found = Vec::new();
    for folder in ["SslBindingInfo", "SslSniBindingInfo", "SslCcsBindingInfo"] {
        let path = joined(base, folder);
        let all = machine
            .registry
            .key(&path)
            .ok()
            .flatten()
            .unwrap_or_default();
        for name in &all.keys {
            let key = machine.registry.key(&joined(&path, name)).ok().flatten();
            let maker = key.as_ref().and_then(|key| maker(key.bytes("AppId")?));
            let port = name
                .rsplit_once(':')
                .and_then(|(_, port)| port.parse().ok());
            found.extend(port.zip(maker));
        }
    }
    found
}

/// Who has this `AppId`: a GUID as Windows holds it, the first three groups little-endian.
fn maker(guid: &[u8]) -> Option<&'static str> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = <[u8; 16]>::try_from(guid).ok()?;
    let hex = |bytes: &[u8]| groma_model::foreign::hex(bytes);
    match hex(&[&[d, c, b, a, f, e, h, g], rest.as_slice()].concat()).as_str() {
        "4dc3e181e14b4a21b02259fc669b0914" => Some("W3SVC"),
        "5d89a20cbeab43899447324788eb944a" => Some("adfssrv"),
        "ba195980cd49458b9e23c84ee0adcd75" => Some("SstpSvc"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rows, Value, WrittenFiles, WrittenRegistry};

    const SITES: &str = r#"<configuration><system.applicationHost><sites><site name="a"><bindings>
        <binding protocol="http" bindingInformation="*:80:" /><binding protocol="https" bindingInformation="[fd00::5]:8443:www.corp.example" />
        <binding protocol="net.tcp" bindingInformation="808:*" /><binding protocol="ftp" bindingInformation="*:21:" />
        </bindings></site></sites></system.applicationHost></configuration>"#;

    fn kernel(registry: &WrittenRegistry) -> Kernel {
        let files = WrittenFiles::default().with(
            r"C:\Windows\System32\inetsrv\config\applicationHost.config",
            format!("\u{feff}{SITES}").as_bytes(),
        );
        Kernel::of(&Machine {
            registry,
            files: &files,
            rows: &Rows::default(),
            certificate: &|_| None,
        })
    }

    fn with_service(registry: WrittenRegistry, name: &str, start: u64) -> WrittenRegistry {
        registry.with(&joined(SERVICES, name), "Start", Value::Number(start))
    }

    #[test]
    fn ports_of_the_kernel_belong_to_whoever_says_so() {
        let registry = [
            "LanmanServer",
            "LanmanWorkstation",
            "WinRM",
            "W3SVC",
            "adfssrv",
        ]
        .into_iter()
        .fold(WrittenRegistry::default(), |made, name| {
            with_service(made, name, 2)
        });
        let wsman = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener\*+HTTP";
        let bound =
            r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslBindingInfo\0.0.0.0:443";
        let adfs = vec![
            0x0c, 0xa2, 0x89, 0x5d, 0xab, 0xbe, 0x89, 0x43, 0x94, 0x47, 0x32, 0x47, 0x88, 0xeb,
            0x94, 0x4a,
        ];
        let registry = registry.with(wsman, "Port", Value::Number(5985)).with(
            bound,
            "AppId",
            Value::Bytes(adfs),
        );
        let kernel = kernel(&registry);
        assert_eq!(kernel.serves(445), Some("LanmanServer.service"));
        assert_eq!(kernel.serves(5985), Some("WinRM.service"));
        assert_eq!(kernel.serves(80), Some("W3SVC.service"));
        assert_eq!(kernel.serves(8443), Some("W3SVC.service"));
        assert_eq!(kernel.serves(443), Some("adfssrv.service"));
        assert_eq!(kernel.calls(445), Some("LanmanWorkstation.service"));
        for other in [21, 808, 2049, 8080] {
            assert_eq!(kernel.serves(other), None, "{other}");
        }
    }

    #[test]
    fn a_service_that_is_switched_off_or_not_there_serves_nothing() {
        let registry = with_service(WrittenRegistry::default(), "W3SVC", 4);
        let kernel = kernel(&registry);
        for port in [80, 445, 8443, 47001] {
            assert_eq!(kernel.serves(port), None, "{port}");
        }
    }

    #[test]
    fn no_configuration_makes_it_panic() {
        groma_fuzz::hammer(2000, &[SITES.as_bytes()], |bytes| {
            bindings(bytes);
        });
    }
}
