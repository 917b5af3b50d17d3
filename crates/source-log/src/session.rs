//! Lines that belong together: what one client did from its coming to its going.

use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use groma_knowledge::logs::{Begin, Does, Field, LogGrammar, LogLine, Shape, Speaker};
use groma_model::name::{HostName, Port, Protection};
use groma_model::{Foreign, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::known::Known;
use crate::quick::QuickMap;
use crate::search::{self, Search, Searches};
use crate::tally::is_inside;
use crate::word::Word;

/// Sessions open at a time; a log that never says goodbye must not fill the memory.
const OPEN_MAX: usize = 20_000;

/// Fields one line may have.
const FIELDS_MAX: usize = 10;
/// Longest account that is kept: what is longer is no name.
const ACCOUNT_MAX: usize = 256;
/// Uses of one file that wait for an older one to tell their client; what many accounts do by turns on connections that
/// began before it must not fill the memory either.
const WAITING_MAX: usize = 20_000;

/// What lines of one use told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) client: Option<IpAddr>,
    /// What the service's settings call the client, where the log says no address.
    pub(crate) client_name: Option<Box<str>>,
    pub(crate) server: Option<IpAddr>,
    pub(crate) name: Option<HostName>,
    pub(crate) port: Option<Port>,
    /// The name a name server was asked for; empty for one that is no host's.
    pub(crate) asked: Option<Box<str>>,
    pub(crate) account: Option<Foreign>,
    pub(crate) mechanism: Option<Word>,
    pub(crate) program: Option<Word>,
    pub(crate) share: Option<Foreign>,
    pub(crate) protection: Option<Protection>,
    /// How often the service was used; 0 for one that only came.
    pub(crate) count: u64,
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// What it searched in a directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) searches: search::OfUse,
    /// How many further ones had no room.
    #[serde(default)]
    pub(crate) searches_lost: u64,
}

/// The fields of one line, before anything is made of them.
struct Fields<'m> {
    taken: [(Field, &'m str); FIELDS_MAX],
    count: usize,
}

impl<'m> Fields<'m> {
    fn put(&mut self, field: Field, value: &'m str) {
        if let Some(slot) = self.taken.get_mut(self.count) {
            *slot = (field, value);
            self.count += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Field, &'m str)> {
        self.taken.iter().take(self.count).copied()
    }
}

/// Fills `fields` with what `line` takes; false if the message is another one.
fn matches<'m>(
    line: &LogLine,
    message: &'m str,
    json: Option<&'m Value>,
    fields: &mut Fields<'m>,
) -> bool {
    fields.count = 0;
    match &line.shape {
        Shape::Text(template) => template.matches(message, |field, value| fields.put(field, value)),
        Shape::Json { is, takes } => {
            let text = |pointer: &String| json?.pointer(pointer)?.as_str();
            if !is
                .iter()
                .all(|(pointer, value)| text(pointer) == Some(value))
            {
                return false;
            }
            for (field, pointer) in takes {
                if let Some(value) = text(pointer) {
                    fields.put(*field, value);
                }
            }
            true
        }
    }
}

/// What stands beside what a line tells of a use: the session it is of, the time, and what is searched.
struct Beside<'m> {
    session: &'m str,
    time: Option<&'m str>,
    search: Option<Search>,
}

