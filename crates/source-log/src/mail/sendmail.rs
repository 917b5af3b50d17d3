//! Sendmail's lines (recorded from 8.17; Sendmail Installation and Operation Guide, 4.1 "The System Log"). A client writes
//! sender, recipient, Message-Id and the account it tries; who it is stands at the end of a line, so there the line is read
//! from, and one in which anything is out of its place is left out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::Port;
use groma_model::fact::MailRefusal;
use groma_model::name::Protection;
use serde::{Deserialize, Serialize};

use super::delays::{Fate, Lasted};
use super::said::{Refused, Said, Taken, Whole, ip, until_bracket};
use crate::known;
use crate::quick::QuickMap;
use crate::word::Word;

/// Messages without a recipient whose client is not told yet.
const UNSENT_MAX: usize = 20_000;
/// Recipients one line names.
const RECIPIENTS_MAX: usize = 64;
/// What stands for a mechanism where the line that names it was not written (`LogLevel` below 9): somebody logged on.
const SOME_MECHANISM: &str = "AUTH";

/// Messages of which a recipient was refused in a line that does not say whose; the line that does follows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Unsent(#[serde(with = "known::pairs")] QuickMap<Word, MailRefusal>);

/// What `message` says, in order; `ports` says which port a daemon of `sendmail.cf` serves.
pub(crate) fn understand<'m>(
    message: &'m str,
    ports: &BTreeMap<String, Port>,
    unsent: &mut Unsent,
) -> Vec<Said<'m>> {
    if let Some(rest) = message.strip_prefix("STARTTLS=server, ") {
        return secured(rest).into_iter().collect();
    }
    if let Some(rest) = message.strip_prefix("AUTH=server, ") {
        return proven(rest).into_iter().collect();
    }
    let Some((queue, rest)) = queued(message) else {
        return Vec::new();
    };
    if let Some(rest) = rest.strip_prefix("from=") {
        return arrived(queue, rest, ports, unsent).into_iter().collect();
    }
    if let Some(rest) = rest.strip_prefix("to=") {
        return recipients(queue, rest);
    }
    if let Some(why) = refused_unnamed(rest) {
        unsent.put(queue, why);
        return Vec::new();
    }
    refusal(queue, rest).into_iter().collect()
}

impl Unsent {
    fn put(&mut self, queue: Word, why: MailRefusal) {
        if self.0.len() >= UNSENT_MAX {
            self.0.clear();
        }
        self.0.insert(queue, why);
    }
}

/// `6ALAujMP000199: `: fourteen letters (Operation Guide, 4.1), fewer in old versions.
fn queued(message: &str) -> Option<(Word, &str)> {
    let (id, rest) = message.split_once(": ")?;
    let sound = (7..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    Some((Word::parse(id).filter(|_| sound)?, rest))
}

/// Who calls, as `relay=` has it to the end of a line: `name [10.0.0.1]`, `[10.0.0.1]`, and ` (may be forged)` behind it.
fn caller(text: &str) -> Option<IpAddr> {
    let text = text.strip_suffix(" (may be forged)").unwrap_or(text);
    let inner = text.strip_suffix(']')?;
    let (name, address) = inner.rsplit_once('[')?;
    // A name of the network, with what its identd says before it.
    let name = name.strip_suffix(' ').unwrap_or(name);
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_.@:+".contains(&b);
    name.bytes().all(sound).then(|| ip(address)).flatten()
}

/// `relay=…, version=TLSv1.3, verify=NO, cipher=…` and `error: accept failed=-1, reason=…, relay=[10.0.0.1]`.
fn secured(rest: &str) -> Option<Said<'_>> {
    if rest.starts_with("error: ") {
        let (_, relay) = rest.rsplit_once(", relay=")?;
        return Some(refused(caller(relay)?, MailRefusal::TlsFailed));
    }
    let (relay, rest) = rest.strip_prefix("relay=")?.split_once(", version=")?;
    let (version, rest) = rest.split_once(", verify=")?;
    let (verified, _) = rest.split_once(", cipher=")?;
    Some(Said::Secured {
        client: caller(relay)?,
        version: Word::parse(version),
        certificate: verified == "OK",
        begins: true,
    })
}

