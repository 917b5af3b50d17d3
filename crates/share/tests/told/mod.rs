//! What people wrote: their risks, waves and notes. Names in them that are words too, and numbers in groups, go.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Entity, Finding, Inventory, WaveEntry};
use serde_json::{Value, json};

use super::{formats, sample, shared};

/// What the house calls things: three hosts, an owner, whoever closed a risk, and an account.
type Names = [&'static str; 7];

/// Words of the vocabulary, all of them.
const WORDS: Names = [
    "backup",
    "imap",
    "mail-archive",
    "Grant",
    "Price",
    "cache",
    "printer",
];
/// The same house with names that could be nothing else.
const OTHERS: Names = [
    "qzone", "qztwo", "qzthree", "Qzfour", "Qzfive", "qzsix", "qzseven",
];
/// Numbers nobody may read.
const NUMBERS: [&str; 10] = [
    "12 34 56",
    "1234.567",
    "5551",
    "89.1234",
    "1.2.1970",
    "3704 0044",
    "12345678",
    "4711",
    "10.9.9",
    "0049/89",
];

fn estate([backup, imap, archive, first, last, closer, account]: Names) -> Inventory {
    let mut estate = sample::single();
    let mut row = serde_json::to_value(&estate.entities[0]).unwrap();
    for (at, name) in [
        backup.to_owned(),
        format!("{imap}.corp.example"),
        archive.to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        row["id"] = json!(format!("ent-{:032x}", at + 77));
        row["name"] = json!(name);
        row["names"] = json!([name]);
        row["owner"] = json!(format!("{first} {last}"));
        row["attributes"]["notes"] = json!([{
            "on": "2026-11-20T10:00:00Z", "by": format!("{first} {last}"),
            "says": format!(
                "{backup}:22 goes before {imap}/993, {archive}-2, {backup}-{imap} and ({archive}); version 10.11.6, net 10.9.9., \
                 mail in /var/mail/{account} and /var/vmail/corp.example/{account}"
            ),
        }]);
        row["attributes"]["declared"] = json!({"x:y z": "one", "x:y  z": "two"});
        estate
            .entities
            .push(serde_json::from_value(row.clone()).unwrap());
    }
    estate
        .findings
        .push(risk([backup, imap, archive, first, last, closer, account]));
    estate.waves = vec![wave([backup, imap, archive, first, last, closer, account])];
    estate
}

fn risk([backup, imap, archive, first, last, closer, _]: Names) -> Finding {
    let says = format!(
        "{backup} and {imap}:993 stop when {first} or {last} is away, ask {first} {last}'s team at 030 12 34 56, 030.1234.567, \
         5551 234 or +49.89.1234, born 1.2.1970, bank 3704 0044 0532, 089/12345678, 0049/89/1234567"
    );
    serde_json::from_value(json!({
        "id": format!("fnd-{:024x}", 9), "check": "own-risk", "origin": "person", "state": "closed", "severity": "high",
        "layer": "mail", "risk": says, "indicator": format!("{archive} is full"), "impact": format!("{imap} and {backup}"),
        "likelihood": "high", "mitigations": [format!("call {last}"), format!("stop {archive}:25")], "owner": null,
        "control_date": null, "subjects": [], "evidence": [], "verdict": null,
        "state_because": format!("{backup} is gone (closed by {closer})"),
    }))
    .unwrap()
}

fn wave([backup, imap, archive, first, last, closer, _]: Names) -> WaveEntry {
    serde_json::from_value(json!({
        "name": "w1", "order": 1, "window": null, "members": [backup], "state": "planned", "owner": format!("{first} {last}"),
        "change_reference": "4711",
        "expected": [format!("backup from {backup} to {imap}:25"), format!("smtp-relay to {archive}"),
            "smtp-relay from qzonly to 10.77.1.2:25"],
        "rollback": {"what": format!("start {backup}/{archive}"), "trigger": format!("{imap}, see 4711"), "decides": closer,
            "backup": format!("of {archive}, qzonly:22")},
        "communications": {format!("{first}, {last}"): format!("{closer} tells {last} about {imap}-{backup}")},
    }))
    .unwrap()
}

/// Words of a text, in lower case, and how often each stands there.
fn counted(text: &str) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        *out.entry(word.to_owned()).or_default() += 1;
    }
    out
}

fn secrets(names: Names) -> BTreeSet<String> {
    names
        .iter()
        .flat_map(|name| name.split('-'))
        .map(str::to_lowercase)
        .collect()
}

/// Every text in `value` below one of these fields.
fn texts(value: &Value, fields: &[&str], within: bool, out: &mut Vec<String>) {
    match value {
        Value::String(text) if within => out.push(text.clone()),
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| texts(entry, fields, within, out)),
        Value::Object(entries) => entries.iter().for_each(|(name, entry)| {
            if within {
                out.push(name.clone());
            }
            texts(
                entry,
                fields,
                within || fields.contains(&name.as_str()),
                out,
            );
        }),
        _ => {}
    }
}

