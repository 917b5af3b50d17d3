//! XCP-ng and XenServer, by XAPI: JSON-RPC 2.0 at `/jsonrpc` of the coordinator of a pool.
//!
//! **What it asks.** A log-on, `get_all_records` for each class of [`Class::ALL`], and a log-out however it ends. Where all records
//! of a class are too long together, the list of their references, and each record by itself.
//!
//! **Which rights it needs.** The role Read Only; for a local account there are no roles, it may do all.
//!
//! **What it costs.** Some twenty questions, one at a time. Answers are read as they come, and cut to what is kept.
//!
//! An object that went away meanwhile, a class that may not be read, an answer that is cut: the rest goes on.
//! **Never run against a real XCP-ng or XenServer.**

mod session;
#[cfg(test)]
mod tests;

use groma_model::virtualization::PlatformKind;
use groma_model::{CoverageState, Peer, Reason, Scope};
use groma_platform::xapi::{Class, Fault, Reader};
use groma_source::{Sink, SinkExt};

use self::session::{No, Session};
use crate::cause::Cause;
use crate::http::Address;
use crate::look::Asking;
use crate::missed::Missed;
use crate::parting;

const READ_ONLY: &str = "give the account the role Read Only (read-only)";
/// As many answers that break off in a row are an end of all.
const BROKEN_MAX: u32 = 3;

/// Reads all of one pool.
///
/// # Errors
/// It cannot be reached, is not known, refuses the log-on, is led by another host, or does not say which pool it is.
pub(crate) fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    let window = parting::before_log_out(asking.window);
    let asking = &Asking {
        window: &window,
        ..*asking
    };
    let mut session = Session::open(asking)?;
    let state = match session.log_in() {
        Ok(()) => look(asking, &mut session, sink),
        Err(No::Fault(fault)) if fault.code == "HOST_IS_SLAVE" => led(asking, &fault),
        Err(no) => Err(cause(no)),
    };
    session.log_out();
    state
}

/// The host is a member of a pool: its coordinator alone answers. Where the operator named that one too, it tells by itself, and
/// nothing is missing; what this host told when it led the pool is not said to be gone.
fn led(asking: &Asking<'_>, fault: &Fault) -> Result<CoverageState, Cause> {
    let leader = fault.words.first().and_then(|word| Peer::parse(word));
    let Some(leader) = leader else {
        return Err(Cause::new(
            "it is a member of a pool, and does not say who leads it",
            Reason::Refused,
            "write the url of the coordinator of its pool",
        ));
    };
    let others = asking
        .named
        .iter()
        .filter(|other| other.url != asking.access.url);
    let named = others.filter(|other| other.kind == PlatformKind::Xapi);
    let mut named = named.filter_map(|access| Address::parse(&access.url, 443).ok());
    if named.any(|address| address.peer == leader) {
        return Ok(CoverageState::Partial);
    }
    let written = match &leader {
        Peer::Address(address) if address.is_ipv6() => format!("[{address}]"),
        leader => leader.to_string(),
    };
    Err(Cause::new(
        format!("it is a member of a pool that {leader} leads, and no other host of it answers"),
        Reason::Refused,
        &format!(
            "write url = \"https://{written}\" with the pin of that server, or leave this one out if it is named already"
        ),
    ))
}

fn look(
    asking: &Asking<'_>,
    session: &mut Session<'_>,
    sink: &mut dyn Sink,
) -> Result<CoverageState, Cause> {
    let mut look = Look {
        asking,
        session,
        reader: Reader::new(),
        missed: Missed::default(),
        broken: 0,
    };
    for class in Class::ALL {
        let asked = look.class(class);
        if class == Class::Pool && look.reader.platform().is_none() {
            // Without its name nothing of it can be told.
            asked?;
            return Err(look.missed.last(Cause::new(
                "the server does not say which pool it is",
                Reason::PermissionDenied,
                READ_ONLY,
            )));
        }
        if let Err(cause) = asked {
            let rest = Class::ALL.into_iter().filter(|other| *other >= class);
            rest.for_each(|other| look.reader.partly(other));
            look.missed.add(asking.scope.clone(), cause);
            break;
        }
    }
    Ok(look.told(sink))
}

struct Look<'l, 'a> {
    asking: &'l Asking<'l>,
    session: &'l mut Session<'a>,
    reader: Reader,
    missed: Missed,
    /// Answers that broke off, one after the other.
    broken: u32,
}

/// An end of the whole look: no time, no server, no session any more.
type End = Result<(), Cause>;

