//! State files of container runtimes and cgroup paths → containers. Pure.
//!
//! The files hold environments and commands with secrets: only named fields are ever taken out of them.

use std::collections::BTreeMap;

use groma_model::Foreign;
use groma_model::fact::{Container, ContainerMount, PublishedPort};
use groma_model::{Port, Transport};
use serde::Deserialize;

use crate::text::{lossy, meaningful_lines, pair};

/// Runtime and id of the container a process runs in, out of its cgroup file (cgroups(7)).
pub(crate) fn of_cgroup(bytes: &[u8]) -> Option<(&'static str, String)> {
    bytes.split(|b| *b == b'\n').find_map(|line| {
        // `number:controllers:path`; a path may hold colons.
        let path = line.splitn(3, |b| *b == b':').nth(2)?;
        of_path(&lossy(path))
    })
}

fn of_path(path: &str) -> Option<(&'static str, String)> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // The innermost container counts, so from the end.
    for (at, part) in parts.iter().enumerate().rev() {
        let name = part.strip_suffix(".scope").unwrap_or(part);
        for (prefix, runtime) in [
            ("docker-", "docker"),
            ("libpod-", "podman"),
            ("cri-containerd-", "containerd"),
            ("crio-", "cri-o"),
            ("nerdctl-", "containerd"),
        ] {
            if let Some(id) = name.strip_prefix(prefix).filter(|id| is_id(id)) {
                return Some((runtime, id.to_owned()));
            }
        }
        if let Some(name) = part.strip_prefix("lxc.payload.") {
            return Some(("lxc", name.to_owned()));
        }
        let parent = at
            .checked_sub(1)
            .and_then(|before| parts.get(before))
            .copied()
            .unwrap_or_default();
        match parent {
            "docker" if is_id(part) => return Some(("docker", (*part).to_owned())),
            "lxc" => return Some(("lxc", (*part).to_owned())),
            // Kubernetes without systemd: `kubepods/…/pod<uid>/<id>`.
            pod if pod.starts_with("pod")
                && is_id(part)
                && parts.first().is_some_and(|p| p.starts_with("kubepods")) =>
            {
                return Some(("containerd", (*part).to_owned()));
            }
            // containerd by itself: `/<namespace>/<id>`.
            "default" | "k8s.io" if at == 1 => return Some(("containerd", (*part).to_owned())),
            _ => {}
        }
    }
    None
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn container(runtime: &str, id: String, name: Option<String>, image: Option<String>) -> Container {
    let some = |text: Option<String>| text.filter(|t| !t.is_empty()).map(Foreign::from);
    Container {
        id,
        name: some(name),
        image: some(image),
        runtime: runtime.into(),
        ..Container::default()
    }
}

#[derive(Deserialize)]
struct DockerState {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "Config")]
    config: Option<DockerConfig>,
    #[serde(rename = "NetworkSettings", default)]
    network: DockerNetwork,
    #[serde(rename = "MountPoints", default)]
    mounts: BTreeMap<String, DockerMount>,
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "Image", default)]
    image: String,
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
struct DockerNetwork {
    #[serde(rename = "Networks", default)]
    networks: Option<BTreeMap<String, Option<DockerAttachment>>>,
}

#[derive(Deserialize)]
struct DockerAttachment {
    #[serde(rename = "IPAddress", default)]
    address: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    address_v6: String,
}

#[derive(Deserialize)]
struct DockerMount {
    #[serde(rename = "Source", default)]
    source: String,
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "RW", default)]
    writable: bool,
}

#[derive(Deserialize, Default)]
struct DockerHostConfig {
    #[serde(rename = "PortBindings", default)]
    ports: Option<BTreeMap<String, Option<Vec<DockerBinding>>>>,
    #[serde(rename = "RestartPolicy", default)]
    restart: DockerRestart,
    #[serde(rename = "NetworkMode", default)]
    network: String,
}

#[derive(Deserialize, Default)]
struct DockerBinding {
    #[serde(rename = "HostIp", default)]
    address: String,
    #[serde(rename = "HostPort", default)]
    port: String,
}

#[derive(Deserialize, Default)]
struct DockerRestart {
    #[serde(rename = "Name", default)]
    name: String,
}

