//! One look at every socket table of the machine, and who holds each socket.
//!
//! [`Sampler`] keeps what it learnt between samples: `/proc` is walked again only when a socket appears that
//! no earlier walk has placed.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::OwnedFd;

use groma_model::fact::Program;
use groma_model::{Foreign, Reason, Transport};
use groma_source::{Budget, Window, World};

use crate::dump::{FAMILIES, TRANSPORTS, dump, read_text};
use crate::in_use::InUse;
use crate::namespace::{self, Namespace};
use crate::program::{Accounts, program};
use crate::socket::{Rows, Socket};
use crate::walk::{Inodes, Process, ProcessTable, Walk, file, network_namespace};

/// How often a socket nobody seems to hold is looked for, before it counts as the kernel's own.
const WALKS_PER_SOCKET: u8 = 2;
/// Largest count of sockets that is read, in bytes; there are some six lines.
const COUNTS_BYTES_MAX: u64 = 4096;

/// A program met during a look, by number: the same number is the same program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProgramId(usize);

impl ProgramId {
    /// A number made up by a test.
    #[cfg(test)]
    pub(crate) fn numbered(number: usize) -> Self {
        Self(number)
    }
}

/// Who holds a socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// A program.
    Program(ProgramId),
    /// We ourselves.
    Ourselves,
    /// Nobody any more (`TIME_WAIT`), or the kernel itself (an NFS server, a tunnel), or a process that ended.
    Nobody,
    /// Somebody whom we may not look at.
    Hidden,
}

/// The sockets of one network namespace and one transport at one moment.
#[derive(Clone, Debug)]
pub struct Place {
    /// `host`, or `netns-…` for a namespace of its own.
    pub namespace: String,
    /// The kernel's number of that namespace, of this boot only, and a process that lives in it; `None` for ours.
    pub room: Option<(u64, u32)>,
    /// Transport.
    pub transport: Transport,
    /// Its sockets.
    pub rows: Rows,
    /// Why part of the table is missing, if it is.
    pub missing: Option<Reason>,
}

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// By namespace, own first, and transport.
    pub places: Vec<Place>,
    /// True if the kernel refused its socket diagnostics and the text tables were read instead.
    pub from_text: bool,
    /// Processes whose namespace is not ours to know.
    pub denied_namespaces: u64,
    /// Interpreters whose script is not known, because the process hangs.
    pub stuck: u64,
    /// True if budget or time ended the look for owners or namespaces.
    pub cut: bool,
}

#[derive(Clone, Copy)]
struct Known {
    cookie: u64,
    owner: Owner,
    walks: u8,
}

/// Takes samples, and remembers owners between them.
pub struct Sampler {
    world: World,
    accounts: Accounts,
    known: Inodes<Known>,
    programs: Vec<Program>,
    ids: HashMap<Program, ProgramId>,
    labels: HashMap<u64, String>,
}

impl Sampler {
    /// A sampler that knows nothing yet.
    pub fn new(world: World) -> Self {
        let accounts = Accounts::read(&world);
        Self {
            world,
            accounts,
            known: Inodes::default(),
            programs: Vec::new(),
            ids: HashMap::new(),
            labels: HashMap::new(),
        }
    }

    /// Reads every table, and finds out who holds what is new.
    ///
    /// # Errors
    /// Only where `/proc` cannot be opened at all.
    pub fn sample(&mut self, window: &Window, budget: &Budget) -> io::Result<Sample> {
        let mut table = ProcessTable::open()?;
        let limit = usize::try_from(budget.sockets_max).unwrap_or(usize::MAX);
        let mut sample = Sample::default();
        self.read_own(&table, limit, &mut sample);
        let pids = table.pids()?;
        self.read_foreign(&table, &pids, limit, &mut sample);
        self.find_owners(&mut table, &pids, window, budget, &mut sample);
        Ok(sample)
    }

    /// Who holds `socket`, as of the newest sample.
    pub fn owner(&self, socket: &Socket) -> Owner {
        match self.known.get(&socket.inode) {
            Some(known) if socket.inode != 0 => known.owner,
            _ => Owner::Nobody,
        }
    }

