//! Lines that belong together: what one client did from its coming to its going.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_knowledge::logs::{Does, LogGrammar, LogLine, Speaker};
use groma_model::name::{HostName, Port, Protection};
use groma_model::{Foreign, Timestamp};

/// Sessions open at a time; a log that never says goodbye must not fill the memory.
const OPEN_MAX: usize = 20_000;

/// Fields one line may have.
const FIELDS_MAX: usize = 8;
/// Uses of one file that wait for an older one to tell their client; what many accounts do by turns on connections that
/// began before it must not fill the memory either.
const WAITING_MAX: usize = 20_000;

/// What lines of one use told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Use {
    pub(crate) client: Option<IpAddr>,
    pub(crate) server: Option<IpAddr>,
    pub(crate) name: Option<HostName>,
    pub(crate) port: Option<Port>,
    pub(crate) account: Option<Foreign>,
    pub(crate) mechanism: Option<String>,
    pub(crate) protection: Option<Protection>,
    /// How often the service was used; 0 for one that only came.
    pub(crate) count: u64,
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

impl Use {
    /// Takes what `line` tells in `message`; `None` if the message is another one. The session's value comes back.
    fn told<'m>(
        line: &LogLine,
        message: &'m str,
        session: Option<&str>,
    ) -> Option<(Self, &'m str)> {
        // Nothing is made of the fields before all of the line is known to match.
        let mut fields = [("", ""); FIELDS_MAX];
        let mut taken = 0;
        let matches = line.text.matches(message, |field, value| {
            if let Some(slot) = fields.get_mut(taken) {
                *slot = (field, value);
                taken += 1;
            }
        });
        if !matches {
            return None;
        }
        let mut told = Self::default();
        let mut key = "";
        let mut sound = true;
        for (field, value) in fields.into_iter().take(taken) {
            match field {
                "client" => sound &= put(&mut told.client, address(value)),
                "server" => sound &= put(&mut told.server, address(value)),
                "name" => told.name = HostName::parse(value),
                "port" => sound &= put(&mut told.port, value.parse().ok().map(Port)),
                "account" => told.account = Some(value.into()),
                "mechanism" => told.mechanism = word(value),
                _ if Some(field) == session => key = value,
                _ => {}
            }
        }
        if !sound {
            return None;
        }
        for (field, value) in &line.sets {
            if field == "mechanism" {
                told.mechanism = Some(value.clone());
            }
        }
        told.protection = line.protection;
        told.count = u64::from(matches!(line.does, Does::Counts | Does::Whole));
        Some((told, key))
    }

    fn learn(&mut self, more: Self, at: Timestamp) {
        self.client = more.client.or(self.client);
        self.server = more.server.or(self.server);
        self.name = more.name.or_else(|| self.name.take());
        self.port = more.port.or(self.port);
        self.account = more.account.or_else(|| self.account.take());
        self.mechanism = more.mechanism.or_else(|| self.mechanism.take());
        self.protection = more.protection.or(self.protection);
        self.count += more.count;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

impl Use {
    /// The same use went on while `more` was told.
    fn lasts_with(&mut self, more: &Self) {
        self.span = match (self.span, more.span) {
            (Some((first, last)), Some((begin, end))) => Some((first.min(begin), last.max(end))),
            (known, told) => known.or(told),
        };
        self.protection = self.protection.or(more.protection);
    }
}

fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    let text = text
        .split_once('%')
        .map_or(text, |(address, _zone)| address);
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// A word of a protocol, as `GSSAPI`: nothing that a stranger could have made up.
fn word(text: &str) -> Option<String> {
    let known = text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    known.then(|| text.to_owned())
}

/// A line in the words of a grammar, and who spoke it.
pub(crate) struct Spoken<'m> {
    pub(crate) grammar: &'static LogGrammar,
    pub(crate) speaker: &'static Speaker,
    /// The port this speaker serves, as the machine's configuration says.
    pub(crate) port: Option<Port>,
    pub(crate) process: &'m str,
    pub(crate) message: &'m str,
}

/// Whose use it is.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) grammar: &'static LogGrammar,
    pub(crate) speaker: &'static Speaker,
}

