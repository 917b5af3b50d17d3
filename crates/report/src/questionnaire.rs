//! Questionnaires: what no machine can know, asked of whoever owns a system. One sheet per owner, on paper and as a table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use askama::Template;
use groma_model::EntityId;
use groma_model::inventory::{Dependency, Inventory, Question, System};
use groma_model::questionnaire::{
    ABOUT_SHEET, QUESTIONNAIRE_COLUMNS, SheetField, StillNeeded, check, disposition_word,
};
use groma_model::registry::REGISTRY;

use crate::index::{Index, is_wrong};
use crate::table::written;
use crate::visible::{cut, visible};

/// Consumers that are named before the rest is counted.
const CONSUMERS_NAMED: usize = 8;
/// Rows for consumers nobody found.
const FURTHER_ROWS: usize = 5;
/// Dependencies one system is asked about.
const DEPENDENCIES_MAX: usize = 40;
/// Characters of what is known that a cell holds.
const KNOWN_MAX: usize = 300;

/// What goes out to one owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Questionnaire {
    /// To whom; `None` is the sheet of what nobody is known to own.
    pub owner: Option<String>,
    /// A name for its files without an ending: letters, digits and `-` of ASCII, one of a kind among all sheets also where
    /// capitals do not count.
    pub file_stem: String,
    /// One printable page, A4, without a script, that fetches nothing.
    pub html: String,
    /// The same as a table to be filled in and sent back (RFC 4180), cells guarded as those of [`crate::csv()`].
    pub csv: String,
}

/// One question with what is known.
struct Row {
    field: SheetField,
    about_id: String,
    about: String,
    question: String,
    known: String,
    answers: &'static str,
}

/// One system, or the questions about things outside of any.
struct Part {
    title: String,
    rows: Vec<Row>,
    /// Dependencies beyond what is asked.
    beyond: usize,
}

/// A group of what stands on one sheet.
#[derive(Default)]
struct Group<'a> {
    owner: Option<String>,
    systems: Vec<&'a System>,
    questions: Vec<&'a Question>,
}

#[derive(Template)]
#[template(path = "questionnaire.html")]
struct Paper<'p> {
    owner: Option<String>,
    parts: &'p [Part],
    made: String,
    snapshot: Option<String>,
    style: &'static str,
    policy: String,
}

const STYLE: &str = include_str!("../templates/questionnaire.css");

/// Every sheet: owners in the order of the alphabet, what nobody owns last.
pub(crate) fn of(inventory: &Inventory) -> Vec<Questionnaire> {
    let index = Index::of(inventory);
    let (asked, known) = (Asked::of(&index), Known::of(&index));
    let mut stems = BTreeSet::new();
    let mut groups: Vec<Group<'_>> = groups(&index, &known).into_values().collect();
    groups.sort_by_key(|group| group.owner.is_none());
    let sheets = groups.into_iter().map(|group| {
        let owner = group.owner.as_deref().map(shown);
        let parts = parts(&group, &index, &asked, &known);
        Questionnaire {
            file_stem: stem(owner.as_deref(), &mut stems),
            html: html(owner.clone(), &parts, inventory),
            csv: csv(&parts),
            owner,
        }
    });
    sheets.collect()
}

/// Who is asked what, by a name in which capitals and blanks do not count.
fn groups<'a>(index: &Index<'a>, known: &Known<'a>) -> BTreeMap<String, Group<'a>> {
    let mut groups: BTreeMap<String, Group<'a>> = BTreeMap::new();
    let mut group = |owner: Option<&str>, take: &mut dyn FnMut(&mut Group<'a>)| {
        let owner = owner.map(shown).filter(|name| !name.is_empty());
        let key = owner.as_deref().unwrap_or_default().to_lowercase();
        let group = groups.entry(key).or_default();
        // The same whatever the order: of several spellings the first by the alphabet.
        group.owner = match (group.owner.take(), owner) {
            (Some(known), Some(owner)) => Some(known.min(owner)),
            (known, owner) => known.or(owner),
        };
        take(group);
    };
    for system in &index.inventory.systems {
        group(system.owner.as_deref(), &mut |group| {
            group.systems.push(system);
        });
    }
    for question in index.questions() {
        // What groma asks about a whole system stands in fields of its own.
        if known.is_generated(question) || is_of_register(question) {
            continue;
        }
        let to = question.to.as_deref();
        let to = to.or_else(|| known.owner_of(index, &question.about));
        group(to, &mut |group| group.questions.push(question));
    }
    for group in groups.values_mut() {
        group
            .systems
            .sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        group.questions.sort();
        group.questions.dedup();
    }
    groups
}

