//! Erasing what was found.

use groma_model::Timestamp;

use super::plan::{Content, PlaceKey, Plan, Series};
use super::rows::{Cell, Rows};
use super::spelling::Finder;
use super::text::{Becomes, Rewriter};
use super::{ATTEMPT, Act, Traces, Whom, mark};
use crate::StoreError;
use crate::ledger::EVERYWHERE;
use crate::looks::unsigned;
use crate::place::{Event, Flow, Hash, Standing, Word};

/// The columns of a place, their values from place `first` on.
fn place_from(first: usize) -> String {
    let columns = ["site_id", "vantage", "source", "fact", "scope"];
    let clauses = columns.iter().enumerate();
    let clauses = clauses.map(|(place, column)| format!("{column} = ${}", first + place));
    clauses.collect::<Vec<_>>().join(" AND ")
}

/// Erases all that is in `plan`, and keeps that it was done.
pub(crate) fn apply(
    rows: &mut impl Rows,
    whom: &Whom,
    plan: &Plan,
    by: &str,
    now: Timestamp,
) -> Result<Act, StoreError> {
    let mark = mark(plan.number);
    let finder = Finder::new(&whom.spellings);
    let rewriter = Rewriter::new(whom, &finder, &mark);
    // The numbers of looks that go must not be given again: a named moment would show what came later.
    let watermark = rows.all("SELECT coalesce(max(id), 0) FROM look", &[])?;
    let watermark = watermark
        .first()
        .and_then(|row| row.first())
        .map_or(0, Cell::number);
    streams(rows, plan)?;
    new_facts(rows, &rewriter, plan)?;
    for (place, becomes) in &plan.places {
        move_place(rows, place, becomes.as_ref())?;
    }
    for content in plan.facts.keys().chain(&plan.orphans) {
        remove(rows, "fact", content)?;
    }
    reports(rows, &rewriter, plan)?;
    for series in &plan.series {
        rename(rows, series)?;
    }
    for (site, vantage) in &plan.lists {
        // The epoch of a list is the digest of what it said. With it, the same list would be no news; and it says what was in it.
        let sql = "UPDATE look SET epoch = -id WHERE site_id = $1 AND vantage = $2";
        rows.run(sql, &[site.clone(), vantage.clone()])?;
    }
    small(rows, plan)?;
    let by = rewriter.text(by).unwrap_or_else(|| by.to_owned());
    let act = Act {
        number: plan.number,
        at: now,
        by,
        kind: whom.kind,
        traces: Traces {
            near: Vec::new(),
            ..plan.traces.clone()
        },
        swept: false,
    };
    keep(rows, &act, watermark)?;
    Ok(act)
}

/// Whoever looked from there, with all that was told by that.
fn streams(rows: &mut impl Rows, plan: &Plan) -> Result<(), StoreError> {
    for (site, vantage) in &plan.streams {
        let key = [site.clone(), vantage.clone()];
        rows.run(
            "DELETE FROM measurement WHERE site_id = $1 AND series IN (
                SELECT id FROM series WHERE site_id = $1 AND vantage = $2)",
            &key,
        )?;
        for table in ["event", "series", "look", "stream"] {
            let sql = format!("DELETE FROM {table} WHERE site_id = $1 AND vantage = $2");
            rows.run(&sql, &key)?;
        }
        let sql = "DELETE FROM policy WHERE site_id = $1 AND agent = $2";
        rows.run(sql, &key)?;
        let agent = std::slice::from_ref(vantage);
        rows.run("DELETE FROM lease WHERE agent = $1", agent)?;
    }
    Ok(())
}

fn new_facts(rows: &mut impl Rows, rewriter: &Rewriter<'_>, plan: &Plan) -> Result<(), StoreError> {
    let changed = plan
        .facts
        .iter()
        .filter(|(content, new)| new.is_some() && !plan.orphans.contains(*content));
    for (content, _) in changed {
        let Some(json) = json_of(rows, "fact", content)? else {
            continue;
        };
        if let Becomes::Other(new) = rewriter.fact(&json) {
            add(rows, "fact", &content.0, new)?;
        }
    }
    Ok(())
}

