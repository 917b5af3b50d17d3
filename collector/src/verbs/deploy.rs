//! `groma deploy`: the agent onto many machines over the operator's own ssh, and off again.

mod register;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use groma_deploy::{Event, Host, HostResult, Outcome, Plan, Programs, Token};
use groma_model::SiteId;
use groma_serve::Authority;
use groma_source::{Stop, World};

use crate::command::Place;
use crate::programs::AgentArgs;
use crate::terminal::{tell, tell_waiting, visible};
use crate::verbs::serve::authority_at;
use crate::verbs::token::{minted, site};
use crate::verbs::{fleet_if_there, open_fleet};
use crate::{exit, files};
use register::{Register, Work};

const HOSTS_BYTES_MAX: u64 = 16 << 20;
/// A token of a host is used within the minute it is made, or never.
const TOKEN_LIFE: Duration = Duration::from_secs(900);

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The machines, one a line: [user@]host[:port] [site=NAME] [sudo].
    #[arg(long, value_name = "FILE")]
    hosts: PathBuf,
    /// Where the agents reach this collector, as https://groma.corp.example.
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "remove",
        default_value = ""
    )]
    collector: String,
    #[command(flatten)]
    agents: AgentArgs,
    /// Machines under work at the same time.
    #[arg(long, value_name = "N", default_value_t = 8)]
    parallel: usize,
    /// Look at each machine and say what would be done; nothing is changed.
    #[arg(long)]
    dry_run: bool,
    /// Take the agent off these machines: program, unit, identity; and revoke it, if it is one of this store.
    #[arg(long)]
    remove: bool,
    /// Directory of the authority [default: `authority` within the data directory].
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let stop = Stop::default();
    groma_sys::stop_on_signals(&stop);
    let plan = planned(arguments)?;
    plan.in_words()
        .iter()
        .filter(|_| !arguments.remove)
        .for_each(|line| tell_waiting(&visible(line)));
    let handed = match arguments.remove {
        true => None,
        false => Some(handed(arguments, place, &world)?),
    };
    let store = match arguments.remove {
        // Whoever wants an agent off his machines gets that, even while its collector cannot be asked.
        true => fleet_if_there(place).unwrap_or_else(|error| {
            tell_waiting(&visible(&format!("{error:#}: nobody will be revoked")));
            None
        }),
        false => Some(open_fleet(place)?),
    };
    let work = Work {
        is_removal: arguments.remove,
        is_trial: arguments.dry_run,
    };
    let register = Register::new(store, work);
    let halt = AtomicBool::new(false);
    let watching = std::sync::Arc::new(AtomicBool::new(true));
    let results = std::thread::scope(|scope| {
        let (halt, watched) = (&halt, watching.clone());
        scope.spawn(move || {
            while watched.load(Ordering::Relaxed) {
                halt.fetch_or(stop.is_asked(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let tell = |event: Event<'_>| match event {
            Event::Step(host, step) => tell_waiting(&visible(&format!("{host}: {step}"))),
            Event::Ended(result) => register.settle(result, world.clock.now()),
        };
        let done = match &handed {
            None => groma_deploy::remove(&plan, arguments.parallel, halt, &tell),
            Some((programs, authority)) => {
                let token = |host: &Host| {
                    let at = SiteId::new(host.site.as_deref().unwrap_or("default"));
                    let (token, record) = minted(authority, &world, at, 1, TOKEN_LIFE, false);
                    register.expect(host, &record)?;
                    Ok(Token::new(&token.reveal()))
                };
                groma_deploy::run(&plan, programs, &token, arguments.parallel, halt, &tell)
            }
        };
        watching.store(false, Ordering::Relaxed);
        done
    });
    summed_up(&results, &register)
}

fn planned(arguments: &Arguments) -> Result<Plan> {
    let text = files::read(&arguments.hosts, HOSTS_BYTES_MAX)?;
    let text = String::from_utf8(text)
        .with_context(|| format!("read {}: it is not UTF-8", arguments.hosts.display()))?;
    let hosts = groma_deploy::hosts(&text)
        .with_context(|| format!("read {}", arguments.hosts.display()))?;
    for host in &hosts {
        if let Some(name) = &host.site {
            site(name).map_err(anyhow::Error::msg)?;
        }
    }
    let collector = match arguments.collector.as_str() {
        // Nobody is told of a collector who is taken off.
        "" => "https://nowhere.invalid",
        url => url,
    };
    let mut plan = Plan::new(hosts, collector)?;
    plan.is_trial = arguments.dry_run;
    Ok(plan)
}

/// The agents that are put there, and the authority that lets them in.
fn handed(arguments: &Arguments, place: &Place, world: &World) -> Result<(Programs, Authority)> {
    let agents = arguments.agents.read()?;
    ensure!(
        !agents.is_empty(),
        "there is no agent to hand over: name one with --agent FILE, built without shared libraries"
    );
    let programs = agents
        .into_iter()
        .fold(Programs::default(), |all, (machine, bytes)| {
            all.with(machine, bytes)
        });
    let authority = authority_at(place, arguments.authority.as_ref(), world)?;
    Ok((programs, authority))
}

/// A line for each machine, in the order of the file, and how many of each.
fn summed_up(results: &[HostResult], register: &Register) -> Result<u8> {
    let mut text = String::new();
    for result in results {
        text.push_str(&visible(&format!("{}: {}", result.host, result.outcome)));
        text.push('\n');
        let agent = register.note(&result.host).map(|note| note.text);
        for note in result.notes.iter().chain(&agent) {
            text.push_str(&visible(&format!("  {note}")));
            text.push('\n');
        }
    }
    files::print(text.as_bytes())?;
    let failed = results
        .iter()
        .filter(|result| result.outcome.is_failure())
        .count();
    let begun = results
        .iter()
        .filter(|result| !matches!(result.outcome, Outcome::NotBegun))
        .count();
    let open = register.open();
    let by_hand = match open {
        0 => String::new(),
        open => format!(", {open} to be revoked by hand"),
    };
    tell(&format!(
        "{begun} of {} machines, {failed} failed{by_hand}",
        results.len()
    ));
    Ok(match failed > 0 || open > 0 || begun < results.len() {
        true => exit::INPUT,
        false => 0,
    })
}
