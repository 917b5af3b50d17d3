//! The words before TLS, for the protocols that begin in clear text. Nothing but these words is said:
//! no logon, no mail, no query.

use std::io::{self, Read, Write};

use crate::der;
use crate::plan::Approach;
use groma_source::Conversation;

/// More lines than this are no greeting.
const LINES_MAX: usize = 64;
/// Longest binary answer that is read.
const ANSWER_MAX: usize = 4_096;

/// Why TLS cannot begin.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It speaks the protocol, and says it has no TLS.
    NotOffered,
    /// What it says is not this protocol.
    NotThisProtocol,
    /// The conversation broke.
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::NotThisProtocol,
            _ => Self::Broken(error),
        }
    }
}

/// Says what the protocol wants to hear before TLS; afterwards a ClientHello may follow.
pub(crate) fn begin(approach: Approach, with: &mut Conversation) -> Result<(), Refusal> {
    match approach {
        Approach::Tls => Ok(()),
        Approach::Smtp => smtp(with),
        Approach::Imap => imap(with),
        Approach::Pop3 => pop3(with),
        Approach::Ldap => ldap(with),
        Approach::Postgresql => postgresql(with),
        Approach::Mysql => mysql(with),
        Approach::Ftp => ftp(with),
        Approach::Rdp => rdp(with),
    }
}

/// What the protocol says when it leaves, once TLS has begun.
pub(crate) fn farewell(approach: Approach) -> &'static [u8] {
    match approach {
        Approach::Smtp | Approach::Pop3 | Approach::Ftp => b"QUIT\r\n",
        Approach::Imap => b"g2 LOGOUT\r\n",
        Approach::Ldap => LDAP_UNBIND,
        Approach::Tls | Approach::Postgresql | Approach::Mysql | Approach::Rdp => b"",
    }
}

fn say(with: &mut Conversation, bytes: &[u8]) -> Result<(), Refusal> {
    with.write_all(bytes)?;
    with.flush()?;
    Ok(())
}

/// Takes leave in the protocol's own words, so that no log speaks of a lost connection.
fn leave(with: &mut Conversation, word: &[u8]) -> Refusal {
    let _ = with.write_all(word).and_then(|()| with.flush());
    Refusal::NotOffered
}

/// A reply of SMTP or FTP: its code, and all its lines (RFC 5321 §4.2.1).
fn reply(with: &mut Conversation) -> Result<(u16, Vec<String>), Refusal> {
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let line = with.line()?;
        let code = line.get(..3).and_then(|c| c.parse::<u16>().ok());
        let goes_on = line.as_bytes().get(3) == Some(&b'-');
        let code = code.filter(|_| {
            line.as_bytes()
                .get(3)
                .is_none_or(|b| matches!(b, b' ' | b'-'))
        });
        let first = lines.is_empty();
        lines.push(line);
        match (code, goes_on) {
            (Some(code), false) => return Ok((code, lines)),
            // Inside a long FTP greeting lines may carry no code.
            (None, _) if first => break,
            _ => {}
        }
    }
    Err(Refusal::NotThisProtocol)
}

fn smtp(with: &mut Conversation) -> Result<(), Refusal> {
    if reply(with)?.0 != 220 {
        return Err(Refusal::NotThisProtocol);
    }
    say(with, b"EHLO localhost\r\n")?;
    let (code, lines) = reply(with)?;
    let offered = lines.iter().any(|l| {
        l.get(4..)
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    });
    if code != 250 || !offered {
        return Err(leave(with, b"QUIT\r\n"));
    }
    say(with, b"STARTTLS\r\n")?;
    if reply(with)?.0 == 220 {
        Ok(())
    } else {
        Err(leave(with, b"QUIT\r\n"))
    }
}

fn ftp(with: &mut Conversation) -> Result<(), Refusal> {
    if reply(with)?.0 != 220 {
        return Err(Refusal::NotThisProtocol);
    }
    say(with, b"AUTH TLS\r\n")?;
    if reply(with)?.0 == 234 {
        Ok(())
    } else {
        Err(leave(with, b"QUIT\r\n"))
    }
}

