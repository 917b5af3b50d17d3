//! `host.mailqueue`: how many messages wait in the queues of this machine's mail servers, and how long the oldest has.
//!
//! Names of files are counted, none is opened: a message belongs to whoever wrote it. When one came stands in its name with
//! Exim, Sendmail and the long ids of Postfix. Postfix's short ids do not tell it, and the time of a deferred file is that of
//! the next try; how long those have waited is a gap, not a guess.

use std::path::{Path, PathBuf};

use groma_model::fact::Measurement;
use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::{BE_ROOT, Part};
use crate::reader::{Reader, file_name};
use crate::text::{lossy, meaningful_lines};

const MAIN: &str = "/etc/postfix/main.cf";
const SENDMAIL: &[&str] = &["/etc/mail/sendmail.cf", "/etc/sendmail.cf"];
const EXIM: &[&str] = &["/var/spool/exim4", "/var/spool/exim"];
/// Directories within directories: Postfix parts a queue by up to this many letters, Exim by one, Sendmail by two names.
const DEPTH_MAX: usize = 3;
/// Files that are counted of one queue.
const FILES_MAX: u64 = 200_000;
/// A directory that holds as many entries was not listed whole.
const LISTED_MAX: usize = 65_536;
const LONG_IDS: &str = "mailq tells it by hand; with enable_long_queue_ids = yes in main.cf (postfix reload) new messages tell it by their names. Costs nothing; take the line out again to restore";

/// Queues of the mail servers on this machine.
pub struct MailQueueSource {
    world: World,
}

impl MailQueueSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for MailQueueSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.mailqueue")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells how many messages wait in the queues of this machine's mail servers, and how long the oldest has.".into(),
            reads: vec![
                "/etc/postfix/main.cf, /etc/mail/sendmail.cf (where the queue lies); names and times of files below /var/spool/postfix (maildrop, incoming, active, deferred, hold), /var/spool/exim4/input, /var/spool/exim/input, /var/spool/mqueue, /var/spool/mqueue-client, /var/spool/clientmqueue".into(),
            ],
            contacts: Vec::new(),
            sends: vec!["how many messages each queue holds, how long the oldest has waited".into()],
            never_sends: vec![
                "messages, their senders and recipients (no file of a queue is opened), ids of messages".into(),
            ],
            rights: vec!["root: the queues belong to the mail servers".into()],
            cost: "one listing of each directory of a queue".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut part = Part::begin(window, sink, Scope::new("mail-queue", "servers"));
        let servers = servers(&mut reader, &mut part);
        part.close();
        for server in servers {
            let scope = Scope::new("mail-queue", &server.product.to_ascii_lowercase());
            let mut part = Part::begin(window, sink, scope);
            let now = window.now().millis() / 1_000;
            tell(&server, &mut reader, &mut part, now);
            part.close();
        }
    }
}

/// A mail server and its queues.
struct Server {
    product: &'static str,
    queues: Vec<Queue>,
    /// When a message came, by the name of its file; the inner `None` where that does not tell. `None` for another file.
    came: fn(&[u8]) -> Option<Option<i64>>,
}

/// Directories that are one queue.
struct Queue {
    name: &'static str,
    directories: Vec<PathBuf>,
    /// True if a file there keeps the time at which its message came.
    keeps_time: bool,
}

/// What waits in a queue.
#[derive(Default)]
struct Waiting {
    messages: u64,
    /// When the oldest came.
    oldest: Option<i64>,
    /// Messages of which nobody knows when they came.
    ageless: u64,
}

/// The mail servers there are; settings that cannot be read may mean one more.
fn servers(reader: &mut Reader<'_>, part: &mut Part<'_>) -> Vec<Server> {
    let all = [postfix(reader, part), exim(reader), sendmail(reader, part)];
    all.into_iter().flatten().collect()
}

fn settings(reader: &mut Reader<'_>, part: &mut Part<'_>, path: &str) -> Option<Vec<u8>> {
    let read = reader.read_if_there(path);
    read.unwrap_or_else(|error| {
        part.refused("whether a mail server's queue lies on this machine", &error);
        None
    })
}

fn postfix(reader: &mut Reader<'_>, part: &mut Part<'_>) -> Option<Server> {
    let settings = settings(reader, part, MAIN)?;
    let spool = setting(&settings, b"queue_directory").filter(|path| path.starts_with('/'));
    let spool = PathBuf::from(spool.unwrap_or_else(|| "/var/spool/postfix".to_owned()));
    let queue = |name, directories: &[&str], keeps_time| Queue {
        name,
        directories: directories.iter().map(|d| spool.join(d)).collect(),
        keeps_time,
    };
    Some(Server {
        product: "Postfix",
        queues: vec![
            queue("maildrop", &["maildrop"], true),
            queue("incoming", &["incoming"], true),
            queue("active", &["active"], false),
            queue("deferred", &["deferred"], false),
            queue("hold", &["hold"], false),
        ],
        came: |name| Some(long_id(name)),
    })
}

