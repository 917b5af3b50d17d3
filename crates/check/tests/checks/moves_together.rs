//! `moves-together`

use groma_check::moves_together;

use crate::build::*;

#[test]
fn two_hosts_that_need_each_other_are_one_finding_and_one_host_is_none() {
    let hosts = vec![host("app1"), host("db1")];
    let circle: Vec<_> = hosts.iter().map(|h| h.id.clone()).collect();
    let alone = vec![circle[0].clone()];
    let needs = vec![
        depends("app1", "sql", "db1", 5432),
        depends("db1", "http", "app1", 443),
    ];
    let inventory = inventory(hosts, needs);
    let now = inventory.generated_at;
    let findings = moves_together(&inventory, &[circle, alone], now);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].check, "moves-together");
    assert!(findings[0].risk.contains("app1") && findings[0].risk.contains("db1"));
    assert_eq!(findings[0].evidence.len(), 2);
}
