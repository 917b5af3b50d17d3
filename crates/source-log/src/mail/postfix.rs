//! Postfix's lines (recorded from 3.7; postconf(5), smtpd(8), qmgr(8)). A client writes HELO, sender, recipient and
//! account; what it says stands behind what the server says, and is parted from it by the place it has, never by search.

use groma_model::fact::MailRefusal;

use super::delays::{Fate, Lasted};
use super::said::{Refused, Said, Taken, client, helo, parted, parted_last, until_bracket};
use crate::word::Word;

/// Which of Postfix's programs speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Program {
    /// Takes mail from clients.
    Smtpd,
    /// Keeps the queue.
    Queue,
    /// Puts mail into mailboxes of this server.
    Mailbox,
    /// Hands mail to programs.
    Pipe,
    /// Hands mail on.
    Onward,
    /// Looks at headers and asks filters.
    Cleanup,
}

/// Programs `pipe` hands mail to that are mailboxes or lists; another one is a filter that hands it back.
const MAILBOX_PIPES: &[&str] = &[
    "dovecot", "maildrop", "cyrus", "procmail", "mailman", "mlmmj", "deliver",
];

impl Program {
    /// The program that signs with `tag`, as `postfix/submission/smtpd`.
    pub(crate) fn of(tag: &str) -> Option<Self> {
        if !tag.starts_with("postfix") {
            return None;
        }
        match tag.rsplit('/').next()? {
            "smtpd" => Some(Self::Smtpd),
            "qmgr" | "nqmgr" => Some(Self::Queue),
            "lmtp" | "local" | "virtual" => Some(Self::Mailbox),
            "pipe" => Some(Self::Pipe),
            "smtp" | "relay" | "error" | "discard" => Some(Self::Onward),
            "cleanup" => Some(Self::Cleanup),
            _ => None,
        }
    }
}

/// What `message` says; `None` for what is nobody's need.
pub(crate) fn understand(program: Program, message: &str) -> Option<Said<'_>> {
    match program {
        Program::Smtpd => smtpd(message),
        Program::Queue => queue(message),
        Program::Cleanup => {
            let (id, rest) = queued(message)?;
            rejected(Some(id), rest)
        }
        _ => delivery(program, message),
    }
}

/// Letters and digits of a queue id.
const QUEUE_ID_MIN: usize = 5;
const QUEUE_ID_MAX: usize = 31;

/// The queue id a line begins with, and what follows.
fn queued(message: &str) -> Option<(Word, &str)> {
    let head = message.as_bytes();
    let head = head.get(..=QUEUE_ID_MAX).unwrap_or(head);
    let length = head.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    if length < QUEUE_ID_MIN {
        return None;
    }
    let (id, rest) = message.split_at_checked(length)?;
    let rest = rest.strip_prefix(": ")?;
    Some((Word::of_sound(id.as_bytes())?, rest))
}

fn smtpd(message: &str) -> Option<Said<'_>> {
    // The first letter tells most lines apart; a queue id may begin with any.
    let known = match message.as_bytes().first()? {
        b'c' | b'd' => came_or_went(message),
        b'N' | b'w' | b'S' => turned_away(message),
        b'A' | b'U' | b'T' | b'V' => secured(message),
        _ => None,
    };
    if known.is_some() {
        return known;
    }
    let (queue, rest) = queued(message)?;
    match rest.strip_prefix("client=") {
        Some(from) => taken(queue, from),
        None => rejected(Some(queue), rest),
    }
}

fn came_or_went(message: &str) -> Option<Said<'_>> {
    if let Some(from) = message.strip_prefix("connect from ") {
        let (client, rest) = client(from)?;
        return rest.is_empty().then_some(Said::Came { client });
    }
    let (client, counts) = client(message.strip_prefix("disconnect from ")?)?;
    let starttls = starttls(counts);
    Some(Said::Went { client, starttls })
}

fn turned_away(message: &str) -> Option<Said<'_>> {
    if let Some(rest) = message.strip_prefix("NOQUEUE: ") {
        return rejected(None, rest);
    }
    if let Some(rest) = message.strip_prefix("warning: ") {
        return warned(rest);
    }
    let (client, _) = client(message.strip_prefix("SSL_accept error from ")?)?;
    Some(refused(Some(client), MailRefusal::TlsFailed))
}

