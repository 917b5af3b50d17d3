//! Journals of systemd that an administrator handed over as text: `journalctl -o export` or `-o json`, of machines nobody may look
//! at.
//!
//! **What it sees:** what [`crate::LogSource`] tells of a journal: who used the services of the machine, and who handed mail in.
//! Every entry says which machine it is of, so what one machine collects of many (systemd-journal-remote) may be one file.
//! **Where:** in files that somebody named, plain or packed with gzip or zstd; what a file is, is told by how it begins.
//! **Rights:** to read them. **Cost:** one pass, and the memory of what is told.
//!
//! Two exports may overlap: an entry whose cursor was met counts once.

mod form;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, Read};
use std::net::IpAddr;
use std::path::PathBuf;

use groma_model::fact::{Direction, LoggedUse, MailUse, ReportedUse};
use groma_model::name::{HostName, Port, Transport};
use groma_model::reported::ReportedMail;
use groma_model::schedule::Zone;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Peer, Reason, Scope, Seen, SourceName,
    Timestamp,
};
use groma_source::{
    Budget, Disk, Explanation, OpenFile, Sink, SinkExt, Source, Window, World, disk,
};

use self::form::{Entry, Form};
use crate::listen::{Listener, Machine, Reading, Speakers};
use crate::stamp::{self, Clock};
use crate::windows::files;
use crate::zones::Zones;
use crate::{journal, lines};

/// The source's name.
pub const NAME: &str = "log.journal";
/// Machines told apart in one look.
const MACHINES_MAX: usize = 256;
/// Entries remembered in all, to tell a second copy, at 16 bytes each.
const KNOWN_MAX: usize = 4 << 20;
/// Ports at which an account is asked for mail (RFC 6409, RFC 8314).
const SUBMISSION: [Port; 2] = [Port(587), Port(465)];
/// What a rotated or printed journal calls the machine it is on, where it has no name.
const NO_NAMES: [&str; 2] = ["localhost", "localhost.localdomain"];
const EXPORT_AGAIN: &str = "export it once more: journalctl -o export --utc > FILE";
const WITH_ALL: &str =
    "messages over 4 KiB are left out by journalctl -o json: export with --all, or with -o export";
const FORWARD: &str = "export without --reverse: who did what is told by the order of the lines";

/// Journals that somebody handed over as text.
pub struct JournalTexts {
    world: World,
    named: Vec<PathBuf>,
}

impl JournalTexts {
    /// A source on `world` that reads what lies at `named`, whole paths of files or folders.
    pub fn new(world: World, named: Vec<PathBuf>) -> Self {
        Self { world, named }
    }
}

/// True for the first bytes of such a file, unpacked.
pub fn is_journal_text(head: &[u8]) -> bool {
    Form::of(head).is_some()
}

/// True for such a file, packed or not.
pub(crate) fn is_one(file: &dyn OpenFile) -> bool {
    head(file).is_some_and(|head| is_journal_text(&head))
}

/// The begin of a file, unpacked; `None` if it cannot be read.
fn head(file: &dyn OpenFile) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let unpacked = lines::unpacked(file, 0).ok()?;
    // What is cut tells its begin.
    let _ = unpacked.read.take(form::HEAD as u64).read_to_end(&mut head);
    Some(head)
}

impl Source for JournalTexts {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let named = self.named.iter();
        let reads: Vec<String> = named
            .map(|path| format!("{}, and what lies in it", path.display()))
            .collect();
        let reads = match reads.is_empty() {
            true => "nothing, unless --events names a file or folder".to_owned(),
            false => reads.join("; "),
        };
        Explanation {
            purpose: "Tells who used the services of a machine, from its journal as text (journalctl -o export or -o json) that somebody handed over.".to_owned(),
            reads: vec![reads],
            contacts: Vec::new(),
            sends: vec!["addresses of clients and servers, accounts they used, mechanism, protection, domains of senders and recipients, first, last, count, hours of the week".to_owned()],
            never_sends: vec!["addresses of senders and recipients, entries of a journal".to_owned()],
            rights: vec!["to read those files".to_owned()],
            cost: "one pass over those files, up to the budget".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut look = Look {
            disk: self.world.disk.as_ref(),
            window,
            sink,
            bytes_left: budget.total_bytes_max,
            machines: BTreeMap::new(),
            known: HashSet::new(),
            hash: RandomState::new(),
            left_out: 0,
            nameless: 0,
        };
        look.files(&self.named);
        look.say();
    }
}

