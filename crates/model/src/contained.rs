//! Names that only containers know.
//!
//! Container engines answer names within the networks they make: a container's own name, and the name of its service in a
//! composition. No other machine knows them, and neither does the machine the containers run on; so `db` in the settings of one
//! container is the container `db` beside it, at its own port, and no machine called `db`.

use crate::fact::Container;
use crate::{Foreign, HostName, path};

/// Labels that hold the name of a service: Docker's compose, Podman's, Docker's swarm.
const SERVICES: &[&str] = &[
    "com.docker.compose.service",
    "io.podman.compose.service",
    "com.docker.swarm.service.name",
];
const PROJECTS: &[&str] = &["com.docker.compose.project", "io.podman.compose.project"];
const COMPOSED_IN: &str = "com.docker.compose.project.working_dir";
/// Networks every container is in that asked for none: engines answer no names there.
const WITHOUT_NAMES: &[&str] = &["host", "none", "bridge", "podman"];

/// Directories that programs of the machine itself read (FHS 3.0). What watches a machine mounts them whole, and is not
/// the one whose settings lie there.
const MACHINES_OWN: &[&str] = &[
    "",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/local/etc",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
];

/// The running container that `name` means where it stands in `file`; `None` where that is no file of a container or a
/// composition, where no network is shared with it, and where several could be meant.
///
/// A file of a container is written `NAME:/path` (or `NAME:environment`); one of the machine belongs to the containers that see it
/// through a mount, and one beside a composition to all containers of that.
pub fn meant<'a>(
    containers: &'a [Container],
    name: &HostName,
    file: &Foreign,
) -> Option<&'a Container> {
    let running: Vec<&Container> = containers.iter().filter(|c| c.running).collect();
    let readers = readers(&running, file);
    let beside = |other: &Container| {
        let mut readers = readers.iter();
        readers.any(|reader| reader.id == other.id || share_names(reader, other))
    };
    let called = running
        .into_iter()
        .filter(|c| !c.addresses.is_empty() && is_called(c, name) && beside(c));
    let mut called = called.collect::<Vec<_>>().into_iter();
    called.next().filter(|_| called.next().is_none())
}

/// True if `file` stands in `container` itself.
pub fn stands_in(container: &Container, file: &Foreign) -> bool {
    let text = file.lossy();
    // `C:\Apps\app.config` stands in no container `C`.
    let is_name = |(name, _): &(&str, &str)| !name.contains('/') && !file.is_of_windows();
    let Some((within, _)) = text.split_once(':').filter(is_name) else {
        return false;
    };
    let short: String = container.id.chars().take(12).collect();
    within == short
        || container
            .name
            .as_ref()
            .is_some_and(|name| name.lossy() == within)
}

fn is_called(container: &Container, name: &HostName) -> bool {
    let own = container.name.as_ref().map(Foreign::lossy);
    let services = SERVICES.iter().filter_map(|key| container.labels.get(*key));
    let own = own.iter().map(AsRef::as_ref);
    own.chain(services.map(String::as_str))
        .any(|called| called.eq_ignore_ascii_case(name.as_str()))
}

fn readers<'a>(running: &[&'a Container], file: &Foreign) -> Vec<&'a Container> {
    let within = |c: &&&Container| stands_in(c, file);
    let inside: Vec<&Container> = running.iter().filter(within).copied().collect();
    if !inside.is_empty() {
        return inside;
    }
    let file = file.lossy();
    // The same of a whole drive, `C:\`.
    let is_drive = |from: &str| path::is_of_windows(from.as_bytes()) && from.len() <= 3;
    let of_the_machine = |from: &str| MACHINES_OWN.contains(&from.trim_end_matches('/'));
    let own = |from: &str| !is_drive(from) && !of_the_machine(from);
    let sees = |c: &&&Container| {
        let mut mounts = c.mounts.iter().map(|m| m.from.lossy());
        mounts.any(|from| own(&from) && is_below(&file, &from))
    };
    let composed = |c: &&&Container| {
        let place = c.labels.get(COMPOSED_IN).map(|at| at.trim_end_matches('/'));
        let above = path::folder(&file).map(str::as_bytes);
        above.is_some_and(|above| place.is_some_and(|at| path::is_same(above, at.as_bytes())))
    };
    let all = running.iter().filter(|c| sees(c) || composed(c));
    all.copied().collect()
}