fn exim(reader: &mut Reader<'_>) -> Option<Server> {
    let mut spools = EXIM.iter().map(Path::new);
    let spool = spools.find(|spool| reader.disk().metadata(spool).is_ok())?;
    Some(Server {
        product: "Exim",
        queues: vec![Queue {
            name: "input",
            directories: vec![spool.join("input")],
            keeps_time: false,
        }],
        came: |name| {
            name.strip_suffix(b"-H")
                .map(|id| base(id.get(..6)?, LETTERS_62))
        },
    })
}

fn sendmail(reader: &mut Reader<'_>, part: &mut Part<'_>) -> Option<Server> {
    let settings = SENDMAIL
        .iter()
        .find_map(|path| settings(reader, part, path))?;
    let set = meaningful_lines(&settings).find_map(|(_, line)| {
        lossy(line)
            .strip_prefix("O QueueDirectory=")
            .map(str::to_owned)
    });
    let whole = set.unwrap_or_else(|| "/var/spool/mqueue".to_owned());
    // `/var/spool/mqueue/q*`: every directory that begins so.
    let above = whole.split('*').next().unwrap_or_default();
    let main = match whole.contains('*') {
        true => above.rsplit_once('/').map_or(above, |(above, _)| above),
        false => above,
    };
    let queue = |name, directories: &[&str]| Queue {
        name,
        directories: directories.iter().map(PathBuf::from).collect(),
        keeps_time: false,
    };
    Some(Server {
        product: "Sendmail",
        queues: vec![
            queue("mqueue", &[main]),
            queue(
                "mqueue-client",
                &["/var/spool/mqueue-client", "/var/spool/clientmqueue"],
            ),
        ],
        came: |name| {
            let id = name
                .strip_prefix(b"qf")
                .or_else(|| name.strip_prefix(b"hf"))?;
            Some(sendmail_id(id))
        },
    })
}

/// Says what waits in each queue, and how long the oldest message of all has.
fn tell(server: &Server, reader: &mut Reader<'_>, part: &mut Part<'_>, now: i64) {
    let mut whole = Some(Waiting::default());
    let mut is_there = false;
    for queue in &server.queues {
        match count(server, queue, reader, part) {
            Ok(None) => {}
            Ok(Some(waiting)) => {
                is_there = true;
                let subject = format!("{} {}", server.product, queue.name);
                measured(part, "mail_queue_messages", &subject, waiting.messages);
                if let Some(whole) = &mut whole {
                    whole.join(&waiting);
                }
            }
            Err(()) => whole = None,
        }
    }
    let Some(whole) = whole.filter(|_| is_there) else {
        return;
    };
    if whole.ageless > 0 {
        let what = format!(
            "how long {} messages in the queue of {} have waited: their names do not tell when they came",
            whole.ageless, server.product
        );
        return part.missed_with(what, Reason::Unsupported, LONG_IDS);
    }
    let waited = whole.oldest.map_or(0, |oldest| now.saturating_sub(oldest));
    let waited = u64::try_from(waited).unwrap_or_default();
    measured(part, "mail_queue_oldest_seconds", server.product, waited);
}