fn imap(with: &mut Conversation) -> Result<(), Refusal> {
    if !with.line()?.starts_with("* ") {
        return Err(Refusal::NotThisProtocol);
    }
    say(with, b"g1 STARTTLS\r\n")?;
    for _ in 0..LINES_MAX {
        if let Some(answer) = with.line()?.strip_prefix("g1 ") {
            let agreed = answer
                .get(..2)
                .is_some_and(|word| word.eq_ignore_ascii_case("OK"));
            return if agreed {
                Ok(())
            } else {
                Err(leave(with, b"g2 LOGOUT\r\n"))
            };
        }
    }
    Err(Refusal::NotThisProtocol)
}

fn pop3(with: &mut Conversation) -> Result<(), Refusal> {
    if !with.line()?.starts_with("+OK") {
        return Err(Refusal::NotThisProtocol);
    }
    say(with, b"STLS\r\n")?;
    if with.line()?.starts_with("+OK") {
        Ok(())
    } else {
        Err(leave(with, b"QUIT\r\n"))
    }
}

/// ExtendedRequest 1.3.6.1.4.1.1466.20037 as message 1, in BER.
const LDAP_START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// UnbindRequest as message 2.
const LDAP_UNBIND: &[u8] = b"\x30\x05\x02\x01\x02\x42\x00";

fn ldap(with: &mut Conversation) -> Result<(), Refusal> {
    say(with, LDAP_START_TLS)?;
    let mut answer = Vec::new();
    let mut byte = [0u8];
    while der::split(&answer).is_none() {
        if answer.len() >= ANSWER_MAX {
            return Err(Refusal::NotThisProtocol);
        }
        with.read_exact(&mut byte)?;
        answer.extend_from_slice(&byte);
    }
    match ldap_result(&answer) {
        Some(0) => Ok(()),
        Some(_) => Err(leave(with, LDAP_UNBIND)),
        None => Err(Refusal::NotThisProtocol),
    }
}

/// The result code of an ExtendedResponse (RFC 4511 §4.12): LDAPMessage { id, [APPLICATION 24] { code … } }.
pub(crate) fn ldap_result(message: &[u8]) -> Option<u8> {
    const EXTENDED_RESPONSE: u8 = 0x78;
    const ENUMERATED: u8 = 0x0a;
    let (message, _) = der::expect(message, der::SEQUENCE)?;
    let (_, rest) = der::expect(message.content, der::INTEGER)?;
    let (response, _) = der::expect(rest, EXTENDED_RESPONSE)?;
    let (code, _) = der::expect(response.content, ENUMERATED)?;
    code.content.last().copied()
}

fn postgresql(with: &mut Conversation) -> Result<(), Refusal> {
    // Length 8, request code 80877103.
    say(with, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])?;
    let mut answer = [0u8];
    with.read_exact(&mut answer)?;
    match answer {
        [b'S'] => Ok(()),
        [b'N'] => Err(Refusal::NotOffered),
        _ => Err(Refusal::NotThisProtocol),
    }
}

