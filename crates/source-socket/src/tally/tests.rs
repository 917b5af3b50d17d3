//! Made-up sockets, so that what a live machine shows only by luck is tested each time.

use super::*;
use crate::socket::{Phase, Rows};
use groma_source::testing::{FakeDisk, world};

struct Machine {
    sampler: Sampler,
    tally: Tally,
    sockets: Vec<Socket>,
}

impl Machine {
    fn new() -> Self {
        let world = world(FakeDisk::default().file("/etc/passwd", "app:x:500:500::/:/bin/false\n"));
        let tally = Tally::new(EphemeralPorts::default(), 100);
        Self {
            sampler: Sampler::new(world),
            tally,
            sockets: Vec::new(),
        }
    }

    fn program(&mut self, executable: &str, user: &str) -> Owner {
        let (executable, user) = (Some(executable.into()), Some(user.into()));
        Owner::Program(self.sampler.id_of(Program {
            executable,
            user,
            ..Program::default()
        }))
    }

    fn open(
        &mut self,
        phase: Phase,
        transport: Transport,
        local: (&str, u16),
        remote: (&str, u16),
        owner: Owner,
    ) {
        let orphan = owner == Owner::Nobody;
        let inode = if orphan {
            0
        } else {
            u32::try_from(self.sockets.len()).unwrap() + 1
        };
        let end = |(address, port): (&str, u16)| (address.parse::<IpAddr>().unwrap(), Port(port));
        let ((local, local_port), (remote, remote_port)) = (end(local), end(remote));
        self.sockets.push(Socket {
            transport,
            phase,
            local,
            local_port,
            remote,
            remote_port,
            uid: 500,
            inode,
            cookie: 0,
            only_v6: false,
            ended_ms: None,
        });
        if !orphan {
            self.sampler.learn(inode, owner);
        }
    }

    fn listen(&mut self, local: (&str, u16), owner: Owner) {
        self.open(
            Phase::Listening,
            Transport::Tcp,
            local,
            ("0.0.0.0", 0),
            owner,
        );
    }

    fn connect(&mut self, local: (&str, u16), remote: (&str, u16), owner: Owner) {
        self.open(Phase::Connected, Transport::Tcp, local, remote, owner);
    }

    fn sample(&mut self) {
        let places = [Transport::Tcp, Transport::Udp].map(|transport| {
            let sockets = self
                .sockets
                .iter()
                .filter(|s| s.transport == transport)
                .copied()
                .collect();
            let rows = Rows {
                sockets,
                ..Rows::default()
            };
            Place {
                namespace: "host".into(),
                room: None,
                transport,
                rows,
                missing: None,
            }
        });
        let sample = Sample {
            places: places.into(),
            ..Sample::default()
        };
        let now = Timestamp::from_seconds(i64::try_from(self.tally.samples).unwrap());
        self.tally.add(&sample, &mut self.sampler, now);
    }

    /// Facts as short lines: what a person would say.
    fn told(&self) -> Vec<String> {
        let who = |program: &Program| {
            let name = program.executable.clone().unwrap_or_else(|| "?".into());
            format!(
                "{name}({})",
                program.user.clone().unwrap_or_else(|| "?".into())
            )
        };
        let line = |observation: Observation| match observation.fact {
            Fact::Listener(l) => format!(
                "{} {}/{} by {} x{}",
                l.address,
                l.port,
                l.transport,
                who(&l.program),
                observation.seen.count
            ),
            Fact::Connection(c) => format!(
                "{:?} {} {}/{} by {} x{}",
                c.direction,
                c.remote,
                c.service_port,
                c.transport,
                who(&c.program),
                observation.seen.count
            ),
            other => panic!("{other:?}"),
        };
        self.tally
            .observations(&self.sampler)
            .into_iter()
            .map(line)
            .collect()
    }
}

#[test]
fn many_connections_alike_are_one_fact_counted_by_samples() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    for port in 40_000..40_050 {
        machine.connect(("10.0.0.5", port), ("10.0.0.9", 5432), app);
    }
    machine.sample();
    machine.sample();
    assert_eq!(
        machine.told(),
        ["Outgoing 10.0.0.9 5432/tcp by /opt/app(app) x2"]
    );
}

