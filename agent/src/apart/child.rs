//! The child's side: one source, as little right as it needs, and a line for each thing it says.

use std::ffi::OsString;
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::found::Spelling;
use groma_model::{Coverage, Foreign, Gap, Observation};
use groma_source::ears::{Ears, NoEars};
use groma_source::{Sink, Source, Stop, Window, World, disk};
use groma_source_packet::sentinel::{NAME as SENTINEL, Standing};
use groma_source_socket::Tier;
use groma_sys::{Confinement, LocalDisk};

use super::opened::OpenedEars;
use super::patient::PatientDisk;
use super::sober::Sober;
use super::watched::WatchedDisk;
use super::words::{LINE_BYTES_MAX, Order, ROLE, Sight, Word};

/// Writable memory of a child. Ordinary looks stay below a twentieth of it.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
const DESCRIPTORS_MAX: u64 = 128;
/// The same for a watcher, which keeps queues open in every network of the machine and one for each processor.
const QUEUES_MAX: u64 = 4096;
/// How often a child looks whether it hangs, and passes on what it has said; while it says nothing and waits for no
/// file, ever less often.
const TICK: Duration = Duration::from_millis(200);
const QUIET_TICK: Duration = Duration::from_millis(800);
/// A source that is past its time by so much, and waits for one file that long, hangs there.
const OVERDUE: Duration = Duration::from_secs(1);
/// How long the way to what hangs is looked for.
const WAY_LIMIT: Duration = Duration::from_millis(500);

/// True if these arguments call this program in the role of a child.
pub fn is_called(arguments: &[OsString]) -> bool {
    matches!(arguments, [_, role] if role == ROLE)
}

/// What somebody wants of sources, beyond their names.
#[derive(Clone)]
pub struct Wish {
    /// What is searched for, if anything is.
    pub spellings: Vec<Spelling>,
    /// By what connections are watched at best.
    pub flows_at_most: Tier,
    /// Files and folders with exported logs that somebody named.
    pub events: Vec<PathBuf>,
    /// Captures of a network that somebody named.
    pub captures: Vec<PathBuf>,
    /// Where to listen.
    pub listen: groma_source_packet::Listening,
    /// Where to stand sentinel.
    pub standing: Standing,
    /// Through what: what a child opened while it had the right to.
    pub ears: Arc<dyn Ears>,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wish").finish_non_exhaustive()
    }
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            spellings: Vec::new(),
            flows_at_most: Tier::EveryConnection,
            events: Vec::new(),
            captures: Vec::new(),
            listen: groma_source_packet::Listening::default(),
            standing: Standing::default(),
            ears: Arc::new(NoEars),
        }
    }
}

/// The sources a child may be asked for.
pub type Sources = fn(&World, &Wish) -> Vec<Box<dyn Source>>;

/// Does what the order on standard input says, with those of `sources` it names, and ends.
pub fn serve(sources: Sources) -> ExitCode {
    let Some(order) = order() else {
        return ExitCode::from(2);
    };
    let listen = groma_source_packet::Listening {
        interfaces: order.listen.clone(),
        promiscuous: order.promiscuous,
    };
    let standing = standing_of(&order);
    let stands = order.sources.iter().any(|s| s.as_str() == SENTINEL);
    let doors = match (order.sight, stands) {
        (Sight::Wire, true) => OpenedEars::of_standing(&standing),
        (Sight::Wire, false) => OpenedEars::of_listening(&listen),
        _ => Vec::new(),
    };
    let everybody = listen.promiscuous && !stands;
    let (ears, lacking) = groma_sys::confine_having(&confinement(&order), || {
        OpenedEars::at(groma_sys::ears(), doors, everybody)
    });
    // A terminal tells all of us at once that somebody wants to stop; what was seen is still to be said.
    let stop = Stop::default();
    groma_sys::stop_on_signals(&stop);
    let mouth = Mouth::default();
    hush_panics(mouth.clone());
    let silent = order.silent.iter().map(path_of).collect();
    let local = LocalDisk::of_this_machine().passing_over(silent);
    let mut world = groma_sys::this_machine(order.offline);
    let patient = Arc::new(PatientDisk::new(Arc::new(local.clone())));
    let disk = WatchedDisk::new(patient, world.clock.clone());
    world.disk = Arc::new(disk.clone());
    let lacking = lacking.into_iter().map(str::to_owned).collect();
    mouth.say_now(&Word::Ready { lacking });
    let due = Due::default();
    watch_over(
        &order,
        Watched {
            disk,
            local: local.clone(),
        },
        &due,
        &mouth,
        &stop,
    );
    let wish = Wish {
        spellings: order.spellings.clone(),
        flows_at_most: Tier::named(&order.flows_at_most).unwrap_or(Tier::EveryConnection),
        events: order.events.iter().map(path_of).collect(),
        captures: order.captures.iter().map(path_of).collect(),
        listen,
        standing,
        ears: Arc::new(ears),
    };
    let mut all = sources(&world, &wish);
    for source in &mut all {
        let memory = order.memory.as_ref().map(|m| m.of(&source.name()));
        memory.into_iter().for_each(|m| source.remember(m));
    }
    let begin = world.clock.monotonic();
    for name in &order.sources {
        let Some(source) = all.iter_mut().find(|s| s.name() == *name) else {
            return ExitCode::from(2);
        };
        let passed = world.clock.monotonic().saturating_sub(begin);
        let left = order.remaining.saturating_sub(passed);
        let window = Window::resume(
            world.clock.clone(),
            stop.clone(),
            order.started,
            order.watch,
            order.source_limit.min(left),
        );
        mouth.say_now(&Word::Begins);
        due.set(world.clock.monotonic().saturating_add(window.remaining()));
        let mut sink = Sober::new(mouth.clone(), local.clone());
        // The hook has said where; what was said before stays.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            source.look(&window, &order.budget, &mut sink);
        }));
        sink.end();
        mouth.say_now(&Word::Done);
    }
    ExitCode::SUCCESS
}

