//! Mail that was handed in, and the servers that take it.

use crate::mail_reader::MailReader;
use crate::mail_use::{MailServer, MailUse};
use crate::name::Protection;

/// Entries of a list that a line names.
const NAMED_MAX: usize = 6;

/// One way of sending.
pub(super) fn reader(reader: &MailReader) -> String {
    let client = reader.client.as_deref().unwrap_or("an unknown program");
    let software = reader.software.as_ref();
    let software = software.map_or_else(String::new, |name| format!(" of {name}"));
    let at = reader.provider.as_ref();
    let at = at.map_or_else(String::new, |peer| format!(" at {peer}"));
    format!(
        "{} reads by {}{software}{at} with {client} ({}): {}",
        reader.consumer, reader.protocol, reader.product, reader.log
    )
}

pub(super) fn used(used: &MailUse) -> String {
    let does = match used.refused {
        None => "sent mail through".to_owned(),
        Some(why) => format!("was refused ({}) by", why.as_str()),
    };
    let port = used
        .port
        .map_or_else(String::new, |port| format!(" at port {port}"));
    let mut text = format!("{} {does} {}{port}", used.peer, used.product);
    let mut add = |part: Option<String>| text.extend(part);
    add(used
        .helo
        .as_ref()
        .map(|helo| format!(", calls itself {helo}")));
    add(used
        .account
        .as_ref()
        .map(|account| format!(", as {account}")));
    add(used.mechanism.as_ref().map(|how| format!(", by {how}")));
    let way = used.protection.map(|protection| match protection {
        Protection::None => ", in clear text",
        Protection::Starttls => ", with STARTTLS",
        Protection::Tls => ", with TLS",
    });
    add(way.map(str::to_owned));
    add(used.tls.as_ref().map(|version| format!(" ({version})")));
    add(used.certificate.then(|| ", with a certificate".to_owned()));
    add(used.sender.as_ref().map(|sender| match sender.is_empty() {
        true => ", without a sender".to_owned(),
        false => format!(", from {sender}"),
    }));
    add(used.sender_word.as_ref().map(|word| format!(" ({word})")));
    let to: Vec<&str> = used
        .recipients
        .iter()
        .map(|to| to.domain.as_str())
        .collect();
    add((!to.is_empty()).then(|| format!(", to {}", to.join(", "))));
    text.push_str(&format!(": {}", used.log));
    text
}

/// What a server takes, and whom it lets through.
pub(super) fn server(server: &MailServer) -> String {
    let named = |list: Vec<&str>| {
        let more = list.len().saturating_sub(NAMED_MAX);
        let first: Vec<&str> = list.into_iter().take(NAMED_MAX).collect();
        match (first.is_empty(), more) {
            (true, _) => "nobody".to_owned(),
            (false, 0) => first.join(", "),
            (false, more) => format!("{} and {more} more", first.join(", ")),
        }
    };
    let domains = match server.domains.is_empty() {
        true => "no domain we know".to_owned(),
        false => named(server.domains.iter().map(String::as_str).collect()),
    };
    let allows = server
        .allows
        .iter()
        .map(|rule| rule.entry.as_str())
        .collect();
    format!(
        "{} takes mail for {domains}, and passes on what comes from {}",
        server.product,
        named(allows)
    )
}
