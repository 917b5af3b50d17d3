//! All objects of a kind, page by page, through what happens in between.

use std::collections::BTreeSet;

use groma_model::Reason;
use groma_platform::vsphere::{Object, Question};

use super::ask;
use super::session::{No, Session};
use crate::cause::Cause;

/// Who asks, in one session.
pub(super) struct Asker<'s, 'a> {
    pub(super) session: &'s mut Session<'a>,
    /// True while a session that ended may be opened once more.
    pub(super) again: bool,
}

impl Asker<'_, '_> {
    /// Asks `question`: each object goes to `found` once, which says whether there is room for more. What was deleted meanwhile
    /// does not end the rest, and a property that this version does not have is left out.
    pub(super) fn objects(
        &mut self,
        question: &Question,
        found: &mut dyn FnMut(&Object) -> bool,
    ) -> Result<(), No> {
        let mut seen = BTreeSet::new();
        let mut without = Vec::new();
        let mut vanished = false;
        let mut once = |object: Object| {
            let is_new = seen.insert(object.key.clone());
            !is_new || found(&object)
        };
        loop {
            let Err(no) = self.pages(question, &without, &mut once) else {
                return Ok(());
            };
            let No::Fault(fault) = no else { return Err(no) };
            match fault.kind.as_str() {
                // The password was right before, so this is no guess; a second end is not answered with a third log-on.
                "NotAuthenticated" if self.again => {
                    self.again = false;
                    self.session.log_in()?;
                }
                "ManagedObjectNotFound" if !vanished => vanished = true,
                "InvalidProperty" if is_left_out(question, &without, &fault.about) => {
                    without.push(fault.about);
                }
                _ => return Err(No::Fault(fault)),
            }
        }
    }

    fn pages(
        &mut self,
        question: &Question,
        without: &[String],
        found: &mut dyn FnMut(Object) -> bool,
    ) -> Result<(), No> {
        let view = self.session.view(question.kind)?;
        let collector = self.session.collector().clone();
        let mut asked = ask::first(&collector, &view, question, without);
        let mut has_room = true;
        loop {
            let mut left_out = 0_usize;
            let page = self.session.page(&asked, &mut |object| match has_room {
                true => has_room = found(object),
                false => left_out += 1,
            })?;
            if left_out > 0 || (!has_room && page.token.is_some()) {
                return Err(No::Cause(Cause::new(
                    "there are more than one look may tell",
                    Reason::BudgetExhausted,
                    "raise observations_max",
                )));
            }
            let Some(token) = page.token else { break };
            if page.objects == 0 {
                let what = "a page without objects promises another one";
                return Err(No::Cause(Cause::new(what, Reason::Malformed, "")));
            }
            asked = ask::further(&collector, &token);
        }
        self.session.close(&view);
        Ok(())
    }
}

/// True if the question can be asked without `path`.
fn is_left_out(question: &Question, without: &[String], path: &str) -> bool {
    question.paths.contains(&path) && !without.iter().any(|out| out == path)
}