/// One machine, and what its entries told.
struct OfMachine {
    reading: Reading,
    speakers: Speakers,
    last: Machine,
    /// From its first possible time to its last.
    span: Option<(Timestamp, Timestamp)>,
    is_whole: bool,
}

/// A file that is a journal, and when its first entry was written.
struct Found {
    first: Option<Timestamp>,
    path: PathBuf,
    bytes: u64,
    form: Form,
}

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    bytes_left: u64,
    machines: BTreeMap<HostName, OfMachine>,
    known: HashSet<u64>,
    hash: RandomState,
    /// Entries of machines there was no room for.
    left_out: u64,
    /// Entries that do not say which machine they are of.
    nameless: u64,
}

impl Look<'_> {
    /// Reads the journals at these places, the oldest first: what one client did may go on in the next file.
    fn files(&mut self, named: &[PathBuf]) {
        let mut found: Vec<Found> = Vec::new();
        let mut met = BTreeSet::new();
        for path in named {
            // What cannot be looked at there is said by whoever reads the other logs.
            for file in files::under(self.disk, path).files {
                if met.insert(file.path.clone()) {
                    found.extend(self.found(file.path, file.bytes));
                }
            }
        }
        found.sort_by(|a, b| (a.first, &a.path).cmp(&(b.first, &b.path)));
        for file in found {
            let scope = Scope::new("log", &file.path.to_string_lossy());
            let state = match self.file(&scope, &file) {
                true => CoverageState::Complete,
                false => CoverageState::Partial,
            };
            self.sink.covered_now(self.window, &scope, state);
        }
    }

    fn found(&self, path: PathBuf, bytes: u64) -> Option<Found> {
        let file = self.disk.open(&path).ok()?;
        let head = head(file.as_ref())?;
        let form = Form::of(&head)?;
        let mut first = None;
        let mut each = |entry: Entry| {
            first = entry.at;
            false
        };
        let most = head.len() as u64;
        let _ = form::entries(form, &mut head.as_slice(), most, &|| false, &mut each);
        Some(Found {
            first,
            path,
            bytes,
            form,
        })
    }

    fn missed(&mut self, scope: &Scope, what: String, reason: Reason, remedy: &str) -> bool {
        self.sink.missed_because(scope, what, reason, remedy);
        false
    }

    /// Reads one file; false if something of it is missing, and that is said.
    fn file(&mut self, scope: &Scope, found: &Found) -> bool {
        let name = disk::foreign(&found.path).to_string();
        if found.bytes > self.bytes_left || self.window.is_over() {
            let remedy = "give the look more bytes or time, or name fewer files";
            return self.missed(scope, name, Reason::BudgetExhausted, remedy);
        }
        let file = match self.disk.open(&found.path) {
            Ok(file) => file,
            Err(error) => {
                return self.missed(scope, name, error.reason, "let whoever looks read it");
            }
        };
        let unpacked = match lines::unpacked(file.as_ref(), 0) {
            Ok(unpacked) => unpacked,
            Err(reason) => return self.missed(scope, name, reason, EXPORT_AGAIN),
        };
        let mut from = BufReader::with_capacity(64 << 10, unpacked.read);
        let mut order = Order::default();
        let window = self.window;
        let mut met = BTreeSet::new();
        let (told, broken) = form::entries(
            found.form,
            &mut from,
            unpacked.most,
            &|| window.is_over(),
            &mut |entry| {
                order.met(entry.at);
                met.extend(self.hear(&entry));
                true
            },
        );
        self.bytes_left = self.bytes_left.saturating_sub(told.bytes.max(found.bytes));
        let holes = holes(&told, broken, &order);
        for (what, reason, remedy) in &holes {
            self.missed(scope, format!("{name}: {what}"), reason.clone(), remedy);
        }
        if !holes.is_empty() {
            for host in met {
                if let Some(machine) = self.machines.get_mut(&host) {
                    machine.is_whole = false;
                }
            }
        }
        holes.is_empty()
    }

    /// Hears one entry; the machine it is of, unless it was met or there is no room.
    fn hear(&mut self, entry: &Entry) -> Option<HostName> {
        let at = entry.at?;
        if entry
            .cursor
            .as_ref()
            .is_some_and(|cursor| self.is_known(cursor))
        {
            return None;
        }
        let host = entry.host.as_deref().and_then(machine_name);
        let Some(host) = host else {
            self.nameless += 1;
            return None;
        };
        if self.machines.len() >= MACHINES_MAX && !self.machines.contains_key(&host) {
            self.left_out += 1;
            return None;
        }
        // A clock that is ahead of ours was wrong; what it tells is left out where that is found out.
        let latest = self.window.now();
        let of_machine = self.machines.entry(host.clone());
        let of_machine = of_machine.or_insert_with(|| OfMachine {
            reading: Reading::default(),
            speakers: Speakers::of_file(None),
            last: Machine::default(),
            span: None,
            is_whole: true,
        });
        if stamp::is_possible(at, latest) {
            let (first, last) = of_machine.span.unwrap_or((at, at));
            of_machine.span = Some((first.min(at), last.max(at)));
        }
        of_machine.hear(entry, at, latest);
        Some(host)
    }

    /// True for an entry that another file told.
    fn is_known(&mut self, cursor: &[u8]) -> bool {
        let entry = self.hash.hash_one(cursor);
        match self.known.len() >= KNOWN_MAX {
            true => self.known.contains(&entry),
            false => !self.known.insert(entry),
        }
    }

    /// Says what each machine's entries told.
    fn say(&mut self) {
        for (host, machine) in std::mem::take(&mut self.machines) {
            self.say_machine(host, machine);
        }
        let scope = Scope::new("log", "journals");
        let lost = [
            (self.nameless, "entries that name no machine"),
            (self.left_out, "entries of further machines"),
        ];
        for (count, what) in lost {
            if count > 0 {
                let remedy = "they were left out: export each machine's journal on its own, and give it a name";
                self.missed(
                    &scope,
                    format!("{count} {what}"),
                    Reason::Unsupported,
                    remedy,
                );
                self.sink
                    .covered_now(self.window, &scope, CoverageState::Partial);
            }
        }
    }

    fn say_machine(&mut self, host: HostName, mut machine: OfMachine) {
        machine.reading.tell_calls();
        let scope = Scope::new("log", &format!("journal of {host}"));
        let log: Foreign = format!("journal of {host}").as_str().into();
        let peer = Peer::Name(host);
        let mut whole = Reading::default();
        // What is still open ends here.
        whole.go_back(machine.reading, &Zones::default());
        let mut left_out = 0;
        let mut is_whole = machine.is_whole && whole.impossible.is_none();
        for (id, tally) in std::mem::take(&mut whole.tallies) {
            left_out += tally.left_out;
            let product = crate::look::product_of(id);
            for (row, seen) in tally.rows() {
                let used = reported(row.into_fact(product, &log), &peer);
                self.saw(&scope, used, seen);
            }
        }
        for (_, rows, more) in std::mem::take(&mut whole.mail).rows() {
            left_out += more;
            for (mail, seen) in rows {
                self.saw(&scope, reported_mail(mail, &peer, &log), seen);
            }
        }
        if left_out > 0 {
            let what = format!("{left_out} further uses in {log}");
            let remedy = "more different clients than a look keeps";
            is_whole = self.missed(&scope, what, Reason::BudgetExhausted, remedy);
        }
        if let Some(at) = whole.impossible {
            let what = format!("entries of {log} dated {}", at.minute());
            let remedy = "a clock was wrong then; these entries were left out";
            is_whole = self.missed(&scope, what, Reason::Malformed, remedy);
        }
        let now = self.window.now();
        let (from, to) = machine.span.unwrap_or((now, now));
        self.sink.covered(Coverage {
            scope,
            state: match is_whole {
                true => CoverageState::Complete,
                false => CoverageState::Partial,
            },
            from,
            to,
            how: Some("a journal that was handed over as text".to_owned()),
        });
    }

    fn saw(&mut self, scope: &Scope, used: ReportedUse, seen: Seen) {
        self.sink.saw(Observation {
            scope: scope.clone(),
            fact: Fact::ReportedUse(used),
            seen,
        });
    }
}

