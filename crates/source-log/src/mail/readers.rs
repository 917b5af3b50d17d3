//! Who reads mail, calendars and address books, and with what: IMAP ID of Dovecot (`imap_id_log`), and the requests that web
//! servers and reverse proxies write in the combined format.
//!
//! What a client says of itself is turned into a word of ours at once; paths and names of people stay here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_knowledge::logs::LogGrammar;
use groma_knowledge::mail_clients::{IMAP, MailDoor, mail_client, mail_door};
use groma_model::fact::MailReader;
use groma_model::name::Peer;
use groma_model::{Foreign, Hours, Seen, Timestamp};
use serde::{Deserialize, Serialize};

use super::said::ip;
use crate::known;
use crate::quick::QuickMap;
use crate::tally::is_inside;
use crate::word::Word;

/// Rows that are kept; further ones are counted.
const ROWS_MAX: usize = 20_000;
/// Sessions of Dovecot whose client is remembered until it says what it is.
const SESSIONS_MAX: usize = 20_000;

/// What one row is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct Row {
    #[serde(with = "known::name")]
    product: known::Text,
    peer: IpAddr,
    #[serde(with = "known::name")]
    protocol: known::Text,
    #[serde(with = "known::maybe")]
    software: Option<known::Text>,
    #[serde(with = "known::maybe")]
    client: Option<known::Text>,
}

/// Every reader of one family of files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Readers {
    #[serde(with = "known::pairs")]
    rows: QuickMap<Row, Seen>,
    /// Who began a session of Dovecot.
    #[serde(with = "known::pairs")]
    sessions: QuickMap<Word, IpAddr>,
    /// Uses that had no room.
    pub(crate) left_out: u64,
}

/// True for a grammar whose lines tell of readers.
pub(crate) fn is_told_by(grammar: &LogGrammar) -> bool {
    matches!(grammar.id.as_str(), "dovecot" | "nginx" | "apache")
}

impl Readers {
    /// Hears a message of `grammar`; `at` reads its time, which may stand in the message.
    pub(crate) fn hear(
        &mut self,
        grammar: &'static LogGrammar,
        message: &str,
        at: impl FnOnce(Option<&str>) -> Option<Timestamp>,
    ) {
        let product = grammar.product.as_str();
        if grammar.id == "dovecot" {
            if let Some((peer, client)) = self.identified(message) {
                self.add(product, peer, None, client, || at(None));
            }
            return;
        }
        let Some(request) = request(message).filter(Request::is_answered) else {
            return;
        };
        if let Some(door) = mail_door(request.method, request.path) {
            let client = mail_client(request.agent).map(|client| client.says.as_str());
            self.add(product, request.client, Some(door), client, || {
                at(Some(request.time))
            });
        }
    }

    fn add(
        &mut self,
        product: &'static str,
        peer: IpAddr,
        door: Option<&'static MailDoor>,
        client: Option<&'static str>,
        at: impl FnOnce() -> Option<Timestamp>,
    ) {
        // Where somebody outside reads mail from is a person's business.
        if !is_inside(peer) {
            return;
        }
        let Some(at) = at() else { return };
        let row = Row {
            product,
            peer,
            protocol: door.map_or(IMAP, |door| door.protocol.as_str()),
            software: door.and_then(|door| door.software.as_deref()),
            client,
        };
        let seen = Seen {
            hours: Hours::of(at),
            ..Seen::once(at)
        };
        self.put(row, seen);
    }

    fn put(&mut self, row: Row, seen: Seen) {
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&row) {
            self.left_out += 1;
            return;
        }
        self.rows
            .entry(row)
            .and_modify(|known| *known = known.joined(seen))
            .or_insert(seen);
    }

    /// Who said what it is: before it logged on, in one line with its address; after that, in one with its session.
    fn identified(&mut self, message: &str) -> Option<(IpAddr, Option<&'static str>)> {
        if let Some(said) = message.strip_prefix("imap-login: ID sent: ") {
            let (said, told) = said.rsplit_once(": user=<")?;
            return Some((remote(told)?, client(said)));
        }
        if let Some(told) = message.strip_prefix("imap-login: Login: user=<") {
            let (_, session) = told.rsplit_once(", session=<")?;
            let session = Word::parse(session.strip_suffix('>')?)?;
            if self.sessions.len() >= SESSIONS_MAX {
                self.sessions.clear();
            }
            let peer = remote(told).filter(|peer| is_inside(*peer))?;
            self.sessions.insert(session, peer);
            return None;
        }
        // `imap(anna)<96><L3wykcdglaoKFAEj>: ID sent: name=…`: a name of a person may hold anything but not this end.
        let (head, said) = message.strip_prefix("imap(")?.split_once(">: ID sent: ")?;
        let (_, session) = head.rsplit_once('<')?;
        Some((*self.sessions.get(&Word::parse(session)?)?, client(said)))
    }

    /// What an older file told is added; its sessions are others.
    pub(crate) fn go_back(&mut self, older: Self) {
        self.sessions.clear();
        self.left_out = self.left_out.saturating_add(older.left_out);
        for (row, seen) in older.rows {
            self.put(row, seen);
        }
    }

    /// The rows in order; their log is not said yet.
    pub(crate) fn rows(self) -> BTreeMap<MailReader, Seen> {
        let fact = |(row, seen): (Row, Seen)| {
            let reader = MailReader {
                consumer: Peer::Address(row.peer),
                provider: None,
                protocol: row.protocol.to_owned(),
                software: row.software.map(str::to_owned),
                client: row.client.map(str::to_owned),
                product: row.product.to_owned(),
                log: Foreign::default(),
            };
            (reader, seen)
        };
        let inside = |(row, _): &(Row, Seen)| !row.peer.is_loopback();
        self.rows.into_iter().filter(inside).map(fact).collect()
    }
}

