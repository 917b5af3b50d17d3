//! Generated estates of any size; the same numbers always give the same estate.

use groma_model::SiteId;
use groma_model::fact::ComponentClass as Class;
use groma_model::inventory::*;

use super::{Estate, days_ago};

/// `hosts` machines over a dozen networks and three sites, with `dependencies` edges: few providers, many consumers.
pub fn large(hosts: usize, dependencies: usize) -> Inventory {
    let mut e = Estate::watched_since(days_ago(30));
    e.inventory.sites = ["lyon", "minsk", "turin"]
        .map(|name| Site {
            id: SiteId::new(name),
            name: name.to_owned(),
            networks: vec![],
        })
        .to_vec();
    let roles = [
        "identity",
        "mail",
        "database",
        "storage",
        "application",
        "monitoring",
        "backup",
    ];
    for at in 0..hosts {
        let server = at % 20 == 0;
        let layer = if server {
            roles[at / 20 % roles.len()]
        } else {
            "endpoint"
        };
        let (key, name) = (
            format!("{at:06}"),
            format!("{}{at:05}.corp.example", if server { "srv" } else { "ws" }),
        );
        let address = format!("10.{}.{}.{}", at % 3 + 1, at / 750, at % 250 + 1);
        let site = ["lyon", "minsk", "turin"][at % 3];
        let host = e.host(
            &key,
            layer,
            &name,
            &address,
            "Debian GNU/Linux 12 (bookworm)",
        );
        host.site = SiteId::new(site);
        host.has_agent = at % 3 == 0;
    }
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below.max(1) as u64).unwrap_or(0)
    };
    let servers = hosts.div_ceil(20);
    // What a workplace needs, and what a server needs: kind, port, role of the provider.
    let workplace = [
        ("ldap-bind", 389, 0),
        ("smtp-submission", 587, 1),
        ("smb", 445, 3),
        ("http", 443, 4),
        ("dns", 53, 0),
    ];
    let server = [
        ("sql", 5432, 2),
        ("ldap-bind", 389, 0),
        ("smtp-relay", 25, 1),
        ("monitoring", 10050, 5),
        ("backup", 9102, 6),
    ];
    let template = {
        let at = e.need(
            "000000",
            (Class::Unit, "app.service"),
            "sql",
            "000000",
            5432,
        );
        e.inventory.dependencies.remove(at)
    };
    for at in 0..dependencies {
        let consumer = next(hosts);
        let (kind, port, role) = if consumer % 20 == 0 {
            server[next(5)]
        } else {
            workplace[next(5)]
        };
        // A few servers of each role are wanted by most.
        let most = next(servers / roles.len()) + 1;
        let provider = (next(most) * roles.len() + role) % servers * 20;
        let mut d = template.clone();
        let hidden = next(20) == 0;
        let words = groma_model::registry::REGISTRY.kind(kind);
        d.id = groma_model::DependencyId::new(format!("dep-{at:08}"));
        d.kind = kind.into();
        d.layer = words.layer.clone();
        d.shared_service = words.shared;
        d.hidden = hidden;
        d.hidden_because = if hidden {
            vec!["address-literal".into(), "config-only".into()]
        } else {
            vec![]
        };
        d.details.local = consumer == provider;
        d.consumer.component.name = format!("unit{}.service", next(40)).into();
        let named = |at: usize| {
            (
                e.inventory.entities[at].id.clone(),
                e.inventory.entities[at].name.clone(),
            )
        };
        (d.consumer.entity, d.consumer.name) = named(consumer);
        (d.provider.entity, d.provider.name) = named(provider);
        d.provider.port = Some(groma_model::Port(port));
        e.inventory.dependencies.push(d);
    }
    e.finish()
}
