//! Lines of one message brought together: who brought it, who it is from and to, in one or two files.
//!
//! Postfix ties a message by its queue id and a session by its process. Files are read from the newest on, so what a file
//! lacks of a message's begin waits for the older one.

use std::collections::hash_map::Entry;
use std::net::IpAddr;

use groma_knowledge::mail_senders::sender_word;
use groma_model::Timestamp;
use groma_model::fact::MailRefusal;
use groma_model::name::{Port, Protection};
use serde::{Deserialize, Serialize};

use super::calls::{Call, Calls, Span};
use super::delays::{Delays, Fate};
use super::names::{Name, Names};
use super::said::{Refused, Said, Taken, address, helo};
use super::sums::{Sums, To, Way};
use crate::known;
use crate::quick::QuickMap;
use crate::session::Owner;
use crate::tally::{Told, is_inside};
use crate::word::Word;

/// Messages open at a time, sessions open at a time, and messages that wait for an older file.
const OPEN_MAX: usize = 20_000;
/// Messages of one session that still learn how it ended.
const OF_SESSION_MAX: usize = 16;
/// Stands for an account that nobody is told.
const SOMEBODY: &str = "";
/// Longest account that is kept: what is longer is no name.
const ACCOUNT_MAX: usize = 256;

/// What one client does from its coming to its going.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    client: IpAddr,
    tls: Option<Name>,
    certificate: bool,
    /// The account it logged on with, where a line of its own says so, and how.
    proven: Option<(Option<Name>, Option<Name>)>,
    queues: Vec<Word>,
    /// What it does as a caller, where that is told from here.
    calling: Option<Calling>,
}

/// A call that is not over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Calling {
    owner: Owner,
    port: Option<Port>,
    account: Option<Name>,
    mechanism: Option<Name>,
    protection: Option<Protection>,
    count: u64,
    span: Option<Span>,
}

impl Session {
    fn of(client: IpAddr, calling: Option<Calling>) -> Self {
        Self {
            client,
            tls: None,
            certificate: false,
            proven: None,
            queues: Vec::new(),
            calling,
        }
    }
}

impl Session {
    /// Somebody is all that is kept of who logged on.
    fn forget_account(&mut self, somebody: Name) {
        if let Some((account, _)) = &mut self.proven {
            *account = account.and(Some(somebody));
        }
        if let Some(calling) = &mut self.calling {
            calling.account = calling.account.and(Some(somebody));
        }
    }

    /// The same in other names.
    fn rename(&mut self, renamed: &mut impl FnMut(Name, bool) -> Option<Name>) {
        self.tls = self.tls.and_then(|name| renamed(name, true));
        if let Some((account, mechanism)) = &mut self.proven {
            *account = account.and_then(|name| renamed(name, true));
            *mechanism = mechanism.and_then(|name| renamed(name, true));
        }
        if let Some(calling) = &mut self.calling {
            calling.account = calling.account.and_then(|name| renamed(name, true));
            calling.mechanism = calling.mechanism.and_then(|name| renamed(name, true));
        }
    }
}

impl Calling {
    fn begins(spoken: &Spoken, at: Option<Timestamp>) -> Option<Self> {
        Some(Self {
            owner: spoken.caller?,
            port: spoken.port,
            account: None,
            mechanism: None,
            protection: None,
            count: 0,
            span: at.map(|at| (at, at)),
        })
    }

    fn lasts(&mut self, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }

    fn tell(&self, client: IpAddr, calls: &mut Calls) {
        let Some(span) = self.span else { return };
        let call = Call {
            speaker: self.owner.place(),
            is_incoming: true,
            peer: client,
            port: self.port,
            name: None,
            account: self.account,
            mechanism: self.mechanism,
            protection: self.protection,
        };
        calls.add(self.owner, call, self.count, span);
    }
}

/// One message.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Message {
    client: Option<IpAddr>,
    port: Option<Port>,
    helo: Option<Name>,
    account: Option<Name>,
    mechanism: Option<Name>,
    protection: Option<Protection>,
    tls: Option<Name>,
    certificate: bool,
    sender: Option<Name>,
    #[serde(with = "known::maybe")]
    word: Option<known::Text>,
    bytes: Option<u64>,
    to: To,
    at: Option<Timestamp>,
    /// True once it stands in the queue: only then it was taken.
    queued: bool,
    removed: bool,
    /// When it was not taken after all.
    rejected: Option<Timestamp>,
    /// True while the session that brought it may still tell how it was protected.
    in_session: bool,
    /// How many messages had begun before it.
    before: u64,
}

