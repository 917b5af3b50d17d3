//! Entities to dependencies: who needs whom, and how we know.
//!
//! [`connect`] reads the evidence once and turns sockets, written references, mounts and certificates into
//! edges, **one per key**: consumer and component, kind, provider, port, transport. A live connection, the
//! line of configuration that causes it, and the server's own view of it are one edge with three witnesses,
//! not three edges; the module `join` says when two pieces of evidence speak of one need.
//!
//! A need that ends at a relay (a reverse proxy, a tunnel, address translation) is followed to who stands behind
//! it: the module `relay` concludes what can be honestly told, and says "one of" where nothing tells which.
//!
//! A port of a machine that leads into a container belongs to the container: the module `published` says so, and what
//! the container's own program speaks decides the kind.
//!
//! Nothing here guesses silently. A kind that only the port number suggests gives way to what a file or a
//! program states; an edge nobody saw alive says so (`config-only`); an edge concluded from several facts
//! is called `inferred`. `docs/reference/hidden.md` tells how each reason for "hidden" is computed.
#![forbid(unsafe_code)]

mod admitted;
mod backups;
mod bare;
mod carried;
mod certificates;
mod channels;
mod devices;
mod directory;
mod draft;
pub mod due;
mod few;
mod finish;
mod footprints;
mod gather;
pub mod guests;
mod hidden;
pub mod impact;
mod join;
mod known;
mod ledger;
mod live;
mod logged;
mod mail;
mod mail_class;
mod mail_ledger;
mod mailboxes;
mod met;
mod nobody;
pub mod nowhere;
pub mod pinned;
mod published;
mod relay;
mod relying;
mod reported;
mod rhythm;
mod rights;
mod routes;
mod side_by_side;
pub mod stake;
mod systems;
mod untold;
pub mod used;
mod volumes;
mod watching;
mod written;
mod zones;

use groma_model::inventory::{
    Backup, Dependency, EvidenceEntry, ListenerEntry, MailRecordEntry, MeasurementEntry, Right,
    System, Volume, Watching,
};
use groma_model::store::LookSpan;
use groma_model::{Estate, Evidence, Fact};

pub use footprints::ASKING;
pub use volumes::{grow, transfer};

/// Everything that follows from the evidence once the entities are known. All lists are sorted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    /// Who needs whom.
    pub dependencies: Vec<Dependency>,
    /// Endpoints held open.
    pub listeners: Vec<ListenerEntry>,
    /// Proposed systems, to be confirmed by a person.
    pub systems: Vec<System>,
    /// How much data lies where.
    pub volumes: Vec<Volume>,
    /// Who may do what.
    pub rights: Vec<Right>,
    /// What is backed up.
    pub backups: Vec<Backup>,
    /// Who watches what, and where logs go.
    pub watching: Vec<Watching>,
    /// What the domain name system says about mail.
    pub mail_records: Vec<MailRecordEntry>,
    /// Where mail servers send mail on to.
    pub mail_routes: Vec<groma_model::route::MailRouteEntry>,
    /// What the zones of name servers say, and where it leads.
    pub zone_records: Vec<groma_model::zone::ZoneRecordEntry>,
    /// Who uses which service in which way.
    pub ledger: Vec<groma_model::ledger::LedgerEntry>,
    /// Who may use another one's mailbox, and whose mail is handed on.
    pub mailbox_ties: Vec<groma_model::mailbox::MailboxTieEntry>,
    /// Which services sign people in through which identity provider.
    pub relying_parties: Vec<groma_model::relying::RelyingPartyEntry>,
    /// Who hands mail to which server or reads it there.
    pub mail_ledger: Vec<groma_model::mail_ledger::MailLedgerEntry>,
    /// What each mail server takes, and whom it lets through.
    pub mail_servers: Vec<groma_model::mail_ledger::MailServerEntry>,
    /// What each device is and can, and what it needs of mail servers.
    pub devices: Vec<groma_model::device_verdict::DeviceEntry>,
    /// Numbers taken by looks.
    pub measurements: Vec<MeasurementEntry>,
    /// The facts that entities, listeners and dependencies cite.
    pub evidence: Vec<EvidenceEntry>,
}

/// True if [`connect`] makes anything of this evidence. The rest (most of all packages) need not be kept for it.
pub fn uses(evidence: &Evidence) -> bool {
    !matches!(
        evidence.fact,
        Fact::Package(_)
            | Fact::Unit(_)
            | Fact::Route(_)
            | Fact::FilterRule(_)
            | Fact::ProtocolSetting(_)
            | Fact::Unknown(_)
    )
}