/// Docker's `config.v2.json` of one container, with the `hostconfig.json` beside it.
pub(crate) fn docker(bytes: &[u8], beside: Option<&[u8]>) -> Option<Container> {
    let state: DockerState = serde_json::from_slice(bytes).ok()?;
    if !is_id(&state.id) {
        return None;
    }
    let (image, labels) = state
        .config
        .map(|c| (Some(c.image), c.labels.unwrap_or_default()))
        .unwrap_or_default();
    let name = state.name.trim_start_matches('/').to_owned();
    let mut told = container("docker", state.id, Some(name), image);
    told.labels = telling(labels);
    let networks = state.network.networks.unwrap_or_default();
    told.networks = networks.keys().take(LISTED_MAX).cloned().collect();
    let attached = networks.values().flatten().take(LISTED_MAX);
    told.addresses = attached
        .flat_map(|a| [&a.address, &a.address_v6])
        .filter_map(|a| a.parse().ok())
        .collect();
    told.mounts = state
        .mounts
        .into_iter()
        .take(LISTED_MAX)
        .map(|(to, mount)| ContainerMount {
            from: [mount.source, mount.name]
                .into_iter()
                .find(|f| !f.is_empty())
                .unwrap_or_default()
                .into(),
            to: to.into(),
            read_only: !mount.writable,
        })
        .collect();
    let host: DockerHostConfig = beside
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default();
    if host.network == "host" && !told.networks.contains(&host.network) {
        told.networks.push(host.network);
    }
    told.restart = Some(host.restart.name).filter(|name| !name.is_empty());
    for (inner, bindings) in host.ports.unwrap_or_default().into_iter().take(LISTED_MAX) {
        let bindings = bindings.unwrap_or_default();
        told.ports.extend(
            bindings
                .iter()
                .filter_map(|b| published(&inner, &b.address, &b.port)),
        );
    }
    settled(&mut told);
    Some(told)
}

/// Networks, mounts, ports one container may have.
const LISTED_MAX: usize = 256;

/// `80/tcp` within, an address and a port outside. A port Docker chooses itself is none to rely on.
fn published(inner: &str, address: &str, port: &str) -> Option<PublishedPort> {
    let (inner, transport) = inner.split_once('/').unwrap_or((inner, "tcp"));
    Some(PublishedPort {
        address: address
            .parse()
            .ok()
            .filter(|a: &std::net::IpAddr| !a.is_unspecified()),
        port: Port(port.parse().ok().filter(|p| *p > 0)?),
        inner: Port(inner.parse().ok()?),
        transport: match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        },
    })
}

/// Labels that say what a container belongs to; the rest may hold anything.
const LABELS: &[&str] = &[
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.project.working_dir",
    "com.docker.compose.project.config_files",
    "com.docker.stack.namespace",
    "com.docker.swarm.service.name",
    "io.podman.compose.project",
    "io.podman.compose.service",
    "PODMAN_SYSTEMD_UNIT",
    "io.kubernetes.pod.name",
    "io.kubernetes.pod.namespace",
    "io.kubernetes.container.name",
    "io.kubernetes.cri.sandbox-name",
    "io.kubernetes.cri.sandbox-namespace",
    "nerdctl/networks",
];

fn telling(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels;
    labels.retain(|key, value| LABELS.contains(&key.as_str()) && value.len() <= 1024);
    labels
}

/// Lists in an order of their own, each thing once.
fn settled(container: &mut Container) {
    container.networks.sort();
    container.networks.dedup();
    container.addresses.sort();
    container.addresses.dedup();
    container.ports.sort();
    container.ports.dedup();
    container
        .mounts
        .sort_by(|a, b| (&a.to, &a.from).cmp(&(&b.to, &b.from)));
}

