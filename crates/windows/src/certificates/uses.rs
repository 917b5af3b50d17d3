//! Which services present which certificate: HTTP.sys, Remote Desktop, WinRM, SQL Server, the directory.

use groma_model::fact::{CertificateRole, CertificateUse, Component, ComponentClass};
use groma_model::{Fact, Reason};

use super::stores::{By, Entry, thumbprint};
use crate::{Key, Machine, Part, Value, base_name, joined};

/// Settings of one sort that are read.
const SETTINGS_MAX: usize = 1_000;

const HTTP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters";
const DESKTOP: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations";
const REMOTING: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener";
const SQL_SERVER: &str = r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server";

/// Programs that let HTTP.sys listen for them, by the id they register with (`netsh http show sslcert`), and their service.
const PROGRAMS: &[(&str, &str)] = &[
    ("4dc3e181-e14b-4a21-b022-59fc669b0914", "W3SVC"),
    ("214124cd-d05b-4309-9af9-9caa44b2b74a", "W3SVC"),
    ("5d89a20c-beab-4389-9447-324788eb944a", "adfssrv"),
    ("f955c070-e044-456c-ac00-e9e4275b3f04", "appproxysvc"),
    ("afebb9ad-9b97-4a91-9ab5-daf4d59122f6", "WinRM"),
    ("ba195980-cd49-458b-9e23-c84ee0adcd75", "SstpSvc"),
];

/// Everything that is set up.
pub(super) fn all(machine: &Machine<'_>, found: &[Entry], part: &mut Part) {
    let mut reading = Reading {
        machine,
        found,
        part,
    };
    reading.http("SslBindingInfo");
    reading.http("SslSniBindingInfo");
    reading.desktop();
    reading.remoting();
    reading.sql_server();
    reading.directory();
}

struct Reading<'a, 'm> {
    machine: &'a Machine<'m>,
    found: &'a [Entry],
    part: &'a mut Part,
}

/// A setting that names a certificate.
struct Setting<'s> {
    path: &'s str,
    key: &'s str,
    thumbprint: String,
    store: &'s str,
    unit: &'s str,
}

impl Reading<'_, '_> {
    fn key(&mut self, path: &str) -> Option<Key> {
        let key = self.machine.registry.key(path);
        self.part.or_missed(&format!("settings in {path}"), key)
    }

    fn below(&mut self, path: &str) -> Vec<(String, Key)> {
        let names = self.key(path).map(|key| key.keys).unwrap_or_default();
        if names.len() > SETTINGS_MAX {
            let more = names.len() - SETTINGS_MAX;
            let what = format!("{more} more settings in {path}");
            self.part.missed(what, Reason::TooLarge);
        }
        let paths = names
            .into_iter()
            .take(SETTINGS_MAX)
            .map(|name| joined(path, &name));
        let paths: Vec<String> = paths.collect();
        let read = paths
            .into_iter()
            .filter_map(|path| Some((path.clone(), self.key(&path)?)));
        read.collect()
    }

    fn http(&mut self, folder: &str) {
        for (path, key) in self.below(&joined(HTTP, folder)) {
            let Some(thumbprint) = key.value("SslCertHash").and_then(hash) else {
                continue;
            };
            let id = key.value("AppId").map(id_of).unwrap_or_default();
            let known = PROGRAMS.iter().find(|(known, _)| *known == id);
            self.say(&Setting {
                path: &path,
                key: "SslCertHash",
                thumbprint,
                store: key.text("SslCertStoreName").unwrap_or("MY"),
                unit: known.map_or("HTTP", |(_, unit)| *unit),
            });
        }
    }

    /// A certificate somebody chose; the one every machine makes for itself is nobody's.
    fn desktop(&mut self) {
        for (path, key) in self.below(DESKTOP) {
            if let Some(thumbprint) = key.value("SSLCertificateSHA1Hash").and_then(hash) {
                let is_own = |e: &Entry| e.thumbprint == thumbprint && super::words::is_noise(e);
                if self.found.iter().any(is_own) {
                    continue;
                }
                self.say(&Setting {
                    path: &path,
                    key: "SSLCertificateSHA1Hash",
                    thumbprint,
                    store: "MY",
                    unit: "TermService",
                });
            }
        }
    }

    fn remoting(&mut self) {
        for (path, key) in self.below(REMOTING) {
            if let Some(thumbprint) = key.value("certThumbprint").and_then(hash) {
                self.say(&Setting {
                    path: &path,
                    key: "certThumbprint",
                    thumbprint,
                    store: "MY",
                    unit: "WinRM",
                });
            }
        }
    }

