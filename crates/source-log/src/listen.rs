//! Who hears a line: from its head to the use it tells.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::{Head, LogGrammar, Speaker};
use groma_model::{Port, Timestamp};
use serde::{Deserialize, Serialize};

use crate::journal::Entry;
use crate::known;
use crate::mail::{self, Heard, Mail, Readers, Voice};
use crate::search::Searches;
use crate::session::{Owner, Sessions, Spoken, Use};
use crate::stamp::Clock;
use crate::syslog::{self, Line};
use crate::tally::{Tally, Told};
use crate::word::Word;
use crate::zones::Zones;

/// Tags whose speaker is remembered while a file is read.
const SPEAKERS_MAX: usize = 64;
/// Clients without an address that are told by name.
const NAMELESS_MAX: usize = 1_000;
/// Times at which a log was switched that are kept.
const SWITCHED_MAX: usize = 10_000;

/// What one file told, or a family of them. What sessions and messages are open stays open: a file may be written on.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    #[serde(with = "known::keyed")]
    pub(crate) tallies: BTreeMap<&'static str, Tally>,
    /// Products whose log is on.
    #[serde(with = "known::names")]
    pub(crate) heard: BTreeSet<&'static str>,
    /// From when to when it reaches.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// Whether lines of a file a product writes itself are as its grammar has them: `None` before there was any.
    pub(crate) is_format_known: Option<bool>,
    /// Lines other machines sent here.
    pub(crate) of_others: u64,
    /// When products said that their log was switched on or off.
    #[serde(with = "known::keyed")]
    pub(crate) switched: BTreeMap<&'static str, BTreeSet<Timestamp>>,
    /// How often clients came whose name stands for no single address.
    pub(crate) unplaced: BTreeMap<Box<str>, u64>,
    /// The first time met that cannot be: whose clock was wrong. Lines with such a time are left out.
    pub(crate) impossible: Option<Timestamp>,
    sessions: Sessions,
    /// What they tell of mail.
    pub(crate) mail: Mail,
    /// Who reads mail and calendars.
    pub(crate) readers: Readers,
}

impl Reading {
    /// The log reaches over this time too.
    pub(crate) fn met(&mut self, span: Option<(Timestamp, Timestamp)>) {
        if let Some((first, last)) = span {
            let (begin, end) = self.span.unwrap_or((first, last));
            self.span = Some((begin.min(first), end.max(last)));
        }
    }

    /// The calls of a mail server that are over.
    pub(crate) fn tell_calls(&mut self) {
        let Self {
            tallies,
            span,
            mail,
            ..
        } = self;
        mail.tell_calls(&mut |told| keep_sum(tallies, span, told));
    }

    /// The same without anything that no batch may hold.
    pub(crate) fn settle(&mut self) {
        self.mail.settle();
        self.sessions.settle();
        self.tallies.values_mut().for_each(Tally::forget_persons);
    }

    /// What clients of directories searched; it is told once.
    pub(crate) fn searches(&mut self) -> Searches {
        std::mem::take(&mut self.sessions.searches)
    }

    /// What an older file told is put before this, which so far are the newer ones.
    pub(crate) fn go_back(&mut self, older: Self, zones: &Zones) {
        self.met(older.span);
        self.heard.extend(older.heard);
        self.is_format_known = self.is_format_known.max(older.is_format_known);
        self.of_others = self.of_others.saturating_add(older.of_others);
        self.impossible = self.impossible.or(older.impossible);
        for (product, times) in older.switched {
            let known = self.switched.entry(product).or_default();
            let room = SWITCHED_MAX.saturating_sub(known.len());
            known.extend(times.into_iter().take(room));
        }
        for (name, count) in older.unplaced {
            if self.unplaced.len() < NAMELESS_MAX || self.unplaced.contains_key(&name) {
                let known = self.unplaced.entry(name).or_default();
                *known = known.saturating_add(count);
            }
        }
        for (product, tally) in older.tallies {
            self.tallies.entry(product).or_default().join(tally);
        }
        let Self {
            tallies,
            span,
            mail,
            ..
        } = self;
        mail.go_back(older.mail, &mut |told| keep_sum(tallies, span, told));
        self.readers.go_back(older.readers);
        let newer = std::mem::replace(&mut self.sessions, older.sessions);
        let Self {
            tallies,
            span,
            sessions,
            ..
        } = self;
        sessions.come_before(newer, &mut |owner, used| {
            keep(tallies, span, zones, owner, used);
        });
    }
}

