//! Mailboxes and groups that others hang on: shared ones, rooms, what is forwarded, and who may act for whom.
//!
//! A mailbox of a person is counted. It is listed only where somebody else depends on it: it forwards, or others send
//! or read for it. Attributes as Microsoft publishes them in the Exchange schema; no Exchange server was asked while
//! this was written.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::DirectoryObject;
use serde::{Deserialize, Serialize};

use super::is_of_a_domain;
use super::security::{self, Allowed};
use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says};

pub(crate) const MAILBOX: &[&str] = &[
    "objectClass",
    "cn",
    "displayName",
    "sAMAccountName",
    "mail",
    "msExchRecipientTypeDetails",
    "homeMDB",
    "altRecipient",
    "deliverAndRedirect",
    "targetAddress",
    "msExchGenericForwardingAddress",
    "publicDelegates",
    "msExchDelegateListLink",
    "mDBUseDefaults",
    "mDBStorageQuota",
    "mDBOverQuotaLimit",
    "mDBOverHardQuotaLimit",
    "msExchArchiveGUID",
];

pub(crate) const RIGHTS: &[&str] = &[
    "cn",
    "displayName",
    "sAMAccountName",
    "nTSecurityDescriptor",
    "msExchMailboxSecurityDescriptor",
];

pub(crate) const GROUP: &[&str] = &[
    "objectClass",
    "cn",
    "displayName",
    "mail",
    "msExchRequireAuthToSendTo",
    "authOrig",
    "unauthOrig",
    "dLMemSubmitPerms",
    "dLMemRejectPerms",
];

/// Mailboxes whose rights are kept until it is known who stands behind the identifiers.
const RIGHTS_MAX: usize = 20_000;

/// What sort of recipient an entry is (`msExchRecipientTypeDetails`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Person,
    Shared,
    Room,
    Equipment,
    /// Kept by another organisation, most of all a tenant in the cloud: what is in it is not seen from here.
    Remote,
    Contact,
    /// An account of ours whose mail lies elsewhere: an address and nothing that is kept (`MailUser`).
    MailUser,
    /// An account or a contact that Exchange knows and that has no mail.
    NoMailbox,
    /// The product's own.
    System,
}

/// `has_store` where a database is named that keeps its mail: then it is a mailbox, whatever the number says.
fn kind_of(details: Option<i64>, has_store: bool) -> Kind {
    match details.unwrap_or(1) {
        4 => Kind::Shared,
        16 => Kind::Room,
        32 => Kind::Equipment,
        64 | 0x8000 => Kind::Contact,
        128 => Kind::MailUser,
        0x8000_0000 | 0x2_0000_0000 | 0x4_0000_0000 | 0x8_0000_0000 => Kind::Remote,
        0x80_0000 | 0x2000_0000 => Kind::System,
        1 | 2 | 8 => Kind::Person,
        _ if has_store => Kind::Person,
        _ => Kind::NoMailbox,
    }
}

/// A recipient: counted, and listed if others hang on it.
pub(crate) fn mailbox(entry: &Entry, learnt: &mut Learnt) {
    let has_store = entry.text("homeMDB").is_some();
    let kind = kind_of(entry.number("msExchRecipientTypeDetails"), has_store);
    let word = match kind {
        Kind::Contact => return learnt.count("mail_contacts"),
        Kind::MailUser => return learnt.count("mail_users"),
        Kind::NoMailbox => return,
        Kind::System => return learnt.count("mailboxes_of_the_product"),
        Kind::Remote => {
            learnt.count("mailboxes_elsewhere");
            "kept by another organisation"
        }
        Kind::Person => "of a person",
        Kind::Shared => "shared",
        Kind::Room => "room",
        Kind::Equipment => "equipment",
    };
    learnt.count("mailboxes");
    let has_archive = entry
        .bytes("msExchArchiveGUID")
        .is_some_and(|guid| guid.iter().any(|byte| *byte != 0));
    let quota = quota(entry);
    if has_archive {
        learnt.count("mailboxes_with_archive");
    }
    if !quota.is_empty() {
        learnt.count("mailboxes_with_own_quota");
    }
    let mut object = learnt.described("mailbox", entry, &["mail"]);
    let hangs = on_others(entry, kind, &mut object);
    if !hangs && matches!(kind, Kind::Person | Kind::Remote) {
        return;
    }
    object.account = entry.text("sAMAccountName").map(|a| a.as_str().into());
    object.says("kind", [word.to_owned()]);
    object.says("database", first_names(entry, "homeMDB"));
    object.says("archive", has_archive.then(|| "has one".to_owned()));
    object.says("quota", quota);
    learnt.object(object);
}

