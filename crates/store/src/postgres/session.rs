//! One connection: opened when it is needed, opened again when the server was restarted, and its transactions.

use std::collections::HashMap;

use postgres::types::ToSql;
use postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::address::Address;
use super::fault;
use crate::StoreError;

/// The first number of every lock of ours, so that no other program in the same database waits for us: `grom`, and
/// `gron` for vantages.
const LOCKS: i32 = 0x6772_6f6d;
const VANTAGES: i32 = 0x6772_6f6e;

/// What two replicas may not do at once. But for [`Self::Shape`], each is held until its transaction ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lock {
    /// Making or changing the tables.
    Shape,
    /// Giving numbers to looks.
    Numbers,
    /// Adding to what is remembered beside the evidence.
    Ledger,
    /// Nothing: rows are locked one by one.
    None,
    /// Comparing a batch with what is known of its vantage, by a hash of that.
    Vantage(i32),
}

impl Lock {
    fn sql(self) -> String {
        match self {
            Self::None => String::new(),
            _ => self.session_sql("pg_advisory_xact_lock"),
        }
    }

    /// The call of one of the functions that take or give back such a lock.
    pub(super) fn session_sql(self, function: &str) -> String {
        let (class, object) = match self {
            Self::Shape | Self::None => (LOCKS, 0),
            Self::Numbers => (LOCKS, 1),
            Self::Ledger => (LOCKS, 2),
            Self::Vantage(hash) => (VANTAGES, hash),
        };
        format!("SELECT {function}({class}, {object})")
    }
}

/// How a connection of ours is set, whatever the server or the role says: a transaction that was acknowledged is on
/// the disk, a lock is waited for as long as the embedded engine waits, and no plan is worth compiling.
const SETTINGS: &str = "SET search_path = groma, pg_temp; SET lock_timeout = '10s'; SET jit = off;
    SET client_min_messages = warning; SET default_transaction_isolation = 'read committed';
    SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Values for the places `$1`, `$2`, … of a statement.
pub(super) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// Whoever can be asked: a connection, or a transaction on it.
pub(super) trait Ask {
    fn ask(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError>;

    /// The first row, if there is one.
    fn ask_one(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.ask(attempt, sql, values)?.into_iter().next())
    }
}

/// A connection that comes back by itself.
pub(super) struct Session {
    address: Address,
    live: Option<Live>,
}

/// An open connection, and the statements it knows.
struct Live {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
    /// The statement that was put together last: it is often asked again with other values.
    put_together: Option<(String, Statement)>,
}

impl Session {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            live: None,
        }
    }

    pub(super) fn place(&self) -> &str {
        self.address.place()
    }

    /// The client itself, for what is done once.
    pub(super) fn client(&mut self) -> Result<&mut Client, StoreError> {
        Ok(&mut self.live()?.client)
    }

    fn live(&mut self) -> Result<&mut Live, StoreError> {
        let live = match self.live.take().filter(|live| !live.client.is_closed()) {
            Some(live) => live,
            None => {
                let opening = fault::opening(self.address.place());
                let mut client = self.address.connect().map_err(&opening)?;
                client.batch_execute(SETTINGS).map_err(&opening)?;
                Live {
                    client,
                    prepared: HashMap::new(),
                    put_together: None,
                }
            }
        };
        Ok(self.live.insert(live))
    }

    /// Does `work`, and once more on a new connection if this one turns out to be lost: a server that was restarted is
    /// only noticed when it is spoken to. So `work` must be harmless to do twice.
    fn twice<T>(
        &mut self,
        attempt: &'static str,
        work: impl Fn(&mut Live) -> Result<T, postgres::Error>,
    ) -> Result<T, StoreError> {
        let is_new = self.live.is_none();
        match work(self.live()?) {
            Err(error) if fault::is_lost(&error) && !is_new => {
                self.live = None;
                work(self.live()?).map_err(fault::of(attempt))
            }
            done => done.map_err(fault::of(attempt)),
        }
    }

    /// Begins a transaction that holds `lock`.
    ///
    /// Each of its statements sees what others had committed when it began; so whoever holds a lock sees all
    /// that was done under that lock before.
    pub(super) fn begin(
        &mut self,
        attempt: &'static str,
        lock: Lock,
    ) -> Result<Transaction<'_>, StoreError> {
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {}", lock.sql());
        let begun = self.twice(attempt, |live| live.client.batch_execute(&begin));
        let live = self.live()?;
        let transaction = Transaction {
            live,
            is_open: true,
        };
        // If the lock was not to be had, the transaction was begun all the same; dropping it ends it.
        begun.map(|()| transaction)
    }
}

