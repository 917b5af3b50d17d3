//! Settings of Postfix: main.cf with its variables, and the services of master.cf with the settings each overrules.

use std::collections::BTreeMap;

use groma_model::Port;

use super::command::program;
use super::hops::{Service, Services};
use super::map::logical;

const EXPANSIONS_MAX: usize = 8;
/// A value that grows beyond this stays as it is written.
const FILLED_MAX: usize = 64 << 10;

/// Values with their lines; the last word on a parameter counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct MainCf {
    values: BTreeMap<String, (u32, String)>,
}

impl MainCf {
    pub(super) fn parse(text: &str) -> Self {
        let mut main = Self::default();
        for (line, entry) in logical(text) {
            if let Some((key, value)) = entry.split_once('=') {
                let pair = (line, value.trim().to_owned());
                main.values.insert(key.trim().to_owned(), pair);
            }
        }
        main
    }

    /// What Postfix takes where nothing is written (postconf(5)).
    pub(super) fn default_to(&mut self, key: &str, value: &str) {
        let known = self.values.entry(key.to_owned());
        known.or_insert_with(|| (0, value.to_owned()));
    }

    /// The value as it stands, with its line.
    pub(super) fn of(&self, key: &str) -> Option<(u32, String)> {
        let (line, value) = self.values.get(key)?;
        Some((*line, self.filled(value)))
    }

    /// All keys that are written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// `text` with the variables of this file in it.
    pub(super) fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..EXPANSIONS_MAX {
            match self.once(&text) {
                Some(next) if next != text => text = next,
                _ => break,
            }
        }
        text
    }

    fn once(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, tail) = name_of(after);
            match self.values.get(name) {
                Some((_, value)) if out.len() + value.len() > FILLED_MAX => return None,
                Some((_, value)) => out.push_str(value),
                None => {
                    out.push('$');
                    out.push_str(after.get(..after.len() - tail.len()).unwrap_or_default());
                }
            }
            rest = tail;
        }
        out.push_str(rest);
        (out.len() <= FILLED_MAX).then_some(out)
    }
}

/// The name in `name…`, `{name}…` or `(name)…`, and what follows.
fn name_of(after: &str) -> (&str, &str) {
    for (open, close) in [('{', '}'), ('(', ')')] {
        let inner = after.strip_prefix(open);
        if let Some(found) = inner.and_then(|inner| inner.split_once(close)) {
            return found;
        }
    }
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(after.len());
    after.split_at(end)
}

/// A setting that a service overrules: line, key, value.
pub(super) type Overruled = (u32, String, String);

/// The services of master.cf (master(5)), and what they overrule with `-o`.
pub(super) fn master(text: &str) -> (Services, Vec<Overruled>) {
    let (mut services, mut overruled) = (Services::new(), Vec::new());
    for (line, entry) in logical(text) {
        let fields: Vec<&str> = entry.split_ascii_whitespace().collect();
        let (Some(name), Some(command)) = (fields.first(), fields.get(7)) else {
            continue;
        };
        let service = match *command {
            "smtp" => Service::Client(Port(25)),
            "lmtp" => Service::Client(Port(24)),
            "pipe" | "spawn" => run(&entry),
            _ => Service::Other,
        };
        services.insert((*name).to_owned(), service);
        overruled.extend(options(&entry).into_iter().map(|(k, v)| (line, k, v)));
    }
    (services, overruled)
}

fn run(entry: &str) -> Service {
    let command = entry
        .split_once("argv=")
        .and_then(|(_, argv)| program(argv));
    command.map_or(Service::Other, Service::Program)
}

/// `-o key=value`, `-o { key = value with blanks }`.
fn options(entry: &str) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut rest = entry;
    while let Some((_, after)) = rest.split_once(" -o") {
        let after = after.trim_start();
        let (option, tail) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}').unwrap_or((inner, "")),
            None => match after.find(char::is_whitespace) {
                Some(end) => after.split_at(end),
                None => (after, ""),
            },
        };
        if let Some((key, value)) = option.split_once('=') {
            options.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        rest = tail;
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_the_last_word_counts() {
        let main = MainCf::parse("a = x\n b\n# c\nd = $a-${a}\na = y\nself = $self$self\n");
        assert_eq!(main.of("d"), Some((4, "y-y".to_owned())));
        assert!(main.of("self").is_some());
    }

    #[test]
    fn services_and_what_they_overrule() {
        let text = "smtp inet n - y - - smtpd\n  -o content_filter=scan:[127.0.0.1]:10025\n  -o { smtpd_milters = inet:m:1, inet:n:2 }\n#gone unix - n n - - pipe argv=/ghost\nfax unix - n n - 1 pipe\n  flags= user=fax argv=/usr/bin/fax -p hunter2 ${user}\nscan unix - - n - 2 smtp\n";
        let (services, overruled) = master(text);
        assert_eq!(services["fax"], Service::Program("/usr/bin/fax".into()));
        assert_eq!(services["scan"], Service::Client(Port(25)));
        let keys: Vec<_> = overruled
            .iter()
            .map(|(l, k, v)| format!("{l} {k}={v}"))
            .collect();
        assert_eq!(
            keys,
            [
                "1 content_filter=scan:[127.0.0.1]:10025",
                "1 smtpd_milters=inet:m:1, inet:n:2"
            ]
        );
        assert!(!format!("{services:?}").contains("hunter2"));
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"a = $b\nb=${a}$(a)\nsmtp inet n - y - - pipe -o a=b -o { c = d } argv=/x"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let main = MainCf::parse(&text);
                main.keys().for_each(|key| drop(main.of(key)));
                master(&text);
            },
        );
    }
}
