//! SMTP (RFC 5321, RFC 4954, RFC 3207) and the doors of mailboxes (RFC 9051, RFC 1939): who sends mail how, from which domain
//! to which. Of an address only its domain is kept; texts of mail, and what follows AUTH, are passed over.

use std::collections::BTreeSet;

use groma_knowledge::mail_senders::sender_word;
use groma_model::fact::MailRecipients;
use groma_model::name::{HostName, Protection};
use groma_model::reported::ReportedMail;

use super::Told;

/// Lines of one side that are read.
const LINES_MAX: usize = 400;
const LINE_BYTES_MAX: usize = 1024;
/// Messages of one connection that are told.
const MESSAGES_MAX: usize = 16;
/// Domains of one message; more are `*`.
const DOMAINS_MAX: usize = 4;

/// True if these are the first words of a client or a server of SMTP.
pub(super) fn is_smtp(said: &[u8], answered: &[u8]) -> bool {
    let greets = |word: &[u8]| {
        said.get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    let greeted = answered.is_empty() || answered.starts_with(b"220") || answered.starts_with(b"5");
    greeted && (greets(b"EHLO ") || greets(b"HELO "))
}

/// Reads both sides of a connection to `port`.
pub(super) fn smtp(port: u16, said: &[u8], answered: &[u8]) -> Vec<Told> {
    let mut session = Session {
        replies: replies(answered),
        at: 0,
        one_sided: answered.is_empty(),
        ..Session::default()
    };
    session.reply(); // the greeting
    let mut rest = said;
    for _ in 0..LINES_MAX {
        let Some(line) = line(&mut rest) else { break };
        if !session.command(line, &mut rest) {
            break;
        }
    }
    session.told(port)
}

/// What is known of a session so far.
#[derive(Default)]
struct Session {
    replies: Vec<u16>,
    at: usize,
    one_sided: bool,
    helo: Option<String>,
    mechanism: Option<String>,
    starttls: bool,
    refused: bool,
    sender: Option<Option<(String, Option<&'static str>)>>,
    recipients: BTreeSet<String>,
    taken: Vec<ReportedMail>,
}

impl Session {
    /// The reply to what was said last; none where the server's side is missing, or ends before.
    fn reply(&mut self) -> Option<u16> {
        let reply = self.replies.get(self.at).copied();
        self.at += 1;
        reply
    }

    /// Takes a line of the client; false once nothing more can be understood.
    fn command(&mut self, line: &[u8], rest: &mut &[u8]) -> bool {
        let word = line.split(|b| *b == b' ').next().unwrap_or_default();
        let word = word.to_ascii_uppercase();
        let argument = line.get(word.len() + 1..).unwrap_or_default();
        match word.as_slice() {
            b"EHLO" | b"HELO" => {
                self.reply();
                self.helo = helo(argument);
            }
            b"STARTTLS" => {
                let reply = self.reply();
                self.starttls = self.one_sided || reply == Some(220);
                return !self.starttls;
            }
            b"AUTH" => self.logon(argument, rest),
            b"MAIL" => {
                let accepted = self.reply().is_some_and(is_good);
                self.recipients.clear();
                self.sender = accepted.then(|| sender(argument));
            }
            b"RCPT" => match self.reply() {
                Some(reply) if is_good(reply) => {
                    self.recipients.extend(domain(argument));
                }
                reply => self.refused |= reply.is_some_and(|reply| reply >= 500),
            },
            b"DATA" => {
                if self.reply() != Some(354) {
                    return !self.one_sided;
                }
                let Some(end) = end_of_text(rest) else {
                    return false;
                };
                *rest = rest.get(end..).unwrap_or_default();
                self.message();
            }
            b"BDAT" => {
                let mut words = argument.split(|b| *b == b' ');
                let length = words.next().and_then(|word| std::str::from_utf8(word).ok());
                let Some(length) = length.and_then(|text| text.parse::<usize>().ok()) else {
                    return false;
                };
                let Some(after) = rest.get(length..) else {
                    return false;
                };
                *rest = after;
                match words.next().map(<[u8]>::to_ascii_uppercase) {
                    Some(last) if last == b"LAST" => self.message(),
                    _ => {
                        self.reply();
                    }
                }
            }
            b"QUIT" => return false,
            _ => {
                self.reply();
            }
        }
        true
    }

    /// A logon: its mechanism. Everything it says besides is passed over.
    fn logon(&mut self, argument: &[u8], rest: &mut &[u8]) {
        let mechanism = argument.split(|b| *b == b' ').next().unwrap_or_default();
        let known = mechanism.len() <= 20
            && !mechanism.is_empty()
            && mechanism
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b));
        let mut reply = self.reply();
        for _ in 0..8 {
            if reply != Some(334) {
                break;
            }
            let _ = line(rest);
            reply = self.reply();
        }
        if reply == Some(235) && known {
            let mechanism = String::from_utf8_lossy(mechanism).to_ascii_uppercase();
            self.mechanism = Some(mechanism);
        }
        self.refused |= reply.is_some_and(|reply| reply >= 500);
    }

    /// The end of a message, and what the server says of it.
    fn message(&mut self) {
        let accepted = self.reply().is_some_and(is_good);
        let Some(sender) = self.sender.take().filter(|_| accepted) else {
            return;
        };
        let many = self.recipients.len() > DOMAINS_MAX;
        let domains = std::mem::take(&mut self.recipients);
        let named = domains.into_iter().map(|domain| MailRecipients {
            domain,
            delivered_here: false,
        });
        let recipients = match many {
            true => vec![MailRecipients {
                domain: "*".to_owned(),
                delivered_here: false,
            }],
            false => named.collect(),
        };
        let (sender, word) = sender.map_or((None, None), |(domain, word)| (Some(domain), word));
        if self.taken.len() < MESSAGES_MAX {
            self.taken.push(ReportedMail {
                helo: self.helo.clone(),
                sender,
                sender_word: word.map(str::to_owned),
                recipients,
                ..ReportedMail::default()
            });
        }
    }

    fn told(self, port: u16) -> Vec<Told> {
        let submits = match port {
            587 | 465 => true,
            25 => false,
            _ => self.mechanism.is_some(),
        };
        let told = Told {
            kind: Some(match submits {
                true => "smtp-submission",
                false => "smtp-relay",
            }),
            protocol: "SMTP",
            mechanism: self.mechanism,
            protection: Some(match self.starttls {
                true => Protection::Starttls,
                false => Protection::None,
            }),
            ..Told::default()
        };
        if self.taken.is_empty() {
            return vec![Told {
                refused: self.refused && !self.starttls,
                ..told
            }];
        }
        let mails = self.taken.into_iter().map(|mail| Told {
            mail: Some(mail),
            ..told.clone()
        });
        mails.collect()
    }
}