/// True for what is asked of a risk: it is filled in in the table of the register.
fn is_of_register(question: &Question) -> bool {
    question.about.starts_with("fnd-")
}

/// Systems and dependencies by id.
struct Known<'a> {
    systems: HashMap<&'a str, &'a System>,
    of_member: HashMap<&'a EntityId, &'a System>,
    needs: HashMap<&'a str, &'a Dependency>,
}

impl<'a> Known<'a> {
    fn of(index: &Index<'a>) -> Self {
        let systems = &index.inventory.systems;
        let needs = index.inventory.dependencies.iter();
        Self {
            systems: systems.iter().map(|s| (s.id.as_str(), s)).collect(),
            of_member: members(systems),
            needs: needs.map(|d| (d.id.as_str(), d)).collect(),
        }
    }

    /// True for the question that groma itself asks of a whole system: it begins with the system's name, then says what the
    /// system is for or asks.
    fn is_generated(&self, question: &Question) -> bool {
        let system = self.systems.get(question.about.as_str());
        let asks = |name: &str| {
            let rest = question.question.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(':') || rest.starts_with(" ("))
        };
        system.is_some_and(|s| !s.name.trim().is_empty() && asks(&s.name))
    }

    /// Who owns what a question is about, or the system it belongs to.
    fn owner_of(&self, index: &Index<'a>, about: &str) -> Option<&'a str> {
        if let Some(system) = self.systems.get(about) {
            return system.owner.as_deref();
        }
        let id = self.needs.get(about);
        let id = id.map_or(about, |d| d.consumer.entity.as_str());
        let entity = index.entity(id)?;
        let own = entity.owner.as_deref();
        own.filter(|owner| !owner.trim().is_empty())
            .or_else(|| self.of_member.get(&entity.id)?.owner.as_deref())
    }

    /// What a question is about, by name.
    fn name(&self, id: &str, index: &Index<'_>) -> String {
        let system = || self.systems.get(id).map(|s| visible(&s.name));
        let dependency = || self.needs.get(id).map(|d| need(d));
        index
            .entity(id)
            .map(|entity| visible(&entity.name))
            .or_else(system)
            .or_else(dependency)
            .unwrap_or_else(|| visible(id))
    }
}

/// The system of each member; of several the first by id.
fn members(systems: &[System]) -> HashMap<&EntityId, &System> {
    let mut of_member: HashMap<&EntityId, &System> = HashMap::new();
    for system in systems {
        for member in &system.members {
            let known = of_member.entry(member).or_insert(system);
            if system.id < known.id {
                *known = system;
            }
        }
    }
    of_member
}

/// The dependencies each system is asked about, and who uses it.
struct Asked<'a> {
    needs: HashMap<&'a str, Vec<&'a Dependency>>,
    consumers: HashMap<&'a str, BTreeSet<(&'a str, &'a EntityId)>>,
}

impl<'a> Asked<'a> {
    fn of(index: &Index<'a>) -> Self {
        let systems = members(&index.inventory.systems);
        let system = |id: &EntityId| systems.get(id).map(|system| system.id.as_str());
        let mut asked = Self {
            needs: HashMap::new(),
            consumers: HashMap::new(),
        };
        let all = index.inventory.dependencies.iter();
        for d in all.filter(|d| !d.details.local && !is_wrong(d)) {
            let (of, at) = (system(&d.consumer.entity), system(&d.provider.entity));
            if let Some(at) = at.filter(|at| of != Some(*at)) {
                let consumers = asked.consumers.entry(at).or_default();
                consumers.insert((&d.consumer.name, &d.consumer.entity));
            }
            // Whoever owns what needs it knows best; where nobody does, whoever is needed is asked.
            if let Some(asked_of) = of.or(at).filter(|_| is_asked(d)) {
                asked.needs.entry(asked_of).or_default().push(d);
            }
        }
        for needs in asked.needs.values_mut() {
            needs.sort_by(|a, b| {
                let key = |d: &'a Dependency| (&d.consumer.name, &d.kind, &d.provider.name, &d.id);
                key(a).cmp(&key(b))
            });
        }
        asked
    }
}

