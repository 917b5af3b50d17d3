//! `remote-mount`: a machine mounts storage of another one, and hangs when that one goes.

use std::collections::BTreeMap;

use groma_model::fact::{FileSystem, RemoteStorage};
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};

use crate::wording::{agree, machines, names};
use crate::{Check, Draft, View};

pub(crate) struct RemoteMount;

/// One mount, with the dependency that stands for it where the graph made one.
struct Mount<'a> {
    host: &'a Entity,
    file_system: &'a FileSystem,
    dependency: Option<&'a Dependency>,
}

impl Check for RemoteMount {
    fn name(&self) -> &'static str {
        "remote-mount"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut servers: BTreeMap<String, Vec<Mount<'_>>> = BTreeMap::new();
        for host in view.entities() {
            for file_system in &host.attributes.file_systems {
                let Some(remote) = file_system
                    .remote
                    .as_ref()
                    .filter(|r| !r.peer.is_loopback())
                else {
                    continue;
                };
                let dependency = dependency(view, host, remote);
                if dependency.is_some_and(|d| d.details.local)
                    || judged_wrong(view, host, remote, dependency)
                {
                    continue;
                }
                let key = dependency.map_or_else(
                    || remote.peer.to_string(),
                    |d| d.provider.entity.to_string(),
                );
                servers.entry(key).or_default().push(Mount {
                    host,
                    file_system,
                    dependency,
                });
            }
        }
        servers
            .iter()
            .map(|(server, mounts)| draft(view, server, mounts))
            .collect()
    }
}

fn stands_for(d: &Dependency, remote: &RemoteStorage) -> bool {
    let peer = remote.peer.to_string();
    let addressed = || d.provider.addresses.iter().any(|a| a.to_string() == peer);
    let named = || d.provider.name == peer || d.reached_as.as_deref() == Some(&peer);
    d.kind == remote.kind && (named() || addressed())
}

fn dependency<'a>(
    view: &View<'a>,
    host: &Entity,
    remote: &RemoteStorage,
) -> Option<&'a Dependency> {
    view.needs_of(&host.id).find(|d| stands_for(d, remote))
}

/// The graph made a dependency, but a person said it is none: then the mount is no finding either.
fn judged_wrong(
    view: &View<'_>,
    host: &Entity,
    remote: &RemoteStorage,
    found: Option<&Dependency>,
) -> bool {
    let mut all = view.also_wrong_of(&host.id);
    found.is_none() && all.any(|d| stands_for(d, remote))
}

fn draft(view: &View<'_>, server: &str, mounts: &[Mount<'_>]) -> Draft {
    let provider = mounts
        .iter()
        .find_map(|m| m.dependency)
        .map(|d| &d.provider);
    let name = provider.map_or(server, |p| p.name.as_str());
    let hosts: std::collections::BTreeSet<&str> =
        mounts.iter().map(|m| m.host.name.as_str()).collect();
    let mut draft = Draft::about(&[server]);
    draft.severity = if hosts.len() > 1 {
        Severity::High
    } else {
        Severity::Medium
    };
    "storage".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} storage of {name}: when {name} goes, programs there do not fail, they hang.",
        machines(mounts.iter().map(|m| (&m.host.id, m.host.name.as_str()))),
        agree(hosts.len(), "mounts", "mount")
    );
    let lines = mounts.iter().map(|m| {
        format!(
            "{} at {} on {}",
            m.file_system.device, m.file_system.mount_point, m.host.name
        )
    });
    draft.indicator = names(lines);
    draft.impact = format!(
        "{} may have to be restarted by force, and may not boot while {name} is away.",
        names(&hosts)
    );
    draft.mitigations = vec![
        "Move the data first and mount it from its new place before the old server is switched off.",
        "Unmount on every machine in the same window; a mount left behind hangs the next boot.",
        "Mount with a time-out (soft, nofail, automount) where a late answer is better than none.",
    ];
    provider
        .and_then(|p| view.entity(&p.entity))
        .into_iter()
        .for_each(|e| draft.points_at(e));
    for mount in mounts {
        draft.points_at(mount.host);
        draft.cites_evidence(mount.host.evidence.get(..1).unwrap_or_default());
        mount.dependency.into_iter().for_each(|d| draft.cites(d));
    }
    draft
}
