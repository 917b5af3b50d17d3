//! Talking to a person at a terminal: progress while they wait, and nothing in a pipe.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use groma_agent::Progress;
use groma_model::SourceName;
use indicatif::{ProgressBar, ProgressStyle};

/// A line to the person, on standard error; never part of the output.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A line to the person who waits, where one does.
pub(crate) fn tell_waiting(line: &str) {
    if io::stderr().is_terminal() {
        tell(line);
    }
}

/// A spinner that names what is being looked at; invisible in a pipe.
pub(crate) struct Spinner {
    bar: ProgressBar,
    busy: Mutex<Vec<SourceName>>,
}

impl Spinner {
    pub(crate) fn new(watch: Duration) -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{spinner} {elapsed} of {prefix}: {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.set_prefix(format!("about {} s", watch.as_secs().max(1)));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            busy: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, alter: impl FnOnce(&mut Vec<SourceName>)) {
        if let Ok(mut busy) = self.busy.lock() {
            alter(&mut busy);
            let names: Vec<&str> = busy.iter().map(SourceName::as_str).collect();
            self.bar.set_message(names.join(", "));
        }
    }
}

impl Progress for Spinner {
    fn begins(&self, source: &SourceName) {
        self.change(|busy| busy.push(source.clone()));
    }
    fn ends(&self, source: &SourceName) {
        self.change(|busy| busy.retain(|s| s != source));
    }
}

/// Says how far an erasure has come; invisible in a pipe.
pub(crate) struct Waiting(ProgressBar);

impl Waiting {
    pub(crate) fn new() -> Self {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(crate) fn shows(&self, progress: groma_store::Progress) {
        use groma_store::Progress as P;
        self.0.set_message(match progress {
            P::Read(what, many) => format!("reading {what}: {many}"),
            P::Erasing => "erasing".to_owned(),
            P::Sweeping => "sweeping the files".to_owned(),
        });
    }

    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// Foreign text for a terminal: control characters, and the marks that turn text around, are shown, not obeyed.
pub(crate) fn visible(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .flat_map(|c| {
            let escape = c.is_control() || turns(c);
            let shown: Vec<char> = if escape {
                c.escape_unicode().collect()
            } else {
                vec![c]
            };
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_move_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }
}
