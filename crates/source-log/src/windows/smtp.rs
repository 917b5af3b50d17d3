//! Sessions of Exchange's SMTP receive protocol log: many rows, each a line that one side said, told as one row.

use std::collections::{BTreeMap, HashMap};

use groma_model::Timestamp;

use super::table::Row;

/// How the log calls itself.
pub(super) const LOG: &str = "SMTP Receive Protocol Log";
/// Sessions open at a time: a log that never says goodbye must not fill the memory.
const OPEN_MAX: usize = 20_000;
/// What Exchange says of an account that was proven.
const PROVEN: &str = "authenticated";

/// What is known of sessions that did not end.
#[derive(Default)]
pub(super) struct Sessions(HashMap<String, Session>);

/// What one session told.
struct Session {
    row: Row,
    last: Timestamp,
    /// The mechanism the client asked for, proven or not.
    asked: Option<String>,
    /// True if the last thing the client said was that it wants TLS.
    asks_tls: bool,
    /// Messages that were begun.
    messages: u64,
    /// True if its first line was met: of the rest of one nobody knows what the client had proven.
    is_whole: bool,
}

/// A session as one row, with when it began, when it ended, and how many messages it brought.
pub(super) struct Told {
    pub(super) row: Row,
    pub(super) last: Timestamp,
    pub(super) count: u64,
}

impl Sessions {
    /// Takes a row; the session it ends, if it does.
    pub(super) fn take(&mut self, row: Row) -> Option<Told> {
        let of = |name: &str| row.values.get(name).cloned().unwrap_or_default();
        let (id, event, said, context) = (of("session-id"), of("event"), of("data"), of("context"));
        if id.is_empty() {
            return None;
        }
        let at = row.at;
        if self.0.len() >= OPEN_MAX && !self.0.contains_key(&id) {
            self.0.clear();
        }
        let session = self
            .0
            .entry(id.clone())
            .or_insert_with(|| Session::new(row));
        session.last = session.last.max(at);
        session.learn(&event, &said, &context);
        (event == "-").then(|| self.0.remove(&id)?.told())?
    }

    /// What is still open when all files are over.
    pub(super) fn end(&mut self) -> Vec<Told> {
        let mut open: Vec<_> = std::mem::take(&mut self.0).into_iter().collect();
        open.sort_by(|a, b| a.0.cmp(&b.0));
        open.into_iter()
            .filter_map(|(_, session)| session.told())
            .collect()
    }
}

impl Session {
    fn new(row: Row) -> Self {
        let kept = ["connector-id", "local-endpoint", "remote-endpoint"];
        let values: BTreeMap<String, String> = kept
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), row.values.get(*name)?.clone())))
            .collect();
        Self {
            last: row.at,
            row: Row { at: row.at, values },
            asked: None,
            asks_tls: false,
            messages: 0,
            is_whole: false,
        }
    }

    /// What the client says (`<`) is only claimed; what Exchange notes (`*`) it has proven.
    fn learn(&mut self, event: &str, said: &str, context: &str) {
        let begins = |word: &str| {
            said.get(..word.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
        };
        match event {
            "+" => self.is_whole = true,
            "<" if begins("AUTH ") => {
                let mechanism = said.split_whitespace().nth(1).unwrap_or_default();
                self.asked = Some(mechanism.to_ascii_uppercase());
            }
            "<" => {
                self.asks_tls = begins("STARTTLS") || begins("X-ANONYMOUSTLS");
                self.messages += u64::from(begins("MAIL FROM"));
            }
            // Older versions note no success of TLS, but say that they are ready for it.
            ">" if std::mem::take(&mut self.asks_tls) && begins("220 ") => self.put("tls", "yes"),
            "*" if context.eq_ignore_ascii_case(PROVEN) && !said.is_empty() => {
                self.put("account", said);
                if let Some(asked) = self.asked.take() {
                    self.put("mechanism", &asked);
                }
            }
            "*" if context.starts_with("TLS protocol") && context.contains("succeeded") => {
                self.put("tls", "yes");
            }
            _ => {}
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        self.row.values.insert(name.to_owned(), value.to_owned());
    }

    fn told(self) -> Option<Told> {
        self.is_whole.then(|| Told {
            row: self.row,
            last: self.last,
            count: self.messages.max(1),
        })
    }
}
