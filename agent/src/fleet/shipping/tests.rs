use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::rc::Rc;

use groma_fuzz::Chance;
use groma_model::batch::Record;
use groma_model::{AgentId, Batch, SiteId, SourceName};
use groma_source::Randomness;
use groma_source::testing::{FakeDisk, world};
use groma_spool::testing::ModelDisk;
use groma_wire::against;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

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
struct Collector {
    away: bool,
    per_second: u64,
    /// What it has, and how often each was sent after it was kept.
    kept: BTreeMap<(AgentId, u64, u64), u64>,
    /// Requests in the second that is named.
    second: (u64, u64),
    asked: BTreeMap<u64, u64>,
    now_ms: u64,
    /// What the next requests are answered.
    says: VecDeque<RefusalWord>,
    beats: Vec<Beat>,
    renewals: u64,
    rejoins: u64,
    splits: u64,
    clock: Option<Timestamp>,
    /// Whom it says to believe.
    authorities: Option<String>,
    asks_to_renew: bool,
    /// The texts it takes batches against, if it is one that does.
    bases: Option<BTreeMap<AgentId, Vec<u8>>>,
    /// How many came as what is new in them, and how many whole.
    came: (u64, u64),
    /// How many answers get lost on the way.
    answers_lost: u64,
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
struct Made(Rc<RefCell<Collector>>, World, AgentId);

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

fn identity(number: u16) -> Identity {
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

struct Scene {
    world: World,
    collector: Rc<RefCell<Collector>>,
    home: tempfile::TempDir,
    /// How much each look says.
    records: u8,
}

fn scene() -> Scene {
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
    fn shipper(&self, number: u16) -> Shipper<Made> {
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
        };
        let way = Made(
            self.collector.clone(),
            self.world.clone(),
            identity(number).agent,
        );
        let home = Home::at(self.home.path().join(number.to_string()));
        Shipper::new(way, self.world.clone(), home, Arc::new(common))
    }

    fn look(&self, shipper: &Shipper<Made>, ended: Timestamp) {
        let common = &shipper.common;
        let sequence = *held(&common.next_sequence);
        let batch = self.batch(&held(&common.identity), (common.run, sequence), ended);
        held(&common.spool)
            .append(common.run, sequence, &encoded(&batch).unwrap())
            .unwrap();
        held(&common.ended).insert(sequence, self.world.clock.monotonic());
        *held(&common.next_sequence) = sequence + 1;
    }

    fn batch(&self, identity: &Identity, number: (u64, u64), ended: Timestamp) -> Batch {
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

    fn pass(&self, time: Duration) {
        if !time.is_zero() {
            self.world.clock.sleep(time);
        }
        self.collector.borrow_mut().now_ms = self.world.clock.monotonic().as_millis() as u64;
    }

    /// Steps until nothing waits any more, for at most `limit`.
    fn drain(&self, shipper: &mut Shipper<Made>, limit: Duration) {
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

#[test]
fn what_waits_arrives_once_each_and_in_order() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    for _ in 0..5 {
        scene.look(&shipper, scene.world.clock.now());
    }
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert_eq!(
        collector.kept.keys().map(|key| key.2).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert!(collector.kept.values().all(|times| *times == 1));
}

#[test]
fn whom_the_collector_names_is_believed_and_written_down_and_nonsense_is_neither() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let says = |words: &str| {
        scene.collector.borrow_mut().authorities = Some(words.to_owned());
    };
    says("one and the next");
    shipper.beat().unwrap();
    let believed = |shipper: &Shipper<Made>| {
        let running = held(&shipper.common.identity).authorities.clone();
        let written = shipper.home.identity().unwrap().unwrap();
        assert_eq!(running, written.authorities);
        running
    };
    assert_eq!(believed(&shipper), "one and the next");
    says("damaged");
    shipper.beat().unwrap();
    assert_eq!(believed(&shipper), "one and the next");
    assert!(shipper.trouble.is_some());
}

#[test]
fn a_certificate_is_renewed_when_the_collector_asks_and_not_over_and_over() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let renewals = |shipper: &mut Shipper<Made>, time: Duration| {
        let before = scene.collector.borrow().renewals;
        let end = scene.world.clock.monotonic() + time;
        while scene.world.clock.monotonic() < end {
            let waits = shipper.step();
            scene.pass(waits.max(Duration::from_millis(1)));
        }
        scene.collector.borrow().renewals - before
    };
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(renewals(&mut shipper, minutes(20)), 0);
    scene.collector.borrow_mut().asks_to_renew = true;
    assert_eq!(renewals(&mut shipper, minutes(4)), 1);
    assert!(renewals(&mut shipper, minutes(56)) <= 12);
    scene.collector.borrow_mut().asks_to_renew = false;
    renewals(&mut shipper, minutes(10));
    assert_eq!(renewals(&mut shipper, minutes(20)), 0);
}

#[test]
fn a_refusal_of_one_batch_is_told_in_its_place_and_holds_up_no_other() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene.look(&shipper, scene.world.clock.now());
    shipper.beat().unwrap();
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Malformed);
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    let own: Vec<u64> = collector
        .kept
        .keys()
        .filter(|key| key.1 == shipper.common.run)
        .map(|key| key.2)
        .collect();
    assert_eq!(
        (own, collector.kept.len()),
        (vec![2], 2),
        "the second batch, and a word about the first"
    );
}