/// What the OCI runtime configuration of a container says (runtime-spec, config.json): root file system, mounts,
/// whether it has a network of its own, annotations. Its `process` (environment, command line) is not looked at.
#[derive(Deserialize, Default)]
struct OciConfiguration {
    #[serde(default)]
    root: OciRoot,
    #[serde(default)]
    mounts: Vec<OciMount>,
    #[serde(default)]
    linux: OciLinux,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct OciRoot {
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
struct OciMount {
    #[serde(default)]
    destination: String,
    #[serde(default)]
    source: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    options: Vec<String>,
}

#[derive(Deserialize, Default)]
struct OciLinux {
    #[serde(default)]
    namespaces: Vec<OciNamespace>,
}

#[derive(Deserialize)]
struct OciNamespace {
    #[serde(rename = "type", default)]
    kind: String,
}

/// Adds what the OCI configuration beside a container says. `bundle` is the directory it stands in.
pub(crate) fn oci(container: &mut Container, bytes: &[u8], bundle: &str) -> bool {
    let Ok(told) = serde_json::from_slice::<OciConfiguration>(bytes) else {
        return false;
    };
    let root = told.root.path;
    container.root = match root.starts_with('/') {
        _ if root.is_empty() => None,
        true => Some(root.into()),
        false => Some(format!("{bundle}/{root}").into()),
    };
    let own_network = told.linux.namespaces.iter().any(|n| n.kind == "network");
    if !own_network && !told.linux.namespaces.is_empty() {
        container.networks.push("host".to_owned());
    }
    // What the runtime itself puts into every container tells nothing of this one.
    let usual = |to: &str| {
        matches!(
            to,
            "/etc/hosts"
                | "/etc/hostname"
                | "/etc/resolv.conf"
                | "/run/.containerenv"
                | "/dev/shm"
                | "/run/secrets"
        )
    };
    let mounts = told
        .mounts
        .into_iter()
        .filter(|m| m.kind == "bind" && m.source.starts_with('/') && !usual(&m.destination));
    container
        .mounts
        .extend(mounts.take(LISTED_MAX).map(|m| ContainerMount {
            read_only: m.options.iter().any(|o| o == "ro"),
            from: m.source.into(),
            to: m.destination.into(),
        }));
    container.labels.extend(telling(told.annotations));
    settled(container);
    true
}

/// Where `daemon.json` says Docker keeps its state.
pub(crate) fn docker_root(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Daemon {
        #[serde(rename = "data-root")]
        data_root: Option<String>,
    }
    serde_json::from_slice::<Daemon>(bytes)
        .ok()?
        .data_root
        .filter(|root| root.starts_with('/'))
}

#[derive(Deserialize)]
struct StoredContainer {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    metadata: String,
}

#[derive(Deserialize, Default)]
struct StoredMetadata {
    #[serde(rename = "image-name", default)]
    image_name: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "pod-id", default)]
    pod: String,
}

/// `containers.json` of the storage that Podman and CRI-O share.
pub(crate) fn storage(bytes: &[u8]) -> Option<Vec<Container>> {
    let stored: Vec<StoredContainer> = serde_json::from_slice(bytes).ok()?;
    let told = stored.into_iter().map(|one| {
        let more: StoredMetadata = serde_json::from_str(&one.metadata).unwrap_or_default();
        let runtime = if more.pod.is_empty() {
            "podman"
        } else {
            "cri-o"
        };
        let name = Some(more.name)
            .filter(|n| !n.is_empty())
            .or_else(|| one.names.into_iter().next());
        container(runtime, one.id, name, Some(more.image_name))
    });
    Some(told.collect())
}

