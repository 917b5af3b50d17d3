//! `groma authority [show] | prepare | switch | retire`: the authority of a fleet, and its replacing in three steps.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use groma_model::Timestamp;
use groma_model::fleet::AgentRecord;
use groma_serve::{Authority, Behind, Phase, RollingError, Root, Roots, Standing};

use crate::command::Place;
use crate::exit::TooSoon;
use crate::files;
use crate::terminal::{tell, visible};
use crate::verbs::{open_fleet, wrong_usage};

/// Agents that are named; of the others only the number is.
const NAMED_MAX: usize = 20;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    step: Option<Step>,
    /// Directory of the authority [default: `authority` within the data directory].
    #[arg(long, global = true, value_name = "DIR")]
    authority: Option<PathBuf>,
}

#[derive(Subcommand, Clone, Copy, Debug)]
enum Step {
    /// Say which authority signs, until when, and what the next step is.
    Show,
    /// Make the next authority; agents hear of it at their next word and believe both.
    Prepare {
        /// Make another one in the place of one that was prepared before: somebody else may have its key.
        #[arg(long)]
        anew: bool,
    },
    /// Let the next authority sign; the one before it is believed still, and its key is destroyed.
    Switch {
        /// Do not wait for agents that report and do not know it yet.
        #[arg(long)]
        force: bool,
    },
    /// Believe the former authority no more.
    Retire {
        /// Give up the agents that have no certificate of the present one: they have to be enrolled again.
        #[arg(long)]
        force: bool,
    },
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let directory = arguments.authority.clone();
    let directory = directory.unwrap_or_else(|| place.directory().join("authority"));
    ensure!(
        directory.join("authority.pem").exists(),
        "there is no authority in {}: `groma serve` and `groma token create` make it; or give --authority",
        directory.display()
    );
    let now = groma_sys::this_machine(true).clock.now();
    let authority = Authority::read(&directory)?;
    let agents = open_fleet(place)?.agents()?;
    let phase = authority.roots().phase();
    let authority = match arguments.step.unwrap_or(Step::Show) {
        Step::Show => authority,
        Step::Prepare { anew: false } => taken(&directory, groma_serve::prepare(&directory, now))?,
        Step::Prepare { anew: true } => {
            taken(&directory, groma_serve::prepare_anew(&directory, now))?
        }
        Step::Switch { force } => {
            if phase == Phase::Prepared {
                may_switch(&standing_before(&authority, &agents, now), force)?;
            }
            let switched = taken(&directory, groma_serve::switch(&directory, now))?;
            if phase == Phase::Prepared {
                tell(
                    "the collector has another key of its own too: start `groma serve` anew before you hand out its install.sh again, whose pin is of the former one",
                );
            }
            switched
        }
        Step::Retire { force } => {
            // Who is behind was judged by another question before the switch.
            if phase != Phase::Switched {
                return Err(wrong_usage(
                    "no authority was replaced, so there is none to retire",
                ));
            }
            may_retire(&standing_before(&authority, &agents, now), force)?;
            taken(&directory, groma_serve::retire(&directory))?
        }
    };
    let shown = shown(authority.roots(), &agents, now);
    files::print(shown.as_bytes()).map(|()| 0)
}

fn standing_before(authority: &Authority, agents: &[AgentRecord], now: Timestamp) -> Standing {
    groma_serve::standing(authority.roots(), agents, now)
}

/// A step that was taken, and what has to be done where it was not seen.
fn taken(directory: &Path, step: Result<Authority, RollingError>) -> Result<Authority> {
    let authority = step.map_err(|error| match error {
        RollingError::OutOfTurn(why) => wrong_usage(why),
        RollingError::Authority(error) => error.into(),
    })?;
    tell(&format!(
        "done; a collector that serves from {} takes it up within seconds; other collectors need this directory as it is now, as a whole and without what was in theirs",
        directory.display()
    ));
    Ok(authority)
}

/// Agents that report hear of the next authority within minutes, so they are waited for. Those that are silent are not: they come back over
/// the bridge.
fn may_switch(standing: &Standing, force: bool) -> Result<()> {
    let soon = standing.behind.iter().filter(|agent| agent.soon);
    let soon: Vec<&Behind> = soon.collect();
    if force || soon.is_empty() {
        return Ok(());
    }
    Err(TooSoon(format!(
        "{} of {} agents were heard within a day and do not know the next authority yet; they hear of it at their next word: wait some minutes (is `groma serve` running?). With --force they find their way back until the present authority is retired: {}",
        soon.len(),
        standing.agents,
        named(&soon)
    ))
    .into())
}

/// Who has shown no certificate of the present authority could not come back without a person.
fn may_retire(standing: &Standing, force: bool) -> Result<()> {
    let behind: Vec<&Behind> = standing.behind.iter().collect();
    if force || behind.is_empty() {
        return Ok(());
    }
    Err(TooSoon(format!(
        "{} of {} agents have shown no certificate of the present authority yet and would have to be enrolled again, each with a new token: wait for them, revoke those that are gone (`groma agents revoke`), or give them up with --force: {}",
        behind.len(),
        standing.agents,
        named(&behind)
    ))
    .into())
}