fn standing_of(order: &Order) -> Standing {
    let posts = order.posts.iter().cloned();
    Standing {
        posts: posts.map(Into::into).collect(),
        hasty: order.hasty,
    }
}

fn confinement(order: &Order) -> Confinement {
    // Two threads at most, for as long as all of them may take.
    let seconds = order.remaining.as_secs().saturating_add(10);
    Confinement {
        memory_bytes_max: MEMORY_BYTES_MAX,
        processor_seconds_max: seconds.saturating_mul(2),
        descriptors_max: match order.sight {
            Sight::Events => QUEUES_MAX,
            _ => DESCRIPTORS_MAX,
        },
        sight: match order.sight {
            Sight::Files | Sight::Wire => groma_sys::Sight::Files,
            Sight::Filter => groma_sys::Sight::Filter,
            Sight::Processes => groma_sys::Sight::Processes,
            Sight::Events => groma_sys::Sight::Events,
        },
    }
}

fn order() -> Option<Order> {
    let mut line = Vec::new();
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    io::stdin()
        .lock()
        .take(most)
        .read_until(b'\n', &mut line)
        .ok()?;
    serde_json::from_slice(&line).ok()
}

/// What a panic says may quote what was read. Its place in our own text is enough to find it.
fn hush_panics(mouth: Mouth) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        mouth.say_now(&Word::Failed { place });
    }));
}

/// Two threads: one waits for the parent to close our input, one looks whether a file does not answer.
fn watch_over(order: &Order, watched: Watched, due: &Due, mouth: &Mouth, stop: &Stop) {
    let Watched { disk, local } = watched;
    let stop = stop.clone();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.ask();
    });
    let (limit, due, mouth) = (order.operation_limit, due.clone(), mouth.clone());
    std::thread::spawn(move || {
        let mut tick = TICK;
        loop {
            std::thread::sleep(tick);
            let is_busy = mouth.pass_on() || disk.is_waiting();
            tick = match is_busy {
                true => TICK,
                false => tick.saturating_mul(2).min(QUIET_TICK),
            };
            // Whose time is over would have come to its end, were it not for what it waits for.
            let limit = match disk.now().checked_sub(due.at()) {
                Some(over) if over > OVERDUE => limit.min(OVERDUE),
                _ => limit,
            };
            if let Some(path) = disk.stuck(limit) {
                let place = disk::foreign(&local.place_of(&path, WAY_LIMIT));
                let path = path.to_string_lossy().into_owned();
                mouth.say_now(&Word::Stuck { path, place });
                return;
            }
        }
    });
}

/// What the watching thread looks at.
struct Watched {
    disk: WatchedDisk,
    local: LocalDisk,
}

/// When the source that looks now should be done, on the clock that only goes forward.
#[derive(Clone)]
struct Due(Arc<Mutex<Duration>>);

impl Default for Due {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Duration::MAX)))
    }
}

impl Due {
    fn set(&self, at: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn at(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path_of(place: &Foreign) -> PathBuf {
    disk::path(place)
}

/// Standard output, a line for each word.
#[derive(Clone)]
struct Mouth(Arc<Mutex<BufWriter<io::Stdout>>>);

impl Default for Mouth {
    fn default() -> Self {
        let out = BufWriter::with_capacity(64 << 10, io::stdout());
        Self(Arc::new(Mutex::new(out)))
    }
}

impl Mouth {
    fn say(&self, word: &Word) {
        let line = serde_json::to_vec(word).expect("words are plain values, which JSON can hold");
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more: then there is nobody to tell, and the parent's end is ours.
        let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
    }

    fn say_now(&self, word: &Word) {
        self.say(word);
        self.pass_on();
    }

    /// True if there was something to pass on.
    fn pass_on(&self) -> bool {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = !out.buffer().is_empty();
        let _ = out.flush();
        waits
    }
}

impl Sink for Mouth {
    fn saw(&mut self, observation: Observation) {
        self.say(&Word::Said(Said::Saw(observation)));
    }
    fn missed(&mut self, gap: Gap) {
        self.say(&Word::Said(Said::Missed(gap)));
    }
    fn covered(&mut self, coverage: Coverage) {
        self.say(&Word::Said(Said::Covered(coverage)));
    }
    fn keeps(&mut self, line: String) {
        self.say(&Word::Keeps(line));
    }
}