/// How far a client's certificate is trusted, and whether it showed one that is.
const TRUST: &[(&str, bool)] = &[
    ("Anonymous ", false),
    ("Untrusted ", false),
    ("Trusted ", true),
    ("Verified ", true),
];

/// `Anonymous TLS connection established from name[ip]: TLSv1.3 with cipher …`.
fn secured(message: &str) -> Option<Said<'_>> {
    let (_, certificate, rest) = TRUST
        .iter()
        .filter_map(|(trust, shown)| Some((trust, *shown, message.strip_prefix(trust)?)))
        .next()?;
    let (client, rest) = client(rest.strip_prefix("TLS connection established from ")?)?;
    // A name the client asked for may stand between (SNI, since 3.4).
    let rest = rest
        .strip_prefix(": ")
        .or_else(|| rest.split_once(": ").map(|(_, r)| r))?;
    Some(Said::Secured {
        client,
        version: rest.split(' ').next().and_then(Word::parse),
        certificate,
        begins: false,
    })
}

/// `name[ip], sasl_method=PLAIN, sasl_username=anna, orig_client=…`.
fn taken(queue: Word, from: &str) -> Option<Said<'_>> {
    let (client, mut rest) = client(from)?;
    let (mut account, mut mechanism, mut is_back) = (None, None, false);
    while let Some((name, value)) = rest.strip_prefix(", ").and_then(|rest| parted(rest, "=")) {
        // What follows begins with the comma.
        let end = parted(value, ", ").map_or(value.len(), |(value, _)| value.len());
        let (value, after) = value.split_at_checked(end)?;
        match name {
            "sasl_method" => mechanism = Word::parse(value),
            "sasl_username" => {
                account = Some(value);
                // What an account's name may hold is the directory's business: nothing behind it is believed.
                break;
            }
            "orig_client" | "orig_queue_id" => is_back = true,
            _ => {}
        }
        rest = after;
    }
    Some(Said::Taken(Taken {
        queue,
        client,
        account,
        mechanism,
        is_back,
        whole: None,
    }))
}

/// Whether the counts of a session (since 3.0) hold a STARTTLS that succeeded.
fn starttls(counts: &str) -> Option<bool> {
    parted_last(counts, " commands=")?;
    let told = match counts.strip_prefix("starttls=") {
        Some(first) => Some(first),
        None => parted(counts, " starttls=").map(|(_, count)| count),
    };
    // Nothing but a blank ends a count.
    Some(told.is_some_and(|count| !count.starts_with('0')))
}

fn refused<'m>(client: Option<std::net::IpAddr>, why: MailRefusal) -> Said<'m> {
    Said::Refused(Refused {
        client,
        why,
        queue: None,
        helo: None,
        account: None,
        mechanism: None,
        sender: None,
        recipient: None,
    })
}

/// `name[ip]: SASL LOGIN authentication failed: …, sasl_username=fax` and `QUEUE: queue file size limit exceeded`.
fn warned(rest: &str) -> Option<Said<'_>> {
    if let Some((queue, rest)) = queued(rest) {
        let Said::Refused(refused) = refused(None, MailRefusal::ContentRejected) else {
            return None;
        };
        return rest
            .starts_with("queue file size limit exceeded")
            .then_some(Said::Refused(Refused {
                queue: Some(queue),
                ..refused
            }));
    }
    let (client, rest) = client(rest)?;
    let (mechanism, rest) = rest.strip_prefix(": SASL ")?.split_once(' ')?;
    let rest = rest.strip_prefix("authentication failed")?;
    let account = rest
        .split_once(", sasl_username=")
        .map(|(_, account)| account);
    Some(Said::Refused(Refused {
        client: Some(client),
        why: MailRefusal::LogonFailed,
        queue: None,
        helo: None,
        account,
        mechanism: Word::parse(mechanism),
        sender: None,
        recipient: None,
    }))
}