/// Who speaks, where and when.
pub(crate) struct Spoken {
    /// The process; all lines of one session have it.
    pub(crate) process: Word,
    /// The port it serves.
    pub(crate) port: Option<Port>,
    /// True if TLS is spoken there from the first byte.
    pub(crate) from_first_byte: bool,
    /// Whose calls these are, where they are told from here: a server that takes mail, or a client that hands it on.
    pub(crate) caller: Option<Owner>,
}

/// What is open in the file that is read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Track {
    sessions: QuickMap<Word, Session>,
    open: QuickMap<Word, Message>,
    /// What this file told of messages whose begin it lacks.
    later: QuickMap<Word, Message>,
    /// The same of the file after this one.
    #[serde(skip)]
    waiting: QuickMap<Word, Message>,
    /// Messages that began so far.
    begun: u64,
    pub(crate) names: Names,
    pub(crate) sums: Sums,
    /// How long mail took.
    pub(crate) delays: Delays,
    #[serde(skip)]
    calls: Calls,
}

impl Track {
    /// Takes a line. `at` reads its time where that is needed.
    pub(crate) fn take(
        &mut self,
        spoken: &Spoken,
        said: Said<'_>,
        at: impl FnOnce() -> Option<Timestamp>,
    ) {
        match said {
            Said::Came { client } => self.came(spoken, client, at()),
            Said::Secured {
                client,
                version,
                certificate,
                begins,
            } => {
                if begins {
                    self.came(spoken, client, at());
                } else {
                    self.calls(spoken, client, at, |calling| {
                        calling.protection = Some(Protection::Starttls);
                    });
                }
                let version = self.names.number_of_word(version);
                if let Some(session) = self.session(spoken, client) {
                    session.tls = version;
                    session.certificate = certificate;
                }
            }
            Said::Proven {
                client,
                account,
                mechanism,
            } => self.proven(spoken, client, account, mechanism, at),
            Said::Taken(taken) => {
                if let Some(at) = at() {
                    self.taken(spoken, &taken, at);
                }
            }
            Said::Queued {
                queue,
                sender,
                bytes,
            } => self.queued(queue, sender, bytes),
            Said::Recipient {
                queue,
                address: to,
                here,
                handed,
                fate,
            } => {
                self.recipient(queue, to, here);
                let handed = spoken.caller.zip(handed);
                if handed.is_none() && fate.is_none() {
                    return;
                }
                let Some(at) = at() else { return };
                if let Some((owner, relay)) = handed {
                    self.calls.handed(owner, relay, at);
                }
                if let Some(fate) = fate {
                    self.delays.take(at, fate);
                }
            }
            Said::Expired => {
                if let Some(at) = at() {
                    self.delays.take(at, Fate::Returned);
                }
            }
            Said::Done { queue } => self.done(queue),
            Said::Refused(refused) => {
                if let Some(at) = at() {
                    self.refused(spoken, &refused, at);
                }
            }
            Said::Went { client, starttls } => self.went(spoken, client, starttls, at),
        }
    }

    fn came(&mut self, spoken: &Spoken, client: IpAddr, at: Option<Timestamp>) {
        self.leave(spoken, None, None);
        if self.sessions.len() >= OPEN_MAX {
            self.end_sessions();
        }
        let calling = Calling::begins(spoken, at);
        self.sessions
            .insert(spoken.process, Session::of(client, calling));
    }

    /// Ends the sessions that are open: nothing more is told of them.
    fn end_sessions(&mut self) {
        for (_, session) in self.sessions.drain() {
            if let Some(calling) = session.calling {
                calling.tell(session.client, &mut self.calls);
            }
        }
    }

    /// The client of this process calls, and what more of that this line tells. Where no line said that it came, this one does.
    fn calls(
        &mut self,
        spoken: &Spoken,
        client: IpAddr,
        at: impl FnOnce() -> Option<Timestamp>,
        learn: impl FnOnce(&mut Calling),
    ) {
        if spoken.caller.is_none() {
            return;
        }
        let at = at();
        let known = self.session(spoken, client);
        if let Some(calling) = known.and_then(|session| session.calling.as_mut()) {
            learn(calling);
            calling.lasts(at);
            return;
        }
        self.came(spoken, client, at);
        let begun = self.session(spoken, client);
        if let Some(calling) = begun.and_then(|session| session.calling.as_mut()) {
            learn(calling);
        }
    }

