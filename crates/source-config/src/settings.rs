//! What every format becomes: settings with a line, a section, a key and a value.

/// Settings one file may have; the rest is cut and the file counts as partly read.
pub(crate) const SETTINGS_MAX: usize = 200_000;

/// Bytes the names around one setting may have, and all settings of a file together: a section of a megabyte
/// around a hundred thousand settings is an attack, not a configuration.
pub(crate) const NAMES_MAX: usize = 4096;
const BYTES_MAX: usize = 64 << 20;

/// Stands in a value behind what a program falls back to where its environment says nothing. A private character:
/// what a file itself says with it becomes a hint at most.
pub(crate) const CONDITIONAL: char = '\u{e000}';

/// One setting of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Settings of one group stand beside each other: one section, block, table or line.
    pub(crate) group: u32,
    /// Names of the sections around it, joined by `/`.
    pub(crate) section: String,
    /// The key as written.
    pub(crate) key: String,
    /// The value without quotes.
    pub(crate) value: String,
    /// True if the value is what a program falls back to, and nobody knows whether it does.
    pub(crate) conditional: bool,
}

/// All settings of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Settings {
    /// In the order of the file.
    pub(crate) all: Vec<Setting>,
    /// True if some were left out: too many, too deep, or not understood.
    pub(crate) partial: bool,
    groups: u32,
    bytes: usize,
}

impl Settings {
    /// Opens a new group.
    pub(crate) fn open_group(&mut self) -> u32 {
        self.groups = self.groups.saturating_add(1);
        self.groups
    }

    /// The group that was opened last.
    pub(crate) fn last_group(&self) -> u32 {
        self.groups
    }

    /// Adds a setting whose value may be marked as what a program falls back to.
    pub(crate) fn add_marked(
        &mut self,
        line: u32,
        group: u32,
        section: &str,
        key: &str,
        value: &str,
    ) {
        let before = self.all.len();
        if !value.contains(CONDITIONAL) {
            return self.add(line, group, section, key, value);
        }
        self.add(line, group, section, key, &value.replace(CONDITIONAL, ""));
        for setting in self.all.iter_mut().skip(before) {
            setting.conditional = true;
        }
    }

    /// Gives a setting another value, unless all together would be too much: then it keeps what it has.
    pub(crate) fn refill(&mut self, at: usize, value: String) {
        let bytes = self.bytes.saturating_add(value.len());
        match self.all.get_mut(at) {
            Some(setting) if bytes <= BYTES_MAX => {
                self.bytes = bytes;
                setting.value = value;
            }
            _ => self.partial = true,
        }
    }

    /// Adds a setting.
    pub(crate) fn add(&mut self, line: u32, group: u32, section: &str, key: &str, value: &str) {
        let names = section.len() + key.len();
        let bytes = self.bytes.saturating_add(names).saturating_add(value.len());
        if self.all.len() >= SETTINGS_MAX || names > NAMES_MAX || bytes > BYTES_MAX {
            self.partial = true;
            return;
        }
        self.bytes = bytes;
        self.all.push(Setting {
            line,
            group,
            section: section.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            conditional: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_endless_settings_is_cut_and_says_so() {
        let mut settings = Settings::default();
        for _ in 0..=SETTINGS_MAX {
            settings.add(1, 0, "", "k", "v");
        }
        assert_eq!(settings.all.len(), SETTINGS_MAX);
        assert!(settings.partial);
    }

    #[test]
    fn a_section_of_a_megabyte_is_not_copied_for_every_setting() {
        let text = format!("[{}]\n{}", "host".repeat(250_000), "a=b\n".repeat(1000));
        let settings = crate::format::read(groma_knowledge::rules::Format::Ini, &[], &text);
        assert!(settings.all.is_empty() && settings.partial);
        let mut large = Settings::default();
        for _ in 0..200 {
            large.add(1, 0, "s", "k", &"v".repeat(1 << 20));
        }
        assert!(large.all.len() < 64 && large.partial);
    }
}