impl Waiting {
    fn join(&mut self, other: &Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.ageless = self.ageless.saturating_add(other.ageless);
        self.oldest = match (self.oldest, other.oldest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

fn measured(part: &mut Part<'_>, metric: &str, subject: &str, value: u64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a measurement is a floating number; nobody has 2^53 messages, nor waited so many seconds"
    )]
    part.saw(Fact::Measurement(Measurement {
        metric: metric.to_owned(),
        subject: subject.into(),
        value: value as f64,
    }));
}

/// What waits in a queue: `None` if it is not there, an error if it could not be read whole.
fn count(
    server: &Server,
    queue: &Queue,
    reader: &mut Reader<'_>,
    part: &mut Part<'_>,
) -> Result<Option<Waiting>, ()> {
    let mut waiting = Waiting::default();
    let mut is_there = false;
    let mut directories: Vec<(PathBuf, usize)> = Vec::new();
    for directory in &queue.directories {
        match reader.disk().metadata(directory) {
            Ok(met) if met.kind == EntryKind::Directory => directories.push((directory.clone(), 0)),
            Ok(_) => {}
            Err(error) if error.is_absent() => {}
            Err(error) => return refused(part, server, queue, error.reason),
        }
    }
    while let Some((directory, depth)) = directories.pop() {
        is_there = true;
        let entries = match reader.list(&directory) {
            Ok(entries) if entries.len() < LISTED_MAX && waiting.messages < FILES_MAX => entries,
            Ok(_) => return refused(part, server, queue, Reason::BudgetExhausted),
            Err(error) => return refused(part, server, queue, error.reason),
        };
        for entry in entries {
            match entry.kind {
                EntryKind::Directory if depth < DEPTH_MAX => {
                    directories.push((entry.path, depth + 1));
                }
                EntryKind::File => {
                    if let Some(came) = (server.came)(file_name(&entry.path)) {
                        let came = came.or_else(|| kept_time(queue, reader, &entry.path));
                        waiting.take(came);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(is_there.then_some(waiting))
}

impl Waiting {
    fn take(&mut self, came: Option<i64>) {
        let one = Self {
            messages: 1,
            oldest: came,
            ageless: u64::from(came.is_none()),
        };
        self.join(&one);
    }
}

/// When the file was written, where that is when its message came. A file that has gone meanwhile waits no longer.
fn kept_time(queue: &Queue, reader: &Reader<'_>, path: &Path) -> Option<i64> {
    if !queue.keeps_time {
        return None;
    }
    match reader.disk().metadata(path) {
        Ok(met) => Some(met.modified),
        Err(error) if error.is_absent() => Some(i64::MAX),
        Err(_) => None,
    }
}

fn refused<T>(
    part: &mut Part<'_>,
    server: &Server,
    queue: &Queue,
    reason: Reason,
) -> Result<T, ()> {
    let what = format!(
        "messages that wait in the queue {} of {}",
        queue.name, server.product
    );
    match reason {
        Reason::PermissionDenied => part.missed_with(what, reason, BE_ROOT),
        reason => part.missed(what, reason),
    }
    Err(())
}

/// The value of a setting of `main.cf`, the last one written; none that stands for another.
fn setting(text: &[u8], name: &[u8]) -> Option<String> {
    let values = meaningful_lines(text).filter_map(|(_, line)| {
        let rest = line.strip_prefix(name)?.trim_ascii();
        Some(lossy(rest.strip_prefix(b"=")?.trim_ascii()))
    });
    values.last().filter(|value| !value.contains('$'))
}

const LETTERS_62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits, then letters without vowels.
const LETTERS_52: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
/// Seconds and microseconds of a long id of Postfix, before the `z` (postconf(5), enable_long_queue_ids).
const LONG_ID_HEAD: usize = 10;

/// A number to the base of as many letters.
fn base(digits: &[u8], letters: &[u8]) -> Option<i64> {
    let radix = i64::try_from(letters.len()).ok()?;
    digits.iter().try_fold(0_i64, |sum, digit| {
        let value = letters.iter().position(|letter| letter == digit)?;
        sum.checked_mul(radix)?
            .checked_add(i64::try_from(value).ok()?)
    })
}

/// When the message of a long id came; a short id has no `z`.
fn long_id(name: &[u8]) -> Option<i64> {
    (name.get(LONG_ID_HEAD) == Some(&b'z')).then_some(())?;
    base(name.get(..6)?, LETTERS_52)
}

/// Year, month, day, hour, minute and second of an id of Sendmail, a letter each, in UTC (Operation Guide, 4.1). The year is
/// one of sixty: the one from 2000 on.
fn sendmail_id(id: &[u8]) -> Option<i64> {
    let mut parts = id.iter().take(6).map(|letter| base(&[*letter], LETTERS_62));
    let mut next = |most: i64| parts.next().flatten().filter(|part| *part <= most);
    let (year, month, day) = (next(59)?, next(11)?, next(31)?);
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    // Sixty years from 1900 on: 100 is 2000.
    let year = match year {
        40.. => 1900 + 60 + year,
        _ => 1900 + 120 + year,
    };
    let text = format!(
        "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
        month + 1,
        second.min(59)
    );
    let at: groma_model::Timestamp = text.parse().ok()?;
    Some(at.millis() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_its_message_came() {
        let minute =
            |at: Option<i64>| at.map(|at| groma_model::Timestamp::from_seconds(at).to_string());
        let is = |at: Option<i64>, text: &str| {
            assert!(minute(at).unwrap().starts_with(text), "{:?}", minute(at))
        };
        // The line of each in a recorded log says the same.
        is(sendmail_id(b"6ALAxUqD000198"), "2026-11-21T10:59:30");
        is(base(b"1xUZ9g", LETTERS_62), "2026-11-21T00:40:36");
        for none in [&b"3E27B2E"[..], b"AAC8E10A0A0", b"", b"zzzzzzzzzz"] {
            assert_eq!(long_id(none), None);
        }
        assert_eq!(sendmail_id(b"6ZLA"), None);
        assert_eq!(base(b"e", LETTERS_52), None);
    }

    #[test]
    fn the_last_setting_counts_and_one_that_stands_for_another_does_not() {
        let text = b"queue_directory = /a\n# queue_directory = /b\nqueue_directory=/c\nqueue_directory_x = /d\n";
        assert_eq!(setting(text, b"queue_directory").as_deref(), Some("/c"));
        assert_eq!(setting(b"queue_directory = $x/y", b"queue_directory"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_name_makes_it_panic(name in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..30)) {
            let _ = (long_id(&name), sendmail_id(&name), base(&name, LETTERS_62));
        }
    }
}
