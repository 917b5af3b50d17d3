//! The report as data: what every format shows, said once.
//!
//! All text in it is ready for a person ([`crate::visible`]); none of it is escaped for a sink yet.

mod between;
mod brief;
mod certificates;
mod coverage;
mod data;
mod devices;
mod directory;
mod estate;
mod front;
mod guests;
mod holdings;
mod ledger;
mod mail;
mod mail_ledger;
mod names;
mod needs;
mod notes;
mod retire;
mod risks;
mod routes;
mod schedule;
mod sign_in;
mod watching;
mod waves;

use serde::Serialize;

use crate::index::Index;
use crate::text::Catalogue;

pub(crate) use between::BetweenRow;
pub(crate) use brief::{Brief, LINES};
pub(crate) use certificates::CertificateRow;
pub(crate) use coverage::{FoldedRow, GapRow, SourceRow};
pub(crate) use data::DataRow;
pub(crate) use devices::DeviceRow;
pub(crate) use directory::{DirectoryPart, DirectoryRow};
pub(crate) use estate::{HostRow, ListenerRow, QuestionGroup, SystemRow};
pub(crate) use front::{Notice, Number, Watched, watched};
pub(crate) use guests::{Virtual, VirtualRow};
pub(crate) use holdings::{BackupRow, RightRow, VolumeRow};
pub(crate) use ledger::{LedgerRow, class};
pub(crate) use mail::MailRow;
pub(crate) use mail_ledger::MailLedgerRow;
pub(crate) use needs::{Need, evidence_lines};
pub(crate) use notes::NoteRow;
pub(crate) use retire::RetireRow;
pub(crate) use risks::{FindingRow, Risk};
pub(crate) use routes::RouteRow;
pub(crate) use schedule::RunRow;
pub(crate) use sign_in::SignInRow;
pub(crate) use watching::WatchRow;
pub(crate) use waves::{WaveCard, anchor};

/// Schema word of the JSON report.
pub(crate) const REPORT_SCHEMA: &str = "groma.report/1";
/// Risks on the first screen: what a director reads in a minute.
pub(crate) const FIRST_RISKS: usize = 10;

/// How many rows of each table a format holds.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) hidden: usize,
    pub(crate) findings: usize,
    pub(crate) certificates: usize,
    pub(crate) dependencies: usize,
    pub(crate) listeners: usize,
    pub(crate) hosts: usize,
    pub(crate) systems: usize,
    pub(crate) questions: usize,
    pub(crate) gaps: usize,
    pub(crate) runs: usize,
    pub(crate) waves: usize,
}

impl Limits {
    /// A page that a browser opens at once.
    pub(crate) const PAGE: Self = Self {
        hidden: 200,
        findings: 300,
        certificates: 300,
        dependencies: 2_000,
        listeners: 1_000,
        hosts: 1_000,
        systems: 300,
        questions: 300,
        gaps: 200,
        runs: 300,
        waves: 100,
    };
    /// A document that is read from top to bottom.
    pub(crate) const DOCUMENT: Self = Self {
        hidden: 100,
        findings: 100,
        certificates: 100,
        dependencies: 500,
        listeners: 300,
        hosts: 300,
        systems: 100,
        questions: 100,
        gaps: 100,
        runs: 100,
        waves: 50,
    };
    /// Everything.
    pub(crate) const NONE: Self = Self {
        hidden: usize::MAX,
        findings: usize::MAX,
        certificates: usize::MAX,
        dependencies: usize::MAX,
        listeners: usize::MAX,
        hosts: usize::MAX,
        systems: usize::MAX,
        questions: usize::MAX,
        gaps: usize::MAX,
        runs: usize::MAX,
        waves: usize::MAX,
    };
}

/// A table that may be cut.
#[derive(Serialize)]
pub(crate) struct Rows<T> {
    /// How many there are.
    pub(crate) total: usize,
    /// The first of them.
    pub(crate) rows: Vec<T>,
}

impl<T> Rows<T> {
    /// The first `limit` of `all`, made into rows by `row`.
    pub(crate) fn first<A>(all: &[A], limit: usize, row: impl FnMut(&A) -> T) -> Self {
        Self {
            total: all.len(),
            rows: all.iter().take(limit).map(row).collect(),
        }
    }

    /// True if rows were left out.
    pub(crate) fn is_cut(&self) -> bool {
        self.rows.len() < self.total
    }

    /// The line that says so.
    pub(crate) fn cut_line(&self, words: &Catalogue) -> String {
        let number = crate::human::number;
        crate::text::fill(
            words.shown_of,
            &[&number(self.rows.len()), &number(self.total)],
        )
    }
}