impl Look<'_, '_> {
    fn class(&mut self, class: Class) -> End {
        let reader = &mut self.reader;
        let asked = self
            .session
            .records(class, &mut |at, record| reader.take(class, at, record));
        match asked {
            Ok(()) => {
                self.broken = 0;
                Ok(())
            }
            Err(No::Cause(cause)) if cause.reason == Reason::TooLarge => self.one_by_one(class),
            Err(no) => self.refused(class, no),
        }
    }

    /// All records together are too long: those that did not come are asked for by themselves.
    fn one_by_one(&mut self, class: Class) -> End {
        let all = match self.session.references(class) {
            Ok(all) => all,
            Err(no) => return self.refused(class, no),
        };
        let mut gone = 0_usize;
        for reference in all {
            if self.reader.has(class, &reference) {
                continue;
            }
            match self.session.record(class, &reference) {
                Ok(record) => {
                    self.broken = 0;
                    self.reader.take(class, reference, record);
                }
                Err(No::Fault(fault)) if fault.code == "HANDLE_INVALID" => gone += 1,
                Err(no) => self.refused(class, no)?,
            }
        }
        if gone > 0 {
            self.went(class, gone);
        }
        Ok(())
    }

    /// No answer: a hole, or the end of all.
    fn refused(&mut self, class: Class, no: No) -> End {
        let word = class.word();
        let no = match no {
            No::Fault(fault) if is_absent(&fault) && class.may_be_absent() => return Ok(()),
            No::Fault(fault) if fault.code == "SESSION_INVALID" => {
                return Err(cause(No::Fault(fault)));
            }
            No::Cause(cause) => {
                self.broken += 1;
                let is_end = self.broken >= BROKEN_MAX && cause.reason != Reason::TooLarge;
                if is_end || cause.reason == Reason::BudgetExhausted {
                    return Err(cause);
                }
                No::Cause(cause)
            }
            no => no,
        };
        self.reader.partly(class);
        let cause = cause(no);
        let what = format!("not all {word} records could be read: {}", cause.what);
        self.missed.add(self.part(class), Cause { what, ..cause });
        Ok(())
    }

    fn went(&mut self, class: Class, count: usize) {
        let what = format!("{count} records of {} went away meanwhile", class.word());
        let cause = Cause::new(what, Reason::Vanished, "look again");
        self.missed.add(self.part(class), cause);
    }

    fn part(&self, class: Class) -> Scope {
        self.asking.part(class.word())
    }

    fn told(mut self, sink: &mut dyn Sink) -> CoverageState {
        for (class, count) in self.reader.lost() {
            self.went(class, count);
        }
        let read = self.reader.finish();
        for fact in read.facts {
            sink.saw_now(self.asking.window, self.asking.scope, fact);
        }
        for what in read.untold {
            let cause = Cause::new(what, Reason::TooLarge, "");
            self.missed.add(self.asking.scope.clone(), cause);
        }
        self.missed.told(sink)
    }
}

/// A call that version does not have.
fn is_absent(fault: &Fault) -> bool {
    matches!(
        fault.code.as_str(),
        "MESSAGE_METHOD_UNKNOWN" | "MESSAGE_REMOVED" | "NOT_IMPLEMENTED"
    )
}

/// In words.
fn cause(no: No) -> Cause {
    let fault = match no {
        No::Cause(cause) => return cause,
        No::Fault(fault) => fault,
    };
    let (reason, remedy) = match fault.code.as_str() {
        "SESSION_AUTHENTICATION_FAILED" => (
            Reason::PermissionDenied,
            "correct user and password in the access file; one refused log-on is not tried again, so that no account is locked",
        ),
        "RBAC_PERMISSION_DENIED" | "SESSION_AUTHORIZATION_FAILED" => {
            (Reason::PermissionDenied, READ_ONLY)
        }
        "HOST_STILL_BOOTING" | "HOST_IS_SLAVE" => (Reason::Unreachable, "look again later"),
        "SESSION_INVALID" => (
            Reason::Refused,
            "look whether somebody ends sessions, or another limit on them is set",
        ),
        _ => (Reason::Refused, ""),
    };
    let what = match fault.code.as_str() {
        "SESSION_AUTHENTICATION_FAILED" => "the log-on was refused".to_owned(),
        "SESSION_INVALID" => "the session ended and ended again".to_owned(),
        _ => format!("the platform said no: {fault}"),
    };
    Cause::new(what, reason, remedy)
}
