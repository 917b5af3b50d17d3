//! What of a device could be read and what not: objects and columns, until it falls silent.

use groma_model::Reason;

use crate::message::Value;
use crate::oid::Oid;
use crate::session::{Fault, Session};
use crate::usm::Complaint;
use crate::walk::{self, End};

/// A device that answered before and is silent so often has had enough.
const SILENCES_MAX: u32 = 2;

/// Part of a device's tables that was not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Missed {
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    pub(crate) reason: Reason,
}

/// Rows of a column.
pub(crate) type Rows = Vec<(Vec<u32>, Value)>;

/// One device, read.
pub(crate) struct Reader<'a> {
    session: Session<'a>,
    silences: u32,
    over: bool,
    pub(crate) missed: Vec<Missed>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(session: Session<'a>) -> Self {
        Self {
            session,
            silences: 0,
            over: false,
            missed: Vec::new(),
        }
    }

    pub(crate) fn session(&mut self) -> &mut Session<'a> {
        &mut self.session
    }

    /// Objects, in the order they were asked for; none where there is none.
    pub(crate) fn get<const N: usize>(
        &mut self,
        what: &'static str,
        names: [&str; N],
    ) -> [Option<Value>; N] {
        let mut values = [const { None }; N];
        if self.over {
            return values;
        }
        let names = names.map(|name| Oid::parse(name).unwrap_or_default());
        match self.session.get(&names) {
            Ok(bindings) => {
                self.silences = 0;
                for (name, value) in bindings {
                    let at = names.iter().position(|asked| *asked == name);
                    if let Some(slot) = at.and_then(|at| values.get_mut(at)) {
                        *slot = Some(value);
                    }
                }
            }
            Err(fault) => self.stumbles(what, fault),
        }
        values
    }

    /// A column of a table, at most `most` rows: those that came.
    pub(crate) fn column(&mut self, what: &'static str, root: &str, most: usize) -> Rows {
        self.column_and_end(what, root, most).0
    }

    /// The same, and whether it is whole: what is concluded from a row that is not there needs all of them.
    pub(crate) fn column_and_end(
        &mut self,
        what: &'static str,
        root: &str,
        most: usize,
    ) -> (Rows, bool) {
        if self.over {
            return (Vec::new(), false);
        }
        let root = Oid::parse(root).unwrap_or_default();
        let column = walk::column(&mut self.session, &root, most);
        match column.end {
            End::Whole => self.silences = 0,
            End::Broken(fault) => self.stumbles(what, fault),
            End::Unsorted => self.missed.push(Missed {
                what,
                why: "its rows are in no order, or it stands still: what came before was kept",
                reason: Reason::Malformed,
            }),
            End::Full => self.missed.push(Missed {
                what,
                why: "it has more rows than a look takes",
                reason: Reason::BudgetExhausted,
            }),
        }
        (column.rows, column.end == End::Whole)
    }

    /// Says that something of it cannot be told.
    pub(crate) fn misses(&mut self, what: &'static str, why: &'static str) {
        let reason = self
            .missed
            .last()
            .map_or(Reason::TimedOut, |last| last.reason.clone());
        self.missed.push(Missed { what, why, reason });
    }

    fn stumbles(&mut self, what: &'static str, fault: Fault) {
        let (why, reason) = words(fault);
        if fault == Fault::Silent {
            self.silences += 1;
        }
        self.over |= matches!(fault, Fault::Over | Fault::Refused | Fault::Closed)
            || self.silences >= SILENCES_MAX;
        self.missed.push(Missed { what, why, reason });
    }
}

/// A fault in words.
pub(crate) fn words(fault: Fault) -> (&'static str, Reason) {
    match fault {
        Fault::Silent => ("it did not answer in time", Reason::TimedOut),
        Fault::Closed => ("nobody listens there", Reason::NotPresent),
        Fault::Refused => ("it may not be asked, now or at all", Reason::Forbidden),
        Fault::Over => ("the time for it was over", Reason::BudgetExhausted),
        Fault::TooBig => ("one row does not fit into an answer", Reason::Unsupported),
        Fault::NoSuchName | Fault::Error(_) => ("the agent says that it cannot", Reason::Refused),
        Fault::Strange => ("what it answers is no SNMP", Reason::Malformed),
        Fault::Complains(complaint) => match complaint {
            Complaint::User => ("it does not know the user", Reason::Refused),
            Complaint::Digest => ("it refuses the user's password or digest", Reason::Refused),
            Complaint::Cipher => ("it does not understand the cipher", Reason::Refused),
            Complaint::Level => (
                "it wants the user with another level of security",
                Reason::Refused,
            ),
            Complaint::Time | Complaint::Engine | Complaint::Other => {
                ("its engine does not let us in", Reason::Refused)
            }
        },
    }
}