fn named(agents: &[&Behind]) -> String {
    let mut names: Vec<String> = agents.iter().take(NAMED_MAX).map(|one| name(one)).collect();
    if let Some(more) = agents.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        names.push(format!("and {more} more"));
    }
    names.join("; ")
}

fn name(agent: &Behind) -> String {
    let seen = agent
        .seen_at
        .map_or_else(|| "never".to_owned(), Timestamp::minute);
    format!("{} ({}), heard {seen}", agent.agent, agent.name)
}

fn shown(roots: &Roots, agents: &[AgentRecord], now: Timestamp) -> String {
    let standing = groma_serve::standing(roots, agents, now);
    let mut lines = vec![line("authority", &roots.present, "it signs", now)];
    if let Some(next) = &roots.next {
        lines.push(line("next", next, "it is announced to agents", now));
    }
    if let Some(former) = &roots.former {
        lines.push(line("former", former, "it is believed still", now));
    }
    lines.extend(of_agents(roots.phase(), &standing));
    lines.extend(ending(roots, now));
    lines.push(format!(
        "next step  {}",
        next_step(roots.phase(), &standing)
    ));
    lines
        .iter()
        .map(|line| visible(line) + "\n")
        .collect::<String>()
}

fn line(what: &str, root: &Root, role: &str, now: Timestamp) -> String {
    format!(
        "{what:<10} {} until {} ({} days), {role}",
        root.pin(),
        root.until().day(),
        now.days_until(root.until())
    )
}

fn ending(roots: &Roots, now: Timestamp) -> Option<String> {
    let ending = groma_serve::ending(roots, now)?;
    Some(format!(
        "ATTENTION  it ends in {} days: {}",
        ending.days, ending.what_to_do
    ))
}

fn of_agents(phase: Phase, standing: &Standing) -> Vec<String> {
    let ready = standing.agents.saturating_sub(standing.behind.len());
    let what = match phase {
        Phase::Alone => return vec![format!("agents     {}", standing.agents)],
        Phase::Prepared => "say that they believe the next authority",
        Phase::Switched => "have shown a certificate of the present authority",
    };
    let mut lines = vec![format!("agents     {ready} of {} {what}", standing.agents)];
    let behind: Vec<&Behind> = standing.behind.iter().collect();
    if !behind.is_empty() {
        lines.push(format!("not yet    {}", named(&behind)));
    }
    lines
}

fn next_step(phase: Phase, standing: &Standing) -> &'static str {
    match (phase, standing.behind.is_empty()) {
        (Phase::Alone, _) => "none; `groma authority prepare` begins to replace it",
        (Phase::Prepared, _) => {
            "`groma authority switch`, when those that report know the next one; who is away is not waited for"
        }
        (Phase::Switched, false) => "wait for those agents, then `groma authority retire`",
        (Phase::Switched, true) => "`groma authority retire`",
    }
}

#[cfg(test)]
mod tests {
    use groma_model::AgentId;

    use super::*;

    fn behind(soon: bool) -> Behind {
        Behind {
            agent: AgentId::from_random([1; 16]),
            name: "mail1".to_owned(),
            seen_at: None,
            soon,
        }
    }

    fn standing(behind: Vec<Behind>) -> Standing {
        Standing {
            agents: 100,
            behind,
        }
    }

    #[test]
    fn a_switch_waits_for_those_that_report_and_not_for_those_that_are_away() {
        assert!(may_switch(&standing(vec![behind(false)]), false).is_ok());
        let refused = may_switch(&standing(vec![behind(true), behind(false)]), false).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("1 of 100 agents were heard")
        );
        assert_eq!(crate::exit::code(&refused), crate::exit::UNSAFE);
        assert!(may_switch(&standing(vec![behind(true)]), true).is_ok());
    }

    #[test]
    fn the_former_one_is_not_retired_while_an_agent_has_nothing_else() {
        assert!(may_retire(&standing(Vec::new()), false).is_ok());
        let refused = may_retire(&standing(vec![behind(false)]), false).unwrap_err();
        let says = refused.to_string();
        assert!(
            says.contains("enrolled again") && says.contains("mail1"),
            "{says}"
        );
        assert_eq!(crate::exit::code(&refused), crate::exit::UNSAFE);
        assert!(may_retire(&standing(vec![behind(false)]), true).is_ok());
    }

    #[test]
    fn of_many_agents_twenty_are_named() {
        let many: Vec<Behind> = (0..25).map(|_| behind(false)).collect();
        let all: Vec<&Behind> = many.iter().collect();
        assert!(named(&all).ends_with("; and 5 more"));
        assert!(!named(&all[..20]).contains("more"));
    }
}