/// `relay=…, authid=svc-erp@corp.example, mech=PLAIN, bits=0`: written once the password was right.
fn proven(rest: &str) -> Option<Said<'_>> {
    let (relay, rest) = rest.strip_prefix("relay=")?.split_once(", authid=")?;
    let (account, rest) = rest.rsplit_once(", mech=")?;
    let (mechanism, _) = rest.split_once(", bits=")?;
    Some(Said::Proven {
        client: caller(relay)?,
        account,
        mechanism: Word::parse(mechanism)?,
    })
}

/// What only the server writes at the end of a line that tells of a message.
struct Tail<'m> {
    client: IpAddr,
    protocol: &'m str,
    daemon: Option<&'m str>,
}

/// Fields between the protocol and the client, some of them only where Sendmail was built to write them.
const TAIL: &[&str] = &[
    "daemon",
    "tls_verify",
    "tls_version",
    "cipher",
    "auth",
    "bits",
];

fn tail(text: &str) -> Option<Tail<'_>> {
    let (head, relay) = text.rsplit_once(", relay=")?;
    let client = caller(relay)?;
    let (_, told) = head.rsplit_once(", proto=")?;
    let mut fields = told.split(", ");
    let protocol = fields.next()?;
    let mut daemon = None;
    for field in fields {
        let (name, value) = field.split_once('=')?;
        if !TAIL.contains(&name) || value.contains(' ') {
            return None;
        }
        if name == "daemon" {
            daemon = Some(value);
        }
    }
    let sound = protocol.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then_some(Tail {
        client,
        protocol,
        daemon,
    })
}

/// `<rechnung@corp.example>, size=274, class=0, nrcpts=1, msgid=<…>, proto=ESMTPSA, daemon=MTA, relay=name [10.0.0.1]`.
fn arrived<'m>(
    queue: Word,
    rest: &'m str,
    ports: &BTreeMap<String, Port>,
    unsent: &mut Unsent,
) -> Option<Said<'m>> {
    let (sender, rest) = one_address(rest)?;
    let (bytes, rest) = number(rest.strip_prefix(", size=")?)?;
    let (_, rest) = number(rest.strip_prefix(", class=")?)?;
    let (recipients, rest) = number(rest.strip_prefix(", nrcpts=")?)?;
    let why = unsent.0.remove(&queue);
    let tail = tail(rest)?;
    if recipients == 0 {
        // Nobody it could go to: no message. Why is said where it was said.
        return why.map(|why| refused(tail.client, why));
    }
    // RFC 3848: with TLS, with an account; before 8.16 Sendmail told neither here.
    let (secure, logged_on) = match tail.protocol.trim_start_matches("UTF8") {
        "SMTP" | "ESMTP" => (false, false),
        "ESMTPS" | "SMTPS" => (true, false),
        "ESMTPA" | "SMTPA" => (false, true),
        "ESMTPSA" | "SMTPSA" => (true, true),
        _ => return None,
    };
    let port = tail.daemon.and_then(|daemon| port(daemon, ports));
    let protection = match (secure, port) {
        (false, _) => Protection::None,
        (true, Some(Port(465))) => Protection::Tls,
        (true, _) => Protection::Starttls,
    };
    Some(Said::Taken(Taken {
        queue,
        client: tail.client,
        account: None,
        mechanism: logged_on.then(|| Word::parse(SOME_MECHANISM)).flatten(),
        is_back: false,
        whole: Some(Whole {
            helo: None,
            sender,
            bytes: Some(bytes),
            protection: Some(protection),
            tls: None,
            certificate: false,
            port: port.map(|port| port.0),
        }),
    }))
}

/// The port of a daemon, by its name: the settings say, and what Sendmail begins with where they do not (cf/README).
fn port(daemon: &str, ports: &BTreeMap<String, Port>) -> Option<Port> {
    let set = ports.get(&format!("{}{daemon}", crate::sendmail::DAEMON));
    set.copied().or(match daemon {
        "MTA" => Some(Port(25)),
        "MSA" => Some(Port(587)),
        _ => None,
    })
}

