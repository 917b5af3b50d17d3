//! Texts and facts with a mark in place of a name.

use groma_model::fact::Fact;
use groma_model::{Foreign, foreign};

use super::spelling::Finder;
use super::{Kind, Whom};

/// Fields whose words are ours and not somebody's: an account may be called `cron`, or `tcp`.
const OURS: &[&str] = &[
    "architecture",
    "basis",
    "can",
    "cannot",
    "class",
    "deed",
    "direction",
    "disposition",
    "fact",
    "family",
    "has_done",
    "kind",
    "likelihood",
    "manager",
    "metric",
    "mode",
    "proof",
    "protection",
    "purpose",
    "reached_by",
    "reason",
    "refused",
    "rhythm",
    "role",
    "runtime",
    "scheduler",
    "severity",
    "side",
    "source",
    "state",
    "still-needed",
    "told_by",
    "transport",
    "verdict",
    "way",
    "ways",
    "witnesses",
];

/// Facts that tell of a thing, not of what others do with it: with its name they lose their sense.
const OF_A_THING: &[&str] = &[
    "declared",
    "device-says",
    "directory-object",
    "host-met",
    "link-seen",
    "mail-record",
    "name",
    "neighbour",
    "open-port",
    "seen-service",
    "sighting",
    "zone-record",
];

/// What becomes of a fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Becomes {
    /// It does not say the name.
    Itself,
    /// It says a mark instead.
    Other(String),
    /// It goes: it is about nothing else, or could not be read with a mark in it.
    Nothing,
}

/// Puts a mark in place of names.
pub(super) struct Rewriter<'w> {
    whom: &'w Whom,
    finder: &'w Finder,
    mark: &'w str,
}

impl<'w> Rewriter<'w> {
    pub(super) fn new(whom: &'w Whom, finder: &'w Finder, mark: &'w str) -> Self {
        Self { whom, finder, mark }
    }

