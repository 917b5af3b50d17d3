//! The steps of the work on one host, one ssh session each.

use std::time::Duration;

use crate::far::{self, Script};
use crate::look::Before;
use crate::outcome::{Identity, Step, Undone};
use crate::plan::Plan;
use crate::program::Program;
use crate::ssh::Said;
use crate::{Host, Token};

/// One host under work, and what was done there so far.
pub(crate) struct Far<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) host: &'a Host,
}

/// A step that failed, and why.
pub(crate) type Stumble = (Step, String);

impl<'a> Far<'a> {
    pub(crate) fn new(plan: &'a Plan, host: &'a Host) -> Self {
        Self { plan, host }
    }

    /// What is there; with `claims` the agent is asked who it is.
    pub(crate) fn look(&self, claims: bool) -> Result<Before, Stumble> {
        let script = self.script().with_flag("claims", claims);
        let said = self.act(Step::Look, script, far::LOOK, &[])?;
        Ok(Before::of(&said))
    }

    pub(crate) fn upload(&self, program: &Program) -> Result<Said, Stumble> {
        let script = self
            .script()
            .with("size", &program.bytes.len().to_string())
            .with("sum", &program.sum);
        self.act(Step::Upload, script, far::UPLOAD, &program.bytes)
    }

    pub(crate) fn place(&self, replace_binary: bool, unit: Option<&str>) -> Result<(), Stumble> {
        let text = unit.unwrap_or_default();
        let script = self
            .script()
            .with_flag("replace_binary", replace_binary)
            .with_flag("write_unit", unit.is_some())
            .with("size", &text.len().to_string());
        self.act(Step::Place, script, far::PLACE, text.as_bytes())?;
        Ok(())
    }

    pub(crate) fn enroll(&self, token: &Token) -> Result<(), Stumble> {
        let script = self.script().with("url", &self.plan.collector);
        let done = self.act(Step::Enroll, script, far::ENROLL, &token.bytes());
        done.map_err(|(step, why)| (step, token.out_of(&why)))?;
        Ok(())
    }

    pub(crate) fn start(&self) -> Result<(), Stumble> {
        self.act(Step::Start, self.script(), far::START, &[])?;
        Ok(())
    }

    pub(crate) fn status(&self) -> Result<Option<String>, Stumble> {
        let script = self
            .script()
            .with("tries", &self.plan.status_tries.to_string());
        let said = self.act(Step::Status, script, far::STATUS, &[])?;
        Ok(said.one("status"))
    }

    pub(crate) fn keep(&self) -> Result<(), Stumble> {
        self.act(Step::Keep, self.script(), far::KEEP, &[])?;
        Ok(())
    }

    /// What is left, and what became of the identity.
    pub(crate) fn remove(&self) -> Result<(Vec<String>, Identity), Stumble> {
        let said = self.act(Step::Remove, self.script(), far::REMOVE, &[])?;
        let left: Vec<String> = said.all("left").collect();
        let identity = identity(&said, &left);
        Ok((left, identity))
    }

    /// Takes back what was done, in a session of its own: the one that failed may be gone. What became of it, and of an identity that
    /// this deployment made.
    pub(crate) fn undo(&self, before: &Before, failed: Step) -> (Undone, Identity) {
        let script = self
            .script()
            .with_flag("touched", failed != Step::Upload)
            .with_flag("had_binary", before.has_binary)
            .with_flag("had_unit", before.has_unit())
            .with_flag("had_state", before.has_state)
            .with_flag("had_enrolled", before.is_enrolled)
            .with_flag("had_active", before.is_active)
            .with_flag("had_enabled", before.is_enabled)
            .with("had_binary_sum", &before.binary_sum)
            .with("had_unit_sum", &before.unit_sum)
            .with("missing", &format!("{}\n", before.missing.join("\n")))
            .ending(far::UNDO);
        let (undone, made) = match self.run(&script, &[], self.plan.step_limit) {
            Ok(said) if said.is("undone") => {
                let left: Vec<String> = said.all("left").collect();
                let identity = identity(&said, &left);
                let undone = if left.is_empty() {
                    Undone::RolledBack
                } else {
                    Undone::Left(left)
                };
                (undone, identity)
            }
            Ok(_) => (
                Undone::Left(vec!["the far side did not say".to_owned()]),
                Identity::Unknown,
            ),
            Err(failure) => (
                Undone::Left(vec![format!(
                    "everything that was done, because the host could not be asked ({failure})"
                )]),
                Identity::Unknown,
            ),
        };
        // One that was there before is not touched by any undo.
        let may_be_made = matches!(failed, Step::Enroll | Step::Start | Step::Status);
        match may_be_made && !before.is_enrolled {
            true => (undone, made),
            false => (undone, Identity::Kept),
        }
    }

    fn script(&self) -> Script {
        Script::default()
            .with("prefix", &self.plan.prefix)
            .with("binary", &self.plan.binary())
            .with("unit", &self.plan.unit())
            .with("state", &self.plan.state())
    }

    fn act(&self, step: Step, script: Script, text: &str, handed: &[u8]) -> Result<Said, Stumble> {
        let limit = match step {
            Step::Upload => self.plan.upload_limit,
            Step::Status => {
                self.plan.step_limit + Duration::from_secs(u64::from(self.plan.status_tries))
            }
            _ => self.plan.step_limit,
        };
        let done = self.run(&script.ending(text), handed, limit);
        done.map_err(|failure| (step, failure))
    }

    fn run(&self, script: &str, handed: &[u8], limit: Duration) -> Result<Said, String> {
        self.plan.ssh.run(self.host, script, handed, limit)
    }
}

/// What became of an identity, by a script that ended.
fn identity(said: &Said, left: &[String]) -> Identity {
    match (said.is("forgotten"), left.is_empty()) {
        (true, _) => Identity::Gone,
        (false, false) => Identity::Kept,
        // It says that all went well, and not what that says.
        (false, true) => Identity::Unknown,
    }
}
