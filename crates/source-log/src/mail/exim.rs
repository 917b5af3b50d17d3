//! Exim's mainlog (recorded from 4.96; spec, chapter 53). One line tells a message's coming, one each recipient.
//!
//! Between a HELO and the address behind it stands nothing a junk HELO could not imitate, so a line in which anything is
//! out of its place is left out whole: rather no row than a doubtful one.

use std::net::IpAddr;

use groma_model::Timestamp;
use groma_model::fact::MailRefusal;
use groma_model::name::Protection;

use super::delays::{Fate, Lasted};
use super::said::{Refused, Said, Taken, Whole, helo, ip, until_bracket};
use crate::word::Word;

/// What `message` says; `None` for what is nobody's need.
pub(crate) fn understand(message: &str) -> Option<Said<'_>> {
    let message = without_process(without_time(message));
    if let Some(said) = refusal(message) {
        return Some(said);
    }
    let (id, rest) = message.split_once(' ')?;
    let queue = Word::parse(id).filter(|_| is_id(id))?;
    if rest == "Completed" || rest.starts_with("Completed ") {
        return Some(Said::Done { queue });
    }
    let (arrow, rest) = rest.split_at_checked(3)?;
    match arrow {
        "<= " => arrived(queue, rest),
        "=> " | "-> " | ">> " | "== " | "** " => recipient(queue, arrow, rest),
        _ => None,
    }
}

/// A log written through syslog has Exim's own time in the message too.
fn without_time(message: &str) -> &str {
    let digits = |from, to| {
        message
            .get(from..to)
            .is_some_and(|part: &str| part.bytes().all(|b| b.is_ascii_digit()))
    };
    match digits(0, 4) && message.get(4..5) == Some("-") && digits(5, 7) && digits(11, 13) {
        true => message.get(20..).unwrap_or(message),
        false => message,
    }
}

/// `log_selector = +pid` writes `[123] ` before everything.
fn without_process(message: &str) -> &str {
    let number = message
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match number {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => message,
    }
}

/// `1xUZ9g-0007AQ-18`, and longer since 4.97.
fn is_id(id: &str) -> bool {
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    letters && matches!(parts.as_slice(), [6, 6, 2] | [6, 11, 4])
}

/// `sender` at the begin of a line, quoted or not, and what follows.
fn sender(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted => return text.split_at_checked(at),
            _ => {}
        }
    }
    None
}

/// Who calls, as Exim writes it after `H=` or `from `: a name it proved, what the client says in parentheses, the address.
struct Caller<'m> {
    ip: IpAddr,
    helo: Option<&'m str>,
}

fn caller(text: &str) -> Option<(Caller<'_>, &str)> {
    let mut rest = text;
    let mut name = None;
    if !rest.starts_with(['(', '[']) {
        let (proven, after) = rest.split_once(' ')?;
        name = Some(helo(proven)?);
        rest = after;
    }
    if let Some(said) = rest.strip_prefix('(') {
        let (said, after) = said.split_once(')')?;
        // What is no name may be the begin of a forged line.
        name = Some(helo(said)?);
        rest = after.strip_prefix(' ')?;
    }
    let (address, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let rest = match rest.strip_prefix(':') {
        Some(port) if port.starts_with(|c: char| c.is_ascii_digit()) => {
            port.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    Some((
        Caller {
            ip: ip(address)?,
            helo: name,
        },
        rest,
    ))
}

/// Fields a line may hold before those a client writes (`id=`, `T=`).
const FIELDS: &[&str] = &[
    "P", "X", "CV", "SNI", "DN", "A", "K", "PRX", "I", "S", "L", "M8S", "L.", "RT", "QT", "DT",
    "D", "C", "SMTPUTF8", "DKIM", "PRDR", "TFO", "TFO*",
];

#[derive(Default)]
struct Fields<'m> {
    protocol: &'m str,
    cipher: Option<&'m str>,
    verified: bool,
    account: Option<(&'m str, &'m str)>,
    bytes: Option<u64>,
    port: Option<u16>,
}

/// The fields up to the first that a client writes; `None` if anything else stands among them.
fn fields(text: &str) -> Option<Fields<'_>> {
    let mut out = Fields::default();
    let mut rest = text;
    while let Some(field) = rest.strip_prefix(' ') {
        let end = field.find([' ', '=']).unwrap_or(field.len());
        let (name, after) = field.split_at_checked(end)?;
        if matches!(name, "id" | "T" | "from" | "for" | "R") {
            // Behind these stands what a client wrote; another head of a line in it means that this one is none.
            return (!field.contains("] P=")).then_some(out);
        }
        if !FIELDS.contains(&name) {
            return None;
        }
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at_checked(value.find(' ').unwrap_or(value.len()))?,
        };
        match name {
            "P" if out.protocol.is_empty() => out.protocol = value,
            "P" => return None,
            "X" => out.cipher = Some(value),
            "CV" => out.verified = value == "yes",
            "A" => out.account = Some(value.split_once(':').unwrap_or((value, ""))),
            "S" => out.bytes = value.parse().ok(),
            "I" => {
                out.port = value
                    .rsplit_once("]:")
                    .and_then(|(_, port)| port.parse().ok())
            }
            _ => {}
        }
        rest = after;
    }
    rest.is_empty().then_some(out)
}

