//! A collector that is made up, and an agent that ships to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use groma_fuzz::Chance;
use groma_model::batch::Record;
use groma_model::{AgentId, Batch, SiteId, SourceName};
use groma_source::Randomness;
use groma_source::testing::{FakeDisk, world};
use groma_spool::testing::ModelDisk;
use groma_wire::against;

use super::super::*;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Chance that is spread out, and the same each time.
struct Spread(Mutex<Chance>);

impl Randomness for Spread {
    fn fill(&self, bytes: &mut [u8]) {
        let mut chance = held(&self.0);
        bytes
            .iter_mut()
            .for_each(|byte| *byte = chance.below(256) as u8);
    }
}

/// A collector of so many batches a second, which may be away.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) away: bool,
    pub(super) per_second: u64,
    /// What it has, and how often each was sent after it was kept.
    pub(super) kept: BTreeMap<(AgentId, u64, u64), u64>,
    /// Requests in the second that is named.
    pub(super) second: (u64, u64),
    pub(super) asked: BTreeMap<u64, u64>,
    pub(super) now_ms: u64,
    /// What the next requests are answered.
    pub(super) says: VecDeque<RefusalWord>,
    pub(super) beats: Vec<Beat>,
    pub(super) renewals: u64,
    pub(super) rejoins: u64,
    pub(super) splits: u64,
    pub(super) clock: Option<Timestamp>,
    /// Whom it says to believe.
    pub(super) authorities: Option<String>,
    pub(super) asks_to_renew: bool,
    /// The texts it takes batches against, if it is one that does.
    pub(super) bases: Option<BTreeMap<AgentId, Vec<u8>>>,
    /// How many came as what is new in them, and how many whole.
    pub(super) came: (u64, u64),
    /// How many answers get lost on the way.
    pub(super) answers_lost: u64,
}

impl Collector {
    /// The batch as it would have come whole.
    fn whole(
        &mut self,
        agent: &AgentId,
        batch: &[u8],
        base: Option<&str>,
    ) -> Result<Vec<u8>, LinkError> {
        let Some(name) = base else {
            self.came.1 += 1;
            return Ok(batch.to_vec());
        };
        let known = self.bases.as_ref().and_then(|bases| bases.get(agent));
        let known = known.filter(|text| against::name_of(text) == name);
        let known = known.ok_or(refused(RefusalWord::UnknownBase))?;
        let text = against::read(batch, known, &Limits::network()).unwrap();
        self.came.0 += 1;
        Ok(against::packed(&text).unwrap())
    }

    fn ask(&mut self) -> Result<(), LinkError> {
        let second = self.now_ms / 1000;
        *self.asked.entry(second).or_default() += 1;
        if self.away {
            return Err(LinkError::Unreachable("refused".to_owned()));
        }
        if let Some(word) = self.says.pop_front() {
            return Err(refused(word));
        }
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        match self.second.1 > self.per_second {
            true => Err(refused(RefusalWord::Busy)),
            false => Ok(()),
        }
    }
}

fn refused(word: RefusalWord) -> LinkError {
    let wait = (word == RefusalWord::Busy).then_some(Duration::from_secs(5));
    LinkError::Refused {
        word,
        says: "no".to_owned(),
        wait,
    }
}

#[derive(Clone)]
pub(super) struct Made(Rc<RefCell<Collector>>, World, AgentId);

impl Way for Made {
    fn beat(&mut self, beat: &Beat) -> Result<Beaten, LinkError> {
        let mut collector = self.0.borrow_mut();
        collector.ask()?;
        collector.beats.push(beat.clone());
        let now = collector.clock.unwrap_or_else(|| self.1.clock.now());
        Ok(Beaten {
            takes: true,
            because: None,
            policy: None,
            authorities: collector.authorities.clone(),
            renew: collector.asks_to_renew,
            now,
        })
    }
    fn send(&mut self, _: u64, batch: &[u8], base: Option<&str>) -> Result<Kept, LinkError> {
        let mut collector = self.0.borrow_mut();
        collector.ask()?;
        let whole = collector.whole(&self.2, batch, base)?;
        let batch = groma_wire::decode(&mut &*whole, &Limits::network()).unwrap();
        let header = batch.header;
        let is_base = collector.bases.is_some();
        if let Some(bases) = &mut collector.bases {
            bases.insert(header.agent.clone(), against::text_of(&whole).unwrap());
        }
        let times = collector
            .kept
            .entry((header.agent, header.epoch, header.sequence))
            .or_default();
        *times += 1;
        let again = *times > 1;
        if collector.answers_lost > 0 {
            collector.answers_lost -= 1;
            return Err(LinkError::Unreachable("the answer broke off".to_owned()));
        }
        Ok(Kept {
            epoch: header.epoch,
            sequence: header.sequence,
            again,
            base: is_base,
        })
    }
    fn renew(&mut self, identity: &Identity) -> Result<Identity, LinkError> {
        self.0.borrow_mut().renewals += 1;
        Ok(next(identity))
    }
    fn rejoin(&mut self, identity: &Identity) -> Result<Identity, LinkError> {
        self.0.borrow_mut().rejoins += 1;
        Ok(next(identity))
    }
    fn split(&mut self, _: u64) -> Result<Identity, LinkError> {
        self.0.borrow_mut().splits += 1;
        Ok(Identity {
            agent: AgentId::from_random([99; 16]),
            ..identity(0)
        })
    }
    fn become_one(&mut self, identity: &Identity) -> Result<(), LinkError> {
        if identity.authorities == "damaged" {
            return Err(LinkError::Identity("damaged".to_owned()));
        }
        self.2 = identity.agent.clone();
        Ok(())
    }
}