#[test]
fn a_failing_way_makes_nobody_ask_for_a_certificate() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.collector.borrow_mut().away = true;
    scene.look(&shipper, scene.world.clock.now());
    for _ in 0..200 {
        let waits = shipper.step();
        scene.pass(waits);
    }
    let collector = scene.collector.borrow();
    assert_eq!(
        (collector.rejoins, collector.renewals, collector.splits),
        (0, 0, 0)
    );
}

#[test]
fn a_certificate_is_renewed_by_the_collectors_clock_and_not_by_ours() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let now = scene.world.clock.now();
    held(&shipper.common.identity).renew_at = Timestamp::from_seconds(5_000_000_000);
    shipper.step();
    assert_eq!(scene.collector.borrow().renewals, 0);
    scene.collector.borrow_mut().clock = Some(Timestamp::from_seconds(5_000_000_001));
    for _ in 0..100 {
        let waits = shipper.step();
        scene.pass(waits);
    }
    assert_eq!(
        scene.collector.borrow().renewals,
        1,
        "our own clock says {now}"
    );
}

#[test]
fn a_copy_takes_a_name_of_its_own_and_what_waited_travels_under_it() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Copy);
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert_eq!(collector.splits, 1);
    assert!(
        collector
            .kept
            .keys()
            .all(|key| key.0 == AgentId::from_random([99; 16])),
        "{:?}",
        collector.kept
    );
}

#[test]
fn a_number_that_stands_for_something_else_there_is_not_taken_for_ours() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    let (agent, run) = (identity(1).agent, shipper.common.run);
    scene.collector.borrow_mut().kept.insert((agent, run, 1), 1);
    scene.look(&shipper, scene.world.clock.now());
    scene.drain(&mut shipper, DAY);
    let collector = scene.collector.borrow();
    assert!(
        collector.kept.keys().any(|key| key.1 != run),
        "it went again under another number"
    );
}

#[test]
fn a_batch_of_a_clock_that_is_twenty_years_off_arrives_at_the_right_time() {
    for years in [-20_i64, 20] {
        let scene = scene();
        let mut shipper = scene.shipper(1);
        let away = years * 365 * 86_400_000;
        let right = |scene: &Scene| Timestamp::from_millis(scene.world.clock.now().millis() - away);
        let ended = right(&scene);
        scene.look(&shipper, scene.world.clock.now());
        scene.pass(Duration::from_secs(3600));
        scene.collector.borrow_mut().clock = Some(right(&scene));
        shipper.beat().unwrap();
        let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
        let bytes = shipper.travelling(&frame).unwrap();
        let batch = groma_wire::decode(&mut bytes.as_slice(), &Limits::network()).unwrap();
        let off = ended.millis() - batch.header.ended.millis();
        assert!(
            off.abs() < 1000,
            "{off} ms off with a clock {years} years away"
        );
    }
}