/// Notes who sends and reads for it and where its mail goes on; true if there is any of it.
fn on_others(entry: &Entry, kind: Kind, object: &mut DirectoryObject) -> bool {
    let mut forwards: Vec<String> = first_names(entry, "altRecipient").collect();
    forwards.extend(entry.texts("msExchGenericForwardingAddress").map(bare));
    // The way into the other organisation is no forwarding.
    if kind != Kind::Remote {
        forwards.extend(entry.texts("targetAddress").map(bare));
    }
    if !forwards.is_empty() {
        let both = entry
            .text("deliverAndRedirect")
            .is_some_and(|t| t.eq_ignore_ascii_case("TRUE"));
        let word = match both {
            true => "and keeps a copy",
            false => "and keeps nothing",
        };
        object.says("forwarding", [word.to_owned()]);
    }
    object.says("forwards-to", forwards.iter().cloned());
    let mut others = !forwards.is_empty();
    for (word, attribute) in [
        ("send-on-behalf", "publicDelegates"),
        ("automapped-full-access", "msExchDelegateListLink"),
    ] {
        let who: Vec<String> = first_names(entry, attribute).collect();
        others |= !who.is_empty();
        object.says(word, who);
    }
    others
}

/// `user@example.org` of `SMTP:user@example.org`.
fn bare(address: String) -> String {
    match address.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("smtp") => rest.to_owned(),
        _ => address,
    }
}

fn first_names(entry: &Entry, attribute: &str) -> impl Iterator<Item = String> {
    entry
        .texts(attribute)
        .filter_map(|dn| names(&dn).into_iter().next().map(|(_, name)| name))
}

/// Limits of this mailbox alone, in KiB as they are written; those of its database stand there.
fn quota(entry: &Entry) -> Vec<String> {
    let defaults = entry
        .text("mDBUseDefaults")
        .is_none_or(|t| !t.eq_ignore_ascii_case("FALSE"));
    let limits = [
        ("warning", "mDBStorageQuota"),
        ("no sending", "mDBOverQuotaLimit"),
        ("no receiving", "mDBOverHardQuotaLimit"),
    ];
    let said = limits
        .iter()
        .filter_map(|(word, attribute)| Some(format!("{word} {} KiB", entry.number(attribute)?)));
    match defaults {
        true => Vec::new(),
        false => said.collect(),
    }
}

/// Who may send as, or open, a mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    object: DirectoryObject,
    send_as: BTreeSet<String>,
    full_access: BTreeSet<String>,
}

/// Send-As ([MS-ADTS] 5.1.3.2.1).
const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";

/// Full access in a mailbox's own list.
const MAILBOX_OWNER: u32 = 0x1;

/// The list of rights of a mailbox: those somebody gave for this one, to somebody who is neither itself nor an
/// administrator of the domain.
pub(crate) fn rights(entry: &Entry, learnt: &mut Learnt) {
    let Some(right) = security::guid(SEND_AS) else {
        return;
    };
    let given = |attribute: &str, is_it: &dyn Fn(&Allowed) -> bool| {
        let all = entry.bytes(attribute).and_then(security::entries);
        let all = all.into_iter().flatten();
        all.filter(|e| !e.inherited && is_it(e) && is_somebody(&e.sid))
            .map(|e| e.sid)
            .collect::<BTreeSet<_>>()
    };
    let send_as = given("nTSecurityDescriptor", &|e| e.gives(&right));
    let full_access = given("msExchMailboxSecurityDescriptor", &|e| {
        e.only.is_none() && e.mask & MAILBOX_OWNER != 0
    });
    if send_as.is_empty() && full_access.is_empty() {
        return;
    }
    if learnt.mailbox_rights.len() >= RIGHTS_MAX {
        learnt.rights_left_out += 1;
        return;
    }
    let mut object = learnt.described("mailbox-rights", entry, &[]);
    object.account = entry.text("sAMAccountName").map(|a| a.as_str().into());
    for sid in send_as.iter().chain(&full_access) {
        learnt.asked_for.insert(sid.clone());
    }
    learnt.mailbox_rights.push(Held {
        object,
        send_as,
        full_access,
    });
}

