//! VMware vCenter and a lone ESXi, by the vSphere Web Services API.
//!
//! One session: what there is, a log-on, then for each kind of object a list and its properties, a hundred objects a page, then
//! the statistics of running guests, sixteen at a time, and a log-out however it ends. Needs an account with the role Read-only on
//! the topmost object, with its children. Answers are read as they come: ten thousand guests take some ten MiB.

mod ask;
mod asker;
mod load;
mod session;
mod teller;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use groma_model::{CoverageState, Reason};
use groma_platform::vsphere::{Inventory, QUESTIONS, Question};
use groma_source::Sink;

use self::asker::Asker;
use self::session::{No, Session};
use self::teller::Teller;
use crate::cause::Cause;
use crate::look::Asking;
use crate::parting;

/// What shows what is hidden.
const READ_ONLY: &str =
    "give the account the role Read-only on the topmost object, with its children";

/// Reads all of one platform: what was seen and missed goes to `sink`.
///
/// # Errors
/// It is not reached, not known, not vSphere, or does not let the account in.
pub(crate) fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    // The log-out has its own time, within that of the whole look.
    let window = parting::before_log_out(asking.window);
    let asking = &Asking {
        window: &window,
        ..*asking
    };
    let mut session = Session::open(asking)?;
    let state = match session.log_in() {
        Ok(()) => look(asking, &mut session, sink),
        Err(no) => Err(no.cause()),
    };
    session.log_out();
    state
}

fn look(
    asking: &Asking<'_>,
    session: &mut Session<'_>,
    sink: &mut dyn Sink,
) -> Result<CoverageState, Cause> {
    let mut asker = Asker {
        session,
        again: true,
    };
    let id = identity(&mut asker)?;
    let mut teller = Teller {
        asking,
        sink,
        inventory: Inventory::new(&id),
        left: asking.budget.observations_max,
        running: Vec::new(),
        told: BTreeSet::new(),
        named: BTreeSet::new(),
        state: CoverageState::Complete,
    };
    all(asking, &mut asker, &mut teller)?;
    teller.tell_unlisted();
    load::read(asker.session, &mut teller);
    Ok(teller.state)
}

/// What tells this platform from others: a vCenter's own UUID, else the UUID or name of the lone host.
fn identity(asker: &mut Asker<'_, '_>) -> Result<String, Cause> {
    if let Some(instance) = asker.session.instance() {
        return Ok(instance.to_owned());
    }
    let question = Question {
        kind: "HostSystem",
        called: ("host", "hosts"),
        paths: &["summary.hardware", "name"],
    };
    let mut found = None;
    let asked = asker.objects(&question, &mut |object| {
        let hardware = object.value("summary.hardware");
        let uuid = hardware.and_then(|hardware| groma_platform::own_uuid(hardware.text("uuid")?));
        found = uuid.or_else(|| object.text("name").map(str::to_owned));
        true
    });
    asked.map_err(No::cause)?;
    found.ok_or_else(|| {
        let what = "it tells neither a UUID nor a name of its own";
        Cause::new(what, Reason::PermissionDenied, READ_ONLY)
    })
}

/// Asks everything. A kind that fails is told and left; two in a row mean that the platform itself is lost.
fn all(
    asking: &Asking<'_>,
    asker: &mut Asker<'_, '_>,
    teller: &mut Teller<'_>,
) -> Result<(), Cause> {
    let mut failed = 0;
    for question in QUESTIONS {
        let asked = asker.objects(question, &mut |object| teller.take(object));
        teller.tell_hidden(question);
        let no = match asked {
            Ok(()) => {
                failed = 0;
                continue;
            }
            Err(no) => no,
        };
        let is_out = no.is_out();
        let cause = no.cause();
        if is_out {
            return Err(cause);
        }
        failed += 1;
        let many = question.called.1;
        let what = format!("not all {many} could be read: {}", cause.what);
        teller.miss(what, cause.reason, &cause.remedy);
        if failed > 1 || asking.window.is_over() {
            let what = format!("nothing was asked after the {many}");
            teller.miss(what, Reason::BudgetExhausted, "");
            break;
        }
    }
    Ok(())
}
