//! One conversation with a directory: one logon, then questions, page by page, each with an end.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use groma_model::{Reason, Timestamp};
use groma_source::{Budget, Window, World};
use ldap3::controls::{PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, StdStream};

use crate::access::{Directory, Logon, Way};
use crate::cause::{Cause, of_bind, of_search};
use crate::channel::{self, Notes};
use crate::entry::Entry;
use crate::guard;

/// How far one conversation may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries asked for at a time.
    pub page_entries: i32,
    /// How long one page may take.
    pub page: Duration,
    /// How long one question may take, all pages together.
    pub step: Duration,
    /// Entries one question may bring.
    pub entries_max: u64,
    /// Rounds of ranged retrieval for one attribute.
    pub ranges_max: u32,
    /// Values of one attribute that are asked for at a time ([MS-ADTS] 3.1.1.3.1.3.3); without it the server decides.
    pub values: Option<u32>,
    /// How long it waits before it asks again who is connected.
    pub sample: Duration,
    /// How often it asks that at most.
    pub samples_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_entries: 500,
            page: Duration::from_secs(30),
            step: Duration::from_secs(180),
            entries_max: 2_000_000,
            ranges_max: 200,
            values: None,
            sample: Duration::from_secs(15),
            samples_max: 10_000,
        }
    }
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a str,
    pub(crate) attributes: &'a [&'a str],
    /// True if lists of rights are asked for, and of them only who may do what.
    pub(crate) rights: bool,
}

/// How a question ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) entries: u64,
    /// Why not all of it was answered.
    pub(crate) trouble: Option<Cause>,
    /// Servers referred to, not asked.
    pub(crate) referrals: Vec<String>,
    /// Entries left out because of their shape.
    pub(crate) faulty: u64,
}

/// An open conversation.
pub(crate) struct Session<'a> {
    ldap: Ldap,
    notes: Notes,
    limits: Limits,
    window: &'a Window,
    own: Option<SocketAddr>,
    /// How long the server took to answer the logon.
    bound_in: Option<Duration>,
}

impl<'a> Session<'a> {
    /// Connects and logs on, once.
    pub(crate) async fn open(
        directory: &Directory,
        world: &World,
        window: &'a Window,
        budget: &Budget,
        limits: Limits,
    ) -> Result<Self, Cause> {
        // Judged before anything is sent: a password in clear text leaves this machine for nobody.
        if matches!(directory.logon, Logon::Simple { .. } | Logon::Asked { .. })
            && directory.way == Way::Open
            && !directory.is_local()
        {
            return Err(Cause::new(
                "a password is never sent in clear text; nothing was sent",
                Reason::Forbidden,
                "use ldaps:// or starttls = true",
            ));
        }
        let timeout = Duration::from_millis(budget.network_timeout_ms).min(window.remaining());
        let (server, own) = channel::open(directory, world, timeout).await?;
        let notes = Notes::default();
        let (near, far) = pair().map_err(|e| inner(&e))?;
        tokio::spawn(channel::hand_on(server, far, Arc::clone(&notes)));
        let ldap = library(near).await?;
        let mut session = Self {
            ldap,
            notes,
            limits,
            window,
            own,
            bound_in: None,
        };
        session.log_on(&directory.logon).await?;
        Ok(session)
    }

