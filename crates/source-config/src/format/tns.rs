//! `tnsnames.ora` (Oracle Net): nested `(KEYWORD = value)`, comments from `#` to the end of the line.
//!
//! Each `ADDRESS` is one group of settings; what stands in `CONNECT_DATA` of the same description is put beside it.

use crate::settings::Settings;

const DEPTH_MAX: usize = 32;
const ADDRESSES_MAX: usize = 64;

/// Keys `host`, `port`, `protocol`, `service_name`, `sid`; the section is the name of the entry.
pub(super) fn tns(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
    };
    while let Some(name) = reader.entry_name() {
        let mut entry = Entry::default();
        if !reader.value(&mut entry, "", 0) {
            settings.partial = true;
        }
        entry.say(&name, &mut settings);
    }
    settings
}

/// What one entry says: its addresses, and what all of them lead to.
#[derive(Default)]
struct Entry {
    addresses: Vec<Vec<(u32, String, String)>>,
    beside: Vec<(u32, String, String)>,
}

impl Entry {
    fn say(&self, name: &str, settings: &mut Settings) {
        for address in &self.addresses {
            let group = settings.open_group();
            for (line, key, value) in address.iter().chain(&self.beside) {
                settings.add(*line, group, name, key, value);
            }
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn step(&mut self) {
        if let Some(c) = self.peek() {
            self.line += u32::from(c == '\n');
            self.at += c.len_utf8();
        }
    }

    fn blank(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.step();
                }
            } else if c.is_whitespace() {
                self.step();
            } else {
                return;
            }
        }
    }

    /// Text up to one of `stops`, quotes removed.
    fn word(&mut self, stops: &[char]) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(|c| !stops.contains(&c)) {
            self.step();
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        word.trim().trim_matches('"').trim()
    }

    /// The names before `=`; what closes too much is passed over.
    fn entry_name(&mut self) -> Option<String> {
        loop {
            self.blank();
            self.peek()?;
            let name = self.word(&['=', '(', ')', '#', '\n']);
            match self.peek() {
                Some('=') => {
                    self.step();
                    return Some(name.split(',').next().unwrap_or(name).trim().to_owned());
                }
                Some(_) => self.step(),
                None => return None,
            }
        }
    }

    /// What follows `=`: a word, or parentheses. False if it was too deep or did not end.
    fn value(&mut self, entry: &mut Entry, keyword: &str, depth: usize) -> bool {
        self.blank();
        if self.peek() != Some('(') {
            let line = self.line;
            let value = self.word(&[')', '(', '#', '\n']).to_owned();
            let setting = (line, keyword.to_ascii_lowercase(), value);
            match keyword.to_ascii_uppercase().as_str() {
                "HOST" | "PORT" | "PROTOCOL" => {
                    if let Some(address) = entry.addresses.last_mut() {
                        address.push(setting);
                    }
                }
                "SERVICE_NAME" | "SID" => entry.beside.push(setting),
                _ => {}
            }
            return true;
        }
        if depth >= DEPTH_MAX {
            return false;
        }
        while self.peek() == Some('(') {
            self.step();
            self.blank();
            let inner = self.word(&['=', '(', ')', '#', '\n']).to_owned();
            self.blank();
            if inner.eq_ignore_ascii_case("ADDRESS") && entry.addresses.len() < ADDRESSES_MAX {
                entry.addresses.push(Vec::new());
            }
            if self.peek() == Some('=') {
                self.step();
                if !self.value(entry, &inner, depth + 1) {
                    return false;
                }
            }
            self.blank();
            if self.peek() != Some(')') {
                return false;
            }
            self.step();
            self.blank();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_entry_share_its_service() {
        let text = "A.X =\n (DESCRIPTION=(ADDRESS_LIST=\n  (ADDRESS=(PROTOCOL=TCP)(HOST=h1)(PORT=1521))\n  #(ADDRESS=(HOST=old))\n  (ADDRESS=(HOST = \"h2\")(PORT=1522)))\n (CONNECT_DATA=(SERVICE_NAME=s)))\nB=(DESCRIPTION=(ADDRESS=(PROTOCOL=IPC)(KEY=k)))\nBROKEN=(DESCRIPTION=(ADDRESS=(HOST=h3)\n";
        let settings = tns(text);
        let shown: Vec<String> = settings
            .all
            .iter()
            .map(|s| format!("{} {} {} {}={}", s.line, s.group, s.section, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "3 1 A.X protocol=TCP",
                "3 1 A.X host=h1",
                "3 1 A.X port=1521",
                "6 1 A.X service_name=s",
                "5 2 A.X host=h2",
                "5 2 A.X port=1522",
                "6 2 A.X service_name=s",
                "7 3 B protocol=IPC",
                "8 4 BROKEN host=h3"
            ]
        );
        assert!(settings.partial);
    }
}
