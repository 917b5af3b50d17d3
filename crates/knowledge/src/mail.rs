//! What is asked about the mail of a domain: selectors, services, hosts with settings.

use std::sync::LazyLock;

use serde::Deserialize;

/// Labels that are put before a domain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailNames {
    #[serde(rename = "version")]
    _version: u32,
    /// DKIM selectors by habit: `SELECTOR._domainkey.DOMAIN`.
    pub selectors: Vec<String>,
    /// Services of mail with SRV records: `SERVICE.DOMAIN`.
    pub services: Vec<String>,
    /// Services of a directory with SRV records.
    pub directory: Vec<String>,
    /// Services of calls and chat with SRV records.
    pub calls: Vec<String>,
    /// Hosts with settings for mail programs: `HOST.DOMAIN`.
    pub settings: Vec<String>,
}

/// The names of `data/mail.toml`.
pub static MAIL_NAMES: LazyLock<MailNames> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/mail.toml"))
        .expect("data/mail.toml is compiled in and a test parses it")
});

#[cfg(test)]
mod tests {
    use groma_model::HostName;

    use super::MAIL_NAMES;

    #[test]
    fn every_label_makes_a_name() {
        let names = &*MAIL_NAMES;
        let services = || {
            names
                .services
                .iter()
                .chain(&names.directory)
                .chain(&names.calls)
        };
        for label in names
            .selectors
            .iter()
            .chain(services())
            .chain(&names.settings)
        {
            assert!(
                HostName::parse(&format!("{label}.example.org")).is_some(),
                "{label}"
            );
        }
        let is_service = |label: &&str| matches!(*label, "_tcp" | "_udp" | "_tls");
        for service in services() {
            let mut labels = service.split('.');
            assert!(labels.next().is_some_and(|l| l.starts_with('_')));
            assert!(labels.next().filter(is_service).is_some(), "{service}");
        }
    }
}