/// `reject: RCPT from name[ip]: 554 5.7.1 <to>: Relay access denied; from=<f> to=<t> proto=ESMTP helo=<h>`.
fn rejected(queue: Option<Word>, rest: &str) -> Option<Said<'_>> {
    let whats = ["reject", "milter-reject"].into_iter();
    let (what, rest) = whats
        .filter_map(|what| Some((what, rest.strip_prefix(what)?.strip_prefix(": ")?)))
        .next()?;
    let (stage, from) = rest.split_once(" from ")?;
    if stage.len() > 40 || stage.contains('[') {
        return None;
    }
    let (client, rest) = client(from)?;
    let reply = rest.strip_prefix(": ")?;
    let end = said_at_the_end(reply);
    Some(Said::Refused(Refused {
        client: Some(client),
        why: why(what, end.reply),
        queue,
        helo: end.helo,
        account: None,
        mechanism: None,
        sender: end.sender,
        recipient: end.recipient,
    }))
}

/// What Postfix says behind its reply, in which it repeats the recipient without quoting it.
struct End<'m> {
    reply: &'m str,
    sender: Option<&'m str>,
    recipient: Option<&'m str>,
    helo: Option<&'m str>,
}

/// Read from the end: of a HELO Postfix writes `<` and `>` as `?`, and what follows `; from=<` must fit to the last letter.
/// Where a client wrote what fits too, neither is believed.
fn said_at_the_end(text: &str) -> End<'_> {
    let mut rest = text;
    let mut said = None;
    if let Some((before, name)) = text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once(" helo=<"))
    {
        (rest, said) = (before, helo(name));
    }
    let rest = rest
        .rsplit_once(" proto=")
        .map_or(rest, |(before, _)| before);
    let fits = |at: usize| {
        let (reply, tail) = rest.split_at_checked(at)?;
        let (sender, tail) = until_bracket(tail.strip_prefix("; from=<")?)?;
        let (recipient, tail) = match tail.strip_prefix(" to=<") {
            Some(to) => until_bracket(to).map(|(to, tail)| (Some(to), tail))?,
            None => (None, tail),
        };
        tail.is_empty().then_some((reply, sender, recipient))
    };
    let mut fitting = rest
        .match_indices("; from=<")
        .filter_map(|(at, _)| fits(at));
    let (found, more) = (fitting.next(), fitting.next());
    match found.filter(|_| more.is_none()) {
        Some((reply, sender, recipient)) => End {
            reply,
            sender: Some(sender),
            recipient,
            helo: said,
        },
        None => End {
            reply: rest,
            sender: None,
            recipient: None,
            helo: said,
        },
    }
}

/// Replies Postfix makes itself (smtpd_check.c of 3.7), and what they mean.
const REPLIES: &[(&str, MailRefusal)] = &[
    (": Relay access denied", MailRefusal::RelayDenied),
    (": Client host rejected", MailRefusal::ClientRejected),
    ("Client host rejected", MailRefusal::ClientRejected),
    (": Helo command rejected", MailRefusal::HeloRejected),
    (": Sender address rejected", MailRefusal::SenderRejected),
    (
        ": Recipient address rejected",
        MailRefusal::RecipientRejected,
    ),
    ("Must issue a STARTTLS command first", MailRefusal::NeedsTls),
    ("Message size exceeds", MailRefusal::ContentRejected),
];

fn why(what: &str, reply: &str) -> MailRefusal {
    if what == "milter-reject" {
        return MailRefusal::ContentRejected;
    }
    // What the client wrote stands before what Postfix says of it.
    let known = REPLIES
        .iter()
        .filter_map(|(text, why)| Some((reply.rfind(text)?, *why)));
    known
        .max_by_key(|(at, _)| *at)
        .map_or(MailRefusal::Other, |(_, why)| why)
}

/// How the line ends of a message that waited too long (since 2.0; by hand since 3.5).
const EXPIRED: &[&str] = &[
    ">, status=expired, returned to sender",
    ">, status=force-expired, returned to sender",
];

fn queue(message: &str) -> Option<Said<'_>> {
    let (queue, rest) = queued(message)?;
    if rest == "removed" {
        return Some(Said::Done { queue });
    }
    let from = rest.strip_prefix("from=<")?;
    if EXPIRED.iter().any(|end| from.ends_with(end)) {
        return Some(Said::Expired);
    }
    // The sender may hold everything but what only the server writes at the end.
    let (sender, size) = parted_last(from, ">, size=")?;
    let (bytes, _) = parted(size, ", nrcpt=")?;
    Some(Said::Queued {
        queue,
        sender,
        bytes: Some(bytes.parse().ok()?),
    })
}