#[test]
fn who_is_revoked_asks_once_an_hour_and_sends_nothing() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    scene.look(&shipper, scene.world.clock.now());
    scene
        .collector
        .borrow_mut()
        .says
        .extend([RefusalWord::Revoked; 24]);
    let mut waited = Duration::ZERO;
    for _ in 0..24 {
        let waits = shipper.step();
        waited += waits;
        scene.pass(waits);
    }
    assert!(waited >= Duration::from_secs(23 * 3600), "{waited:?}");
    assert!(scene.collector.borrow().kept.is_empty());
}

#[test]
fn a_machine_that_slept_keeps_its_own_sound_moments() {
    let scene = scene();
    let mut shipper = scene.shipper(1);
    // The look ended fourteen hours ago by both walls' clocks; the clock that only goes forward stood still meanwhile.
    let ended = Timestamp::from_millis(scene.world.clock.now().millis() - 14 * 3_600_000);
    scene.look(&shipper, ended);
    shipper.beat().unwrap();
    let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
    let bytes = shipper.travelling(&frame).unwrap();
    let batch = groma_wire::decode(&mut bytes.as_slice(), &Limits::network()).unwrap();
    assert_eq!(batch.header.ended, ended);
}

#[test]
fn what_the_first_machine_saw_is_not_sent_as_the_copys_own() {
    let scene = scene();
    let mut shipper = scene.shipper(2);
    held(&shipper.common.identity).copied_from = Some(identity(1).agent);
    let before = scene.batch(&identity(1), (777, 1), scene.world.clock.now());
    let bytes = encoded(&before).unwrap();
    held(&shipper.common.spool).append(777, 1, &bytes).unwrap();
    let frame = held(&shipper.common.spool).oldest().unwrap().unwrap();
    shipper.beat().unwrap();
    let sent = shipper.travelling(&frame).unwrap();
    let sent = groma_wire::decode(&mut sent.as_slice(), &Limits::network()).unwrap();
    assert!(is_telling(&sent.header), "a gap stands in its place");
    assert_eq!(sent.header.agent, identity(2).agent);
}

/// A collector that takes batches against the ones before, and an agent that looked so often.
fn scene_with_bases(looks: usize) -> (Scene, Shipper<Made>) {
    let mut scene = scene();
    scene.records = 100;
    scene.collector.borrow_mut().bases = Some(BTreeMap::new());
    let shipper = scene.shipper(1);
    for _ in 0..looks {
        scene.pass(Duration::from_secs(1));
        scene.look(&shipper, scene.world.clock.now());
    }
    (scene, shipper)
}

/// Every batch arrived once; how many came as what is new in them, and how many whole.
fn came(scene: &Scene, looks: usize) -> (u64, u64) {
    let collector = scene.collector.borrow();
    let numbers: Vec<u64> = collector.kept.keys().map(|key| key.2).collect();
    assert_eq!(numbers, (1..=looks as u64).collect::<Vec<_>>());
    collector.came
}

#[test]
fn from_the_second_on_only_what_is_new_is_sent() {
    let (scene, mut shipper) = scene_with_bases(4);
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (3, 1));
    assert!(
        scene
            .collector
            .borrow()
            .kept
            .values()
            .all(|times| *times == 1)
    );
}

#[test]
fn a_collector_that_never_said_so_is_sent_whole_batches() {
    let (scene, mut shipper) = scene_with_bases(4);
    scene.collector.borrow_mut().bases = None;
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (0, 4));
}

#[test]
fn a_collector_that_forgot_is_sent_the_whole_batch_at_once() {
    let (scene, mut shipper) = scene_with_bases(4);
    shipper.step();
    // It was started again: it has what it kept, and remembers nothing.
    scene.collector.borrow_mut().bases = Some(BTreeMap::new());
    let begun = scene.world.clock.monotonic();
    let waits = shipper.step();
    assert!(waits < Duration::from_millis(10), "{waits:?}");
    assert_eq!(scene.world.clock.monotonic(), begun);
    assert_eq!(shipper.trouble, None);
    assert_eq!(scene.collector.borrow().came, (0, 2));
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 4), (2, 2));
    assert!(
        scene
            .collector
            .borrow()
            .kept
            .values()
            .all(|times| *times == 1)
    );
}