/// Hidden, or known from a configuration alone; and nobody said yet what it is, or only that they do not know.
fn is_asked(d: &Dependency) -> bool {
    let written_only = d.witnesses == [groma_model::Witness::Written];
    let told = d.details.still_needed.as_ref();
    let is_told = told.is_some_and(|told| told.word != StillNeeded::DontKnow);
    (d.hidden || written_only) && !d.shared_service && d.verdict.is_none() && !is_told
}

fn parts(group: &Group<'_>, index: &Index<'_>, asked: &Asked<'_>, known: &Known<'_>) -> Vec<Part> {
    let systems = group.systems.iter();
    let mut parts: Vec<Part> = systems.map(|system| part(system, index, asked)).collect();
    if !group.questions.is_empty() {
        let rows = group.questions.iter().map(|question| Row {
            field: SheetField::Question,
            about_id: question.about.clone(),
            about: known.name(&question.about, index),
            question: visible(&question.question),
            known: String::new(),
            answers: "",
        });
        parts.push(Part {
            title: "Open questions".to_owned(),
            rows: rows.collect(),
            beyond: 0,
        });
    }
    parts
}

fn part(system: &System, index: &Index<'_>, asked: &Asked<'_>) -> Part {
    let name = shown(&system.name);
    let row = |field: SheetField, known: String| Row {
        field,
        about_id: system.id.clone(),
        about: name.clone(),
        question: field.question().to_owned(),
        known: cut(&known, KNOWN_MAX),
        answers: field.answers(),
    };
    let fields = SheetField::ALL
        .into_iter()
        .filter_map(|field| Some(row(field, known(field, system, index, asked)?)));
    let mut rows: Vec<Row> = fields.collect();
    for _ in 0..FURTHER_ROWS {
        rows.push(row(SheetField::FurtherConsumer, String::new()));
    }
    let needs = asked
        .needs
        .get(system.id.as_str())
        .map(Vec::as_slice)
        .unwrap_or_default();
    rows.extend(needs.iter().take(DEPENDENCIES_MAX).map(|d| Row {
        field: SheetField::StillNeeded,
        about_id: d.id.to_string(),
        about: name.clone(),
        question: format!("{} Is it still needed?", need(d)),
        known: cut(&how_known(d), KNOWN_MAX),
        answers: SheetField::StillNeeded.answers(),
    }));
    Part {
        title: name,
        rows,
        beyond: needs.len().saturating_sub(DEPENDENCIES_MAX),
    }
}

/// What is known of a field of a system; `None` for a field that is no single one of a system.
fn known(
    field: SheetField,
    system: &System,
    index: &Index<'_>,
    asked: &Asked<'_>,
) -> Option<String> {
    let text = |text: &Option<String>| text.as_deref().map(shown).unwrap_or_default();
    Some(match field {
        SheetField::Functions => listed(&system.functions),
        SheetField::Members => {
            let mut names: Vec<String> = system.members.iter().map(|id| index.name(id)).collect();
            names.sort();
            listed(&names)
        }
        SheetField::Product => text(&system.product),
        SheetField::Version => text(&system.version),
        SheetField::UsedBy => used_by(system, asked),
        SheetField::Owner => text(&system.owner),
        SheetField::KeyUsers => text(&system.key_users),
        SheetField::OnCall => text(&system.on_call),
        SheetField::Criticality => text(&system.criticality),
        SheetField::AllowedDowntime => text(&system.allowed_downtime),
        SheetField::Window => text(&system.window),
        SheetField::CountsAsFailure => text(&system.counts_as_failure),
        SheetField::Disposition => {
            let word = system.disposition.map(disposition_word);
            word.unwrap_or_default().to_owned()
        }
        SheetField::AnsweredBy
        | SheetField::AnsweredOn
        | SheetField::FurtherConsumer
        | SheetField::StillNeeded
        | SheetField::Question => return None,
    })
}

/// The first consumers by name, and how many there are; then those that people named.
fn used_by(system: &System, asked: &Asked<'_>) -> String {
    let consumers = asked.consumers.get(system.id.as_str());
    let names: Vec<String> = consumers
        .into_iter()
        .flatten()
        .map(|(name, _)| shown(name))
        .collect();
    let mut said = match names.len() {
        0 => "nobody was found".to_owned(),
        many => {
            let first: Vec<String> = names.into_iter().take(CONSUMERS_NAMED).collect();
            let more = many.saturating_sub(CONSUMERS_NAMED);
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("{many}: {}{rest}", first.join(", "))
        }
    };
    if !system.further_consumers.is_empty() {
        let told = system.further_consumers.iter().map(|c| shown(&c.name));
        let told: Vec<String> = told.collect();
        said.push_str(&format!("; named by people: {}", told.join(", ")));
    }
    said
}

