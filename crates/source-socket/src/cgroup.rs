//! `/proc/PID/cgroup` → the unit and the container a process belongs to, pure.
//!
//! The service manager puts each unit into a group named after it, and container runtimes put the
//! container's id there (cgroups(7)). Names that are made up anew at each start (login sessions,
//! `systemd-run` scopes, desktop applications) are left out: a fact must be the same at the next look.

/// What the groups of a process tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Membership {
    /// The unit, as `nginx.service`, `postgresql@15-main.service`; one of a user's own manager with that
    /// manager before it, as `user@1000.service/backup.service`.
    pub unit: Option<String>,
    /// The container's id or, for LXC, its name.
    pub container: Option<String>,
}

/// Longest table that is looked at; the real ones have a dozen lines.
const LINES_MAX: usize = 64;

/// Reads `/proc/PID/cgroup`, version 1, 2 and both at once.
pub fn membership(table: &[u8]) -> Membership {
    let text = String::from_utf8_lossy(table);
    let groups: Vec<(&str, &str)> = text.lines().take(LINES_MAX).filter_map(group).collect();
    let container = groups
        .iter()
        .find_map(|(_, path)| parts(path).find_map(container_of));
    // Both at once: the manager's own tree knows the units, the unified one may be empty.
    let of = |wanted: &str| {
        groups
            .iter()
            .find(|(kind, path)| *kind == wanted && *path != "/")
            .map(|(_, path)| *path)
    };
    let unit = of("name=systemd").or_else(|| of("")).and_then(unit_of);
    Membership {
        unit,
        container: container.map(str::to_owned),
    }
}

/// `3:cpuset:/path` → controllers and path.
fn group(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':')
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != "..")
}

/// The unit of a path: the innermost one that keeps its name, looking no further out than the container.
fn unit_of(path: &str) -> Option<String> {
    let all: Vec<&str> = parts(path).collect();
    let inside = all
        .iter()
        .rposition(|part| container_of(part).is_some())
        .map_or(0, |at| at + 1);
    let units: Vec<&str> = all
        .iter()
        .skip(inside)
        .copied()
        .filter(|part| is_unit(part))
        .collect();
    let manager = units
        .iter()
        .find(|unit| unit.starts_with("user@") && unit.ends_with(".service"));
    let innermost = units.iter().rev().find(|unit| !is_made_up(unit))?;
    Some(match manager {
        Some(manager) if manager == innermost => (*manager).to_owned(),
        // Scopes below a user's manager are its applications, made up at each start.
        Some(manager) if innermost.ends_with(".scope") => (*manager).to_owned(),
        Some(manager) => format!("{manager}/{innermost}"),
        None => (*innermost).to_owned(),
    })
}

fn is_unit(part: &str) -> bool {
    part.strip_suffix(".service")
        .or_else(|| part.strip_suffix(".scope"))
        .is_some_and(|stem| !stem.is_empty())
}

/// Beginnings of names that tell a start, not a service, whatever follows: desktop applications, terminals,
/// and the watchers beside containers.
const MADE_UP: &[&str] = &[
    "app-",
    "vte-spawn-",
    "tmux-spawn-",
    "libpod-conmon-",
    "crio-conmon-",
];
/// The same, where a number follows: logins (`session-3`, `session-c1`), `systemd-run` (`run-r…`, `run-u17`,
/// `run-p812-i813`), `podman run`.
const NUMBERED: &[&str] = &[
    "session-c",
    "session-",
    "run-r",
    "run-u",
    "run-p",
    "run-",
    "podman-",
];

fn is_made_up(unit: &str) -> bool {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    let is_number = |rest: &str| {
        let digits = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'-' | b'i');
        rest.bytes().any(|b| b.is_ascii_digit()) && rest.bytes().all(digits)
    };
    MADE_UP.iter().any(|prefix| stem.starts_with(prefix))
        || NUMBERED
            .iter()
            .filter_map(|prefix| stem.strip_prefix(prefix))
            .any(is_number)
}

/// The container a group is made for, if it is.
fn container_of(part: &str) -> Option<&str> {
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return (!name.is_empty()).then_some(name);
    }
    let stem = part.strip_suffix(".scope").unwrap_or(part);
    let id = RUNTIMES
        .iter()
        .find_map(|prefix| stem.strip_prefix(prefix))
        .unwrap_or(stem);
    let is_id = id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some(id)
}