#[test]
fn what_was_not_acknowledged_is_no_base() {
    let (scene, mut shipper) = scene_with_bases(3);
    shipper.step();
    scene.collector.borrow_mut().answers_lost = 1;
    shipper.step();
    assert!(shipper.trouble.is_some());
    // The collector has the second batch and takes it for the base; we do not know that, and the second goes again, whole.
    scene.drain(&mut shipper, DAY);
    assert_eq!(came(&scene, 3), (2, 2));
    let kept: Vec<u64> = scene.collector.borrow().kept.values().copied().collect();
    assert_eq!(kept, [1, 2, 1]);
}

#[test]
fn a_refusal_of_what_is_new_is_no_refusal_of_the_batch() {
    for word in [RefusalWord::Malformed, RefusalWord::TooLarge] {
        let (scene, mut shipper) = scene_with_bases(2);
        shipper.step();
        scene.collector.borrow_mut().says.push_back(word);
        scene.drain(&mut shipper, DAY);
        assert_eq!(came(&scene, 2), (0, 2), "{word:?}");
    }
}

#[test]
fn a_copy_writes_against_nothing_of_the_first_machine() {
    let (scene, mut shipper) = scene_with_bases(2);
    shipper.step();
    scene
        .collector
        .borrow_mut()
        .says
        .push_back(RefusalWord::Copy);
    scene.drain(&mut shipper, DAY);
    assert_eq!(scene.collector.borrow().came, (0, 2));
}

/// Seven days without a collector, a look every six hours, and a thousand agents come back to one that takes 50 requests a second.
#[test]
fn a_thousand_agents_come_back_after_seven_days_without_a_storm() {
    let scene = scene();
    let many: u16 = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        1000
    } else {
        100
    };
    let capacity = u64::from(many) / 20; // a twentieth of them a second
    scene.collector.borrow_mut().away = true;
    scene.collector.borrow_mut().per_second = capacity;
    let mut shippers: Vec<Shipper<Made>> = (0..many).map(|number| scene.shipper(number)).collect();
    let mut due: BinaryHeap<Reverse<(Duration, usize)>> = (0..shippers.len())
        .map(|index| Reverse((Duration::ZERO, index)))
        .collect();
    let (week, mut looked) = (DAY * 7, Duration::ZERO);
    let looks = 28;
    let mut returned = None;
    while let Some(Reverse((at, index))) = due.pop() {
        scene.pass(at.saturating_sub(scene.world.clock.monotonic()));
        if looked < week && at >= looked {
            shippers
                .iter()
                .for_each(|shipper| scene.look(shipper, scene.world.clock.now()));
            looked += DAY / 4;
        }
        if at >= week && returned.is_none() {
            scene.collector.borrow_mut().away = false;
            returned = Some(at.as_secs());
        }
        let waits = shippers[index].step().max(Duration::from_millis(20));
        let is_done =
            returned.is_some() && held(&shippers[index].common.spool).status().frames == 0;
        if !is_done {
            due.push(Reverse((at + waits, index)));
        }
    }
    let collector = scene.collector.borrow();
    assert_eq!(
        collector.kept.len(),
        usize::from(many) * looks,
        "everything arrived"
    );
    assert!(collector.kept.values().all(|times| *times == 1));
    assert_eq!((collector.rejoins, collector.splits), (0, 0));
    let returned = returned.unwrap();
    let (mut peak, mut end) = (0, returned);
    for (second, asked) in collector.asked.range(returned..) {
        // Over ten seconds: a second alone says little.
        let ten: u64 = collector
            .asked
            .range(*second..second + 10)
            .map(|(_, asked)| asked)
            .sum();
        peak = peak.max(ten / 10);
        end = end.max(*second);
        let _ = asked;
    }
    eprintln!(
        "{many} agents, {looks} batches each, {capacity} requests a second: drained in {} s, at most {peak} requests a second",
        end - returned
    );
    assert!(
        peak <= 2 * capacity,
        "{peak} requests a second were offered to a collector of {capacity}"
    );
    let away: u64 = collector
        .asked
        .range(..returned)
        .map(|(_, asked)| asked)
        .sum();
    let per_agent_and_hour = away / u64::from(many) / (7 * 24);
    assert!(
        per_agent_and_hour <= 40,
        "{per_agent_and_hour} tries an hour while nobody is there"
    );
}