/// A session: who speaks, and the value that ties its lines together.
type Key = (&'static str, String);

/// Sessions that are open in the file that is read. Files are read from the newest on, so what a client did in one may
/// need the older one that tells its coming.
#[derive(Default)]
pub(crate) struct Sessions {
    open: HashMap<Key, (Owner, Use)>,
    /// Uses of this file whose client came before it begins.
    unknown: HashMap<Key, Vec<(Owner, Use)>>,
    /// How many those are.
    waiting: usize,
    /// The same of the file after this one.
    later: HashMap<Key, Vec<(Owner, Use)>>,
}

impl Sessions {
    /// Takes a line, and calls `done` with every use that is told to its end. `at` reads the time when it is needed.
    pub(crate) fn take(
        &mut self,
        spoken: &Spoken<'_>,
        at: impl FnOnce() -> Option<Timestamp>,
        done: &mut impl FnMut(Owner, Use),
    ) {
        let session = spoken.grammar.session.as_deref();
        let told = spoken.grammar.line.iter().find_map(|line| {
            let (told, key) = Use::told(line, spoken.message, session)?;
            Some((line.does, told, key))
        });
        let Some((does, mut told, key)) = told else {
            return;
        };
        told.port = told.port.or(spoken.port);
        let Some(at) = at() else { return };
        let owner = Owner {
            grammar: spoken.grammar,
            speaker: spoken.speaker,
        };
        if does == Does::Whole {
            let mut whole = Use::default();
            whole.learn(told, at);
            return done(owner, whole);
        }
        let key = if session.is_some() {
            key
        } else {
            spoken.process
        };
        let key = (spoken.speaker.tag.as_str(), key.to_owned());
        self.part(&key, does, &told, done);
        if self.open.len() >= OPEN_MAX {
            self.end_file(done);
        }
        let (_, open) = self
            .open
            .entry(key.clone())
            .or_insert_with(|| (owner, Use::default()));
        open.learn(told, at);
        if does == Does::Ends {
            self.end(&key, done);
        }
    }

    /// Ends what is open if the line speaks of another use: of another client (a server that was started again counts
    /// from the begin; with threads, a client's coming may stand after what it did), or of another account.
    fn part(&mut self, key: &Key, does: Does, told: &Use, done: &mut impl FnMut(Owner, Use)) {
        let Some((owner, open)) = self.open.get_mut(key) else {
            return;
        };
        if does == Does::Begins && open.client.is_some() {
            return self.end(key, done);
        }
        if does == Does::Counts && open.count > 0 && told.account != open.account {
            let (owner, told) = (*owner, open.clone());
            open.count = 0;
            open.span = None;
            self.tell(key, owner, told, done);
        }
    }

    fn end(&mut self, key: &Key, done: &mut impl FnMut(Owner, Use)) {
        if let Some((owner, used)) = self.open.remove(key) {
            self.tell(key, owner, used, done);
        }
    }

    fn tell(&mut self, key: &Key, owner: Owner, used: Use, done: &mut impl FnMut(Owner, Use)) {
        if used.client.is_some() || used.server.is_some() {
            return done(owner, used);
        }
        if self.waiting < WAITING_MAX {
            self.waiting += 1;
            self.unknown
                .entry(key.clone())
                .or_default()
                .push((owner, used));
        }
    }

    /// Ends what is still open, because the file is, and goes on to the file before it. A session open at the end of
    /// this one is the one whose begin the next one lacked.
    pub(crate) fn end_file(&mut self, done: &mut impl FnMut(Owner, Use)) {
        for (key, (owner, mut used)) in std::mem::take(&mut self.open) {
            for (owner, mut more) in self.later.remove(&key).unwrap_or_default() {
                if more.count == 0 {
                    used.lasts_with(&more);
                    continue;
                }
                more.client = used.client;
                more.port = more.port.or(used.port);
                more.protection = more.protection.or(used.protection);
                self.tell(&key, owner, more, done);
            }
            self.tell(&key, owner, used, done);
        }
        self.later = std::mem::take(&mut self.unknown);
        self.waiting = 0;
    }
}