/// The machine that spoke last: neighbouring lines are of one.
#[derive(Default)]
pub(crate) struct Machine {
    /// Its name as lines have it, and the blank behind it.
    head: Vec<u8>,
    is_another: bool,
}

impl Machine {
    fn is_called(&self, host: &[u8]) -> bool {
        self.head.strip_suffix(b" ") == Some(host)
    }
}

/// Hears the lines of one file.
pub(crate) struct Listener<'l> {
    pub(crate) speakers: Speakers,
    pub(crate) last_machine: Machine,
    /// Ports of services that sign with a name of their own.
    pub(crate) ports: &'l BTreeMap<String, Port>,
    /// Addresses of clients that a service knows by name.
    pub(crate) clients: &'l BTreeMap<String, IpAddr>,
    /// What this machine calls itself in its logs, without its domain.
    pub(crate) own_name: Option<&'l str>,
    /// What Postfix calls it in lines of its own.
    pub(crate) postfix_name: Option<&'l str>,
    pub(crate) clock: Clock<'l>,
    /// Zones this machine answers for.
    pub(crate) zones: &'l Zones,
    /// Whose log was seen to be on last.
    pub(crate) last_heard: Option<&'static LogGrammar>,
    pub(crate) reading: &'l mut Reading,
}

impl Listener<'_> {
    /// Hears a line of a text file, which may be known to be text.
    pub(crate) fn hear_line(&mut self, bytes: &[u8], whole: Option<&str>) {
        let speakers = &self.speakers;
        let like_last =
            || syslog::split_like(bytes, &self.last_machine.head, |tag| speakers.known(tag));
        let (line, spoken_by) = match speakers.headless {
            true => (Some(syslog::headless(bytes)), None),
            false => match like_last() {
                Some((line, spoken_by)) => (Some(line), Some(spoken_by)),
                None => (syslog::split(bytes), None),
            },
        };
        let Some(line) = line else { return };
        let is_anothers = match spoken_by {
            Some(_) => self.last_machine.is_another,
            None => self.is_of_another(line.host),
        };
        if is_anothers && !self.is_own_postfix(&line) {
            self.reading.of_others += 1;
            return;
        }
        let spoken_by = spoken_by.unwrap_or_else(|| self.speakers.of(line.tag, self.ports));
        // The message is the end of its line.
        let begin = bytes.len().saturating_sub(line.message.len());
        let message = whole.and_then(|whole| whole.get(begin..));
        self.hear(&line, spoken_by, message, None);
    }

    /// Hears an entry of a journal.
    pub(crate) fn hear_entry(&mut self, entry: &Entry<'_>) {
        let line = Line {
            stamp: b"",
            host: entry.host,
            tag: entry.tag,
            process: entry.process,
            message: entry.message,
        };
        let Some(at) = self.clock.possible(entry.at) else {
            return;
        };
        if self.is_of_another(line.host) && !self.is_own_postfix(&line) {
            self.reading.of_others += 1;
            return;
        }
        let spoken_by = self.speakers.of(line.tag, self.ports);
        self.hear(&line, spoken_by, None, Some(at));
    }

    fn hear(
        &mut self,
        line: &Line<'_>,
        spoken_by: SpokenBy,
        message: Option<&str>,
        known_at: Option<Timestamp>,
    ) {
        if spoken_by.is_nobody() {
            return;
        }
        let port = spoken_by.port;
        // Without a process, all lines of a speaker are of one.
        let process = match line.process {
            b"" => Some(Word::default()),
            process => Word::of_bytes(process)
                .or_else(|| std::str::from_utf8(process).is_err().then(Word::default)),
        };
        let message = message.map_or_else(|| text(line.message), Cow::Borrowed);
        let level = spoken_by
            .uses
            .and_then(|(grammar, _)| grammar.level.as_deref());
        let message = without_level(message, level);
        if let Some(voice) = spoken_by.voice {
            let heard = Heard {
                voice,
                owner: spoken_by.owner(),
                port,
                ports: self.ports,
                process: process.unwrap_or_default(),
                message: &message,
            };
            let clock = &mut self.clock;
            let at = || match known_at {
                Some(at) => Some(at),
                None => clock.read_bytes(line.stamp),
            };
            self.reading.mail.hear(&heard, at);
            if voice.tells_calls() {
                self.hear_of(spoken_by.uses.map(|(grammar, _)| grammar));
                return;
            }
        }
        let Some((grammar, speaker)) = spoken_by.uses else {
            return;
        };
        let Reading {
            tallies,
            span,
            sessions,
            unplaced,
            switched,
            readers,
            is_format_known,
            ..
        } = &mut *self.reading;
        let clients = self.clients;
        let spoken = Spoken {
            grammar,
            speaker,
            port,
            process,
            message: &message,
        };
        let clock = &mut self.clock;
        if (grammar.switched.iter()).any(|end| message.ends_with(end.as_str())) {
            let at = known_at.or_else(|| clock.read_bytes(line.stamp));
            let times = switched.entry(grammar.id.as_str()).or_default();
            times.extend(at.filter(|_| times.len() < SWITCHED_MAX));
        }
        let mut at = |time: Option<&str>| match (known_at, time) {
            (Some(at), _) => Some(at),
            (None, Some(time)) => clock.read(time),
            (None, None) => clock.read_bytes(line.stamp),
        };
        if spoken_by.tells_readers {
            readers.hear(grammar, &message, &mut at);
        }
        let zones = self.zones;
        let fits = sessions.take(&spoken, at, &mut |owner, used| {
            if let Some(used) = placed(used, clients, unplaced) {
                keep(tallies, span, zones, owner, used);
            }
        });
        // What the format is, one line shows.
        if self.speakers.headless && !grammar.refused.is_empty() && *is_format_known != Some(true) {
            let is_refused =
                || (grammar.refused.iter()).any(|line| line.matches(&message, |_, _| ()));
            *is_format_known = Some(fits || is_refused());
        }
        // That a product starts and stops says nothing of a log it keeps only if told to.
        if fits || !grammar.off_by_default {
            self.hear_of(Some(grammar));
        }
    }

    /// The log of this product is on.
    fn hear_of(&mut self, grammar: Option<&'static LogGrammar>) {
        let Some(grammar) = grammar else { return };
        if !self
            .last_heard
            .is_some_and(|last| std::ptr::eq(last, grammar))
        {
            self.last_heard = Some(grammar);
            self.reading.heard.insert(grammar.id.as_str());
        }
        if self.reading.mail.is_full_of_calls() {
            self.reading.tell_calls();
        }
    }

    /// True if nobody asks for what is said under this tag.
    pub(crate) fn is_nobody(&mut self, tag: &[u8]) -> bool {
        self.speakers.of(tag, self.ports).is_nobody()
    }

    /// There is no more of the file now.
    pub(crate) fn end(self) {
        self.reading.tell_calls();
        let impossible = &mut self.reading.impossible;
        *impossible = impossible.or(self.clock.impossible);
    }

    /// True for a line that another machine sent here. A machine that does not know its own name takes all for its own.
    fn is_of_another(&mut self, host: &[u8]) -> bool {
        if !self.last_machine.is_called(host) {
            self.last_machine = Machine {
                head: [host, b" "].concat(),
                is_another: self.is_anothers(host),
            };
        }
        self.last_machine.is_another
    }

    fn is_anothers(&self, host: &[u8]) -> bool {
        let short = host.split(|b| *b == b'.').next().unwrap_or(host);
        let own = |name: &str| {
            short.eq_ignore_ascii_case(name.as_bytes()) || short.eq_ignore_ascii_case(b"localhost")
        };
        !host.is_empty() && self.own_name.is_some_and(|name| !own(name))
    }

    /// True for a line of this machine's Postfix, which may go by another name than the machine.
    fn is_own_postfix(&self, line: &Line<'_>) -> bool {
        let short = line.host.split(|b| *b == b'.').next().unwrap_or(line.host);
        line.tag.starts_with(b"postfix")
            && self
                .postfix_name
                .is_some_and(|name| short.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// The use with the address of a client that is known by name; `None`, and counted, where the name stands for no single one.
fn placed(
    mut used: Use,
    clients: &BTreeMap<String, IpAddr>,
    unplaced: &mut BTreeMap<Box<str>, u64>,
) -> Option<Use> {
    let Some(name) = used.client_name.take().filter(|_| used.client.is_none()) else {
        return Some(used);
    };
    used.client = clients.get(&*name).copied();
    if used.client.is_none() && (unplaced.len() < NAMELESS_MAX || unplaced.contains_key(&name)) {
        *unplaced.entry(name).or_default() += used.count.max(1);
    }
    used.client.is_some().then_some(used)
}

/// Nearly every line is UTF-8, which is found out faster than what is not.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The message without the word that says how much it matters, as Dovecot writes it in files of its own: `imap: Info: …`.
fn without_level<'m>(message: Cow<'m, str>, level: Option<&str>) -> Cow<'m, str> {
    let whole = level.and_then(|level| {
        let (who, rest) = message.split_once(": ")?;
        let rest = rest.strip_prefix(level)?;
        Some(format!("{who}: {rest}"))
    });
    whole.map_or(message, Cow::Owned)
}