/// Makes of the fields what they mean, in `used`; `None` if one is not what it should be.
fn told<'m>(line: &LogLine, fields: &Fields<'m>, used: &mut Use) -> Option<Beside<'m>> {
    *used = Use {
        mechanism: line.mechanism.as_deref().and_then(Word::parse),
        protection: line.protection,
        count: u64::from(matches!(line.does, Does::Counts | Does::Whole)),
        ..Use::default()
    };
    let (mut session, mut time) = ("", None);
    let (mut base, mut filter) = (None, "");
    for (field, value) in fields.iter() {
        match field {
            Field::Client => used.client = Some(address(value)?),
            Field::ClientName if value.len() > ACCOUNT_MAX => return None,
            Field::ClientName => used.client_name = Some(value.into()),
            Field::Server => used.server = Some(address(value)?),
            Field::Asked if value.len() > ACCOUNT_MAX => used.asked = Some("".into()),
            Field::Asked => used.asked = Some(value.into()),
            Field::Name => used.name = HostName::parse(value),
            // Samba writes the port behind its own address.
            Field::Port => used.port = Some(Port(value.rsplit(':').next()?.parse().ok()?)),
            // A dash stands for nobody in every log that writes one.
            Field::Account if value == "-" || value.len() > ACCOUNT_MAX => {}
            Field::Account => used.account = Some(value.into()),
            Field::Mechanism => used.mechanism = Word::parse(value),
            Field::Program => used.program = Word::parse(value.split(['/', ' ']).next()?),
            Field::Base => base = Some(value),
            Field::Filter => filter = value,
            Field::Session => session = value,
            // The way in, not a share; and what no share can be called.
            Field::Share if value.eq_ignore_ascii_case("IPC$") || !is_share(value) => return None,
            Field::Share => used.share = Some(value.into()),
            Field::Time => time = Some(value),
        }
    }
    let search = base.and_then(|base| Search::parse(base, filter));
    Some(Beside {
        session,
        time,
        search,
    })
}

impl Use {
    fn learn(&mut self, more: Self, at: Timestamp) {
        self.client = more.client.or(self.client);
        self.client_name = more.client_name.or_else(|| self.client_name.take());
        self.server = more.server.or(self.server);
        self.name = more.name.or_else(|| self.name.take());
        self.port = more.port.or(self.port);
        self.asked = more.asked.or_else(|| self.asked.take());
        self.account = more.account.or_else(|| self.account.take());
        self.mechanism = more.mechanism.or(self.mechanism);
        self.program = more.program.or(self.program);
        self.share = more.share.or_else(|| self.share.take());
        self.protection = more.protection.or(self.protection);
        self.count += more.count;
        let lost = search::learn(&mut self.searches, more.searches);
        self.searches_lost = self.searches_lost.saturating_add(lost);
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

/// True for what a share can be called ([MS-SRVS] 2.2.4: at most 80 signs, none of these).
pub(crate) fn is_share(name: &str) -> bool {
    let sound = |c: char| !c.is_control() && !"\"\\/[]:|<>+=;,*?".contains(c);
    (1..=80).contains(&name.chars().count()) && name.chars().all(sound)
}

pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    // Samba writes `ipv4:10.0.0.1:445` and `ipv6:fd00::1:445`.
    let text = match text
        .strip_prefix("ipv4:")
        .or_else(|| text.strip_prefix("ipv6:"))
    {
        Some(rest) => rest
            .rsplit_once(':')
            .map_or(rest, |(address, _port)| address),
        None => text,
    };
    // CUPS writes `[v1.fd00::1]`, and a zone behind a plus sign.
    let text = text
        .strip_prefix("[v1.")
        .and_then(|rest| rest.strip_suffix(']'))
        .map_or(text, |rest| {
            rest.split_once('+')
                .map_or(rest, |(address, _zone)| address)
        });
    crate::address::parse(text)
}

/// A line in the words of a grammar, and who spoke it.
pub(crate) struct Spoken<'m> {
    pub(crate) grammar: &'static LogGrammar,
    pub(crate) speaker: &'static Speaker,
    /// The port this speaker serves, as the machine's configuration says.
    pub(crate) port: Option<Port>,
    /// The process; an empty word without one, `None` for one that ties nothing.
    pub(crate) process: Option<Word>,
    pub(crate) message: &'m str,
}

/// Whose use it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) grammar: &'static LogGrammar,
    pub(crate) speaker: &'static Speaker,
}

impl Owner {
    /// The place of the speaker in its grammar.
    pub(crate) fn place(&self) -> usize {
        let mut speakers = self.grammar.speaker.iter();
        let at = speakers.position(|s| std::ptr::eq(s, self.speaker));
        at.unwrap_or(self.grammar.speaker.len())
    }

    /// The speaker at `place` in the same grammar.
    pub(crate) fn beside(&self, place: usize) -> Option<Self> {
        let speaker = self.grammar.speaker.get(place)?;
        Some(Self { speaker, ..*self })
    }
}

/// A session: who speaks, and the value that ties its lines together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key(&'static str, Word);