impl Ask for Session {
    fn ask(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.twice(attempt, |live| live.query(sql, values))
    }
}

impl Live {
    fn statement(&mut self, sql: &'static str) -> Result<Statement, postgres::Error> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    fn put_together(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        if let Some((known, statement)) = &self.put_together
            && known == sql
        {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.put_together = Some((sql.to_owned(), statement.clone()));
        Ok(statement)
    }

    fn query(
        &mut self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, postgres::Error> {
        let statement = self.statement(sql)?;
        self.client.query(&statement, values)
    }
}

/// A transaction; whatever it did is undone unless it is committed.
pub(super) struct Transaction<'s> {
    live: &'s mut Live,
    is_open: bool,
}

impl Transaction<'_> {
    /// Takes `lock`, then asks for a number. The two are statements of their own, so the second sees what was done
    /// while the first one waited.
    pub(super) fn number_under(
        &mut self,
        attempt: &'static str,
        lock: Lock,
        sql: &'static str,
    ) -> Result<i64, StoreError> {
        let both = format!("{}; {sql}", lock.sql());
        let said = self.live.client.simple_query(&both);
        let said = said.map_err(fault::of(attempt))?;
        let last = said.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        last.ok_or_else(|| StoreError::Damaged {
            attempt,
            why: "there is no newest look".to_owned(),
        })
    }

    pub(super) fn run(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, StoreError> {
        let mut run = || {
            let statement = self.live.statement(sql)?;
            self.live.client.execute(&statement, values)
        };
        run().map_err(fault::of(attempt))
    }

    /// Several statements without values.
    pub(super) fn batch(&mut self, attempt: &'static str, sql: &str) -> Result<(), StoreError> {
        let done = self.live.client.batch_execute(sql);
        done.map_err(fault::of(attempt))
    }

    /// As [`Self::run`], for a statement that was put together.
    pub(super) fn run_of(
        &mut self,
        attempt: &'static str,
        sql: &str,
        values: Values<'_>,
    ) -> Result<u64, StoreError> {
        let statement = self.live.put_together(sql).map_err(fault::of(attempt))?;
        let done = self.live.client.execute(&statement, values);
        done.map_err(fault::of(attempt))
    }

    /// As [`Self::each`], for a statement that was put together.
    pub(super) fn each_of(
        &mut self,
        attempt: &'static str,
        sql: &str,
        values: Values<'_>,
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        use postgres::fallible_iterator::FallibleIterator as _;
        let fault = fault::of(attempt);
        let statement = self.live.put_together(sql).map_err(&fault)?;
        let rows = self
            .live
            .client
            .query_raw(&statement, values.iter().copied());
        let mut rows = rows.map_err(&fault)?;
        while let Some(row) = rows.next().map_err(&fault)? {
            each(&row)?;
        }
        Ok(())
    }

    /// Hands over the rows one by one, as they come in.
    pub(super) fn each(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        use postgres::fallible_iterator::FallibleIterator as _;
        let fault = fault::of(attempt);
        let statement = self.live.statement(sql).map_err(&fault)?;
        let values = values.iter().copied();
        let rows = self.live.client.query_raw(&statement, values);
        let mut rows = rows.map_err(&fault)?;
        while let Some(row) = rows.next().map_err(&fault)? {
            each(&row)?;
        }
        Ok(())
    }

    /// Makes it durable. If the answer is lost on the way, nobody here knows whether it is; the caller does it again.
    pub(super) fn commit(mut self, attempt: &'static str) -> Result<(), StoreError> {
        self.is_open = false;
        let done = self.live.client.batch_execute("COMMIT");
        done.map_err(fault::of(attempt))
    }
}

impl Ask for Transaction<'_> {
    fn ask(
        &mut self,
        attempt: &'static str,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.live.query(sql, values).map_err(fault::of(attempt))
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // If this fails the connection is lost, and the server undoes it by itself.
            let _ = self.live.client.batch_execute("ROLLBACK");
        }
    }
}