/// An account or a group of the domain that is not built in: those are numbered from 1000.
fn is_somebody(sid: &str) -> bool {
    let number = sid.rsplit('-').next().and_then(|n| n.parse::<u32>().ok());
    is_of_a_domain(sid) && number.is_some_and(|n| n >= 1000)
}

/// Tells the rights, once it is known who is behind the identifiers.
pub(crate) fn tell_rights(names: &BTreeMap<String, String>, learnt: &mut Learnt) {
    let named = |sids: &BTreeSet<String>| {
        let name = |sid: &String| names.get(sid).unwrap_or(sid).clone();
        sids.iter().map(name).collect::<Vec<_>>()
    };
    for held in std::mem::take(&mut learnt.mailbox_rights) {
        let mut object = held.object;
        object.says("send-as", named(&held.send_as));
        object.says("full-access", named(&held.full_access));
        learnt.object(object);
    }
}

/// A group that mail can be sent to, and who may.
pub(crate) fn group(entry: &Entry, learnt: &mut Learnt) {
    learnt.count("mail_groups");
    let mut object = learnt.described("mail-group", entry, &["mail"]);
    let inside = entry
        .text("msExchRequireAuthToSendTo")
        .is_some_and(|t| t.eq_ignore_ascii_case("TRUE"));
    object.says(
        "takes-mail-from",
        inside.then(|| "those who log on, no device".to_owned()),
    );
    for (word, attribute) in [
        ("only-from", "authOrig"),
        ("not-from", "unauthOrig"),
        ("only-from-members-of", "dLMemSubmitPerms"),
        ("not-from-members-of", "dLMemRejectPerms"),
    ] {
        object.says(word, first_names(entry, attribute));
    }
    learnt.object(object);
}

#[cfg(test)]
mod tests {
    use groma_model::fact::Fact;
    use proptest::prelude::*;

    use super::super::security::tests::{sid_bytes, with_right};
    use super::*;
    use crate::testing::{entry, learnt};

