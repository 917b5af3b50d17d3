//! Settings of Bacula and Bareos: resources with directives, one within another, in any number of files.
//!
//! Names of directives are told without blanks and in any case, as the programs do ("File Set" is `fileset`).
//! A password is passed over where it stands.

/// Depth of resources within each other, and directives of one file, that are read at all.
const DEPTH_MAX: usize = 16;
const DIRECTIVES_MAX: usize = 100_000;
const VALUE_MAX: usize = 4_096;

/// A resource, or a part of one: its kind, what it says, what it holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) line: u32,
    pub(super) says: Vec<(String, String, u32)>,
    pub(super) holds: Vec<Self>,
}

impl Resource {
    /// The first value of a directive.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let mut all = self.says.iter();
        all.find(|(k, ..)| k == key)
            .map(|(_, value, _)| value.as_str())
    }

    /// All values of a directive.
    pub(super) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.says.iter().filter(move |(k, ..)| k == key);
        all.map(|(_, value, _)| value.as_str())
    }
}

/// What one file says: its resources, and the files it takes in (`@path`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Settings {
    pub(super) resources: Vec<Resource>,
    pub(super) included: Vec<String>,
    /// True if something was left out: too deep, or too much of it.
    pub(super) cut: bool,
}

/// Reads one file.
pub(super) fn settings(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut open: Vec<Resource> = Vec::new();
    let mut count = 0;
    for (line, part) in parts(text) {
        match part {
            Part::Open(kind) if open.len() < DEPTH_MAX => open.push(Resource {
                kind,
                line,
                ..Resource::default()
            }),
            // Kept in step, so that what is closed is what was opened.
            Part::Open(_) => {
                settings.cut = true;
                return settings;
            }
            Part::Close => {
                let Some(closed) = open.pop() else { continue };
                match open.last_mut() {
                    Some(outer) => outer.holds.push(closed),
                    None => settings.resources.push(closed),
                }
            }
            Part::Include(path) => settings.included.push(path),
            Part::Says(key, value) => {
                count += 1;
                settings.cut |= count > DIRECTIVES_MAX;
                let kept = count <= DIRECTIVES_MAX && !key.contains("password");
                if let Some(resource) = open.last_mut().filter(|_| kept) {
                    resource.says.push((key, value, line));
                }
            }
        }
    }
    settings
}

enum Part {
    Open(String),
    Close,
    Include(String),
    Says(String, String),
}

/// Words until `{`, `}`, `;` or the end of a line; quotes keep such letters, `#` begins a comment. Blanks before the
/// first letter are not kept, so that an empty `word` is one that has not begun.
fn parts(text: &str) -> Vec<(u32, Part)> {
    let mut parts = Vec::new();
    let (mut word, mut quoted, mut line, mut begun) = (String::new(), false, 1_u32, 1_u32);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if word.is_empty() {
            begun = line;
        }
        match letter {
            '\\' if quoted => {
                let kept = letters.next();
                line = line.saturating_add(u32::from(kept == Some('\n')));
                kept.into_iter().for_each(|kept| add(&mut word, kept));
            }
            '"' => quoted = !quoted,
            '#' if !quoted => while letters.next_if(|c| *c != '\n').is_some() {},
            '{' if !quoted => {
                let kind = word.split('=').next().map(squeezed).unwrap_or_default();
                parts.push((begun, Part::Open(kind)));
                word.clear();
            }
            '}' | ';' | '\n' if !quoted => {
                parts.extend(said(&word).map(|part| (begun, part)));
                word.clear();
                if letter == '}' {
                    parts.push((line, Part::Close));
                }
            }
            // A quote that nobody closed ends with its line: the rest of the file is worth more.
            '\n' => quoted = false,
            other => add(&mut word, other),
        }
        line = line.saturating_add(u32::from(letter == '\n'));
    }
    parts.extend(said(&word).map(|part| (begun, part)));
    parts
}

/// Adds a letter to a word, unless the word is too long or the letter a blank before it.
fn add(word: &mut String, letter: char) {
    let begins = !word.is_empty() || !letter.is_whitespace();
    if begins && word.len() < VALUE_MAX {
        word.push(letter);
    }
}

fn said(words: &str) -> Option<Part> {
    let words = words.trim();
    if let Some(path) = words.strip_prefix('@') {
        return Some(Part::Include(path.trim().to_owned()));
    }
    let (key, value) = words.split_once('=')?;
    Some(Part::Says(squeezed(key), value.trim().to_owned()))
}

/// `File Set` and `FileSet` are one directive.
fn squeezed(words: &str) -> String {
    let letters = words.chars().filter(|c| !c.is_whitespace() && *c != '_');
    letters.collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_read_with_their_parts_quotes_comments_and_includes() {
        let text = "Job { Name = \"a b\"; File Set=\"Full # Set\" } # x\nFileSet {\n  Name = f\n  Include {\n    Options { signature = MD5 }\n    File = /srv\n    File = \"/a b\"\n  }\n}\n\
            @/etc/bacula/clients.conf\nDirector {\n  Password = \"canary}\"\n  QueryFile = \"/x\"\n}\n";
        let read = settings(text);
        assert_eq!(read.included, ["/etc/bacula/clients.conf"]);
        let kinds: Vec<&str> = read.resources.iter().map(|r| r.kind.as_str()).collect();
        assert_eq!(kinds, ["job", "fileset", "director"]);
        assert_eq!(read.resources[0].value("fileset"), Some("Full # Set"));
        let include = &read.resources[1].holds[0];
        assert_eq!(include.values("file").collect::<Vec<_>>(), ["/srv", "/a b"]);
        assert_eq!(
            (read.resources[2].line, read.resources[1].holds.len()),
            (11, 1)
        );
        assert!(!format!("{read:?}").contains("canary"));
    }

    #[test]
    fn a_word_of_escaped_blanks_or_letters_is_read_once_and_kept_in_bounds() {
        let blanks = format!(
            "A {{ Name = a }}\n\"{}\" B {{ Name = b }}",
            "\\ ".repeat(2_000_000)
        );
        assert_eq!(settings(&blanks).resources[1].kind, "b");
        let letters = format!("A {{ Name = \"{}\" }}", "\\x".repeat(100_000));
        let longest = settings(&letters).resources[0].value("name").map(str::len);
        assert!(longest.is_some_and(|bytes| bytes <= VALUE_MAX));
    }

    #[test]
    fn a_line_end_that_is_escaped_counts_as_a_line() {
        let read = settings("A { Name = \"a\\\nb\" }\nB { Name = b }\n");
        assert_eq!(read.resources[1].line, 3);
    }

    #[test]
    fn no_settings_make_it_panic_or_sink() {
        groma_fuzz::hammer(
            2000,
            &[b"Job { Name = a; Include { File = \"x\\\"y\" } }\n@x\n"],
            |bytes| {
                settings(&String::from_utf8_lossy(bytes));
            },
        );
        assert!(settings(&"a {".repeat(100_000)).cut);
    }
}
