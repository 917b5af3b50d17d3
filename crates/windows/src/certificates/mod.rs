//! `certificates.stores`: certificates that Windows keeps, whom it trusts, and which services present one.

mod blob;
mod stores;
#[cfg(test)]
mod tests;
mod uses;
mod words;

use std::collections::BTreeSet;

use groma_model::Fact;
use groma_model::fact::{CertificatePlace, CertificateSighting};

use crate::{Area, Machine, Part, Said};

pub(crate) const AREA: Area = Area {
    name: "certificates.stores",
    purpose: "Finds the certificates of this machine's stores and the services that present them, before one is forgotten in a move.",
    reads: &[
        r"HKLM\SOFTWARE\Microsoft\SystemCertificates, EnterpriseCertificates, Cryptography\Services, HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates: the value Blob",
        r"the same keys of people (HKU), and AppData\Roaming\Microsoft\SystemCertificates\My\Certificates of their profiles",
        r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslBindingInfo, SslSniBindingInfo; RDP-Tcp; WSMAN\Listener; SuperSocketNetLib of SQL Server: which certificate is presented",
    ],
    never_sends: &[
        "private keys: none is opened; the store says whether there is one",
        "authorities that the vendor ships or fetches",
    ],
    read: certificates,
};

fn certificates(machine: &Machine<'_>) -> Vec<Said> {
    let mut part = Part::begin("certificates", "stores");
    let found = stores::all(machine, &mut part);
    for entry in told(&found) {
        part.saw(Fact::Certificate(CertificateSighting {
            certificate: entry.certificate.clone(),
            place: CertificatePlace::File {
                path: entry.path.clone(),
                position: 0,
            },
            key_present: entry.has_key,
            key: None,
            trust: words::trust(entry).map(str::to_owned),
        }));
    }
    let mut settings = Part::begin("certificate-use", "windows");
    uses::all(machine, &found, &mut settings);
    vec![part.close(), settings.close()]
}

/// Those that say something.
fn told(found: &[stores::Entry]) -> Vec<&stores::Entry> {
    let shipped: BTreeSet<&str> = found
        .iter()
        .filter(|entry| words::is_vendors(entry))
        .map(|entry| entry.certificate.sha256.as_str())
        .collect();
    let is_copy = |entry: &stores::Entry| {
        words::holds_authorities(entry) && shipped.contains(entry.certificate.sha256.as_str())
    };
    let is_own = |entry: &&stores::Entry| {
        !words::is_noise(entry) && !words::is_vendors(entry) && !is_copy(entry)
    };
    let own: Vec<&stores::Entry> = found.iter().filter(is_own).collect();
    // Authorities that were met on the way stand beside those somebody put there: the latter lead to an authority of the house.
    let houses: BTreeSet<&str> = own
        .iter()
        .filter(|entry| words::is_anchor(entry))
        .map(|entry| entry.certificate.subject.as_str())
        .collect();
    let is_of_house = |entry: &stores::Entry| houses.contains(entry.certificate.issuer.as_str());
    let says = |entry: &&stores::Entry| !words::is_passing(entry) || is_of_house(entry);
    own.into_iter().filter(says).collect()
}
