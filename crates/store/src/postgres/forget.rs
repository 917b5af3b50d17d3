//! Forgetting on a server, and sweeping its tables.
//!
//! Nobody else reads or writes while rows are erased. What a server keeps apart from its tables is out of reach: its log until that is
//! recycled, archives of it, replicas' files, backups.

use std::error::Error;

use groma_model::Timestamp;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::PostgresStore;
use super::fault;
use super::key::cut;
use super::session::{Lock, Transaction};
use crate::StoreError;
use crate::forget::{self, ATTEMPT, Act, Cell, Forget, Progress, Rows, Traces, Whom};

impl ToSql for Cell {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(_) | Self::Bytes(_) => self.bytes().to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BYTEA | Type::TEXT | Type::INT8)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Number(i64::from_sql(kind, raw)?),
            Type::TEXT => Self::Text(String::from_sql(kind, raw)?),
            _ => Self::Bytes(raw.to_vec()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind)
    }
}

struct Tables<'w, 's>(&'w mut Transaction<'s>);

impl Rows for Tables<'_, '_> {
    fn each(
        &mut self,
        sql: &str,
        values: &[Cell],
        each: &mut dyn FnMut(&[Cell]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.0.each_of(ATTEMPT, sql, &values, &mut |row| {
            let cells: Result<Vec<Cell>, _> = (0..row.len()).map(|at| row.try_get(at)).collect();
            each(&cells.map_err(fault::of(ATTEMPT))?)
        })
    }

    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<u64, StoreError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.0.run_of(ATTEMPT, sql, &values)
    }

    fn whole(&self, column: &'static str) -> String {
        format!("coalesce({column}_whole, {column})")
    }

    fn set(&self, column: &'static str, first: usize) -> String {
        format!("{column} = ${first}, {column}_whole = ${}", first + 1)
    }

    fn cells(&self, text: Cell) -> Vec<Cell> {
        let (key, whole) = cut(text.bytes());
        let whole = whole.map_or(Cell::Null, |whole| Cell::Bytes(whole.to_vec()));
        vec![Cell::Bytes(key.into_owned()), whole]
    }
}

/// Keeps out whoever ingests (he asks for looks before all else), takes a snapshot or reads events.
const ALONE: &str = "LOCK TABLE snapshot, look, event, measurement IN ACCESS EXCLUSIVE MODE";

/// With these, each fact that goes would be looked for among all events. What they say is checked when they are put back.
const UNTIE: &str = "
    ALTER TABLE event DROP CONSTRAINT event_site_id_fact_fkey, DROP CONSTRAINT event_site_id_look_fkey;
    ALTER TABLE measurement DROP CONSTRAINT measurement_site_id_series_fkey, DROP CONSTRAINT measurement_site_id_look_fkey;
    ALTER TABLE look DROP CONSTRAINT look_site_id_vantage_source_fkey, DROP CONSTRAINT look_site_id_report_fkey";
const TIE: &str = "
    ALTER TABLE look
        ADD CONSTRAINT look_site_id_vantage_source_fkey FOREIGN KEY (site_id, vantage, source) REFERENCES stream,
        ADD CONSTRAINT look_site_id_report_fkey FOREIGN KEY (site_id, report) REFERENCES report;
    ALTER TABLE event
        ADD CONSTRAINT event_site_id_fact_fkey FOREIGN KEY (site_id, fact) REFERENCES fact,
        ADD CONSTRAINT event_site_id_look_fkey FOREIGN KEY (site_id, look) REFERENCES look;
    ALTER TABLE measurement
        ADD CONSTRAINT measurement_site_id_series_fkey FOREIGN KEY (site_id, series) REFERENCES series,
        ADD CONSTRAINT measurement_site_id_look_fkey FOREIGN KEY (site_id, look) REFERENCES look";

/// The tables that may hold a name.
const SWEPT: [&str; 13] = [
    "fact",
    "report",
    "stream",
    "look",
    "event",
    "series",
    "measurement",
    "identity",
    "merge",
    "snapshot",
    "annotation",
    "agent",
    "forgotten",
];

impl Forget for PostgresStore {
    fn traces(
        &mut self,
        whom: &Whom,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Traces, StoreError> {
        self.durably(ATTEMPT, Lock::None, |work| {
            // All tables of one moment; nobody waits for whoever only asks.
            work.batch(ATTEMPT, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
            Ok(forget::plan(&mut Tables(work), whom, heard)?.traces)
        })
    }

    fn forget(
        &mut self,
        whom: &Whom,
        by: &str,
        now: Timestamp,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Act, StoreError> {
        let act = self.durably(ATTEMPT, Lock::None, |work| {
            work.batch(ATTEMPT, ALONE)?;
            let plan = forget::plan(&mut Tables(work), whom, heard)?;
            heard(Progress::Erasing);
            work.batch(ATTEMPT, UNTIE)?;
            let act = forget::apply(&mut Tables(work), whom, &plan, by, now)?;
            work.batch(ATTEMPT, TIE)?;
            Ok(act)
        })?;
        self.sweep(heard)?;
        Ok(Act { swept: true, ..act })
    }

    fn sweep(&mut self, heard: &mut dyn FnMut(Progress)) -> Result<bool, StoreError> {
        let is_due = self.acts()?.iter().any(|act| !act.swept);
        if !is_due {
            return Ok(false);
        }
        heard(Progress::Sweeping);
        for table in SWEPT {
            // Written anew: what was erased is in no page any more, nor in what the planner remembers of the values.
            let sql = format!("VACUUM (FULL, ANALYZE) groma.{table}");
            let client = self.session.get_mut().client()?;
            let swept = client.batch_execute(&sql).map_err(fault::of(ATTEMPT));
            swept.map_err(|why| StoreError::NotSwept {
                source: Box::new(why),
            })?;
        }
        self.durably(ATTEMPT, Lock::Ledger, |work| {
            let done = "UPDATE forgotten SET swept = 1 WHERE swept = 0";
            work.run(ATTEMPT, done, &[]).map(drop)
        })?;
        Ok(true)
    }

    fn acts(&self) -> Result<Vec<Act>, StoreError> {
        let mut session = self.session.borrow_mut();
        let mut work = session.begin(ATTEMPT, Lock::None)?;
        forget::acts(&mut Tables(&mut work))
    }
}
