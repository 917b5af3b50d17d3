//! Which stores there are, and what stands in them.

use groma_model::fact::Certificate;
use groma_model::{Foreign, Reason};

use super::blob;
use crate::files::Kind;
use crate::{Machine, Part, base_name, joined};

/// Stores and certificates that are looked at.
const STORES_MAX: usize = 2_000;
const CERTIFICATES_MAX: usize = 20_000;
/// Bytes of a certificate's file, and files of a folder.
const FILE_BYTES_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 2_000;

/// Who filled a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum By {
    /// The machine, its vendor, and whoever works on it.
    Machine,
    /// A policy, or the directory.
    Policy,
    /// A service has it for its own.
    Service,
    /// A person has it for their own.
    Person,
}

/// A certificate in a store.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) by: By,
    /// Name of the store, upper case, as `MY`.
    pub(super) store: String,
    /// Where it stands: the key of the registry, or the file.
    pub(super) path: Foreign,
    /// SHA-1 of its DER bytes, lower-case hex: the name Windows knows it by.
    pub(super) thumbprint: String,
    pub(super) has_key: bool,
    pub(super) certificate: Certificate,
}

const SYSTEM: &str = r"HKLM\SOFTWARE\Microsoft\SystemCertificates";
const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates";
const ENTERPRISE: &str = r"HKLM\SOFTWARE\Microsoft\EnterpriseCertificates";
const SERVICES: &str = r"HKLM\SOFTWARE\Microsoft\Cryptography\Services";

/// Everything that stands in a store.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part) -> Vec<Entry> {
    let mut reading = Reading {
        machine,
        part,
        found: Vec::new(),
        stores: 0,
    };
    for (root, by) in [
        (SYSTEM, By::Machine),
        (POLICY, By::Policy),
        (ENTERPRISE, By::Policy),
    ] {
        reading.stores_of(root, by);
    }
    for service in reading.keys(SERVICES) {
        let root = format!(r"{SERVICES}\{service}\SystemCertificates");
        reading.stores_of(&root, By::Service);
    }
    for sid in machine.people(reading.part) {
        for (root, by) in [
            (r"Software\Microsoft\SystemCertificates", By::Person),
            (
                r"Software\Policies\Microsoft\SystemCertificates",
                By::Policy,
            ),
        ] {
            reading.stores_of(&format!(r"HKU\{sid}\{root}"), by);
        }
        reading.files_of(&sid);
    }
    reading.rows();
    reading.found
}

struct Reading<'a, 'm> {
    machine: &'a Machine<'m>,
    part: &'a mut Part,
    found: Vec<Entry>,
    stores: usize,
}

impl Reading<'_, '_> {
    fn keys(&mut self, path: &str) -> Vec<String> {
        let key = self.machine.registry.key(path);
        let key = self
            .part
            .or_missed(&format!("certificate stores in {path}"), key);
        key.map(|key| key.keys).unwrap_or_default()
    }

    fn stores_of(&mut self, root: &str, by: By) {
        for store in self.keys(root) {
            self.stores += 1;
            if self.stores > STORES_MAX || self.found.len() >= CERTIFICATES_MAX {
                let what = format!("certificate stores in {root} and after");
                return self.part.missed(what, Reason::TooLarge);
            }
            if !is_left_out(&store, by) {
                self.store(&format!(r"{root}\{store}\Certificates"), &store, by);
            }
        }
    }

    fn store(&mut self, path: &str, store: &str, by: By) {
        for thumbprint in self.keys(path) {
            let place = format!(r"{path}\{thumbprint}");
            let key = self.machine.registry.key(&place);
            let key = self.part.or_missed(&format!("certificate {place}"), key);
            if let Some(bytes) = key.as_ref().and_then(|key| key.bytes("Blob")) {
                self.take(bytes, &place, store, by);
            }
        }
    }