fn need(d: &Dependency) -> String {
    let port = d.provider.port.map(|p| format!(":{p}")).unwrap_or_default();
    format!(
        "{} uses {}{port} ({}).",
        shown(&d.consumer.name),
        shown(&d.provider.name),
        REGISTRY.kind(&d.kind).title
    )
}

/// How a dependency is known: witnesses, where it is written, when it was last seen in use.
fn how_known(d: &Dependency) -> String {
    let witnesses: Vec<&str> = d.witnesses.iter().map(|w| w.as_str()).collect();
    let mut said = witnesses.join(", ");
    if let Some(file) = d.details.written_in.first() {
        said.push_str(&format!("; written in {}", shown(file)));
    }
    match d.details.last_used {
        Some(last) => said.push_str(&format!("; last seen in use {}", last.day())),
        None => said.push_str("; never seen in use"),
    }
    if let Some(told) = &d.details.still_needed {
        said.push_str(&format!("; {} did not know", shown(&told.by)));
    }
    said
}

/// Foreign text as it stands in a cell and on paper: visible, on one line.
fn shown(text: &str) -> String {
    cut(
        &visible(&groma_model::questionnaire::on_one_line(text)),
        KNOWN_MAX,
    )
}

fn listed(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| shown(item)).collect();
    items.join(", ")
}

/// A name for files that no file system and no archive takes for something else.
fn stem(owner: Option<&str>, taken: &mut BTreeSet<String>) -> String {
    let plain: String = owner
        .unwrap_or("to whom it may concern")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let plain: String = words.join("-").to_lowercase().chars().take(60).collect();
    let first = match plain.is_empty() {
        true => "questionnaire-owner".to_owned(),
        false => format!("questionnaire-{plain}"),
    };
    let numbered = (2..).map(|number: usize| format!("{first}-{number}"));
    let free = std::iter::once(first.clone())
        .chain(numbered)
        .find(|stem| taken.insert(stem.clone()));
    free.expect("numbers do not end before the sheets do")
}

fn html(owner: Option<String>, parts: &[Part], inventory: &Inventory) -> String {
    let paper = Paper {
        owner,
        parts,
        made: inventory.generated_at.minute(),
        snapshot: inventory.snapshot.as_deref().map(shown),
        style: STYLE,
        policy: crate::html::policy_of(STYLE),
    };
    paper
        .render()
        .expect("a questionnaire is made of text alone")
}

fn csv(parts: &[Part]) -> String {
    let columns: Vec<&str> = QUESTIONNAIRE_COLUMNS.iter().map(|c| c.name).collect();
    let of_sheet = |field: SheetField| Row {
        field,
        about_id: ABOUT_SHEET.to_owned(),
        about: "this sheet".to_owned(),
        question: field.question().to_owned(),
        known: String::new(),
        answers: field.answers(),
    };
    let head = [SheetField::AnsweredBy, SheetField::AnsweredOn].map(of_sheet);
    let rows = head.iter().chain(parts.iter().flat_map(|part| &part.rows));
    written(&columns, rows.map(cells))
}

fn cells(row: &Row) -> Vec<String> {
    let field = row.field.name();
    vec![
        row.about_id.clone(),
        row.about.clone(),
        field.to_owned(),
        row.question.clone(),
        row.known.clone(),
        String::new(),
        row.answers.to_owned(),
        // Of what stands in the cells: an id may be anything, and cells are made visible.
        check(
            &visible(&row.about_id),
            field,
            &visible(&row.question),
            &visible(&row.known),
        ),
    ]
}

impl Row {
    /// Boxes to tick in place of a line to write on.
    fn choices(&self) -> Vec<&'static str> {
        match self.field {
            SheetField::Criticality | SheetField::Disposition | SheetField::StillNeeded => {
                self.answers.split(", ").collect()
            }
            _ => Vec::new(),
        }
    }

    /// True for what is shown and only corrected.
    fn is_shown(&self) -> bool {
        matches!(
            self.field,
            SheetField::Members | SheetField::Product | SheetField::Version | SheetField::UsedBy
        )
    }

    fn is_further(&self) -> bool {
        self.field == SheetField::FurtherConsumer
    }
}
