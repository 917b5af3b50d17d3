//! LDAP (RFC 4511): who binds, in which way, and whether it was let in.

use groma_model::Foreign;
use groma_model::name::Protection;

use super::Told;
use crate::ber;
use crate::text::plain;

/// Messages of one side that are read.
const MESSAGES_MAX: usize = 200;
/// Binds of one connection that are told.
const BINDS_MAX: usize = 8;
/// StartTLS (RFC 4511 §4.14).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

const BIND: u8 = 0x60;
const BIND_ANSWER: u8 = 0x61;
const UNBIND: u8 = 0x42;
const EXTENDED: u8 = 0x77;
const EXTENDED_ANSWER: u8 = 0x78;

const SUCCESS: u32 = 0;
const BIND_IN_PROGRESS: u32 = 14;

/// Reads both sides of a connection.
pub(super) fn read(said: &[u8], answered: &[u8]) -> Vec<Told> {
    let results = results(answered);
    let result = |message: u32| {
        results
            .iter()
            .find(|(number, _)| *number == message)
            .map(|(_, code)| *code)
    };
    let mut told = Vec::new();
    let mut asked_anything = false;
    let mut rest = said;
    for _ in 0..MESSAGES_MAX {
        let Some((number, operation)) = message(&mut rest) else {
            break;
        };
        match operation.tag {
            BIND => {
                let Some(bind) = Bind::read(operation.content) else {
                    break;
                };
                let result = result(number);
                // Steps of one logon: the last one says how it ended.
                if result != Some(BIND_IN_PROGRESS) && told.len() < BINDS_MAX {
                    told.push(bind.told(result));
                }
            }
            EXTENDED if ber::find(operation.content, 0x80) == Some(START_TLS) => {
                told.push(Told {
                    protection: Some(Protection::Starttls),
                    refused: result(number).is_some_and(|code| code != SUCCESS),
                    ..plain_ldap()
                });
                if result(number).is_none_or(|code| code == SUCCESS) {
                    // What follows is not for us to read.
                    return told;
                }
            }
            UNBIND => break,
            0x63 | 0x66 | 0x68 | 0x4a | 0x6c | 0x6e => asked_anything = true,
            _ => {}
        }
    }
    if told.is_empty() && asked_anything {
        told.push(Told {
            account: Some(Foreign::default()),
            protection: Some(Protection::None),
            ..plain_ldap()
        });
    }
    told.dedup();
    told
}

fn plain_ldap() -> Told {
    Told {
        kind: Some("ldap-bind"),
        protocol: "LDAP",
        ..Told::default()
    }
}

/// A bind, without what proves it.
struct Bind<'b> {
    name: &'b [u8],
    mechanism: &'b str,
    /// True if it proves nothing (RFC 4513 §5.1.1, §5.1.2).
    anonymous: bool,
}

impl<'b> Bind<'b> {
    fn read(mut content: &'b [u8]) -> Option<Self> {
        ber::expect(&mut content, 2)?;
        let name = ber::expect(&mut content, 4)?;
        let choice = ber::next(&mut content)?;
        match choice.tag {
            0x80 => Some(Self {
                name,
                mechanism: "simple",
                anonymous: choice.content.is_empty(),
            }),
            0xa3 => {
                let mut sasl = choice.content;
                let mechanism = plain(ber::expect(&mut sasl, 4)?)?;
                let known = mechanism.len() <= 20 && is_mechanism(mechanism);
                known.then_some(Self {
                    name,
                    mechanism,
                    anonymous: mechanism == "ANONYMOUS",
                })
            }
            // Kerberos 4 of LDAP version 2, and what Windows calls Sicily.
            _ => None,
        }
    }

    fn told(&self, result: Option<u32>) -> Told {
        let accepted = result == Some(SUCCESS);
        let account = match (self.anonymous, accepted) {
            (true, _) => Some(Foreign::default()),
            // What was typed there may be anything, unless it was let in.
            (false, true) => plain(self.name).map(Foreign::from),
            (false, false) => None,
        };
        let in_clear = matches!(self.mechanism, "simple" | "PLAIN" | "LOGIN" | "ANONYMOUS");
        Told {
            account,
            mechanism: Some(self.mechanism.to_owned()),
            protection: in_clear.then_some(Protection::None),
            refused: result.is_some() && !accepted,
            ..plain_ldap()
        }
    }
}

/// RFC 4422 §3.1.
fn is_mechanism(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_".contains(c);
    text.chars().all(allowed)
}

/// Takes the next message: its number and what it asks or answers.
fn message<'b>(bytes: &mut &'b [u8]) -> Option<(u32, ber::Element<'b>)> {
    let mut content = ber::expect(bytes, 0x30)?;
    let number = ber::number(ber::expect(&mut content, 2)?)?;
    Some((number, ber::next(&mut content)?))
}

/// How binds and requests for TLS ended, by the number of the message.
fn results(answered: &[u8]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let mut rest = answered;
    for _ in 0..MESSAGES_MAX {
        let Some((number, operation)) = message(&mut rest) else {
            break;
        };
        if matches!(operation.tag, BIND_ANSWER | EXTENDED_ANSWER) {
            let mut content = operation.content;
            let code = ber::expect(&mut content, 10).and_then(ber::number);
            out.extend(code.map(|code| (number, code)));
        }
    }
    out
}