    /// The program of this number.
    pub fn program(&self, id: ProgramId) -> &Program {
        self.programs
            .get(id.0)
            .expect("a program id is made by this sampler, which forgets none")
    }

    /// The number of a program, a new one if it was never met.
    pub(crate) fn id_of(&mut self, program: Program) -> ProgramId {
        if let Some(id) = self.ids.get(&program) {
            return *id;
        }
        let id = ProgramId(self.programs.len());
        self.programs.push(program.clone());
        self.ids.insert(program, id);
        id
    }

    /// What an account is called; a container has its own names.
    pub(crate) fn account(&self, uid: u32, in_container: bool) -> Foreign {
        match in_container {
            true => uid.to_string().into(),
            false => self.accounts.name(uid),
        }
    }

    /// What is known of a program we may not look at: the account that made its socket.
    pub(crate) fn hidden_program(&mut self, socket: &Socket) -> ProgramId {
        let user = Some(self.accounts.name(socket.uid));
        self.id_of(Program {
            user,
            ..Program::default()
        })
    }

    /// The number of the program that `process` is.
    pub(crate) fn program_of(&mut self, process: &Process) -> ProgramId {
        let program = program(process, &self.accounts, &self.world);
        self.id_of(program)
    }

    /// What a scope calls the network namespace of this number, if a sample met it; `None` is not known.
    pub(crate) fn label_of(&self, number: u64) -> Option<&str> {
        self.labels.get(&number).map(String::as_str)
    }

    /// As if a walk had found this owner.
    #[cfg(test)]
    pub(crate) fn learn(&mut self, inode: u32, owner: Owner) {
        let (cookie, walks) = (0, 1);
        self.known.insert(
            inode,
            Known {
                cookie,
                owner,
                walks,
            },
        );
    }

    fn read_own(&self, table: &ProcessTable, limit: usize, sample: &mut Sample) {
        let in_use = table
            .this_process()
            .map_or_else(|_| InUse::default(), |this| in_use(&this));
        for transport in TRANSPORTS {
            let mut place = empty("host", transport);
            for family in FAMILIES
                .into_iter()
                .filter(|f| !in_use.is_empty(transport, *f))
            {
                let mark = place.rows.mark();
                if dump(transport, family, limit, &mut place.rows).is_ok() {
                    continue;
                }
                place.rows.rewind(mark);
                sample.from_text = true;
                let read = table
                    .this_process()
                    .map_err(io::Error::from)
                    .and_then(|this| read_text(&this, transport, family, limit, &mut place.rows));
                place.missing = place.missing.or(read.err().map(|e| Reason::of_io(&e)));
            }
            sample.places.push(place);
        }
    }

    fn read_foreign(
        &mut self,
        table: &ProcessTable,
        pids: &[u32],
        limit: usize,
        sample: &mut Sample,
    ) {
        let namespaces = namespace::survey(table, pids);
        sample.denied_namespaces = namespaces.denied;
        sample.cut |= namespaces.cut;
        let mut found: BTreeMap<(String, Transport), Place> = BTreeMap::new();
        let given = if namespaces.foreign.is_empty() {
            HashMap::new()
        } else {
            namespace::given_names(&self.world)
        };
        for foreign in &namespaces.foreign {
            let label = self
                .labels
                .entry(foreign.number)
                .or_insert_with(|| namespace::label(foreign, table, &given))
                .clone();
            for transport in TRANSPORTS {
                let place = found
                    .entry((label.clone(), transport))
                    .or_insert_with(|| empty(&label, transport));
                place.room = foreign.pids.first().map(|pid| (foreign.number, *pid));
                if let Err(error) =
                    read_namespace(table, foreign, transport, limit, &mut place.rows)
                {
                    place.missing = Some(Reason::of_io(&error));
                }
            }
        }
        sample.places.extend(found.into_values());
    }

