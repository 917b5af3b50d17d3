//! Kerberos (RFC 4120): for which service a ticket was asked, and by whom, once it was given. Tickets and what is encrypted
//! are not read.

use groma_model::Foreign;

use super::Told;
use crate::ber;
use crate::text::plain;

const LOGON: u8 = 0x6a;
const LOGON_ANSWER: u8 = 0x6b;
const TICKET: u8 = 0x6c;
const TICKET_ANSWER: u8 = 0x6d;
const REFUSAL: u8 = 0x7e;
/// Requests of one connection that are read.
const REQUESTS_MAX: usize = 8;

/// A request, without what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    logon: bool,
    realm: String,
    client: Option<String>,
    service: Option<String>,
}

impl Request {
    /// Reads KDC-REQ (RFC 4120 §5.4.1).
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let outer = ber::next(&mut bytes)?;
        let logon = match outer.tag {
            LOGON => true,
            TICKET => false,
            _ => return None,
        };
        let request = ber::find(outer.content, 0x30)?;
        let body = ber::find(ber::find(request, 0xa4)?, 0x30)?;
        let realm = plain(ber::find(ber::find(body, 0xa2)?, 0x1b)?)?;
        Some(Self {
            logon,
            realm: realm.to_owned(),
            client: ber::find(body, 0xa1).and_then(principal),
            service: ber::find(body, 0xa3).and_then(principal),
        })
    }

    /// What it tells once it was answered with a ticket.
    pub(super) fn told(self) -> Told {
        let realm = self.realm;
        let client = self.client.filter(|_| self.logon);
        let account = client.map(|client| format!("{client}@{realm}"));
        Told {
            kind: Some("kerberos"),
            protocol: "Kerberos",
            account: account.map(|account| Foreign::from(account.as_str())),
            service: self
                .service
                .filter(|_| !self.logon)
                .map(|name| Foreign::from(name.as_str())),
            ..Told::default()
        }
    }
}

/// True if `bytes` give what a request asked for.
pub(super) fn is_ticket(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(LOGON_ANSWER | TICKET_ANSWER)))
}

/// True for KRB-ERROR (§5.9.1).
pub(super) fn is_refusal(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&REFUSAL))
}

/// PrincipalName (RFC 4120 §5.2.2): its parts, with slashes.
fn principal(mut content: &[u8]) -> Option<String> {
    let name = ber::expect(&mut content, 0x30)?;
    let mut list = ber::find(ber::find(name, 0xa1)?, 0x30)?;
    let mut parts = Vec::new();
    while let Some(part) = ber::next(&mut list) {
        if parts.len() >= 4 {
            return None;
        }
        parts.push(plain(part.content)?);
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Over TCP each message has its length before it (§7.2.2).
pub(super) fn stream(said: &[u8], answered: &[u8]) -> Vec<Told> {
    let answers: Vec<&[u8]> = messages(answered).collect();
    let asked = messages(said).zip(answers);
    let given = asked.filter(|(_, answer)| is_ticket(answer));
    given
        .filter_map(|(request, _)| Request::read(request))
        .map(Request::told)
        .collect()
}

/// The last one may be cut: its begin says what it is.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let next = move || {
        let [a, b, c, d, rest @ ..] = bytes else {
            return None;
        };
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
        let message = rest.get(..length.min(rest.len()))?;
        bytes = rest.get(length..).unwrap_or_default();
        (!message.is_empty()).then_some(message)
    };
    std::iter::from_fn(next).take(REQUESTS_MAX)
}