/// An address in brackets, or bare up to a comma.
fn one_address(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('<') {
        Some(inner) => until_bracket(inner),
        None => text.split_at_checked(text.find(", ")?),
    }
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    Some((digits.parse().ok()?, rest))
}

/// Mailers that put mail into mailboxes here.
const MAILBOXES: &[&str] = &[
    "local", "lmtp", "cyrus", "cyrusv2", "procmail", "dovecot", "maildrop",
];

/// `<a@corp.example>,<b@corp.example>, delay=…, mailer=local, pri=…, relay=…, dsn=2.0.0, stat=Sent`.
fn recipients(queue: Word, text: &str) -> Vec<Said<'_>> {
    let mut addresses = Vec::new();
    let mut rest = text;
    let rest = loop {
        let Some((address, after)) = recipient(rest) else {
            return Vec::new();
        };
        addresses.extend(address);
        match after.strip_prefix(',') {
            Some(more) if !more.starts_with(' ') && addresses.len() < RECIPIENTS_MAX => rest = more,
            Some(more) if more.starts_with(' ') => break more,
            _ => return Vec::new(),
        }
    };
    // What a remote server answered stands behind `stat=`; before it, only the server writes.
    let (before, status) = rest.split_once(", stat=").unwrap_or((rest, ""));
    if let Some(why) = too_large(status) {
        return vec![Said::Refused(Refused {
            queue: Some(queue),
            client: None,
            ..nobody(why)
        })];
    }
    let mailer = before
        .split(", ")
        .find_map(|field| field.trim_start().strip_prefix("mailer="));
    let sent = status.starts_with("Sent");
    let here = sent && mailer.is_some_and(|mailer| MAILBOXES.contains(&mailer));
    let fate = fate(before, status, mailer);
    let said = |address| Said::Recipient {
        queue,
        address,
        here,
        handed: None,
        fate,
    };
    addresses.into_iter().map(said).collect()
}

/// What became of the try. What the program that takes mail from users hands to the server beside it comes to its end there.
fn fate(before: &str, status: &str, mailer: Option<&str>) -> Option<Fate> {
    // The sender (`ctladdr=`) stands before what only the server writes.
    let field = |name: &str| {
        let mut fields = before.rsplit(", ");
        fields.find_map(|field| field.trim_start().strip_prefix(name))
    };
    let is_own =
        || field("relay=").is_some_and(|relay| relay.contains("[127.") || relay.contains("[::1]"));
    let code = field("dsn=").and_then(|code| code.chars().next());
    match code {
        _ if status.starts_with("Sent") => {
            let lasted = field("delay=").and_then(millis).map(Lasted::Millis);
            let is_end = mailer != Some("relay") || !is_own();
            is_end.then_some(Fate::Delivered(lasted.unwrap_or(Lasted::Untold)))
        }
        Some('4') => Some(Fate::PutOff),
        Some('5') => Some(Fate::Returned),
        _ => None,
    }
}

/// `00:00:01`, and with days before it `2+03:00:00`.
fn millis(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('+').unwrap_or(("0", text));
    let mut parts = clock.split(':').map(str::parse::<u64>);
    let (hours, minutes, seconds) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    if parts.next().is_some() || minutes > 59 || seconds > 60 {
        return None;
    }
    let days: u64 = days.parse().ok()?;
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    hours
        .checked_mul(3_600)?
        .checked_add(minutes * 60 + seconds)?
        .checked_mul(1_000)
}

/// One recipient and what follows it; no address for a program or a file, whose alias stands for nobody.
fn recipient(text: &str) -> Option<(Option<&str>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (_, rest) = quoted.split_once('"')?;
        return Some((None, rest));
    }
    let (address, rest) = match text.strip_prefix('<') {
        Some(inner) => until_bracket(inner)?,
        None => text.split_at_checked(text.find(',')?)?,
    };
    let is_file = address.starts_with(['/', '|', ':']);
    Some(((!is_file).then_some(address), rest))
}

