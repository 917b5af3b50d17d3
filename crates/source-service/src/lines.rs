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
    let speaks_mail = line.contains("SMTP") || line.contains("LMTP");
    let told = match reply.first_chunk() {
        Some(b"250") => {
            let mut told = mail(&line, &reply);
            add_names(talk, &mut told, b"AUTH NTLM\r\n", b"334");
            Some(("smtp", told))
        }
        // LMTP knows LHLO alone (RFC 2033 §4.1).
        Some(b"500" | b"502" | b"503") if line.contains("LMTP") => {
            Some(("lmtp", mail(&line, &reply)))
        }
        Some([b'4' | b'5', ..]) if speaks_mail => Some(("smtp", mail(&line, &reply))),
        _ => None,
    };
    let _ = say(talk, b"QUIT\r\n");
    Ok(told)
}

/// Where NTLM is offered: its first message is sent (RFC 4954 §4, RFC 5034 §4, RFC 9051 §6.2.2), which names nobody, and the answer,
/// which names the machine, is not answered: the exchange is given up in the protocol's own word, so that nobody failed to log on.
fn add_names(
    talk: &mut (impl Read + Write),
    told: &mut ServiceAnswer,
    begin: &[u8],
    goes_on: &[u8],
) {
    let is_offered = |way: &String| way.eq_ignore_ascii_case("NTLM");
    if told.asks_for.iter().any(is_offered)
        && let Ok(Some(named)) = challenge(talk, begin, goes_on)
    {
        crate::ntlm::add(told, named);
    }
}