fn reports(rows: &mut impl Rows, rewriter: &Rewriter<'_>, plan: &Plan) -> Result<(), StoreError> {
    for content in plan.reports.keys() {
        let json = json_of(rows, "report", content)?;
        if let Some(new) = json.and_then(|json| rewriter.json(&json)) {
            add(rows, "report", &content.0, new)?;
        }
    }
    for (site, look, report) in &plan.looks {
        let sql = "UPDATE look SET report = $1 WHERE site_id = $2 AND id = $3";
        rows.run(sql, &[key_cell(report), site.clone(), look.clone()])?;
    }
    for content in plan.reports.keys().chain(&plan.orphan_reports) {
        remove(rows, "report", content)?;
    }
    Ok(())
}

fn key_cell(hash: &Hash) -> Cell {
    Cell::Bytes(hash.to_vec())
}

fn json_of(
    rows: &mut impl Rows,
    table: &str,
    (site, key): &Content,
) -> Result<Option<String>, StoreError> {
    let sql = format!("SELECT json FROM {table} WHERE site_id = $1 AND hash = $2");
    let found = rows.all(&sql, &[site.clone(), key_cell(key)])?;
    let json = found.first().and_then(|row| row.first());
    Ok(json.map(|json| json.text().into_owned()))
}

fn add(rows: &mut impl Rows, table: &str, site: &Cell, json: String) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO {table} (site_id, hash, json) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    );
    let key = key_cell(&crate::place::hash(&json));
    rows.run(&sql, &[site.clone(), key, Cell::Text(json)])?;
    Ok(())
}

fn remove(rows: &mut impl Rows, table: &str, (site, key): &Content) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {table} WHERE site_id = $1 AND hash = $2");
    rows.run(&sql, &[site.clone(), key_cell(key)]).map(drop)
}

/// What became of a fact at a place is said of another fact now, or goes.
fn move_place(
    rows: &mut impl Rows,
    from: &PlaceKey,
    becomes: Option<&(Hash, Option<Cell>)>,
) -> Result<(), StoreError> {
    let delete = format!("DELETE FROM event WHERE {}", place_from(1));
    let Some((fact, scope)) = becomes else {
        return rows.run(&delete, from).map(drop);
    };
    let [site, vantage, source, _, key] = from.clone();
    let scope_cells = scope.clone().map(|scope| rows.cells(scope));
    let new_key = scope_cells
        .as_ref()
        .and_then(|cells| cells.first().cloned());
    let to = [
        site,
        vantage,
        source,
        key_cell(fact),
        new_key.unwrap_or(key),
    ];
    // Two spellings of one name come to one fact. It is there if one of them was.
    let (there, here) = (standing(rows, &to)?, standing(rows, from)?);
    if let Some(there) = there {
        if here.is_none_or(|here| order(&there) >= order(&here)) {
            return rows.run(&delete, from).map(drop);
        }
        rows.run(&delete, &to)?;
    }
    let mut values = vec![key_cell(fact)];
    let mut set = "fact = $1".to_owned();
    if let Some(cells) = scope_cells {
        set = format!("{set}, {}", rows.set("scope", 2));
        values.extend(cells);
    }
    let place = place_from(values.len() + 1);
    values.extend(from.iter().cloned());
    let sql = format!("UPDATE event SET {set} WHERE {place}");
    rows.run(&sql, &values).map(drop)
}

/// What stands counts before what is not seen, and that before what is gone; then what is newer.
fn order(standing: &Standing) -> (u8, i64) {
    let word = match standing.word {
        Word::Seen => 2,
        Word::NotSeen => 1,
        Word::Removed => 0,
    };
    (word, standing.at)
}

fn standing(rows: &mut impl Rows, place: &PlaceKey) -> Result<Option<Standing>, StoreError> {
    let place_clause = place_from(1);
    let sql = format!("SELECT look, word, at, first, last, count FROM event WHERE {place_clause}");
    let mut events = Vec::new();
    rows.each(&sql, place, &mut |row| {
        if let [look, word, at, first, last, count] = row {
            events.push(Event {
                look: look.number(),
                word: Word::of(&word.text()),
                at: at.number(),
                first: first.number(),
                last: (*last != Cell::Null).then(|| last.number()),
                count: count.number(),
                flow: Flow::default(),
            });
        }
        Ok(())
    })?;
    Ok(Standing::of(&mut events))
}

