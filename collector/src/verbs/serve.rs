//! `groma serve`: lets agents in, keeps what they send, and says how it does.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use groma_deploy::InstallScript;
use groma_model::foreign::hex;
use groma_serve::{Authority, Config, Journal, Limits, Random, Serving};
use groma_source::{Clock, Stop, World};
use groma_wire::talk::ENROL_PORT;

use crate::command::Place;
use crate::programs::{AgentArgs, sums};
use crate::serve::StoreKeeper;
use crate::terminal::tell;
use crate::verbs::open_serving;

/// How long those who are in are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(20);
/// How long a batch waits for others, to be written and synced with them.
const COMPANY: Duration = Duration::from_millis(25);
const TICK: Duration = Duration::from_millis(200);
/// How often somebody looks whether others changed the store: every second.
const LOOK_TICKS: u32 = 5;
/// How often what agents said of themselves is kept: every three seconds.
const KEEP_TICKS: u32 = 15;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Where new agents are let in. Agents talk one port above it, operators two above it on this machine alone.
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), ENROL_PORT))]
    listen: SocketAddr,
    /// Where agents talk [default: one port above --listen].
    #[arg(long, value_name = "ADDRESS")]
    agents: Option<SocketAddr>,
    /// Where operators and their monitoring look; without TLS, so better on this machine [default: 127.0.0.1, two ports above --listen].
    #[arg(long, value_name = "ADDRESS")]
    operators: Option<SocketAddr>,
    /// A name or address people reach this collector by, for programs that look at names; agents do not. May be given several times.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    programs: AgentArgs,
    /// Directory of the authority that signs agents' certificates [default: `authority` within the data directory].
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,
    /// Packets a second that all vantages of the estate together may send to others.
    #[arg(long, value_name = "PACKETS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=200))]
    rate: u32,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    // Before any thread is started: threads wait for signals as the one that started them does.
    let stop = Stop::default();
    groma_sys::stop_on_signals(&stop);
    let authority = authority_at(place, arguments.authority.as_ref(), &world)?;
    let pin = hex(&authority.pin());
    let pages = pages(arguments, &authority)?;
    let (writer, reader) = (open_serving(place)?, open_serving(place)?);
    let limits = Limits {
        packets_per_second: arguments.rate,
        ..Limits::default()
    };
    let patience = match place.database() {
        None => COMPANY,
        Some(_) => Duration::ZERO,
    };
    let keeper = Arc::new(StoreKeeper::new(writer, reader, patience));
    let serving = Serving::begin(Config {
        enrolment: arguments.listen,
        agents: arguments
            .agents
            .unwrap_or_else(|| above(arguments.listen, 1)),
        operators: arguments.operators.unwrap_or_else(|| {
            above(
                SocketAddr::from(([127, 0, 0, 1], arguments.listen.port())),
                2,
            )
        }),
        names: arguments.names.clone(),
        authority,
        keeper: keeper.clone(),
        random: chance(&world),
        journal: journal(&world),
        limits,
        pages,
    })?;
    let at = serving.addresses();
    tell(&format!(
        "serving: agents are let in at {}, talk at {}; operators look at http://{}/health and /metrics; authority {pin}",
        at.enrolment, at.agents, at.operators
    ));
    let done = Arc::new(AtomicBool::new(false));
    let tending = {
        let (keeper, done, clock) = (keeper.clone(), done.clone(), world.clock.clone());
        std::thread::spawn(move || tend(&keeper, &done, &*clock))
    };
    while !stop.is_asked() {
        world.clock.sleep(TICK);
    }
    tell("stopping: nobody is let in any more; those who are in are answered");
    serving.end(FAREWELL);
    done.store(true, Ordering::Relaxed);
    let _ = tending.join();
    if let Err(error) = keeper.keep_heard() {
        tell(&format!("when agents were last heard is not kept: {error}"));
    }
    Ok(0)
}

/// Sees to what is remembered. On a thread of its own: whoever writes may have to be waited for.
fn tend(keeper: &StoreKeeper, done: &AtomicBool, clock: &dyn Clock) {
    for tick in 1_u32.. {
        clock.sleep(TICK);
        if done.load(Ordering::Relaxed) {
            return;
        }
        if tick.is_multiple_of(LOOK_TICKS) {
            keeper.look_after();
        }
        if tick.is_multiple_of(KEEP_TICKS) {
            // Whatever is in the way is in the way of batches too, and told by those.
            let _ = keeper.keep_heard();
        }
    }
}

/// What the enrolment listener hands out besides: the installer with the sums of the agents, and the agents. Nothing where there is no
/// agent to hand over.
fn pages(
    arguments: &Arguments,
    authority: &Authority,
) -> Result<Vec<(String, &'static str, Vec<u8>)>> {
    let agents = arguments.programs.read()?;
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let sums = sums(&agents);
    let pin = authority.server_pin_base64();
    let host = arguments.names.first().cloned().unwrap_or_else(own_name);
    let script = groma_deploy::install_script(&InstallScript {
        url: &format!("https://{host}:{}", arguments.listen.port()),
        pin: Some(&pin),
        sums: sums
            .iter()
            .map(|(machine, sum)| (*machine, sum.as_str()))
            .collect(),
        prefix: "",
    })?;
    let mut pages = vec![(
        "/install.sh".to_owned(),
        "text/x-shellscript",
        script.into_bytes(),
    )];
    for (machine, bytes) in agents {
        pages.push((
            format!("/install/groma-agent-{machine}"),
            "application/octet-stream",
            bytes,
        ));
    }
    Ok(pages)
}

fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = name.trim().chars().filter(plain).collect();
    match name.is_empty() {
        true => "localhost".to_owned(),
        false => name,
    }
}

/// The authority of this fleet, made at the first call.
pub(crate) fn authority_at(
    place: &Place,
    directory: Option<&PathBuf>,
    world: &World,
) -> Result<Authority> {
    let directory = directory.cloned();
    let directory = directory.unwrap_or_else(|| place.directory().join("authority"));
    Ok(Authority::open(&directory, world.clock.now())?)
}

/// The address some ports above another one; port 0 stays 0, for who lets the system choose.
fn above(address: SocketAddr, ports: u16) -> SocketAddr {
    let port = match address.port() {
        0 => 0,
        port => port.saturating_add(ports),
    };
    SocketAddr::new(address.ip(), port)
}

fn chance(world: &World) -> Arc<Random> {
    let randomness = world.randomness.clone();
    Arc::new(move |bytes| randomness.fill(bytes))
}

fn journal(world: &World) -> Journal {
    let clock = world.clock.clone();
    Journal::new(Box::new(std::io::stderr()), Box::new(move || clock.now()))
}
