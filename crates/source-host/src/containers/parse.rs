//! State files of container runtimes and cgroup paths → containers. Pure.
//!
//! The files hold environments and commands with secrets: only named fields are ever taken out of them.

use std::collections::BTreeMap;

use groma_model::Foreign;
use groma_model::fact::Container;
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
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "Image", default)]
    image: String,
}

/// Docker's `config.v2.json` of one container.
pub(crate) fn docker(bytes: &[u8]) -> Option<Container> {
    let state: DockerState = serde_json::from_slice(bytes).ok()?;
    let image = state.config.map(|config| config.image);
    is_id(&state.id).then(|| {
        container(
            "docker",
            state.id,
            Some(state.name.trim_start_matches('/').to_owned()),
            image,
        )
    })
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

/// The OCI configuration containerd keeps of a running task: only its annotations.
pub(crate) fn containerd(id: &str, bytes: &[u8]) -> Option<Container> {
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
    Some(container(
        "containerd",
        id.to_owned(),
        name,
        first(&["io.kubernetes.cri.image-name"]),
    ))
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
    container(
        "lxc",
        name.to_owned(),
        said(&[b"lxc.uts.name", b"lxc.utsname"]).or_else(|| Some(name.to_owned())),
        None,
    )
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
        let found = docker(state.as_bytes()).unwrap();
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
        let found = containerd(ID, configuration).unwrap();
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
            docker(bytes);
            docker_root(bytes);
            storage(bytes);
            containerd("x", bytes);
            lxc("x", bytes);
            of_cgroup(bytes);
        });
    }
}