/// The OCI configuration containerd keeps of a running task, in the directory `bundle`.
pub(crate) fn containerd(id: &str, bytes: &[u8], bundle: &str) -> Option<Container> {
    #[derive(Deserialize)]
    struct Configuration {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    let annotations = serde_json::from_slice::<Configuration>(bytes)
        .ok()?
        .annotations;
    let first = |keys: &[&str]| keys.iter().find_map(|key| annotations.get(*key).cloned());
    let name = first(&["io.kubernetes.cri.container-name", "nerdctl/name"])
        .or_else(|| first(&["io.kubernetes.cri.sandbox-name"]));
    let mut told = container(
        "containerd",
        id.to_owned(),
        name,
        first(&["io.kubernetes.cri.image-name"]),
    );
    oci(&mut told, bytes, bundle);
    Some(told)
}

/// The configuration of an LXC container, named by its directory.
pub(crate) fn lxc(name: &str, bytes: &[u8]) -> Container {
    let said = |wanted: &[&[u8]]| {
        meaningful_lines(bytes)
            .filter_map(|(_, line)| pair(line, b'='))
            .filter(|(key, _)| wanted.contains(key))
            .map(|(_, value)| lossy(value))
            .last()
    };
    let mut told = container(
        "lxc",
        name.to_owned(),
        said(&[b"lxc.uts.name", b"lxc.utsname"]).or_else(|| Some(name.to_owned())),
        None,
    );
    // `dir:/var/lib/lxc/x/rootfs`, or the path alone.
    let root = said(&[b"lxc.rootfs.path", b"lxc.rootfs"]);
    told.root = root
        .map(|r| {
            r.split_once(':')
                .map_or(r.clone(), |(_, path)| path.to_owned())
        })
        .filter(|r| r.starts_with('/'))
        .map(Foreign::from);
    told.networks
        .extend(said(&[b"lxc.net.0.link", b"lxc.network.link"]));
    let addresses = said(&[b"lxc.net.0.ipv4.address", b"lxc.network.ipv4"]);
    told.addresses = addresses
        .and_then(|a| a.split('/').next()?.parse().ok())
        .into_iter()
        .collect();
    if said(&[b"lxc.start.auto"]).is_some_and(|v| v == "1") {
        told.restart = Some("always".to_owned());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01";

    #[test]
    fn each_runtime_names_its_cgroups_in_its_own_way() {
        for (path, runtime) in [
            (format!("0::/system.slice/docker-{ID}.scope"), "docker"),
            (format!("12:pids:/docker/{ID}"), "docker"),
            (
                format!("0::/machine.slice/libpod-{ID}.scope/container"),
                "podman",
            ),
            (
                format!(
                    "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"
                ),
                "podman",
            ),
            (
                format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"),
                "containerd",
            ),
            (
                format!("4:memory:/kubepods/burstable/pod1234/{ID}"),
                "containerd",
            ),
            (
                format!("0::/kubepods.slice/x.slice/crio-{ID}.scope"),
                "cri-o",
            ),
        ] {
            assert_eq!(
                of_cgroup(path.as_bytes()),
                Some((runtime, ID.to_owned())),
                "{path}"
            );
        }
        assert_eq!(
            of_cgroup(b"0::/lxc.payload.mail1/system.slice/cron.service"),
            Some(("lxc", "mail1".into()))
        );
    }

    #[test]
    fn a_service_beside_the_containers_is_none() {
        for path in [
            "0::/system.slice/docker.service",
            "0::/",
            &format!("0::/machine.slice/libpod-conmon-{ID}.scope"),
            "0::/user.slice/user-0.slice",
            "1:name=systemd:/init.scope",
        ] {
            assert_eq!(of_cgroup(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn docker_tells_name_and_image_and_not_the_environment() {
        let state = format!(
            r#"{{"ID":"{ID}","Name":"/shop","State":{{"Running":true,"Pid":4}},"Config":{{"Image":"registry.corp.example/shop:3","Env":["DB_PASSWORD=s3cr3t"]}}}}"#
        );
        let found = docker(state.as_bytes(), None).unwrap();
        assert_eq!(
            (found.name.clone(), found.image.clone()),
            (
                Some("shop".into()),
                Some("registry.corp.example/shop:3".into())
            )
        );
        assert!(!format!("{found:?}").contains("s3cr3t"));
        assert_eq!(
            docker_root(br#"{"data-root":"/srv/docker","x":[1]}"#).as_deref(),
            Some("/srv/docker")
        );
    }

    #[test]
    fn docker_tells_networks_ports_mounts_and_restart() {
        let state = format!(
            r#"{{"ID":"{ID}","Name":"/shop","Config":{{"Image":"shop:3","Env":["A=s3cr3t"],"Labels":{{"com.docker.compose.project":"shop","x.secret":"s3cr3t"}}}},
            "NetworkSettings":{{"Networks":{{"shop_default":{{"IPAddress":"172.18.0.2","GlobalIPv6Address":""}},"other":null}}}},
            "MountPoints":{{"/data":{{"Source":"/srv/shop","Destination":"/data","RW":false}}}}}}"#
        );
        let beside = br#"{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"127.0.0.1","HostPort":"8081"}],"53/udp":null,"9/tcp":[{"HostPort":""}]},"RestartPolicy":{"Name":"unless-stopped"},"NetworkMode":"shop_default","Binds":["/srv/shop:/data:ro"]}"#;
        let found = docker(state.as_bytes(), Some(beside)).unwrap();
        assert_eq!(found.networks, ["other", "shop_default"]);
        assert_eq!(
            found.addresses,
            ["172.18.0.2".parse::<std::net::IpAddr>().unwrap()]
        );
        let ports: Vec<_> = found
            .ports
            .iter()
            .map(|p| (p.address.is_some(), p.port.0, p.inner.0))
            .collect();
        assert_eq!(ports, [(false, 8080, 80), (true, 8081, 80)]);
        assert_eq!((found.mounts.len(), found.mounts[0].read_only), (1, true));
        assert_eq!(found.restart.as_deref(), Some("unless-stopped"));
        assert_eq!(found.labels.len(), 1);
        assert!(!format!("{found:?}").contains("s3cr3t"));
    }

    /// Recorded from Podman 4.3.1 with runc: see RECORDED.md beside it.
    #[test]
    fn the_configuration_of_a_real_container_tells_its_root_and_mounts() {
        let bytes = include_bytes!("../../tests/fixtures/podman-4.3/config.json");
        let mut found = Container::default();
        assert!(oci(&mut found, bytes, "/bundle"));
        assert!(found.root.is_some_and(|r| r.lossy().contains("/vfs/dir/")));
        let mounts: Vec<_> = found
            .mounts
            .iter()
            .map(|m| (m.to.to_string(), m.read_only))
            .collect();
        assert_eq!(mounts, [("/data".to_owned(), true)]);
        assert!(found.networks.is_empty(), "it has a network of its own");
        assert!(
            String::from_utf8_lossy(bytes).contains("geheim")
                && !format!("{:?}", found.mounts).contains("geheim")
        );
    }

    #[test]
    fn the_shared_storage_tells_podman_from_cri_o() {
        let stored = format!(
            r#"[{{"id":"{ID}","names":["web"],"image":"abc","metadata":"{{\"image-name\":\"docker.io/library/web:1\",\"name\":\"web\"}}"}},
                {{"id":"b","names":["k8s_x"],"metadata":"{{\"pod-id\":\"p\",\"image-name\":\"i\",\"name\":\"n\"}}"}}]"#
        );
        let found = storage(stored.as_bytes()).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|c| (c.runtime.as_str(), c.name.clone().unwrap()))
                .collect::<Vec<_>>(),
            [("podman", "web".into()), ("cri-o", "n".into())]
        );
    }

    #[test]
    fn containerd_and_lxc_tell_their_names() {
        let configuration = br#"{"process":{"env":["KEY=s3cr3t"]},"annotations":{"io.kubernetes.cri.container-name":"api","io.kubernetes.cri.image-name":"api:2"}}"#;
        let found = containerd(ID, configuration, "/b").unwrap();
        assert_eq!(
            (found.name.clone(), found.image.clone()),
            (Some("api".into()), Some("api:2".into()))
        );
        assert!(!format!("{found:?}").contains("s3cr3t"));
        assert_eq!(
            lxc(
                "mail1",
                b"# x\nlxc.uts.name = mail\nlxc.environment = KEY=s3cr3t\n"
            )
            .name,
            Some("mail".into())
        );
    }

    #[test]
    fn hammered_state_files_never_panic() {
        let corpus: &[&[u8]] = &[
            br#"{"ID":"x","Name":"/shop","Config":{"Image":"i"}}"#,
            br#"[{"id":"a","names":["w"],"metadata":"{\"name\":\"n\"}"}]"#,
            br#"{"annotations":{"nerdctl/name":"x"}}"#,
            b"lxc.uts.name = mail\n",
            b"0::/kubepods/burstable/pod1234/x\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            docker(bytes, Some(bytes));
            oci(&mut Container::default(), bytes, "/b");
            docker_root(bytes);
            storage(bytes);
            containerd("x", bytes, "/b");
            lxc("x", bytes);
            of_cgroup(bytes);
        });
    }
}
