//! Sessions of Exchange's SMTP receive protocol log: many rows, each a line that one side said, told as one row for all
//! messages alike.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use groma_model::Timestamp;
use groma_model::reported::ReportedMail;

use super::mail;
use super::table::Row;
use crate::mail::said;

/// How the log calls itself.
pub(super) const LOG: &str = "SMTP Receive Protocol Log";
/// Sessions open at a time: a log that never says goodbye must not fill the memory.
const OPEN_MAX: usize = 20_000;
/// Kinds of messages one session may bring, and recipients that wait for an answer.
const KINDS_MAX: usize = 64;
const WAITING_MAX: usize = 256;
/// Longest value of a row that is kept: an endpoint, a connector, an account.
const VALUE_MAX: usize = 256;
/// Domains and kinds of messages that all open sessions hold together.
const HELD_MAX: usize = 150_000;
/// What Exchange says of an account that was proven.
const PROVEN: &str = "authenticated";

/// What is known of sessions that did not end.
#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    /// What they hold.
    held: usize,
}

/// What one session told.
struct Session {
    row: Row,
    last: Timestamp,
    /// The mechanism the client asked for, proven or not.
    asked: Option<String>,
    /// True if the last thing the client said was that it wants TLS.
    asks_tls: bool,
    helo: Option<String>,
    tls: Option<String>,
    message: Option<Message>,
    /// Domains of recipients that were not answered yet: a client may name many before it listens.
    waiting: VecDeque<String>,
    /// Messages that were taken, or not.
    told: BTreeMap<ReportedMail, u64>,
    /// True if something was refused, now or for good.
    was_refused: bool,
    /// True if its first line was met: of the rest of one nobody knows what the client had proven.
    is_whole: bool,
}

/// A message that was begun.
#[derive(Default)]
struct Message {
    sender: Option<String>,
    word: Option<&'static str>,
    to: BTreeSet<String>,
}

/// Messages alike of a session, with when it began, when it ended, and how many there were; a session without messages is
/// one that brought none.
pub(super) struct Told {
    pub(super) row: Row,
    pub(super) mail: Option<ReportedMail>,
    pub(super) last: Timestamp,
    pub(super) count: u64,
}

impl Sessions {
    /// Takes a row; what the session it ends has told, if it does.
    pub(super) fn take(&mut self, row: Row) -> Vec<Told> {
        let of = |name: &str| row.values.get(name).cloned().unwrap_or_default();
        let (id, event, said, context) = (of("session-id"), of("event"), of("data"), of("context"));
        if id.is_empty() || id.len() > VALUE_MAX {
            return Vec::new();
        }
        let at = row.at;
        // A log whose sessions never end must not fill the memory, and what they told is not lost.
        let is_new = !self.open.contains_key(&id);
        let is_full = is_new && self.open.len() >= OPEN_MAX || self.held >= HELD_MAX;
        let mut all = if is_full { self.end() } else { Vec::new() };
        let session = self
            .open
            .entry(id.clone())
            .or_insert_with(|| Session::new(row));
        let before = session.held();
        session.last = session.last.max(at);
        session.learn(&event, &said, &context);
        self.held = (self.held + session.held()).saturating_sub(before);
        let ended = (event == "-").then(|| self.open.remove(&id)).flatten();
        if let Some(session) = ended {
            self.held = self.held.saturating_sub(session.held());
            all.extend(session.told());
        }
        all
    }

    /// What is still open when all files are over, or when too many are.
    pub(super) fn end(&mut self) -> Vec<Told> {
        self.held = 0;
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_by(|a, b| a.0.cmp(&b.0));
        open.into_iter()
            .flat_map(|(_, session)| session.told())
            .collect()
    }
}

