//! Where programs are told which certificate to use. The table is `data/certificate_settings.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The settings of one program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    /// The product, as `nginx`.
    pub product: String,
    /// Units that read them, the first that is installed; `{1}` is what the first `*` of the file stood for.
    pub units: Vec<String>,
    /// Executables of the program, absolute.
    pub programs: Vec<String>,
    /// Files reading begins at; `*` stands for a part of a name.
    pub files: Vec<String>,
    /// Files in whose presence these are not read.
    #[serde(default)]
    pub unless: Vec<String>,
    /// How they are written.
    pub format: SettingsFormat,
    /// Signs that begin a comment.
    #[serde(default)]
    pub comments: String,
    /// True if a line that begins with a blank goes on from the one before.
    #[serde(default)]
    pub continued: bool,
    /// Directives that name further files.
    #[serde(default)]
    pub include: Vec<String>,
    /// What relative names begin at: `file`, `above`, `main` (beside the first file), or a path.
    #[serde(default)]
    pub base: Option<String>,
    /// A directive that says it.
    #[serde(default)]
    pub base_key: Option<String>,
    /// Sections that count; none means all.
    #[serde(default)]
    pub sections: Vec<String>,
    /// True if a directive may stand anywhere in a statement.
    #[serde(default)]
    pub anywhere: bool,
    /// True if a directive may be of several words, before a `=`.
    #[serde(default)]
    pub spaced: bool,
    /// True if names in capitals that are given a value stand for it below.
    #[serde(default)]
    pub macros: bool,
    /// Values of `${name}` that other files give.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// A switch without which none of it counts.
    #[serde(default)]
    pub only_if: Option<Switch>,
    /// Directives that name a certificate or keystore of the program's own, lower case.
    #[serde(default)]
    pub presents: Vec<String>,
    /// Directives that name authorities, lower case.
    #[serde(default)]
    pub trusts: Vec<String>,
    /// Those among both that take several files.
    #[serde(default)]
    pub lists: Vec<String>,
}

/// A directive and the value it must have, lower case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The directive.
    pub key: String,
    /// The value.
    pub value: String,
}

/// How settings are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsFormat {
    /// A statement a line.
    Lines,
    /// Statements end in `;` or a brace.
    Braces,
    /// Attributes of elements.
    Xml,
    /// `key: value`, folded lines begin with a blank (RFC 2849).
    Ldif,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    program: Vec<CertificateSettings>,
}

static SETTINGS: LazyLock<Vec<CertificateSettings>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/certificate_settings.toml"))
        .expect("data/certificate_settings.toml is compiled in and a test parses it");
    file.program
});

/// All programs known, in the order of the table.
pub fn certificate_settings() -> &'static [CertificateSettings] {
    &SETTINGS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_used() {
        for row in certificate_settings() {
            let product = &row.product;
            assert!(
                !row.units.is_empty() && !row.programs.is_empty(),
                "{product}"
            );
            assert!(row.files.iter().all(|f| f.starts_with('/')), "{product}");
            assert!(!row.presents.is_empty(), "{product}");
            let mut keys = row.presents.iter().chain(&row.trusts).chain(&row.include);
            assert!(keys.all(|key| *key == key.to_lowercase()), "{product}");
            let mut lists = row.lists.iter();
            assert!(
                lists.all(|l| row.presents.contains(l) || row.trusts.contains(l)),
                "{product}"
            );
        }
    }
}
