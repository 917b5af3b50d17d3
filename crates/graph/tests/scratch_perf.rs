//! scratch
#[path = "../../check/tests/checks/build.rs"]
#[allow(dead_code)]
mod build;
use build::*;
use std::time::Instant;
#[test]
fn perf() {
    let name = |n: usize| format!("h{n:05}");
    let kinds = ["sql", "http", "smtp-relay", "ldap-bind", "nfs", "dns", "imap"];
    let mut deps = Vec::new();
    for n in 0..10_000usize {
        for k in 0..20usize {
            let provider = (n * 7919 + k * 104_729) % if k < 10 { 200 } else { 10_000 };
            if provider != n { deps.push(depends(&name(n), kinds[k % 7], &name(provider), 1000 + k as u16)); }
        }
    }
    deps.sort_by(|a, b| a.id.cmp(&b.id));
    deps.dedup_by(|a, b| a.id == b.id);
    let mut inv = inventory((0..10_000).map(|n| host(&name(n))).collect(), deps);
    for n in 0..10_000 { for p in 0..20 { inv.listeners.push(listener(&name(n), 1000 + p, &format!("u{p}.service"))); } inv.coverage.push(sockets(&name(n), groma_model::CoverageState::Complete)); }
    println!("{} dependencies", inv.dependencies.len());
    let t = Instant::now();
    let f = groma_graph::impact::impact(&inv, &id(&name(3)));
    println!("impact: {:?} {}", t.elapsed(), f.affected.len());
    let t = Instant::now();
    println!("text {} {:?}", groma_graph::impact::text(&f, &inv).len(), t.elapsed());
    let t = Instant::now();
    println!("cycles {} {:?}", groma_graph::impact::cycles(&inv).len(), t.elapsed());
}
