//! What a sender or reader of mail seems to be, and the words that say so. Where nothing says, it stays unknown.

use std::collections::BTreeSet;

use groma_knowledge::mail_clients::class_of_mail_client;
use groma_knowledge::mail_senders::{class_of_word, device_of_helo, sender_word};
use groma_model::inventory::Entity;
use groma_model::ledger::ConsumerClass;

/// What is known of one of them.
pub(crate) struct Known<'k> {
    /// The machine, where it has a row.
    pub(crate) machine: Option<&'k Entity>,
    /// What it calls itself.
    pub(crate) helo: &'k BTreeSet<String>,
    /// Words of ours in the addresses it sends from.
    pub(crate) words: &'k BTreeSet<String>,
    /// Parts and programs of it that call there.
    pub(crate) programs: &'k [String],
    /// True if it watches the server.
    pub(crate) watches: bool,
    /// True if it is a mail server itself.
    pub(crate) is_mail_server: bool,
    /// True if somebody reads mail there from it.
    pub(crate) reads: bool,
    /// True if it logs on.
    pub(crate) logs_on: bool,
    /// What it says it is as a user agent does.
    pub(crate) says_it_is: Option<&'k str>,
    /// Programs it reads with, in words of our knowledge.
    pub(crate) clients: &'k BTreeSet<String>,
}

/// The class, and the words for it, the strongest kind of evidence first.
pub(crate) fn class(known: &Known<'_>) -> (ConsumerClass, Vec<String>) {
    let found = by_machine(known)
        .or_else(|| by_name_it_gives(known))
        .or_else(|| by_program(known))
        .or_else(|| by_sender(known))
        .or_else(|| by_its_name(known))
        .or_else(|| by_what_it_does(known));
    let (class, mut because) = found.unwrap_or((ConsumerClass::Unknown, Vec::new()));
    because.sort();
    because.dedup();
    (class, because)
}

type Found = Option<(ConsumerClass, Vec<String>)>;

/// What somebody looked at, declared or saw watching.
fn by_machine(known: &Known<'_>) -> Found {
    let kind = known.machine.map(|machine| machine.kind.as_str());
    if kind == Some("device") {
        return Some((
            ConsumerClass::Device,
            vec!["is known as a device".to_owned()],
        ));
    }
    if known.watches {
        return Some((
            ConsumerClass::Monitoring,
            vec!["watches the server".to_owned()],
        ));
    }
    if known.is_mail_server {
        return Some((
            ConsumerClass::Server,
            vec!["is a mail server itself".to_owned()],
        ));
    }
    if !known.programs.is_empty() {
        let because = known
            .programs
            .iter()
            .map(|program| format!("{program} calls there"));
        return Some((ConsumerClass::Application, because.collect()));
    }
    None
}

/// A name that a maker gives its machines.
fn by_name_it_gives(known: &Known<'_>) -> Found {
    let devices = known.helo.iter().filter_map(|helo| {
        device_of_helo(helo).map(|device| format!("calls itself {helo}, as a {device} does"))
    });
    let because: Vec<String> = devices.collect();
    (!because.is_empty()).then_some((ConsumerClass::Device, because))
}

/// The kind of program it reads with. Of several the strongest evidence is one that nobody sits at.
fn by_program(known: &Known<'_>) -> Found {
    let classes = known
        .clients
        .iter()
        .filter_map(|says| Some((class_of_mail_client(says)?, says)));
    let strongest = classes.clone().map(|(class, _)| class).min()?;
    let because = classes
        .filter(|(class, _)| *class == strongest)
        .map(|(_, says)| format!("reads with: {says}"));
    Some((strongest, because.collect()))
}

/// The word it sends under. A machine that was looked at is no copier, whatever it sends as.
fn by_sender(known: &Known<'_>) -> Found {
    let agent = known.machine.is_some_and(|machine| machine.has_agent);
    let classes = known
        .words
        .iter()
        .filter_map(|word| Some((class_of_word(word)?, word)));
    let strongest = classes.clone().map(|(class, _)| class).min()?;
    let class = match (agent, strongest) {
        (true, ConsumerClass::Device) => ConsumerClass::Application,
        (_, class) => class,
    };
    let because = classes
        .filter(|(class, _)| *class == strongest)
        .map(|(_, word)| format!("sends as {word}"));
    Some((class, because.collect()))
}

/// What it is called in the estate, where nobody looked at it.
fn by_its_name(known: &Known<'_>) -> Found {
    let machine = known.machine.filter(|machine| !machine.has_agent)?;
    let host = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let names = std::iter::once(&machine.name).chain(&machine.names);
    let mut found = names.filter_map(|name| {
        let device = device_of_helo(name).map(|_| ConsumerClass::Device);
        let class = device.or_else(|| class_of_word(sender_word(&host(name))?))?;
        Some((class, format!("is called {name}")))
    });
    found.next().map(|(class, because)| (class, vec![because]))
}

fn by_what_it_does(known: &Known<'_>) -> Found {
    if known.says_it_is == Some("Mozilla") {
        return Some((ConsumerClass::Person, vec!["uses a browser".to_owned()]));
    }
    let agent = known.machine.is_some_and(|machine| machine.has_agent);
    if agent {
        return Some((
            ConsumerClass::Server,
            vec!["was looked at from inside".to_owned()],
        ));
    }
    (known.reads && known.logs_on).then(|| {
        (
            ConsumerClass::Person,
            vec!["reads mail and sends it with an account".to_owned()],
        )
    })
}
