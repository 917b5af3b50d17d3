//! `groma-agent run`: looks and ships until it is told to stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use groma_ship::{Identity, Link, LinkError};
use groma_source::{Stop, World};
use groma_spool::{Limits, LocalDir, Space, Spool};
use groma_wire::talk::{Beat, Beaten, Kept};

use super::home::Home;
use super::host::this_host;
use super::looking::Looker;
use super::shipping::{Common, Looked, Shipper, Way, fresh_epoch};
use crate::machine::collector_names;
use crate::sentinel::Asked;
use crate::state;

const TICK: Duration = Duration::from_millis(250);

#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// Bytes that batches may take on the disk while the collector is away, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(16..=4096))]
    spool_mib: u64,
    /// Bytes of that disk that always stay free, in MiB; a twentieth of it does in any case.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    keep_free_mib: u64,
    /// Look this often, as 1h, whatever the collector asks for.
    #[arg(long, value_name = "TIME", value_parser = crate::duration)]
    look_every: Option<Duration>,
    /// Stand sentinel at this address of a machine that is gone, all the time: 192.0.2.10, or with the ports that matter
    /// 192.0.2.10:25,443. Only as `sentinel` in /etc/groma/ceiling.toml allows, and once somebody put the address on this machine.
    /// May be given several times. Whoever knocks for the first time is told within a minute.
    #[arg(long = "sentinel", value_name = "ADDRESS[:PORT,…]", value_parser = Asked::parse)]
    sentinels: Vec<Asked>,
    /// Let every source look within this process, where none can be ended.
    #[arg(long, hide = true)]
    together: bool,
    /// Started by the service control manager, which says when to stop.
    #[cfg(windows)]
    #[arg(long, hide = true)]
    service: bool,
}

#[cfg(windows)]
impl RunArgs {
    /// True if the service control manager is to say when to stop.
    pub(crate) fn is_service(&self) -> bool {
        self.service
    }
}

/// Looks and ships until a signal says stop.
pub(crate) fn run(arguments: &RunArgs) -> Result<()> {
    let home = Home::at(state::directory());
    let Some(identity) = home.identity()? else {
        bail!(NOT_ENROLLED);
    };
    // Before any thread is started: threads wait for signals as the one that started them does.
    let stop = Stop::default();
    groma_sys::stop_on_signals(&stop);
    run_until(stop, arguments, home, identity)
}

/// Whoever is not enrolled has nobody to tell.
pub(super) const NOT_ENROLLED: &str =
    "this machine is not enrolled: groma-agent enroll --collector https://HOST --token-file FILE";

/// Looks and ships until `stop` is asked for.
pub(super) fn run_until(
    stop: Stop,
    arguments: &RunArgs,
    home: Home,
    identity: Identity,
) -> Result<()> {
    groma_sys::be_modest();
    let world = groma_sys::this_machine(true);
    crate::sentinel::permitted(&arguments.sentinels, &world)?;
    let (spool, lost) = opened_spool(&home, arguments, &world, &stop)?;
    for loss in &lost {
        crate::output::tell(&format!(
            "the spool lost something, and the collector is told: {loss}"
        ));
    }
    let common = Arc::new(Common {
        spool: Mutex::new(spool),
        identity: Mutex::new(identity.clone()),
        policy: Mutex::new(home.policy()),
        looked: Mutex::new(Looked::default()),
        clock: Mutex::new(None),
        run: fresh_epoch(&world),
        next_sequence: Mutex::new(1),
        ended: Mutex::new(BTreeMap::new()),
        keeping: Mutex::new(()),
    });
    let looker = Looker {
        common: common.clone(),
        home: home.clone(),
        world: world.clone(),
        stop: stop.clone(),
        apart: !arguments.together,
        every: arguments.look_every,
    };
    let standing = (!arguments.sentinels.is_empty())
        .then(|| stand(looker.clone(), arguments.sentinels.clone()))
        .transpose()?;
    let looking = std::thread::Builder::new()
        .name("groma-looks".to_owned())
        .spawn(move || looker.run())
        .context("begin to look")?;
    let way = RealWay {
        link: Link::of(&identity, collector_names())?,
    };
    ship(
        Shipper::new(way, world.clone(), home, common),
        &world,
        &stop,
    );
    // A look ends early when it is told to, and keeps what it has.
    let _ = looking.join();
    standing.map(JoinHandle::join);
    Ok(())
}

/// Stands sentinel beside the looks, on a thread of its own.
fn stand(looker: Looker, asked: Vec<Asked>) -> Result<JoinHandle<()>> {
    let named = std::thread::Builder::new().name("groma-stands".to_owned());
    named
        .spawn(move || looker.stand(&asked))
        .context("begin to stand sentinel")
}

fn ship(mut shipper: Shipper<RealWay>, world: &World, stop: &Stop) {
    while !stop.is_asked() {
        let waits = shipper.step().min(Shipper::<RealWay>::longest());
        let until = world.clock.monotonic().saturating_add(waits);
        while world.clock.monotonic() < until && !stop.is_asked() {
            let left = until.saturating_sub(world.clock.monotonic());
            world.clock.sleep(left.min(TICK));
        }
    }
}

/// The spool; tried again while its disk does not answer, since an agent that ends is an agent nobody hears of.
fn opened_spool(
    home: &Home,
    arguments: &RunArgs,
    world: &World,
    stop: &Stop,
) -> Result<(Spool, Vec<groma_spool::Loss>)> {
    let limits = Limits {
        bytes_max: arguments.spool_mib << 20,
        keep_free_bytes: arguments.keep_free_mib << 20,
        ..Limits::default()
    };
    let mut waits = Duration::from_secs(1);
    loop {
        let directory = home.spool();
        let measured = directory.clone();
        let space =
            move || groma_sys::space_at(&measured).map(|(bytes, free)| Space { bytes, free });
        let disk = LocalDir::open(&directory, Box::new(space))?;
        match Spool::open(Box::new(disk), limits) {
            Ok(opened) => return Ok(opened),
            Err(error) if stop.is_asked() => return Err(error.into()),
            Err(error) => crate::output::tell(&format!("{error}; trying again")),
        }
        world.clock.sleep(waits);
        waits = (waits * 2).min(Duration::from_secs(60));
    }
}

/// A link that can become another one's.
struct RealWay {
    link: Link,
}

impl Way for RealWay {
    fn beat(&mut self, beat: &Beat) -> Result<Beaten, LinkError> {
        self.link.beat(beat)
    }
    fn send(&mut self, run: u64, batch: &[u8], base: Option<&str>) -> Result<Kept, LinkError> {
        self.link.send(run, batch, base)
    }
    fn renew(&mut self, identity: &Identity) -> Result<Identity, LinkError> {
        self.link.renew(identity)
    }
    fn rejoin(&mut self, identity: &Identity) -> Result<Identity, LinkError> {
        self.link.rejoin(identity)
    }
    fn split(&mut self, run: u64) -> Result<Identity, LinkError> {
        self.link.split(run, this_host())
    }
    fn become_one(&mut self, identity: &Identity) -> Result<(), LinkError> {
        self.link = Link::of(identity, collector_names())?;
        Ok(())
    }
}
