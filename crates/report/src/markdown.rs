//! The report as GitHub-flavoured Markdown.

mod guests;
mod waves;

use std::fmt::Write as _;

use crate::page::{DataRow, DirectoryRow, Need, Page, Rows};
use crate::text::{Catalogue, fill};

/// The document, headings and tables, without the map.
pub(crate) fn render(page: &Page, words: &Catalogue) -> String {
    let mut out = Document {
        text: String::new(),
        words,
    };
    front(&mut out, page);
    waves::waves(&mut out, page);
    hidden(&mut out, page);
    findings(&mut out, page);
    retire(&mut out, page);
    certificates(&mut out, page);
    data(
        &mut out,
        words.archives,
        words.archives_lead,
        &page.archives,
    );
    data(&mut out, words.data, &page.data_lead, &page.data);
    guests::guests(&mut out, page);
    ledger(&mut out, page);
    mail_ledger(&mut out, page);
    devices(&mut out, page);
    watching(&mut out, page);
    mail(&mut out, page);
    directories(&mut out, page);
    routes(&mut out, page);
    sign_in(&mut out, page);
    names(&mut out, page);
    runs(&mut out, page);
    dependencies(&mut out, page);
    estate(&mut out, page);
    waves::notes(&mut out, page);
    unknown(&mut out, page);
    out.line("---");
    out.line(&escape(words.footer));
    out.text
}

struct Document<'a> {
    text: String,
    words: &'a Catalogue,
}

impl Document<'_> {
    /// A paragraph.
    fn line(&mut self, text: &str) {
        let _ = write!(self.text, "{text}\n\n");
    }

    fn heading(&mut self, text: &str, lead: &str) {
        self.line(&format!("## {}", escape(text)));
        if !lead.is_empty() {
            self.line(&escape(lead));
        }
    }

    fn item(&mut self, text: &str) {
        let _ = writeln!(self.text, "- {text}");
    }

    /// A table; `rows` are escaped here.
    fn table(&mut self, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let _ = writeln!(self.text, "| {} |", columns.join(" | "));
        let _ = writeln!(self.text, "|{}", " --- |".repeat(columns.len()));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            let _ = writeln!(self.text, "| {} |", cells.join(" | "));
        }
        self.text.push('\n');
    }

    /// A table of all rows there are room for, and how many there are besides.
    fn rows<T>(&mut self, columns: &[&str], rows: &Rows<T>, cells: impl Fn(&T) -> Vec<String>) {
        self.table(columns, rows.rows.iter().map(cells));
        self.cut(rows);
    }

    fn cut<T>(&mut self, rows: &Rows<T>) {
        if rows.is_cut() {
            self.line(&escape(&rows.cut_line(self.words)));
        }
    }
}

fn front(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.line(&format!("# {}", escape(&page.title)));
    out.line(&escape(&fill(words.generated, &[&page.generated_at])));
    out.line(&escape(&page.watched.sentence));
    for notice in &page.notices {
        out.line(&format!(
            "> **{}** {}",
            escape(&notice.says),
            escape(notice.because)
        ));
    }
    for number in &page.numbers {
        out.item(&format!("**{}** {}", number.shown, escape(number.label)));
    }
    out.text.push('\n');
    if let Some(unseen) = &page.unseen {
        out.line(&escape(unseen));
    }
    out.heading(words.risks, words.risks_lead);
    if page.risks.is_empty() {
        out.line(&escape(words.risks_none));
    }
    for (at, risk) in page.risks.iter().enumerate() {
        let _ = writeln!(
            out.text,
            "{}. **{}** ({})",
            at + 1,
            escape(&risk.risk),
            risk.severity
        );
        let _ = writeln!(out.text, "   {}: {}", words.why, escape(&risk.because));
        if let Some(step) = &risk.first_step {
            let _ = writeln!(out.text, "   {}: {}", words.first, escape(step));
        }
        let owner = risk.owner.as_deref().unwrap_or(words.nobody);
        let date = risk.control_date.as_deref().unwrap_or(words.no_date);
        let _ = writeln!(
            out.text,
            "   {}: {}. {}: {}",
            words.owner,
            escape(owner),
            words.control_date,
            escape(date)
        );
        for line in [&risk.consumers_line, &risk.alike_line]
            .into_iter()
            .flatten()
        {
            let _ = writeln!(out.text, "   {}", escape(line));
        }
    }
    out.text.push('\n');
    if page.risks_more > 0 {
        out.line(&escape(&words.count(words.risks_rest, page.risks_more)));
    }
}

