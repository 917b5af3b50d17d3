//! The risk table, certificates and questions.

use groma_model::fact::CertificatePlace;
use groma_model::inventory::{CertificatePlaceEntry, CertificateUser, Entity, Finding, Question};

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, ids, lines, list, maybe, text, yes};
use crate::index::{Index, gravity};
use crate::words;

const FINDINGS: Table<16> = Table {
    name: "findings",
    about: "The risk table: what to mind before the move, the gravest first",
    none: "No check found anything to mind.",
    columns: [
        col("Severity"),
        wide("Risk", 38),
        wide("Indicator", 42),
        wide("Impact", 34),
        col("Likelihood"),
        wide("Mitigations", 42),
        col("Owner"),
        col("Control date (UTC)"),
        col("State"),
        wide("Verdict", 24),
        wide("About", 30),
        col("Layer"),
        col("Check"),
        col("Found by"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn findings(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.findings, gravity);
    book.table(&FINDINGS, rows, |f| finding(f, index))
}

fn finding(f: &Finding, index: &Index<'_>) -> [Cell; 16] {
    let verdict = f.verdict.as_ref().map(|v| {
        let word = words::verdict(v.verdict);
        format!("{word} by {}: {}", v.by, v.because)
    });
    [
        Cell::Grave(f.severity),
        text(&f.risk),
        text(&f.indicator),
        text(&f.impact),
        text(words::likelihood(f.likelihood)),
        lines(&f.mitigations),
        maybe(&f.owner),
        f.control_date.into(),
        text(words::state(f.state)),
        maybe(&verdict),
        list(f.subjects.iter().map(|subject| index.subject(subject))),
        text(&f.layer),
        text(&f.check),
        text(words::origin(f.origin)),
        text(&f.id),
        ids(&f.evidence),
    ]
}

const CERTIFICATES: Table<21> = Table {
    name: "certificates",
    about: "Certificates, those that end first on top: where they lie, who uses them",
    none: "No certificate was found.",
    columns: [
        col("Name"),
        col("Valid until (UTC)"),
        col("Days left"),
        wide("Names in it", 36),
        wide("Used by", 40),
        wide("Met at", 40),
        col("Hosts"),
        col("Subject"),
        col("Issuer"),
        col("Authority"),
        col("Self-signed"),
        col("Key"),
        col("Key bits"),
        col("Signature"),
        col("Valid from (UTC)"),
        col("Owner"),
        col("Key stands on"),
        col("Serial"),
        id("SHA-256"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn certificates(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let all = index.inventory.entities.iter();
    let certificates = all.filter(|e| e.attributes.certificate.is_some());
    let until = |e: &Entity| e.attributes.certificate.as_ref().map(|c| c.not_after);
    let rows = sorted(certificates, |e| (until(e), &e.id));
    book.table(&CERTIFICATES, rows, |e| certificate(e, index))
}

fn certificate(e: &Entity, index: &Index<'_>) -> [Cell; 21] {
    let known = e.attributes.certificate.as_ref();
    let places = &e.attributes.places;
    let left = known.map(|c| index.inventory.generated_at.days_until(c.not_after));
    let mut hosts: Vec<&str> = places.iter().map(|p| index.name(&p.host)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let keys = places.iter().filter(|p| p.key_present);
    let mut keys: Vec<&str> = keys.map(|p| index.name(&p.host)).collect();
    keys.sort_unstable();
    keys.dedup();
    [
        text(&e.name),
        known.map(|c| c.not_after).into(),
        left.map(|days| days as f64)
            .map_or(Cell::Empty, Cell::Round),
        list(known.iter().flat_map(|c| &c.names)),
        lines(e.attributes.used_by.iter().map(|user| used_by(user, index))),
        lines(places.iter().map(|place| met_at(place, index))),
        count(hosts.len()),
        known.map(|c| c.subject.as_str()).into(),
        known.map(|c| c.issuer.as_str()).into(),
        known.map_or(Cell::Empty, |c| yes(c.authority)),
        known.map_or(Cell::Empty, |c| yes(c.self_signed)),
        known.map(|c| c.key_algorithm.as_str()).into(),
        known.map(|c| c.key_bits).into(),
        known.map(|c| c.signature_algorithm.as_str()).into(),
        known.map(|c| c.not_before).into(),
        maybe(&e.owner),
        list(keys),
        known.map(|c| c.serial.as_str()).into(),
        known.map(|c| c.sha256.as_str()).into(),
        text(&e.id),
        ids(&e.evidence),
    ]
}

fn used_by(user: &CertificateUser, index: &Index<'_>) -> String {
    let setting = &user.setting;
    let idle = if user.idle { " (not running)" } else { "" };
    format!(
        "{}: {} {}{idle} ({}:{})",
        index.name(&user.host),
        setting.component.name.lossy(),
        words::role(setting.role),
        setting.file.lossy(),
        setting.line,
    )
}

fn met_at(place: &CertificatePlaceEntry, index: &Index<'_>) -> String {
    let host = index.name(&place.host);
    match &place.place {
        CertificatePlace::File { path, .. } => format!("{host}: {}", path.lossy()),
        CertificatePlace::Endpoint {
            address,
            port,
            protocol,
            ..
        } => {
            let address = std::net::SocketAddr::new(*address, port.0);
            format!("{host}: {address} ({protocol})")
        }
    }
}

const QUESTIONS: Table<5> = Table {
    name: "questions",
    about: "What only a person can answer, by whom to ask",
    none: "No question is open.",
    columns: [
        col("To"),
        col("About"),
        wide("Question", 80),
        wide("Answer", 50),
        id("Id of what it is about"),
    ],
};

pub(super) fn questions(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.questions, |q: &Question| q);
    book.table(&QUESTIONS, rows, |q| {
        [
            maybe(&q.to),
            text(index.subject(&q.about)),
            text(&q.question),
            Cell::Empty,
            text(&q.about),
        ]
    })
}