fn is_good(reply: u16) -> bool {
    (200..300).contains(&reply)
}

/// Takes the next line, without its end.
fn line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let end = rest.iter().take(LINE_BYTES_MAX).position(|b| *b == b'\n')?;
    let line = rest.get(..end)?;
    *rest = rest.get(end + 1..)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Where a text ends: after a line with nothing but a dot.
fn end_of_text(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b".\r\n") {
        return Some(3);
    }
    let at = rest.windows(5).position(|five| five == b"\r\n.\r\n")?;
    Some(at + 5)
}

/// The numbers of a server's replies; a reply of several lines is one (RFC 5321 §4.2.1).
fn replies(answered: &[u8]) -> Vec<u16> {
    let mut out = Vec::new();
    let mut rest = answered;
    while let Some(line) = line(&mut rest) {
        let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', more @ ..] = line else {
            break;
        };
        if more.first() != Some(&b'-') && out.len() < LINES_MAX {
            let digit = |byte: &u8| u16::from(byte - b'0');
            out.push(digit(a) * 100 + digit(b) * 10 + digit(c));
        }
    }
    out
}

/// What a client calls itself, if that is a name or an address.
fn helo(argument: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(argument).ok()?.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .map(|text| text.strip_prefix("IPv6:").unwrap_or(text));
    match inner {
        Some(address) => address
            .parse::<std::net::IpAddr>()
            .ok()
            .map(|a| a.to_string()),
        None => HostName::parse(text).map(|name| name.to_string()),
    }
}

/// The address between angle brackets.
fn address(argument: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(argument).ok()?;
    let (_, rest) = text.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address)
}

/// Domain and word of a sender; nothing for a report.
fn sender(argument: &[u8]) -> Option<(String, Option<&'static str>)> {
    let (local, domain) = address(argument)?.rsplit_once('@')?;
    let domain = HostName::parse(domain)?;
    Some((domain.to_string(), sender_word(local)))
}

fn domain(argument: &[u8]) -> Option<String> {
    let (_, domain) = address(argument)?.rsplit_once('@')?;
    HostName::parse(domain).map(|name| name.to_string())
}

/// IMAP and POP3: that a mailbox is read, and whether STARTTLS came before. Who reads it is a person.
pub(super) fn mailbox(said: &[u8], answered: &[u8]) -> Option<Told> {
    let (kind, protocol, word): (_, _, &[u8]) = match answered {
        [b'*', b' ', b'O', b'K', ..] => ("imap", "IMAP", b"STARTTLS"),
        [b'+', b'O', b'K', ..] => ("pop3", "POP3", b"STLS"),
        _ => return None,
    };
    let mut rest = said;
    let mut protection = Protection::None;
    for _ in 0..16 {
        let Some(line) = line(&mut rest) else { break };
        let mut words = line.split(|b| *b == b' ');
        if words.any(|said| said.eq_ignore_ascii_case(word)) {
            protection = Protection::Starttls;
            break;
        }
    }
    Some(Told {
        kind: Some(kind),
        protocol,
        protection: Some(protection),
        ..Told::default()
    })
}