impl Session {
    fn new(row: Row) -> Self {
        let kept = ["connector-id", "local-endpoint", "remote-endpoint"];
        let values: BTreeMap<String, String> = kept
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), row.values.get(*name)?.clone())))
            .filter(|(_, value)| value.len() <= VALUE_MAX)
            .collect();
        Self {
            last: row.at,
            row: Row { at: row.at, values },
            asked: None,
            asks_tls: false,
            helo: None,
            tls: None,
            message: None,
            waiting: VecDeque::new(),
            told: BTreeMap::new(),
            was_refused: false,
            is_whole: false,
        }
    }

    /// What the client says (`<`) is only claimed; what Exchange notes (`*`) it has proven.
    fn learn(&mut self, event: &str, said: &str, context: &str) {
        match event {
            "+" => self.is_whole = true,
            "<" => self.hear(said),
            // Older versions note no success of TLS, but say that they are ready for it.
            ">" if std::mem::take(&mut self.asks_tls) && begins(said, "220 ") => {
                self.put("tls", "yes");
            }
            ">" => self.answer(said),
            "*" if context.eq_ignore_ascii_case(PROVEN) && !said.is_empty() => {
                self.put("account", said);
                if let Some(asked) = self.asked.take() {
                    self.put("mechanism", &asked);
                }
            }
            "*" if context.starts_with("TLS protocol") && context.contains("succeeded") => {
                self.put("tls", "yes");
                self.tls = version(context);
            }
            _ => {}
        }
    }

    /// What the client says.
    fn hear(&mut self, said: &str) {
        self.asks_tls = begins(said, "STARTTLS") || begins(said, "X-ANONYMOUSTLS");
        if begins(said, "AUTH ") {
            let mechanism = said.split_whitespace().nth(1).unwrap_or_default();
            self.asked = Some(mechanism)
                .filter(|mechanism| mechanism.len() <= VALUE_MAX)
                .map(str::to_ascii_uppercase);
        } else if begins(said, "EHLO ") || begins(said, "HELO ") {
            let name = said.split_whitespace().nth(1).and_then(said::helo);
            self.helo = name.map(str::to_owned);
        } else if begins(said, "MAIL FROM") {
            let sender = mail::in_brackets(said).and_then(mail::parted);
            let word = sender.as_ref().and_then(|(_, word)| *word);
            self.waiting.clear();
            self.message = Some(Message {
                sender: sender.map(|(domain, _)| domain),
                word,
                to: BTreeSet::new(),
            });
        } else if begins(said, "RCPT TO") && self.waiting.len() < WAITING_MAX {
            let to = mail::in_brackets(said).and_then(mail::parted);
            self.waiting.extend(to.map(|(domain, _)| domain));
        } else if begins(said, "RSET") {
            self.message = None;
            self.waiting.clear();
        }
    }

    /// What Exchange answers: a recipient that is taken, a message, or nothing of either.
    fn answer(&mut self, said: &str) {
        if begins(said, "250 2.1.5") {
            let to = self.waiting.pop_front();
            if let (Some(message), Some(to)) = (&mut self.message, to) {
                message.to.insert(to);
            }
        } else if begins(said, "250 2.6.0 CHUNK") {
            // A piece of a message, which may still be refused.
        } else if begins(said, "250 2.6.0") {
            if let Some(message) = self.message.take() {
                self.keep(message, None);
            }
        } else if begins(said, "535") {
            self.keep(Message::default(), Some(said));
        } else if begins(said, "4") {
            // Who shall come again has handed in nothing: to this recipient, or to any.
            self.was_refused = true;
            if self.waiting.pop_front().is_none() {
                self.message = None;
            }
        } else if begins(said, "5") {
            self.was_refused = true;
            let Some(message) = &self.message else { return };
            let refused = match self.waiting.pop_front() {
                Some(to) => Message {
                    sender: message.sender.clone(),
                    word: message.word,
                    to: BTreeSet::from([to]),
                },
                None => self.message.take().unwrap_or_default(),
            };
            self.keep(refused, Some(said));
        }
    }

    fn keep(&mut self, message: Message, refused: Option<&str>) {
        let mut mail = ReportedMail {
            sender: message.sender,
            sender_word: message.word.map(str::to_owned),
            recipients: mail::recipients(message.to),
            refused: refused.map(mail::refusal),
            ..ReportedMail::default()
        };
        if self.told.len() >= KINDS_MAX && !self.told.contains_key(&mail) {
            mail.recipients = mail::recipients(BTreeSet::from(["*".to_owned()]));
        }
        if self.told.len() < 2 * KINDS_MAX || self.told.contains_key(&mail) {
            *self.told.entry(mail).or_default() += 1;
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        if value.len() <= VALUE_MAX {
            self.row.values.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Domains and kinds of messages it holds.
    fn held(&self) -> usize {
        let to = self.message.as_ref().map_or(0, |message| message.to.len());
        self.waiting.len() + to + self.told.len()
    }

    fn told(self) -> Vec<Told> {
        let has_logged_on = self.row.values.contains_key("account");
        // Who brought nothing and was refused used nothing.
        let used_nothing = self.told.is_empty() && self.was_refused && !has_logged_on;
        if !self.is_whole || used_nothing {
            return Vec::new();
        }
        let (row, last, helo, tls) = (self.row, self.last, self.helo, self.tls);
        let told = |mail, count| Told {
            row: Row {
                at: row.at,
                values: row.values.clone(),
            },
            mail,
            last,
            count,
        };
        if self.told.is_empty() {
            return vec![told(None, 1)];
        }
        let with = |(mail, count): (ReportedMail, u64)| {
            let (helo, tls) = (helo.clone(), tls.clone());
            told(Some(ReportedMail { helo, tls, ..mail }), count)
        };
        self.told.into_iter().map(with).collect()
    }
}

fn begins(said: &str, word: &str) -> bool {
    said.get(..word.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
}

/// `TLSv1.2` of `TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded …`.
fn version(context: &str) -> Option<String> {
    let (_, behind) = context.split_once("SP_PROT_TLS")?;
    let end = behind.find(|c: char| c != '_' && !c.is_ascii_digit())?;
    let numbers = behind.get(..end)?.trim_matches('_').replace('_', ".");
    let known = ["1.0", "1.1", "1.2", "1.3"].contains(&numbers.as_str());
    known.then(|| format!("TLSv{}", numbers.trim_end_matches(".0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_never_end_are_told_when_too_many_are_open() {
        let mut sessions = Sessions::default();
        let row = |at: usize| {
            let values = [
                ("session-id", at.to_string()),
                ("sequence-number", "0".to_owned()),
                ("event", "+".to_owned()),
                ("remote-endpoint", "10.0.0.9:4711".to_owned()),
            ];
            Row {
                at: Timestamp::from_seconds(1_795_000_000),
                values: values.map(|(name, value)| (name.to_owned(), value)).into(),
            }
        };
        let told: usize = (0..=OPEN_MAX).map(|at| sessions.take(row(at)).len()).sum();
        assert_eq!(told, OPEN_MAX);
        assert_eq!(sessions.end().len(), 1);
    }

    /// Lines of 250 KB, and sessions that name ever other domains, fill nothing.
    #[test]
    fn what_open_sessions_hold_is_bounded() {
        let mut sessions = Sessions::default();
        let mut row = |id: usize, event: &str, said: String| {
            let values = [
                ("session-id", id.to_string()),
                ("event", event.to_owned()),
                ("data", said),
                ("remote-endpoint", "x".repeat(100_000)),
            ];
            let told = sessions.take(Row {
                at: Timestamp::from_seconds(1_795_000_000),
                values: values.map(|(name, value)| (name.to_owned(), value)).into(),
            });
            assert!(sessions.held <= HELD_MAX, "{}", sessions.held);
            told.len()
        };
        let mut told = 0;
        for id in 0..1_000 {
            told += row(id, "+", String::new());
            told += row(id, "<", "MAIL FROM:<a@b.example>".to_owned());
            for to in 0..200 {
                told += row(id, "<", format!("RCPT TO:<a@d{to}.example>"));
            }
        }
        assert!(told > 0);
        assert!(
            sessions
                .open
                .values()
                .all(|session| session.row.values.is_empty())
        );
    }
}
