//! The source: each platform of the access file in its turn, one that fails without harm to the next.

use std::collections::BTreeMap;

use groma_model::virtualization::{Platform, PlatformKind};
use groma_model::{CoverageState, Reason, Scope, SourceName};
use groma_source::names::{HOSTS, RESOLV_CONF};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::NAME;
use crate::access::Access;
use crate::at_most::AtMost;
use crate::cause::Cause;
use crate::twice::Noticing;
use crate::vsphere;

/// What the reader of one platform works with.
pub(crate) struct Asking<'a> {
    /// Clock, disk and network.
    pub(crate) world: &'a World,
    /// Whom to ask, and as whom.
    pub(crate) access: &'a Access,
    /// How long.
    pub(crate) window: &'a Window,
    /// At which cost.
    pub(crate) budget: &'a Budget,
    /// The scope all of it belongs to; parts of it nest.
    pub(crate) scope: &'a Scope,
    /// All platforms the operator named, this one among them.
    pub(crate) named: &'a [Access],
}

impl Asking<'_> {
    /// The scope of a part of the platform.
    pub(crate) fn part(&self, of: &str) -> Scope {
        let (space, path) = self.scope.as_str().split_once(':').unwrap_or_default();
        Scope::new(space, &format!("{path}/{of}"))
    }
}

/// Asks platforms that the operator named.
pub struct HypervisorSource {
    world: World,
    platforms: Vec<Access>,
}

impl HypervisorSource {
    /// Asks `platforms`, in their order.
    pub fn new(world: World, platforms: Vec<Access>) -> Self {
        Self { world, platforms }
    }

    /// `told` keeps who told which platform first.
    fn ask(
        &self,
        access: &Access,
        window: &Window,
        budget: &Budget,
        told: &mut BTreeMap<Platform, String>,
        sink: &mut dyn Sink,
    ) {
        let scope = scope(access);
        let asking = Asking {
            world: &self.world,
            access,
            window,
            budget,
            scope: &scope,
            named: &self.platforms,
        };
        let mut noticing = Noticing::new(sink);
        let mut most = AtMost::new(&mut noticing, budget.observations_max);
        let read = read(&asking, &mut most);
        let is_whole = most.close(&scope);
        let twice = noticing.twice(&access.url, told);
        let state = match read {
            Ok(_) if !twice.is_empty() || !is_whole => CoverageState::Partial,
            Ok(state) => state,
            Err(cause) => {
                sink.missed(cause.gap(&scope));
                CoverageState::Partial
            }
        };
        for cause in twice {
            sink.missed(cause.gap(&scope));
        }
        sink.covered_now(window, &scope, state);
    }
}

/// Reads all of one platform: what was seen and missed goes to `sink`; the answer is whether everything was seen.
fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    match asking.access.kind {
        PlatformKind::Libvirt => crate::libvirt::read(asking, sink),
        PlatformKind::Vsphere => vsphere::read(asking, sink),
        PlatformKind::Proxmox => crate::proxmox::read(asking, sink),
        PlatformKind::Ovirt => crate::ovirt::read(asking, sink),
        PlatformKind::Xapi => crate::xapi::read(asking, sink),
        PlatformKind::HyperV | PlatformKind::Other => Err(Cause::new(
            format!("{} is not asked yet", asking.access.kind.title()),
            Reason::Unsupported,
            "",
        )),
    }
}

/// The place of one platform: its kind and its URL, which holds no secret.
fn scope(access: &Access) -> Scope {
    let place = access.url.replace("://", "/");
    Scope::new("hypervisor", &format!("{}/{place}", access.kind.word()))
}

impl Source for HypervisorSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let names = (!self.platforms.is_empty()).then(|| {
            format!("the name servers of {RESOLV_CONF}, for the address of a name without a line in {HOSTS}")
        });
        Explanation {
            purpose: "Asks platforms of virtualization that the operator named about guests, hosts, clusters and datastores.".into(),
            reads: lines(&[
                "the file named with --access, and the password files, tokens and certificates it names",
            ]),
            contacts: self.platforms.iter().map(|access| access.url.clone()).chain(names).collect(),
            sends: lines(&["guests with disks, cards, snapshots and what would block a move; hosts; datastores; what they take at their peak"]),
            never_sends: lines(&[
                "a password or token, a note somebody wrote at a guest, the contents of a disk or a screen",
                "a log-on to a server whose certificate nobody named, or in clear text to another machine",
            ]),
            rights: lines(&[
                "an account of the platform that may read, and nothing else; Proxmox VE: helpers inside guests answer to VM.GuestAgent.Audit",
                "libvirt on this machine: its socket for readers; with ask_guests the one that may write, for libvirt lets nobody else hear what helpers inside guests say",
            ]),
            cost: "one log-on a look, and one more where the platform ends the session; one question at a time: vSphere and oVirt one for a hundred objects, Proxmox VE two to six for a guest, libvirt one to three for a guest and one for each snapshot and volume, XCP-ng and XenServer one for all records of a kind".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut told = BTreeMap::new();
        for access in &self.platforms {
            self.ask(access, window, budget, &mut told, sink);
        }
    }
}
