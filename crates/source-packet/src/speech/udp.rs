//! Datagrams that are a use by themselves or with their answer: time (RFC 5905), SNMP (RFC 3416), syslog (RFC 5424, RFC
//! 3164), Kerberos. No community and no message is kept.

use super::Told;
use super::kerberos::{Request, is_refusal, is_ticket};
use crate::ber;

/// True if a client asks for the time, or (`answers`) a server tells it.
pub fn asked_for_time(message: &[u8], answers: bool) -> bool {
    let Some(first) = message.first().filter(|_| message.len() >= 48) else {
        return false;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    (1..=4).contains(&version) && mode == if answers { 4 } else { 3 }
}

/// What an SNMP message is: `Some(true)` for a notification, `Some(false)` for a question or an answer to one. Version 3
/// may be encrypted; there the port alone tells.
pub fn snmp(message: &[u8], to_trap_port: bool) -> Option<bool> {
    let mut rest = message;
    let mut content = ber::expect(&mut rest, 0x30)?;
    let version = ber::number(ber::expect(&mut content, 2)?)?;
    if version == 3 {
        return Some(to_trap_port);
    }
    // The community: a secret, passed over.
    ber::expect(&mut content, 4)?;
    match ber::next(&mut content)?.tag {
        0xa4 | 0xa6 | 0xa7 => Some(true),
        0xa0..=0xa3 | 0xa5 => Some(false),
        _ => None,
    }
}

/// True for a line of a log as it is sent: it begins with a number in angle brackets.
pub fn is_log_line(message: &[u8]) -> bool {
    let head = message.get(..message.len().min(5)).unwrap_or_default();
    let Some(end) = head.iter().position(|b| *b == b'>') else {
        return false;
    };
    head.first() == Some(&b'<')
        && end >= 2
        && head
            .get(1..end)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// What a request of Kerberos will tell once it is answered with a ticket.
pub fn kerberos_asked(asked: &[u8]) -> Option<Told> {
    Request::read(asked).map(Request::told)
}

/// True for an answer of Kerberos that gives what was asked for.
pub fn kerberos_gave(answered: &[u8]) -> bool {
    is_ticket(answered)
}

/// True for an answer of Kerberos that gives nothing: it refuses, or says what is missing before it would.
pub fn kerberos_refused(answered: &[u8]) -> bool {
    is_refusal(answered)
}