impl OfMachine {
    fn hear(&mut self, entry: &Entry, at: Timestamp, latest: Timestamp) {
        let (zone, zones) = (Zone::default(), Zones::default());
        let (ports, clients): (BTreeMap<String, Port>, BTreeMap<String, IpAddr>) =
            Default::default();
        let mut listener = Listener {
            speakers: std::mem::replace(&mut self.speakers, Speakers::of_file(None)),
            last_machine: std::mem::take(&mut self.last),
            last_heard: None,
            ports: &ports,
            clients: &clients,
            own_name: None,
            postfix_name: None,
            zones: &zones,
            clock: Clock::new(&zone, latest),
            reading: &mut self.reading,
        };
        let text = |field: &'_ Option<Vec<u8>>| field.clone().unwrap_or_default();
        let (host, tag, process) = (text(&entry.host), text(&entry.tag), text(&entry.process));
        if let Some(message) = entry.message.as_deref().filter(|_| !tag.is_empty()) {
            listener.hear_entry(&journal::Entry {
                at,
                host: &host,
                tag: &tag,
                process: &process,
                message,
            });
        }
        let Listener {
            speakers,
            last_machine,
            clock,
            reading,
            ..
        } = listener;
        reading.impossible = reading.impossible.or(clock.impossible);
        self.speakers = speakers;
        self.last = last_machine;
    }
}