/// `…, rip=10.0.0.1, lip=10.0.0.2, …`: what stands before may be what a client wrote, so the last counts.
fn remote(told: &str) -> Option<IpAddr> {
    let (_, address) = told.rsplit_once(", rip=")?;
    let (address, _) = address.split_once(", lip=")?;
    ip(address)
}

/// `name=iPhone Mail, version=22B83, os=iOS`.
fn client(said: &str) -> Option<&'static str> {
    mail_client(said).map(|client| client.says.as_str())
}

/// One request.
struct Request<'m> {
    client: IpAddr,
    time: &'m str,
    method: &'m str,
    path: &'m str,
    status: &'m str,
    agent: &'m str,
}

impl Request<'_> {
    /// False for what was refused, what the server could not do, and for who was only sent elsewhere (to log on, or to TLS), but
    /// for the places that exist to send a reader on (RFC 6764 5). A balancer that asks how a server feels reads no mail.
    fn is_answered(&self) -> bool {
        let sends_on = self.path.starts_with("/.well-known/");
        let is_told = self.status.starts_with('2') || (sends_on && self.status.starts_with('3'));
        is_told && !self.path.to_ascii_lowercase().ends_with("/healthcheck.htm")
    }
}

/// `10.0.0.1 - anna [21/Nov/2026:11:21:51 +0000] "PUT /x HTTP/1.1" 201 0 "-" "agent"`, and Apache's with the name of the
/// host before it. Within quotes a quote is escaped, so the parts are those the server wrote.
fn request(message: &str) -> Option<Request<'_>> {
    let (head, rest) = message.split_once(" [")?;
    let mut words = head.split(' ');
    let client = ip(words.next()?).or_else(|| ip(words.next()?))?;
    let (time, rest) = rest.split_once("] \"")?;
    let (line, rest) = until_quote(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (_, rest) = rest.split_once(" \"")?;
    let (_, rest) = until_quote(rest)?;
    let (agent, rest) = until_quote(rest.strip_prefix(" \"")?)?;
    let (method, target) = line.split_once(' ')?;
    let path = target.split([' ', '?']).next()?;
    // Formats with more in them (nginx.org's and Red Hat's `main` has X-Forwarded-For) have it behind.
    let ends = rest.is_empty() || rest.starts_with(' ');
    (ends && time.len() < 40).then_some(Request {
        client,
        time,
        method,
        path,
        status,
        agent,
    })
}

/// The text up to a quote that is not escaped, and what follows.
fn until_quote(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_parts_the_server_wrote() {
        let line = r#"mail1:443 10.20.1.66 - a [21/Nov/2026:11:21:51 +0000] "GET /x?y=/EWS/ HTTP/1.1" 200 1 "-" "10.20.1.9 - - [x] \"GET /EWS/ HTTP/1.1\" 200""#;
        let request = request(line).unwrap();
        assert_eq!(request.client.to_string(), "10.20.1.66");
        assert_eq!((request.method, request.path), ("GET", "/x"));
        assert!(request.agent.starts_with("10.20.1.9"));
    }

    #[test]
    fn who_is_sent_to_the_logon_page_and_who_asks_how_the_server_feels_reads_no_mail() {
        let is_answered = |path: &str, status: u32| {
            let line = format!("10.20.1.66 - - [x] \"GET {path} HTTP/1.1\" {status} 1 \"-\" \"a\"");
            super::request(&line).unwrap().is_answered()
        };
        for (path, status) in [
            ("/owa/", 200),
            ("/EWS/Exchange.asmx", 200),
            ("/.well-known/caldav", 301),
        ] {
            assert!(is_answered(path, status), "{path}");
        }
        for (path, status) in [
            ("/owa/", 302),
            ("/EWS/", 301),
            ("/owa/HealthCheck.htm", 200),
            ("/owa/", 401),
        ] {
            assert!(!is_answered(path, status), "{path}");
        }
    }

    #[test]
    fn what_is_no_request_is_none() {
        for none in [
            "",
            "10.20.1.66 - - [x] \"GET / HTTP/1.1\" 200 1",
            "10.20.1.66 - - [x] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\"more",
            "10.20.1.66 - - [x] \"GET",
            "pc pc2 [x] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\"",
        ] {
            assert!(request(none).is_none(), "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(10\\.0\\.0\\.1 - - \\[x\\] )?[\"\\\\ a-z\\[\\]/?é]{0,60}") {
            let _ = request(&line);
            let _ = Readers::default().identified(&line);
        }
    }
}
