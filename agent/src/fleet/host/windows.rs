//! What Windows tells of this machine.

use groma_model::Fact;
use groma_model::fact::HostIdentity;

use super::ToldOfHost;

pub(super) fn told() -> ToldOfHost {
    let facts = groma_source_windows::this_machine();
    let identity = facts.iter().find_map(|fact| match fact {
        Fact::Identity(identity) => Some(identity.clone()),
        _ => None,
    });
    let system = facts.iter().find_map(|fact| match fact {
        Fact::OperatingSystem(system) => Some(system.pretty_name.clone()),
        _ => None,
    });
    let identity: HostIdentity = identity.unwrap_or_default();
    ToldOfHost {
        name: identity.host_name.lossy().into_owned(),
        system: system.unwrap_or_else(|| std::env::consts::OS.to_owned()),
        installation: identity.machine_id.unwrap_or_default(),
        hardware: identity.smbios_uuid.unwrap_or_default(),
        cards: identity.macs,
    }
}
