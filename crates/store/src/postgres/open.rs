//! Opening: a new store, our own store, an older one to migrate, and everything that is none of these.

use std::error::Error;

use postgres::Client;

use super::fault;
use super::session::{Lock, Session};
use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("migrations-postgres");
}

const ATTEMPT: &str = "open the store";

/// What the comment on the table `made_by` says in a store of ours.
const MARK: &str = "groma store";

/// Makes the tables, or sees that they are ours.
pub(super) fn prepare(session: &mut Session) -> Result<(), StoreError> {
    let place = session.place().to_owned();
    let client = session.client()?;
    check_encoding(client, &place)?;
    if matches!(state(client, &place)?, State::Ours { format } if format == known()) {
        return Ok(());
    }
    // Two replicas may start at once: one makes the tables, the other waits and finds them made.
    lock(client)?;
    let done = shape(client, &place);
    let unlocked = client.batch_execute(&Lock::Shape.session_sql("pg_advisory_unlock"));
    done?;
    unlocked.map_err(fault::of(ATTEMPT))
}

fn lock(client: &mut Client) -> Result<(), StoreError> {
    let locked = client.batch_execute(&Lock::Shape.session_sql("pg_advisory_lock"));
    locked.map_err(fault::of(ATTEMPT))
}

fn shape(client: &mut Client, place: &str) -> Result<(), StoreError> {
    match state(client, place)? {
        State::Ours { format } if format == known() => return Ok(()),
        State::NoSchema => client
            .batch_execute("CREATE SCHEMA groma")
            .map_err(fault::opening(place))?,
        State::Empty | State::Ours { .. } => {}
    }
    let runner = embedded::migrations::runner().set_grouped(true);
    if let Err(error) = runner.run(client) {
        return Err(migration(error, place));
    }
    let made_by = "INSERT INTO made_by (site_id, version) VALUES ('*', $1) ON CONFLICT DO NOTHING";
    let version = env!("CARGO_PKG_VERSION");
    let made = client.execute(made_by, &[&version]);
    made.map(drop).map_err(fault::of(ATTEMPT))
}

/// What stands where our tables would.
enum State {
    NoSchema,
    Empty,
    Ours { format: i32 },
}

fn state(client: &mut Client, place: &str) -> Result<State, StoreError> {
    let opening = fault::opening(place);
    let sql = "SELECT
            EXISTS (SELECT FROM pg_namespace WHERE nspname = 'groma'),
            EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'groma' AND NOT starts_with(c.relname::text, 'refinery_schema_history')),
            obj_description(to_regclass('groma.made_by'), 'pg_class'),
            to_regclass('groma.refinery_schema_history') IS NOT NULL";
    let row = client.query_one(sql, &[]).map_err(&opening)?;
    let (has_schema, has_others): (bool, bool) = (row.get(0), row.get(1));
    let (mark, has_history): (Option<String>, bool) = (row.get(2), row.get(3));
    if !has_schema {
        return Ok(State::NoSchema);
    }
    let is_ours = mark.as_deref() == Some(MARK);
    let format: i32 = if has_history {
        let newest = "SELECT coalesce(max(version), 0)::int4 FROM groma.refinery_schema_history";
        client.query_one(newest, &[]).map_err(&opening)?.get(0)
    } else {
        0
    };
    match (is_ours, has_others) {
        (true, _) => check_version(client, format),
        // Whoever made the list of migrations alone was stopped before the first of them.
        (false, false) if format == 0 => Ok(State::Empty),
        (false, _) => Err(StoreError::NotForUs {
            place: place.to_owned(),
            why: "its schema groma holds tables of another program".to_owned(),
        }),
    }
}

/// Refuses a store of a newer format, naming both.
fn check_version(client: &mut Client, format: i32) -> Result<State, StoreError> {
    if format <= known() {
        return Ok(State::Ours { format });
    }
    let sql = "SELECT string_agg(version, ', ' ORDER BY version) FROM groma.made_by";
    let made_by: Option<String> = client.query_one(sql, &[]).ok().and_then(|row| row.get(0));
    Err(StoreError::Newer {
        found: format.unsigned_abs(),
        known: known().unsigned_abs(),
        made_by: made_by.unwrap_or_else(|| "of a version it does not name".to_owned()),
    })
}

/// The newest format this program knows.
fn known() -> i32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(|m| m.version());
    versions.max().unwrap_or(0)
}

/// Refuses a database that would change the letters of a fact, or refuse them.
fn check_encoding(client: &mut Client, place: &str) -> Result<(), StoreError> {
    let row = client
        .query_one("SHOW server_encoding", &[])
        .map_err(fault::opening(place))?;
    let encoding: String = row.get(0);
    if matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") {
        return Ok(());
    }
    Err(StoreError::NotForUs {
        place: place.to_owned(),
        why: format!("it is encoded in {encoding}, which lacks letters that facts may have"),
    })
}

fn migration(error: refinery::Error, place: &str) -> StoreError {
    let mut next: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if let Some(said) = cause.downcast_ref::<postgres::Error>() {
            let why = fault::text(said);
            return match said.code().map(postgres::error::SqlState::code) {
                Some("53100") => StoreError::Full { attempt: ATTEMPT },
                Some("25006") => StoreError::ReadOnly { attempt: ATTEMPT },
                Some("42501") => StoreError::Refused {
                    place: place.to_owned(),
                    why,
                },
                _ => StoreError::Engine {
                    attempt: ATTEMPT,
                    source: why.into(),
                },
            };
        }
        next = cause.source();
    }
    StoreError::Engine {
        attempt: ATTEMPT,
        source: Box::new(error),
    }
}