/// A series under another name. Where there is one of that name already, this one goes: two spellings of a name told one number.
fn rename(rows: &mut impl Rows, series: &Series) -> Result<(), StoreError> {
    let first = |cells: Vec<Cell>| cells.into_iter().next().unwrap_or(Cell::Null);
    let scope = rows.cells(series.scope.clone());
    let subject = rows.cells(series.subject.clone());
    let key = [
        series.site.clone(),
        series.vantage.clone(),
        series.source.clone(),
        first(scope.clone()),
        first(rows.cells(series.metric.clone())),
        first(subject.clone()),
    ];
    let sql = "SELECT id FROM series WHERE site_id = $1 AND vantage = $2 AND source = $3
        AND scope = $4 AND metric = $5 AND subject = $6";
    let own = [series.site.clone(), series.number.clone()];
    if !rows.all(sql, &key)?.is_empty() {
        rows.run(
            "DELETE FROM measurement WHERE site_id = $1 AND series = $2",
            &own,
        )?;
        return rows
            .run("DELETE FROM series WHERE site_id = $1 AND id = $2", &own)
            .map(drop);
    }
    let behind = scope.len() + 1;
    let last = behind + subject.len();
    let sql = format!(
        "UPDATE series SET {}, {} WHERE site_id = ${last} AND id = ${}",
        rows.set("scope", 1),
        rows.set("subject", behind),
        last + 1
    );
    let values: Vec<Cell> = scope.into_iter().chain(subject).chain(own).collect();
    rows.run(&sql, &values).map(drop)
}

fn small(rows: &mut impl Rows, plan: &Plan) -> Result<(), StoreError> {
    let mut names = 0;
    for (small, (key, texts)) in &plan.small {
        let clause = |first: usize| {
            let columns = small.key.iter().enumerate();
            let clauses = columns.map(|(place, column)| format!("{column} = ${}", first + place));
            clauses.collect::<Vec<_>>().join(" AND ")
        };
        let Some(texts) = texts else {
            let sql = format!("DELETE FROM {} WHERE {}", small.table, clause(1));
            rows.run(&sql, key)?;
            continue;
        };
        let mut texts = texts.clone();
        if small.table == "snapshot" {
            names += 1;
            texts = apart(texts, names);
        }
        let (set, first) = small.set(rows);
        let sql = format!("UPDATE {} SET {set} WHERE {}", small.table, clause(first));
        let mut values = small.values(rows, texts);
        values.extend(key.iter().cloned());
        rows.run(&sql, &values)?;
    }
    Ok(())
}

/// Names of moments that say one name in two spellings stay two.
fn apart(texts: Vec<Cell>, number: usize) -> Vec<Cell> {
    if number < 2 {
        return texts;
    }
    let apart = |cell: Cell| {
        let text = format!("{}.{number}", cell.text());
        cell.with(text.into_bytes())
    };
    texts.into_iter().map(apart).collect()
}

fn keep(rows: &mut impl Rows, act: &Act, watermark: i64) -> Result<(), StoreError> {
    let traces =
        serde_json::to_string(&act.traces).map_err(|error| StoreError::Input(Box::new(error)))?;
    let sql = "INSERT INTO forgotten (site_id, number, at, said_by, kind, traces, watermark, swept)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    let row = [
        EVERYWHERE.into(),
        Cell::Number(act.number.cast_signed()),
        Cell::Number(act.at.millis()),
        Cell::Text(act.by.clone()),
        act.kind.as_str().into(),
        Cell::Text(traces),
        Cell::Number(watermark),
    ];
    rows.run(sql, &row).map(drop)
}

/// All acts, out of their columns.
pub(crate) fn acts(rows: &mut impl Rows) -> Result<Vec<Act>, StoreError> {
    let sql = "SELECT number, at, said_by, kind, traces, swept FROM forgotten ORDER BY number";
    let found = rows.all(sql, &[])?;
    found.iter().map(|row| act(row)).collect()
}

fn act(row: &[Cell]) -> Result<Act, StoreError> {
    let damaged = |why: String| StoreError::Damaged {
        attempt: ATTEMPT,
        why,
    };
    let [number, at, by, kind, traces, swept] = row else {
        return Err(damaged("an act has other columns".to_owned()));
    };
    let kind = serde_json::from_value(kind.text().into_owned().into());
    let traces = serde_json::from_str(&traces.text());
    Ok(Act {
        number: unsigned(number.number()),
        at: Timestamp::from_millis(at.number()),
        by: by.text().into_owned(),
        kind: kind.map_err(|error| damaged(error.to_string()))?,
        traces: traces.map_err(|error| damaged(error.to_string()))?,
        swept: swept.number() != 0,
    })
}
