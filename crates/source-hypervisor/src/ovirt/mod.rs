//! oVirt, Red Hat Virtualization, Oracle Linux Virtualization Manager, by the REST interface of the engine, version 4.
//!
//! **What it asks.** GET alone; before it one POST for a token, and after it one that gives the token back. What may be asked
//! stands in [`groma_platform::ovirt::Question`].
//!
//! **Which rights it needs.** The role ReadOnlyAdmin on the system. Whoever has less is told a part, with the header `Filter`,
//! and that is a gap.
//!
//! **What it costs.** One question for a hundred things of a kind: cards, disks and snapshots come with their machines. Where
//! machines start by UEFI one more for each hundred machines, for trusted platform modules are told on demand alone. Disks of
//! machines cost the engine a look into its database each.
//!
//! A page that is lost, a machine that went away meanwhile: the rest goes on. Pages are asked in the order of names; what is
//! made or removed meanwhile may move a machine from one page to another, and the engine's own count tells.
//! **Never run against a real engine.**

mod asking;
mod logon;
#[cfg(test)]
mod tests;

use groma_model::{CoverageState, Reason};
use groma_platform::ovirt::{List, PAGE, Page, Question, Reader};
use groma_source::{Sink, SinkExt};

use self::asking::{Conversation, No};
use crate::cause::Cause;
use crate::look::Asking;
use crate::missed::Missed;
use crate::parting;

/// Most pages of a list.
const PAGES_MAX: u32 = 2_000;

const ADMINISTRATOR: &str = "give the user the role ReadOnlyAdmin on the system";

