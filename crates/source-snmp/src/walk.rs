//! One column of a table, row after row, from agents of every kind: without get-bulk, in no order, standing still, endless, lying.

use crate::message::{Ask, Value};
use crate::oid::Oid;
use crate::session::{Fault, Session};

/// So many rows are asked for at once; what does not fit into an answer is asked for again by halves.
const AT_ONCE: u32 = 25;

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// At the end of the table.
    Whole,
    /// The agent went backwards or stood still: its table is never at an end.
    Unsorted,
    /// More rows than a look takes.
    Full,
    /// No answer any more.
    Broken(Fault),
}

/// Rows of one column: what follows the column's name, and what is held there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Column {
    pub(crate) rows: Vec<(Vec<u32>, Value)>,
    pub(crate) end: End,
}

/// Reads a column, at most `most` rows of it.
pub(crate) fn column(session: &mut Session<'_>, root: &Oid, most: usize) -> Column {
    let mut walk = Walk {
        root,
        most,
        last: root.clone(),
        rows: Vec::new(),
        at_once: if session.has_bulk() { AT_ONCE } else { 1 },
    };
    let end = loop {
        match session.ask(&walk.ask(session.has_bulk())) {
            Ok(bindings) => {
                if let Some(end) = walk.take(bindings) {
                    break end;
                }
            }
            // An agent that cannot get its answer into a datagram may say so.
            Err(Fault::TooBig) if walk.at_once > 1 => walk.at_once /= 2,
            Err(Fault::NoSuchName) => break End::Whole,
            Err(fault) => break End::Broken(fault),
        }
    };
    Column {
        rows: walk.rows,
        end,
    }
}

struct Walk<'a> {
    root: &'a Oid,
    most: usize,
    last: Oid,
    rows: Vec<(Vec<u32>, Value)>,
    at_once: u32,
}

impl Walk<'_> {
    fn ask(&self, has_bulk: bool) -> Ask {
        match has_bulk && self.at_once > 1 {
            true => Ask::Bulk(self.last.clone(), self.at_once),
            false => Ask::Next(self.last.clone()),
        }
    }

    /// Takes what came, and says how it ends, if it does.
    fn take(&mut self, bindings: Vec<(Oid, Value)>) -> Option<End> {
        if bindings.is_empty() {
            return Some(End::Broken(Fault::Strange));
        }
        for (name, value) in bindings {
            if matches!(value, Value::End | Value::Missing) {
                return Some(End::Whole);
            }
            let Some(index) = name.below(self.root) else {
                // What lies before the table was not asked for.
                let behind = name > *self.root;
                return Some(if behind { End::Whole } else { End::Unsorted });
            };
            if name <= self.last {
                return Some(End::Unsorted);
            }
            if self.rows.len() >= self.most {
                return Some(End::Full);
            }
            self.rows.push((index.to_vec(), value));
            self.last = name;
        }
        None
    }
}