fn keep(
    tallies: &mut BTreeMap<&'static str, Tally>,
    span: &mut Option<(Timestamp, Timestamp)>,
    zones: &Zones,
    owner: Owner,
    used: Use,
) {
    if let Some((first, last)) = used.span {
        let (begin, end) = span.unwrap_or((first, last));
        *span = Some((begin.min(first), end.max(last)));
    }
    let tally = tallies.entry(owner.grammar.id.as_str()).or_default();
    tally.add(owner.speaker, used, zones);
}

fn keep_sum(
    tallies: &mut BTreeMap<&'static str, Tally>,
    span: &mut Option<(Timestamp, Timestamp)>,
    told: Told,
) {
    let (first, last) = (told.seen.first, told.seen.last);
    let (begin, end) = span.unwrap_or((first, last));
    *span = Some((begin.min(first), end.max(last)));
    let tally = tallies.entry(told.owner.grammar.id.as_str()).or_default();
    tally.add_sum(told);
}

/// Who speaks: whose uses its lines tell, and of whose mail.
#[derive(Clone, Copy)]
pub(crate) struct SpokenBy {
    uses: Option<(&'static LogGrammar, &'static Speaker)>,
    voice: Option<Voice>,
    /// Where it serves, as the machine's configuration says.
    port: Option<Port>,
    /// True if it tells of readers of mail.
    tells_readers: bool,
}

