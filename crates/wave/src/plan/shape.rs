//! The published shape of a plan, `groma.wave-plan/1`. Names may be added, never removed.

use groma_model::inventory::{Question, Strength};
use groma_model::{DependencyId, EntityId, SiteId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The schema word of [`Plan`].
pub const PLAN_SCHEMA: &str = "groma.wave-plan/1";

/// What a plan has to keep to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlanOptions {
    /// The most machines that move in one wave; 0 is read as 1.
    pub hosts_max: usize,
    /// The most machines of the pilot, which moves first; 0 makes no pilot.
    pub pilot_max: usize,
    /// True if machines of two sites never share a wave. A ring across sites still moves together.
    pub sites_apart: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            hosts_max: 25,
            pilot_max: 5,
            sites_apart: true,
        }
    }
}

/// Waves that are proposed from what is known: who moves with whom, in which order, and what that costs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Always [`PLAN_SCHEMA`].
    pub schema: String,
    /// When the inventory was made that it is drawn from.
    pub generated_at: Timestamp,
    /// The name of its snapshot, or null for the present.
    pub snapshot: Option<String>,
    /// What it keeps to.
    pub options: PlanOptions,
    /// What a reader must know first: why there is little or nothing here, which rings were cut. One sentence each.
    pub notes: Vec<String>,
    /// How good the cut is.
    pub quality: Quality,
    /// The waves in their order.
    pub waves: Vec<PlannedWave>,
    /// Dependencies whose two ends do not move together, by the wave where that begins. Those of shared services stand in `shared`.
    pub cut_edges: Vec<CutEdge>,
    /// Services nearly everybody needs: built anew before anything moves, and the old ones retired last.
    pub shared: Vec<SharedService>,
    /// Rings that are too large for one wave, and where they were cut.
    pub cut_rings: Vec<CutRing>,
    /// Systems that people speak of as one and that do not fit into one wave.
    pub divided_systems: Vec<DividedSystem>,
    /// What moves with no wave, by name.
    pub stays_out: Vec<StaysOut>,
}

/// How good the cut is: the lower `weight_cut` of `weight_total`, the less has to live in two places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Quality {
    /// Machines that move.
    pub machines: usize,
    /// Dependencies between two machines that move; those of shared services are not counted.
    pub edges_total: usize,
    /// Those of them whose ends move in different waves.
    pub edges_cut: usize,
    /// The weight of all of them. What stops weighs more than what limps, and storage and databases weigh double.
    pub weight_total: u64,
    /// The weight of those that are cut.
    pub weight_cut: u64,
    /// Dependencies that are cut, do not only limp, and whose consumer moves before its provider.
    pub consumers_first: usize,
}

/// Where in the order a wave stands, and why there.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Shared services are built anew beside the old ones. Nothing moves yet.
    Beside,
    /// A few machines that matter least.
    Pilot,
    /// Network, storage, identity: what others stand on.
    Foundation,
    /// Databases.
    Databases,
    /// Mail and applications.
    Applications,
    /// Where people sit, and what nobody else needs: backup, monitoring, workstations.
    Users,
    /// The old shared services go.
    Retire,
}

impl Stage {
    /// The stage in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Beside => "shared services, built beside the old ones",
            Self::Pilot => "pilot",
            Self::Foundation => "foundation",
            Self::Databases => "databases",
            Self::Applications => "applications",
            Self::Users => "users",
            Self::Retire => "the old shared services go",
        }
    }

    /// True if machines change their place in it.
    pub const fn moves(self) -> bool {
        !matches!(self, Self::Beside | Self::Retire)
    }
}

/// One proposed wave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlannedWave {
    /// `w1`, `w2`, …; `w0` builds shared services and moves nothing.
    pub name: String,
    /// Its place in the order.
    pub order: u32,
    /// Where in the order it stands.
    pub stage: Stage,
    /// Why it is so, one sentence each.
    pub why: Vec<String>,
    /// The sites its members stand in.
    pub sites: Vec<SiteId>,
    /// What moves, by name.
    pub members: Vec<Member>,
    /// Waves that must be proven before; those that these require are left out.
    pub requires: Vec<String>,
    /// The systems its members belong to.
    pub systems: Vec<SystemPart>,
    /// Rings: members that need each other in a circle.
    pub together_because: Vec<Ring>,
    /// Dependencies whose coexistence begins with it, as in `cut_edges`.
    pub opens: Vec<DependencyId>,
    /// Dependencies whose coexistence ends with it.
    pub closes: Vec<DependencyId>,
    /// Who breaks while it moves.
    pub blast_radius: BlastRadius,
    /// How much must be carried over, and how long that takes.
    pub volume: WaveVolume,
    /// Whom to ask.
    pub people: Vec<Person>,
    /// What only a person can answer about its members.
    pub questions: Vec<Question>,
}

/// One machine of a wave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its id.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// How a wave file calls it: its name, or its id where the name means two things or cannot be written down.
    pub written: String,
    /// Its kind: a word of the registry.
    pub kind: String,
    /// Its site.
    pub site: SiteId,
    /// Who owns it, or the system it belongs to.
    pub owner: Option<String>,
    /// Its criticality as somebody wrote it, or that of its system.
    pub criticality: Option<String>,
    /// True if an agent looked at it from inside.
    pub has_agent: bool,
    /// What it does for others: kinds of need and the number of machines that have it, most first.
    pub serves: Vec<Serves>,
}

/// One thing a machine does for others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Serves {
    /// The kind of need: a word of the registry.
    pub kind: String,
    /// Machines that have it.
    pub consumers: usize,
}

