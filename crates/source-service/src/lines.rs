//! Protocols of lines: mail, files, and how a mail server and a file server are told apart.

use std::io::{Read, Write};

use groma_model::fact::ServiceAnswer;

use crate::talk::{Miss, answer, plain, say};

/// The first line, as text.
pub(crate) fn first(heard: &[u8]) -> String {
    let line = heard.split(|&b| b == b'\n').next().unwrap_or_default();
    plain(line, 300).unwrap_or_default()
}

/// True if the last line of a reply of several has come (RFC 5321 §4.2.1).
fn is_whole(heard: &[u8]) -> bool {
    let lines = heard.split(|&b| b == b'\n').rev().nth(1);
    heard.ends_with(b"\n") && lines.is_some_and(|line| line.get(3) == Some(&b' '))
}

/// A server that greets with 220: asks it EHLO. Mail servers answer 250; who does not is a file server if its greeting says
/// so, a mail server that wants nobody if its greeting names a host and mail, else nobody we know.
/// Says the protocol and what it tells.
pub(crate) fn ask_220(
    talk: &mut (impl Read + Write),
    heard: &[u8],
) -> Result<Option<(&'static str, ServiceAnswer)>, Miss> {
    let line = first(heard);
    if speaks_of_files(&line) {
        let _ = say(talk, b"QUIT\r\n");
        return Ok(Some(("ftp", ServiceAnswer::default())));
    }
    say(talk, b"EHLO localhost\r\n")?;
    let reply = answer(talk, is_whole)?;
    let _ = say(talk, b"QUIT\r\n");
    let speaks_mail = line.contains("SMTP") || line.contains("LMTP");
    Ok(match reply.first_chunk() {
        Some(b"250") => Some(("smtp", mail(&line, &reply))),
        // LMTP knows LHLO alone (RFC 2033 §4.1).
        Some(b"500" | b"502" | b"503") if line.contains("LMTP") => {
            Some(("lmtp", mail(&line, &reply)))
        }
        Some([b'4' | b'5', ..]) if speaks_mail => Some(("smtp", mail(&line, &reply))),
        _ => None,
    })
}

fn speaks_of_files(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.contains("ftp") && !lower.contains("smtp")
}

/// What a mail server tells in its greeting and its answer to EHLO.
fn mail(greeting: &str, reply: &[u8]) -> ServiceAnswer {
    let name = greeting.split_ascii_whitespace().nth(1);
    let name = name.filter(|n| n.contains('.') && !n.starts_with('['));
    let words = |line: &[u8]| plain(line.get(4..).unwrap_or_default(), 200);
    let offers: Vec<String> = reply
        .split(|&b| b == b'\n')
        .skip(1)
        .filter_map(words)
        .collect();
    let ways = offers.iter().find_map(|o| o.strip_prefix("AUTH "));
    ServiceAnswer {
        names: name.map(str::to_owned).into_iter().collect(),
        offers_tls: reply
            .starts_with(b"250")
            .then(|| offers.iter().any(|o| o == "STARTTLS")),
        asks_for: ways
            .into_iter()
            .flat_map(str::split_ascii_whitespace)
            .map(str::to_owned)
            .collect(),
        ..ServiceAnswer::default()
    }
}

/// What an IMAP greeting tells (RFC 9051 §7.1): capabilities, if it brings them.
pub(crate) fn imap(line: &str) -> ServiceAnswer {
    let listed = line
        .split_once("[CAPABILITY ")
        .and_then(|(_, rest)| rest.split_once(']'));
    let words: Vec<&str> = listed
        .map(|(list, _)| list.split_ascii_whitespace().collect())
        .unwrap_or_default();
    let ways = words.iter().filter_map(|w| w.strip_prefix("AUTH="));
    ServiceAnswer {
        offers_tls: (!words.is_empty()).then(|| words.contains(&"STARTTLS")),
        asks_for: ways.map(str::to_owned).collect(),
        ..ServiceAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_says_its_name_and_what_it_wants() {
        let reply = b"250-mail.corp.example\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 DSN\r\n";
        assert!(is_whole(reply));
        let told = mail("220 mail.corp.example ESMTP Postfix", reply);
        assert_eq!(told.names, ["mail.corp.example"]);
        assert_eq!(told.offers_tls, Some(true));
        assert_eq!(told.asks_for, ["PLAIN", "LOGIN"]);
    }

    #[test]
    fn who_says_220_and_is_no_mail_server_is_not_called_one() {
        let esxi = b"220 VMware Authentication Daemon Version 1.10: SSL Required\r\n";
        let mut talk = Told(b"530 Please login with USER and PASS.\r\n".to_vec());
        assert_eq!(ask_220(&mut talk, esxi), Ok(None));
        let mut talk = Told(b"554 go away\r\n".to_vec());
        let closed = ask_220(&mut talk, b"220 mail.corp.example ESMTP\r\n");
        assert_eq!(
            closed.map(|told| told.map(|(word, _)| word)),
            Ok(Some("smtp"))
        );
    }

    /// Says one thing to whoever says anything.
    struct Told(Vec<u8>);

    impl Read for Told {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let said = std::mem::take(&mut self.0);
            into[..said.len()].copy_from_slice(&said);
            Ok(said.len())
        }
    }

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reply_of_several_lines_is_awaited() {
        assert!(!is_whole(b"250-a\r\n250-b\r\n"));
        assert!(!is_whole(b"250 a"));
    }

    #[test]
    fn an_imap_server_says_how_it_lets_in() {
        let told = imap("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN] ready");
        assert_eq!(
            (told.offers_tls, told.asks_for),
            (Some(true), vec!["PLAIN".to_owned()])
        );
        assert_eq!(imap("* OK ready").offers_tls, None);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(
            10_000,
            &[
                b"250-a\r\n250 AUTH PLAIN\r\n",
                b"* OK [CAPABILITY AUTH=X] y",
            ],
            |bytes| {
                let line = first(bytes);
                let _ = (is_whole(bytes), mail(&line, bytes), imap(&line));
            },
        );
    }
}