/// Makes the graph of `estate` out of `evidence`: the same evidence that made the estate, in any order.
pub fn connect(estate: &Estate, evidence: impl IntoIterator<Item = Evidence>) -> Graph {
    connect_beside(estate, evidence, &[])
}

/// The same, knowing in which looks agents asked other machines what they are ([`ASKING`]): that is no need of theirs.
pub fn connect_beside(
    estate: &Estate,
    evidence: impl IntoIterator<Item = Evidence>,
    asked: &[LookSpan],
) -> Graph {
    let mut gathered = gather::Gathered::read(estate, evidence);
    devices::sheets::settle(&mut gathered, estate);
    footprints::forget(&mut gathered, estate, asked);
    let held = std::mem::take(&mut gathered.listeners);
    let inside = std::mem::take(&mut gathered.inside);
    let published = published::Published::new(&inside, estate);
    let listeners = live::Listeners::new(&held, published, estate);
    let mut drafts = draft::Drafts::default();
    let mut channels = channels::Channels::new(&gathered, estate, &listeners);
    live::outgoing(&gathered, estate, &listeners, &mut channels, &mut drafts);
    let mut told = watching::Told::of_references(&gathered.references, estate);
    written::references(
        std::mem::take(&mut gathered.references),
        &gathered,
        estate,
        &mut drafts,
    );
    written::mounts(&gathered, estate, &mut drafts);
    let relays = relay::Relays::new(std::mem::take(&mut gathered.forwards), estate);
    relays.own_needs(&listeners, estate, &mut drafts);
    live::incoming(&gathered, estate, &listeners, &mut channels, &mut drafts);
    routes::needs(&gathered, estate, &mut drafts);
    logged::uses(&gathered, estate, &mut drafts);
    reported::uses(&gathered, estate, &mut drafts);
    reported::knocks(&gathered, estate, &mut drafts);
    directory::needs(&gathered, estate, &mut drafts);
    carried::needs(&gathered, estate, &mut drafts);
    admitted::needs(&gathered, estate, &mut drafts);
    relying::needs(&gathered, estate, &mut drafts);
    channels.cite(&mut drafts);
    bare::explain(&mut drafts);
    // What drafts are made of makes room for what they become.
    gathered.connections = Vec::new();
    let mut issued = certificates::issued_by(estate);
    issued.extend(certificates::status(estate));
    let dependencies = finish::finish(drafts, issued, &gathered, estate, &listeners, &relays);
    let mut listeners = listeners.into_entries(estate);
    met::join(
        &mut listeners,
        &gathered.open_ports,
        &gathered.seen_services,
        &gathered.sightings,
        estate,
    );
    let (volumes, measurements) = volumes::numbers(&gathered.measurements, estate);
    let rights = rights::given(&gathered, estate);
    let backups = backups::made(&gathered, estate, &measurements);
    told.take_watches(&gathered.watches, estate);
    told.take_dependencies(&dependencies);
    let watching = told.into_rows(estate);
    let (ledger, (systems, (mail_servers, mail_ledger))) = rayon::join(
        || ledger::entries(&gathered, estate, &dependencies, &watching),
        || {
            let systems = systems::propose(estate, &listeners, &dependencies);
            let servers = mail_ledger::servers(&gathered, estate);
            let rows = mail_ledger::entries(&gathered, estate, &servers, &dependencies, &watching);
            (systems, (servers, rows))
        },
    );
    let devices = devices::verdicts(&gathered, estate, &dependencies, &mail_ledger);
    let mail_records = mail::rows(&gathered.mail_records, estate);
    let mailbox_ties = mailboxes::ties(&gathered.mailbox_ties);
    let relying_parties = relying::rows(&gathered.relying, estate);
    let mail_routes = routes::rows(&gathered.mail_routes, estate);
    let zone_records = zones::rows(&gathered, estate);
    let held = gather::Held {
        rights: &rights,
        backups: &backups,
        watching: &watching,
        mail_records: &mail_records,
        mail_routes: &mail_routes,
        zone_records: &zone_records,
        ledger: &ledger,
        mailbox_ties: &mailbox_ties,
        relying_parties: &relying_parties,
        mail_ledger: &mail_ledger,
        mail_servers: &mail_servers,
        devices: &devices,
    };
    let evidence = gathered.into_cited(estate, &dependencies, &listeners, held);
    Graph {
        dependencies,
        listeners,
        systems,
        volumes,
        rights,
        backups,
        watching,
        mail_records,
        mail_routes,
        zone_records,
        ledger,
        mailbox_ties,
        relying_parties,
        mail_ledger,
        mail_servers,
        devices,
        measurements,
        evidence,
    }
}
