//! Proxmox VE, by its REST interface.
//!
//! **What it asks.** GET alone; with a password instead of a token, one POST for a ticket before. What may be asked stands in
//! [`groma_platform::proxmox::Question`].
//!
//! **Which rights it needs.** The role PVEAuditor on `/`. The helpers inside guests answer to VM.Monitor (until version 8) or
//! VM.GuestAgent.Audit (from version 9 on); without it addresses and systems of guests are missing, and told as one gap.
//!
//! **What it costs.** Some ten questions, four for each node, two for each guest and up to four more for one that runs, one at
//! a time.
//!
//! A guest that went away meanwhile, a node that does not answer, a helper that is off: the rest goes on.
//! **Never run against a real Proxmox VE.**

mod asking;
mod logon;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use groma_model::{CoverageState, Reason, Scope};
use groma_platform::proxmox::{
    ClusterQuestion, GuestPlace, GuestQuestion, NodeQuestion, Question, Reader,
};
use groma_source::{Sink, SinkExt};

use self::asking::{Conversation, No};
use crate::cause::Cause;
use crate::look::Asking;
use crate::missed::Missed;

const AUDITOR: &str = "give the user and its token the role PVEAuditor on the path /";
const HELPER: &str = "give the user and its token VM.GuestAgent.Audit (from version 9 on) or VM.Monitor (before) on /vms";

/// Reads all of one Proxmox VE.
///
/// # Errors
/// It cannot be reached, is not known, refuses the log-on, or does not say which cluster it is.
pub(crate) fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    let mut look = Look {
        asking,
        with: Conversation::open(asking)?,
        reader: Reader::new(),
        missed: Missed::default(),
        helpers_are_closed: false,
        away: BTreeSet::new(),
        is_named: false,
    };
    let asked = look
        .cluster()
        .and_then(|()| look.nodes())
        .and_then(|()| look.guests());
    if let Err(cause) = asked {
        // Without its name nothing of it can be told.
        if !look.is_named {
            return Err(cause);
        }
        look.missed.add(asking.scope.clone(), cause);
    }
    Ok(look.told(sink))
}

struct Look<'a> {
    asking: &'a Asking<'a>,
    with: Conversation<'a>,
    reader: Reader,
    missed: Missed,
    /// True once a helper inside a guest may not be asked: then none may.
    helpers_are_closed: bool,
    /// Nodes that do not answer.
    away: BTreeSet<String>,
    /// True once all was asked that its name is made of.
    is_named: bool,
}

/// An end of the whole look: no time, no server, no log-on any more.
type End = Result<(), Cause>;

