//! Many hosts at once, each on its own: what fails on one changes nothing on another.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::look::Before;
use crate::outcome::{HostResult, Identity, Outcome, Step, Undone};
use crate::plan::Plan;
use crate::program::{Program, Programs};
use crate::steps::{Far, Stumble};
use crate::{Host, Token};

/// Hosts under work at the same time, at most: each is a process of ssh.
const PARALLEL_MAX: usize = 64;

/// What happens, as it happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A host's work comes to this step.
    Step(&'a Host, Step),
    /// A host is done.
    Ended(&'a HostResult),
}

/// What all hosts share.
struct Work<'a> {
    plan: &'a Plan,
    programs: &'a Programs,
    token: &'a (dyn Fn(&Host) -> Result<Token, String> + Sync),
    tell: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Puts the agent on every host of `plan`, at most `parallel` at a time, and says what became of each, in the order of the
/// plan. `token` is asked once for a host that is to be enrolled, and not before. Once `stop` is set, no further host
/// is begun; those under work come to their end.
pub fn run(
    plan: &Plan,
    programs: &Programs,
    token: &(dyn Fn(&Host) -> Result<Token, String> + Sync),
    parallel: usize,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Vec<HostResult> {
    let work = Work {
        plan,
        programs,
        token,
        tell,
    };
    each(plan, parallel, stop, tell, |host| work.deploy(host))
}

/// Takes the agent off every host of `plan`, with its state and its unit.
pub fn remove(
    plan: &Plan,
    parallel: usize,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Vec<HostResult> {
    each(plan, parallel, stop, tell, |host| {
        take_off(plan, host, tell)
    })
}

fn each(
    plan: &Plan,
    parallel: usize,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event<'_>) + Sync),
    work: impl Fn(&Host) -> HostResult + Sync,
) -> Vec<HostResult> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<HostResult>>> =
        plan.hosts.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, PARALLEL_MAX).min(plan.hosts.len()) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(host), Some(place)) = (plan.hosts.get(at), results.get(at)) else {
                        return;
                    };
                    let result = work(host);
                    tell(Event::Ended(&result));
                    if let Ok(mut place) = place.lock() {
                        *place = Some(result);
                    }
                }
            });
        }
    });
    plan.hosts
        .iter()
        .zip(results)
        .map(|(host, result)| {
            let result = result.into_inner().ok().flatten();
            result.unwrap_or_else(|| plain(host, Outcome::NotBegun))
        })
        .collect()
}

fn plain(host: &Host, outcome: Outcome) -> HostResult {
    HostResult {
        host: host.clone(),
        outcome,
        notes: Vec::new(),
        identity: Identity::Kept,
        claim: None,
    }
}

fn failed(host: &Host, (step, reason): Stumble, undone: Undone) -> HostResult {
    plain(
        host,
        Outcome::Failed {
            step,
            reason,
            undone,
        },
    )
}

/// What is to be done on one host.
struct Tasks<'a> {
    program: &'a Program,
    unit: String,
    replace_binary: bool,
    write_unit: bool,
    enroll: bool,
    start: bool,
}

impl<'a> Tasks<'a> {
    fn of(plan: &Plan, before: &Before, program: &'a Program) -> Self {
        let unit = plan.unit_text();
        let replace_binary = before.replaces(program);
        let write_unit = before.replaces_unit(&unit);
        let is_running = before.is_active && before.is_enabled;
        let changes = replace_binary || write_unit || !before.is_enrolled;
        Self {
            program,
            unit,
            replace_binary,
            write_unit,
            enroll: !before.is_enrolled,
            start: before.has_systemd && (changes || !is_running),
        }
    }

    fn is_nothing(&self) -> bool {
        !(self.replace_binary || self.write_unit || self.enroll || self.start)
    }

    fn in_words(&self, before: &Before) -> Vec<String> {
        let mut words = Vec::new();
        if self.replace_binary && before.has_binary {
            words.push(format!("replace {:?}", before.version));
        } else if self.replace_binary {
            words.push(format!("put the agent for {} there", before.machine));
        }
        if self.write_unit {
            words.push("write the unit".to_owned());
        }
        if self.enroll {
            words.push("enroll it".to_owned());
        }
        if self.start {
            words.push("start it".to_owned());
        }
        words
    }
}

