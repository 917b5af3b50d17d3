//! What a child may do to its parent, tried for real: it panics, overflows its stack, eats memory, floods, hangs,
//! is killed, and tries to write, to run and to call. Each costs one source one gap, and never a hang.
//!
//! This is a program of its own (`harness = false`), because it starts itself again as the agent does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program of its own"
)]

use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use groma_agent::apart::{Group, Sight, Silence, Wish, look};
use groma_agent::{LookRequest, Quiet};
use groma_model::batch::{Record, Said};
use groma_model::fact::Measurement;
use groma_model::{AgentId, CoverageState, Fact, Gap, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Stop, Window, World};
use groma_sys::SystemClock;

/// A source that does one thing to whoever runs it.
struct Does {
    name: &'static str,
    what: fn(&Window, &mut dyn Sink),
    world: World,
}

impl Source for Does {
    fn name(&self) -> SourceName {
        SourceName::new(self.name)
    }
    fn explain(&self) -> Explanation {
        Explanation::default()
    }
    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let scope = Scope::new("test", self.name);
        sink.saw_now(window, &scope, said(1.0));
        sink.covered_now(window, &scope, CoverageState::Complete);
        let _ = self.world.disk.metadata(Path::new("/"));
        // What was said is on its way before anything happens.
        std::thread::sleep(Duration::from_millis(300));
        (self.what)(window, sink);
        sink.saw_now(window, &scope, said(2.0));
    }
}

fn said(value: f64) -> Fact {
    Fact::Measurement(Measurement {
        metric: "said".into(),
        subject: "test".into(),
        value,
    })
}