fn delivery(program: Program, message: &str) -> Option<Said<'_>> {
    let (queue, rest) = queued(message)?;
    let (address, rest) = until_bracket(rest.strip_prefix("to=<")?)?;
    let mut rest = rest.strip_prefix(", ")?;
    if let Some(original) = rest.strip_prefix("orig_to=<") {
        rest = until_bracket(original)?.1.strip_prefix(", ")?;
    }
    let (relay, rest) = parted(rest.strip_prefix("relay=")?, ", ")?;
    let (before, status) = parted(rest, "status=")?;
    let sent = status.starts_with("sent");
    let mailbox = match program {
        Program::Mailbox => true,
        Program::Pipe => MAILBOX_PIPES.contains(&relay),
        _ => false,
    };
    Some(Said::Recipient {
        queue,
        address,
        here: sent && mailbox,
        handed: sent.then_some(relay),
        fate: fate(program, relay, before, status),
    })
}

/// What became of the try. Who hands mail to a filter will see it again: that is no end of it.
fn fate(program: Program, relay: &str, before: &str, status: &str) -> Option<Fate> {
    let (word, answer) = status.split_once(' ').unwrap_or((status, ""));
    match word {
        "deferred" => Some(Fate::PutOff),
        "bounced" => Some(Fate::Returned),
        "sent" if !comes_back(program, relay, answer) => {
            let mut fields = before.split(", ");
            let delay = fields.find_map(|field| field.strip_prefix("delay="));
            let lasted = delay.and_then(millis).map(Lasted::Millis);
            Some(Fate::Delivered(lasted.unwrap_or(Lasted::Untold)))
        }
        _ => None,
    }
}

/// True for what is thrown away, and for what a filter got: an unknown program, or a relay on this machine that is no
/// mailbox or says that it has the message in a queue of its own.
fn comes_back(program: Program, relay: &str, answer: &str) -> bool {
    let is_here = relay.contains("[127.") || relay.contains("[::1]");
    match program {
        Program::Pipe => !MAILBOX_PIPES.contains(&relay),
        Program::Onward => relay == "none" || is_here,
        _ => is_here && answer.contains("queued as "),
    }
}

