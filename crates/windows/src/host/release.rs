//! Which Windows it is, as `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion` tells it.

use groma_model::fact::OperatingSystem;

use crate::{Key, Machine};

/// The key.
pub(crate) const CURRENT_VERSION: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const ENVIRONMENT: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
/// The first build of Windows 11, whose key still says 10.
const FIRST_BUILD_OF_11: u64 = 22_000;

/// What the key says; virtualisation and time zone are told elsewhere.
pub(crate) fn release(key: &Key, architecture: String) -> OperatingSystem {
    let is_server = is_server(key);
    OperatingSystem {
        family: "windows".into(),
        id: if is_server {
            "windows-server"
        } else {
            "windows"
        }
        .into(),
        version: version(key),
        pretty_name: pretty_name(key, is_server),
        kernel: kernel(key),
        architecture,
        virtualization: None,
        time_zone: None,
    }
}

/// `x86_64`, `aarch64` or `x86`: of the table, else of the environment of the system; empty where neither tells.
pub(crate) fn architecture(machine: &Machine<'_>) -> String {
    let told = &machine.rows.system.architecture;
    if !told.is_empty() {
        return told.clone();
    }
    let environment = machine.registry.key(ENVIRONMENT).ok().flatten();
    let environment = environment.unwrap_or_default();
    let written = environment.text("PROCESSOR_ARCHITECTURE").unwrap_or("");
    let word = match written.to_ascii_uppercase().as_str() {
        "AMD64" => "x86_64",
        "ARM64" => "aarch64",
        "X86" => "x86",
        _ => "",
    };
    word.to_owned()
}

fn is_server(key: &Key) -> bool {
    match key.text("InstallationType") {
        Some(kind) => kind.contains("Server"),
        None => key
            .text("ProductName")
            .is_some_and(|name| name.contains("Server")),
    }
}

fn build(key: &Key) -> Option<&str> {
    key.text("CurrentBuildNumber")
        .or_else(|| key.text("CurrentBuild"))
}

/// Build and revision, as `20348.2700`.
fn build_and_revision(key: &Key) -> String {
    let build = build(key).unwrap_or_default();
    match key.number("UBR") {
        Some(revision) if !build.is_empty() => format!("{build}.{revision}"),
        _ => build.to_owned(),
    }
}

/// `22H2`, `1809`; before there were such words, the build.
fn version(key: &Key) -> String {
    let word = key.text("DisplayVersion").or_else(|| key.text("ReleaseId"));
    word.map_or_else(|| build_and_revision(key), str::to_owned)
}

fn kernel(key: &Key) -> String {
    let number = |name: &str| key.number(name);
    let version = match (
        number("CurrentMajorVersionNumber"),
        number("CurrentMinorVersionNumber"),
    ) {
        (Some(major), Some(minor)) => Some(format!("{major}.{minor}")),
        _ => key.text("CurrentVersion").map(str::to_owned),
    };
    let build = build_and_revision(key);
    let parts = [version.unwrap_or_default(), build];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

fn pretty_name(key: &Key, is_server: bool) -> String {
    let name = key.text("ProductName").unwrap_or("Windows");
    let number: u64 = build(key).and_then(|build| build.parse().ok()).unwrap_or(0);
    let is_11 = !is_server && number >= FIRST_BUILD_OF_11;
    let name = match name.strip_prefix("Windows 10") {
        Some(edition) if is_11 => format!("Windows 11{edition}"),
        _ => name.to_owned(),
    };
    match key.text("CSDVersion") {
        Some(pack) => format!("{name} {pack}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn key(values: &[(&str, &str)]) -> Key {
        let value = |(name, text): &(&str, &str)| ((*name).to_owned(), Value::Text((*text).into()));
        Key {
            values: values.iter().map(value).collect(),
            ..Key::default()
        }
    }

    #[test]
    fn a_server_is_told_from_a_client() {
        let server = release(
            &key(&[
                ("ProductName", "Windows Server 2022 Datacenter"),
                ("InstallationType", "Server Core"),
                ("CurrentBuildNumber", "20348"),
                ("UBR", "2700"),
                ("DisplayVersion", "21H2"),
                ("CurrentMajorVersionNumber", "10"),
                ("CurrentMinorVersionNumber", "0"),
                ("CurrentVersion", "6.3"),
            ]),
            "x86_64".into(),
        );
        assert_eq!(
            (server.family.as_str(), server.id.as_str()),
            ("windows", "windows-server")
        );
        assert_eq!(server.version, "21H2");
        assert_eq!(server.kernel, "10.0.20348.2700");
        assert_eq!(server.pretty_name, "Windows Server 2022 Datacenter");
    }

    #[test]
    fn eleven_calls_itself_ten_and_is_not_believed() {
        let name = |product: &str, kind: &str, build: &str| {
            let values = [
                ("ProductName", product),
                ("InstallationType", kind),
                ("CurrentBuildNumber", build),
            ];
            release(&key(&values), String::new()).pretty_name
        };
        assert_eq!(name("Windows 10 Pro", "Client", "22631"), "Windows 11 Pro");
        assert_eq!(name("Windows 10 Pro", "Client", "19045"), "Windows 10 Pro");
        let server = name("Windows Server 2025 Standard", "Server", "26100");
        assert_eq!(server, "Windows Server 2025 Standard");
    }

    #[test]
    fn an_old_release_has_its_build_for_a_version() {
        let old = release(
            &key(&[
                ("ProductName", "Windows Server 2008 R2 Standard"),
                ("CSDVersion", "Service Pack 1"),
                ("CurrentBuildNumber", "7601"),
                ("CurrentVersion", "6.1"),
            ]),
            String::new(),
        );
        assert_eq!(
            (old.id.as_str(), old.version.as_str()),
            ("windows-server", "7601")
        );
        assert_eq!(old.kernel, "6.1.7601");
        assert_eq!(
            old.pretty_name,
            "Windows Server 2008 R2 Standard Service Pack 1"
        );
    }
}
