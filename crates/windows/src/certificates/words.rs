//! What a certificate in a store means: whom it makes the machine trust, or nothing.

use super::stores::{By, Entry};

/// Shorter lives are of devices and sessions that renew them by themselves, in seconds.
const LIFE_SECONDS_MIN: u64 = 3 * 86_400;

/// Parts of names of those who ship authorities with Windows, lower case ("Required trusted root certificates", Microsoft).
const SHIPPED: &[&str] = &[
    "o=microsoft corporation",
    "dc=microsoft",
    "ou=microsoft corporation",
    "cn=microsoft root",
    "cn=microsoft authenticode",
    "microsoft corp.",
    "cn=root agency",
    "cn=thawte timestamping ca",
    "no liability accepted",
    "liability ltd.",
    "cn=symantec enterprise mobile root for microsoft",
];

/// Parts of names of public authorities that were misused, lower case: what the vendor itself no longer trusts.
const MISUSED: &[&str] = &[
    "diginotar",
    "utn-userfirst",
    "digicert sdn. bhd.",
    "trktrust",
    "turktrust",
    "türktrust",
    "mcsholding",
    "cnnic",
    "o=india pki",
    "edellroot",
    "dsdtestprovider",
    "ou=ac dg tr",
];

/// Issuers of what devices and programs get by themselves and renew every day, lower case.
const PASSING: &[&str] = &[
    "cn=ms-organization-access",
    "cn=ms-organization-p2p-access",
    "cn=communications server",
    "cn=token signing public key",
];

/// What a person made of it: `added`, `distrusted`.
pub(super) fn trust(entry: &Entry) -> Option<&'static str> {
    match entry.store.as_str() {
        "ROOT" | "AUTHROOT" | "NTAUTH" | "SMARTCARDROOT" => Some("added"),
        "TRUSTEDPEOPLE" | "CLIENTAUTHISSUER" => Some("added"),
        "DISALLOWED" => Some("distrusted"),
        _ => None,
    }
}

/// True for an authority that the vendor ships in a store that people fill, too.
pub(super) fn is_vendors(entry: &Entry) -> bool {
    if entry.by == By::Policy || entry.has_key {
        return false;
    }
    let subject = entry.certificate.subject.to_lowercase();
    let issuer = entry.certificate.issuer.to_lowercase();
    let is_one = |parts: &[&str]| {
        parts
            .iter()
            .any(|part| subject.contains(part) || issuer.contains(part))
    };
    match entry.store.as_str() {
        "AUTHROOT" => true,
        "ROOT" | "CA" => is_one(SHIPPED),
        "DISALLOWED" => is_one(SHIPPED) || is_one(MISUSED),
        _ => false,
    }
}

/// True for a store of authorities, where a copy of what the vendor ships changes nothing.
pub(super) fn holds_authorities(entry: &Entry) -> bool {
    matches!(entry.store.as_str(), "ROOT" | "CA") && entry.by != By::Policy
}

/// True for what comes and goes without anybody's doing.
pub(super) fn is_noise(entry: &Entry) -> bool {
    let certificate = &entry.certificate;
    let issuer = certificate.issuer.to_lowercase();
    let life = certificate.not_after.since(certificate.not_before);
    // Every machine makes one for its own desktop and makes it anew.
    let is_desktops = entry.store == "REMOTE DESKTOP" && certificate.self_signed;
    let is_passing = PASSING.iter().any(|part| issuer.contains(part));
    is_desktops || is_passing || life.as_secs() < LIFE_SECONDS_MIN
}

/// True for an authority that others are checked by.
pub(super) fn is_anchor(entry: &Entry) -> bool {
    matches!(entry.store.as_str(), "ROOT" | "NTAUTH")
}

/// True for an intermediate authority that may only have been met on the way.
pub(super) fn is_passing(entry: &Entry) -> bool {
    entry.store == "CA" && entry.by != By::Policy && !entry.has_key
}
