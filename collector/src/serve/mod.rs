//! `groma serve` over a store: the keeper that listeners ask.

mod keeper;
mod roster;
mod together;

pub(crate) use keeper::StoreKeeper;