/// `TLS1.3` of `TLS1.3:ECDHE…`, in the words OpenSSL and Postfix use.
fn version(cipher: &str) -> Option<Word> {
    let version = cipher.split([':', '-']).next()?;
    match version.strip_prefix("TLS1") {
        Some(rest) => Word::parse(&format!("TLSv1{rest}")),
        None => Word::parse(version),
    }
}

fn arrived(queue: Word, rest: &str) -> Option<Said<'_>> {
    let (from, rest) = sender(rest)?;
    let from = from
        .strip_prefix('<')
        .and_then(|f| f.strip_suffix('>'))
        .unwrap_or(from);
    let (caller, rest) = caller(rest.strip_prefix(" H=")?)?;
    let told = fields(rest)?;
    let secure = match told.protocol {
        "smtp" | "esmtp" | "esmtpa" | "smtpa" | "utf8esmtp" | "utf8esmtpa" => false,
        "smtps" | "esmtps" | "esmtpsa" | "utf8esmtps" | "utf8esmtpsa" => true,
        _ => return None,
    };
    let (mechanism, account) = told.account.unzip();
    // Only a port tells TLS from the first byte from STARTTLS.
    let protection = match (secure, told.port) {
        (false, _) => Some(Protection::None),
        (true, Some(465)) => Some(Protection::Tls),
        (true, Some(_)) => Some(Protection::Starttls),
        (true, None) => None,
    };
    Some(Said::Taken(Taken {
        queue,
        client: caller.ip,
        account: account.filter(|account| !account.is_empty()),
        mechanism: mechanism.and_then(|name| Word::parse(&name.to_ascii_uppercase())),
        is_back: false,
        whole: Some(Whole {
            helo: caller.helo,
            sender: from,
            bytes: told.bytes,
            protection,
            tls: told.cipher.and_then(version),
            certificate: told.verified,
            port: told.port,
        }),
    }))
}

/// `bob@partner.example R=smart T=smtp H=mx [10.0.0.1]`, or `anna <anna@corp.example> R=local T=mail_spool`.
fn recipient<'m>(queue: Word, arrow: &str, rest: &'m str) -> Option<Said<'m>> {
    let (first, mut rest) = sender(rest)?;
    let mut address = first;
    if let Some(original) = rest.strip_prefix(" <") {
        let (whole, after) = until_bracket(original)?;
        (address, rest) = (whole, after);
    }
    // What a remote server answered stands in quotes behind.
    let before = rest.split(" C=\"").next().unwrap_or(rest);
    let handed_on = before.contains(" H=") || before.contains(" T=remote");
    let delivered = matches!(arrow, "=> " | "-> ") && before.contains(" T=");
    Some(Said::Recipient {
        queue,
        address,
        here: delivered && !handed_on,
        handed: None,
        fate: fate(queue, arrow, before, rest),
    })
}