fn challenge(
    talk: &mut (impl Read + Write),
    begin: &[u8],
    goes_on: &[u8],
) -> Result<Option<ServiceAnswer>, Miss> {
    let line = |heard: &[u8]| heard.ends_with(b"\n");
    say(talk, begin)?;
    if !answer(talk, line)?.starts_with(goes_on) {
        return Ok(None);
    }
    let first = crate::ntlm::negotiate_as_text();
    say(talk, format!("{first}\r\n").as_bytes())?;
    let heard = answer(talk, line)?;
    let Some(challenge) = heard.strip_prefix(goes_on) else {
        return Ok(None);
    };
    say(talk, b"*\r\n")?;
    let _ = answer(talk, line);
    Ok(crate::ntlm::tells_as_text(challenge))
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

/// What an IMAP server tells after its greeting, and leave is taken.
pub(crate) fn ask_imap(talk: &mut (impl Read + Write), greeting: &str) -> ServiceAnswer {
    let mut told = imap(greeting);
    add_names(talk, &mut told, b"g0 AUTHENTICATE NTLM\r\n", b"+");
    let _ = say(talk, b"g1 LOGOUT\r\n");
    told
}

/// What a POP3 server can (RFC 2449 §5), and leave is taken.
pub(crate) fn ask_pop3(talk: &mut (impl Read + Write)) -> ServiceAnswer {
    let asked = say(talk, b"CAPA\r\n").and_then(|()| {
        answer(talk, |heard| {
            heard.ends_with(b"\r\n.\r\n") || (heard.starts_with(b"-") && heard.ends_with(b"\n"))
        })
    });
    let mut told = asked.map(|heard| pop3(&heard)).unwrap_or_default();
    add_names(talk, &mut told, b"AUTH NTLM\r\n", b"+ ");
    let _ = say(talk, b"QUIT\r\n");
    told
}

/// What its list of abilities tells; nothing where it has none.
fn pop3(heard: &[u8]) -> ServiceAnswer {
    if !heard.starts_with(b"+OK") {
        return ServiceAnswer::default();
    }
    let lines = heard.split(|&b| b == b'\n').skip(1);
    let lines: Vec<String> = lines.filter_map(|line| plain(line, 200)).collect();
    let ways = lines.iter().find_map(|line| line.strip_prefix("SASL "));
    ServiceAnswer {
        offers_tls: Some(lines.iter().any(|line| line == "STLS")),
        asks_for: ways
            .into_iter()
            .flat_map(str::split_ascii_whitespace)
            .map(str::to_owned)
            .collect(),
        ..ServiceAnswer::default()
    }
}

/// What an IMAP greeting tells (RFC 9051 §7.1): capabilities, if it brings them.
fn imap(line: &str) -> ServiceAnswer {
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

    /// Says its lines one after another, one to each word it hears, and keeps what it heard.
    struct Partner(Vec<Vec<u8>>, Vec<u8>);

    impl Read for Partner {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let line = if self.0.is_empty() {
                Vec::new()
            } else {
                self.0.remove(0)
            };
            into[..line.len()].copy_from_slice(&line);
            Ok(line.len())
        }
    }

    impl Write for Partner {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn partner(lines: &[&str]) -> Partner {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec());
        Partner(lines.collect(), Vec::new())
    }

    #[test]
    fn a_mail_server_that_offers_ntlm_names_its_machine_and_nobody_logs_on() {
        let challenge = crate::ntlm::challenge(
            &[(1, "EX1"), (3, "ex1.corp.example"), (4, "corp.example")],
            20348,
        );
        let second = format!("334 {}\r\n", crate::base64::padded(&challenge));
        let mut talk = partner(&[
            "250-mail.corp.example\r\n250 AUTH NTLM LOGIN\r\n",
            "334 ntlm supported\r\n",
            &second,
            "501 5.7.0 cancelled\r\n",
        ]);
        let greeting = b"220 mail.corp.example Microsoft ESMTP MAIL Service ready\r\n";
        let (word, told) = ask_220(&mut talk, greeting).unwrap().unwrap();
        assert_eq!(word, "smtp");
        assert_eq!(told.names, ["EX1", "ex1.corp.example", "mail.corp.example"]);
        assert_eq!(told.domain.as_deref(), Some("corp.example"));
        assert_eq!(told.system.as_deref(), Some("Windows 10.0.20348"));
        let said = String::from_utf8(talk.1).unwrap();
        let first = crate::ntlm::negotiate_as_text();
        assert_eq!(
            said,
            format!("EHLO localhost\r\nAUTH NTLM\r\n{first}\r\n*\r\nQUIT\r\n")
        );
    }

    /// The twin: who does not offer it hears nothing of it, and who refuses it hears no more.
    #[test]
    fn who_does_not_offer_ntlm_is_not_asked() {
        let mut talk = partner(&["250-mail.corp.example\r\n250 AUTH PLAIN LOGIN\r\n"]);
        ask_220(&mut talk, b"220 mail.corp.example ESMTP\r\n").unwrap();
        assert_eq!(talk.1, b"EHLO localhost\r\nQUIT\r\n");
        let mut talk = partner(&[
            "250-x\r\n250 AUTH NTLM\r\n",
            "538 5.7.11 encryption required\r\n",
        ]);
        ask_220(&mut talk, b"220 mail.corp.example ESMTP\r\n").unwrap();
        assert_eq!(talk.1, b"EHLO localhost\r\nAUTH NTLM\r\nQUIT\r\n");
        let mut talk = partner(&["+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n"]);
        let told = ask_pop3(&mut talk);
        assert_eq!((told.offers_tls, told.asks_for.len()), (Some(true), 1));
        assert_eq!(talk.1, b"CAPA\r\nQUIT\r\n");
        let mut talk = partner(&["-ERR what?\r\n"]);
        assert_eq!(ask_pop3(&mut talk), ServiceAnswer::default());
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
                b"+OK\r\nSTLS\r\nSASL NTLM\r\n.\r\n",
            ],
            |bytes| {
                let line = first(bytes);
                let _ = (
                    is_whole(bytes),
                    mail(&line, bytes),
                    imap(&line),
                    pop3(bytes),
                );
            },
        );
    }
}
