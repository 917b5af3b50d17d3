//! The layered map: what stands lower carries what stands higher.
//!
//! Three grains, chosen by how much there is: the programs and jobs of a few hosts ([`Grain::Parts`]), one
//! box per host or device ([`Grain::Things`]), or one box per network and layer ([`Grain::Groups`]) with those
//! that most others need still alone. [`layout`] places the boxes, [`svg`] draws them, [`data`] is what the
//! side panel reads. [`waves`] is the second picture: the same things by the wave in which they move.

pub(crate) mod data;
mod group;
mod layout;
mod part;
mod picture;
mod svg;
mod waves;
mod waves_svg;

pub(crate) use layout::Layout;
pub(crate) use picture::{Grain, Picture};
pub(crate) use svg::render;
pub(crate) use waves::WavePicture;
pub(crate) use waves_svg::render_waves;

/// A horizontal band of the map. The order is from the bottom up, except that what is apart lies below all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Band {
    /// Shared services, drawn on request.
    Shared,
    /// What does not belong to the estate.
    Outside,
    /// A layer of the inventory, by its position among all layers.
    Layer(usize),
}

/// A box.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What a link to it is made of: an entity id, with `/program` behind it for a part.
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// The whole name, for the tooltip.
    pub(crate) full: String,
    pub(crate) band: Band,
    pub(crate) shape: Shape,
    /// Positions of the entities it stands for.
    pub(crate) members: Vec<usize>,
    /// Short words of the shared services it needs.
    pub(crate) badges: Vec<String>,
}

/// How a box is drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Shape {
    /// A host, device or service.
    Thing,
    /// A program of a host.
    Part,
    /// Something a clock starts.
    Job,
    /// A file that names a provider; nothing tells who reads it.
    File,
    /// Many alike.
    Group,
    /// Outside the estate.
    Outside,
}

/// A line from a consumer to a provider.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) count: usize,
    /// How many of these are hidden.
    pub(crate) hidden: usize,
    /// How many of these were concluded over what stands between.
    pub(crate) concluded: usize,
    /// Names of the first of those that stand between.
    pub(crate) through: Vec<String>,
    /// Only shared services: drawn on request.
    pub(crate) shared: bool,
    /// Short words of the kinds, sorted.
    pub(crate) kinds: Vec<String>,
}