impl Work<'_> {
    fn deploy(&self, host: &Host) -> HostResult {
        let far = Far::new(self.plan, host);
        (self.tell)(Event::Step(host, Step::Look));
        let before = match far.look(false) {
            Ok(before) => before,
            Err(stumble) => return failed(host, stumble, Undone::Untouched),
        };
        let program = match before.fit(self.plan, self.programs) {
            Ok(program) => program,
            Err(why) => return failed(host, (Step::Look, why), Undone::Untouched),
        };
        let tasks = Tasks::of(self.plan, &before, program);
        if tasks.is_nothing() {
            return plain(host, Outcome::Unchanged);
        }
        if self.plan.is_trial {
            return plain(host, Outcome::WouldInstall(tasks.in_words(&before)));
        }
        let mut notes = Vec::new();
        if let Err(stumble) = self.carry_out(&far, &tasks, &mut notes) {
            let (undone, identity) = far.undo(&before, stumble.0);
            return HostResult {
                notes,
                identity,
                ..failed(host, stumble, undone)
            };
        }
        if let Err((_, why)) = far.keep() {
            notes.push(format!(
                "what stood there before is still beside it ({why})"
            ));
        }
        if !before.has_systemd {
            notes.push(
                "no systemd there: let the machine's own init start `groma-agent run`".to_owned(),
            );
        }
        let outcome = if before.has_binary && before.is_enrolled {
            Outcome::Upgraded
        } else {
            Outcome::Installed
        };
        HostResult {
            notes,
            ..plain(host, outcome)
        }
    }

    fn carry_out(
        &self,
        far: &Far<'_>,
        tasks: &Tasks<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(), Stumble> {
        let host = far.host;
        let tell = |step| (self.tell)(Event::Step(host, step));
        if tasks.replace_binary {
            tell(Step::Upload);
            let said = far.upload(tasks.program)?;
            if said.is("unsummed") {
                notes.push(
                    "no program there makes a SHA-256: the agent was told by its size and version"
                        .to_owned(),
                );
            }
        }
        if tasks.replace_binary || tasks.write_unit {
            tell(Step::Place);
            let unit = tasks.write_unit.then_some(tasks.unit.as_str());
            far.place(tasks.replace_binary, unit)?;
        }
        if tasks.enroll {
            tell(Step::Enroll);
            let token = (self.token)(host).map_err(|why| (Step::Enroll, why))?;
            if let Err(stumble) = far.enroll(&token) {
                notes.push(
                    "its token may be used up: make another one for the next attempt".to_owned(),
                );
                return Err(stumble);
            }
        }
        if tasks.start {
            tell(Step::Start);
            let started = far.start().and_then(|()| {
                tell(Step::Status);
                far.status()
            });
            match started {
                Ok(status) => notes.extend(status),
                Err(stumble) => {
                    if tasks.enroll {
                        notes.push("it had been enrolled: its token is used up".to_owned());
                    }
                    return Err(stumble);
                }
            }
        }
        Ok(())
    }
}

fn take_off(plan: &Plan, host: &Host, tell: &(dyn Fn(Event<'_>) + Sync)) -> HostResult {
    let far = Far::new(plan, host);
    tell(Event::Step(host, Step::Look));
    let before = match far.look(true) {
        Ok(before) => before,
        Err(stumble) => return failed(host, stumble, Undone::Untouched),
    };
    if !before.has_anything() {
        return plain(host, Outcome::Unchanged);
    }
    if let Err(why) = before.is_ours(plan) {
        return failed(host, (Step::Look, why), Undone::Untouched);
    }
    let (result, identity) = if plan.is_trial {
        (plain(host, Outcome::WouldRemove), Identity::Gone)
    } else {
        tell(Event::Step(host, Step::Remove));
        removed(&far)
    };
    let identity = if before.is_enrolled {
        identity
    } else {
        Identity::Kept
    };
    HostResult {
        identity,
        claim: before.claim,
        ..result
    }
}

fn removed(far: &Far<'_>) -> (HostResult, Identity) {
    match far.remove() {
        Ok((left, identity)) if left.is_empty() => (plain(far.host, Outcome::Removed), identity),
        Ok((left, identity)) => {
            let why = (Step::Remove, "not all of it could be removed".to_owned());
            (failed(far.host, why, Undone::Left(left)), identity)
        }
        Err(stumble) => {
            let left = Undone::Left(vec!["what had not been removed yet".to_owned()]);
            (failed(far.host, stumble, left), Identity::Unknown)
        }
    }
}
