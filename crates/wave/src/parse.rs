//! Bytes of a wave file → [`Wave`]. Pure: the caller reads the file.

use std::collections::BTreeSet;

use groma_model::inventory::TimeWindow;
use groma_model::wave::{Coexistence, Criterion, Expectation, Move, Rollback, Wave};
use toml::de::DeTable;

use crate::error::{Problem, WaveError};
use crate::table::{Source, Table};

/// The largest wave file, in bytes.
pub const BYTES_MAX: usize = 1 << 20;

const KEYS: &[&str] = &[
    "name",
    "order",
    "requires",
    "parallel_with",
    "window",
    "owner",
    "change_reference",
    "members",
    "moves",
    "expected",
    "coexistence",
    "rollback",
    "criterion",
    "exclusions",
    "communications",
];

/// Reads the wave file `text`; `name` is what errors call it. Keys nobody knows, other types and values that
/// cannot be are refused with their line and a remedy.
pub fn parse(name: &str, text: &str) -> Result<Wave, WaveError> {
    let source = Source { name, text };
    if text.len() > BYTES_MAX {
        return Err(source.error(0, "", Problem::TooLarge));
    }
    // A mark some editors put in front; it is no part of TOML.
    let source = Source {
        name,
        text: text.strip_prefix('\u{feff}').unwrap_or(text),
    };
    let parsed = DeTable::parse(source.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        source.error(at, "", Problem::NotToml(one_line(error.message())))
    })?;
    let table = Table::open(source, "", 0..0, parsed.get_ref(), KEYS)?;
    let wave = wave(&table)?;
    consistent(&table, &wave)?;
    Ok(wave)
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn wave(table: &Table<'_>) -> Result<Wave, WaveError> {
    Ok(Wave {
        name: table.required_text("name", "\"w1\"")?,
        order: table.number("order")?.unwrap_or_default(),
        requires: table.texts("requires")?,
        parallel_with: table.texts("parallel_with")?,
        window: window(table)?,
        owner: table.text("owner")?,
        change_reference: table.text("change_reference")?,
        members: table.texts("members")?,
        moves: moves(table)?,
        expected: table.each("expected", |line| {
            line.parse::<Expectation>()
                .map_err(|why| Problem::expectation(line, &why))
        })?,
        coexistence: coexistence(table)?,
        rollback: rollback(table)?,
        criteria: criteria(table)?,
        exclusions: table.texts("exclusions")?,
        communications: table.map("communications")?,
    })
}

fn window(table: &Table<'_>) -> Result<Option<TimeWindow>, WaveError> {
    let Some(window) = table.table("window", &["from", "to"])? else {
        return Ok(None);
    };
    let missing = |key: &str| {
        window.refuse(
            key,
            Problem::Missing {
                example: format!("{key} = 2026-12-05T20:00:00Z"),
            },
        )
    };
    let from = window.moment("from")?.ok_or_else(|| missing("from"))?;
    let to = window.moment("to")?.ok_or_else(|| missing("to"))?;
    if to <= from {
        let problem = Problem::value(
            "the window ends before it begins",
            "write the later moment as \"to\"",
        );
        return Err(window.refuse("to", problem));
    }
    Ok(Some(TimeWindow { from, to }))
}

fn moves(table: &Table<'_>) -> Result<Vec<Move>, WaveError> {
    let mut gone = BTreeSet::new();
    let mut moves = Vec::new();
    for row in table.tables("moves", &["from", "to", "names_that_follow"])? {
        let from = row.required_text("from", "\"mail1\"")?;
        let to = row.required_text("to", "\"mail-new\"")?;
        if from.eq_ignore_ascii_case(&to) {
            return Err(row.refuse(
                "to",
                Problem::value(
                    format!("{from:?} moves to itself"),
                    "name what takes its place",
                ),
            ));
        }
        if !gone.insert(from.to_ascii_lowercase()) {
            return Err(row.refuse(
                "from",
                Problem::value(format!("{from:?} moves twice"), "keep one of the two moves"),
            ));
        }
        moves.push(Move {
            from,
            to,
            names_that_follow: row.texts("names_that_follow")?,
        });
    }
    Ok(moves)
}

fn coexistence(table: &Table<'_>) -> Result<Option<Coexistence>, WaveError> {
    let Some(row) = table.table("coexistence", &["until", "how"])? else {
        return Ok(None);
    };
    Ok(Some(Coexistence {
        until: row.moment("until")?,
        how: row.text("how")?,
    }))
}

fn rollback(table: &Table<'_>) -> Result<Option<Rollback>, WaveError> {
    let keys = [
        "what",
        "trigger",
        "minutes",
        "decides",
        "backup",
        "restore_tested_on",
    ];
    let Some(row) = table.table("rollback", &keys)? else {
        return Ok(None);
    };
    Ok(Some(Rollback {
        what: row.text("what")?,
        trigger: row.text("trigger")?,
        minutes: row.number("minutes")?,
        decides: row.text("decides")?,
        backup: row.text("backup")?,
        restore_tested_on: row.moment("restore_tested_on")?,
    }))
}

fn criteria(table: &Table<'_>) -> Result<Vec<Criterion>, WaveError> {
    let rows = table.tables(
        "criterion",
        &["metric", "threshold", "at_least", "baseline", "accepted_by"],
    )?;
    let one = |row: Table<'_>| {
        let metric = row.required_text("metric", "\"mail_delay_p95_seconds\"")?;
        let at_least = row.maybe_decimal("at_least", "60")?;
        let threshold = match at_least {
            Some(_) => row.maybe_decimal("threshold", "60")?,
            None => Some(row.decimal("threshold", "60")?),
        };
        if let Some((least, most)) = at_least.zip(threshold)
            && least > most
        {
            let problem = Problem::value(
                format!("it cannot be at least {least} and at most {most}"),
                "write a lower at_least or a higher threshold",
            );
            return Err(row.refuse("at_least", problem));
        }
        Ok(Criterion {
            metric,
            threshold,
            at_least,
            baseline: row.text("baseline")?,
            accepted_by: row.text("accepted_by")?,
        })
    };
    rows.into_iter().map(one).collect()
}

/// What each key may be, but all together may not.
fn consistent(table: &Table<'_>, wave: &Wave) -> Result<(), WaveError> {
    for (key, names) in [
        ("requires", &wave.requires),
        ("parallel_with", &wave.parallel_with),
    ] {
        if names.contains(&wave.name) {
            let problem = Problem::value(
                format!("{:?} names itself", wave.name),
                "take it out of the list",
            );
            return Err(table.refuse(key, problem));
        }
    }
    if let Some(both) = wave
        .requires
        .iter()
        .find(|w| wave.parallel_with.contains(w))
    {
        let problem = Problem::value(
            format!("{both:?} must be proven first and may also run at the same time"),
            "keep it in one of the two lists",
        );
        return Err(table.refuse("parallel_with", problem));
    }
    if let Some(both) = wave.members.iter().find(|m| wave.exclusions.contains(m)) {
        let problem = Problem::value(
            format!("{both:?} is a member and left out"),
            "keep it in one of the two lists",
        );
        return Err(table.refuse("exclusions", problem));
    }
    Ok(())
}