type Deed = (&'static str, fn(&Window, &mut dyn Sink));

const DEEDS: &[Deed] = &[
    ("behaves", |_, _| {}),
    ("panics", |_, _| {
        panic!("with the password hunter2 in its message")
    }),
    ("overflows", |_, _| println!("{}", deeper(1))),
    ("aborts", |_, _| std::process::abort()),
    ("exits", |_, _| std::process::exit(0)),
    ("eats", |_, _| {
        let mut all = Vec::new();
        loop {
            all.push(vec![7_u8; 16 << 20]);
        }
    }),
    ("floods", |window, sink| {
        loop {
            sink.saw_now(window, &Scope::new("test", "flood"), said(3.0));
        }
    }),
    ("babbles", |_, _| {
        let long = vec![b'x'; 64 << 10];
        while std::io::stdout().write_all(&long).is_ok() {}
    }),
    ("hangs", |_, _| std::thread::sleep(Duration::from_secs(600))),
    ("spins", |_, _| {
        loop {
            std::hint::black_box(0);
        }
    }),
    ("writes", |_, _| attempt_everything()),
    ("reaches", |_, _| {
        let run = std::process::Command::new("/bin/true").status();
        let call = std::net::TcpListener::bind("127.0.0.1:0");
        let ask = std::os::unix::net::UnixStream::pair();
        assert!(run.is_err() && call.is_err() && ask.is_err());
    }),
];

fn deeper(depth: u64) -> u64 {
    let space = std::hint::black_box([depth; 512]);
    if depth == u64::MAX {
        return 0;
    }
    deeper(depth + 1) + space[1]
}

/// Nothing of this may succeed in a child; what does, fails the source.
fn attempt_everything() {
    let here = std::env::temp_dir();
    let forbidden = [
        (
            "make a file",
            fs::write(here.join("groma-made"), "x").is_ok(),
        ),
        (
            "change a file",
            fs::OpenOptions::new().write(true).open("/dev/null").is_ok(),
        ),
        (
            "make a directory",
            fs::create_dir(here.join("groma-made.d")).is_ok(),
        ),
        (
            "remove",
            fs::remove_file("/nonexistent").err().map(|e| e.kind())
                == Some(std::io::ErrorKind::NotFound),
        ),
        (
            "run",
            std::process::Command::new("/bin/true").status().is_ok(),
        ),
        (
            "call",
            std::net::TcpStream::connect("127.0.0.1:9")
                .err()
                .map(|e| e.kind())
                == Some(std::io::ErrorKind::ConnectionRefused),
        ),
        ("listen", std::net::TcpListener::bind("127.0.0.1:0").is_ok()),
        ("send", std::net::UdpSocket::bind("127.0.0.1:0").is_ok()),
        (
            "ask a daemon",
            std::os::unix::net::UnixStream::pair().is_ok(),
        ),
        ("keep surroundings", std::env::vars_os().next().is_some()),
    ];
    for (what, could) in forbidden {
        assert!(!could, "a child could {what}");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 10, "{open} descriptors are open");
}

fn sources(world: &World, _: &Wish) -> Vec<Box<dyn Source>> {
    let one = |(name, what): &Deed| {
        let world = world.clone();
        Box::new(Does {
            name,
            what: *what,
            world,
        }) as Box<dyn Source>
    };
    DEEDS.iter().map(one).collect()
}

fn request(limit: Duration) -> LookRequest {
    let mut request = LookRequest::new(AgentId::from_random([7; 16]), Duration::ZERO);
    request.source_limit = limit;
    request.budget.observations_max = 10_000;
    request
}

struct Heard {
    said: Vec<(SourceName, Vec<Record>)>,
    took: Duration,
}

fn heard(names: &[&'static str], limit: Duration) -> Heard {
    heard_with(names, Sight::Files, limit)
}

fn heard_with(names: &[&'static str], sight: Sight, limit: Duration) -> Heard {
    let request = request(limit);
    let clock = Arc::new(SystemClock::default());
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(60),
    );
    let begin = Instant::now();
    let outcome = look(Group {
        sources: names.iter().map(|n| SourceName::new(*n)).collect(),
        sight,
        source_limit: limit,
        spellings: &[],
        offline: true,
        silence: &Silence::default(),
        window: &window,
        request: &request,
        progress: &Quiet,
    });
    assert!(!outcome.impossible, "this program starts itself again");
    Heard {
        said: outcome.said,
        took: begin.elapsed(),
    }
}

impl Heard {
    fn of(&self, name: &str) -> &[Record] {
        let found = self.said.iter().find(|(n, _)| n.as_str() == name);
        &found
            .unwrap_or_else(|| panic!("nothing was heard of {name}"))
            .1
    }
    fn gaps(&self, name: &str) -> Vec<&Gap> {
        let all = self.of(name).iter();
        all.filter_map(|r| match &r.said {
            Said::Missed(gap) => Some(gap),
            _ => None,
        })
        .collect()
    }
    /// What a source that ruined its child leaves: what it said before, no coverage, and one gap.
    fn ruined(&self, name: &str) -> &Gap {
        let records = self.of(name);
        assert!(
            matches!(records[0].said, Said::Saw(_)),
            "{name} lost what it had said"
        );
        assert!(
            !records.iter().any(|r| matches!(r.said, Said::Covered(_))),
            "{name} keeps its coverage"
        );
        let gaps = self.gaps(name);
        assert_eq!(gaps.len(), 1, "{name}: {gaps:?}");
        assert_eq!(gaps[0].scope, Scope::new("source", name));
        gaps[0]
    }
    fn behaved(&self) {
        assert_eq!(self.of("behaves").len(), 3);
        assert!(self.gaps("behaves").is_empty());
    }
}

const LIMIT: Duration = Duration::from_secs(20);

fn a_source_that_behaves_is_heard_completely() {
    heard(&["behaves"], LIMIT).behaved();
}

fn a_source_behind_one_that_dies_looks_in_another_child() {
    let heard = heard(&["aborts", "behaves"], LIMIT);
    assert!(heard.ruined("aborts").what.contains("failed inside"));
    heard.behaved();
}

fn a_panic_costs_one_gap_that_names_the_place_and_not_the_message() {
    let heard = heard(&["panics", "behaves"], LIMIT);
    let gap = heard.ruined("panics");
    assert!(gap.what.contains("apart.rs:"), "{gap:?}");
    assert!(!format!("{gap:?}").contains("hunter2"), "{gap:?}");
    heard.behaved();
}

fn a_stack_that_overflows_is_one_gap() {
    let heard = heard(&["overflows"], LIMIT);
    assert!(heard.ruined("overflows").what.contains("failed inside"));
}

fn a_child_that_ends_without_a_word_is_one_gap() {
    assert!(
        heard(&["exits"], LIMIT)
            .ruined("exits")
            .what
            .contains("exit code 0")
    );
}

fn memory_ends_at_the_limit_of_the_child_and_not_of_the_machine() {
    let heard = heard(&["eats", "behaves"], LIMIT);
    assert!(heard.ruined("eats").what.contains("no memory"));
    heard.behaved();
}

fn a_flood_ends_at_its_budget() {
    let heard = heard(&["floods", "behaves"], LIMIT);
    assert_eq!(heard.ruined("floods").reason, Reason::BudgetExhausted);
    assert!(heard.of("floods").len() <= 30_001);
    heard.behaved();
}

fn babble_is_not_believed() {
    let heard = heard(&["babbles", "behaves"], LIMIT);
    heard.ruined("babbles");
    heard.behaved();
}

fn a_source_that_hangs_is_ended_at_its_deadline() {
    for name in ["hangs", "spins"] {
        let heard = heard(&[name, "behaves"], Duration::from_secs(2));
        assert_eq!(heard.ruined(name).reason, Reason::TimedOut);
        assert!(
            heard.took < Duration::from_secs(9),
            "{name} took {:?}",
            heard.took
        );
        heard.behaved();
    }
}

fn a_child_can_neither_write_nor_run_nor_call() {
    for sight in [Sight::Files, Sight::Filter, Sight::Processes] {
        let heard = heard_with(&["writes"], sight, LIMIT);
        let gaps = heard.gaps("writes");
        assert!(gaps.is_empty(), "{sight:?}: {gaps:?}");
    }
}

fn a_watcher_that_hangs_is_ended_as_well_and_can_neither_run_nor_call() {
    let heard = heard_with(&["hangs", "reaches"], Sight::Events, Duration::from_secs(2));
    assert_eq!(heard.ruined("hangs").reason, Reason::TimedOut);
    let gaps = heard.gaps("reaches");
    assert!(gaps.is_empty(), "{gaps:?}");
}

fn nothing_of_a_child_is_left_behind() {
    heard(&["hangs"], Duration::from_secs(1));
    let children = format!("/proc/self/task/{}/children", std::process::id());
    if let Ok(children) = fs::read_to_string(children) {
        assert_eq!(children.trim(), "");
    }
}

type Case = (&'static str, fn());

macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn())),*] };
}