    /// `text` with marks; `None` if it says no name. What counts only beside another spelling is taken if that is there.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        self.twice(text, |text, weak| self.marked(text, weak))
    }

    /// As [`Self::text`], for bytes of which some may be no text.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let marked = |weak| self.marked_bytes(bytes, weak);
        marked(false).map(|strong| marked(self.finder.has_weak()).unwrap_or(strong))
    }

    /// A scope with marks: what stands before its first colon is a word of ours.
    pub(super) fn scope(&self, scope: &str) -> Option<String> {
        let cut = scope.find(':').map_or(0, |colon| colon + 1);
        let (space, path) = scope.split_at_checked(cut)?;
        self.text(path).map(|path| format!("{space}{path}"))
    }

    /// JSON, as serde writes it, with marks in its texts.
    pub(super) fn json(&self, json: &str) -> Option<String> {
        // Most say nothing, and are not taken apart to find that out.
        let is_plain = !json.contains('\\') && !json.contains(BYTES);
        if is_plain && self.finder.find(json, 0, false).is_none() {
            return None;
        }
        self.twice(json, |json, weak| self.walked(json, weak))
    }

    /// What becomes of a fact.
    pub(super) fn fact(&self, json: &str) -> Becomes {
        let Some(marked) = self.json(json) else {
            return Becomes::Itself;
        };
        let Ok(before) = Fact::from_json(json) else {
            return Becomes::Nothing;
        };
        if self.is_about(&before, json) {
            return Becomes::Nothing;
        }
        match Fact::from_json(&marked) {
            Ok(Fact::Unknown(_)) if !matches!(before, Fact::Unknown(_)) => Becomes::Nothing,
            Ok(after) => serde_json::to_string(&after).map_or(Becomes::Nothing, Becomes::Other),
            Err(_) => Becomes::Nothing,
        }
    }

    /// True if a fact is about whom is to be forgotten, and about nothing else.
    fn is_about(&self, fact: &Fact, json: &str) -> bool {
        match (self.whom.kind, fact) {
            (Kind::Person, fact) => self.is_account(fact),
            (Kind::Entity, _) => {
                let tag = json.strip_prefix("{\"fact\":\"");
                let tag = tag.and_then(|rest| rest.split_once('"'));
                tag.is_some_and(|(tag, _)| OF_A_THING.contains(&tag))
            }
        }
    }

    /// True if `fact` is the person's own account.
    pub(super) fn is_account(&self, fact: &Fact) -> bool {
        let is = |text: &Foreign| self.text(&text.lossy()).as_deref() == Some(self.mark);
        match fact {
            Fact::Account(account) => is(&account.name),
            Fact::DirectoryObject(object) => {
                let is_personal = matches!(
                    object.class.as_str(),
                    "service-account" | "managed-service-account" | "mailbox" | "mailbox-rights"
                );
                is_personal && (is(&object.name) || object.account.as_ref().is_some_and(is))
            }
            _ => false,
        }
    }

    /// First with what counts by itself; where that is found, with all.
    fn twice(&self, text: &str, marked: impl Fn(&str, bool) -> Option<String>) -> Option<String> {
        let strong = marked(text, false)?;
        if !self.finder.has_weak() {
            return Some(strong);
        }
        Some(marked(text, true).unwrap_or(strong))
    }

    fn marked(&self, text: &str, weak: bool) -> Option<String> {
        let mut out = String::new();
        let mut from = 0;
        while let Some((start, end)) = self.finder.find(text, from, weak) {
            out.push_str(text.get(from..start).unwrap_or_default());
            out.push_str(self.mark);
            from = end;
        }
        if from == 0 {
            return None;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Some(out)
    }

    fn marked_bytes(&self, bytes: &[u8], weak: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut changed = false;
        for chunk in bytes.utf8_chunks() {
            let marked = self.marked(chunk.valid(), weak);
            changed |= marked.is_some();
            out.extend_from_slice(marked.as_deref().unwrap_or(chunk.valid()).as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        changed.then_some(out)
    }

    /// Walks along JSON without white space: everything but the texts that say a name stays to the byte.
    fn walked(&self, json: &str, weak: bool) -> Option<String> {
        let mut out = String::new();
        let (mut copied, mut at) = (0, 0);
        let mut fields: Vec<&str> = Vec::new();
        while let Some(byte) = json.as_bytes().get(at) {
            let end = match byte {
                b'{' if json.get(at..)?.starts_with(BYTES) => bytes_end(json, at),
                b'"' => text_end(json, at),
                _ => None,
            };
            let Some(end) = end else {
                match byte {
                    b'{' | b'[' => fields.push(fields.last().copied().unwrap_or_default()),
                    b'}' | b']' => drop(fields.pop()),
                    _ => {}
                }
                at += 1;
                continue;
            };
            let written = json.get(at..end)?;
            if json.as_bytes().get(end) == Some(&b':') {
                if let Some(field) = fields.last_mut() {
                    *field = written.trim_matches('"');
                }
            } else if let Some(new) = self.value(written, fields.last().copied(), weak) {
                out.push_str(json.get(copied..at)?);
                out.push_str(&new);
                copied = end;
            }
            at = end;
        }
        if copied == 0 {
            return None;
        }
        out.push_str(json.get(copied..)?);
        Some(out)
    }

    /// A text, or bytes that are none, as they stand in JSON.
    fn value(&self, written: &str, field: Option<&str>, weak: bool) -> Option<String> {
        if field.is_some_and(|field| OURS.contains(&field)) {
            return None;
        }
        if written.starts_with('{') {
            let kept: Foreign = serde_json::from_str(written).ok()?;
            let marked = self.marked_bytes(kept.as_bytes(), weak)?;
            return serde_json::to_string(&Foreign::from_bytes(marked)).ok();
        }
        let text: String = serde_json::from_str(written).ok()?;
        let cut = match field {
            Some("scope") => text.find(':').map_or(0, |colon| colon + 1),
            _ => 0,
        };
        let (space, rest) = text.split_at_checked(cut)?;
        let marked = self.marked(rest, weak)?;
        serde_json::to_string(&format!("{space}{marked}")).ok()
    }
}

/// How bytes that are no text begin in JSON.
const BYTES: &str = "{\"bytes\":\"";

/// The end of bytes in hex that begin at `at`, if that is what stands there.
fn bytes_end(json: &str, at: usize) -> Option<usize> {
    let hex = json.get(at + BYTES.len()..)?;
    let (hex, rest) = hex.split_once('"')?;
    let is_bytes = rest.starts_with('}') && foreign::unhex(hex).is_some();
    is_bytes.then_some(at + BYTES.len() + hex.len() + 2)
}

/// The end of the text that begins at `at`, behind its last quotation mark.
fn text_end(json: &str, at: usize) -> Option<usize> {
    let mut bytes = json.as_bytes().iter().enumerate().skip(at + 1);
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return Some(place + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Spelling;
    use super::*;

    fn json(whom: &Whom, json: &str) -> Option<String> {
        let finder = Finder::new(&whom.spellings);
        Rewriter::new(whom, &finder, "forgotten-1").json(json)
    }

    fn fact(whom: &Whom, json: &str) -> Becomes {
        let finder = Finder::new(&whom.spellings);
        Rewriter::new(whom, &finder, "forgotten-1").fact(json)
    }

    fn host(names: &[&str], weak: &[&str]) -> Whom {
        let weak = weak.iter().map(|name| Spelling::host(name).only_beside());
        let all = names.iter().map(|name| Spelling::host(name)).chain(weak);
        let mut whom = Whom::entity(groma_model::EntityId::new("ent-1"));
        whom.spellings.extend(all);
        whom
    }

    #[test]
    fn texts_are_marked_and_everything_else_stays_to_the_byte() {
        let anna = Whom::person("anna");
        let before = r#"{"a":[1,{"b":"/home/anna/\"x\"","n":null}],"c":"CORP\\anna","d":"joanna","anna":"x"}"#;
        let after = r#"{"a":[1,{"b":"/home/forgotten-1/\"x\"","n":null}],"c":"CORP\\forgotten-1","d":"joanna","anna":"x"}"#;
        assert_eq!(json(&anna, before).as_deref(), Some(after));
        assert_eq!(json(&anna, r#"{"d":"joanna\\x"}"#), None);
    }

    #[test]
    fn words_of_ours_are_nobodys_name() {
        let cron = Whom::person("cron");
        let line = r#"{"scheduler":"cron","user":"cron","scope":"cron:/var/cron/x"}"#;
        assert_eq!(
            json(&cron, line).unwrap(),
            r#"{"scheduler":"cron","user":"forgotten-1","scope":"cron:/var/forgotten-1/x"}"#
        );
    }

    #[test]
    fn a_name_in_bytes_that_are_no_text_is_found_too() {
        let path = Foreign::from_bytes(*b"/home/anna/\xff");
        let line = format!("{{\"file\":{}}}", serde_json::to_string(&path).unwrap());
        let marked = json(&Whom::person("anna"), &line).unwrap();
        let after = Foreign::from_bytes(*b"/home/forgotten-1/\xff");
        assert_eq!(
            marked,
            format!("{{\"file\":{}}}", serde_json::to_string(&after).unwrap())
        );
    }

    #[test]
    fn an_account_goes_with_its_person_and_what_it_runs_stays() {
        let anna = Whom::person("anna");
        let account =
            r#"{"fact":"account","name":"Anna","id":"1000","home":"/home/anna","can_log_in":true}"#;
        assert_eq!(fact(&anna, account), Becomes::Nothing);
        let other = account.replace("Anna", "backup");
        assert!(
            matches!(fact(&anna, &other), Becomes::Other(text) if text.contains("/home/forgotten-1"))
        );
        let twin = account.replace("anna", "joanna").replace("Anna", "joanna");
        assert_eq!(fact(&anna, &twin), Becomes::Itself);
    }

    #[test]
    fn a_short_name_is_taken_only_where_the_full_one_is() {
        let whom = host(&["web1.corp.example"], &["web1"]);
        let both = r#"{"says":"web1 is web1.corp.example"}"#;
        assert_eq!(
            json(&whom, both).unwrap(),
            r#"{"says":"forgotten-1 is forgotten-1"}"#
        );
        assert_eq!(json(&whom, r#"{"says":"web1"}"#), None);
    }

    #[test]
    fn a_fact_that_cannot_be_read_with_a_mark_goes() {
        let mut whom = host(&[], &[]);
        whom.spellings
            .extend(Spelling::address("10.0.0.5".parse().unwrap()));
        let route = r#"{"fact":"route","destination":"0.0.0.0/0","gateway":"10.0.0.5"}"#;
        assert_eq!(fact(&whom, route), Becomes::Nothing);
        let other = route.replace("0.5", "0.50");
        assert_eq!(fact(&whom, &other), Becomes::Itself);
        let met = r#"{"fact":"route","destination":"10.0.0.5/32"}"#;
        assert!(
            matches!(fact(&whom, met), Becomes::Other(_)),
            "a network is a text"
        );
    }
}
