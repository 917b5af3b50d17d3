//! From an open port to what speaks there: one question a connection, until an answer is understood.

use std::io::{Read, Write};
use std::net::SocketAddr;

use groma_knowledge::banners::Named;
use groma_model::fact::{AnswerBasis, ServiceAnswer};
use groma_source::Conversation;

use crate::plan::Question;
use crate::recognise::{Spoken, spoken};
use crate::talk::{Caller, Miss, answer, greeting, proof, say};
use crate::tls::Begun;
use crate::{dns, http, ldap, lines, ntlm, rdp, rtsp, smb, ssh};

/// Questions that are met with silence before a port is left as it is: each costs the whole patience.
const SILENCES_MAX: usize = 7;

/// What speaks at `to`; an error if nothing that is understood came.
pub(crate) fn identify(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    asked: &[Question],
) -> Result<ServiceAnswer, Miss> {
    let mut last = Miss::Unasked(groma_model::Reason::Forbidden);
    let mut silences = 0;
    for &question in asked {
        match ask(caller, to, question) {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(miss @ (Miss::Over | Miss::Unasked(_))) => return Err(miss),
            Err(miss) => {
                silences += usize::from(miss == Miss::Silent);
                last = miss;
            }
        }
        if silences > SILENCES_MAX {
            break;
        }
    }
    Err(last)
}

/// One connection, one question, and what follows from the answer.
fn ask(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    question: Question,
) -> Result<Option<ServiceAnswer>, Miss> {
    let mut talk = caller.open(to)?;
    let heard = match question {
        Question::Greeting => greeting(&mut talk)?,
        Question::Tls => return tls(caller, to, talk),
        Question::Http => asked(&mut talk, &http::question(&host(to)), http::is_enough)?,
        Question::Ldap => asked(&mut talk, &ldap::question(), ldap::is_whole)?,
        Question::Smb => return share(caller, to, talk),
        Question::Rdp => asked(&mut talk, rdp::QUESTION, rdp::is_whole)?,
        Question::Postgresql => return postgresql(talk),
        Question::Dns => {
            let heard = asked(&mut talk, dns::QUESTION, dns::is_whole)?;
            if dns::is_answer(&heard) {
                return Ok(Some(told(Spoken::Dns.word(), &heard, dns::tells(&heard))));
            }
            heard
        }
        Question::Redis => asked(&mut talk, b"PING\r\n", |heard| heard.ends_with(b"\r\n"))?,
        Question::Memcached => asked(&mut talk, b"version\r\n", |heard| heard.ends_with(b"\r\n"))?,
        Question::Rtsp => asked(&mut talk, rtsp::QUESTION, |heard| {
            heard.ends_with(b"\r\n\r\n")
        })?,
    };
    understood(caller, to, talk, &heard, question == Question::Http)
}

/// Which of the zones near a name server it has authority over.
pub(crate) fn zones<'a>(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    domains: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, Miss> {
    let mut talk = caller.open(to)?;
    let mut kept = Vec::new();
    for (number, zone) in (1..).zip(dns::zones_near(to.ip(), domains)) {
        let Some(question) = dns::zone_question(number, &zone) else {
            continue;
        };
        say(&mut talk, &question)?;
        if dns::has_authority(&answer(&mut talk, dns::is_whole)?, number) {
            kept.push(zone);
        }
    }
    Ok(kept)
}