const CASES: &[Case] = cases![
    a_source_that_behaves_is_heard_completely,
    a_source_behind_one_that_dies_looks_in_another_child,
    a_panic_costs_one_gap_that_names_the_place_and_not_the_message,
    a_stack_that_overflows_is_one_gap,
    a_child_that_ends_without_a_word_is_one_gap,
    memory_ends_at_the_limit_of_the_child_and_not_of_the_machine,
    a_flood_ends_at_its_budget,
    babble_is_not_believed,
    a_source_that_hangs_is_ended_at_its_deadline,
    a_child_can_neither_write_nor_run_nor_call,
    a_watcher_that_hangs_is_ended_as_well_and_can_neither_run_nor_call,
    nothing_of_a_child_is_left_behind,
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if groma_agent::is_called_apart(&arguments) {
        return groma_agent::apart::serve(sources);
    }
    let wanted = arguments
        .iter()
        .skip(1)
        .find_map(|a| a.to_str().filter(|a| !a.starts_with('-')));
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in CASES
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|w| name.contains(w)))
    {
        let done = catch_unwind(AssertUnwindSafe(case));
        println!(
            "test {name} ... {}",
            if done.is_ok() { "ok" } else { "FAILED" }
        );
        passed += usize::from(done.is_ok());
        failed += usize::from(done.is_err());
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
    ExitCode::from(u8::from(failed != 0))
}
