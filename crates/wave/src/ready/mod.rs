//! Is the wave ready? Every prerequisite from evidence, dated.
//!
//! The checklist of a wave is made from its file and one inventory: what must be lowered, renewed, opened, recreated,
//! changed, copied or asked before the window begins, by when, and what shows it. Each question is one file of this
//! folder; what is already as it must be is listed too, as *done*, so that a reader sees what was looked at.
//!
//! - **One item per thing a person must do**, not one per fact: forty machines that name one address in the same file
//!   are one item with forty names.
//! - **A date where the evidence gives one.** A record that is remembered for a day must be changed a day before.
//! - **What no machine can know is a question** for a named owner, never a guess.

mod accounts;
mod archives;
mod backup;
mod certificates;
mod file;
mod followers;
mod guests;
mod item;
mod names;
mod observation;
mod page;
mod people;
mod ports;
mod risks;
mod scene;
mod schedule;
mod text;

use groma_model::inventory::Inventory;
use groma_model::store::Annotation;
use groma_model::wave::Wave;

pub use item::{CHECKLIST_SCHEMA, Checklist, Item, ItemState, Topic};
pub use page::checklist_html;
pub use text::{checklist_markdown, checklist_text, checklist_to_json};

use crate::residual::Watch;
use item::Draft;
use scene::Scene;

/// What is known besides the inventory of the moment.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The other waves that are known; the one that is checked may be among them.
    pub waves: &'a [Wave],
    /// What people said: a verdict on the id of an item closes it.
    pub said: &'a [Annotation],
    /// When agents looked at the connections of their own machines, as far back as anybody knows.
    pub watches: &'a [Watch],
}

/// What must be done before `wave` begins, as `inventory` shows it at the moment it was made.
pub fn check(inventory: &Inventory, wave: &Wave, beside: &Beside<'_>) -> Checklist {
    let scene = Scene::of(inventory, wave, beside.waves, beside.watches);
    let questions: [fn(&Scene<'_>) -> Vec<Draft>; 13] = [
        file::look,
        people::look,
        observation::look,
        names::look,
        followers::look,
        certificates::look,
        ports::look,
        accounts::look,
        archives::look,
        guests::look,
        backup::look,
        schedule::look,
        risks::look,
    ];
    let drafts = questions.iter().flat_map(|question| question(&scene));
    Checklist::of(&scene, drafts, beside.said)
}