fn asked(
    talk: &mut (impl Read + Write),
    question: &[u8],
    enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, Miss> {
    say(talk, question)?;
    answer(talk, |heard| enough(heard) || is_foreign(heard))
}

/// A line of a server that speaks something else: nothing more need be awaited.
fn is_foreign(heard: &[u8]) -> bool {
    spoken(heard)
        .is_some_and(|s| !matches!(s, Spoken::Http | Spoken::Ldap | Spoken::Smb | Spoken::Rdp))
}

/// What words tell, whatever was asked. A server that answered a question of another protocol may be asked its own, once the
/// conversation is over in which it did: whoever breaks easily has one at a time.
fn understood(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    mut conversation: Conversation,
    heard: &[u8],
    was_asked_for_a_page: bool,
) -> Result<Option<ServiceAnswer>, Miss> {
    let talk = &mut conversation;
    let Some(spoken) = spoken(heard) else {
        return Ok(None);
    };
    let line = lines::first(heard);
    let (word, mut answer) = match spoken {
        Spoken::Ssh => return secure_shell(caller, talk, heard).map(Some),
        Spoken::Code220 => match lines::ask_220(talk, heard)? {
            Some(told) => told,
            None => return Ok(None),
        },
        Spoken::Imap => ("imap", lines::ask_imap(talk, &line)),
        Spoken::Pop3 => ("pop3", lines::ask_pop3(talk)),
        Spoken::Http
            if !was_asked_for_a_page && (!http::is_enough(heard) || http_refused(heard)) =>
        {
            drop(conversation);
            return Ok(Some(page(caller, to, heard)));
        }
        Spoken::Http => {
            drop(conversation);
            ("http", web(caller, to, heard))
        }
        Spoken::Ldap => {
            let _ = say(talk, ldap::UNBIND);
            ("ldap", ldap::tells(heard))
        }
        Spoken::Rdp => ("rdp", desktop(talk, to, heard)),
        // Who speaks it without having been asked in it ended the conversation, or will.
        Spoken::Rtsp => ("rtsp", rtsp::ask(talk, &host(to), heard)),
        Spoken::Mysql => ("mysql", database(heard)),
        other => (other.word(), ServiceAnswer::default()),
    };
    if answer.product.is_none()
        && let Some(named) = groma_knowledge::product_named(word, &line)
    {
        name(&mut answer, named);
    }
    Ok(Some(told(word, heard, answer)))
}

/// What a page tells, and the names of its machine where it wants to know who comes by NTLM.
fn web(caller: &mut Caller<'_>, to: SocketAddr, page: &[u8]) -> ServiceAnswer {
    let mut answer = http::tells(page);
    let named = http::ntlm_names(&host(to), page, &answer, |question| {
        let mut again = caller.open(to).ok()?;
        asked(&mut again, question, http::is_enough).ok()
    });
    named
        .into_iter()
        .for_each(|named| ntlm::add(&mut answer, named));
    answer
}

/// The same within TLS.
fn web_within(caller: &mut Caller<'_>, to: SocketAddr, page: &[u8], answer: &mut ServiceAnswer) {
    let named = http::ntlm_names(&host(to), page, answer, |question| {
        let again = caller.open(to).ok()?;
        let Begun::Within(mut talk, _) = crate::tls::begin(again, to.ip()) else {
            return None;
        };
        let heard = asked(&mut *talk, question, http::is_enough).ok();
        talk.conn.send_close_notify();
        let _ = talk.flush();
        heard
    });
    named.into_iter().for_each(|named| ntlm::add(answer, named));
}

/// The first page of a web server that answered another question by `heard`; that, where it cannot be had.
fn page(caller: &mut Caller<'_>, to: SocketAddr, heard: &[u8]) -> ServiceAnswer {
    let again = caller.open(to);
    let page = again
        .and_then(|mut talk| asked(&mut talk, &http::question(&host(to)), http::is_enough))
        .ok()
        .filter(|page| spoken(page) == Some(Spoken::Http));
    let page = page.unwrap_or_else(|| heard.to_vec());
    told("http", &page, web(caller, to, &page))
}

/// A web server that was asked in another language says 400: its first page says more.
fn http_refused(heard: &[u8]) -> bool {
    heard.get(9..12) == Some(b"400")
}

/// SSH: the product it names, and its host key if it proves it.
fn secure_shell(
    caller: &mut Caller<'_>,
    talk: &mut Conversation,
    heard: &[u8],
) -> Result<ServiceAnswer, Miss> {
    let line = ssh::identity(heard).unwrap_or_default();
    let mut answer = ServiceAnswer::default();
    if let Some(named) = groma_knowledge::product_named("ssh", &String::from_utf8_lossy(line)) {
        name(&mut answer, named);
    }
    let cookie = caller.random();
    answer
        .host_keys
        .extend(ssh::host_key(talk, heard, cookie).ok().flatten());
    Ok(told("ssh", line, answer))
}

/// Remote desktop: what it wants, and the machine's names if it wants to know first who comes.
fn desktop(talk: &mut Conversation, to: SocketAddr, heard: &[u8]) -> ServiceAnswer {
    let answer = rdp::tells(heard);
    if !rdp::wants_credentials(heard) {
        return answer;
    }
    match rdp::names(talk, to.ip()) {
        Ok(Some(named)) => ServiceAnswer {
            asks_for: answer.asks_for,
            offers_tls: answer.offers_tls,
            ..named
        },
        _ => answer,
    }
}

/// Protocol 10 of MySQL: the version stands behind its first octet.
fn database(heard: &[u8]) -> ServiceAnswer {
    const TLS: u16 = 0x0800;
    let mut answer = ServiceAnswer::default();
    let Some([10, rest @ ..]) = heard.get(4..) else {
        return answer;
    };
    let Some(end) = rest.iter().position(|&b| b == 0) else {
        return answer;
    };
    let version = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
    if let Some(named) = groma_knowledge::product_named("mysql", &version) {
        name(&mut answer, named);
    }
    let flags = rest.get(end + 14..).and_then(|f| f.first_chunk());
    answer.offers_tls = flags.map(|f| u16::from_le_bytes(*f) & TLS != 0);
    answer
}

/// An SSLRequest is answered with one letter, by nobody else.
fn postgresql(mut talk: Conversation) -> Result<Option<ServiceAnswer>, Miss> {
    say(&mut talk, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])?;
    let heard = answer(&mut talk, |_| true)?;
    Ok(match heard.as_slice() {
        [letter @ (b'S' | b'N')] => {
            let answer = ServiceAnswer {
                product: Some("PostgreSQL".to_owned()),
                offers_tls: Some(*letter == b'S'),
                ..ServiceAnswer::default()
            };
            Some(told("postgresql", &heard, answer))
        }
        other => spoken(other).and_then(|s| {
            (s == Spoken::Postgresql).then(|| told("postgresql", other, ServiceAnswer::default()))
        }),
    })
}

