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
    /// Services with SRV records: `SERVICE.DOMAIN`.
    pub services: Vec<String>,
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
        for label in names
            .selectors
            .iter()
            .chain(&names.services)
            .chain(&names.settings)
        {
            assert!(
                HostName::parse(&format!("{label}.example.org")).is_some(),
                "{label}"
            );
        }
        assert!(
            names
                .services
                .iter()
                .all(|s| s.starts_with('_') && s.ends_with("._tcp"))
        );
    }
}