fn too_large(status: &str) -> Option<MailRefusal> {
    status
        .starts_with("Message exceeds maximum fixed size")
        .then_some(MailRefusal::ContentRejected)
}

fn nobody<'m>(why: MailRefusal) -> Refused<'m> {
    Refused {
        client: None,
        why,
        queue: None,
        helo: None,
        account: None,
        mechanism: None,
        sender: None,
        recipient: None,
    }
}

fn refused<'m>(client: IpAddr, why: MailRefusal) -> Said<'m> {
    Said::Refused(Refused {
        client: Some(client),
        ..nobody(why)
    })
}

/// Why a recipient was refused, in a line that does not say whose: `<x@corp.example>... User unknown` and
/// `Milter: to=<x@corp.example>, reject=550 5.7.1 …`.
fn refused_unnamed(rest: &str) -> Option<MailRefusal> {
    if let Some(said) = rest.strip_prefix("Milter: ") {
        return said
            .contains(", reject=")
            .then_some(MailRefusal::ContentRejected);
    }
    let (_, after) = until_bracket(rest.strip_prefix('<')?)?;
    after
        .starts_with("... ")
        .then_some(MailRefusal::RecipientRejected)
}

fn refusal(queue: Word, rest: &str) -> Option<Said<'_>> {
    if let Some(rest) = rest.strip_prefix("ruleset=") {
        return ruled_out(rest);
    }
    if let Some(rest) = rest.strip_prefix("AUTH failure (") {
        return not_proven(rest);
    }
    // After the message had come: it is not taken after all.
    rest.starts_with("Milter: data, reject=").then(|| {
        Said::Refused(Refused {
            queue: Some(queue),
            ..nobody(MailRefusal::ContentRejected)
        })
    })
}

/// `check_rcpt, arg1=<bob@partner.example>, relay=[10.0.0.1], reject=550 5.7.1 <bob@partner.example>... Relaying denied`.
fn ruled_out(rest: &str) -> Option<Said<'_>> {
    let (ruleset, rest) = rest.split_once(", arg1=")?;
    let (argument, rest) = one_address(rest)?;
    let rest = match rest.strip_prefix(", arg2=") {
        Some(second) => second.split_at_checked(second.find(", ")?)?.1,
        None => rest,
    };
    let (relay, reply) = rest.strip_prefix(", relay=")?.split_once(", reject=")?;
    let client = caller(relay)?;
    // The reply repeats what the client wrote, and then says why.
    let reason = reply
        .rsplit_once("... ")
        .map_or(reply, |(_, reason)| reason);
    let why = match ruleset {
        "check_rcpt" if reason.starts_with("Relaying ") => MailRefusal::RelayDenied,
        "check_rcpt" => MailRefusal::RecipientRejected,
        "check_mail" => MailRefusal::SenderRejected,
        "check_relay" => MailRefusal::ClientRejected,
        "tls_client" => MailRefusal::NeedsTls,
        "check_eoh" | "check_eom" => MailRefusal::ContentRejected,
        _ => MailRefusal::Other,
    };
    Some(Said::Refused(Refused {
        client: Some(client),
        sender: (ruleset == "check_mail").then_some(argument),
        recipient: (ruleset == "check_rcpt").then_some(argument),
        ..nobody(why)
    }))
}