/// SMB: the newest version, the machine's names, and whether the first version still lives.
fn share(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    mut talk: Conversation,
) -> Result<Option<ServiceAnswer>, Miss> {
    let client = caller.random();
    let newer = asked(&mut talk, &smb::question(client), smb::is_whole);
    if let Ok(heard) = &newer
        && spoken(heard) != Some(Spoken::Smb)
    {
        return understood(caller, to, talk, heard, false);
    }
    let mut answer = newer.as_deref().map(smb::tells).unwrap_or_default();
    let named = newer
        .as_ref()
        .ok()
        .and_then(|_| smb::names(&mut talk).ok().flatten());
    drop(talk);
    let oldest = caller.open(to);
    let older = oldest
        .and_then(|mut talk| asked(&mut talk, &smb::oldest_question(), smb::is_whole))
        .ok()
        .filter(|heard| smb::tells(heard).version.as_deref() == Some("SMB 1"));
    if let Some(named) = named {
        answer.names = named.names;
        answer.domain = named.domain;
        answer.system = named.system;
    }
    Ok(match (newer, older) {
        (Err(miss), None) => return Err(miss),
        (Err(_), Some(heard)) => Some(told("smb", &heard, smb::tells(&heard))),
        (Ok(heard), older) => {
            let spoken = answer.version.take().into_iter();
            let spoken = older.map(|_| "SMB 1".to_owned()).into_iter().chain(spoken);
            answer.version = Some(spoken.collect::<Vec<_>>().join(", ")).filter(|v| !v.is_empty());
            Some(told("smb", &heard, answer))
        }
    })
}