    fn sql_server(&mut self) {
        let names = self.key(&format!(r"{SQL_SERVER}\Instance Names\SQL"));
        for (instance, id) in names.unwrap_or_default().values.iter().take(SETTINGS_MAX) {
            let Some(id) = id.text() else {
                continue;
            };
            let path = format!(r"{SQL_SERVER}\{id}\MSSQLServer\SuperSocketNetLib");
            let key = self.key(&path).unwrap_or_default();
            let unit = match instance.eq_ignore_ascii_case("MSSQLSERVER") {
                true => "MSSQLSERVER".to_owned(),
                false => format!("MSSQL${instance}"),
            };
            if let Some(thumbprint) = key.value("Certificate").and_then(hash) {
                self.say(&Setting {
                    path: &path,
                    key: "Certificate",
                    thumbprint,
                    store: "MY",
                    unit: &unit,
                });
            }
        }
    }

    /// The directory presents what stands in the store of its service, where something does.
    fn directory(&mut self) {
        let part = r"\Cryptography\Services\NTDS\";
        let is_its = |e: &&Entry| {
            let path = e.path.to_string().to_lowercase();
            let row = path.starts_with(r"services\ntds\");
            e.by == By::Service
                && e.store.ends_with("MY")
                && e.has_key
                && (row || path.contains(&part.to_lowercase()))
        };
        for entry in self.found.iter().filter(is_its) {
            self.part.saw(Fact::CertificateUse(CertificateUse {
                sha256: entry.certificate.sha256.clone(),
                certificate_file: entry.path.clone(),
                role: CertificateRole::Presents,
                component: unit("NTDS"),
                file: entry.path.clone(),
                // A registry has no lines.
                line: 0,
                key: "Certificates".into(),
            }));
        }
    }

    fn say(&mut self, setting: &Setting<'_>) {
        let fits = |e: &&Entry| e.thumbprint == setting.thumbprint && e.by != By::Person;
        let here = |e: &&Entry| fits(e) && e.store.eq_ignore_ascii_case(setting.store);
        let all = || self.found.iter();
        let found = all().find(here).or_else(|| all().find(fits));
        let Some(entry) = found else {
            let what = format!(
                "the certificate {} that {} names for {}",
                setting.thumbprint,
                base_name(setting.path),
                setting.unit
            );
            let remedy = "it stands in no store of this machine: the setting is a leftover, or the service presents none";
            return self.part.missed_with(what, Reason::BrokenLink, remedy);
        };
        self.part.saw(Fact::CertificateUse(CertificateUse {
            sha256: entry.certificate.sha256.clone(),
            certificate_file: entry.path.clone(),
            role: CertificateRole::Presents,
            component: unit(setting.unit),
            file: setting.path.into(),
            // A registry has no lines.
            line: 0,
            key: setting.key.into(),
        }));
    }
}

/// The unit of a service.
fn unit(service: &str) -> Component {
    Component {
        class: ComponentClass::Unit,
        name: crate::host::units::unit_name(service).into(),
    }
}

/// A thumbprint: 20 bytes, or their digits. One of nothing but zeros is none.
fn hash(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bytes(bytes) if bytes.len() == 20 => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        value => thumbprint(value.text()?)?,
    };
    text.chars().any(|digit| digit != '0').then_some(text)
}

/// An id as text without braces, or as the bytes of a GUID (the first three parts little-endian, [MS-DTYP] 2.3.4.2).
fn id_of(value: &Value) -> String {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.as_slice(),
        value => {
            let text = value.text().unwrap_or_default();
            return text.trim_matches(['{', '}', ' ']).to_ascii_lowercase();
        }
    };
    let Some([a, b, c, d, e, f, g, h, rest @ ..]) = bytes.first_chunk::<16>() else {
        return String::new();
    };
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let (high, low) = rest.split_at(2);
    let first = [hex(&[*d, *c, *b, *a]), hex(&[*f, *e]), hex(&[*h, *g])];
    format!("{}-{}-{}", first.join("-"), hex(high), hex(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_thumbprints_are_read_in_both_forms() {
        let iis = [
            0x81, 0xe1, 0xc3, 0x4d, 0x4b, 0xe1, 0x21, 0x4a, 0xb0, 0x22, 0x59, 0xfc, 0x66, 0x9b,
            0x09, 0x14,
        ];
        let text = Value::Text("{4DC3E181-E14B-4a21-b022-59fc669b0914}".into());
        assert_eq!(id_of(&Value::Bytes(iis.to_vec())), PROGRAMS[0].0);
        assert_eq!(id_of(&text), PROGRAMS[0].0);
        assert_eq!(id_of(&Value::Bytes(vec![1; 3])), "");
        assert_eq!(hash(&Value::Bytes(vec![0; 20])), None);
        assert_eq!(hash(&Value::Text("no thumbprint".into())), None);
        // A sign that nobody sees is copied along from the console.
        let copied = Value::Text(format!("\u{200e}{}", "ab".repeat(20)));
        assert_eq!(hash(&copied), Some("ab".repeat(20)));
    }
}