    /// The client of this process logged on; where no line says that it came, this one does.
    fn proven(
        &mut self,
        spoken: &Spoken,
        client: IpAddr,
        account: &str,
        mechanism: Word,
        at: impl FnOnce() -> Option<Timestamp>,
    ) {
        let account = self.account(Some(account), client);
        let mechanism = self.names.number_of_word(Some(mechanism));
        if self.session(spoken, client).is_none() {
            self.came(spoken, client, at());
        }
        if let Some(session) = self.session(spoken, client) {
            session.proven = Some((account, mechanism));
        }
    }

    /// The session of this process, if it is this client's.
    fn session(&mut self, spoken: &Spoken, client: IpAddr) -> Option<&mut Session> {
        let session = self.sessions.get_mut(&spoken.process);
        session.filter(|session| session.client == client)
    }

    fn taken(&mut self, spoken: &Spoken, taken: &Taken<'_>, at: Timestamp) {
        let account = self.account(taken.account, taken.client);
        let mechanism = self.names.number_of_word(taken.mechanism);
        self.called(spoken, taken.client, (account, mechanism), at);
        // Handed back by a filter, on behalf of somebody who was told of before.
        if taken.is_back {
            return;
        }
        // A queue id that was there before is used again.
        if let Some(before) = self.open.remove(&taken.queue) {
            self.finish(before);
        }
        self.begun += 1;
        if self.open.len() >= OPEN_MAX {
            self.let_go();
        }
        // A mechanism without an account would say that the server lets others log on.
        let is_kept = account.is_some() || taken.account.is_none();
        let mut message = Message {
            client: Some(taken.client),
            port: spoken.port,
            account,
            mechanism: mechanism.filter(|_| is_kept),
            at: Some(at),
            before: self.begun,
            ..Message::default()
        };
        if let Some(whole) = &taken.whole {
            message.port = whole.port.map(Port).or(message.port);
            let helo = whole.helo.filter(|_| !message.is_strangers());
            message.helo = helo.and_then(|helo| self.names.number(helo));
            message.protection = whole.protection;
            message.tls = self.names.number_of_word(whole.tls);
            message.certificate = whole.certificate;
            self.learn_of_session(spoken, &mut message);
            message.envelope(&mut self.names, whole.sender, whole.bytes);
        } else if let Some(session) = self.session(spoken, taken.client) {
            message.tls = session.tls;
            message.certificate = session.certificate;
            message.protection = session.tls.map(|_| secure(spoken));
            if session.queues.len() < OF_SESSION_MAX {
                session.queues.push(taken.queue);
                message.in_session = true;
            }
        }
        self.open.insert(taken.queue, message);
    }

    /// A message was taken of a caller: as another account than before it is another call.
    fn called(
        &mut self,
        spoken: &Spoken,
        client: IpAddr,
        (account, mechanism): (Option<Name>, Option<Name>),
        at: Timestamp,
    ) {
        let mut before = None;
        let learn = |calling: &mut Calling| {
            if calling.count > 0 && calling.account != account {
                before = Some(*calling);
                (calling.count, calling.span) = (0, None);
            }
            calling.account = account.or(calling.account);
            calling.mechanism = mechanism.or(calling.mechanism);
            calling.count += 1;
        };
        self.calls(spoken, client, || Some(at), learn);
        if let Some(before) = before {
            before.tell(client, &mut self.calls);
        }
    }

    /// What lines before told of the session and the one that tells of the message does not: it says that there is an
    /// account, or TLS, and not which.
    fn learn_of_session(&mut self, spoken: &Spoken, message: &mut Message) {
        let client = message.client;
        let Some(session) = client.and_then(|client| self.session(spoken, client)) else {
            return;
        };
        let secure = message.protection.is_some_and(|p| p != Protection::None);
        if message.tls.is_none() && secure {
            message.tls = session.tls;
            message.certificate |= session.certificate;
        }
        if let (true, None, Some((account, mechanism))) =
            (message.mechanism.is_some(), message.account, session.proven)
        {
            message.account = account;
            message.mechanism = mechanism;
        }
    }

    /// Where somebody outside logs on from is a person's business: that one did is all that is kept.
    fn account(&mut self, account: Option<&str>, client: IpAddr) -> Option<Name> {
        let account = account.filter(|account| account.len() <= ACCOUNT_MAX)?;
        let account = if is_inside(client) { account } else { SOMEBODY };
        self.names.number_of_account(account)
    }