/// TLS, and what speaks within it.
fn tls(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    talk: Conversation,
) -> Result<Option<ServiceAnswer>, Miss> {
    match crate::tls::begin(talk, to.ip()) {
        Begun::Within(mut talk, version) => {
            let (mut answer, page) = within(to, &mut *talk);
            talk.conn.send_close_notify();
            let _ = talk.flush();
            drop(talk);
            if answer.protocol == "http" {
                web_within(caller, to, &page, &mut answer);
            }
            answer.tls = Some(version.to_owned());
            Ok(Some(answer))
        }
        Begun::Refused(heard) => Ok(Some(refused(caller, to, &heard))),
        Begun::Other(heard) => in_the_clear(caller, to, heard),
        Begun::Broken(error) => Err(error.into()),
    }
}

/// Something else than TLS. The conversation is spent: whoever speaks first is heard again, whoever does not is asked its own.
fn in_the_clear(
    caller: &mut Caller<'_>,
    to: SocketAddr,
    heard: Vec<u8>,
) -> Result<Option<ServiceAnswer>, Miss> {
    let speaks = match spoken(&heard) {
        None => return Ok(None),
        Some(Spoken::Http) => return Ok(Some(page(caller, to, &heard))),
        Some(speaks) => speaks,
    };
    let mut again = match caller.open(to) {
        Ok(again) => again,
        // A mail server or a file server: only more words tell.
        Err(miss) if speaks == Spoken::Code220 => return Err(miss),
        Err(_) => {
            let answer = ServiceAnswer::default();
            return Ok(Some(told(speaks.word(), &heard, answer)));
        }
    };
    let heard = greeting(&mut again).unwrap_or(heard);
    understood(caller, to, again, &heard, false)
}

/// TLS that does not speak with us: the version it chooses when an older client comes, and the bytes that prove it.
fn refused(caller: &mut Caller<'_>, to: SocketAddr, heard: &[u8]) -> ServiceAnswer {
    let random = caller.random();
    let again = caller.open(to).ok();
    let older = again.and_then(|mut talk| crate::tls::older(&mut talk, random).ok().flatten());
    let (version, bytes) = match &older {
        Some((version, bytes)) => (*version, bytes.as_slice()),
        None => (REFUSED, heard),
    };
    let answer = ServiceAnswer {
        tls: Some(version.to_owned()),
        ..ServiceAnswer::default()
    };
    told(Spoken::Tls.word(), bytes, answer)
}

/// What of a ServerHello is the same each time: the head of its record and message, and the version it chooses. What
/// follows is chance.
const RECORD_HEAD: usize = 11;
/// What is said of a server that wants neither a new client nor an old one.
const REFUSED: &str = "a version or a certificate of the client's that was not offered";

/// What speaks within TLS: at the ports of mail it greets first, at those of a directory it is asked, else it is a page.
/// And what was heard.
fn within(to: SocketAddr, talk: &mut (impl Read + Write)) -> (ServiceAnswer, Vec<u8>) {
    let heard = match to.port() {
        465 | 563 | 990 | 992..=995 | 6697 => greeting(talk),
        636 | 3269 => asked(talk, &ldap::question(), ldap::is_whole),
        _ => asked(talk, &http::question(&host(to)), http::is_enough),
    };
    let heard = heard.unwrap_or_default();
    let line = lines::first(&heard);
    let (word, mut answer) = match spoken(&heard) {
        Some(Spoken::Http) => ("http", http::tells(&heard)),
        Some(Spoken::Ldap) => {
            let _ = say(talk, ldap::UNBIND);
            ("ldap", ldap::tells(&heard))
        }
        Some(Spoken::Code220) => {
            let asked = lines::ask_220(talk, &heard).ok().flatten();
            asked.unwrap_or(("tls", ServiceAnswer::default()))
        }
        Some(Spoken::Imap) => ("imap", lines::ask_imap(talk, &line)),
        Some(Spoken::Pop3) => ("pop3", lines::ask_pop3(talk)),
        Some(other) => (other.word(), ServiceAnswer::default()),
        None => ("tls", ServiceAnswer::default()),
    };
    if answer.product.is_none()
        && let Some(named) = groma_knowledge::product_named(word, &line)
    {
        name(&mut answer, named);
    }
    (told(word, &heard, answer), heard)
}