/// The whole report.
#[derive(Serialize)]
pub(crate) struct Page {
    pub(crate) schema: &'static str,
    pub(crate) title: String,
    pub(crate) generated_at: String,
    pub(crate) snapshot: Option<String>,
    pub(crate) watched: Watched,
    pub(crate) notices: Vec<Notice>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) unseen: Option<String>,
    /// The same, or why there is no number.
    pub(crate) estimate: String,
    pub(crate) brief: Brief,
    pub(crate) risks: Vec<Risk>,
    pub(crate) risks_more: usize,
    pub(crate) waves: Rows<WaveCard>,
    pub(crate) hidden: Rows<Need>,
    pub(crate) wrong_left_out: usize,
    pub(crate) findings: Rows<FindingRow>,
    pub(crate) retire: Rows<RetireRow>,
    pub(crate) certificates: Rows<CertificateRow>,
    pub(crate) authorities_left_out: usize,
    pub(crate) archives: Rows<DataRow>,
    pub(crate) data_lead: String,
    pub(crate) data: Rows<DataRow>,
    pub(crate) volumes_lead: String,
    pub(crate) volumes: Rows<VolumeRow>,
    pub(crate) rights: Rows<RightRow>,
    pub(crate) backups: Rows<BackupRow>,
    pub(crate) ledger: Rows<LedgerRow>,
    pub(crate) mail_ledger: Rows<MailLedgerRow>,
    pub(crate) devices: Rows<DeviceRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) guests: Option<Virtual>,
    pub(crate) watching: Rows<WatchRow>,
    pub(crate) mail: Rows<MailRow>,
    pub(crate) directories: Vec<DirectoryPart>,
    pub(crate) routes: Rows<RouteRow>,
    pub(crate) sign_in: Rows<SignInRow>,
    pub(crate) asking: Rows<names::AskingRow>,
    pub(crate) names: Rows<names::NameRow>,
    pub(crate) runs: Rows<RunRow>,
    pub(crate) dependencies: Rows<Need>,
    pub(crate) listeners: Rows<ListenerRow>,
    pub(crate) hosts: Rows<HostRow>,
    pub(crate) between: Rows<BetweenRow>,
    pub(crate) systems: Rows<SystemRow>,
    pub(crate) questions: Rows<QuestionGroup>,
    pub(crate) notes: Rows<NoteRow>,
    pub(crate) sources: Vec<SourceRow>,
    pub(crate) gaps: Rows<GapRow>,
    pub(crate) folded: Vec<FoldedRow>,
}

impl Page {
    /// The report of `index` in the language of `words`.
    pub(crate) fn of(index: &Index<'_>, words: &Catalogue, limits: Limits) -> Self {
        let inventory = index.inventory;
        let (certificates, authorities_left_out) =
            certificates::table(index, words, limits.certificates);
        let expiring = certificates::expiring(index);
        let watched = watched(index, words);
        let (risks, risks_more) = risks::first(index, words);
        let waves = waves::cards(index, words, limits.waves);
        let gaps = coverage::gaps(inventory, words, limits.gaps);
        Self {
            schema: REPORT_SCHEMA,
            title: front::title(index, words),
            generated_at: inventory.generated_at.minute(),
            snapshot: inventory.snapshot.as_deref().map(crate::visible::visible),
            notices: front::notices(inventory, &watched, words),
            numbers: front::numbers(index, expiring, words),
            unseen: front::unseen(inventory),
            estimate: brief::estimate(inventory, words),
            watched,
            brief: brief::of(index, &waves, &gaps, words),
            waves,
            risks,
            risks_more,
            hidden: needs::hidden(index, words, limits.hidden),
            wrong_left_out: inventory
                .dependencies
                .iter()
                .filter(|d| crate::index::is_wrong(d))
                .count(),
            findings: risks::table(index, words, limits.findings),
            retire: retire::table(index, words, limits.hosts),
            certificates,
            authorities_left_out,
            archives: data::archives(index, words, limits.hosts),
            data_lead: data::lead(inventory, words),
            data: data::table(index, words, limits.hosts),
            volumes_lead: data::volumes_lead(inventory, words),
            volumes: holdings::volumes(index, words, limits.hosts),
            rights: holdings::rights(index, words, limits.hosts),
            backups: holdings::backups(index, words, limits.hosts),
            ledger: ledger::table(index, words, limits.dependencies),
            mail_ledger: mail_ledger::table(index, words, limits.dependencies),
            devices: devices::table(index, words, limits.hosts),
            guests: guests::section(index, words, limits.hosts),
            watching: watching::table(index, words, limits.hosts),
            mail: mail::table(index, words, limits.hosts),
            directories: directory::parts(index, words, limits.hosts),
            routes: routes::table(index, words, limits.hosts),
            sign_in: sign_in::table(index, words, limits.hosts),
            asking: names::asking(index, words, limits.hosts),
            names: names::records(index, words, limits.hosts),
            runs: schedule::upcoming(index, words, limits.runs),
            dependencies: needs::all(index, words, limits.dependencies),
            listeners: estate::listeners(index, words, limits.listeners),
            hosts: estate::hosts(index, words, limits.hosts),
            between: between::table(index, words, limits.hosts),
            systems: estate::systems(index, words, limits.systems),
            questions: estate::questions(index, words, limits.questions),
            notes: notes::table(index, limits.questions),
            sources: coverage::sources(inventory, words),
            gaps,
            folded: coverage::folded(index, words),
        }
    }
}