/// The part of a system that moves in a wave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SystemPart {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many of its machines move here.
    pub members: usize,
    /// How many machines of it move at all.
    pub of: usize,
}

/// Machines that need each other in a circle: none can go first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ring {
    /// The machines.
    pub members: Vec<EntityId>,
    /// Their names.
    pub names: Vec<String>,
    /// The dependencies that close the circle, at most fifty of them.
    pub edges: Vec<RingEdge>,
    /// How many there are.
    pub edges_total: usize,
}

/// One dependency of a ring.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RingEdge {
    /// The dependency.
    pub dependency: DependencyId,
    /// It, in one line.
    pub says: String,
}

/// A dependency whose two ends do not move together: for a while one of them reaches across.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CutEdge {
    /// The dependency.
    pub dependency: DependencyId,
    /// It, in one line.
    pub says: String,
    /// What kind of need: a word of the registry.
    pub kind: String,
    /// Who needs.
    pub consumer: CutEnd,
    /// Who is needed.
    pub provider: CutEnd,
    /// The order of the wave in which the first of the two moves: from here on they live apart.
    pub from: u32,
    /// The order of the wave in which the other one follows; null if it moves with no wave, so that it stays like this.
    pub until: Option<u32>,
    /// What is lost without it.
    pub strength: Strength,
    /// False if the newest look did not see it.
    pub current: bool,
    /// What to do about it, one sentence each.
    pub to_do: Vec<String>,
}

/// One end of a cut dependency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CutEnd {
    /// Who.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// The wave it moves in; null if with none.
    pub wave: Option<String>,
}

/// A service nearly everybody needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SharedService {
    /// The machine.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// What it does for others, most first.
    pub serves: Vec<Serves>,
    /// Machines that need it.
    pub consumers: usize,
    /// The wave in which a new one is built beside it.
    pub built_in: String,
    /// The wave in which the old one goes.
    pub retired_in: String,
    /// Why it is treated so, one sentence each.
    pub why: Vec<String>,
    /// Consumers whose files or programs name it by address or in a hosts file, or who stay: by name, at most ten. They do not find the
    /// new one by themselves.
    pub by_hand: Vec<String>,
    /// How many of those there are.
    pub by_hand_total: usize,
}

/// A ring that is larger than a wave may be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CutRing {
    /// How many machines need each other in it.
    pub machines: usize,
    /// The first ten of them, by name.
    pub names: Vec<String>,
    /// The waves it lies in.
    pub waves: Vec<String>,
    /// The dependencies at which it was cut: the weakest there were.
    pub cut_at: Vec<DependencyId>,
}

/// A system whose machines do not all move together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DividedSystem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The waves its machines move in.
    pub waves: Vec<String>,
    /// Why.
    pub because: String,
}

/// Who breaks while a wave moves: everybody outside of it who loses something, unless only slowed down.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct BlastRadius {
    /// How many need a member themselves.
    pub direct: usize,
    /// How many are reached only through others.
    pub through_others: usize,
    /// The first ten by name, those who need a member themselves before the others.
    pub names: Vec<String>,
}

/// How much a wave has to carry over.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaveVolume {
    /// Bytes on those members that agents measured or whose platform tells; null if there is none.
    pub bytes: Option<u64>,
    /// Hours to carry them over one after the other on the line of the inventory, low and high; null where nothing tells.
    pub transfer_hours: Option<[f64; 2]>,
    /// Members that agents measured.
    pub measured: usize,
    /// The part of `bytes` that no agent measured: guests, as their platform tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_platforms: Vec<PlatformPart>,
    /// Members of which nobody tells, by name, at most ten.
    pub not_measured: Vec<String>,
    /// How many those are.
    pub not_measured_total: usize,
}

/// Guests on which no agent measured anything, and what their platform tells of their disks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlatformPart {
    /// What the platform tells.
    pub from: DiskBytes,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The guests by name, at most ten.
    pub names: Vec<String>,
    /// How many there are.
    pub machines: usize,
}

/// What a platform tells of the disks of a guest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiskBytes {
    /// What they take.
    Used,
    /// What they may take at most; nobody told how full they are.
    Provisioned,
}

/// Somebody to ask.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Who.
    pub who: String,
    /// As what: `owner`, `on call`, `key users`.
    pub role: String,
    /// Of which members or systems, by name.
    pub of: Vec<String>,
}

/// Why something moves with no wave.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OutBecause {
    /// Its system stays, as somebody decided.
    Stays,
    /// Its system is retired, as somebody decided.
    Retired,
    /// It takes no agent and nothing can be carried over: a copier, a switch, a sensor.
    Device,
    /// Guests leave it; it goes when it is empty.
    Hypervisor,
    /// Somebody else's.
    Outside,
    /// Only a list names it; no look ever met it.
    DeclaredOnly,
    /// Others need it, and nothing tells on which machine it lies.
    NoMachine,
}

impl OutBecause {
    /// The reason in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stays => "its system stays where it is",
            Self::Retired => "its system is retired",
            Self::Device => "a device without an agent: it is set up anew by hand, or stays",
            Self::Hypervisor => "its guests leave it; it is retired when it is empty",
            Self::Outside => "belongs to somebody else",
            Self::DeclaredOnly => "only a list names it, and no look ever met it",
            Self::NoMachine => "nothing tells on which machine it lies",
        }
    }
}

/// Something that moves with no wave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StaysOut {
    /// Who.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Its kind: a word of the registry.
    pub kind: String,
    /// Why.
    pub because: OutBecause,
    /// How many machines that move need it.
    pub needed_by: usize,
    /// How many machines that move it needs.
    pub needs: usize,
    /// What a person has to answer about it; empty where nothing is open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
}
