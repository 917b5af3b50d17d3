//! A real container of Podman: who calls its published port needs the container, what it calls is a need of its own, and the secrets
//! of its environment stay where they are.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use groma_model::fact::ComponentClass;
use groma_model::inventory::{Dependency, Inventory};
use groma_tests::{Kind, Machine};

const DATA: &str = "/var/lib/groma";
const PROGRAMS: &[&str] = &["podman", "crun", "busybox", "socat", "python3"];

fn looked_at() -> Option<Machine> {
    let machine = Machine::start(Kind::Bare)?;
    for program in PROGRAMS {
        if machine.try_shell(&format!("command -v {program}")).code != 0 {
            groma_tests::skip(&format!(
                "{program} is not installed; `tests/run packages` installs it"
            ));
            return None;
        }
    }
    let script = include_str!("containers/up.sh");
    machine
        .run_with(&["sh", "-c", "cat > /run/up.sh"], script.as_bytes())
        .expect_code(0);
    // What stays running must not hold this command's output open.
    let up = machine.try_shell("bash /run/up.sh /root/batches >/run/up.log 2>&1 </dev/null");
    let said = machine.try_shell("cat /run/up.log").stdout;
    if up.code == 77 {
        groma_tests::skip(&format!("no container runs here: {said}"));
        return None;
    }
    assert_eq!(up.code, 0, "{said}");
    for name in ["app1", "box1"] {
        let batch = format!("/root/batches/{name}.batch");
        machine
            .groma(&["import", "--data", DATA, &batch])
            .expect_code(0);
    }
    Some(machine)
}

/// What one machine needs of another at a port.
fn between<'a>(inventory: &'a Inventory, ends: (&str, &str), port: u16) -> Vec<&'a Dependency> {
    let fits = |d: &&Dependency| {
        d.consumer.name == ends.0
            && d.provider.name == ends.1
            && d.provider.port.is_some_and(|p| p.0 == port)
    };
    inventory.dependencies.iter().filter(fits).collect()
}

#[test]
fn a_container_is_joined_with_whom_it_serves_and_whom_it_needs() {
    let Some(machine) = looked_at() else { return };
    let inventory = machine.inventory(DATA);
    let listed: Vec<String> = inventory
        .dependencies
        .iter()
        .map(|d| {
            format!(
                "{} {} -> {}:{:?} {} by {:?}",
                d.consumer.name,
                d.consumer.component.name,
                d.provider.name,
                d.provider.port,
                d.kind,
                d.provider.component
            )
        })
        .collect();
    let listed = format!("{listed:#?}");

    // What runs: its name, its image, what it publishes. Nothing that is only written down.
    let host = inventory
        .entities
        .iter()
        .find(|e| e.name == "box1")
        .expect("box1 was looked at");
    let shown = format!("{:?}", host.attributes.containers);
    assert_eq!(host.attributes.containers.len(), 1, "{shown}");
    let shop = &host.attributes.containers[0];
    assert_eq!(
        shop.name.as_ref().map(ToString::to_string).as_deref(),
        Some("shop")
    );
    assert!(
        shop.image
            .as_ref()
            .is_some_and(|i| i.to_string().contains("localhost/shop:1.4")),
        "{shown}"
    );
    assert!(shop.running, "{shown}");
    let ports: Vec<(u16, u16)> = shop.ports.iter().map(|p| (p.port.0, p.inner.0)).collect();
    assert_eq!(ports, [(18080, 80)], "{shown}");

    // Who calls the published port needs the container.
    let served = between(&inventory, ("app1", "box1"), 18080);
    assert_eq!(served.len(), 1, "{listed}");
    let part = served[0]
        .provider
        .component
        .as_ref()
        .expect("something serves there");
    assert_eq!(
        (part.class, part.name.to_string().as_str()),
        (ComponentClass::Container, "shop"),
        "{listed}"
    );
    assert_eq!(
        served[0].kind, "http",
        "what is spoken within decides: {listed}"
    );
    assert!(
        between(&inventory, ("app1", "box1"), 80).is_empty(),
        "{listed}"
    );

    // What it needs: written in its environment, and seen alive.
    let database = between(&inventory, ("box1", "app1"), 5432);
    assert_eq!(database.len(), 1, "{listed}");
    assert!(
        database[0]
            .consumer
            .component
            .name
            .to_string()
            .contains("shop:environment"),
        "{listed}"
    );
    let alive = between(&inventory, ("box1", "app1"), 8025);
    assert_eq!(alive.len(), 1, "{listed}");
    assert!(
        alive[0]
            .consumer
            .component
            .name
            .to_string()
            .starts_with("shop:"),
        "{listed}"
    );
    let listens_inside = inventory
        .listeners
        .iter()
        .find(|l| l.port.0 == 80)
        .expect("the server within was seen");
    assert_eq!(
        listens_inside.process.container.as_deref(),
        Some(shop.id.as_str())
    );

    // An address of a container is no machine, and its secrets stay with it.
    let inner: Vec<&String> = inventory
        .entities
        .iter()
        .map(|e| &e.name)
        .filter(|n| n.starts_with("10.88."))
        .collect();
    assert!(inner.is_empty(), "{inner:?}");
    let all = machine.inventory_json(DATA).to_string();
    assert!(
        !all.contains("geheim"),
        "a secret of the environment left its container"
    );
    let held = machine
        .try_shell("zstd -dc /root/batches/*.batch | grep -c geheim")
        .stdout;
    assert_eq!(held.trim(), "0");
}