#[test]
fn a_connection_nobody_holds_any_more_still_counts() {
    let mut machine = Machine::new();
    let server = machine.program("/usr/sbin/ldapd", "ldap");
    machine.listen(("0.0.0.0", 389), server);
    machine.connect(("10.0.0.5", 389), ("10.0.0.7", 50_000), Owner::Nobody);
    machine.connect(("10.0.0.5", 40_000), ("10.0.0.9", 25), Owner::Nobody);
    machine.sample();
    assert_eq!(
        machine.told(),
        [
            "0.0.0.0 389/tcp by /usr/sbin/ldapd(ldap) x1",
            "Outgoing 10.0.0.9 25/tcp by ?(?) x1",
            "Incoming 10.0.0.7 389/tcp by /usr/sbin/ldapd(ldap) x1",
        ]
    );
}

#[test]
fn it_adds_nothing_beside_the_same_call_with_its_program() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    machine.connect(("10.0.0.5", 40_000), ("10.0.0.9", 25), Owner::Nobody);
    machine.connect(("10.0.0.5", 40_001), ("10.0.0.9", 25), app);
    machine.connect(("10.0.0.5", 40_002), ("10.0.0.9", 26), Owner::Nobody);
    machine.sample();
    assert_eq!(
        machine.told(),
        [
            "Outgoing 10.0.0.9 25/tcp by /opt/app(app) x1",
            "Outgoing 10.0.0.9 26/tcp by ?(?) x1"
        ]
    );
}

#[test]
fn what_the_machine_said_to_itself_counts_only_while_somebody_holds_it() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    machine.connect(("127.0.0.1", 40_000), ("127.0.0.1", 25), Owner::Nobody);
    machine.connect(("10.0.0.5", 40_000), ("10.0.0.5", 26), Owner::Nobody);
    machine.connect(("127.0.0.1", 40_001), ("127.0.0.1", 27), app);
    machine.sample();
    assert_eq!(
        machine.told(),
        ["Outgoing 127.0.0.1 27/tcp by /opt/app(app) x1"]
    );
}

#[test]
fn a_call_is_answered_by_the_service_not_by_the_worker_of_the_day() {
    let mut machine = Machine::new();
    let (master, worker, other) = (
        machine.program("/usr/sbin/nginx", "root"),
        machine.program("/usr/sbin/nginx", "www-data"),
        machine.program("/usr/sbin/in.ftpd", "root"),
    );
    machine.listen(("::", 443), master);
    machine.connect(("10.0.0.5", 443), ("10.0.0.7", 50_000), worker);
    machine.connect(("10.0.0.5", 443), ("10.0.0.8", 50_000), other);
    machine.sample();
    assert_eq!(
        machine.told(),
        [
            ":: 443/tcp by /usr/sbin/nginx(root) x1",
            "Incoming 10.0.0.7 443/tcp by /usr/sbin/nginx(root) x1",
            "Incoming 10.0.0.8 443/tcp by /usr/sbin/in.ftpd(root) x1",
        ]
    );
}

#[test]
fn our_own_calls_are_left_out_also_when_only_their_ghost_is_left() {
    let mut machine = Machine::new();
    let server = machine.program("/usr/sbin/nginx", "root");
    machine.listen(("0.0.0.0", 443), server);
    machine.connect(("10.0.0.5", 443), ("10.0.0.6", 40_000), server);
    machine.connect(("10.0.0.6", 40_000), ("10.0.0.5", 443), Owner::Ourselves);
    machine.sample();
    machine.sockets.truncate(1);
    machine.connect(("10.0.0.6", 40_000), ("10.0.0.5", 443), Owner::Nobody);
    machine.sample();
    assert_eq!(
        machine.told(),
        ["0.0.0.0 443/tcp by /usr/sbin/nginx(root) x2"]
    );
}

#[test]
fn a_query_socket_of_a_resolver_is_no_service_once_a_second_sample_misses_it() {
    let mut machine = Machine::new();
    let resolver = machine.program("/usr/sbin/dnsmasq", "dnsmasq");
    let nowhere = ("0.0.0.0", 0);
    machine.open(
        Phase::Unconnected,
        Transport::Udp,
        ("0.0.0.0", 53),
        nowhere,
        resolver,
    );
    machine.open(
        Phase::Unconnected,
        Transport::Udp,
        ("0.0.0.0", 9000),
        nowhere,
        resolver,
    );
    machine.open(
        Phase::Unconnected,
        Transport::Udp,
        ("0.0.0.0", 31_337),
        nowhere,
        resolver,
    );
    machine.sample();
    assert_eq!(machine.told().len(), 3);
    machine.sockets.truncate(2);
    machine.sample();
    assert_eq!(
        machine.told(),
        [
            "0.0.0.0 53/udp by /usr/sbin/dnsmasq(dnsmasq) x2",
            "0.0.0.0 9000/udp by /usr/sbin/dnsmasq(dnsmasq) x2"
        ]
    );
}