fn is_below(path: &str, directory: &str) -> bool {
    // The name of a volume is no path.
    let is_path = directory.starts_with('/') || path::is_of_windows(directory.as_bytes());
    is_path && path::below(path.as_bytes(), directory.as_bytes()).is_some()
}

/// True for two that share a network in which names are answered. Some engines do not tell the networks: one composition
/// has one of its own then.
fn share_names(one: &Container, other: &Container) -> bool {
    let named = |network: &&String| !WITHOUT_NAMES.contains(&network.as_str());
    let mut networks = one.networks.iter().filter(named);
    let shared = networks.any(|network| other.networks.contains(network));
    let untold = one.networks.is_empty() && other.networks.is_empty();
    let project = |c: &Container| PROJECTS.iter().find_map(|key| c.labels.get(*key).cloned());
    shared || untold && project(one).is_some() && project(one) == project(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, network: &str, service: &str) -> Container {
        let mut container = Container {
            id: name.repeat(20),
            name: Some(format!("{name}-1").as_str().into()),
            runtime: "docker".into(),
            running: true,
            networks: vec![network.into()],
            addresses: vec![std::net::IpAddr::from([172, 18, 0, 2])],
            ..Container::default()
        };
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        container
            .labels
            .extend([label(SERVICES[0], service), label(COMPOSED_IN, "/srv/shop")]);
        container
    }

    fn said(all: &[Container], name: &str, file: &str) -> Option<String> {
        let name = HostName::parse(name)?;
        let found = meant(all, &name, &file.into())?;
        found.name.as_ref().map(ToString::to_string)
    }

    #[test]
    fn a_service_is_known_to_its_neighbours_and_in_its_composition_only() {
        let mut web = container("web", "shop_default", "web");
        web.mounts.push(crate::fact::ContainerMount {
            from: "/srv/settings".into(),
            to: "/etc/app".into(),
            read_only: true,
        });
        let all = [web, container("data", "shop_default", "db")];
        for file in [
            "web-1:environment",
            "web-1:/etc/app.conf",
            "/srv/shop/compose.yml",
            "/srv/shop/.env",
            "/srv/settings/app.yml",
        ] {
            assert_eq!(said(&all, "db", file).as_deref(), Some("data-1"), "{file}");
            assert_eq!(
                said(&all, "data-1", file).as_deref(),
                Some("data-1"),
                "{file}"
            );
        }
        // The machine itself does not know it, and neither does a file beside another composition.
        for file in [
            "/etc/app.conf",
            r"C:\shop\app.config",
            "/srv/shopping/compose.yml",
            "/srv/settings2/x",
            "other:environment",
        ] {
            assert_eq!(said(&all, "db", file), None, "{file}");
        }
        assert_eq!(said(&all, "db2", "web-1:environment"), None);
    }

    #[test]
    fn who_mounts_a_directory_of_the_machine_itself_lends_its_files_no_names() {
        let seen_through = |from: &str, file: &str| {
            let mut watcher = container("watcher", "shop_default", "watcher");
            watcher.mounts.push(crate::fact::ContainerMount {
                from: from.into(),
                to: "/host".into(),
                read_only: true,
            });
            said(
                &[watcher, container("data", "shop_default", "db")],
                "db",
                file,
            )
        };
        for from in ["/etc", "/etc/", "/", "/srv", "/var/lib"] {
            let file = format!("{}/app/app.conf", from.trim_end_matches('/'));
            assert_eq!(seen_through(from, &file), None, "{from}");
        }
        let own = [
            ("/etc/app", "/etc/app/app.conf"),
            ("/etc/app.conf", "/etc/app.conf"),
        ];
        for (from, file) in own {
            assert_eq!(
                seen_through(from, file).as_deref(),
                Some("data-1"),
                "{from}"
            );
        }
    }

    #[test]
    fn another_network_the_default_one_and_a_stopped_container_answer_nothing() {
        let file = "web-1:environment";
        let web = container("web", "shop_default", "web");
        let apart = [web.clone(), container("data", "other_default", "db")];
        assert_eq!(said(&apart, "db", file), None);
        let bridge = ["web", "data"].map(|name| container(name, "bridge", name));
        assert_eq!(said(&bridge, "data", file), None);
        let mut stopped = container("data", "shop_default", "db");
        stopped.running = false;
        assert_eq!(said(&[web.clone(), stopped], "db", file), None);
        // Two of a name: nobody can say which.
        let two = [
            web,
            container("data", "shop_default", "db"),
            container("more", "shop_default", "db"),
        ];
        assert_eq!(said(&two, "db", file), None);
    }
}