/// Seconds with at most a fraction, as `delay=` has them.
fn millis(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}");
    let thousandths: u64 = thousandths.get(..3)?.parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtpd(line: &str) -> Option<Said<'_>> {
        understand(Program::Smtpd, line)
    }

    #[test]
    fn what_a_client_writes_never_parts_a_line() {
        let line = r#"617DE59: from=<"a>, size=9, nrcpt=1 (queue active) from=<b@evil.example"@forged.example>, size=507, nrcpt=1 (queue active)"#;
        let Some(Said::Queued { sender, bytes, .. }) = understand(Program::Queue, line) else {
            panic!("not understood")
        };
        assert_eq!(bytes, Some(507));
        assert_eq!(
            super::super::said::address(sender).unwrap().1,
            "forged.example"
        );
        for none in [
            "x connect from pc[10.20.1.9]",
            "connect from pc[10.20.1.9] and more",
            "warning: Illegal address syntax from unknown[10.20.1.66] in RCPT command: < relay=pc[10.20.1.9]:25>",
            "warning: pc[10.20.1.9: SASL LOGIN authentication failed",
        ] {
            assert_eq!(smtpd(none), None, "{none}");
        }
    }

    #[test]
    fn a_refusal_says_why_and_what_the_client_calls_itself() {
        let line = "NOQUEUE: reject: RCPT from unknown[10.30.1.77]: 554 5.7.1 <somebody@partner.example>: Relay access denied; from=<ups@corp.example> to=<somebody@partner.example> proto=ESMTP helo=<ups1>";
        let Some(Said::Refused(refused)) = smtpd(line) else {
            panic!("not understood")
        };
        assert_eq!(refused.why, MailRefusal::RelayDenied);
        assert_eq!(
            (refused.helo, refused.sender),
            (Some("ups1"), Some("ups@corp.example"))
        );
        let line = "NOQUEUE: reject: CONNECT from pc[10.0.0.7]: 554 5.7.1 <pc[10.0.0.7]>: Client host rejected: Access denied; proto=SMTP";
        let Some(Said::Refused(refused)) = smtpd(line) else {
            panic!("not understood")
        };
        assert_eq!(
            (refused.why, refused.helo),
            (MailRefusal::ClientRejected, None)
        );
    }

    fn fate_of(program: Program, rest: &str) -> Option<Fate> {
        let line = format!("C31CD32: to=<a@b.example>, {rest}");
        match understand(program, &line) {
            Some(Said::Recipient { fate, .. }) => fate,
            other => panic!("{rest}: {other:?}"),
        }
    }

    #[test]
    fn what_is_delivered_says_how_long_it_took() {
        let delivered = |millis| Some(Fate::Delivered(Lasted::Millis(millis)));
        for (program, rest, fate) in [
            (
                Program::Onward,
                "relay=mx[10.0.0.1]:25, conn_use=2, delay=4.2, delays=4.1/0.01/0/0.09, dsn=2.0.0, status=sent (250 delay=9, status=sent)",
                delivered(4_200),
            ),
            (
                Program::Mailbox,
                "orig_to=<delay=7, x@b.example>, relay=local, delay=0.03, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)",
                delivered(30),
            ),
            (
                Program::Mailbox,
                "relay=127.0.0.1[127.0.0.1]:24, delay=1, dsn=2.0.0, status=sent (250 2.0.0 <a@b.example> Saved)",
                delivered(1_000),
            ),
            (
                Program::Mailbox,
                "relay=virtual, dsn=2.0.0, status=sent (delivered to maildir)",
                Some(Fate::Delivered(Lasted::Untold)),
            ),
            (
                Program::Onward,
                "relay=none, delay=30, delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to mx[10.0.0.1]:25: Connection timed out)",
                Some(Fate::PutOff),
            ),
            (
                Program::Onward,
                "relay=mx[10.0.0.1]:25, delay=3, dsn=5.1.1, status=bounced (host said: 550 status=sent)",
                Some(Fate::Returned),
            ),
        ] {
            assert_eq!(fate_of(program, rest), fate, "{rest}");
        }
        for expired in ["expired", "force-expired"] {
            let line = format!("C31CD32: from=<a@b.example>, status={expired}, returned to sender");
            assert_eq!(understand(Program::Queue, &line), Some(Said::Expired));
        }
        let forged = r#"C31CD32: from=<"a>, status=expired, returned to sender"@b>, size=5, nrcpt=1 (queue active)"#;
        assert!(matches!(
            understand(Program::Queue, forged),
            Some(Said::Queued { .. })
        ));
    }

    #[test]
    fn what_goes_through_a_filter_or_is_thrown_away_is_delivered_once_or_never() {
        for (program, rest) in [
            (
                Program::Onward,
                "relay=127.0.0.1[127.0.0.1]:10024, delay=3, status=sent (250 2.0.0 from MTA: queued as 3E27B2E)",
            ),
            (
                Program::Mailbox,
                "relay=localhost[::1]:10024, delay=3, status=sent (250 2.0.0 Ok: queued as 3E27B2E)",
            ),
            (
                Program::Pipe,
                "relay=spamfilter, delay=3, status=sent (delivered via spamfilter service)",
            ),
            (
                Program::Onward,
                "relay=none, delay=0.1, status=sent (thrown away)",
            ),
            (
                Program::Onward,
                "relay=mx[10.0.0.1]:25, delay=0.1, status=deliverable (250 ok)",
            ),
        ] {
            assert_eq!(fate_of(program, rest), None, "{rest}");
        }
    }

    #[test]
    fn a_delay_is_read_to_the_thousandth_or_not_at_all() {
        for (text, told) in [
            ("0", Some(0)),
            ("0.06", Some(60)),
            ("86400", Some(86_400_000)),
            ("1.23456", Some(1_234)),
            ("-1", None),
            ("1e5", None),
            ("", None),
            (".5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(millis(text), told, "{text}");
        }
    }

    #[test]
    fn a_filter_that_hands_mail_back_is_no_mailbox() {
        let here = |program, relay: &str| {
            let line = format!(
                "C31CD32: to=<a@b.example>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (x)"
            );
            match understand(program, &line) {
                Some(Said::Recipient { here, .. }) => here,
                other => panic!("{other:?}"),
            }
        };
        assert!(here(Program::Mailbox, "local") && here(Program::Pipe, "dovecot"));
        assert!(!here(Program::Pipe, "spamfilter") && !here(Program::Onward, "mx[10.0.0.1]:25"));
    }
}
