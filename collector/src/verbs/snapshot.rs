//! `groma snapshot take NAME | list | remove NAME`.

use anyhow::Result;
use clap::Subcommand;

use crate::command::Place;
use crate::files;
use crate::verbs::open_existing;

#[derive(Subcommand, Debug)]
pub(crate) enum Arguments {
    /// Name the present moment.
    Take {
        /// The name, as `before-w1`.
        name: String,
    },
    /// List the named moments, oldest first.
    List,
    /// Forget a name; the evidence stays.
    Remove {
        /// The name.
        name: String,
    },
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let mut store = open_existing(place)?;
    match arguments {
        Arguments::Take { name } if name == "now" => {
            return Err(super::wrong_usage(
                "\"now\" always means the present; choose another name",
            ));
        }
        Arguments::Take { name } => {
            let world = groma_sys::this_machine(true);
            let snapshot = store.take_snapshot(name, world.clock.now())?;
            files::print(format!("{} taken at {}\n", snapshot.name, snapshot.taken_at).as_bytes())?;
            crate::kept::keep(store.as_mut(), place, &snapshot, &world)?;
        }
        Arguments::List => {
            for snapshot in store.snapshots()? {
                files::print(format!("{}\t{}\n", snapshot.name, snapshot.taken_at).as_bytes())?;
            }
        }
        Arguments::Remove { name } => {
            store.remove_snapshot(name)?;
            crate::kept::remove(place, name);
        }
    }
    Ok(0)
}