/// Reads all of one engine.
///
/// # Errors
/// It cannot be reached, is not known, refuses the log-on, or does not say which engine it is.
pub(crate) fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    let window = parting::before_log_out(asking.window);
    let asking = &Asking {
        window: &window,
        ..*asking
    };
    let with = Conversation::open(asking)?;
    let mut look = Look {
        asking,
        reader: Reader::new(with.called()),
        with,
        missed: Missed::default(),
    };
    let asked = look.greeting().and_then(|()| look.lists());
    if let Err(cause) = asked {
        // Without its name nothing of it can be told.
        if look.reader.platform().is_none() {
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
}

/// An end of the whole look: no time, no server, no log-on any more.
type End = Result<(), Cause>;

impl Look<'_> {
    fn greeting(&mut self) -> End {
        let mut asked = self.page(&Question::Api)?;
        // Who is no administrator is refused even this, unless it asks for its part alone.
        if let Err(No::Denied | No::Failed(400 | 500)) = asked {
            self.with.is_filtered = true;
            asked = self.page(&Question::Api)?;
        }
        if let Err(no) = asked {
            return Err(cause(&Question::Api, no));
        }
        if self.reader.is_old() {
            let what = "the engine is older than version 4.2: it tells no disks, cards and snapshots together with machines";
            self.miss("vms", Cause::new(what, Reason::Unsupported, ""));
        }
        Ok(())
    }

    fn lists(&mut self) -> End {
        for list in List::ALL {
            self.list(list)?;
        }
        if self.reader.needs_devices() {
            self.list(List::MachineDevices)?;
        }
        Ok(())
    }

    /// All pages of `list`. One that is lost is a gap; two in a row, and nobody knows how many more there are.
    fn list(&mut self, list: List) -> End {
        let mut question = self.first(list);
        let mut lost = 0;
        for _ in 0..PAGES_MAX {
            let goes_on = match self.page_somehow(&mut question)? {
                Ok(page) => {
                    lost = 0;
                    // A page that holds nothing new is one an engine gives that does not count pages.
                    page.things >= PAGE && page.new > 0
                }
                Err(no) => {
                    lost += 1;
                    // Where the first is refused the others are too; one that broke off says nothing about them.
                    let is_refused = !matches!(no, No::Other(_)) && question == self.first(list);
                    self.miss(list.name(), cause(&question, no));
                    lost < 2 && !is_refused
                }
            };
            match question.next().filter(|_| goes_on) {
                Some(next) => question = next,
                None => return Ok(()),
            }
        }
        let what = format!("more than {PAGES_MAX} pages of {}", list.name());
        self.miss(list.name(), Cause::new(what, Reason::TooLarge, ""));
        Ok(())
    }

    fn first(&self, list: List) -> Question {
        match self.with.is_filtered {
            true => Question::Whole(list),
            false => Question::Page(list, 1),
        }
    }

    /// Asks, and where that is refused asks in another way: for the own part alone, without what a version does not follow,
    /// or once more where something went away between a machine and what belongs to it.
    fn page_somehow(&mut self, question: &mut Question) -> Result<Result<Page, No>, Cause> {
        let no = match self.page(question)? {
            Ok(page) => return Ok(Ok(page)),
            Err(no) => no,
        };
        let other = match (&no, *question) {
            (No::Denied, Question::Page(list, 1)) => {
                self.with.is_filtered = true;
                Some(Question::Whole(list))
            }
            (No::Failed(404), question) => Some(question),
            (No::Failed(_), question) => question.plain(),
            _ => None,
        };
        let Some(other) = other else {
            return Ok(Err(no));
        };
        let answered = self.page(&other)?;
        if answered.is_err()
            && matches!(other, Question::Whole(_))
            && matches!(question, Question::Page(..))
        {
            // It was not for the want of a word: the lists that may be read go on page by page.
            self.with.is_filtered = false;
            return Ok(answered);
        }
        if answered.is_ok() && question.plain() == Some(other) {
            let what = "the engine refuses machines with their NUMA nodes: bindings to memory of hosts are not told";
            self.miss("vms", Cause::new(what, Reason::Unsupported, ""));
        }
        *question = other;
        Ok(answered)
    }

    /// Asks, and hands the answer to the reader.
    fn page(&mut self, question: &Question) -> Result<Result<Page, No>, Cause> {
        let answer = match self.with.ask(question) {
            Ok(answer) => answer,
            Err(No::End(cause)) => return Err(cause),
            Err(no) => return Ok(Err(no)),
        };
        let read = self.reader.answer(question, &answer);
        Ok(read.map_err(|unread| {
            No::Other(Cause::new(
                format!("{question}: {unread}"),
                Reason::Malformed,
                "check the url",
            ))
        }))
    }

    fn miss(&mut self, of: &str, cause: Cause) {
        self.missed.add(self.asking.part(of), cause);
    }

    fn told(mut self, sink: &mut dyn Sink) -> CoverageState {
        if self.with.is_filtered {
            let what =
                "the user is no administrator of the engine: only what it was given itself is seen";
            let cause = Cause::new(what, Reason::PermissionDenied, ADMINISTRATOR);
            self.missed.add(self.asking.scope.clone(), cause);
        }
        for what in self.reader.unseen() {
            let remedy =
                "look again; if it stays so, give the user the role ReadOnlyAdmin on the system";
            let cause = Cause::new(what, Reason::Vanished, remedy);
            self.missed.add(self.asking.scope.clone(), cause);
        }
        let Self {
            asking,
            with,
            reader,
            mut missed,
        } = self;
        // The session ends before what was seen is handed on.
        drop(with);
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

/// What a refusal means.
fn cause(question: &Question, no: No) -> Cause {
    match no {
        No::End(cause) | No::Other(cause) => cause,
        No::Denied => Cause::new(
            format!("{question} may not be read"),
            Reason::PermissionDenied,
            ADMINISTRATOR,
        ),
        No::Failed(404) if *question == Question::Api => Cause::new(
            "what answers is no engine of oVirt",
            Reason::NotThisService,
            "check the url: it names the engine and nothing behind it",
        ),
        No::Failed(status) => Cause::new(
            format!("{question}: the engine answers {status}"),
            Reason::Refused,
            "see /var/log/ovirt-engine/engine.log on its machine",
        ),
    }
}
