//! `groma serve` over a store: the keeper that listeners ask.

mod keeper;

pub(crate) use keeper::StoreKeeper;