fn hidden(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.hidden, words.hidden_lead);
    if page.hidden.rows.is_empty() {
        out.line(&escape(words.hidden_none));
    }
    for need in &page.hidden.rows {
        hidden_item(out, need);
    }
    out.text.push('\n');
    out.cut(&page.hidden);
    if page.wrong_left_out > 0 {
        out.line(&escape(
            &words.count(words.wrong_left_out, page.wrong_left_out),
        ));
    }
}

fn hidden_item(out: &mut Document<'_>, need: &Need) {
    let words = out.words;
    let what = need
        .endpoint
        .as_ref()
        .map_or(need.kind_title.to_owned(), |e| {
            format!("{}, {e}", need.kind_title)
        });
    out.item(&format!(
        "**{}** ({}) {} **{}** ({}): {}",
        escape(&need.consumer),
        escape(&need.component),
        words.needs,
        escape(&need.provider),
        escape(&what),
        escape(&need.reasons.join("; "))
    ));
    for (label, value) in facts(need, words) {
        let _ = writeln!(out.text, "  - {}: {}", escape(label), escape(&value));
    }
    for line in &need.because {
        let _ = writeln!(out.text, "  - {}", escape(line));
    }
}

/// What is known about how the consumer uses the provider, with labels.
pub(crate) fn facts(need: &Need, words: &Catalogue) -> Vec<(&'static str, String)> {
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
    let accounts = list(&need.accounts).map(|a| {
        if need.secret_in_file {
            format!("{a} ({})", words.secret_here)
        } else {
            a
        }
    });
    let (label, at) = match &need.last_used {
        Some(used) => (words.last_used, used),
        None if need.written_in.is_empty() => (words.last_seen, &need.last_seen),
        None => (words.last_read, &need.last_seen),
    };
    let seen = if need.current {
        at.clone()
    } else {
        format!("{at} ({})", words.not_current)
    };
    let facts = [
        (words.reached, need.reached.clone()),
        (words.account, accounts),
        (words.protection, need.protection.map(str::to_owned)),
        (words.uses, list(&need.resources)),
        (words.through, through(need, words)),
        (words.onward, onward(need, words)),
        (words.written_in, list(&need.written_in)),
        (words.rhythm, need.rhythm.clone()),
        (label, Some(seen)),
        (words.next_due, need.next_due.clone()),
    ];
    facts
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .collect()
}