    /// The message, or a place for one whose begin an older file tells; and the names, for it to use.
    fn message(&mut self, queue: Word) -> (&mut Message, &mut Names) {
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&queue) {
            self.let_go();
        }
        let message = match self.open.entry(queue) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                self.begun += 1;
                place.insert(Message {
                    before: self.begun,
                    ..Message::default()
                })
            }
        };
        (message, &mut self.names)
    }

    /// A log that never says that its messages are done (Sendmail's) must not fill the memory: the older half of what is
    /// open counts as it is.
    fn let_go(&mut self) {
        let mut ages: Vec<u64> = self.open.values().map(|message| message.before).collect();
        let (_, middle, _) = ages.select_nth_unstable(OPEN_MAX / 2);
        let middle = *middle;
        let (old, young) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|(_, message)| message.before <= middle);
        self.open = young;
        let old: QuickMap<Word, Message> = old;
        for (queue, message) in old {
            match message.client {
                Some(_) => self.finish(message),
                None => wait(&mut self.later, queue, message),
            }
        }
    }

    fn queued(&mut self, queue: Word, sender: &str, bytes: Option<u64>) {
        let (message, names) = self.message(queue);
        // Told again at every try to deliver.
        if !message.queued {
            message.envelope(names, sender, bytes);
        }
    }

    fn recipient(&mut self, queue: Word, to: &str, here: bool) {
        let (message, names) = self.message(queue);
        let domain = address(to)
            .filter(|_| !message.is_strangers())
            .and_then(|(_, domain)| names.number_of_lower(domain));
        match domain {
            Some(domain) => message.to.add(domain, here),
            None => message.to.join(&To::many()),
        }
    }

    fn done(&mut self, queue: Word) {
        let (message, _) = self.message(queue);
        message.removed = true;
        // The session it came in will tell more of it.
        if message.in_session {
            return;
        }
        let Some(message) = self.open.remove(&queue) else {
            return;
        };
        match message.client {
            Some(_) => self.finish(message),
            // It began in an older file, or on this machine.
            None => wait(&mut self.later, queue, message),
        }
    }

    fn refused(&mut self, spoken: &Spoken, refused: &Refused<'_>, at: Timestamp) {
        // A message that is not taken after all is no message; one recipient less is not that.
        if refused.why == MailRefusal::ContentRejected
            && let Some(queue) = refused.queue
        {
            let (message, _) = self.message(queue);
            message.client = message.client.or(refused.client);
            message.rejected = Some(at);
            return;
        }
        // Strangers who try are nobody's need, and use up no room.
        let Some(client) = refused.client.filter(|client| is_inside(*client)) else {
            return;
        };
        let (tls, certificate) = self
            .session(spoken, client)
            .map_or((None, false), |session| (session.tls, session.certificate));
        let account = self.account(refused.account, client);
        let sender = refused.sender.and_then(address);
        let mut to = To::default();
        if let Some((_, domain)) = refused.recipient.and_then(address)
            && let Some(domain) = self.names.number_of_lower(domain)
        {
            to.add(domain, false);
        }
        let way = Way {
            peer: client,
            port: spoken.port,
            helo: refused
                .helo
                .and_then(helo)
                .and_then(|helo| self.names.number(helo)),
            account,
            mechanism: self.names.number_of_word(refused.mechanism),
            protection: tls.map(|_| secure(spoken)),
            tls,
            certificate,
            sender: sender.and_then(|(_, domain)| self.names.number_of_lower(domain)),
            word: sender.and_then(|(local, _)| sender_word(local)),
            refused: Some(refused.why),
        };
        self.sums.add(way, to, at, None);
    }

    fn went(
        &mut self,
        spoken: &Spoken,
        client: IpAddr,
        starttls: Option<bool>,
        at: impl FnOnce() -> Option<Timestamp>,
    ) {
        let at = spoken.caller.and_then(|_| at());
        if self.session(spoken, client).is_none() {
            if spoken.caller.is_none() {
                return;
            }
            self.came(spoken, client, at);
        }
        self.leave(spoken, starttls, at);
    }

    /// The session of this process is over, and what it brought learns how it was protected.
    fn leave(&mut self, spoken: &Spoken, starttls: Option<bool>, at: Option<Timestamp>) {
        let Some(session) = self.sessions.remove(&spoken.process) else {
            return;
        };
        if let Some(mut calling) = session.calling {
            calling.lasts(at);
            calling.tell(session.client, &mut self.calls);
        }
        let protection = match (session.tls, starttls) {
            _ if spoken.from_first_byte => Some(Protection::Tls),
            (Some(_), _) | (None, Some(true)) => Some(Protection::Starttls),
            (None, Some(false)) => Some(Protection::None),
            (None, None) => None,
        };
        for queue in session.queues {
            let Some(message) = self.open.get_mut(&queue) else {
                continue;
            };
            message.in_session = false;
            message.protection = message.protection.or(protection);
            if (message.removed || message.rejected.is_some())
                && let Some(message) = self.open.remove(&queue)
            {
                self.finish(message);
            }
        }
    }

    fn finish(&mut self, message: Message) {
        let at = message.rejected.or(message.at);
        let counts = message.queued || message.rejected.is_some();
        let (Some(peer), Some(at), true) = (message.client, at, counts) else {
            return;
        };
        let way = Way {
            peer,
            port: message.port,
            helo: message.helo,
            account: message.account,
            mechanism: message.mechanism,
            protection: message.protection,
            tls: message.tls,
            certificate: message.certificate,
            sender: message.sender,
            word: message.word,
            refused: message.rejected.map(|_| MailRefusal::ContentRejected),
        };
        self.sums.add(way, message.to, at, message.bytes);
    }

    /// Tells the calls that are over, each once.
    pub(crate) fn tell_calls(&mut self, told: &mut impl FnMut(Told)) {
        self.calls.tell(&self.names, told);
    }

    /// True if there is no room for more calls.
    pub(crate) fn is_full_of_calls(&self) -> bool {
        self.calls.is_full()
    }

    /// The same without a name nobody needs: only those of what is told, and of what is open.
    pub(crate) fn settled(mut self) -> Self {
        self.forget_crowds();
        let mut fresh = Names::default();
        fresh.left_out = self.names.left_out;
        let mut renamed = |name: Name, is_account: bool| match is_account {
            true => fresh.number_of_account(self.names.text(name)),
            false => fresh.number(self.names.text(name)),
        };
        let mut all = |messages: QuickMap<Word, Message>| -> QuickMap<Word, Message> {
            let messages = messages.into_iter();
            messages
                .map(|(queue, message)| (queue, message.renamed(&mut renamed)))
                .collect()
        };
        let (open, later, waiting) = (all(self.open), all(self.later), all(self.waiting));
        let mut sessions = self.sessions;
        for session in sessions.values_mut() {
            session.rename(&mut renamed);
        }
        let mut sums = Sums::default();
        sums.join(self.sums, renamed);
        Self {
            sessions,
            open,
            later,
            waiting,
            begun: self.begun,
            names: fresh,
            sums,
            delays: self.delays,
            calls: Calls::default(),
        }
    }

    /// Forgets the accounts of clients that let people log on, also of what is still open.
    fn forget_crowds(&mut self) {
        let open = (self.open.values()).chain(self.later.values());
        let open = open.filter_map(|m| Some((m.client?, m.port, m.account)));
        let crowds = self.sums.forget_crowds(open);
        let Some(somebody) = self.names.number_of_account(SOMEBODY) else {
            return;
        };
        let messages = (self.open.values_mut()).chain(self.later.values_mut());
        for message in messages.filter(|m| m.client.is_some_and(|c| crowds.contains(&(c, m.port))))
        {
            message.account = message.account.and(Some(somebody));
        }
        for session in self.sessions.values_mut() {
            // Where no line says the port, any one of that client is meant.
            let is_crowds = match &session.calling {
                Some(calling) => crowds.contains(&(session.client, calling.port)),
                None => crowds.iter().any(|(client, _)| *client == session.client),
            };
            if is_crowds {
                session.forget_account(somebody);
            }
        }
    }

    /// What an older file told is put before this, which so far are the newer ones; a call that is not over there is told.
    pub(crate) fn go_back(&mut self, mut older: Self, told: &mut impl FnMut(Told)) {
        older.end_sessions();
        older.tell_calls(told);
        let Self {
            sessions: _,
            open,
            later,
            waiting: _,
            begun: _,
            names,
            sums,
            delays,
            calls: _,
        } = older;
        self.delays.join(delays);
        let own = &mut self.names;
        own.left_out = own.left_out.saturating_add(names.left_out);
        let mut renamed = |name: Name, is_account: bool| match is_account {
            true => own.number_of_account(names.text(name)),
            false => own.number(names.text(name)),
        };
        let mut all = |messages: QuickMap<Word, Message>| -> QuickMap<Word, Message> {
            let messages = messages.into_iter();
            messages
                .map(|(queue, message)| (queue, message.renamed(&mut renamed)))
                .collect()
        };
        (self.open, self.later) = (all(open), all(later));
        self.sums.join(sums, renamed);
        self.end_file();
    }

    /// The file is over. What it told of messages whose begin it lacks waits for the file before it.
    fn end_file(&mut self) {
        self.sessions.clear();
        let waiting = std::mem::take(&mut self.waiting);
        for (queue, mut message) in std::mem::take(&mut self.open) {
            if message.client.is_none() {
                wait(&mut self.later, queue, message);
                continue;
            }
            if let Some(later) = waiting.get(&queue) {
                message.went_on(later);
            }
            self.finish(message);
        }
        self.waiting = std::mem::take(&mut self.later);
    }
}