    fn said(learnt: &Learnt, class: &str) -> Vec<String> {
        let line = |fact: &Fact| match fact {
            Fact::DirectoryObject(o) if o.class == class => Some(
                o.attributes
                    .iter()
                    .map(|(k, v)| format!("{k}={}", v.join("+")))
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            _ => None,
        };
        learnt.facts.iter().filter_map(line).collect()
    }

    #[test]
    fn a_person_is_counted_and_listed_only_when_others_hang_on_the_mailbox() {
        let mut learnt = learnt();
        let person = entry(
            "CN=Ann,DC=x",
            &[
                ("msExchRecipientTypeDetails", "1"),
                ("mail", "ann@corp.example"),
            ],
        );
        mailbox(&person, &mut learnt);
        assert!(learnt.facts.is_empty());
        let forwards = entry(
            "CN=Bob,DC=x",
            &[
                ("msExchRecipientTypeDetails", "1"),
                ("altRecipient", "CN=Carol,OU=Outside,DC=x"),
                ("deliverAndRedirect", "TRUE"),
                ("publicDelegates", "CN=Ann,DC=x"),
                ("mDBUseDefaults", "FALSE"),
                ("mDBOverQuotaLimit", "2097152"),
            ],
        );
        mailbox(&forwards, &mut learnt);
        assert_eq!(
            said(&learnt, "mailbox"),
            [
                "forwarding=and keeps a copy forwards-to=Carol kind=of a person quota=no sending 2097152 KiB send-on-behalf=Ann"
            ]
        );
        assert_eq!(
            (
                learnt.counts["mailboxes"],
                learnt.counts["mailboxes_with_own_quota"]
            ),
            (2, 1)
        );
    }

    #[test]
    fn what_is_kept_elsewhere_is_counted_and_its_way_there_is_no_forwarding() {
        let mut learnt = learnt();
        let remote = entry(
            "CN=Dan,DC=x",
            &[
                ("msExchRecipientTypeDetails", "2147483648"),
                ("targetAddress", "SMTP:dan@tenant.example"),
            ],
        );
        mailbox(&remote, &mut learnt);
        let room = entry(
            "CN=Room,DC=x",
            &[
                ("msExchRecipientTypeDetails", "16"),
                ("homeMDB", "CN=DB1,CN=Databases,DC=x"),
            ],
        );
        mailbox(&room, &mut learnt);
        let contact = entry("CN=C,DC=x", &[("msExchRecipientTypeDetails", "64")]);
        mailbox(&contact, &mut learnt);
        assert_eq!(said(&learnt, "mailbox"), ["database=DB1 kind=room"]);
        assert_eq!(
            (
                learnt.counts["mailboxes_elsewhere"],
                learnt.counts["mail_contacts"]
            ),
            (1, 1)
        );
    }

    #[test]
    fn an_account_whose_mail_is_elsewhere_is_no_mailbox_and_forwards_nothing() {
        let mut learnt = learnt();
        for (details, count) in [("128", 1), ("128", 2), ("65536", 2)] {
            let user = [
                ("msExchRecipientTypeDetails", details),
                ("targetAddress", "SMTP:a@other.example"),
            ];
            mailbox(&entry("CN=A,DC=x", &user), &mut learnt);
            assert_eq!(learnt.counts["mail_users"], count);
        }
        assert!(!learnt.counts.contains_key("mailboxes"));
        assert!(said(&learnt, "mailbox").is_empty());
    }

    #[test]
    fn who_may_send_as_a_mailbox_is_named_and_what_comes_from_above_or_is_built_in_is_not() {
        let mut learnt = learnt();
        let mut held = |name: &str, descriptor: Vec<u8>| {
            let mut box_ = entry(&format!("CN={name},DC=x"), &[]);
            box_.attributes
                .push(("ntsecuritydescriptor".into(), vec![descriptor]));
            rights(&box_, &mut learnt);
        };
        held("Info", with_right(&sid_bytes(&[1, 2, 3, 1105]), SEND_AS, 0));
        held(
            "Inherited",
            with_right(&sid_bytes(&[1, 2, 3, 1105]), SEND_AS, 0x10),
        );
        held(
            "Administrators",
            with_right(&sid_bytes(&[1, 2, 3, 512]), SEND_AS, 0),
        );
        // SELF, S-1-5-10: every mailbox has it.
        held(
            "Self",
            with_right(&[1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0], SEND_AS, 0),
        );
        held(
            "Other",
            with_right(
                &sid_bytes(&[1, 2, 3, 1105]),
                "ab721a53-1e2f-11d0-9819-00aa0040529b",
                0,
            ),
        );
        assert_eq!(learnt.mailbox_rights.len(), 1);
        let names = BTreeMap::from([("S-1-5-21-1-2-3-1105".to_owned(), "svc-crm".to_owned())]);
        tell_rights(&names, &mut learnt);
        assert_eq!(said(&learnt, "mailbox-rights"), ["send-as=svc-crm"]);
    }

    #[test]
    fn a_group_says_whom_it_takes_mail_from() {
        let mut learnt = learnt();
        group(
            &entry(
                "CN=All staff,DC=x",
                &[
                    ("msExchRequireAuthToSendTo", "TRUE"),
                    ("dLMemSubmitPerms", "CN=Board,DC=x"),
                ],
            ),
            &mut learnt,
        );
        group(&entry("CN=Alarms,DC=x", &[]), &mut learnt);
        assert_eq!(
            said(&learnt, "mail-group"),
            [
                "only-from-members-of=Board takes-mail-from=those who log on, no device",
                ""
            ]
        );
    }

    proptest! {
        #[test]
        fn any_entry_is_read(details in any::<i64>(), text in ".{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut learnt = learnt();
            let mut any = entry(&text, &[("msExchRecipientTypeDetails", &details.to_string()), ("altRecipient", &text), ("targetAddress", &text)]);
            any.attributes.push(("ntsecuritydescriptor".into(), vec![bytes.clone()]));
            any.attributes.push(("msexchmailboxsecuritydescriptor".into(), vec![bytes]));
            mailbox(&any, &mut learnt);
            rights(&any, &mut learnt);
            group(&any, &mut learnt);
        }
    }
}
