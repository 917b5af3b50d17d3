//! Waves proposed from the graph: who moves with whom, in which order, and what that costs.
//!
//! What moves is a machine with everything on it. Machines that need each other in a circle move together; what people
//! speak of as one system does where it fits; and what hangs together strongly is put together next. A pilot of what
//! matters least goes first, then providers before their consumers, from the foundation to the users. Services that
//! nearly everybody needs are built anew before anything moves, and the old ones go last. What is cut all the same is
//! said, with how long both ends live apart and what to do about it.
//! `docs/decisions/0073-waves-are-cut-where-it-costs-least.md` says why.

mod calendar;
mod carried;
mod cuts;
mod file;
mod groups;
mod html;
mod improve;
mod lots;
mod machines;
mod needs;
mod people;
mod radius;
mod rest;
mod schedule;
mod shape;
mod sharing;
mod shown;
mod tell;
mod text;
mod union;
mod view;
mod written;

use groma_model::inventory::Inventory;

use groups::Bounds;
use machines::Machines;
use schedule::Ground;

pub use file::wave_file;
pub use html::html;
pub use shape::{
    BlastRadius, CutEdge, CutEnd, CutRing, DiskBytes, DividedSystem, Member, OutBecause,
    PLAN_SCHEMA, Person, Plan, PlanOptions, PlannedWave, PlatformPart, Quality, Ring, RingEdge,
    Serves, SharedService, Stage, StaysOut, SystemPart, WaveVolume,
};
pub use text::text;

/// Proposes waves for everything of `inventory` that can move. The same inventory, in whatever order its lists are, gives
/// the same plan; every inventory gives one, and `notes` says where it is worth little.
pub fn plan(inventory: &Inventory, options: &PlanOptions) -> Plan {
    let machines = Machines::of(inventory);
    let needs = needs::needs(inventory, &machines);
    let sharing = sharing::shared(&machines, &needs);
    let directories = sharing::directories(&needs);
    let moving: Vec<bool> = (0..machines.nodes.len())
        .map(|n| machines.moves(n) && !sharing.because.contains_key(&n))
        .collect();
    let bounds = Bounds {
        hosts_max: options.hosts_max.max(1),
        sites_apart: options.sites_apart,
    };
    let groups = groups::groups(&machines, &needs, &moving, &bounds);
    let ground = Ground {
        machines: &machines,
        needs: &needs,
        groups: &groups,
        options,
    };
    let mut drafts = schedule::schedule(&ground);
    improve::improve(&ground, &mut drafts);
    let calendar = calendar::Calendar::of(&ground, drafts, &sharing);
    // What is said of waves and of what hangs between them needs the same calendar, and nothing of each other.
    let ((cut_edges, waves), ((cut_rings, notes), (shared, stays_out))) = rayon::join(
        || {
            let cut_edges = cuts::cut_edges(&machines, &needs, &calendar, &directories);
            let waves = tell::waves(inventory, &ground, &calendar, &sharing, &cut_edges);
            (cut_edges, waves)
        },
        || {
            let cut_rings = rest::cut_rings(&ground, &calendar);
            let notes = rest::notes(inventory, &ground, &calendar, &sharing, &cut_rings);
            let shared = rest::shared(&ground, &calendar, &sharing, &directories);
            ((cut_rings, notes), (shared, rest::stays_out(&ground)))
        },
    );
    Plan {
        schema: PLAN_SCHEMA.to_owned(),
        generated_at: inventory.generated_at,
        snapshot: inventory.snapshot.clone(),
        options: options.clone(),
        notes,
        quality: tell::quality(&ground, &calendar),
        waves,
        cut_edges,
        shared,
        cut_rings,
        divided_systems: rest::divided(&ground, &calendar),
        stays_out,
    }
}

/// The plan as its published JSON, one line end at its end.
pub fn to_json(plan: &Plan) -> String {
    let json = serde_json::to_string_pretty(plan);
    json.expect("a plan has only string keys and finite numbers") + "\n"
}