/// What became of the try. Mail for a host that is this machine comes back from a filter.
fn fate(queue: Word, arrow: &str, before: &str, rest: &str) -> Option<Fate> {
    match arrow {
        "== " => Some(Fate::PutOff),
        "** " => Some(Fate::Returned),
        _ if [" [127.", " [::1]"].iter().any(|own| before.contains(own)) => None,
        _ => {
            let began = || {
                Some(Lasted::Since(Timestamp::from_seconds(began(
                    queue.as_str(),
                )?)))
            };
            let lasted = queue_time(rest).map(Lasted::Millis).or_else(began);
            Some(Fate::Delivered(lasted.unwrap_or(Lasted::Untold)))
        }
    }
}

/// `QT=3m45s`, with `log_selector = +queue_time`: from the message's coming to this delivery. Behind the last quote only Exim
/// itself writes.
fn queue_time(rest: &str) -> Option<u64> {
    let own = rest.rsplit('"').next().unwrap_or(rest);
    let mut fields = own.split(' ');
    span(fields.find_map(|field| field.strip_prefix("QT="))?)
}

/// A span of time as Exim writes it, in milliseconds: `1d2h`, `3m45s`, `0.012s`.
fn span(text: &str) -> Option<u64> {
    const UNITS: &[(char, u64)] = &[
        ('w', 604_800_000),
        ('d', 86_400_000),
        ('h', 3_600_000),
        ('m', 60_000),
        ('s', 1_000),
    ];
    let (mut rest, mut millis) = (text, 0_u64);
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at_checked(at)?;
        let letter = unit.chars().next()?;
        let (_, factor) = UNITS.iter().find(|(known, _)| *known == letter)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let thousandths = format!("{fraction:0<3}");
        let thousandths: u64 = thousandths.get(..3)?.parse().ok()?;
        let whole: u64 = whole.parse().ok()?;
        let part = whole.checked_mul(*factor)?;
        millis = millis
            .checked_add(part)?
            .checked_add(thousandths * factor / 1_000)?;
        rest = unit.get(letter.len_utf8()..)?;
    }
    (!text.is_empty()).then_some(millis)
}

/// When Exim began to take a message, in seconds since 1970: the first six letters of its id, to the base of 62 (spec, 3.4).
fn began(id: &str) -> Option<i64> {
    let letters = id.get(..6)?.bytes();
    letters.into_iter().try_fold(0_i64, |sum, letter| {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'A'..=b'Z' => letter - b'A' + 10,
            b'a'..=b'z' => letter - b'a' + 36,
            _ => return None,
        };
        Some(sum * 62 + i64::from(digit))
    })
}

/// What was not taken: `H=(copier) [10.0.0.7] F=<scan@x> rejected RCPT <bob@y>: relay not permitted` and others.
fn refusal(message: &str) -> Option<Said<'_>> {
    let begin = Refused {
        client: None,
        why: MailRefusal::Other,
        queue: None,
        helo: None,
        account: None,
        mechanism: None,
        sender: None,
        recipient: None,
    };
    if let Some(from) = message.strip_prefix("H=") {
        return rejected(from, begin);
    }
    if let Some(from) = message.strip_prefix("TLS error on connection from ") {
        let (caller, _) = caller(from)?;
        return Some(Said::Refused(Refused {
            client: Some(caller.ip),
            why: MailRefusal::TlsFailed,
            helo: caller.helo,
            ..begin
        }));
    }
    if let Some((mechanism, rest)) = message.split_once(" authenticator failed for ") {
        let mechanism = mechanism.rsplit('_').next().and_then(Word::parse)?;
        let (caller, rest) = caller(rest)?;
        let account = rest
            .rsplit_once("(set_id=")
            .and_then(|(_, id)| id.strip_suffix(')'));
        return Some(Said::Refused(Refused {
            client: Some(caller.ip),
            why: MailRefusal::LogonFailed,
            helo: caller.helo,
            account,
            mechanism: Word::parse(&mechanism.as_str().to_ascii_uppercase()),
            ..begin
        }));
    }
    let rest = message
        .strip_prefix("rejected EHLO from ")
        .or_else(|| message.strip_prefix("rejected HELO from "))?;
    let (caller, _) = caller(rest)?;
    Some(Said::Refused(Refused {
        client: Some(caller.ip),
        why: MailRefusal::HeloRejected,
        ..begin
    }))
}