impl SpokenBy {
    fn owner(&self) -> Option<Owner> {
        let (grammar, speaker) = self.uses?;
        Some(Owner { grammar, speaker })
    }

    /// True if nobody asks for what it says.
    pub(crate) fn is_nobody(&self) -> bool {
        self.uses.is_none() && self.voice.is_none()
    }
}

/// Who speaks in one file, by tag.
pub(crate) struct Speakers {
    /// Whose file it is: who speaks a line without a tag.
    own: Option<&'static LogGrammar>,
    /// True if its lines begin with no head.
    headless: bool,
    /// Tags that were met, in the order in which they were: those that speak most come early, and a hash costs more than a look
    /// at a few.
    known: Vec<(Box<[u8]>, SpokenBy)>,
}

impl Speakers {
    /// Who speaks in the file of `own`, or in one that many write.
    pub(crate) fn of_file(own: Option<&'static LogGrammar>) -> Self {
        Self {
            own,
            headless: own.is_some_and(|grammar| grammar.head != Head::Syslog),
            known: Vec::new(),
        }
    }

    /// Who signs with a tag that was met.
    fn known(&self, tag: &[u8]) -> Option<SpokenBy> {
        let mut known = self.known.iter();
        known.find(|(own, _)| **own == *tag).map(|(_, by)| *by)
    }

    /// The grammar and speaker of a line; one without a tag is spoken by whoever owns the file.
    pub(crate) fn of(&mut self, tag: &[u8], ports: &BTreeMap<String, Port>) -> SpokenBy {
        if let Some(spoken_by) = self.known(tag) {
            return spoken_by;
        }
        let name = std::str::from_utf8(tag).ok();
        let uses = self.look_up(tag);
        let spoken_by = SpokenBy {
            uses,
            voice: name.and_then(|name| Voice::of(name, self.own)),
            port: ports.get(name.unwrap_or_default()).copied(),
            tells_readers: uses.is_some_and(|(grammar, _)| mail::is_told_by(grammar)),
        };
        if self.known.len() < SPEAKERS_MAX {
            self.known.push((tag.into(), spoken_by));
        }
        spoken_by
    }

    fn look_up(&self, tag: &[u8]) -> Option<(&'static LogGrammar, &'static Speaker)> {
        if tag.is_empty() {
            return self
                .own
                .and_then(|grammar| Some((grammar, grammar.speaker.first()?)));
        }
        let tag = std::str::from_utf8(tag).ok()?;
        LOG_GRAMMARS.iter().find_map(|grammar| {
            let speaker = grammar.speaker.iter().find(|s| s.signs(tag))?;
            Some((grammar, speaker))
        })
    }
}