/// Keeps `message` for the older file. Of an id that is used twice the first is the one whose begin is missing.
fn wait(later: &mut QuickMap<Word, Message>, queue: Word, message: Message) {
    if later.len() < OPEN_MAX {
        later.entry(queue).or_insert(message);
    }
}

impl Message {
    /// Learns its sender and its size.
    fn envelope(&mut self, names: &mut Names, sender: &str, bytes: Option<u64>) {
        self.queued = true;
        self.bytes = bytes;
        if let Some((local, domain)) = address(sender).filter(|_| !self.is_strangers()) {
            self.sender = names.number_of_lower(domain);
            self.word = sender_word(local);
        }
    }

    /// True for what a stranger brought, who is nobody's need: its names use up no room.
    fn is_strangers(&self) -> bool {
        self.account.is_none() && self.client.is_some_and(|client| !is_inside(client))
    }

    /// The same in other names.
    fn renamed(mut self, renamed: &mut impl FnMut(Name, bool) -> Option<Name>) -> Self {
        for name in [&mut self.helo, &mut self.sender] {
            *name = name.and_then(|name| renamed(name, false));
        }
        for name in [&mut self.account, &mut self.mechanism, &mut self.tls] {
            *name = name.and_then(|name| renamed(name, true));
        }
        self.to = self.to.renamed(renamed);
        self
    }

