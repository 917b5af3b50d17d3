//! The last lines of a survey.

use groma_model::inventory::Dependency;
use groma_model::registry::REGISTRY;
use serde::Serialize;

use crate::index::Index;
use crate::page::{self, Limits, Page};
use crate::rank;
use crate::text::Catalogue;
use crate::visible::{cut, visible};

/// Risks named on a terminal.
const TOP_RISKS: usize = 3;
/// Longest line, in characters.
const LINE: usize = 200;

/// The report in a dozen lines. Every text is free of control characters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// How long was watched, as `30 s`.
    pub watched: String,
    /// The same in seconds.
    pub watched_seconds: u64,
    /// Names of the hosts that were looked at from inside.
    pub vantages: Vec<String>,
    /// Machines and guests known.
    pub hosts: usize,
    /// Printers, switches and other devices known.
    pub devices: usize,
    /// Dependencies nobody judged wrong.
    pub dependencies: usize,
    /// Of these: what a standard inventory does not show.
    pub hidden: usize,
    /// Certificates that have expired or will within 90 days.
    pub certificates_expiring: usize,
    /// Questions only a person can answer.
    pub questions: usize,
    /// Open risks.
    pub risks: usize,
    /// What must be said first: `Watched 30 s on 1 host: this is a first look, not an audit.`
    pub notices: Vec<String>,
    /// The gravest risks, one line each.
    pub top_risks: Vec<String>,
    /// The three most surprising hidden dependencies (or risks, where fewer are hidden), one line each.
    pub surprises: Vec<String>,
}

/// The summary of one inventory.
pub(crate) fn of(index: &Index<'_>, words: &Catalogue) -> Summary {
    let watched = page::watched(index, words);
    let none = Limits {
        dependencies: 0,
        hidden: 0,
        listeners: 0,
        ..Limits::DOCUMENT
    };
    let page = Page::of(index, words, none);
    let figure = |about: &str| {
        page.numbers
            .iter()
            .find(|n| n.about == about)
            .map_or(0, |n| n.value)
    };
    let risk = |r: &page::Risk| cut(&format!("{} {}", r.risk, r.because), LINE);
    let top_risks: Vec<String> = page.risks.iter().take(TOP_RISKS).map(risk).collect();
    Summary {
        watched: watched.length,
        watched_seconds: watched.seconds,
        vantages: watched.vantages,
        hosts: figure("hosts"),
        devices: figure("devices"),
        dependencies: figure("dependencies"),
        hidden: figure("hidden"),
        certificates_expiring: figure("certificates"),
        questions: figure("people"),
        risks: index.risks().len(),
        notices: page.notices.iter().map(|n| n.says.clone()).collect(),
        surprises: surprises(index, words, &page.risks),
        top_risks,
    }
}

fn surprises(index: &Index<'_>, words: &Catalogue, risks: &[page::Risk]) -> Vec<String> {
    let chosen = rank::surprises(&index.hidden(), 3);
    let lines = chosen.into_iter().map(|d| surprise_line(d, words));
    lines
        .chain(risks.iter().map(|r| cut(&r.risk, LINE)))
        .take(3)
        .collect()
}

/// `app1: billing.service needs erp-db (database, 5432/tcp): only a scheduled job uses it; by address 10.0.0.5 (/etc/app.env:3)`
fn surprise_line(dependency: &Dependency, words: &Catalogue) -> String {
    let need = page::Need::plain(dependency, words);
    let title = REGISTRY.kind(&dependency.kind).title.as_str();
    let what = need.endpoint.map_or_else(
        || title.to_owned(),
        |endpoint| format!("{title}, {endpoint}"),
    );
    let short = |name: &str| cut(&visible(name), 60);
    let mut line = format!(
        "{}: {} {} {} ({what})",
        short(&dependency.consumer.name),
        short(&dependency.consumer.component.name.lossy()),
        words.needs,
        short(&dependency.provider.name),
    );
    let mut because = need.reasons;
    because.extend(need.written_in.first().map(|place| cut(place, 60)));
    if !because.is_empty() {
        line.push_str(": ");
        line.push_str(&because.join("; "));
    }
    cut(&line, LINE)
}

/// The lines as a terminal shows them; each ends with a line feed.
impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = &crate::text::ENGLISH;
        for notice in &self.notices {
            writeln!(f, "{notice}")?;
        }
        let figures = [
            words.count(words.host, self.hosts),
            words.count(words.dependency, self.dependencies),
            words.count(words.summary_hidden, self.hidden),
            words.count(words.summary_risks, self.risks),
            words.count(words.summary_certificates, self.certificates_expiring),
            words.count(words.summary_questions, self.questions),
        ];
        writeln!(f, "{}", figures.join(" · "))?;
        for (title, lines) in [
            (words.risks, &self.top_risks),
            (words.summary_surprises, &self.surprises),
        ] {
            if !lines.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            for line in lines {
                writeln!(f, "  - {line}")?;
            }
        }
        Ok(())
    }
}