/// The address as the `Host` field wants it.
fn host(to: SocketAddr) -> String {
    match to {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

fn told(protocol: &str, heard: &[u8], answer: ServiceAnswer) -> ServiceAnswer {
    ServiceAnswer {
        protocol: protocol.to_owned(),
        proof: steady(&proof(first_of(protocol, heard))),
        ..answer
    }
}

/// What of an answer is a proof and no more: the first line where lines are spoken, the status and the server of a page, the
/// header of a binary message. A challenge, a cookie or a nonce is none.
fn first_of<'a>(protocol: &str, heard: &'a [u8]) -> &'a [u8] {
    let line = heard.split(|&b| b == b'\n').next().unwrap_or_default();
    match protocol {
        "smb" => heard.get(4..12).unwrap_or_default(),
        "rdp" => heard.get(..19).unwrap_or(heard),
        "mysql" => {
            let end = heard
                .get(5..)
                .and_then(|rest| rest.iter().position(|&b| b == 0));
            end.and_then(|end| heard.get(..5 + end)).unwrap_or_default()
        }
        "dns" => heard.get(..14).unwrap_or(heard),
        "tls" => heard.get(..RECORD_HEAD).unwrap_or(heard),
        "ldap" | "postgresql" | "vnc" | "telnet" => {
            heard.get(..heard.len().min(24)).unwrap_or_default()
        }
        _ => line,
    }
}

/// A proof without what is another at each call, or a challenge: `<…@…>` of APOP, a time with its date, the id of a stream.
fn steady(proof: &str) -> String {
    let mut kept = proof;
    for begin in [
        " <", " id='", "; Mon", "; Tue", "; Wed", "; Thu", "; Fri", "; Sat", "; Sun",
    ] {
        kept = kept.split(begin).next().unwrap_or(kept);
    }
    let words: Vec<&str> = kept.split(' ').collect();
    let is_day = |word: &str| {
        let day = word.trim_end_matches(',');
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&day)
    };
    let end = words.iter().position(|word| is_day(word));
    words
        .get(..end.unwrap_or(words.len()))
        .unwrap_or_default()
        .join(" ")
}