/// What runtimes put before the id, where the service manager makes the group for them.
const RUNTIMES: &[&str] = &["docker-", "libpod-", "crio-", "cri-containerd-", "nerdctl-"];

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn unit(table: &str) -> Option<String> {
        membership(table.as_bytes()).unit
    }

    #[test]
    fn the_unit_is_read_from_either_version() {
        assert_eq!(
            unit("0::/system.slice/nginx.service\n").as_deref(),
            Some("nginx.service")
        );
        assert_eq!(
            unit("5:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n").as_deref(),
            Some("cron.service")
        );
        assert_eq!(
            unit("1:name=systemd:/\n0::/system.slice/cron.service\n").as_deref(),
            Some("cron.service")
        );
        let template = "0::/system.slice/system-postgresql.slice/postgresql@15-main.service";
        assert_eq!(
            unit(template).as_deref(),
            Some("postgresql@15-main.service")
        );
        assert_eq!(
            unit("0::/system.slice/app.service/payload/worker").as_deref(),
            Some("app.service")
        );
        assert_eq!(unit("0::/init.scope").as_deref(), Some("init.scope"));
        assert_eq!(unit("0::/").as_deref(), None);
        assert_eq!(unit("9:name=systemd:/\n4:memory:/some/limit\n0::/\n"), None);
    }

    #[test]
    fn names_made_up_at_each_start_are_left_out() {
        for made_up in [
            "0::/user.slice/user-1000.slice/session-3.scope",
            "0::/user.slice/user-0.slice/session-c1.scope",
            "0::/system.slice/run-r0123456789abcdef0123456789abcdef.service",
            "0::/system.slice/run-u17.service",
            "0::/system.slice/run-p812-i813.service",
        ] {
            assert_eq!(unit(made_up), None, "{made_up}");
        }
        assert_eq!(
            unit("0::/system.slice/run-backups.service").as_deref(),
            Some("run-backups.service")
        );
    }

    #[test]
    fn a_users_own_manager_stands_before_its_units() {
        let base = "0::/user.slice/user-1000.slice/user@1000.service";
        assert_eq!(
            unit(&format!("{base}/app.slice/backup.service")).as_deref(),
            Some("user@1000.service/backup.service")
        );
        for inner in [
            "",
            "/init.scope",
            "/app.slice/app-firefox-4711.scope",
            "/app.slice/app-gnome-x@0f2a.service",
        ] {
            assert_eq!(
                unit(&format!("{base}{inner}")).as_deref(),
                Some("user@1000.service"),
                "{inner}"
            );
        }
    }

    #[test]
    fn container_ids_of_every_runtime_are_known() {
        for path in [
            format!("/docker/{ID}"),
            format!("/system.slice/docker-{ID}.scope"),
            format!("/machine.slice/libpod-{ID}.scope/container"),
            format!(
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-{ID}.scope"
            ),
            format!("/kubepods/burstable/pod0b7b/{ID}"),
            format!("/kubepods.slice/crio-{ID}.scope"),
        ] {
            let found = membership(format!("0::{path}\n").as_bytes());
            assert_eq!(
                found,
                Membership {
                    unit: None,
                    container: Some(ID.into())
                },
                "{path}"
            );
            assert_eq!(
                membership(format!("4:memory:{path}\n1:name=systemd:/\n").as_bytes())
                    .container
                    .as_deref(),
                Some(ID)
            );
        }
        let lxc = membership(b"0::/lxc.payload.web/system.slice/nginx.service\n");
        assert_eq!(
            (lxc.unit.as_deref(), lxc.container.as_deref()),
            (Some("nginx.service"), Some("web"))
        );
    }

    #[test]
    fn what_only_looks_like_a_container_is_none() {
        for path in [
            format!("/machine.slice/libpod-conmon-{ID}.scope"),
            "/lxc.monitor.web".to_owned(),
            "/system.slice/docker.service".to_owned(),
            "/process/f2cc6d48ca1567f5c6ae22eea4bdce08".to_owned(),
            format!("/x/{}", ID.to_uppercase()),
        ] {
            assert_eq!(
                membership(format!("0::{path}\n").as_bytes()).container,
                None,
                "{path}"
            );
        }
    }
}
