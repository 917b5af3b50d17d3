//! `[section]` and `key = value` lines, as stunnel, WireGuard, networkd and unit files write them.

const SECTIONS_MAX: usize = 10_000;

/// One section with its lines in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    /// Its name in lower case; empty before the first one.
    pub(crate) name: String,
    /// Its name as written.
    pub(crate) title: String,
    /// Key in lower case, value, line.
    pub(crate) settings: Vec<(String, String, u32)>,
}

impl Section {
    /// The last value of `key`, which counts where a key stands twice.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        let found = self.settings.iter().rev().find(|(k, _, _)| k == key);
        found.map(|(_, value, _)| value.as_str())
    }

    /// All values of `key` with their lines.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        self.settings
            .iter()
            .filter(move |(k, _, _)| k == key)
            .map(|(_, value, line)| (value.as_str(), *line))
    }
}

/// The sections of `text`; the first one holds what stands before any header. A backslash joins lines.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let mut out = vec![Section::default()];
    let mut joined = String::new();
    let mut began = 1;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim_end();
        if joined.is_empty() {
            began = number;
        }
        if let Some(part) = line.strip_suffix('\\')
            && joined.len() < 64 << 10
        {
            joined.push_str(part);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        let whole = whole.trim();
        if whole.is_empty() || whole.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = whole.strip_prefix('[').and_then(|w| w.split_once(']')) {
            if out.len() >= SECTIONS_MAX {
                break;
            }
            out.push(Section {
                name: name.0.trim().to_ascii_lowercase(),
                title: name.0.trim().to_owned(),
                settings: Vec::new(),
            });
        } else if let (Some((key, value)), Some(section)) = (whole.split_once('='), out.last_mut())
        {
            let key = key.trim().to_ascii_lowercase();
            section.settings.push((key, value.trim().to_owned(), began));
        }
    }
    out
}