    async fn log_on(&mut self, logon: &Logon) -> Result<(), Cause> {
        let limit = self.page_limit();
        self.ldap.with_timeout(limit);
        let asked = self.window.monotonic();
        let bound = match logon {
            Logon::Anonymous => return Ok(()),
            Logon::Asked { user } => {
                return Err(Cause::new(
                    format!("nobody was asked for the password of {user}; nothing was sent"),
                    Reason::PermissionDenied,
                    "look from a terminal, or name a password_file",
                ));
            }
            Logon::External => self.ldap.sasl_external_bind().await,
            Logon::Simple { user, password } => {
                self.ldap.simple_bind(user, password.reveal()).await
            }
        };
        match bound {
            Ok(result) if result.rc == 0 => {
                self.bound_in = Some(self.window.monotonic().saturating_sub(asked));
                Ok(())
            }
            Ok(result) => Err(of_bind(result.rc, &result.text)),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn page_limit(&self) -> Duration {
        self.limits.page.min(self.window.remaining())
    }

    /// Why the library could not go on: what the guard noticed, else its own word.
    fn broken(&self, error: &LdapError) -> Cause {
        let ended = self
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ended
            .clone();
        match (ended, error) {
            (Some(cause), _) => cause,
            (None, LdapError::Timeout { .. }) => slow(),
            (None, error) => Cause::new(
                format!("the conversation broke: {error}"),
                Reason::Vanished,
                "look again",
            ),
        }
    }

    /// True once nothing more can be asked.
    pub(crate) fn is_over(&self) -> bool {
        self.window.is_over()
            || self
                .notes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ended
                .is_some()
    }

    /// Our own end of the conversation, where it has an address.
    pub(crate) fn own(&self) -> Option<SocketAddr> {
        self.own
    }

    /// How long the server took to answer the logon; none where nobody logged on.
    pub(crate) fn bound_in(&self) -> Option<Duration> {
        self.bound_in
    }

    /// How far it may go.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The moment, for what depends on it.
    pub(crate) fn now(&self) -> Timestamp {
        self.window.now()
    }

    /// Asks, page by page; `each` is told every entry once. What was answered before trouble came has been told.
    pub(crate) async fn ask(&mut self, query: Query<'_>, each: &mut dyn FnMut(Entry)) -> Ended {
        let faulty_before = self.faulty();
        let mut ended = Ended::default();
        let started = self.window.monotonic();
        let mut met = HashSet::new();
        let mut cookie = Vec::new();
        let mut idle = 0_u32;
        loop {
            if self.window.is_over()
                || self.window.monotonic().saturating_sub(started) > self.limits.step
            {
                ended.trouble = Some(slow());
                break;
            }
            let page = match self.page(query, std::mem::take(&mut cookie)).await {
                Ok(page) => page,
                Err(cause) => {
                    ended.trouble = Some(cause);
                    break;
                }
            };
            ended.referrals.extend(page.referrals.into_iter().take(16));
            let mut fresh = 0_u64;
            for entry in page.entries {
                let mut hasher = DefaultHasher::new();
                entry.dn.hash(&mut hasher);
                if !met.insert(hasher.finish()) {
                    continue;
                }
                fresh += 1;
                let whole = self.whole(entry, query, &mut ended).await;
                each(whole);
            }
            ended.entries += fresh;
            if page.trouble.is_some() || page.cookie.is_empty() {
                ended.trouble = ended.trouble.or(page.trouble);
                break;
            }
            idle = if fresh == 0 { idle + 1 } else { 0 };
            if idle > 8 || ended.entries > self.limits.entries_max {
                let what = "the server sends page after page without an end";
                ended.trouble = Some(Cause::new(
                    what,
                    Reason::BudgetExhausted,
                    "see what its own log says",
                ));
                break;
            }
            cookie = page.cookie;
        }
        ended.referrals.sort();
        ended.referrals.dedup();
        ended.faulty = self.faulty() - faulty_before;
        ended
    }

    /// The attribute as it is asked for: a first range of it, where so many values at a time were wished for.
    fn in_ranges(&self, attribute: &str) -> String {
        match self.limits.values {
            Some(values) if !attribute.contains(';') && attribute != "1.1" => {
                format!("{attribute};range=0-{}", values.saturating_sub(1))
            }
            _ => attribute.to_owned(),
        }
    }

    fn faulty(&self) -> u64 {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .faulty
    }

    async fn page(&mut self, query: Query<'_>, cookie: Vec<u8>) -> Result<Page, Cause> {
        let limit = self.page_limit();
        let size = match query.rights {
            true => (self.limits.page_entries / 5).max(1),
            false => self.limits.page_entries,
        };
        let mut controls = Vec::new();
        if query.scope != Scope::Base {
            controls.push(RawControl::from(PagedResults { size, cookie }));
        }
        if query.rights {
            controls.push(list_only());
        }
        // The server is told a time limit too, so that it does not go on when nobody listens any more.
        let seconds = i32::try_from(limit.as_secs().max(1)).unwrap_or(i32::MAX);
        self.ldap
            .with_timeout(limit)
            .with_search_options(SearchOptions::new().timelimit(seconds));
        if !controls.is_empty() {
            self.ldap.with_controls(controls);
        }
        let ranged = |attribute: &&str| match query.base {
            // The root entry is made by the server for each question, and knows no ranges.
            "" => (*attribute).to_owned(),
            _ => self.in_ranges(attribute),
        };
        let attributes: Vec<String> = query.attributes.iter().map(ranged).collect();
        let asked = self
            .ldap
            .search(query.base, query.scope, query.filter, attributes);
        // The library's own limit begins anew with each entry; this one does not.
        let answer = match tokio::time::timeout(limit, asked).await {
            Err(_) => return Err(slow()),
            Ok(Err(error)) => return Err(self.broken(&error)),
            Ok(Ok(answer)) => answer,
        };
        let ldap3::SearchResult(entries, result) = answer;
        let cookie = result
            .ctrls
            .iter()
            .find(|control| control.1.ctype == PAGED)
            .and_then(|control| guard::cookie(control.1.val.as_deref().unwrap_or_default()))
            .unwrap_or_default();
        Ok(Page {
            entries: entries.into_iter().filter_map(|e| Entry::of(e.0)).collect(),
            cookie,
            trouble: (result.rc != 0).then(|| of_search(result.rc, &result.text)),
            referrals: result.refs,
        })
    }

    /// Fetches what a server told only a range of ([MS-ADTS] 3.1.1.3.1.3.3): `member;range=0-1499`.
    async fn whole(&mut self, mut entry: Entry, query: Query<'_>, ended: &mut Ended) -> Entry {
        for at in 0..entry.attributes.len() {
            let Some((name, mut next)) = entry.attributes.get(at).and_then(|(n, _)| ranged(n))
            else {
                continue;
            };
            let mut rounds = 0;
            while let Some(from) = next {
                rounds += 1;
                if rounds > self.limits.ranges_max || self.is_over() {
                    let what = format!(
                        "{name} of {}: it has more values than were asked for",
                        entry.dn
                    );
                    ended.trouble = Some(Cause::new(what, Reason::TooLarge, ""));
                    break;
                }
                let last = self.limits.values.map_or_else(
                    || "*".to_owned(),
                    |values| {
                        from.saturating_add(u64::from(values.max(1)) - 1)
                            .to_string()
                    },
                );
                let wanted = format!("{name};range={from}-{last}");
                let query = Query {
                    base: &entry.dn,
                    scope: Scope::Base,
                    filter: "(objectClass=*)",
                    attributes: &[&wanted],
                    rights: query.rights,
                };
                let more = match self.page(query, Vec::new()).await {
                    Ok(page) => page.entries.into_iter().next(),
                    Err(cause) => {
                        ended.trouble = Some(cause);
                        break;
                    }
                };
                let begins = format!("{name};range=");
                let more = more.and_then(|e| {
                    e.attributes
                        .into_iter()
                        .find(|(n, v)| n.starts_with(&begins) && !v.is_empty())
                });
                let Some((told, values)) = more else { break };
                // A range that does not go on is the last one: nobody asks the same twice.
                next = ranged(&told).and_then(|(_, n)| n).filter(|n| *n > from);
                if let Some((_, all)) = entry.attributes.get_mut(at) {
                    all.extend(values);
                }
            }
            // The server tells the attribute without a range too, and empty.
            for (told, values) in &mut entry.attributes {
                if *told == name && values.iter().all(Vec::is_empty) {
                    told.push_str(";empty");
                }
            }
            if let Some((told, _)) = entry.attributes.get_mut(at) {
                *told = name;
            }
        }
        entry
    }

    /// Says goodbye; whether the server hears it does not matter.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.ldap.unbind()).await;
    }
}

const PAGED: &str = "1.2.840.113556.1.4.319";

/// LDAP_SERVER_SD_FLAGS_OID ([MS-ADTS] 3.1.1.3.4.1.11) with DACL_SECURITY_INFORMATION: only that part may be read by
/// everybody, and only that part is wanted.
fn list_only() -> RawControl {
    RawControl {
        ctype: "1.2.840.113556.1.4.801".to_owned(),
        crit: true,
        val: Some(vec![0x30, 0x03, 0x02, 0x01, 0x04]),
    }
}

struct Page {
    entries: Vec<Entry>,
    cookie: Vec<u8>,
    trouble: Option<Cause>,
    referrals: Vec<String>,
}

/// `member;range=0-1499` as the attribute and where the next range begins; nothing to come after `-*`.
fn ranged(name: &str) -> Option<(String, Option<u64>)> {
    let (bare, range) = name.split_once(";range=")?;
    let (_, last) = range.split_once('-')?;
    let next = match last {
        "*" => None,
        digits => Some(digits.parse::<u64>().ok()?.checked_add(1)?),
    };
    Some((bare.to_owned(), next))
}

fn slow() -> Cause {
    Cause::new(
        "it did not answer in time",
        Reason::TimedOut,
        "look again when the server is less busy, or give the look more time",
    )
}

fn inner(error: &dyn std::fmt::Display) -> Cause {
    Cause::new(
        format!("no conversation could be set up: {error}"),
        Reason::Unknown("bug".to_owned()),
        "",
    )
}

async fn library(near: StdStream) -> Result<Ldap, Cause> {
    let url = match near {
        StdStream::Tcp(_) => "ldap://localhost",
        _ => "ldapi://guard",
    };
    let settings = LdapConnSettings::new().set_std_stream(near);
    let opened = LdapConnAsync::with_settings(settings, url).await;
    let (conversation, ldap) = opened.map_err(|error| inner(&error))?;
    ldap3::drive!(conversation);
    Ok(ldap)
}

/// Two ends of a conversation within this process.
#[cfg(unix)]
fn pair() -> std::io::Result<(StdStream, tokio::net::UnixStream)> {
    let (near, far) = std::os::unix::net::UnixStream::pair()?;
    far.set_nonblocking(true)?;
    Ok((
        StdStream::Unix(near),
        tokio::net::UnixStream::from_std(far)?,
    ))
}

/// Two ends of a conversation within this process; whoever else calls in between is not let in.
#[cfg(not(unix))]
fn pair() -> std::io::Result<(StdStream, tokio::net::TcpStream)> {
    let door = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let near = std::net::TcpStream::connect_timeout(&door.local_addr()?, Duration::from_secs(1))?;
    let (far, caller) = door.accept()?;
    if caller != near.local_addr()? {
        return Err(std::io::Error::other("somebody else called"));
    }
    far.set_nonblocking(true)?;
    Ok((StdStream::Tcp(near), tokio::net::TcpStream::from_std(far)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_what_comes_next() {
        assert_eq!(
            ranged("member;range=0-1499"),
            Some(("member".into(), Some(1500)))
        );
        assert_eq!(ranged("member;range=1500-*"), Some(("member".into(), None)));
        assert_eq!(ranged("member"), None);
        assert_eq!(ranged("member;range=0-99999999999999999999"), None);
    }
}
