//! Services in which a domain's mail may be kept, filtered or sent, by what the name system shows of them.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    tenant: Vec<MailTenant>,
}

/// One service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailTenant {
    /// Its name, as its maker writes it.
    pub name: String,
    /// Where the maker says so.
    #[serde(rename = "source")]
    _source: String,
    /// Ends of the names of machines that take mail (MX).
    takes: Vec<String>,
    /// Names that SPF records include.
    sends: Vec<String>,
    /// Names at which mail programs find their settings.
    settings: Vec<String>,
    /// How to learn what no host of the estate can tell.
    pub ask: String,
}

impl MailTenant {
    /// True if the machine `name` takes mail there. Any letter case.
    pub fn takes(&self, name: &str) -> bool {
        self.takes.iter().any(|end| is_within(name, end))
    }

    /// True if an SPF record that includes `name` lets this service send.
    pub fn sends(&self, name: &str) -> bool {
        self.sends
            .iter()
            .any(|sender| name.eq_ignore_ascii_case(sender))
    }

    /// True if mail programs that find `name` go there for their settings.
    pub fn has_settings_at(&self, name: &str) -> bool {
        self.settings.iter().any(|end| is_within(name, end))
    }
}

/// True for `end` and all below it, label by label.
fn is_within(name: &str, end: &str) -> bool {
    let Some(at) = name.len().checked_sub(end.len()) else {
        return false;
    };
    let is_end = name
        .get(at..)
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end));
    is_end
        && name
            .get(..at)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The services of `data/mail_tenants.toml`.
pub static MAIL_TENANTS: LazyLock<Vec<MailTenant>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/mail_tenants.toml"))
        .expect("data/mail_tenants.toml is compiled in and a test parses it");
    file.tenant
});

#[cfg(test)]
mod tests {
    use super::*;

    fn of(is: impl Fn(&MailTenant) -> bool) -> Vec<&'static str> {
        let all = MAIL_TENANTS.iter().filter(|tenant| is(tenant));
        all.map(|tenant| tenant.name.as_str()).collect()
    }

    #[test]
    fn a_service_is_known_by_whole_labels() {
        let takes = |name: &str| of(|tenant| tenant.takes(name));
        assert_eq!(
            takes("corp-example.mail.protection.outlook.com"),
            ["Microsoft 365"]
        );
        assert_eq!(takes("ASPMX.L.GOOGLE.COM"), ["Google Workspace"]);
        assert_eq!(takes("alt1.aspmx.l.google.com"), ["Google Workspace"]);
        assert_eq!(takes("mail1.corp.example"), [""; 0]);
        assert_eq!(takes("notzoho.com"), [""; 0]);
        assert_eq!(takes("mail.google.com"), [""; 0]);
    }

    #[test]
    fn who_is_included_sends_and_nobody_else() {
        assert_eq!(
            of(|t| t.sends("spf.protection.outlook.com")),
            ["Microsoft 365"]
        );
        assert_eq!(of(|t| t.sends("outlook.com")), [""; 0]);
        assert_eq!(
            of(|t| t.has_settings_at("autodiscover.outlook.com")),
            ["Microsoft 365"]
        );
        assert_eq!(
            of(|t| t.has_settings_at("autodiscover.corp.example")),
            [""; 0]
        );
    }

    #[test]
    fn every_service_can_be_known_and_says_what_to_do() {
        for tenant in MAIL_TENANTS.iter() {
            assert!(!tenant.takes.is_empty() || !tenant.sends.is_empty());
            assert!(tenant.ask.len() > 20, "{}", tenant.name);
        }
    }
}