    fn find_owners(
        &mut self,
        table: &mut ProcessTable,
        pids: &[u32],
        window: &Window,
        budget: &Budget,
        sample: &mut Sample,
    ) {
        let wanted: Inodes<Option<usize>> = held(sample)
            .filter(|socket| !self.is_placed(socket))
            .map(|socket| (socket.inode, None))
            .collect();
        let mut walk = Walk::default();
        if !wanted.is_empty() {
            let disk = self.world.disk.as_ref();
            walk = table.walk(pids, wanted, budget.entries_max, window, disk);
        }
        sample.cut |= walk.cut;
        let stuck = walk.processes.iter().filter(|process| process.is_stuck);
        sample.stuck = u64::try_from(stuck.count()).unwrap_or(u64::MAX);
        let ours = [table.own_pid(), table.own_parent()];
        let owners = self.programs_of(&walk, ours);
        self.remember(sample, &walk, &owners);
    }

    /// True if no walk is needed to say who holds `socket`.
    fn is_placed(&self, socket: &Socket) -> bool {
        self.known_as(socket).is_some_and(|known| {
            matches!(known.owner, Owner::Program(_) | Owner::Ourselves)
                || known.walks >= WALKS_PER_SOCKET
        })
    }

    /// What is known of this very socket, not of an earlier one of the same number.
    fn known_as(&self, socket: &Socket) -> Option<&Known> {
        let known = self.known.get(&socket.inode);
        known.filter(|known| known.cookie == socket.cookie)
    }

    fn programs_of(&mut self, walk: &Walk, ours: [Option<u32>; 2]) -> Vec<Owner> {
        let owner = |process: &Process| {
            if ours.contains(&Some(process.pid)) {
                return Owner::Ourselves;
            }
            Owner::Program(self.id_of(program(process, &self.accounts, &self.world)))
        };
        walk.processes.iter().map(owner).collect()
    }

    /// Keeps what is known of the sockets of this sample, and forgets all others.
    fn remember(&mut self, sample: &Sample, walk: &Walk, owners: &[Owner]) {
        let unseen = if walk.denied > 0 || !rustix::process::geteuid().is_root() {
            Owner::Hidden
        } else {
            Owner::Nobody
        };
        let mut next = Inodes::default();
        next.reserve(self.known.len().max(walk.owners.len()));
        for socket in held(sample) {
            let before = self.known_as(socket);
            let known = match walk.owners.get(&socket.inode) {
                Some(place) => Known {
                    cookie: socket.cookie,
                    owner: place.and_then(|p| owners.get(p)).copied().unwrap_or(unseen),
                    walks: before.map_or(0, |known| known.walks).saturating_add(1),
                },
                None => match before {
                    Some(known) => *known,
                    None => continue,
                },
            };
            next.insert(socket.inode, known);
        }
        self.known = next;
    }
}

/// The sockets that some program may hold.
fn held(sample: &Sample) -> impl Iterator<Item = &Socket> {
    let all = sample.places.iter().flat_map(|place| &place.rows.sockets);
    all.filter(|socket| socket.inode != 0)
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler")
            .field("known", &self.known.len())
            .field("programs", &self.programs.len())
            .finish_non_exhaustive()
    }
}

fn empty(namespace: &str, transport: Transport) -> Place {
    Place {
        namespace: namespace.to_owned(),
        room: None,
        transport,
        rows: Rows::default(),
        missing: None,
    }
}

/// How many sockets there are in the network of a process.
fn in_use(process: &OwnedFd) -> InUse {
    let read = |name| file(process, name, COUNTS_BYTES_MAX);
    InUse::read(&read(c"net/sockstat"), &read(c"net/sockstat6"))
}

/// Reads the tables of a namespace through the first of its processes that still lives there.
fn read_namespace(
    table: &ProcessTable,
    namespace: &Namespace,
    transport: Transport,
    limit: usize,
    rows: &mut Rows,
) -> io::Result<()> {
    let living = namespace.pids.iter().find_map(|pid| {
        let process = table.process(*pid).ok()?;
        (network_namespace(&process) == Ok(namespace.number)).then_some(process)
    });
    // All of its processes ended: so did it.
    let Some(process) = living else { return Ok(()) };
    let in_use = in_use(&process);
    for family in FAMILIES
        .into_iter()
        .filter(|f| !in_use.is_empty(transport, *f))
    {
        read_text(&process, transport, family, limit, rows)?;
    }
    Ok(())
}