    /// Certificates a person enrolled for stand in their profile, as files.
    fn files_of(&mut self, sid: &str) {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
        let key = self.machine.registry.key(&joined(list, sid));
        let key = key.ok().flatten().unwrap_or_default();
        let Some(profile) = key.text("ProfileImagePath") else {
            return;
        };
        let profile = self.machine.expand().text(profile);
        // A profile on another machine is not entered.
        if profile.starts_with(r"\\") {
            return;
        }
        let folder = r"AppData\Roaming\Microsoft\SystemCertificates\My\Certificates";
        let folder = joined(&profile, folder);
        let files = match self.machine.files.list(&folder, FILES_MAX) {
            Ok(files) => files,
            Err(reason) => {
                return self
                    .part
                    .missed(format!("certificates in {folder}"), reason);
            }
        };
        for file in files.iter().filter(|file| file.kind == Kind::File) {
            match self.machine.files.read(&file.path, FILE_BYTES_MAX) {
                Ok(Some(bytes)) => self.take(&bytes, &file.path, "MY", By::Person),
                Ok(None) => {}
                Err(reason) => self
                    .part
                    .missed(format!("certificate {}", file.path), reason),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], place: &str, store: &str, by: By) {
        let stored = match blob::stored(bytes) {
            Ok(Some(stored)) => stored,
            Ok(None) => return,
            Err(reason) => return self.part.missed(format!("certificate {place}"), reason),
        };
        let Some(certificate) = (self.machine.certificate)(stored.der) else {
            let what = format!("certificate {place}");
            return self.part.missed(what, Reason::Malformed);
        };
        let named = thumbprint(base_name(place)).or_else(|| certificate.sha1.clone());
        self.found.push(Entry {
            by,
            store: store.to_uppercase(),
            path: place.into(),
            thumbprint: named.unwrap_or_default(),
            has_key: stored.has_key,
            certificate,
        });
    }

    /// Those that a table of the system adds: of stores that stand in no key.
    fn rows(&mut self) {
        if let Some(reason) = self.machine.rows.missing("certificates") {
            self.part
                .missed("certificates outside the registry", reason.clone());
        }
        for row in self.machine.rows.certificates.iter().take(CERTIFICATES_MAX) {
            let (owner, store) = row.store.rsplit_once('\\').unwrap_or(("", &row.store));
            let owner = owner.to_ascii_lowercase();
            let by = match owner.as_str() {
                "currentuser" => By::Person,
                owner if owner.starts_with("services") => By::Service,
                owner if owner.contains("policy") || owner.contains("enterprise") => By::Policy,
                _ => By::Machine,
            };
            let Some(certificate) = (self.machine.certificate)(&row.der) else {
                let what = format!("a certificate of the store {}", row.store);
                self.part.missed(what, Reason::Malformed);
                continue;
            };
            let store = store.to_uppercase();
            let same = |e: &Entry| {
                e.store == store && e.by == by && e.certificate.sha256 == certificate.sha256
            };
            if is_left_out(&store, by) || self.found.iter().any(same) {
                continue;
            }
            let thumbprint = certificate.sha1.clone().unwrap_or_default();
            let shown = match thumbprint.is_empty() {
                true => certificate.sha256.clone(),
                false => thumbprint.to_uppercase(),
            };
            self.found.push(Entry {
                by,
                store,
                path: joined(&row.store, &shown).into(),
                thumbprint,
                has_key: row.has_key,
                certificate,
            });
        }
    }
}

/// The lower-case thumbprint that a key is named by, or that a value holds: 40 digits, with blanks and signs people copy along.
pub(super) fn thumbprint(text: &str) -> Option<String> {
    let digits = text.chars().filter(|c| c.is_ascii_hexdigit());
    let digits: String = digits.collect::<String>().to_ascii_lowercase();
    let others = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() && !c.is_ascii_hexdigit());
    (digits.len() == 40 && others.count() == 0).then_some(digits)
}

/// Stores of the vendor that nobody fills: what the system makes for itself, requests that wait, and stores of
/// single features.
const VENDORS: &[&str] = &[
    "REQUEST",
    "TRUST",
    "AAD TOKEN ISSUER",
    "FLIGHTROOT",
    "TESTSIGNROOT",
    "ESIM CERTIFICATION AUTHORITIES",
    "HOMEGROUP MACHINE CERTIFICATES",
    "WINDOWS LIVE ID TOKEN ISSUER",
    "LOCAL NONREMOVABLE CERTIFICATES",
    "MSIEHISTORYJOURNAL",
    "ACRS",
    "USERDS",
    "ADDRESSBOOK",
    "TRUSTEDDEVICES",
    "REMOTE DESKTOP SESSION",
    "WINDOWSSERVERUPDATESERVICES",
];

/// True for a store that nobody misses: the vendor's own, and what a person's programs fetched by themselves.
fn is_left_out(store: &str, by: By) -> bool {
    let store = store.to_uppercase();
    match by {
        By::Policy | By::Service => false,
        By::Machine => VENDORS.contains(&store.as_str()) || store == "TRUSTEDPUBLISHER",
        // Authorities of a person's store are those that were met on the way; what they added themselves stands in Root.
        By::Person => !matches!(
            store.as_str(),
            "MY" | "ROOT" | "TRUSTEDPEOPLE" | "DISALLOWED"
        ),
    }
}