/// Puts a product that a server named into the answer.
pub(crate) fn name(answer: &mut ServiceAnswer, named: Named) {
    answer.product = Some(named.product);
    answer.version = named.version;
    answer.system = named.system;
    answer.basis = AnswerBasis::Named;
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use groma_source::testing::{self, FakeDisk};
    use groma_source::{Budget, Network, Stream, World};

    use super::*;

    /// A machine that has one conversation at a time, and after so many none.
    #[derive(Clone)]
    struct Fragile {
        answers: fn(&[u8]) -> &'static [u8],
        open: Arc<AtomicUsize>,
        opened: Arc<AtomicUsize>,
        most: usize,
    }

    struct Line {
        of: Fragile,
        said: Vec<u8>,
    }

    impl Network for Fragile {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            let is_free = self.open.load(Ordering::SeqCst) == 0;
            if !is_free || self.opened.load(Ordering::SeqCst) >= self.most {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.open.fetch_add(1, Ordering::SeqCst);
            self.opened.fetch_add(1, Ordering::SeqCst);
            let of = self.clone();
            let said = Vec::new();
            Ok(Box::new(Line { of, said }))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            false
        }
    }

    impl Drop for Line {
        fn drop(&mut self) {
            self.of.open.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.said.extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Line {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.said.is_empty() {
                return Ok(0);
            }
            let said = std::mem::take(&mut self.said);
            (self.of.answers)(&said).read(into)
        }
    }

    /// A web server of this kind: `400` to whatever is no question for a page.
    fn page_of(said: &[u8]) -> &'static [u8] {
        match said.starts_with(b"GET / ") {
            true => b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n",
            false => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        }
    }

    fn bad(_: &[u8]) -> &'static [u8] {
        page_of(b"")
    }

    /// TLS's word for "that is no version I speak".
    fn alert(_: &[u8]) -> &'static [u8] {
        &[21, 3, 1, 0, 2, 2, 70]
    }

    /// What is told of a machine that answers so and has at most so many conversations, and how many it had.
    fn told_of(
        answers: fn(&[u8]) -> &'static [u8],
        most: usize,
        question: Question,
    ) -> (Result<ServiceAnswer, Miss>, usize) {
        let network = Fragile {
            answers,
            open: Arc::default(),
            opened: Arc::default(),
            most,
        };
        let opened = network.opened.clone();
        let world = World {
            network: Arc::new(network),
            ..testing::world(FakeDisk::new())
        };
        let window = testing::window(&world);
        let mut caller = Caller::new(&world, &window, &Budget::default());
        let to = SocketAddr::from(([10, 0, 0, 5], 8080));
        let told = identify(&mut caller, to, &[question]);
        (told, opened.load(Ordering::SeqCst))
    }

    #[test]
    fn a_page_is_asked_for_when_the_conversation_before_is_over() {
        for question in [Question::Ldap, Question::Tls, Question::Smb] {
            let (told, opened) = told_of(page_of, 9, question);
            let told = told.unwrap();
            assert_eq!(told.proof, "HTTP/1.1 200 OK", "{question:?}");
            assert_eq!((opened, told.product.is_some()), (2, true));
        }
    }

    #[test]
    fn what_was_heard_is_told_where_nobody_answers_again() {
        for question in [Question::Ldap, Question::Tls] {
            let told = told_of(page_of, 1, question).0.unwrap();
            assert_eq!(told.protocol, "http");
            assert_eq!(told.proof, "HTTP/1.1 400 Bad Request", "{question:?}");
        }
        let told = told_of(alert, 1, Question::Tls).0.unwrap();
        assert_eq!(
            (told.protocol.as_str(), told.tls.as_deref()),
            ("tls", Some(REFUSED))
        );
    }

    #[test]
    fn who_refuses_a_page_is_not_asked_for_it_again() {
        for question in [Question::Http, Question::Tls] {
            let (told, opened) = told_of(bad, 9, question);
            assert_eq!(told.unwrap().proof, "HTTP/1.1 400 Bad Request");
            assert_eq!(opened, if question == Question::Http { 1 } else { 2 });
        }
    }

    #[test]
    fn a_proof_holds_no_challenge_and_no_time() {
        assert_eq!(steady("+OK <1896.697170952@mail.corp.example>"), "+OK");
        assert_eq!(
            steady("220 mx.corp.example ESMTP Exim 4.96 Sat, 21 Nov 2026 12:20:31 +0000"),
            "220 mx.corp.example ESMTP Exim 4.96"
        );
        let sendmail = "220 m ESMTP Sendmail 8.17.1/8.17.1; Sat, 21 Nov 2026 12:20:31 GMT";
        assert_eq!(steady(sendmail), "220 m ESMTP Sendmail 8.17.1/8.17.1");
        assert_eq!(steady("SSH-2.0-OpenSSH_9.2p1"), "SSH-2.0-OpenSSH_9.2p1");
    }
}