fn rejected<'m>(from: &'m str, begin: Refused<'m>) -> Option<Said<'m>> {
    let (caller, rest) = caller(from)?;
    let (before, after) = rest.split_once(" rejected ")?;
    let sender = before
        .split_once(" F=<")
        .and_then(|(_, f)| until_bracket(f))
        .map(|(f, _)| f);
    let (stage, rest) = after.split_once([' ', ':']).unwrap_or((after, ""));
    let (recipient, reason) = match rest.strip_prefix('<').and_then(until_bracket) {
        Some((recipient, reason)) => (Some(recipient), reason),
        None => (None, rest),
    };
    let why = match stage {
        _ if reason.contains("relay not permitted") => MailRefusal::RelayDenied,
        "MAIL" | "sender" => MailRefusal::SenderRejected,
        "RCPT" => MailRefusal::RecipientRejected,
        "connection" => MailRefusal::ClientRejected,
        "DATA" | "after" | "by" => MailRefusal::ContentRejected,
        _ => MailRefusal::Other,
    };
    Some(Said::Refused(Refused {
        client: Some(caller.ip),
        why,
        helo: caller.helo,
        sender,
        recipient,
        ..begin
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_whole() {
        let line = "1xUZ9g-0007AQ-18 <= erp@corp.example H=(erp.corp.example) [10.20.1.31] P=esmtpsa X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no A=plain:svc-erp S=538 id=20261121004035.027539@mail1.corp.example";
        let Some(Said::Taken(taken)) = understand(line) else {
            panic!("not understood")
        };
        assert_eq!(
            (taken.account, taken.client.to_string().as_str()),
            (Some("svc-erp"), "10.20.1.31")
        );
        let whole = taken.whole.unwrap();
        assert_eq!(whole.tls.unwrap().as_str(), "TLSv1.3");
        assert_eq!(
            (whole.helo, whole.bytes, whole.protection),
            (Some("erp.corp.example"), Some(538), None)
        );
        let syslog = format!("2026-11-21 00:40:36 [77] {line}");
        assert!(matches!(understand(&syslog), Some(Said::Taken(_))));
    }

    #[test]
    fn a_quoted_sender_is_one_and_a_forged_line_is_none() {
        let line = r#"1xUZ9j-0007F9-0K <= "x H=(a) [10.20.1.9] P=esmtp"@corp.example H=([10.20.1.9]) [10.20.1.66] P=esmtp S=530 id=a@b"#;
        let Some(Said::Taken(taken)) = understand(line) else {
            panic!("not understood")
        };
        assert_eq!(taken.client.to_string(), "10.20.1.66");
        // Hosts of which a server takes any HELO.
        for forged in [
            "H=(a) [10.20.1.9] P=esmtp) [10.20.1.66] P=esmtp S=1 id=x",
            "H=(a) [10.20.1.9] P=esmtp S=5 () [10.20.1.66] P=esmtp S=1 id=x",
            "H=(a) [10.20.1.9] P=esmtp S=5 id=) [10.20.1.66] P=esmtp S=1 id=x",
            "H=(a) [10.20.1.9] P=esmtp P=esmtp",
            "H=(a b) [10.20.1.9] P=esmtp",
            "U=root P=local S=5",
        ] {
            assert_eq!(
                understand(&format!("1xUZ9j-0007F9-0K <= a@b.c {forged}")),
                None,
                "{forged}"
            );
        }
    }

    #[test]
    fn how_long_mail_took_stands_in_the_line_or_follows_from_the_id() {
        let of = |rest: &str| match understand(&format!("1xUZ9g-0007AQ-18 {rest}")) {
            Some(Said::Recipient { fate, .. }) => fate,
            other => panic!("{other:?}"),
        };
        let delivered = |lasted| Some(Fate::Delivered(lasted));
        // 00:40:36 UTC, as the line of its coming in the recorded log says.
        let since = Lasted::Since(Timestamp::from_seconds(1_795_221_636));
        for (rest, fate) in [
            (
                "=> anna <anna@corp.example> R=local_user T=mail_spool",
                delivered(since),
            ),
            (
                "=> bob@p.example R=smart T=smtp H=mx [10.20.1.21] C=\"250 QT=9s ok\" QT=3m45s DT=0.012s",
                delivered(Lasted::Millis(225_000)),
            ),
            (
                "=> bob@p.example R=smart T=smtp H=mx [10.20.1.21] QT=0.256s",
                delivered(Lasted::Millis(256)),
            ),
            (
                "=> bob@p.example R=smart T=smtp H=mx [10.20.1.21] C=\"250 QT=9s ok\"",
                delivered(since),
            ),
            (
                "=> bob@p.example R=amavis T=amavis H=127.0.0.1 [127.0.0.1] C=\"250 ok\"",
                None,
            ),
            (
                "== bob@p.example R=smart T=smtp defer (111): Connection refused",
                Some(Fate::PutOff),
            ),
            ("** bob@p.example R=smart T=smtp: no", Some(Fate::Returned)),
        ] {
            assert_eq!(of(rest), fate, "{rest}");
        }
    }

    #[test]
    fn spans_are_told_in_milliseconds() {
        for (text, told) in [
            ("1d2h", Some(93_600_000)),
            ("0s", Some(0)),
            ("1.5s", Some(1_500)),
            ("", None),
            ("5", None),
            ("s", None),
            ("1x", None),
            ("99999999999999999999w", None),
        ] {
            assert_eq!(span(text), told, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_recipient_makes_it_panic(rest in "[=*>-]{2} [a-z\"<> ]{0,12}( [A-Z]{1,2}=[0-9.wdhmsä\"]{0,9}){0,4}") {
            let _ = understand(&format!("1xUZ9g-0007AQ-18 {rest}"));
        }
    }

    #[test]
    fn recipients_lie_here_or_go_on() {
        let of = |rest: &str| match understand(&format!("1xUZ9j-0007F9-0K {rest}")) {
            Some(Said::Recipient { address, here, .. }) => (address.to_owned(), here),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            of("=> anna <anna@corp.example> R=local_user T=mail_spool"),
            ("anna@corp.example".into(), true)
        );
        assert_eq!(
            of("=> bob@p.example R=smart T=smtp H=10.20.1.21 [10.20.1.21] C=\"250 ok\""),
            ("bob@p.example".into(), false)
        );
        assert_eq!(
            of("** bob@p.example R=smart T=smtp: no"),
            ("bob@p.example".into(), false)
        );
    }

    #[test]
    fn refusals_say_why() {
        for (line, why) in [
            (
                "H=(ups1) [10.30.1.77] F=<ups@corp.example> rejected RCPT <a@partner.example>: relay not permitted",
                MailRefusal::RelayDenied,
            ),
            (
                "H=(x) [10.0.0.1] F=<a@b.c> rejected RCPT <nobody@corp.example>: Unrouteable address",
                MailRefusal::RecipientRejected,
            ),
            (
                "plain authenticator failed for (fax) [10.0.0.7]: 535 Incorrect authentication data (set_id=svc-fax)",
                MailRefusal::LogonFailed,
            ),
            (
                "TLS error on connection from (nas) [10.0.0.8] (gnutls_handshake): no cipher",
                MailRefusal::TlsFailed,
            ),
            (
                "rejected EHLO from [10.20.1.66]: syntactically invalid argument(s): a)_[10.20.1.9]_P=esmtp",
                MailRefusal::HeloRejected,
            ),
        ] {
            let Some(Said::Refused(refused)) = understand(line) else {
                panic!("{line}")
            };
            assert_eq!(refused.why, why, "{line}");
        }
    }
}