fn noted(inventory: &Inventory) -> &Entity {
    let mut all = inventory.entities.iter();
    all.find(|e| !e.attributes.notes.is_empty()).unwrap()
}

#[test]
fn what_people_wrote_has_no_name_and_no_telephone_in_it() {
    let out = shared(&estate(WORDS)).inventory;
    let mut all = Vec::new();
    let fields = [
        "says",
        "what",
        "trigger",
        "decides",
        "backup",
        "communications",
        "members",
        "owner",
        "name",
        "names",
        "risk",
        "indicator",
        "impact",
        "mitigations",
        "state_because",
    ];
    // Rows of people: those of checks keep our words.
    let waves = serde_json::to_value(&out.waves).unwrap();
    texts(&waves, &fields, false, &mut all);
    let person = |f: &&Finding| f.origin == groma_model::inventory::FindingOrigin::Person;
    let risks: Vec<_> = out.findings.iter().filter(person).collect();
    texts(
        &serde_json::to_value(&risks).unwrap(),
        &fields,
        false,
        &mut all,
    );
    for host in &out.entities {
        all.extend(host.names.clone());
        all.extend(host.attributes.notes.iter().map(|note| note.says.clone()));
    }
    for expected in &out.waves[0].expected {
        all.extend(expected.consumer.clone());
        all.push(expected.provider.clone());
    }
    assert!(all.len() > 25 && risks.len() == 1, "{all:#?}");
    for text in &all {
        let words = counted(text);
        // `mail` alone is nobody's name here.
        for secret in secrets(WORDS).iter().filter(|secret| *secret != "mail") {
            assert!(!words.contains_key(secret), "{secret} in {text:?}");
        }
        for number in NUMBERS {
            assert!(!text.contains(number), "{number} in {text:?}");
        }
    }
    let note = &noted(&out).attributes.notes[0].says;
    assert!(
        note.contains("goes before")
            && note.contains("version 10.11.6")
            && note.contains("/var/mail/account-"),
        "{note}"
    );
}

#[test]
fn a_promise_of_a_wave_is_still_one() {
    let out = shared(&estate(WORDS));
    let wave = &out.inventory.waves[0];
    let host = |name: &str| {
        let entity = out.names.iter().find(|(_, original)| original.name == name);
        entity.map(|(pseudonym, _)| pseudonym.clone()).unwrap()
    };
    let first = &wave.expected[0];
    assert_eq!(first.kind, "backup");
    assert_eq!(first.consumer.as_ref(), Some(&host("backup")));
    assert_eq!(first.provider, host("imap"));
    assert_eq!(first.port.map(|port| port.0), Some(25));
    assert_eq!(wave.members, [host("backup")]);
    // A name that stands nowhere else is known in what is told.
    let rollback = serde_json::to_string(&wave.rollback).unwrap();
    assert!(rollback.contains(&host("qzonly")), "{rollback}");
}

#[test]
fn words_that_are_names_are_as_well_hidden_as_names_that_are_none() {
    let (words, others) = (
        shared(&estate(WORDS)).inventory,
        shared(&estate(OTHERS)).inventory,
    );
    for ((format, of_words), (_, of_others)) in formats(&words).into_iter().zip(formats(&others)) {
        let (of_words, of_others) = (counted(&of_words), counted(&of_others));
        for secret in secrets(WORDS) {
            let (is, may) = (of_words.get(&secret), of_others.get(&secret));
            assert!(
                is <= may,
                "{secret} stands {is:?} times in {format}, not {may:?}"
            );
        }
        for secret in secrets(OTHERS) {
            assert!(!of_others.contains_key(&secret), "{secret} in {format}");
        }
    }
}

#[test]
fn entries_whose_names_become_the_same_both_stay() {
    let out = shared(&estate(WORDS)).inventory;
    let declared = &noted(&out).attributes.declared;
    assert_eq!(declared.len(), 2, "{declared:?}");
    assert!(
        declared.keys().any(|key| key.ends_with(" (2)")),
        "{declared:?}"
    );
}

#[test]
fn what_a_check_says_keeps_our_words() {
    let mut estate = estate(WORDS);
    let risk = estate.findings.last_mut().unwrap();
    risk.origin = groma_model::inventory::FindingOrigin::Generated;
    risk.risk = "No backup was found on the printer, and imap listens on port 993/tcp.".to_owned();
    risk.state_because = Some("not looked at since 2026-11-20: the log".to_owned());
    let out = shared(&estate).inventory;
    let risk = out.findings.last().unwrap();
    assert_eq!(risk.risk, estate.findings.last().unwrap().risk);
    assert_eq!(
        risk.state_because,
        estate.findings.last().unwrap().state_because
    );
}
