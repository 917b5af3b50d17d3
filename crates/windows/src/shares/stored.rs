//! Shares as the registry keeps them: for machines whose Server service cannot be asked.

use std::collections::BTreeMap;

use groma_model::Reason;

use super::KEPT_IN;
use crate::security::{Descriptor, Entry, Who};
use crate::{Key, Machine, Part, ShareRow, joined};

/// Those the Server service will offer when it starts again. What was shared until the next start only stands nowhere, and
/// rights on folders stand on the folders.
pub(super) fn shares(machine: &Machine<'_>, why: &Reason, part: &mut Part) -> Vec<ShareRow> {
    let what = "shares that last until the next start only, and rights on shared folders";
    part.missed(what, why.clone());
    let kept = part.or_missed(
        &format!("shares ({KEPT_IN})"),
        machine.registry.key(KEPT_IN),
    );
    let kept = kept.unwrap_or_default();
    let path = joined(KEPT_IN, "Security");
    let rights = part.or_missed(
        &format!("rights on shares as a whole ({path})"),
        machine.registry.key(&path),
    );
    let rights = rights.unwrap_or_default();
    let mut rows: Vec<ShareRow> = kept
        .values
        .iter()
        .filter_map(|(name, _)| row(name, &kept))
        .collect();
    for row in &mut rows {
        row.rights = rights.bytes(&row.name).and_then(|bytes| {
            let read = Descriptor::of_bytes(bytes).map(|found| text(&found));
            if read.is_none() {
                part.missed(
                    format!("rights on the share {}", row.name),
                    Reason::Malformed,
                );
            }
            read
        });
    }
    let made = of_a_controller(machine);
    let is_new = |row: &ShareRow| {
        !rows
            .iter()
            .any(|known| known.name.eq_ignore_ascii_case(&row.name))
    };
    let made: Vec<ShareRow> = made.into_iter().filter(is_new).collect();
    rows.extend(made);
    rows
}

/// `Path=D:\data`, `Type=0`, `Remark=…`, each a line of its own.
fn row(name: &str, kept: &Key) -> Option<ShareRow> {
    let lines = kept.list(name).into_iter();
    let fields: BTreeMap<String, &str> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(field, value)| (field.to_lowercase(), value.trim()))
        .collect();
    let kind: u32 = fields.get("type")?.parse().ok()?;
    let text = |field: &str| fields.get(field).copied().unwrap_or_default().to_owned();
    // STYPE_SPECIAL and STYPE_TEMPORARY stand in the upper bits (lmshare.h).
    let word = match kind & 0xff {
        0 => "disk",
        1 => "printer",
        2 => "device",
        _ => "ipc",
    };
    Some(ShareRow {
        name: name.to_owned(),
        path: text("path"),
        kind: word.to_owned(),
        administrative: kind & 0x8000_0000 != 0 || is_of_every_machine(name),
        remark: Some(text("remark")).filter(|remark| !remark.is_empty()),
        rights: None,
        folder_rights: None,
    })
}

fn is_of_every_machine(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_drive = matches!(upper.as_bytes(), [b'A'..=b'Z', b'$']);
    is_drive || matches!(upper.as_str(), "ADMIN$" | "IPC$")
}

/// `SYSVOL` and `NETLOGON` of a domain controller: Netlogon shares them at each start, so no key keeps them.
fn of_a_controller(machine: &Machine<'_>) -> Vec<ShareRow> {
    let key = |path: &str| {
        machine
            .registry
            .key(path)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let logon = key(r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters");
    let made = |name: &str, path: String| ShareRow {
        name: name.to_owned(),
        path,
        kind: "disk".to_owned(),
        ..ShareRow::default()
    };
    let Some(folder) = logon
        .text("SysVol")
        .filter(|_| logon.number("SysvolReady") == Some(1))
    else {
        return Vec::new();
    };
    let network = key(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters");
    let domain = network.text("Domain").or_else(|| network.text("NV Domain"));
    let scripts = domain.map(|domain| joined(&joined(folder, domain), "SCRIPTS"));
    let scripts = scripts.map(|path| made("NETLOGON", path));
    [made("SYSVOL", folder.to_owned())]
        .into_iter()
        .chain(scripts)
        .collect()
}

/// A descriptor as text, of what the area asks for: the rows carry no bytes.
fn text(descriptor: &Descriptor) -> String {
    let name = |who: &Who| match who {
        Who::Sid(sid) => sid.clone(),
        Who::Relative(number) => number.to_string(),
    };
    let one = |entry: &Entry| {
        let kind = if entry.denies { "D" } else { "A" };
        let flags = if entry.inherited { "ID" } else { "" };
        format!("({kind};{flags};{:#x};;;{})", entry.mask, name(&entry.who))
    };
    match &descriptor.entries {
        Some(entries) => format!("D:{}", entries.iter().map(one).collect::<String>()),
        None => "D:NO_ACCESS_CONTROL".to_owned(),
    }
}
