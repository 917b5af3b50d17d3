//! Forgetting in one file, and sweeping it: what is erased stands in no page of it, nor in its log.

use std::path::Path;

use groma_model::Timestamp;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql};

use super::SqliteStore;
use crate::StoreError;
use crate::forget::{self, ATTEMPT, Act, Cell, Forget, Progress, Rows, Traces, Whom};

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null | ValueRef::Real(_) => Self::Null,
            ValueRef::Integer(number) => Self::Number(number),
            ValueRef::Text(text) => match str::from_utf8(text) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Bytes(text.to_vec()),
            },
            ValueRef::Blob(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

struct Tables<'c>(&'c Connection);

impl Rows for Tables<'_> {
    fn each(
        &mut self,
        sql: &str,
        values: &[Cell],
        each: &mut dyn FnMut(&[Cell]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .0
            .prepare_cached(sql)
            .map_err(StoreError::of(ATTEMPT))?;
        let columns = statement.column_count();
        let mut found = statement
            .query(rusqlite::params_from_iter(values))
            .map_err(StoreError::of(ATTEMPT))?;
        let mut cells = Vec::with_capacity(columns);
        while let Some(row) = found.next().map_err(StoreError::of(ATTEMPT))? {
            cells.clear();
            for column in 0..columns {
                let value = row.get_ref(column).map_err(StoreError::of(ATTEMPT))?;
                cells.push(Cell::from(value));
            }
            each(&cells)?;
        }
        Ok(())
    }

    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<u64, StoreError> {
        let mut statement = self
            .0
            .prepare_cached(sql)
            .map_err(StoreError::of(ATTEMPT))?;
        let done = statement.execute(rusqlite::params_from_iter(values));
        done.map(|rows| rows as u64)
            .map_err(StoreError::of(ATTEMPT))
    }

    fn whole(&self, column: &'static str) -> String {
        column.to_owned()
    }

    fn set(&self, column: &'static str, first: usize) -> String {
        format!("{column} = ${first}")
    }

    fn cells(&self, text: Cell) -> Vec<Cell> {
        vec![text]
    }
}

impl Forget for SqliteStore {
    fn traces(
        &mut self,
        whom: &Whom,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Traces, StoreError> {
        // Nothing is written; as the one writer, all tables are of one moment.
        self.durably(ATTEMPT, |connection| {
            Ok(forget::plan(&mut Tables(connection), whom, heard)?.traces)
        })
    }

    fn forget(
        &mut self,
        whom: &Whom,
        by: &str,
        now: Timestamp,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Act, StoreError> {
        // With the checks on, each fact that goes would be looked for among all events; all are checked together at the end.
        set(
            &self.connection,
            "PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;",
        )?;
        let done = self.durably(ATTEMPT, |connection| {
            let rows = &mut Tables(connection);
            let plan = forget::plan(rows, whom, heard)?;
            heard(Progress::Erasing);
            let act = forget::apply(rows, whom, &plan, by, now)?;
            check(connection)?;
            Ok(act)
        });
        self.standings.forget();
        set(&self.connection, "PRAGMA foreign_keys = ON;")?;
        let act = done?;
        self.sweep(heard)?;
        Ok(Act { swept: true, ..act })
    }

    fn sweep(&mut self, heard: &mut dyn FnMut(Progress)) -> Result<bool, StoreError> {
        let waiting = "SELECT count(*) FROM forgotten WHERE swept = 0";
        let asked = self.connection.query_row(waiting, [], |r| r.get(0));
        let many: i64 = asked.map_err(StoreError::of(ATTEMPT))?;
        if many == 0 {
            return Ok(false);
        }
        heard(Progress::Sweeping);
        let directory = self.path.as_deref().and_then(Path::parent);
        clean(&self.connection, directory).map_err(not_swept)?;
        // Told before the log is emptied again: whoever is killed in between only sweeps once more.
        self.durably(ATTEMPT, |connection| {
            let done = connection.execute("UPDATE forgotten SET swept = 1 WHERE swept = 0", []);
            done.map(drop).map_err(StoreError::of(ATTEMPT))
        })?;
        Ok(true)
    }

    fn acts(&self) -> Result<Vec<Act>, StoreError> {
        forget::acts(&mut Tables(&self.connection))
    }
}

/// The number of acts there were.
pub(super) fn number_of_acts(connection: &Connection) -> Result<i64, StoreError> {
    let mut asked = connection
        .prepare_cached("SELECT coalesce(max(number), 0) FROM forgotten")
        .map_err(StoreError::of(ATTEMPT))?;
    let number = asked.query_row([], |r| r.get(0));
    number.map_err(StoreError::of(ATTEMPT))
}

fn set(connection: &Connection, pragmas: &str) -> Result<(), StoreError> {
    let set = connection.execute_batch(pragmas);
    set.map_err(StoreError::of(ATTEMPT))
}

/// What was cited before is there.
fn check(connection: &Connection) -> Result<(), StoreError> {
    let mut checked = connection
        .prepare("PRAGMA foreign_key_check")
        .map_err(StoreError::of(ATTEMPT))?;
    match checked.exists([]).map_err(StoreError::of(ATTEMPT))? {
        false => Ok(()),
        true => Err(StoreError::Damaged {
            attempt: ATTEMPT,
            why: "a row cites one that is not there".to_owned(),
        }),
    }
}

/// Writes the whole file anew and empties the log: a page that was freed, or of which a part was, holds nothing any more.
///
/// The copy that is made on the way lies beside the store, without a name, and has nothing of what was erased.
fn clean(connection: &Connection, directory: Option<&Path>) -> Result<(), StoreError> {
    truncate(connection)?;
    if let Some(directory) = directory {
        let place = directory.to_string_lossy().replace('\'', "''");
        set(
            connection,
            &format!("PRAGMA temp_store_directory = '{place}'"),
        )?;
    }
    set(connection, "PRAGMA temp_store = FILE")?;
    let swept = set(connection, "VACUUM");
    set(
        connection,
        "PRAGMA temp_store = MEMORY; PRAGMA temp_store_directory = ''",
    )?;
    swept?;
    truncate(connection)
}

/// Moves the log into the file and cuts it to nothing.
fn truncate(connection: &Connection) -> Result<(), StoreError> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection
        .query_row(sql, [], |r| r.get(0))
        .map_err(StoreError::of(ATTEMPT))?;
    match busy {
        0 => Ok(()),
        _ => Err(StoreError::Busy { attempt: ATTEMPT }),
    }
}

fn not_swept(why: StoreError) -> StoreError {
    StoreError::NotSwept {
        source: Box::new(why),
    }
}
