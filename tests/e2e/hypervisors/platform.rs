//! What the platform says of its guests, as an agent that asked it would carry it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use groma_model::batch::{BATCH_SCHEMA, BatchHeader};
use groma_model::virtualization::{Guest, GuestNic, Hypervisor, Platform, PlatformKind, Power};
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, Foreign, Scope, Seen, SiteId, SourceName, Timestamp,
};
use serde_json::{Value, json};

use super::guest::Card;

/// The host that carries all of it.
pub(crate) const HOST: &str = "carrier1";

/// A guest as its platform shows it.
pub(crate) struct Shown {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) uuid: String,
    pub(crate) mac: &'static str,
}

impl Shown {
    /// The machine of this card, under another name than it calls itself.
    pub(crate) fn of(card: &Card) -> Self {
        Self {
            key: "vm-1",
            name: "Shop (production)",
            uuid: card.uuid.to_owned(),
            mac: card.mac,
        }
    }
}

/// Writes a batch to `path` in which somebody asked a platform at `at` and heard of these guests and of their host.
pub(crate) fn says(guests: &[Shown], at: Timestamp, path: &Path) {
    let platform = Platform {
        kind: PlatformKind::Libvirt,
        id: HOST.to_owned(),
    };
    let mut facts = vec![Fact::Hypervisor(Box::new(Hypervisor {
        platform: platform.clone(),
        key: "host-1".to_owned(),
        name: Foreign::from(HOST.to_owned()),
        ..Hypervisor::default()
    }))];
    facts.extend(guests.iter().map(|shown| guest(&platform, shown)));
    write(&facts, at, path);
}

fn guest(platform: &Platform, shown: &Shown) -> Fact {
    let nic = GuestNic {
        name: "net0".to_owned(),
        mac: Some(shown.mac.to_owned()),
        ..GuestNic::default()
    };
    Fact::Guest(Box::new(Guest {
        platform: platform.clone(),
        key: shown.key.to_owned(),
        name: Foreign::from(shown.name.to_owned()),
        uuid: Some(shown.uuid.clone()),
        power: Some(Power::On),
        host: Some("host-1".to_owned()),
        nics: vec![nic],
        ..Guest::default()
    }))
}

/// A batch is lines of JSON in zstd, which two standard tools read; so one of them may write it.
fn write(facts: &[Fact], at: Timestamp, path: &Path) {
    let source = SourceName::new("hypervisor.platform");
    let scope = Scope::new("hypervisor", "libvirt/qemu/system");
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::new("asks-the-platform"),
        site: SiteId::new("default"),
        epoch: 1,
        sequence: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: at,
        ended: at,
        sources: vec![source.clone()],
    };
    let covered = Coverage {
        scope: scope.clone(),
        state: CoverageState::Complete,
        from: at,
        to: at,
        how: None,
    };
    let saw = |fact: &Fact| json!({ "source": source, "scope": scope, "seen": Seen::once(at), "saw": fact });
    let mut lines: Vec<Value> = vec![serde_json::to_value(&header).unwrap()];
    lines.extend(facts.iter().map(saw));
    lines.push(json!({ "source": source, "covered": covered }));
    lines.push(json!({ "records": lines.len() - 1 }));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut packer = Command::new("zstd")
        .args(["-q", "-f", "-o"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("zstd runs");
    let mut stdin = packer.stdin.take().expect("stdin was asked for");
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(packer.wait().unwrap().success(), "zstd packs a batch");
}
