//! `groma-agent status`: who this agent is, how it does, and what it may do at most.

use std::io::{self, Write};

use anyhow::Result;
use groma_model::Timestamp;
use groma_model::fleet::Policy;
use groma_source::World;
use groma_source::manners::Ceiling;

use super::bounds::within_bounds;
use super::home::{Doing, Home};
use super::host::this_host;
use crate::{output, state};

/// Says how this agent does.
pub(crate) fn status() -> Result<()> {
    let home = Home::at(state::directory());
    let world = groma_sys::this_machine(true);
    let (identity, doing) = (home.identity()?, home.doing());
    let is_running = doing.as_ref().is_some_and(|doing| runs(doing.process));
    let policy = within_bounds(&home.policy());
    let mut text = match &identity {
        None => "not enrolled: groma-agent enroll --collector https://HOST --token-file FILE\n"
            .to_owned(),
        Some(identity) => format!(
            "agent        {} at site {}\ncollector    {}\ncertificate  number {}, until {}\n",
            identity.agent,
            identity.site,
            identity.collector,
            identity.generation,
            identity.until.minute()
        ),
    };
    text.push_str(&format!("fingerprint  {}\n", this_host().fingerprint));
    text.push_str(&of_doing(doing.as_ref(), is_running));
    text.push_str(&of_policy(&policy));
    text.push_str(&of_ceiling(&world));
    output::unless_closed(io::stdout().write_all(text.as_bytes()))?;
    let answered = doing
        .as_ref()
        .is_some_and(|doing| doing.answered_at.is_some());
    match () {
        () if identity.is_none() => Err(NotWell::Stranger.into()),
        () if !is_running => Err(NotWell::Stopped.into()),
        () if !answered => Err(NotWell::Unanswered.into()),
        () => Ok(()),
    }
}

/// Why the exit code of `status` is none of an agent that is well: scripts wait for that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotWell {
    /// It has no identity.
    #[error("this machine is not enrolled")]
    Stranger,
    /// No process runs.
    #[error("the agent does not run")]
    Stopped,
    /// The collector said nothing yet.
    #[error("the collector has not answered since the agent was started")]
    Unanswered,
}

/// True if this process is an agent that runs.
fn runs(process: u32) -> bool {
    let name = groma_sys::own::name_of_process(process);
    name.is_some_and(|name| name.starts_with("groma-agent"))
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "not yet".to_owned(), Timestamp::minute)
}

/// When the next look begins; who looks just now says so.
fn next_look(doing: &Doing, is_running: bool) -> String {
    match doing.next_look_at {
        Some(at) if is_running && doing.at.is_some_and(|told| at <= told) => {
            format!("looks since {}", at.minute())
        }
        at => format!("next {}", moment(at)),
    }
}

fn of_doing(doing: Option<&Doing>, is_running: bool) -> String {
    let Some(doing) = doing else {
        return "running      never yet: groma-agent run, or start its service\n".to_owned();
    };
    let status = &doing.status;
    let mut text = format!(
        "running      {}\nlooked       {}, {}\ncollector    answered {}, {}\nspool        {} batches wait, {} bytes; {} losses since it started\n",
        if is_running {
            format!("yes, process {}", doing.process)
        } else {
            format!("no; last at {}", moment(doing.at))
        },
        moment(status.looked_at),
        next_look(doing, is_running),
        moment(doing.answered_at),
        if doing.takes {
            "takes what is sent"
        } else {
            "takes nothing now"
        },
        status.spool_batches,
        status.spool_bytes,
        status.spool_losses,
    );
    if doing.clock_behind_s.unsigned_abs() > 60 {
        text.push_str(&format!(
            "clock        {} s {} the collector's; what is sent is set right by it\n",
            doing.clock_behind_s.unsigned_abs(),
            if doing.clock_behind_s > 0 {
                "behind"
            } else {
                "ahead of"
            }
        ));
    }
    if let Some(trouble) = &status.trouble {
        text.push_str(&format!("trouble      {trouble}\n"));
    }
    text
}

fn of_policy(policy: &Policy) -> String {
    let sources = match policy.sources.is_empty() {
        true => "all sources".to_owned(),
        false => policy.sources.join(", "),
    };
    let sweep = match &policy.sweep {
        None => "asks nobody over the network but its collector".to_owned(),
        Some(wish) => format!("a vantage that asks {}", wish.targets.join(", ")),
    };
    format!(
        "policy       looks every {} s with {sources}, watches {} s, {sweep} (version {})\n",
        policy.look_every_s, policy.watch_s, policy.version
    )
}

fn of_ceiling(world: &World) -> String {
    match Ceiling::of(world.disk.as_ref()) {
        Err(error) => format!("ceiling      {error}\n"),
        Ok(ceiling) => format!(
            "ceiling      {} packets a second to one host, {} to all; {}; listening {}\n",
            ceiling.per_host,
            ceiling.per_agent,
            match &ceiling.networks {
                None => "any network that is named".to_owned(),
                Some(networks) => format!("{} networks alone", networks.len()),
            },
            if ceiling.listening {
                "allowed"
            } else {
                "forbidden"
            },
        ),
    }
}
