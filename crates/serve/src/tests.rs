//! A roll-over of the authority, with the agents' real way to a real collector over TLS; the days pass on a clock of our own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use groma_model::fleet::{AgentHost, AgentRecord, AgentStatus, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use groma_ship::{AddressesAlone, CollectorUrl, Identity, Key, Link, LinkError};
use groma_wire::Received;
use groma_wire::talk::{Beat, Beaten};
use groma_wire::token::Token;

use crate::{
    Authority, Config, Durable, Journal, KeepError, Keeper, Limits, Phase, Serving, Standing,
    prepare, retire, standing, switch,
};

const DAY: Duration = Duration::from_secs(86_400);
const DAWN_MS: i64 = 1_795_000_000_000;

/// A fleet in memory; every token is good.
#[derive(Default)]
struct Remembers(Mutex<BTreeMap<AgentId, AgentRecord>>);

impl Keeper for Remembers {
    fn enrol(
        &self,
        digest: &str,
        now: Timestamp,
        candidate: &mut dyn FnMut(&TokenRecord) -> AgentRecord,
    ) -> Result<Result<AgentRecord, RefusalWord>, KeepError> {
        let record = candidate(&TokenRecord {
            digest: digest.to_owned(),
            site: SiteId::new("north"),
            uses_max: 1,
            uses: 0,
            made_at: now,
            ends_at: now.plus(DAY),
            approve: false,
        });
        self.add_agent(&record)?;
        Ok(Ok(record))
    }
    fn agent(&self, _: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, KeepError> {
        Ok(self.0.lock().unwrap().get(agent).cloned())
    }
    fn add_agent(&self, agent: &AgentRecord) -> Result<(), KeepError> {
        let mut all = self.0.lock().unwrap();
        all.insert(agent.agent.clone(), agent.clone());
        Ok(())
    }
    fn change_agent(
        &self,
        _: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, KeepError> {
        let mut all = self.0.lock().unwrap();
        let found = all.get_mut(agent);
        Ok(found.map(|record| {
            change(record);
            record.clone()
        }))
    }
    fn policy(&self, _: &SiteId, _: &AgentId) -> Result<Policy, KeepError> {
        Ok(Policy::default())
    }
    fn lease(
        &self,
        _: &AgentId,
        _: u32,
        _: u32,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<u32, KeepError> {
        Ok(0)
    }
    fn keep(&self, _: Received) -> Result<Durable, KeepError> {
        Ok(Durable {
            again: false,
            keys: Vec::new(),
        })
    }
    fn is_ready(&self) -> bool {
        true
    }
    fn agents(&self) -> Result<Vec<AgentRecord>, KeepError> {
        Ok(self.0.lock().unwrap().values().cloned().collect())
    }
}

/// What a journal says, for everybody to read.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Said {
    fn lines(&self, event: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let word = format!("\"event\":\"{event}\"");
        let lines = text.lines().filter(|line| line.contains(&word));
        lines.map(str::to_owned).collect()
    }
}

/// A collector that serves on loopback.
struct Collector {
    home: tempfile::TempDir,
    serving: Option<Serving>,
    keeper: Arc<Remembers>,
    clock: Arc<AtomicI64>,
    said: Said,
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.end(Duration::from_secs(1));
        }
    }
}

impl Collector {
    fn begin() -> Self {
        Self::over(tempfile::tempdir().unwrap(), Duration::ZERO)
    }

    /// A collector over the authority that lies here, or is made so long ago.
    fn over(home: tempfile::TempDir, age: Duration) -> Self {
        Authority::open(home.path(), Timestamp::from_millis(DAWN_MS)).unwrap();
        let clock = Arc::new(AtomicI64::new(DAWN_MS));
        clock.fetch_add(i64::try_from(age.as_millis()).unwrap(), Ordering::Relaxed);
        let (keeper, said) = (Arc::new(Remembers::default()), Said::default());
        let hand = clock.clone();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let serving = Serving::begin(Config {
            enrolment: any,
            agents: any,
            operators: any,
            names: vec!["collector.corp.example".to_owned()],
            authority: Authority::read(home.path()).unwrap(),
            keeper: keeper.clone(),
            random: Arc::new(|bytes| {
                static NEXT: AtomicI64 = AtomicI64::new(1);
                let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                for (to, from) in bytes.iter_mut().zip(number.iter().cycle()) {
                    *to = *from;
                }
            }),
            journal: Journal::new(
                Box::new(said.clone()),
                Box::new(move || Timestamp::from_millis(hand.load(Ordering::Relaxed))),
            ),
            limits: Limits::default(),
            pages: Vec::new(),
        })
        .unwrap();
        Self {
            home,
            serving: Some(serving),
            keeper,
            clock,
            said,
        }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }

    fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Takes a step of the roll-over, and waits until the collector that serves has noticed.
    fn step(&self, step: impl FnOnce(&Path) -> Authority) -> Authority {
        let before = self.said.lines("authority-read").len();
        let authority = step(self.path());
        let end = Instant::now() + Duration::from_secs(20);
        while self.said.lines("authority-read").len() == before {
            assert!(Instant::now() < end, "the collector does not notice");
            std::thread::sleep(Duration::from_millis(50));
        }
        authority
    }

    fn prepare(&self) -> Authority {
        self.step(|path| prepare(path, self.now()).unwrap())
    }

    fn switch(&self) -> Authority {
        self.step(|path| switch(path, self.now()).unwrap())
    }

    fn retire(&self) -> Authority {
        self.step(|path| retire(path).unwrap())
    }

    fn standing(&self) -> Standing {
        let authority = Authority::read(self.path()).unwrap();
        standing(
            authority.roots(),
            &self.keeper.agents().unwrap(),
            self.now(),
        )
    }

    fn pin(&self) -> [u8; 32] {
        Authority::read(self.path()).unwrap().pin()
    }

    fn url(&self) -> CollectorUrl {
        let at = self.serving.as_ref().unwrap().addresses().enrolment;
        CollectorUrl::parse(&format!("https://{at}")).unwrap()
    }

    fn enrol(&self, pin: [u8; 32]) -> Result<Agent, LinkError> {
        let token = Token {
            secret: [7; 32],
            pin,
        };
        let key = Key::generate().unwrap();
        let identity = Link::enrol(
            &self.url(),
            &token,
            &key,
            AgentHost::default(),
            Arc::new(AddressesAlone),
        )?;
        Ok(Agent {
            identity,
            is_older: false,
        })
    }
}

/// An agent that does what the agent's program does with the answers it gets.
struct Agent {
    identity: Identity,
    /// Of before agents were told of authorities by their heartbeats.
    is_older: bool,
}

impl Agent {
    fn beat(&self) -> Result<Beaten, LinkError> {
        Link::of(&self.identity, Arc::new(AddressesAlone))?.beat(&Beat {
            run: 1,
            host: AgentHost::default(),
            status: AgentStatus {
                believes: match self.is_older {
                    true => Vec::new(),
                    false => self.identity.believes(),
                },
                ..AgentStatus::default()
            },
            policy: 0,
            now: Timestamp::from_millis(0),
        })
    }

    /// Says that it is there, and comes back first if its certificate lapsed.
    fn speak(&mut self, now: Timestamp) -> Result<(), LinkError> {
        if now >= self.identity.renew_at && now < self.identity.until {
            self.identity =
                Link::of(&self.identity, Arc::new(AddressesAlone))?.renew(&self.identity)?;
        }
        let beaten = match self.beat() {
            Err(LinkError::Lapsed(_)) => {
                self.identity =
                    Link::of(&self.identity, Arc::new(AddressesAlone))?.rejoin(&self.identity)?;
                self.beat()?
            }
            beaten => beaten?,
        };
        if let Some(authorities) = beaten.authorities {
            assert!(!self.is_older, "it would not understand");
            self.identity.authorities = authorities;
        }
        if beaten.renew && !self.is_older {
            self.identity =
                Link::of(&self.identity, Arc::new(AddressesAlone))?.renew(&self.identity)?;
        }
        Ok(())
    }
}

fn all_speak(agents: &mut [Agent], now: Timestamp) {
    for agent in agents {
        let said = agent.speak(now);
        assert!(said.is_ok(), "{said:?}");
    }
}