impl Look<'_> {
    fn cluster(&mut self) -> End {
        for question in ClusterQuestion::ALL {
            let scope = self.asking.scope.clone();
            self.ask(&Question::Cluster(question), &scope)?;
            if question == ClusterQuestion::Status && self.reader.platform().is_none() {
                return Err(self.missed.last(Cause::new(
                    "the server does not say which cluster or node it is",
                    Reason::PermissionDenied,
                    AUDITOR,
                )));
            }
            if question == ClusterQuestion::Status {
                self.domain()?;
            }
        }
        self.see_rights();
        Ok(())
    }

    /// The domain of a lone node is a part of its name: it is asked before anything can break off.
    fn domain(&mut self) -> End {
        if let Some(node) = self.reader.lone() {
            let scope = self.asking.part(&format!("nodes/{node}"));
            self.ask(&Question::Node(node, NodeQuestion::Dns), &scope)?;
        }
        self.is_named = true;
        Ok(())
    }

    /// Who may see a part is answered with a part, as if it were all.
    fn see_rights(&mut self) {
        let unseen = self.reader.unseen();
        if !unseen.is_empty() {
            let what = format!(
                "the user or its token does not have {} everywhere: what it may not see is missing",
                unseen.join(", ")
            );
            self.missed.add(
                self.asking.scope.clone(),
                Cause::new(what, Reason::PermissionDenied, AUDITOR),
            );
        }
    }

    fn nodes(&mut self) -> End {
        for (node, is_online) in self.reader.nodes() {
            if !is_online {
                self.goes(&node, "the cluster does not reach it");
                continue;
            }
            let scope = self.asking.part(&format!("nodes/{node}"));
            let is_lone = self.reader.lone().as_ref() == Some(&node);
            for question in NodeQuestion::ALL {
                let is_asked = is_lone && question == NodeQuestion::Dns;
                if !is_asked && !self.away.contains(&node) {
                    self.ask(&Question::Node(node.clone(), question), &scope)?;
                }
            }
        }
        Ok(())
    }

    fn guests(&mut self) -> End {
        for place in self.reader.guests() {
            if self.away.contains(place.node()) {
                continue;
            }
            let scope = self.asking.part(place.key());
            if self.ask(
                &Question::Guest(place.clone(), GuestQuestion::Config),
                &scope,
            )? {
                self.further(&place, &scope)?;
            }
        }
        Ok(())
    }

    fn further(&mut self, place: &GuestPlace, scope: &Scope) -> End {
        for question in self.reader.further(place) {
            let is_closed = question.is_for_agent() && self.helpers_are_closed;
            let gone = self.away.contains(place.node());
            // A helper that did not answer once does not answer the next question either.
            if is_closed || gone || (!self.ask(&question, scope)? && question.is_for_agent()) {
                break;
            }
        }
        Ok(())
    }

    /// Asks, and hands the answer to the reader. False where there is none, which was told.
    fn ask(&mut self, question: &Question, scope: &Scope) -> Result<bool, Cause> {
        let no = match self.with.ask(question) {
            Ok(answer) => match self.reader.answer(question, &answer) {
                Ok(()) => return Ok(true),
                Err(unread) => No::Other(Cause::new(
                    format!("{question}: {unread}"),
                    Reason::Malformed,
                    "check the url",
                )),
            },
            Err(no) => no,
        };
        self.refused(question, scope, no).map(|()| false)
    }

    fn refused(&mut self, question: &Question, scope: &Scope, no: No) -> End {
        match (no, question) {
            (No::End(cause), _) => return Err(cause),
            (No::Denied, question) if question.is_for_agent() => self.closed(),
            (No::Denied, _) => self.missed.add(
                scope.clone(),
                Cause::new(
                    format!("{question} may not be read"),
                    Reason::PermissionDenied,
                    AUDITOR,
                ),
            ),
            // A helper that hangs looks like a node that does; the next guest's settings tell them apart.
            (No::Failed(_) | No::Absent(_) | No::NodeAway(_), Question::Guest(place, _))
                if question.is_for_agent() =>
            {
                self.reader.silent(place);
            }
            (No::Absent(_), question) if question.may_be_absent() => {}
            (No::Absent(what), _) => self.missed.add(
                scope.clone(),
                Cause::new(
                    format!("{question}: {what}"),
                    Reason::Vanished,
                    "look again",
                ),
            ),
            (No::NodeAway(what), Question::Node(node, _)) => self.goes(node, &what),
            (No::NodeAway(what), Question::Guest(place, _)) => self.goes(place.node(), &what),
            (No::NodeAway(what) | No::Failed(what), _) => self.missed.add(
                scope.clone(),
                Cause::new(
                    format!("{question}: {what}"),
                    Reason::Refused,
                    "see the log of pvedaemon on the node",
                ),
            ),
            (No::Other(cause), _) => self.missed.add(scope.clone(), cause),
        }
        Ok(())
    }

    /// A node does not answer: one gap, and nothing more is asked of it.
    fn goes(&mut self, node: &str, what: &str) {
        if self.away.insert(node.to_owned()) {
            let cause = Cause::new(
                format!("node {node} and its guests: {what}"),
                Reason::Unreachable,
                "look again when it is back",
            );
            let scope = self.asking.part(&format!("nodes/{node}"));
            self.missed.add(scope, cause);
        }
    }

    /// Helpers may not be asked: one gap for all of them. Guests were seen without them, and one that is not listed is gone.
    fn closed(&mut self) {
        if !std::mem::replace(&mut self.helpers_are_closed, true) {
            let what = "helpers inside guests may not be asked: addresses, names and systems of guests are missing";
            let cause = Cause::new(what, Reason::PermissionDenied, HELPER);
            self.missed.note(self.asking.scope.clone(), cause);
        }
    }

    fn told(self, sink: &mut dyn Sink) -> CoverageState {
        let Self {
            asking,
            reader,
            mut missed,
            ..
        } = self;
        let read = reader.finish();
        for fact in read.facts {
            sink.saw_now(asking.window, asking.scope, fact);
        }
        for what in read.untold {
            missed.add(
                asking.scope.clone(),
                Cause::new(what, Reason::Malformed, ""),
            );
        }
        missed.told(sink)
    }
}
