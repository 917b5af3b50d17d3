//! Machines a text names, in the least room: what the whole file has in common is said once, and a reference is made of
//! each only where it is handed on.

use std::cell::RefCell;
use std::sync::Arc;

use groma_model::fact::Reference;
use groma_model::name::Protection;
use groma_model::{Foreign, Peer, Port, Transport};

use crate::apply::{Place, REFERENCES_MAX};
use crate::generic::Dialect;
use crate::seen::{Seen, digest, digest_of, place_in};

/// A machine a line names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Find {
    pub(crate) rule: &'static str,
    pub(crate) key: Arc<str>,
    pub(crate) peer: Peer,
    pub(crate) port: Option<Port>,
    pub(crate) transport: Transport,
    pub(crate) kind: &'static str,
    pub(crate) resource: Option<Foreign>,
    pub(crate) account: Option<Foreign>,
    pub(crate) protection: Option<Protection>,
    pub(crate) has_secret: bool,
}

impl Find {
    /// The same machine, port and kind.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.peer == other.peer && self.port == other.port && self.kind == other.kind
    }

    /// As [`digest`] of what [`Self::is_same`] compares.
    pub(crate) fn digest(&self) -> u64 {
        digest(&self.peer, self.port)
    }

    /// True for a name without a dot, and for what aliases of ssh may stand for: the rest of the machine may know better.
    fn may_mean_another(&self) -> bool {
        let is_bare = matches!(&self.peer, Peer::Name(name) if !name.is_qualified());
        is_bare || self.kind == "ssh"
    }
}

/// What one file names, with the numbers of the lines.
#[derive(Default, Debug)]
pub(crate) struct Finds {
    pub(crate) place: Option<Place>,
    pub(crate) all: Vec<(u32, Find)>,
}

impl Finds {
    /// True if some of them may mean another machine than they say.
    pub(crate) fn may_mean_others(&self) -> bool {
        self.all.iter().any(|(_, find)| find.may_mean_another())
    }

    /// True if a database among them has no port, which the rest of the file may tell.
    pub(crate) fn has_open_database(&self) -> bool {
        let is_open = |(_, find): &(u32, Find)| find.kind == "sql" && find.port.is_none();
        self.all.iter().any(is_open)
    }

    /// Hands on each as it is made, as long as more are wanted; false if one was not.
    pub(crate) fn each(&self, mut wants_more: impl FnMut(Reference) -> bool) -> bool {
        let Some(place) = &self.place else {
            return true;
        };
        self.all
            .iter()
            .all(|found| wants_more(reference(place, found)))
    }

    /// Each as it is handed on.
    pub(crate) fn references(&self) -> impl Iterator<Item = Reference> {
        let place = self.place.as_ref();
        place.into_iter().flat_map(|place| {
            let with_place = move |found: &(u32, Find)| reference(place, found);
            self.all.iter().map(with_place)
        })
    }
}

fn reference(place: &Place, (line, find): &(u32, Find)) -> Reference {
    Reference {
        rule: find.rule.to_owned(),
        file: place.file.clone(),
        line: *line,
        key: find.key.as_ref().to_owned(),
        peer: find.peer.clone(),
        port: find.port,
        transport: find.transport,
        kind: find.kind.to_owned(),
        component: place.component.clone(),
        resource: find.resource.clone(),
        account: find.account.clone(),
        protection: find.protection,
        mechanism: None,
        has_secret: find.has_secret,
        rhythm: place.rhythm.clone(),
        weak: false,
    }
}

/// Lines that are remembered, a power of two; two hundred bytes each.
const LINES: usize = 8192;
/// A longer line is met once.
const LINE_MAX: usize = 128;

/// What lines said lately, in this file or in another one: the same URL stands in many. A line says the same wherever
/// it stands by itself, outside of any comment of several lines.
#[derive(Default)]
pub(crate) struct Lines(Vec<Option<Said>>);

struct Said {
    line: Box<str>,
    dialect: Dialect,
    finds: Box<[(u64, Find)]>,
}

thread_local! {
    /// One for all looks of a thread: it holds nothing but what the same line would say again.
    pub(crate) static SAID_LATELY: RefCell<Lines> = RefCell::default();
}

impl Lines {
    /// What `line` said, if it was met lately, each with its digest. A line that is cut off anywhere is longer than any
    /// that is kept.
    pub(crate) fn of(&self, line: &str, dialect: Dialect) -> Option<&[(u64, Find)]> {
        if line.len() > LINE_MAX {
            return None;
        }
        let said = self.0.get(place_of(line))?.as_ref()?;
        (said.dialect == dialect && *said.line == *line).then_some(&*said.finds)
    }

    pub(crate) fn keep(&mut self, line: &str, dialect: Dialect, finds: &[(u64, Find)]) {
        if line.len() > LINE_MAX {
            return;
        }
        if self.0.is_empty() {
            self.0.resize_with(LINES, || None);
        }
        if let Some(place) = self.0.get_mut(place_of(line)) {
            *place = Some(Said {
                line: line.into(),
                dialect,
                finds: finds.into(),
            });
        }
    }
}

/// What one file named so far, each machine, port and kind once.
#[derive(Default)]
pub(crate) struct Named {
    seen: Seen,
    pub(crate) all: Vec<(u32, Find)>,
}

/// A file that names one machine names dozens: room that is made at once.
const USUAL: usize = 32;

impl Named {
    /// True if no more of this file is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.all.len() >= REFERENCES_MAX
    }

    /// Keeps what `line` says, if it is not known and there is room.
    pub(crate) fn add(&mut self, line: u32, digest: u64, find: &Find) {
        let met = &self.all;
        let is_same = |number: usize| met.get(number).is_some_and(|(_, met)| met.is_same(find));
        if self.is_full() || !self.seen.is_new(digest, is_same) {
            return;
        }
        if self.all.capacity() == 0 {
            self.all.reserve(USUAL);
        }
        self.all.push((line, find.clone()));
    }
}

fn place_of(line: &str) -> usize {
    place_in(digest_of(1, line.as_bytes()), LINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_by_every_letter_and_its_dialect() {
        let find = |port| Find {
            rule: "url",
            key: "k".into(),
            peer: Peer::parse("a.corp").unwrap(),
            port: Some(Port(port)),
            transport: Transport::Tcp,
            kind: "http",
            resource: None,
            account: None,
            protection: None,
            has_secret: false,
        };
        let mut lines = Lines::default();
        assert!(lines.of("x", Dialect::Settings).is_none());
        for port in 1..20_000 {
            lines.keep(&format!("k{port}"), Dialect::Settings, &[(7, find(port))]);
        }
        let mut known = 0;
        for port in 1..20_000 {
            let line = format!("k{port}");
            assert!(lines.of(&line, Dialect::Program).is_none());
            if let Some(finds) = lines.of(&line, Dialect::Settings) {
                assert_eq!(finds, [(7, find(port))]);
                known += 1;
            }
        }
        assert!((4_000..=LINES).contains(&known), "{known}");
        let long = "x".repeat(LINE_MAX + 1);
        lines.keep(&long, Dialect::Settings, &[]);
        assert!(lines.of(&long, Dialect::Settings).is_none());
    }
}