/// What stands between, from the consumer on, and whether others stand in for the provider.
pub(crate) fn through(need: &Need, words: &Catalogue) -> Option<String> {
    let mut parts = need.through.clone();
    if need.one_of_several {
        parts.push(words.one_of_several.to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Possibilities a line prints.
const ONWARD_MAX: usize = 4;

/// Where the provider may hand this on to: the first of the possibilities, and how many are left.
pub(crate) fn onward(need: &Need, words: &Catalogue) -> Option<String> {
    let ways = need.onward.iter().map(|line| way(line).to_owned());
    let mut told: Vec<String> = ways.take(ONWARD_MAX).collect();
    let more = need.onward.len().saturating_sub(ONWARD_MAX);
    if more > 0 {
        told.push(words.count(words.more, more));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// What stands between, where anything does.
fn between(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.between.rows.is_empty() {
        return;
    }
    out.heading(words.between, words.between_lead);
    let columns = [words.between_door, words.between_behind, words.between_for];
    out.rows(&columns, &page.between, |row| {
        vec![row.door.clone(), row.behind.clone(), row.consumers.clone()]
    });
}

/// A possibility without the words that say it is one.
pub(crate) fn way(line: &str) -> &str {
    line.strip_prefix("one of: ").unwrap_or(line)
}

fn findings(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.findings, words.findings_lead);
    if page.findings.rows.is_empty() {
        out.line(&escape(words.findings_none));
        return;
    }
    let columns = [
        words.risk,
        words.indicator,
        words.impact,
        words.likelihood,
        words.mitigations,
        words.owner_and_date,
        words.risk_state,
    ];
    out.rows(&columns, &page.findings, |f| {
        let owner = f.owner.as_deref().unwrap_or(words.nobody);
        let date = f.control_date.as_deref().unwrap_or(words.no_date);
        let mut risk = format!("{} ({})", f.risk, f.severity);
        if f.by_person {
            risk.push_str(&format!(" ({})", words.risk_by_person));
        }
        let mut state = vec![f.state.clone()];
        state.extend(f.state_because.iter().cloned());
        vec![
            risk,
            f.indicator.clone(),
            f.impact.clone(),
            f.likelihood.to_owned(),
            f.mitigations.join(" · "),
            format!("{owner}, {date}"),
            state.join(": "),
        ]
    });
}

/// What must move, where anything was found; a report without it is none the poorer.
fn data(out: &mut Document<'_>, title: &str, lead: &str, held: &Rows<DataRow>) {
    let words = out.words;
    if held.rows.is_empty() {
        return;
    }
    out.heading(title, lead);
    let columns = [
        words.name,
        words.data_what,
        words.data_size,
        words.data_growth,
        words.data_rights,
        words.data_backups,
    ];
    out.rows(&columns, held, |row| {
        let owned = row.owner.as_ref().map(|o| format!("{} ({o})", row.name));
        let sized = row.items.as_ref().map(|i| format!("{}, {i}", row.size));
        let pace: Vec<&str> = [&row.growth, &row.hours, &row.catch_up]
            .into_iter()
            .filter_map(|p| p.as_deref())
            .collect();
        let backups = match row.backups.is_empty() {
            true => words.data_no_backup.to_owned(),
            false => row.backups.join(" · "),
        };
        vec![
            owned.unwrap_or_else(|| row.name.clone()),
            row.what.clone(),
            sized.unwrap_or_else(|| row.size.clone()),
            pace.join(", "),
            row.rights.join(" · "),
            backups,
        ]
    });
}

/// Who uses which service in which way, where logs tell it.
fn ledger(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.ledger.rows.is_empty() {
        return;
    }
    out.heading(words.ledger, words.ledger_lead);
    let columns = [
        words.ledger_consumer,
        words.ledger_provider,
        words.ledger_how,
        words.ledger_when,
        words.ledger_logs,
    ];
    out.rows(&columns, &page.ledger, |row| {
        [&row.consumer, &row.provider, &row.how, &row.when, &row.logs]
            .into_iter()
            .cloned()
            .collect()
    });
}

/// Who sends mail and what each needs, where logs tell it.
fn mail_ledger(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.mail_ledger.rows.is_empty() {
        return;
    }
    out.heading(words.mail_ledger, words.mail_ledger_lead);
    let columns = [
        words.mail_ledger_who,
        words.mail_ledger_class,
        words.mail_ledger_server,
        words.mail_ledger_needs,
        words.mail_ledger_domains,
        words.mail_ledger_allowed,
        words.mail_ledger_when,
        words.ledger_logs,
    ];
    out.rows(&columns, &page.mail_ledger, |row| {
        vec![
            row.consumer.clone(),
            row.class.join(" · "),
            row.provider.clone(),
            row.needs.join(" · "),
            row.domains.join(" · "),
            row.allowed.clone(),
            row.when.join(" · "),
            row.logs.clone(),
        ]
    });
}

/// What each device is, and whether it mails.
fn devices(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.devices.rows.is_empty() {
        return;
    }
    out.heading(words.devices, words.devices_lead);
    let columns = [
        words.name,
        words.devices_what,
        words.devices_where,
        words.devices_does,
        words.devices_mails,
        words.devices_needs,
        words.devices_told,
    ];
    out.rows(&columns, &page.devices, |row| {
        vec![
            row.name.clone(),
            row.what.join(" · "),
            row.location.clone(),
            row.does.join(" · "),
            row.mails.join(" · "),
            row.needs.join(" · "),
            row.told_by.clone(),
        ]
    });
}

/// What to ask about before it is moved, where there is anything.
fn retire(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.retire.rows.is_empty() {
        return;
    }
    out.heading(words.retire, words.retire_lead);
    let columns = [
        words.name,
        words.retire_watched,
        words.retire_rests_on,
        words.retire_ask,
    ];
    out.rows(&columns, &page.retire, |row| {
        let owner = row.owner.as_deref().unwrap_or(words.retire_no_owner);
        vec![
            row.name.clone(),
            row.watched.clone(),
            row.rests_on.clone(),
            owner.to_owned(),
        ]
    });
}

/// Who watches, where anybody looked for it.
fn watching(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.watching.rows.is_empty() {
        return;
    }
    out.heading(words.watching, words.watching_lead);
    let columns = [words.name, words.watched_by, words.logs_to];
    let or = |lines: &[String], none: &str| match lines.is_empty() {
        true => none.to_owned(),
        false => lines.join(" · "),
    };
    out.rows(&columns, &page.watching, |row| {
        vec![
            row.name.clone(),
            or(&row.watched_by, words.watch_nobody),
            or(&row.logs_to, words.logs_stay),
        ]
    });
}

/// What name servers say about mail, where anybody asked.
fn mail(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.mail.rows.is_empty() {
        return;
    }
    out.heading(words.mail, words.mail_lead);
    let columns = [
        words.name,
        words.mail_record,
        words.mail_says,
        words.mail_remembered,
        words.mail_machines,
        words.mail_remarks,
    ];
    out.rows(&columns, &page.mail, |row| {
        let says = match row.values.is_empty() {
            true => words.mail_none.to_owned(),
            false => row.values.join(" · "),
        };
        vec![
            row.domain.clone(),
            row.record.clone(),
            says,
            row.remembered.clone(),
            row.machines.join(" · "),
            row.remarks.join(" · "),
        ]
    });
}

/// What directories keep, where somebody asked one.
fn directories(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.directories.is_empty() {
        return;
    }
    out.heading(words.directories, words.directories_lead);
    let columns = [
        words.name,
        words.kind,
        words.directory_on,
        words.directory_says,
        words.directory_sources,
    ];
    for directory in &page.directories {
        out.line(&format!("### {}", escape(&directory.name)));
        out.line(&escape(&directory.lead));
        for group in &directory.groups {
            out.line(&format!("#### {} ({})", group.title, group.rows.total));
            out.rows(&columns, &group.rows, directory_cells);
        }
    }
}

fn directory_cells(row: &DirectoryRow) -> Vec<String> {
    vec![
        row.name.clone(),
        row.class.clone(),
        row.on.clone(),
        row.says.join("; "),
        row.sources.join("; "),
    ]
}

/// Where mail servers send mail on to, where one was looked at.
fn routes(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.routes.rows.is_empty() {
        return;
    }
    out.heading(words.routes, words.routes_lead);
    let columns = [
        words.name,
        words.routes_rule,
        words.routes_from,
        words.routes_to,
        words.routes_entries,
        words.routes_written,
    ];
    out.rows(&columns, &page.routes, |row| {
        let to = match row.next.is_empty() {
            true => row.to.clone(),
            false => format!("{} ({})", row.to, row.next),
        };
        vec![
            row.machine.clone(),
            row.rule.clone(),
            row.from.clone(),
            to,
            row.entries.to_string(),
            row.written.clone(),
        ]
    });
}

/// Who signs people in through which provider, where one was told of.
fn sign_in(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.sign_in.rows.is_empty() {
        return;
    }
    out.heading(words.sign_in, words.sign_in_lead);
    let columns = [
        words.sign_in_service,
        words.sign_in_through,
        words.sign_in_way,
        words.sign_in_to,
        words.routes_written,
    ];
    out.rows(&columns, &page.sign_in, |row| {
        let named = [&row.service, &row.identifier];
        let named = named.into_iter().filter(|word| !word.is_empty());
        let places: Vec<&str> = row
            .places
            .iter()
            .chain(&row.machines)
            .map(String::as_str)
            .collect();
        vec![
            named.cloned().collect::<Vec<_>>().join("; "),
            row.provider.clone(),
            row.way.to_owned(),
            places.join("; "),
            row.written.join("; "),
        ]
    });
}

/// Who takes time and names from whom, and where names lead.
fn names(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if !page.asking.rows.is_empty() {
        out.heading(words.names, words.names_lead);
        let columns = [words.name, words.names_time, words.names_resolvers];
        out.rows(&columns, &page.asking, |row| {
            vec![
                row.machine.clone(),
                row.time.join(" · "),
                row.names.join(" · "),
            ]
        });
    }
    if page.names.rows.is_empty() {
        return;
    }
    out.heading(words.names_leading, words.names_leading_lead);
    let columns = [
        words.name,
        words.mail_record,
        words.mail_says,
        words.mail_remembered,
        words.mail_machines,
        words.mail_remarks,
    ];
    out.rows(&columns, &page.names, |row| {
        vec![
            row.name.clone(),
            row.record.clone(),
            row.values.join(" · "),
            row.remembered.clone(),
            row.machines.join(" · "),
            row.remarks.join(" · "),
        ]
    });
}

fn certificates(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.certificates, words.certificates_lead);
    if page.certificates.rows.is_empty() {
        out.line(&escape(words.certificates_none));
    } else {
        let columns = [
            words.expires,
            words.certificate,
            words.valid_for,
            words.found,
            words.issuer,
            words.strength_of_key,
        ];
        out.rows(&columns, &page.certificates, |c| {
            let key = if c.weak {
                format!("{} ({})", c.key, words.weak)
            } else {
                c.key.clone()
            };
            let twins = c.same_key.iter().map(|name| fill(words.same_key, &[name]));
            let places = c.places.iter().chain(&c.users).cloned();
            let places: Vec<String> = places.chain(twins).collect();
            let expires = format!("{} ({})", c.not_after, c.days_line);
            vec![
                expires,
                c.subject.clone(),
                c.names.join(", "),
                places.join(", "),
                c.issuer.clone(),
                key,
            ]
        });
    }
    if page.authorities_left_out > 0 {
        out.line(&escape(&words.count(
            words.certificates_authorities,
            page.authorities_left_out,
        )));
    }
}

fn runs(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.runs, words.runs_lead);
    if page.runs.rows.is_empty() {
        return out.line(&escape(words.runs_none));
    }
    let columns = [
        words.next_run,
        words.host_column,
        words.job,
        words.rhythm,
        words.run_needs_column,
    ];
    out.rows(&columns, &page.runs, |run| {
        let about = if run.about { words.about } else { "" };
        let then = run
            .then
            .as_ref()
            .map_or_else(String::new, |at| format!(", {} {at}", words.then));
        let job = match &run.starts {
            Some(program) if *program != run.job => format!("{program} ({})", run.job),
            _ => run.job.clone(),
        };
        vec![
            format!("{about} {}{then}", run.at).trim_start().to_owned(),
            run.host.clone(),
            job,
            run.rhythm.clone().unwrap_or_else(|| run.schedule.clone()),
            run.needs.join(", "),
        ]
    });
}

fn dependencies(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.dependencies, words.dependencies_lead);
    let columns = [
        words.consumer,
        words.provider,
        words.kind,
        words.basis,
        words.strength,
        words.last_used,
    ];
    out.rows(&columns, &page.dependencies, |need| {
        vec![
            format!("{} ({})", need.consumer, need.component),
            need.endpoint
                .as_ref()
                .map_or(need.provider.clone(), |e| format!("{} {e}", need.provider)),
            need.kind_title.to_owned(),
            format!("{} ({})", need.basis, need.witnesses.join(", ")),
            need.strength.to_owned(),
            need.last_used
                .clone()
                .unwrap_or_else(|| words.not_seen_in_use.to_owned()),
        ]
    });
}

fn estate(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.hosts, "");
    out.rows(
        &[
            words.name,
            words.kind,
            words.operating_system,
            words.addresses,
            words.system,
        ],
        &page.hosts,
        |h| {
            let os = [h.operating_system.clone(), h.end_of_life.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>();
            vec![
                h.name.clone(),
                h.kind.clone(),
                os.join(": "),
                h.addresses.join(", "),
                h.system.clone().unwrap_or_default(),
            ]
        },
    );
    out.heading(words.listeners, words.listeners_lead);
    out.rows(
        &[
            words.host_column,
            words.endpoint,
            words.service,
            words.program,
        ],
        &page.listeners,
        |l| {
            let program = l
                .program
                .clone()
                .unwrap_or_else(|| words.unknown_program.to_owned());
            vec![
                l.host.clone(),
                l.endpoint.clone(),
                l.service.clone().unwrap_or_default(),
                program,
            ]
        },
    );
    between(out, page);
    out.heading(words.systems, words.systems_lead);
    out.rows(
        &[words.system, words.functions, words.members],
        &page.systems,
        |s| {
            let confirmed = s
                .confirmed
                .clone()
                .unwrap_or_else(|| words.to_be_confirmed.to_owned());
            vec![
                s.name.clone(),
                format!("{} ({confirmed})", s.functions.join(", ")),
                s.members.join(", "),
            ]
        },
    );
    out.heading(words.questions, words.questions_lead);
    for group in &page.questions.rows {
        out.line(&format!(
            "**{}**",
            escape(group.to.as_deref().unwrap_or(words.to_nobody))
        ));
        for question in &group.questions {
            out.item(&escape(question));
        }
        out.text.push('\n');
    }
}

fn unknown(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    out.heading(words.unknown, words.unknown_lead);
    if page.sources.is_empty() {
        out.line(&escape(words.coverage_none));
    }
    let rows = page.sources.iter().map(|s| {
        let period = format!("{} – {}", s.from, s.to);
        vec![
            s.source.clone(),
            s.vantages_line.clone(),
            s.complete.to_string(),
            s.partial.to_string(),
            period,
        ]
    });
    out.table(
        &[
            words.source,
            words.hosts_column,
            words.complete,
            words.partial,
            words.period,
        ],
        rows,
    );
    out.line(&format!("### {}", escape(words.gaps)));
    out.rows(
        &[words.gaps, words.source, words.reason, words.remedy],
        &page.gaps,
        |g| {
            let what = format!("{}: {}", g.count_line, g.examples.join(", "));
            vec![
                what,
                g.source.clone(),
                g.reason.clone(),
                g.remedy
                    .clone()
                    .unwrap_or_else(|| words.no_remedy.to_owned()),
            ]
        },
    );
    out.line(&format!("### {}", escape(words.folded)));
    for row in &page.folded {
        let providers = row.providers.join(", ");
        out.item(&escape(&format!(
            "{} ({}): {providers}; {}",
            row.what, row.dependencies, row.needed_by
        )));
    }
    out.text.push('\n');
}

/// `text` as plain words for a Markdown reader: no markup, no element, no link made of a discovered name.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    // A bare address would become a link of its own in many readers.
    escaped
        .replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_no_markup() {
        assert_eq!(escape("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(escape("a|b"), "a\\|b");
        assert_eq!(escape("[x](http://h)"), "\\[x\\](http:&#47;&#47;h)");
        assert_eq!(escape("# top `code` ![i]"), "\\# top \\`code\\` \\!\\[i\\]");
    }
}
