//! The engine on a server keeps the promises of the contract.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod cluster;
mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use groma_store::conformance;

#[test]
fn the_postgresql_engine_passes_the_suite() {
    let Some(database) = cluster::database() else {
        return;
    };
    let cluster = database.cluster.clone();
    let databases = std::cell::RefCell::new(Vec::new());
    let made = AtomicU32::new(0);
    conformance::run(&|| {
        made.fetch_add(1, Ordering::Relaxed);
        let database = cluster::Database::on(cluster.clone());
        let store = database.open();
        databases.borrow_mut().push(database);
        Box::new(store)
    });
    assert!(made.load(Ordering::Relaxed) > 20, "every promise was asked");
}
