//! What goes to the sink: facts, what makes no sense, and what a role hides.

use std::collections::BTreeSet;

use groma_model::virtualization::Power;
use groma_model::{CoverageState, Fact, Reason};
use groma_platform::Read;
use groma_platform::vsphere::{Inventory, Object, Question};
use groma_source::{Sink, SinkExt};

use super::READ_ONLY;
use crate::look::Asking;

/// Who tells.
pub(super) struct Teller<'t> {
    pub(super) asking: &'t Asking<'t>,
    pub(super) sink: &'t mut dyn Sink,
    pub(super) inventory: Inventory,
    /// Objects and facts there is room for: when it is used up, no more are asked for.
    pub(super) left: u64,
    /// Keys of the guests that run.
    pub(super) running: Vec<String>,
    /// Keys of hosts and datastores that were told, and of those that something told refers to.
    pub(super) told: BTreeSet<String>,
    pub(super) named: BTreeSet<String>,
    pub(super) state: CoverageState,
}

impl Teller<'_> {
    /// Tells one object; false when there is no room for another.
    pub(super) fn take(&mut self, object: &Object) -> bool {
        let read = self.inventory.take(object);
        self.left = self.left.saturating_sub(1);
        self.tell(read);
        self.left > 0
    }

    /// Tells what was read.
    pub(super) fn tell(&mut self, read: Read) {
        // Where nothing at all is told of an object, it is not gone.
        if read.facts.is_empty() && !read.untold.is_empty() {
            self.state = CoverageState::Partial;
        }
        for line in read.untold {
            // The object itself is told, with what could be read of it.
            self.note(line, Reason::Malformed, "");
        }
        for fact in read.facts {
            self.remember(&fact);
            if let Fact::Guest(guest) = &fact
                && guest.power == Some(Power::On)
            {
                self.running.push(guest.key.clone());
            }
            self.left = self.left.saturating_sub(1);
            let asking = self.asking;
            self.sink.saw_now(asking.window, asking.scope, fact);
        }
    }

    fn remember(&mut self, fact: &Fact) {
        match fact {
            Fact::Guest(guest) => {
                self.named.extend(guest.host.clone());
                let stores = guest.disks.iter().filter_map(|disk| disk.datastore.clone());
                self.named.extend(stores);
            }
            Fact::Hypervisor(host) => {
                self.told.insert(host.key.clone());
                self.named.extend(host.datastores.iter().cloned());
            }
            Fact::Datastore(store) => {
                self.told.insert(store.key.clone());
                self.named.extend(store.hosts.iter().cloned());
            }
            _ => {}
        }
    }

    /// A list holds only what the account may see, and says nothing of the rest. What is referred to and not listed shows it.
    pub(super) fn tell_unlisted(&mut self) {
        let count = self.named.difference(&self.told).count();
        // What could not be asked was told already.
        if count == 0 || self.state == CoverageState::Partial {
            return;
        }
        let what = format!(
            "{count} hosts or datastores that others refer to are not shown to this account"
        );
        self.miss(what, Reason::PermissionDenied, READ_ONLY);
    }

    /// What a role hid of the objects that were just asked for, once for each property.
    pub(super) fn tell_hidden(&mut self, question: &Question) {
        for (hidden, count) in self.inventory.hidden() {
            let (one, many) = question.called;
            let called = if count == 1 { one } else { many };
            let privilege = match hidden.privilege.is_empty() {
                true => String::new(),
                false => format!("; it needs {}", hidden.privilege),
            };
            let path = hidden.path;
            let what = format!("{path} of {count} {called} is hidden from this account{privilege}");
            self.miss(what, Reason::PermissionDenied, READ_ONLY);
        }
    }

    /// A hole: not everything was seen.
    pub(super) fn miss(&mut self, what: String, reason: Reason, remedy: &str) {
        self.state = CoverageState::Partial;
        self.note(what, reason, remedy);
    }

    /// A hole beside what the scope is about.
    pub(super) fn note(&mut self, what: String, reason: Reason, remedy: &str) {
        let scope = self.asking.scope;
        self.sink.missed_because(scope, what, reason, remedy);
    }
}