fn next(identity: &Identity) -> Identity {
    Identity {
        renew_at: identity.renew_at.plus(DAY),
        generation: identity.generation + 1,
        ..identity.clone()
    }
}

pub(super) fn identity(number: u16) -> Identity {
    let mut bits = [0; 16];
    bits[..2].copy_from_slice(&number.to_be_bytes());
    Identity {
        agent: AgentId::from_random(bits),
        site: SiteId::default(),
        copied_from: None,
        collector: "https://c".to_owned(),
        agents_port: 1,
        generation: 1,
        renew_at: Timestamp::from_seconds(4_000_000_000),
        until: Timestamp::from_seconds(4_000_000_000),
        key: String::new(),
        certificate: String::new(),
        authorities: String::new(),
    }
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) collector: Rc<RefCell<Collector>>,
    pub(super) home: tempfile::TempDir,
    /// How much each look says.
    pub(super) records: u8,
}

pub(super) fn scene() -> Scene {
    let mut world = world(FakeDisk::new());
    world.randomness = std::sync::Arc::new(Spread(Mutex::new(Chance::new(7))));
    let collector = Rc::new(RefCell::new(Collector {
        per_second: 1000,
        ..Collector::default()
    }));
    Scene {
        world,
        collector,
        home: in_memory(),
        records: 0,
    }
}

/// A week writes its state ten thousand times; where there is a disk in memory, there.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

impl Scene {
    pub(super) fn shipper(&self, number: u16) -> Shipper<Made> {
        let limits = groma_spool::Limits {
            keep_free_bytes: 0,
            keep_free_percent: 0,
            ..groma_spool::Limits::default()
        };
        let (spool, _) = Spool::open(Box::new(ModelDisk::new()), limits).unwrap();
        let common = Common {
            spool: Mutex::new(spool),
            identity: Mutex::new(identity(number)),
            policy: Mutex::new(Policy::default()),
            looked: Mutex::new(Looked::default()),
            clock: Mutex::new(None),
            run: fresh_epoch(&self.world),
            next_sequence: Mutex::new(1),
            ended: Mutex::new(BTreeMap::new()),
            keeping: Mutex::new(()),
        };
        let way = Made(
            self.collector.clone(),
            self.world.clone(),
            identity(number).agent,
        );
        let home = Home::at(self.home.path().join(number.to_string()));
        Shipper::new(way, self.world.clone(), home, Arc::new(common))
    }

    pub(super) fn look(&self, shipper: &Shipper<Made>, ended: Timestamp) {
        let common = &shipper.common;
        let sequence = *held(&common.next_sequence);
        let batch = self.batch(&held(&common.identity), (common.run, sequence), ended);
        held(&common.spool)
            .append(common.run, sequence, &encoded(&batch).unwrap())
            .unwrap();
        held(&common.ended).insert(sequence, self.world.clock.monotonic());
        *held(&common.next_sequence) = sequence + 1;
    }

    pub(super) fn batch(&self, identity: &Identity, number: (u64, u64), ended: Timestamp) -> Batch {
        let mut batch = telling(identity, number, ended, gap_of_refused(None, "an example"));
        batch.header.sources = vec![SourceName::new("host.system")];
        let one = batch.records.remove(0);
        let of = |n: u8| Record {
            source: SourceName::new(format!("host.example-{:x}", n.wrapping_mul(151))),
            ..one.clone()
        };
        batch.records = (0..self.records).map(of).collect();
        batch
    }

    pub(super) fn pass(&self, time: Duration) {
        if !time.is_zero() {
            self.world.clock.sleep(time);
        }
        self.collector.borrow_mut().now_ms = self.world.clock.monotonic().as_millis() as u64;
    }

    /// Steps until nothing waits any more, for at most `limit`.
    pub(super) fn drain(&self, shipper: &mut Shipper<Made>, limit: Duration) {
        let end = self.world.clock.monotonic() + limit;
        while held(&shipper.common.spool).status().frames > 0 && self.world.clock.monotonic() < end
        {
            let waits = shipper.step();
            self.pass(waits.max(Duration::from_millis(1)));
        }
        assert_eq!(
            held(&shipper.common.spool).status().frames,
            0,
            "{:?}",
            shipper.trouble
        );
    }
}