impl Hash for Key {
    /// Few speakers share a value.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.len());
        self.1.hash(state);
    }
}

/// An object of JSON may be so long.
const JSON_MAX: usize = 64 << 10;

/// The object that `message` is, in a grammar that reads such.
fn object(grammar: &LogGrammar, message: &str) -> Option<Value> {
    let reads = |line: &LogLine| matches!(line.shape, Shape::Json { .. });
    let text = message.trim_start();
    let may_be = text.starts_with('{') && text.len() <= JSON_MAX && grammar.line.iter().any(reads);
    may_be.then(|| serde_json::from_str(text).ok())?
}

/// Sessions that are open in the file that is read. Files are put together from the newest on, so what a client did in one may
/// need the older one that tells its coming.
#[derive(Default, Debug)]
pub(crate) struct Sessions {
    open: QuickMap<Key, (Owner, Use)>,
    /// Uses of this file whose client came before it begins.
    unknown: QuickMap<Key, Vec<(Owner, Use)>>,
    /// How many those are.
    waiting: usize,
    /// The same of the file after this one.
    later: QuickMap<Key, Vec<(Owner, Use)>>,
    /// What clients of directories searched.
    pub(crate) searches: Searches,
}

impl Sessions {
    /// Takes a line, and calls `done` with every use that is told to its end. `at` reads the time when it is needed. False
    /// for a line the grammar does not know, or that does not show that the log is on.
    pub(crate) fn take(
        &mut self,
        spoken: &Spoken<'_>,
        at: impl FnOnce(Option<&str>) -> Option<Timestamp>,
        done: &mut impl FnMut(Owner, Use),
    ) -> bool {
        let grammar = spoken.grammar;
        let json = object(grammar, spoken.message);
        let mut fields = Fields {
            taken: [(Field::Session, ""); FIELDS_MAX],
            count: 0,
        };
        // The first line of the grammar that fits tells it; one whose values are none of their kind fits not.
        let begin = Begin::of(spoken.message);
        let mut told = Use::default();
        let mut may_fit = grammar.line.iter().filter(|line| line.may_match(&begin));
        let fits = may_fit.find_map(|line| {
            if !matches(line, spoken.message, json.as_ref(), &mut fields) {
                return None;
            }
            Some((line, self::told(line, &fields, &mut told)?))
        });
        let Some((line, beside)) = fits else {
            return false;
        };
        let Beside {
            session,
            time,
            search,
        } = beside;
        let does = line.does;
        told.port = told.port.or(spoken.port);
        let Some(at) = at(time) else { return false };
        told.searches
            .extend(search.map(|search| (search, search::at(at))));
        let of_line = line.speaker.and_then(|at| grammar.speaker.get(at));
        let owner = Owner {
            grammar,
            speaker: of_line.unwrap_or(spoken.speaker),
        };
        if does == Does::Whole {
            told.span = Some((at, at));
            done(owner, told);
            return !line.by_default;
        }
        // A tie that is no word ties nothing; without one all lines of a speaker are of one use.
        let key = match (grammar.session, session) {
            (false, _) => spoken.process,
            (true, "") => Some(Word::default()),
            (true, session) => Word::parse(session),
        };
        let Some(key) = key else {
            return false;
        };
        let key = Key(owner.speaker.tag.as_str(), key);
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&key) {
            self.end_all(done);
        }
        let Self {
            open,
            unknown,
            waiting,
            searches,
            ..
        } = self;
        let mut tell = |owner, used| {
            tell(
                unknown,
                waiting,
                &key,
                owner,
                used,
                &mut |owner, mut used| {
                    searches.take(owner, &mut used);
                    done(owner, used);
                },
            );
        };
        match open.entry(key) {
            Entry::Vacant(_) if does == Does::Ends => {
                told.span = Some((at, at));
                tell(owner, told);
            }
            Entry::Vacant(place) => {
                told.span = Some((at, at));
                place.insert((owner, told));
            }
            Entry::Occupied(mut place) => {
                part(place.get_mut(), owner, does, &told, &mut tell);
                place.get_mut().1.learn(told, at);
                if does == Does::Ends {
                    let (owner, used) = place.remove();
                    tell(owner, used);
                }
            }
        }
        true
    }

    /// Forgets the accounts of clients outside, which nobody is told.
    pub(crate) fn settle(&mut self) {
        let open = self.open.values_mut().map(|(_, used)| used);
        for used in open.filter(|used| used.client.is_some_and(|client| !is_inside(client))) {
            used.account = None;
        }
        self.searches.forget_persons();
    }

    fn tell(&mut self, key: &Key, owner: Owner, used: Use, done: &mut impl FnMut(Owner, Use)) {
        let searches = &mut self.searches;
        let mut done = |owner, mut used| {
            searches.take(owner, &mut used);
            done(owner, used);
        };
        tell(
            &mut self.unknown,
            &mut self.waiting,
            key,
            owner,
            used,
            &mut done,
        );
    }

    /// A log that never says goodbye must not fill the memory: what is open ends.
    fn end_all(&mut self, done: &mut impl FnMut(Owner, Use)) {
        for (key, (owner, used)) in std::mem::take(&mut self.open) {
            self.tell(&key, owner, used, done);
        }
    }

    /// These of a file, after those of the `newer` one: what that one told of clients it does not know, this one may.
    pub(crate) fn come_before(&mut self, newer: Self, done: &mut impl FnMut(Owner, Use)) {
        self.later = newer.later;
        self.searches.join(newer.searches);
        self.end_file(done);
    }

    /// Ends what is still open, because the file is, and goes on to the file before it. A session open at the end of
    /// this one is the one whose begin the next one lacked.
    fn end_file(&mut self, done: &mut impl FnMut(Owner, Use)) {
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

/// Tells a use; one whose client is not known waits for an older file.
fn tell(
    unknown: &mut QuickMap<Key, Vec<(Owner, Use)>>,
    waiting: &mut usize,
    key: &Key,
    owner: Owner,
    used: Use,
    done: &mut impl FnMut(Owner, Use),
) {
    if used.client.is_some() || used.server.is_some() {
        return done(owner, used);
    }
    if *waiting < WAITING_MAX {
        *waiting += 1;
        unknown.entry(*key).or_default().push((owner, used));
    }
}

/// Tells what is open if the line speaks of another use: of another client (a server that was started again counts
/// from the begin; with threads, a client's coming may stand after what it did), or of another account.
fn part(
    (owner, open): &mut (Owner, Use),
    next: Owner,
    does: Does,
    told: &Use,
    tell: &mut impl FnMut(Owner, Use),
) {
    let is_another = |client| told.client.is_some() && client != told.client;
    if open.client.is_some() && (does == Does::Begins || is_another(open.client)) {
        tell(*owner, std::mem::take(open));
        *owner = next;
    } else if does == Does::Counts && open.count > 0 && told.account != open.account {
        tell(*owner, open.clone());
        open.count = 0;
        open.span = None;
        open.searches.clear();
        open.searches_lost = 0;
    }
}

/// What is open in a file, and what waits for an older one, as it is kept from one look to the next.
#[derive(Serialize, Deserialize)]
struct Kept {
    open: Vec<(Known, Word, Owner, Use)>,
    unknown: Vec<KeptUses>,
    searches: Searches,
}

/// Uses under one key.
type KeptUses = (Known, Word, Vec<(Owner, Use)>);

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let open = self.open.iter();
        let open =
            open.map(|(Key(tag, word), (owner, used))| (Known(tag), *word, *owner, used.clone()));
        let unknown = self.unknown.iter();
        let unknown = unknown.map(|(Key(tag, word), uses)| (Known(tag), *word, uses.clone()));
        Kept {
            open: open.collect(),
            unknown: unknown.collect(),
            searches: self.searches.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Kept {
            open,
            unknown,
            searches,
        } = Kept::deserialize(deserializer)?;
        let waiting = unknown.iter().map(|(.., uses)| uses.len()).sum();
        let open = open.into_iter();
        let unknown = unknown.into_iter();
        Ok(Self {
            open: open
                .map(|(tag, word, owner, used)| (Key(tag.0, word), (owner, used)))
                .collect(),
            unknown: unknown
                .map(|(tag, word, uses)| (Key(tag.0, word), uses))
                .collect(),
            waiting,
            searches,
            later: QuickMap::default(),
        })
    }
}