/// A connection request that knows TLS and CredSSP, and names nobody; the answer is a connection confirm that chose one of
/// them ([MS-RDPBCGR] §2.2.1.1, §2.2.1.2).
fn rdp(with: &mut Conversation) -> Result<(), Refusal> {
    const REQUEST: &[u8] = &[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
    say(with, REQUEST)?;
    let mut head = [0u8; 4];
    with.read_exact(&mut head)?;
    let [3, 0, high, low] = head else {
        return Err(Refusal::NotThisProtocol);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let mut rest = vec![0u8; length.clamp(4, ANSWER_MAX) - 4];
    with.read_exact(&mut rest)?;
    match rest.get(1..) {
        Some([0xd0, _, _, _, _, _, 2, _, _, _, 1 | 2, ..]) => Ok(()),
        Some([0xd0, ..]) => Err(Refusal::NotOffered),
        _ => Err(Refusal::NotThisProtocol),
    }
}

fn mysql(with: &mut Conversation) -> Result<(), Refusal> {
    let mut header = [0u8; 4];
    with.read_exact(&mut header)?;
    let [low, middle, high, _sequence] = header;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    if length > ANSWER_MAX {
        return Err(Refusal::NotThisProtocol);
    }
    let mut greeting = vec![0u8; length];
    with.read_exact(&mut greeting)?;
    if !mysql_offers_tls(&greeting).ok_or(Refusal::NotThisProtocol)? {
        return Err(Refusal::NotOffered);
    }
    // Capabilities: protocol 4.1, TLS, long flags, secure connection; 16 MiB; utf8mb4; 23 zeros.
    let mut request = vec![32, 0, 0, 1];
    request.extend_from_slice(&0x8a00u32.to_le_bytes());
    request.extend_from_slice(&0x0100_0000u32.to_le_bytes());
    request.push(45);
    request.extend_from_slice(&[0; 23]);
    say(with, &request)
}

/// Whether a protocol 10 greeting offers TLS: version text, 4 + 8 + 1 octets, then the lower capabilities.
pub(crate) fn mysql_offers_tls(greeting: &[u8]) -> Option<bool> {
    const CLIENT_SSL: u16 = 0x0800;
    let rest = greeting.strip_prefix(&[10])?;
    let end = rest.iter().position(|&b| b == 0)?;
    let flags = rest.get(end + 14..end + 16)?;
    let flags = u16::from_le_bytes(flags.try_into().ok()?);
    Some(flags & CLIENT_SSL != 0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use groma_model::Timestamp;
    use groma_source::testing::FakeClock;

    use super::*;

    struct Script(io::Cursor<Vec<u8>>);

    impl Read for Script {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(into)
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn hears(approach: Approach, answer: &[u8]) -> Result<(), Refusal> {
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(0)));
        let script = Script(io::Cursor::new(answer.to_vec()));
        begin(
            approach,
            &mut Conversation::new(Box::new(script), clock, Duration::from_secs(3)),
        )
    }

    #[test]
    fn a_mail_server_that_offers_it_is_asked_to_begin() {
        let server =
            b"220-mail1\r\n220 ESMTP\r\n250-mail1\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n";
        assert!(hears(Approach::Smtp, server).is_ok());
        let without = b"220 mail1 ESMTP\r\n250-mail1\r\n250 SIZE 1\r\n";
        assert!(matches!(
            hears(Approach::Smtp, without),
            Err(Refusal::NotOffered)
        ));
    }

    #[test]
    fn another_protocol_is_another_word_than_no() {
        for approach in [
            Approach::Smtp,
            Approach::Imap,
            Approach::Pop3,
            Approach::Ftp,
            Approach::Ldap,
            Approach::Postgresql,
            Approach::Mysql,
            Approach::Rdp,
        ] {
            let answer = hears(approach, b"HTTP/1.1 400 Bad Request\r\n");
            assert!(
                matches!(answer, Err(Refusal::NotThisProtocol)),
                "{approach:?}"
            );
        }
    }

    #[test]
    fn a_directory_without_tls_says_so_by_its_code() {
        let protocol_error =
            [&b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"[..]].concat();
        assert!(matches!(
            hears(Approach::Ldap, &protocol_error),
            Err(Refusal::NotOffered)
        ));
        let success = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
        assert!(hears(Approach::Ldap, success).is_ok());
    }

    #[test]
    fn no_answer_breaks_the_reader_of_any_protocol() {
        let smtp: &[u8] = b"220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n";
        let mysql = [&b"\x4a\0\0\0\x0a8.0.1\0"[..], &[0; 70]].concat();
        groma_fuzz::hammer(
            2000,
            &[
                smtp,
                b"* OK\r\ng1 OK\r\n",
                b"+OK\r\n+OK\r\n",
                &mysql,
                LDAP_START_TLS,
            ],
            |bytes| {
                for approach in [
                    Approach::Smtp,
                    Approach::Imap,
                    Approach::Pop3,
                    Approach::Ftp,
                    Approach::Ldap,
                    Approach::Postgresql,
                    Approach::Mysql,
                    Approach::Rdp,
                ] {
                    let _ = hears(approach, bytes);
                }
            },
        );
    }
}