#[test]
fn a_hidden_program_is_told_by_its_account_and_makes_a_hole_of_one_port() {
    let mut machine = Machine::new();
    machine.listen(("0.0.0.0", 8080), Owner::Hidden);
    machine.sample();
    assert_eq!(machine.told(), ["0.0.0.0 8080/tcp by ?(app) x1"]);
    let quality = machine
        .tally
        .quality
        .get(&("host".to_owned(), Transport::Tcp))
        .unwrap();
    assert_eq!(quality.hidden_ports, BTreeSet::from([Port(8080)]));
    assert_eq!(machine.tally.hidden, 1);
}

#[test]
fn attempts_nobody_answered_are_no_connections() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    machine.open(
        Phase::Attempt,
        Transport::Tcp,
        ("10.0.0.5", 40_000),
        ("10.0.0.9", 25),
        app,
    );
    machine.sample();
    assert_eq!(machine.told(), [] as [String; 0]);
}

#[test]
fn the_order_of_the_sockets_does_not_matter_and_the_budget_holds() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    for last in 0..90 {
        machine.connect(("10.0.0.5", 40_000), (&format!("10.0.1.{last}"), 25), app);
    }
    machine.sample();
    let forward = machine.told();
    machine.tally = Tally::new(EphemeralPorts::default(), 100);
    machine.sockets.reverse();
    machine.sample();
    assert_eq!(machine.told(), forward);
    assert!(!machine.tally.cut);
    machine.tally = Tally::new(EphemeralPorts::default(), 10);
    machine.sample();
    assert_eq!((machine.told().len(), machine.tally.cut), (10, true));
}

#[test]
fn a_connection_that_is_over_was_used_when_it_ended() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    machine.connect(("10.0.0.5", 25), ("10.0.0.7", 50_000), Owner::Nobody);
    machine.connect(("10.0.0.5", 40_001), ("10.0.0.9", 25), app);
    let over = machine.sockets.first_mut().unwrap();
    over.ended_ms = Some(45_500);
    machine.tally.samples = 100;
    machine.sample();
    machine.tally.samples = 102;
    machine.sockets.first_mut().unwrap().ended_ms = Some(47_500);
    machine.sample();
    let seen: Vec<(i64, i64)> = machine
        .tally
        .observations(&machine.sampler)
        .iter()
        .map(|o| (o.seen.first.millis(), o.seen.last.millis()))
        .collect();
    // The one that is over, once; the living one as long as it was looked at.
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&(54_500, 54_500)), "{seen:?}");
    assert!(seen.contains(&(100_000, 102_000)), "{seen:?}");
}

#[test]
fn of_one_that_is_over_and_one_that_lives_the_living_one_tells_in_any_order() {
    for living_first in [false, true] {
        let mut machine = Machine::new();
        let app = machine.program("/opt/app", "app");
        machine.connect(("10.0.0.5", 40_000), ("10.0.0.9", 25), app);
        machine.connect(("10.0.0.5", 40_001), ("10.0.0.9", 25), app);
        machine.sockets.first_mut().unwrap().ended_ms = Some(45_500);
        if living_first {
            machine.sockets.reverse();
        }
        machine.tally.samples = 100;
        machine.sample();
        let told = machine.tally.observations(&machine.sampler);
        let seen = told.first().map(|o| o.seen).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((seen.first.millis(), seen.last.millis()), (54_500, 100_000));
        assert_eq!(seen.count, 1, "one sample");
    }
}

#[test]
fn where_the_kernel_keeps_ended_connections_for_another_time_nothing_tells_when_they_ended() {
    let mut machine = Machine::new();
    let app = machine.program("/opt/app", "app");
    machine.connect(("10.0.0.5", 40_000), ("10.0.0.9", 25), app);
    machine.sockets.first_mut().unwrap().ended_ms = Some(45_500);
    machine.tally = Tally::new(EphemeralPorts::default(), 100).with_ends(false);
    machine.tally.samples = 100;
    machine.sample();
    let told = machine.tally.observations(&machine.sampler);
    assert_eq!(told.first().map(|o| o.seen.last.millis()), Some(100_000));
}
