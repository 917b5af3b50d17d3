//! What a server says of itself before anything else is asked: its root entry (RFC 4512 §5.1).

use groma_model::fact::DirectoryObject;

use crate::access::{Directory, Way};
use crate::entry::{Entry, domain_of};
use crate::learnt::{Learnt, Says};

pub(crate) const ATTRIBUTES: &[&str] = &[
    "namingContexts",
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "rootDomainNamingContext",
    "dnsHostName",
    "supportedControl",
    "supportedCapabilities",
    "supportedSASLMechanisms",
    "vendorName",
    "vendorVersion",
    "objectClass",
    "structuralObjectClass",
    "domainControllerFunctionality",
    "domainFunctionality",
    "forestFunctionality",
];

const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
const GLOBAL_CATALOGUE: &str = "1.2.840.113556.1.4.1920";

/// Which family of servers it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    ActiveDirectory,
    OpenLdap,
    Project389,
    Other,
}

/// A root entry, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Root {
    pub(crate) family: Family,
    /// Name and version of the product, as far as it tells them.
    pub(crate) product: String,
    pub(crate) version: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) configuration: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) contexts: Vec<String>,
    /// All naming contexts, lower case, whatever base was named.
    all: Vec<String>,
}

impl Root {
    /// Reads the root entry; `base` is what the operator named instead of what the server says.
    pub(crate) fn of(entry: &Entry, base: Option<&str>) -> Self {
        let capable = |oid: &str| entry.texts("supportedCapabilities").any(|c| c == oid);
        let vendor = entry.text("vendorName").unwrap_or_default();
        let version = entry.text("vendorVersion").unwrap_or_default();
        let family = match () {
            () if capable(ACTIVE_DIRECTORY) => Family::ActiveDirectory,
            () if entry.is("OpenLDAProotDSE")
                || entry
                    .text("structuralObjectClass")
                    .is_some_and(|c| c.eq_ignore_ascii_case("OpenLDAProotDSE")) =>
            {
                Family::OpenLdap
            }
            // FreeIPA and Red Hat's product are built on it, and say so in the same way.
            () if vendor.starts_with("389 ") || version.starts_with("389-Directory") => {
                Family::Project389
            }
            () => Family::Other,
        };
        let product = match (family, vendor.contains("Samba")) {
            (Family::ActiveDirectory, true) => "Samba AD".to_owned(),
            (Family::ActiveDirectory, false) => "Active Directory".to_owned(),
            (Family::OpenLdap, _) => "OpenLDAP".to_owned(),
            (Family::Project389, _) => "389 Directory Server".to_owned(),
            (Family::Other, _) if vendor.is_empty() => {
                "a directory that does not say what it is".to_owned()
            }
            (Family::Other, _) => vendor,
        };
        let mut contexts: Vec<String> = entry.texts("namingContexts").collect();
        let all = contexts.iter().map(|c| c.to_lowercase()).collect();
        if let Some(base) = base {
            contexts = vec![base.to_owned()];
        }
        Self {
            family,
            product,
            version: entry.text("vendorVersion"),
            domain: base
                .map(str::to_owned)
                .or_else(|| entry.text("defaultNamingContext")),
            configuration: entry.text("configurationNamingContext"),
            schema: entry.text("schemaNamingContext"),
            contexts,
            all,
        }
    }

    /// Naming contexts that begin like this.
    pub(crate) fn zones(&self, begin: &str) -> Vec<String> {
        let alike = |context: &&String| {
            context
                .get(..begin.len())
                .is_some_and(|c| c.eq_ignore_ascii_case(begin))
        };
        self.contexts.iter().filter(alike).cloned().collect()
    }

    /// True for a reference to a naming context that this server keeps itself, and is asked for: a domain refers to its
    /// own configuration and zones in every answer.
    pub(crate) fn keeps(&self, url: &str) -> bool {
        let dn = url
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split_once('/'));
        let dn = dn.map(|(_, dn)| {
            dn.split('?')
                .next()
                .unwrap_or(dn)
                .replace("%20", " ")
                .to_lowercase()
        });
        dn.is_some_and(|dn| self.all.contains(&dn))
    }

    /// What the directory is called: its DNS domain, else its first naming context.
    pub(crate) fn directory(&self) -> String {
        let name = self.domain.as_ref().or_else(|| self.contexts.first());
        name.map_or_else(|| "a directory without a name".to_owned(), |n| domain_of(n))
    }
}

/// The server that was asked, and the directory it serves.
pub(crate) fn tell(entry: &Entry, root: &Root, directory: &Directory, learnt: &mut Learnt) {
    let blank = |class: &str| DirectoryObject {
        dn: "".into(),
        ..learnt.described(class, entry, &[])
    };
    let mut server = blank("server");
    server.name = directory.label().into();
    server.host = Some(directory.peer.clone());
    server.says("product", [root.product.clone()]);
    server.says("version", root.version.clone());
    server.says("dnsHostName", entry.text("dnsHostName"));
    server.says(
        "supportedSASLMechanisms",
        entry.texts("supportedSASLMechanisms"),
    );
    let protection = match directory.way {
        Way::Tls => "TLS",
        Way::StartTls => "STARTTLS",
        Way::Open => "none",
        Way::Local(_) => "local socket",
    };
    server.says("asked-over", [protection.to_owned()]);
    if entry
        .texts("supportedCapabilities")
        .any(|c| c == GLOBAL_CATALOGUE)
    {
        server.says("capabilities", ["partial copy of the forest".to_owned()]);
    }
    let mut whole = blank("directory");
    whole.name = learnt.directory.as_str().into();
    whole.dn = root.domain.clone().unwrap_or_default().into();
    whole.says("product", [root.product.clone()]);
    whole.says("namingContexts", root.contexts.iter().cloned());
    for level in ["domainFunctionality", "forestFunctionality"] {
        whole.says(level, entry.text(level));
    }
    learnt.object(server);
    learnt.object(whole);
}