#[test]
fn of_a_hundred_agents_thirty_of_which_are_away_for_ninety_days_all_survive() {
    let collector = Collector::begin();
    let mut agents: Vec<Agent> = (0..100)
        .map(|number| Agent {
            is_older: number % 3 == 0,
            ..collector.enrol(collector.pin()).unwrap()
        })
        .collect();
    all_speak(&mut agents, collector.now());
    let (away, here) = agents.split_at_mut(30);
    // Ten leave before anything begins, ten when the next authority is announced, ten when it signs.
    collector.pass(DAY / 2);
    collector.prepare();
    all_speak(here, collector.now());
    all_speak(&mut away[10..], collector.now());
    collector.pass(DAY * 2);
    all_speak(here, collector.now());
    let standing = collector.standing();
    assert!(standing.behind.iter().all(|one| !one.soon), "{standing:?}");

    collector.switch();
    all_speak(&mut away[20..], collector.now());
    for _ in 0..3 {
        collector.pass(DAY / 2);
        all_speak(here, collector.now());
    }
    // The ten that left last took certificates of the new one with them.
    assert_eq!(collector.standing().behind.len(), 20);

    collector.pass(DAY * 88);
    all_speak(here, collector.now());
    all_speak(away, collector.now());
    assert_eq!(
        collector.standing(),
        Standing {
            agents: 100,
            behind: Vec::new()
        }
    );

    let retired = collector.retire();
    collector.pass(DAY / 2);
    all_speak(&mut agents, collector.now());
    let one = agents.last().unwrap();
    assert_eq!(one.identity.believes(), [retired.roots().present.pin()]);
}

#[test]
fn who_never_came_back_is_refused_after_the_end_in_a_clear_sentence() {
    let collector = Collector::begin();
    let (pin, of) = (collector.pin(), |agent: &Agent| agent.identity.clone());
    let knows_nothing = collector.enrol(pin).unwrap();
    let mut knows_both = collector.enrol(pin).unwrap();
    collector.prepare();
    knows_both.speak(collector.now()).unwrap();
    assert_eq!(knows_both.identity.believes().len(), 2);
    collector.switch();
    // An open connection outlives neither.
    let open = Link::of(&of(&knows_both), Arc::new(AddressesAlone)).unwrap();
    let beat = |link: &Link| {
        link.beat(&Beat {
            run: 1,
            host: AgentHost::default(),
            status: AgentStatus::default(),
            policy: 0,
            now: collector.now(),
        })
    };
    beat(&open).unwrap();
    assert_eq!(collector.standing().behind.len(), 2);
    collector.retire();
    let refused = beat(&open).unwrap_err();
    assert_eq!(refused.word(), Some(RefusalWord::NotEnrolled));
    assert!(
        refused.to_string().contains("was retired: enrol"),
        "{refused}"
    );

    let refused = knows_nothing.beat().unwrap_err();
    assert!(matches!(refused, LinkError::NotOurs(_)), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("its certificate is of another authority")
    );
    let refused = knows_both.speak(collector.now()).unwrap_err();
    assert!(matches!(refused, LinkError::Lapsed(_)), "{refused}");
    let says = refused.to_string();
    assert!(
        says.ends_with("enrol this machine again with a new token"),
        "{says}"
    );
}

#[test]
fn tokens_of_either_authority_let_in_until_the_former_is_retired() {
    let collector = Collector::begin();
    let former = collector.pin();
    collector.prepare();
    collector
        .enrol(former)
        .unwrap()
        .speak(collector.now())
        .unwrap();
    collector.switch();
    let present = collector.pin();
    for pin in [former, present] {
        let mut agent = collector.enrol(pin).unwrap();
        agent.speak(collector.now()).unwrap();
        assert_eq!(agent.identity.believes().len(), 2);
    }
    collector.retire();
    collector
        .enrol(present)
        .unwrap()
        .speak(collector.now())
        .unwrap();
    let refused = collector.enrol(former).err().unwrap();
    assert!(matches!(refused, LinkError::NotOurs(_)), "{refused}");
}

#[cfg(unix)]
#[test]
fn an_authority_of_the_first_make_is_replaced_too() {
    // It has the name that all had, and allows no step below it.
    let home = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = "groma fleet authority";
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let root = params.self_signed(&key).unwrap().pem();
    std::fs::write(home.path().join("authority.pem"), root).unwrap();
    let file = home.path().join("authority.key");
    std::fs::write(&file, key.serialize_pem()).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, private).unwrap();

    let collector = Collector::over(home, Duration::ZERO);
    let mut agent = collector.enrol(collector.pin()).unwrap();
    collector.prepare();
    collector.switch();
    collector.pass(DAY * 30);
    agent.speak(collector.now()).unwrap();
    assert_eq!(agent.identity.believes().len(), 2);
    collector.retire();
    agent.speak(collector.now()).unwrap();
}