/// `LOGIN): user not found (-20) …, user=svc-fax@corp.example, relay=[10.0.0.1]`.
fn not_proven(rest: &str) -> Option<Said<'_>> {
    let (mechanism, rest) = rest.split_once("): ")?;
    let (before, relay) = rest.rsplit_once(", relay=")?;
    let account = before.split_once(", user=").map(|(_, account)| account);
    Some(Said::Refused(Refused {
        client: Some(caller(relay)?),
        account,
        mechanism: Word::parse(mechanism),
        ..nobody(MailRefusal::LogonFailed)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &str) -> Vec<Said<'_>> {
        understand(line, &BTreeMap::new(), &mut Unsent::default())
    }

    #[test]
    fn a_message_is_read_from_its_end() {
        let line = r#"6ALAuqHf000304: from=<"a>, size=9, class=0, nrcpts=1, msgid=<b>, proto=ESMTP, daemon=MTA, relay=pc [10.20.1.9]"@forged.example>, size=18, class=0, nrcpts=1, msgid=<x>, proto=ESMTPA, daemon=MTA, relay=pc [10.20.1.9], proto=ESMTPS, daemon=MSA, tls_verify=NO, relay=pc.corp.example [10.20.1.66] (may be forged)"#;
        let said = all(line);
        let [Said::Taken(taken)] = said.as_slice() else {
            panic!("{said:?}")
        };
        let whole = taken.whole.as_ref().unwrap();
        assert_eq!(taken.client.to_string(), "10.20.1.66");
        assert_eq!((whole.port, whole.bytes), (Some(587), Some(18)));
        assert_eq!(whole.protection, Some(Protection::Starttls));
        assert_eq!(taken.mechanism, None);
    }

    #[test]
    fn what_is_out_of_its_place_is_no_message() {
        for none in [
            "6ALAuqHf000304: from=<a@b.c>, size=9, class=0, nrcpts=1, msgid=<x>, proto=ESMTP, daemon=MTA, relay=x, relay=pc [10.20.1.9], by=me",
            "6ALAuqHf000304: from=<a@b.c>, size=9, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, relay=root@localhost",
            "6ALAuqHf000304: from=<a@b.c>, size=9, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, x=y, relay=[10.20.1.9]",
            "6ALAuqHf000304: from=<a@b.c>, size=9, class=0, nrcpts=1, proto=X Y, relay=[10.20.1.9]",
            "6ALAuqHf000304: from=<a@b.c>, size=9, class=0, nrcpts=0, proto=ESMTP, relay=[10.20.1.9]",
            "6ALAuqHf000304: [10.20.1.66]: VRFY a, relay=pc [10.20.1.9]",
            "x: from=<a@b.c>, size=9, class=0, nrcpts=1, proto=ESMTP, relay=[10.20.1.9]",
        ] {
            assert_eq!(all(none), [], "{none}");
        }
    }

    #[test]
    fn what_became_of_a_try_stands_at_the_end_of_its_line() {
        let of = |rest: &str| match all(&format!("6ALAukTv000219: to=<a@b.example>, {rest}")).pop()
        {
            Some(Said::Recipient { fate, .. }) => fate,
            other => panic!("{other:?}"),
        };
        let delivered = |millis| Some(Fate::Delivered(Lasted::Millis(millis)));
        for (rest, fate) in [
            (
                "delay=00:00:01, xdelay=00:00:00, mailer=local, pri=30462, dsn=2.0.0, stat=Sent",
                delivered(1_000),
            ),
            (
                "ctladdr=<delay=9, dsn=5@x> (8/0), delay=2+03:00:00, xdelay=00:00:09, mailer=esmtp, pri=1, relay=mx. [10.0.0.1], dsn=2.0.0, stat=Sent (ok, dsn=5.0.0)",
                delivered(183_600_000),
            ),
            (
                "delay=00:01:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx., dsn=4.0.0, stat=Deferred: Connection refused by mx.",
                Some(Fate::PutOff),
            ),
            (
                "delay=00:00:00, mailer=esmtp, pri=1, relay=mx. [10.0.0.1], dsn=5.1.1, stat=User unknown",
                Some(Fate::Returned),
            ),
            (
                "delay=00:00:00, mailer=relay, pri=1, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (accepted)",
                None,
            ),
            ("mailer=local, pri=1, dsn=2.0.0, stat=queued", None),
            (
                "mailer=local, pri=1, dsn=2.0.0, stat=Sent",
                Some(Fate::Delivered(Lasted::Untold)),
            ),
        ] {
            assert_eq!(of(rest), fate, "{rest}");
        }
        for (text, told) in [
            ("00:00:61", None),
            ("1:2", None),
            ("x+00:00:01", None),
            ("00:00:01:0", None),
        ] {
            assert_eq!(millis(text), told, "{text}");
        }
    }

    #[test]
    fn a_line_may_name_several_recipients() {
        let of = |line: &str| -> Vec<(String, bool)> {
            let said = all(line).into_iter().map(|said| match said {
                Said::Recipient { address, here, .. } => (address.to_owned(), here),
                other => panic!("{other:?}"),
            });
            said.collect()
        };
        assert_eq!(
            of(
                "6ALAukTv000219: to=<anna@corp.example>,<bob@corp.example>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=60495, dsn=2.0.0, stat=Sent"
            ),
            [
                ("anna@corp.example".to_owned(), true),
                ("bob@corp.example".to_owned(), true)
            ]
        );
        assert_eq!(
            of(
                r#"6ALAukTv000219: to="|/usr/bin/a, b",kunde@partner.example, ctladdr=<x@y> (8/0), delay=0, mailer=esmtp, stat=Sent (mailer=local)"#
            ),
            [("kunde@partner.example".to_owned(), false)]
        );
        assert_eq!(of("6ALAukTv000219: to=<a@b.c"), []);
    }

    #[test]
    fn refusals_say_why_and_a_forged_client_is_none() {
        let of = |line: &str| match all(line).as_slice() {
            [Said::Refused(refused)] => Some((refused.client.map(|c| c.to_string()), refused.why)),
            _ => None,
        };
        let client = |text: &str| Some(text.to_owned());
        assert_eq!(
            of(
                "6ALAuobC000274: ruleset=check_rcpt, arg1=<x@p.example>, relay=cam.corp.example [10.30.1.78], reject=550 5.7.1 <x@p.example>... Relaying denied. Proper authentication required."
            ),
            Some((client("10.30.1.78"), MailRefusal::RelayDenied))
        );
        assert_eq!(
            of(
                r#"6ALAuobC000274: ruleset=check_rcpt, arg1=<"a... Relaying denied>, relay=[10.20.1.9], reject=5"@p.example>, relay=[10.20.1.66], reject=550 5.2.1 <"a... Relaying denied>, relay=[10.20.1.9], reject=5"@p.example>... Mailbox disabled for this recipient"#
            ),
            Some((client("10.20.1.66"), MailRefusal::RecipientRejected))
        );
        assert_eq!(
            of(
                "6ALAusXw000320: AUTH failure (LOGIN): user not found (-20) SASL(-13): user not found: checkpass failed, user=a, relay=pc [10.20.1.9], relay=[10.20.1.66]"
            ),
            Some((client("10.20.1.66"), MailRefusal::LogonFailed))
        );
        assert_eq!(
            of(
                "STARTTLS=server, error: accept failed=-1, reason=no shared cipher, SSL_error=1, errno=0, retry=-1, relay=[10.20.1.70]"
            ),
            Some((client("10.20.1.70"), MailRefusal::TlsFailed))
        );
        assert_eq!(
            of("6ALAuobC000274: ruleset=check_relay, arg1=x, arg2=10.9.9.9, relay=x, reject=550"),
            None
        );
    }

    #[test]
    fn a_recipient_nobody_knows_belongs_to_the_client_of_the_line_behind() {
        let mut unsent = Unsent::default();
        let ports = BTreeMap::new();
        let unknown = "6ALAup5s000283: <nobody-here@corp.example>... User unknown";
        assert_eq!(understand(unknown, &ports, &mut unsent), []);
        let from = "6ALAup5s000283: from=<cron@corp.example>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=[10.20.1.71]";
        let said = understand(from, &ports, &mut unsent);
        let [Said::Refused(refused)] = said.as_slice() else {
            panic!("{said:?}")
        };
        assert_eq!(refused.why, MailRefusal::RecipientRejected);
        assert_eq!(understand(from, &ports, &mut unsent), []);
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "6ALAup5s000283: (from|to|ruleset|Milter: |AUTH failure \\()[=<>\"a@., :\\[\\]0-9]{0,40}(, (relay|proto|size|nrcpts|reject|arg1|stat)=[<>\"a@. \\[\\]0-9]{0,12}){0,6}") {
            let _ = all(&line);
        }
    }
}
