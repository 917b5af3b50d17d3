//! Software that stands between this machine and a card, a token or a hardware module: minidrivers of smart cards, providers
//! of cryptography (CryptoAPI and CNG) that are not Windows' own.

use std::collections::BTreeMap;

use groma_model::fact::Attachment;

use super::blank;
use crate::{Machine, Part, base_name};

const CARDS: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\Cryptography\Calais\SmartCards",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Calais\SmartCards",
];
const PROVIDERS: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Defaults\Provider",
];
const NEW_PROVIDERS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Cryptography\Providers";
const ENTRIES_MAX: usize = 1_000;

/// Libraries that versions of Windows bring themselves.
const OWN: &[&str] = &[
    "rsaenh.dll",
    "rsabase.dll",
    "dssenh.dll",
    "dssbase.dll",
    "basecsp.dll",
    "scksp.dll",
    "pcpksp.dll",
    "ngcksp.dll",
    "ncryptprov.dll",
    "ncryptsslp.dll",
    "bcryptprimitives.dll",
    "msclmd.dll",
    "axaltocm.dll",
    "ifxcardm.dll",
    "gpkcsp.dll",
    "slbcsp.dll",
    "sccbase.dll",
];
/// Words in the names of providers whose programs sign documents by themselves.
const SIGNING: &[&str] = &[
    "crypto-pro",
    "cryptopro",
    "vipnet",
    "infotecs",
    "signal-com",
    "lissi",
];

/// All such software, each library once.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part, found: &mut Vec<Attachment>) {
    let mut libraries: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |name: &str, library: Option<&str>| {
        let Some(library) = library.map(base_name).map(str::to_lowercase) else {
            return;
        };
        let own = OWN.contains(&library.as_str()) || name.to_lowercase().starts_with("microsoft ");
        if !own && !library.is_empty() {
            libraries.entry(library).or_insert_with(|| name.to_owned());
        }
    };
    let mut each = |place: &str, below: &str, value: &str| {
        let list = part.or_missed(place, machine.registry.key(place));
        for name in list.unwrap_or_default().keys.into_iter().take(ENTRIES_MAX) {
            let key = machine.registry.key(&format!(r"{place}\{name}{below}"));
            add(&name, key.ok().flatten().unwrap_or_default().text(value));
        }
    };
    PROVIDERS
        .iter()
        .for_each(|place| each(place, "", "Image Path"));
    each(NEW_PROVIDERS, r"\UM", "Image");
    CARDS.iter().for_each(|place| each(place, "", "80000001"));
    for (library, name) in libraries {
        let lower = name.to_lowercase();
        let signs = SIGNING.iter().any(|word| lower.contains(word));
        let role = if signs {
            "signing-client"
        } else {
            "smart-card-middleware"
        };
        found.push(Attachment {
            product: Some(name),
            known_as: Some(library.into()),
            ..blank("software", role)
        });
    }
}