    /// What a newer file told of the same message.
    fn went_on(&mut self, later: &Self) {
        if !self.queued {
            self.queued = later.queued;
            self.sender = later.sender;
            self.word = later.word;
            self.bytes = later.bytes;
        }
        self.rejected = self.rejected.or(later.rejected);
        self.to.join(&later.to);
    }
}

fn secure(spoken: &Spoken) -> Protection {
    match spoken.from_first_byte {
        true => Protection::Tls,
        false => Protection::Starttls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mail server of the internet meets more names of spam in a week than there is room for.
    #[test]
    fn strangers_use_up_no_room_for_names() {
        let mut track = Track::default();
        let word = |text: &str| Word::parse(text).unwrap();
        let spoken = Spoken {
            process: word("7"),
            port: Some(Port(25)),
            from_first_byte: false,
            caller: None,
        };
        let at = || Some(Timestamp::from_seconds(1_795_000_000));
        let mut bring = |client: [u8; 4], account, domain: &str| {
            let client = IpAddr::from(client);
            let sender = format!("a@{domain}");
            let queue = word("4AB");
            let taken = Taken {
                queue,
                client,
                account,
                mechanism: account.and_then(|_| Word::parse("PLAIN")),
                is_back: false,
                whole: None,
            };
            track.take(&spoken, Said::Taken(taken), at);
            let (sender, bytes) = (sender.as_str(), None);
            track.take(
                &spoken,
                Said::Queued {
                    queue,
                    sender,
                    bytes,
                },
                at,
            );
            let (address, here) = (sender, true);
            track.take(
                &spoken,
                Said::Recipient {
                    queue,
                    address,
                    here,
                    handed: None,
                    fate: None,
                },
                at,
            );
            track.take(&spoken, Said::Done { queue }, at);
            track.names.left_out
        };
        for number in 0..70_000 {
            assert_eq!(
                bring([203, 0, 113, 9], None, &format!("d{number}.example")),
                0
            );
        }
        assert_eq!(bring([10, 0, 0, 9], Some("svc-erp"), "corp.example"), 0);
        let rows = track.sums.rows(&track.names, "Postfix");
        let row = rows.keys().next().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            row.account
                .as_ref()
                .map(|a| a.lossy().into_owned())
                .as_deref(),
            Some("svc-erp")
        );
        assert_eq!(row.sender.as_deref(), Some("corp.example"));
    }
}