#[test]
fn another_fleets_authority_is_believed_in_no_phase_by_either_side() {
    let (ours, theirs) = (Collector::begin(), Collector::begin());
    let agent = ours.enrol(ours.pin()).unwrap();
    let strays = |agent: &Agent| {
        let mut identity = agent.identity.clone();
        identity.collector = theirs.url().to_string();
        identity.agents_port = theirs.serving.as_ref().unwrap().addresses().agents.port();
        Agent {
            identity,
            is_older: false,
        }
    };
    let mut lured = strays(&agent);
    // Whom it believes was exchanged: what is left is that the collector does not believe it.
    lured.identity.authorities = theirs.enrol(theirs.pin()).unwrap().identity.authorities;
    for phase in [Phase::Alone, Phase::Prepared, Phase::Switched] {
        match phase {
            Phase::Alone => {}
            Phase::Prepared => drop(theirs.prepare()),
            Phase::Switched => drop(theirs.switch()),
        }
        let refused = strays(&agent).beat().unwrap_err();
        assert!(
            matches!(refused, LinkError::NotOurs(_)),
            "{phase:?}: {refused}"
        );
        let refused = lured.beat().unwrap_err();
        assert!(
            matches!(refused, LinkError::Lapsed(_)),
            "{phase:?}: {refused}"
        );
    }
}

#[test]
fn over_the_bridge_nobody_is_the_collector_but_the_collector() {
    let collector = Collector::begin();
    let former = collector.enrol(collector.pin()).unwrap();
    collector.prepare();
    let after = collector.switch();
    let insider = collector.enrol(after.pin()).unwrap();
    let pem = |text: &str| rustls_pki_types::pem::PemObject::from_pem_slice(text.as_bytes());
    // The rest of the chain as the collector shows it, behind a certificate that it made for an agent.
    let (mut chain, key) = after.server(&[], collector.now()).unwrap();
    let shown = |chain: Vec<_>, key| {
        let address = impostor(chain, key);
        let mut identity = former.identity.clone();
        identity.agents_port = address.port();
        Agent {
            identity,
            is_older: false,
        }
        .beat()
        .unwrap_err()
    };
    // The twin: the real certificate is believed over the bridge, and what fails comes after it.
    let real = shown(chain.clone(), key);
    assert!(matches!(real, LinkError::Unreachable(_)), "{real}");
    chain[0] = pem(&insider.identity.certificate).unwrap();
    let own = rustls_pki_types::pem::PemObject::from_pem_slice(insider.identity.key.as_bytes());
    let refused = shown(chain, own.unwrap());
    assert!(matches!(refused, LinkError::NotOurs(_)), "{refused}");
}

/// Somebody who shows this chain to one caller, and says nothing more.
fn impostor(
    chain: Vec<rustls_pki_types::CertificateDer<'static>>,
    key: rustls_pki_types::PrivateKeyDer<'static>,
) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = socket.accept().unwrap();
        let session = rustls::ServerConnection::new(Arc::new(settings)).unwrap();
        let mut session = rustls::StreamOwned::new(session, stream);
        let _ = session.read(&mut [0; 1024]);
    });
    address
}

#[test]
fn the_end_of_an_authority_is_told_once_a_day_and_locks_nobody_out() {
    let ten_years = Duration::from_secs(3650 * 86_400);
    let collector = Collector::over(tempfile::tempdir().unwrap(), ten_years - DAY * 20);
    let told = || collector.said.lines("authority-ends");
    let end = Instant::now() + Duration::from_secs(20);
    while told().is_empty() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(told().len(), 1);
    assert!(told()[0].contains("\"within_days\":\"30\""), "{:?}", told());
    assert!(told()[0].contains("groma authority prepare"));
    let mut agent = collector.enrol(collector.pin()).unwrap();
    collector.pass(DAY * 40);
    agent.speak(collector.now()).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while told().len() < 2 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    let young = Collector::begin();
    std::thread::sleep(Duration::from_secs(3));
    assert!(young.said.lines("authority-ends").is_empty());
    assert!(young.said.lines("authority-read").is_empty());
}
