//! What of a message is kept: domains, and a word of ours that the sender's local part holds.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::mail_senders::sender_word;
use groma_model::fact::{MailRecipients, MailRefusal};
use groma_model::reported::ReportedMail;

use crate::mail::said;

/// How message tracking calls itself.
const TRACKING: &str = "Message Tracking Log";
/// Domains of recipients that are told one by one.
const DOMAINS_MAX: usize = 4;
/// Addresses of one row of message tracking that are read.
const ADDRESSES_MAX: usize = 1_000;

/// Domain of an address, in small letters, and the word its local part holds; `None` if it is no address.
pub(super) fn parted(address: &str) -> Option<(String, Option<&'static str>)> {
    let (local, domain) = said::address(address)?;
    Some((domain.to_ascii_lowercase(), sender_word(local)))
}

/// The address in `MAIL FROM:<a@b.example> SIZE=7`, behind the colon.
pub(super) fn in_brackets(said: &str) -> Option<&str> {
    let (_, behind) = said.split_once(':')?;
    let (address, _) = said::until_bracket(behind.trim_start().strip_prefix('<')?)?;
    Some(address)
}

/// Domains as a fact has them.
pub(super) fn recipients(domains: BTreeSet<String>) -> Vec<MailRecipients> {
    let many = domains.len() > DOMAINS_MAX;
    let domains = if many {
        BTreeSet::from(["*".to_owned()])
    } else {
        domains
    };
    let of = |domain| MailRecipients {
        domain,
        delivered_here: false,
    };
    domains.into_iter().map(of).collect()
}

/// What a row of message tracking tells of its message.
pub(super) fn tracked(log: &str, values: &BTreeMap<String, String>) -> Option<ReportedMail> {
    if log != TRACKING {
        return None;
    }
    let (sender, word) = parted(values.get("sender-address")?.trim_matches(['<', '>']))?;
    let all = values.get("recipient-address").map_or("", String::as_str);
    let domains = all.split(';').take(ADDRESSES_MAX).filter_map(parted);
    Some(ReportedMail {
        sender: Some(sender),
        sender_word: word.map(str::to_owned),
        recipients: recipients(domains.map(|(domain, _)| domain).collect()),
        ..ReportedMail::default()
    })
}

/// Why Exchange says no: by its codes (RFC 3463) and, where those say little, its words.
pub(super) fn refusal(reply: &str) -> MailRefusal {
    let reply = reply.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| reply.contains(word));
    if reply.starts_with("535") {
        MailRefusal::LogonFailed
    } else if has(&["5.7.54", "unable to relay"]) {
        MailRefusal::RelayDenied
    } else if has(&["starttls"]) {
        MailRefusal::NeedsTls
    } else if has(&[
        "5.7.60",
        "5.1.7",
        "5.1.8",
        "send as this sender",
        "sender denied",
    ]) {
        MailRefusal::SenderRejected
    } else if has(&["5.1.1", "5.1.10", "5.1.0", "user unknown"]) {
        MailRefusal::RecipientRejected
    } else if reply.starts_with("530") || has(&["5.7.57", "client was not authenticated"]) {
        MailRefusal::ClientRejected
    } else if reply.starts_with("552") || has(&["5.3.4", "5.6."]) {
        MailRefusal::ContentRejected
    } else {
        MailRefusal::Other
    }
}
