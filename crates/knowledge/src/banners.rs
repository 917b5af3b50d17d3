//! What servers say of themselves to whoever comes: from a greeting to a product and its version.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

/// How a product shows itself in the words of one protocol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pattern: String,
    product: String,
    #[serde(default)]
    system: Option<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever edits the file; a test asks for it")
    )]
    says: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    protocol: String,
    product: Vec<Written>,
}

struct Rule {
    protocol: String,
    pattern: Regex,
    written: Written,
}

/// A product a server named.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    /// The product, as its maker calls it.
    pub product: String,
    /// Its version, where the words hold it.
    pub version: Option<String>,
    /// The system it runs on, where the words hold it.
    pub system: Option<String>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../banners/", $name, ".toml")))),*] };
}

const FILES: &[(&str, &str)] = files![
    "database", "dns", "ftp", "http", "imap", "ldap", "other", "pop3", "smtp", "ssh"
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let file = |(name, text): &(&str, &str)| {
        let file: File = toml::from_str(text).unwrap_or_else(|e| {
            panic!("banners/{name}.toml is compiled in and a test parses it: {e}")
        });
        let protocol = file.protocol;
        file.product.into_iter().map(move |written| Rule {
            protocol: protocol.clone(),
            pattern: Regex::new(&written.pattern).expect("a pattern that a test compiles"),
            written,
        })
    };
    FILES.iter().flat_map(file).collect()
});

/// The product that `words` of a server name, in the language of `protocol`; the first rule that fits counts. `words` is
/// what the server said, as text: a greeting, the `Server` field of HTTP, a vendor's name. A rule of the protocol
/// `other` fits every protocol.
pub fn product_named(protocol: &str, words: &str) -> Option<Named> {
    let of = |rule: &&Rule| rule.protocol == protocol || rule.protocol == "other";
    RULES.iter().filter(of).find_map(|rule| rule.named(words))
}

impl Rule {
    fn named(&self, words: &str) -> Option<Named> {
        let found = self.pattern.captures(words)?;
        let group = |name| {
            let text = found.name(name)?.as_str().trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Some(Named {
            product: self.written.product.clone(),
            version: group("version"),
            system: self.written.system.clone().or_else(|| group("system")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_knows_its_own_example_and_begins_where_the_words_begin() {
        for rule in RULES.iter() {
            let written = &rule.written;
            assert!(!written.says.is_empty(), "{}: no example", written.product);
            let named = product_named(&rule.protocol, &written.says);
            let product = named.map(|n| n.product);
            assert_eq!(
                product.as_deref(),
                Some(written.product.as_str()),
                "{}",
                written.says
            );
        }
    }

    #[test]
    fn no_example_is_another_products() {
        for rule in RULES.iter() {
            let fits = RULES
                .iter()
                .filter(|other| other.protocol == rule.protocol)
                .filter(|other| other.pattern.is_match(&rule.written.says));
            let products: std::collections::BTreeSet<_> =
                fits.map(|other| other.written.product.as_str()).collect();
            assert!(
                products.len() == 1,
                "{} fits {products:?}",
                rule.written.says
            );
        }
    }

    #[test]
    fn words_of_nobody_name_nobody() {
        for words in ["", "220 mail.corp.example ESMTP ready", "SSH-2.0-x", "HTTP"] {
            for protocol in ["smtp", "ssh", "http", "ftp", "imap", "pop3", "ldap"] {
                assert_eq!(product_named(protocol, words), None, "{protocol} {words}");
            }
        }
    }
}
