//! Batches that come while another one is written wait together and are kept together: one transaction and one sync for all of them.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TryRecvError, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use groma_store::{Ingested, Ready, Store, StoreError};

/// Batches that are kept in one transaction at most.
const BATCHES_MAX: usize = 64;
/// What is in them, in facts, beyond which nothing is added: nobody should wait long for what is not his.
const WEIGHT_MAX: usize = 32_768;
/// So many batches are company enough: whoever comes while they are written is the next company.
const COMPANY: usize = 4;
/// A batch of so many facts is company of its own: beside what it costs, a transaction is little.
const COMPANY_WEIGHT: usize = 2048;

type Answer = Result<Ingested, StoreError>;

/// What waits for the one who writes.
#[derive(Default)]
pub(super) struct Together {
    waiting: Mutex<Waiting>,
    /// Told when there is company enough, and when somebody was taken up.
    changed: Condvar,
    /// How long a batch waits for company.
    patience: Duration,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<(Ready, SyncSender<Answer>)>,
    /// Batches that ever came, and those of them that were taken up.
    came: u64,
    taken: u64,
}

impl Waiting {
    fn is_company(&self) -> bool {
        let weight: usize = self.batches.iter().map(|(ready, _)| ready.weight()).sum();
        self.batches.len() >= COMPANY || weight >= COMPANY_WEIGHT
    }
}

impl Together {
    /// As by default, and batches wait so long for company.
    pub(super) fn patient(patience: Duration) -> Self {
        Self {
            patience,
            ..Self::default()
        }
    }

    /// Keeps `ready`, in whatever company; durable when this returns.
    pub(super) fn keep<S>(
        &self,
        ready: Ready,
        writer: &Mutex<S>,
        as_store: impl Fn(&mut S) -> &mut dyn Store,
    ) -> Answer {
        let (answer, answered) = sync_channel(1);
        self.wait(ready, answer);
        loop {
            let mut writer = held(writer);
            match answered.try_recv() {
                Ok(answer) => return answer,
                // Whoever took it up came to grief; nothing was kept.
                Err(TryRecvError::Disconnected) => {
                    return Err(StoreError::Busy {
                        attempt: "keep a batch",
                    });
                }
                Err(TryRecvError::Empty) => {}
            }
            let (batches, answers): (Vec<_>, Vec<_>) = self.next().into_iter().unzip();
            let kept = as_store(&mut writer).ingest_ready(&batches);
            for (to, answer) in answers.into_iter().zip(kept) {
                // Whoever does not wait any more asks again and hears that it is kept.
                let _ = to.send(answer);
            }
        }
    }

    /// Waits until there is company, until somebody took this batch up with his own, or until it waited long enough.
    fn wait(&self, ready: Ready, answer: SyncSender<Answer>) {
        let begun = Instant::now();
        let mut waiting = held(&self.waiting);
        waiting.batches.push_back((ready, answer));
        let number = waiting.came;
        waiting.came += 1;
        if waiting.is_company() {
            self.changed.notify_all();
            return;
        }
        while waiting.taken <= number && !waiting.is_company() {
            let left = self.patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(waiting, left);
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Those that came first, as many as go together.
    fn next(&self) -> Vec<(Ready, SyncSender<Answer>)> {
        let mut waiting = held(&self.waiting);
        let (mut group, mut weight) = (Vec::new(), 0);
        while let Some((ready, _)) = waiting.batches.front() {
            weight += ready.weight();
            if group.len() >= BATCHES_MAX || (weight > WEIGHT_MAX && !group.is_empty()) {
                break;
            }
            group.extend(waiting.batches.pop_front());
            waiting.taken += 1;
        }
        if group.len() > 1 {
            self.changed.notify_all();
        }
        group
    }
}

/// Whoever panicked while it held this did so within a transaction, which the engine took back.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
    use groma_model::fact::Account;
    use groma_model::{AgentId, Fact, Observation, Scope, Seen, SiteId, SourceName, Timestamp};
    use groma_store::{Moment, SqliteStore};

    use super::*;

    fn ready(agent: &str, sequence: u64) -> Ready {
        let source = SourceName::new("test.accounts");
        let ended = Timestamp::from_millis(1_795_000_000_000);
        let seen = Observation {
            scope: Scope::new("test", "all"),
            fact: Fact::Account(Account {
                name: format!("{agent}-{sequence}").into(),
                id: sequence.to_string(),
                home: None,
                shell: None,
                can_log_in: true,
            }),
            seen: Seen::once(ended),
        };
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::new(agent),
            site: SiteId::default(),
            epoch: 1,
            sequence,
            version: String::new(),
            started: ended,
            ended,
            sources: vec![source.clone()],
        };
        let records = vec![Record {
            source,
            said: Said::Saw(seen),
        }];
        Ready::of(Batch { header, records }).unwrap()
    }

    #[test]
    fn many_at_once_are_all_kept_and_one_that_cannot_be_costs_no_other() {
        for patience in [0, 5] {
            many_at_once(&Together::patient(Duration::from_millis(patience)));
        }
    }

    fn many_at_once(together: &Together) {
        let writer = Mutex::new(SqliteStore::open_in_memory().unwrap());
        let endless = "a".repeat(4096);
        let keep =
            |agent: &str, sequence| together.keep(ready(agent, sequence), &writer, |store| store);
        std::thread::scope(|scope| {
            for agent in 0..16 {
                let (keep, endless) = (&keep, &endless);
                scope.spawn(move || {
                    for sequence in 1..=20 {
                        let kept = keep(&format!("agt-{agent}"), sequence);
                        assert!(matches!(kept, Ok(Ingested::Kept(_))), "{kept:?}");
                    }
                    let again = keep(&format!("agt-{agent}"), 20);
                    assert_eq!(again.unwrap(), Ingested::AlreadyKept);
                    assert!(matches!(keep(endless, 1), Err(StoreError::Input(_))));
                });
            }
        });
        let store = writer.lock().unwrap();
        assert_eq!(store.watermark().unwrap(), 16 * 20);
        assert_eq!(store.evidence(&Moment::Now).unwrap().count(), 16 * 20);
    }

    #[test]
    fn a_group_ends_where_it_would_grow_too_large() {
        let together = Together::default();
        for number in 0..100 {
            let (answer, _) = sync_channel(1);
            let mut waiting = held(&together.waiting);
            waiting.batches.push_back((ready("agt-a", number), answer));
        }
        assert_eq!(together.next().len(), BATCHES_MAX);
        assert_eq!(together.next().len(), 100 - BATCHES_MAX);
        assert!(together.next().is_empty());
    }
}