/// The machine an entry is of, if it has a name of its own.
fn machine_name(host: &[u8]) -> Option<HostName> {
    let name = HostName::parse(std::str::from_utf8(host).ok()?)?;
    let text = name.to_string();
    (!NO_NAMES.contains(&text.as_str())).then_some(name)
}

/// In which order the entries of a file stand.
#[derive(Default)]
struct Order {
    last: Option<Timestamp>,
    forward: u64,
    backward: u64,
}

impl Order {
    fn met(&mut self, at: Option<Timestamp>) {
        match (self.last, at) {
            (Some(last), Some(at)) if at < last => self.backward += 1,
            (Some(last), Some(at)) if at > last => self.forward += 1,
            _ => {}
        }
        self.last = at.or(self.last);
    }

    fn is_backward(&self) -> bool {
        self.backward > self.forward
    }
}

/// What is missing of a file, why, and what to do.
fn holes(
    told: &form::Told,
    broken: Option<Reason>,
    order: &Order,
) -> Vec<(String, Reason, &'static str)> {
    let mut holes = Vec::new();
    if let Some(reason) = broken {
        let what = format!("nothing can be told apart behind entry {}", told.entries);
        holes.push((what, reason, EXPORT_AGAIN));
    }
    if told.cut {
        let what = format!(
            "it ends within an entry, the one behind entry {}",
            told.entries
        );
        holes.push((what, Reason::Malformed, EXPORT_AGAIN));
    }
    if told.damaged > 0 {
        let what = format!("{} lines that are no entry", told.damaged);
        holes.push((what, Reason::Malformed, EXPORT_AGAIN));
    }
    if told.too_long > 0 {
        let what = format!("{} entries whose message is too long", told.too_long);
        holes.push((what, Reason::TooLarge, WITH_ALL));
    }
    if told.stopped {
        let what = format!("what stands behind entry {}", told.entries);
        holes.push((what, Reason::BudgetExhausted, "give the look more time"));
    }
    if order.is_backward() {
        let what = "its entries run backward".to_owned();
        holes.push((what, Reason::Unsupported, FORWARD));
    }
    holes
}

/// What a log tells of its own machine, as told of that one by somebody else.
fn reported(used: LoggedUse, host: &Peer) -> ReportedUse {
    let other = Peer::Address(used.peer);
    let (consumer, provider) = match used.direction {
        Direction::Incoming => (other, host.clone()),
        Direction::Outgoing => (host.clone(), other),
    };
    ReportedUse {
        consumer,
        provider,
        kind: used.kind,
        port: used.port,
        transport: used.transport,
        product: used.product,
        account: used.account,
        mechanism: used.mechanism,
        program: used.program,
        client: None,
        protection: used.protection,
        service: used.share,
        asks: None,
        refused: false,
        name: used.name,
        tls: None,
        mail: None,
        log: used.log,
    }
}

/// The same of mail that was handed in.
fn reported_mail(mail: MailUse, host: &Peer, log: &Foreign) -> ReportedUse {
    let is_submission = mail.port.is_some_and(|port| SUBMISSION.contains(&port));
    let kind = match is_submission {
        true => "smtp-submission",
        false => "smtp-relay",
    };
    ReportedUse {
        consumer: Peer::Address(mail.peer),
        provider: host.clone(),
        kind: kind.to_owned(),
        port: mail.port,
        transport: Transport::Tcp,
        product: mail.product,
        account: mail.account,
        mechanism: mail.mechanism,
        program: None,
        client: None,
        protection: mail.protection,
        service: None,
        asks: None,
        refused: mail.refused.is_some(),
        name: None,
        tls: mail.tls.clone(),
        mail: Some(Box::new(ReportedMail {
            helo: mail.helo,
            tls: mail.tls,
            sender: mail.sender,
            sender_word: mail.sender_word,
            recipients: mail.recipients,
            refused: mail.refused,
        })),
        log: log.clone(),
    }
}
