//! Which certificates somebody uses to prove who they are: what certificate checks agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::{Certificate, CertificatePlace, CertificateRole};
use groma_model::inventory::{CertificatePlaceEntry, CertificateUser, Dependency, Entity};
use groma_model::{EntityId, Port, Timestamp};

use super::standing::{Confirmed, dated};
use crate::View;
use crate::view::is_loopback_or_link;

/// A certificate in use, with where it is used.
pub(crate) struct Leaf<'a> {
    pub(crate) entity: &'a Entity,
    pub(crate) certificate: &'a Certificate,
    /// Host and port of each listener that presents it, sorted.
    pub(crate) endpoints: BTreeSet<(&'a EntityId, Port)>,
    /// When endpoints were last seen to present it that the newest look could not confirm.
    unconfirmed: BTreeMap<(&'a EntityId, Port), Timestamp>,
    /// Host and file of each copy whose key stands beside it, sorted.
    pub(crate) files: BTreeSet<(&'a EntityId, String)>,
    /// True if an address other machines can reach presents it.
    pub(crate) reachable: bool,
}

/// Every certificate that a listener presents as its own, or whose key stands on a host. Authorities in
/// files, trust anchors and the upper part of chains prove nobody's identity here and are left out.
pub(crate) fn leaves<'a>(view: &View<'a>) -> Vec<Leaf<'a>> {
    let mut seen = BTreeSet::new();
    let certificates = view
        .entities()
        .filter_map(|e| Some((e, e.attributes.certificate.as_ref()?)));
    let once = certificates.filter(|(_, c)| seen.insert(&c.sha256));
    let confirmed = Confirmed::of(view);
    once.filter_map(|(entity, certificate)| leaf(view, entity, certificate, &confirmed))
        .collect()
}

fn leaf<'a>(
    view: &View<'a>,
    entity: &'a Entity,
    certificate: &'a Certificate,
    confirmed: &Confirmed<'a>,
) -> Option<Leaf<'a>> {
    let mut leaf = Leaf {
        entity,
        certificate,
        endpoints: BTreeSet::new(),
        unconfirmed: BTreeMap::new(),
        files: BTreeSet::new(),
        reachable: false,
    };
    let places = entity.attributes.places.iter();
    for entry in places.filter(|place| confirmed.stands(view, place)) {
        match &entry.place {
            CertificatePlace::Endpoint {
                address,
                port,
                position: 0,
                ..
            } => {
                leaf.presented(&entry.host, address, *port);
                leaf.date(entry, *port);
            }
            CertificatePlace::File { path, .. } if entry.key_present && !certificate.authority => {
                leaf.files
                    .insert((&entry.host, dated(path.to_string(), entry)));
            }
            _ => {}
        }
    }
    for listener in view.presenting(&entity.id) {
        leaf.presented(&listener.entity, &listener.address, listener.port);
    }
    leaf.decide_reach(view);
    (!leaf.endpoints.is_empty() || !leaf.files.is_empty()).then_some(leaf)
}

impl<'a> Leaf<'a> {
    fn presented(&mut self, host: &'a EntityId, address: &IpAddr, port: Port) {
        self.endpoints.insert((host, port));
        self.reachable |= !is_loopback_or_link(address);
    }

    /// Remembers when an endpoint was asked that the newest look could not ask.
    fn date(&mut self, entry: &'a CertificatePlaceEntry, port: Port) {
        if let Some(last) = entry.last_seen.filter(|_| !entry.state.is_current()) {
            let known = self.unconfirmed.entry((&entry.host, port)).or_insert(last);
            *known = last.max(*known);
        }
    }

    /// A handshake on loopback also proves a listener that is bound to every address.
    fn decide_reach(&mut self, view: &View<'_>) {
        self.reachable |= self.endpoints.iter().any(|(host, port)| {
            let mut here = view.listeners(host).iter().filter(|l| l.port == *port);
            here.any(|l| l.address.is_unspecified() || !is_loopback_or_link(&l.address))
        });
    }

    /// The hosts it is used on.
    pub(crate) fn hosts(&self) -> BTreeSet<&'a EntityId> {
        let endpoints = self.endpoints.iter().map(|(host, _)| *host);
        endpoints
            .chain(self.files.iter().map(|(host, _)| *host))
            .collect()
    }

    /// The dependencies that go through a listener presenting it.
    pub(crate) fn users(&self, view: &View<'a>) -> Vec<&'a Dependency> {
        let through = |d: &&Dependency| {
            d.provider
                .port
                .is_some_and(|p| self.endpoints.contains(&(&d.provider.entity, p)))
        };
        let hosts: BTreeSet<&EntityId> = self.endpoints.iter().map(|(host, _)| *host).collect();
        let needs = hosts.into_iter().flat_map(|host| view.needs_for(host));
        needs.filter(|d| through(d) && !d.details.local).collect()
    }

    /// Where it is used, as `mail1:636` and `/etc/ssl/mail.pem on mail1`.
    pub(crate) fn places(&self, view: &View<'_>) -> Vec<String> {
        let name = |id: &EntityId| {
            view.entity(id)
                .map_or_else(|| id.to_string(), |e| e.name.clone())
        };
        if self.endpoints.is_empty() {
            return self
                .files
                .iter()
                .map(|(host, file)| format!("{file} on {}", name(host)))
                .collect();
        }
        let place = |at: &(&EntityId, Port)| {
            let last = self.unconfirmed.get(at);
            let last = last.map(|last| format!(" (last seen {})", last.day()));
            format!("{}:{}{}", name(at.0), at.1, last.unwrap_or_default())
        };
        self.endpoints.iter().map(place).collect()
    }

    /// True if a setting of a part that runs, or would run, names it.
    pub(crate) fn is_set_up(&self) -> bool {
        self.presenting().next().is_some()
    }

    fn presenting(&self) -> impl Iterator<Item = &'a CertificateUser> + use<'a> {
        let users = self.entity.attributes.used_by.iter();
        users.filter(|user| !user.idle && user.setting.role == CertificateRole::Presents)
    }

    /// Who is set up to present it, as `nginx.service on web1 through /etc/ssl/web.pem, port 443`; each part once.
    pub(crate) fn parts(&self, view: &View<'_>) -> Vec<String> {
        let mut said = BTreeSet::new();
        let once = self
            .presenting()
            .filter(|user| said.insert((&user.host, &user.setting.component)));
        once.map(|user| {
            let host = view
                .entity(&user.host)
                .map_or_else(|| user.host.to_string(), |e| e.name.clone());
            let setting = &user.setting;
            let ports: Vec<String> = user.ports.iter().map(|p| format!(", port {p}")).collect();
            format!(
                "{} on {host} through {}{}",
                setting.component.name,
                setting.certificate_file,
                ports.concat()
            )
        })
        .collect()
    }

    /// What a person calls it: its common name, else its first alternative name, else the subject.
    pub(crate) fn name(&self) -> &'a str {
        let common = self
            .certificate
            .subject
            .split(',')
            .find_map(|p| p.trim().strip_prefix("CN="));
        let first = self.certificate.names.first().map(String::as_str);
        common.or(first).unwrap_or(&self.certificate.subject)
    }
}
