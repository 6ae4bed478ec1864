//! Group commit: a few tasks write, and whatever waits together is committed together.
//!
//! A commit costs a disk flush and some round trips, whether it holds one comment or two hundred. So callers queue up, a
//! writer takes all that wait, keeps them in one transaction and answers each when it is durable; meanwhile another
//! gathers the next. Owns the verbs of the daily road only: the others are rare, and PostgreSQL commits them together
//! by itself. A verb that fails takes nobody down: the others' work stands.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::admission::{Admit, admit_all};
use super::failure::Outcome;
use super::ledger::{Known, Ledger};
use super::tallies;
use super::transaction::{Begin, Patience, end};
use super::verdicts::{Record, record_all};
use crate::store::{Admission, Settings, StoreError};

/// How many write at once: one sends while the other's commit is flushed. More would only make smaller groups.
const WRITERS: usize = 2;
/// How long a verdict may wait for its place in the queue: its caller has work done already.
const WAIT: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What waits for a writer.
enum Command {
    Admit(Box<Admit>, Reply<Admission>),
    Record(Box<Record>, Reply<()>),
    Close,
}

/// The callers' end.
pub(super) struct Writer {
    queue: mpsc::Sender<Command>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("room", &self.queue.capacity()).finish()
    }
}

impl Writer {
    /// Starts the tasks. They end on [`Writer::close`] or when the `Writer` is dropped, after what waits then.
    pub(super) fn start(pool: &PgPool, known: &Arc<Known>, patience: Patience, settings: &Settings) -> Writer {
        let (queue, waiting) = mpsc::channel(settings.waiting_writes.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let task = || Task {
            pool: pool.clone(),
            waiting: Arc::clone(&waiting),
            known: Arc::clone(known),
            most: settings.commit_together.max(1),
            patience,
        };
        let tasks = (0..WRITERS).map(|_| tokio::spawn(task().run())).collect();
        Writer { queue, tasks: Mutex::new(tasks) }
    }

    pub(super) async fn admit(&self, admit: Admit) -> Result<Admission, StoreError> {
        let (reply, answer) = oneshot::channel();
        // The door can say "come back later", so it is not kept waiting.
        self.queue.try_send(Command::Admit(Box::new(admit), reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    pub(super) async fn record(&self, record: Record) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Record(Box::new(record), reply);
        self.queue.send_timeout(command, WAIT).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => StoreError::Overloaded,
            mpsc::error::SendTimeoutError::Closed(_) => gone(),
        })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Takes no more and writes what waits.
    pub(super) async fn close(&self) {
        let _ = self.queue.send(Command::Close).await;
        for task in self.tasks.lock().await.drain(..) {
            let _ = task.await;
        }
    }
}

/// A writing end.
struct Task {
    pool: PgPool,
    waiting: Arc<Mutex<mpsc::Receiver<Command>>>,
    known: Arc<Known>,
    /// How many commands one commit may hold.
    most: usize,
    patience: Patience,
}

#[derive(Default)]
struct Batch {
    admits: Vec<(Box<Admit>, Reply<Admission>)>,
    records: Vec<(Box<Record>, Reply<()>)>,
}

/// One answer for each command.
type Answers = (Vec<Result<Admission, StoreError>>, Vec<Result<(), StoreError>>);

impl Task {
    async fn run(self) {
        while let Some(batch) = self.gather().await {
            self.write(batch).await;
            // Those who were just answered may have more to write: let them run, so that they share the next commit.
            tokio::task::yield_now().await;
        }
    }

    /// All that waits; `None` when nothing will come any more.
    async fn gather(&self) -> Option<Batch> {
        let mut commands = Vec::with_capacity(self.most);
        let mut waiting = self.waiting.lock().await;
        if waiting.recv_many(&mut commands, self.most).await == 0 {
            return None;
        }
        let mut batch = Batch::default();
        for command in commands {
            match command {
                Command::Admit(admit, reply) => batch.admits.push((admit, reply)),
                Command::Record(record, reply) => batch.records.push((record, reply)),
                Command::Close => waiting.close(),
            }
        }
        Some(batch)
    }

    async fn write(&self, batch: Batch) {
        let verbs = batch.admits.len() + batch.records.len();
        if verbs == 0 {
            return;
        }
        let started = Instant::now();
        let admits: Vec<&Admit> = batch.admits.iter().map(|(admit, _)| admit.as_ref()).collect();
        let records: Vec<&Record> = batch.records.iter().map(|(record, _)| record.as_ref()).collect();
        let outcome = self.transact(&admits, &records).await;
        drop((admits, records));
        metrics::histogram!("hamlet_store_commit_seconds").record(started.elapsed());
        metrics::counter!("hamlet_store_commits_total").increment(1);
        metrics::counter!("hamlet_store_verbs_total").increment(verbs as u64);
        metrics::histogram!("hamlet_store_commit_verbs").record(u32::try_from(verbs).unwrap_or(u32::MAX));
        match outcome {
            // A caller that has gone away meanwhile need not know.
            Ok((admitted, recorded)) => {
                for ((_, reply), answer) in batch.admits.into_iter().zip(admitted) {
                    let _ = reply.send(answer);
                }
                for ((_, reply), answer) in batch.records.into_iter().zip(recorded) {
                    let _ = reply.send(answer);
                }
            }
            Err(failure) => {
                let error = StoreError::from(failure);
                tracing::warn!(%error, "nothing of what waited could be written");
                batch.admits.into_iter().for_each(|(_, reply)| drop(reply.send(Err(same(&error)))));
                batch.records.into_iter().for_each(|(_, reply)| drop(reply.send(Err(same(&error)))));
            }
        }
    }

    /// All of it in one transaction; an error means that nothing of it was kept, or that the server did not say.
    async fn transact(&self, admits: &[&Admit], records: &[&Record]) -> Outcome<Answers> {
        let mut tries = 0;
        loop {
            let attempt = async {
                match self.attempt(admits, records, false).await {
                    // One of them cannot be written. Nobody was answered yet, so do it again and find out which.
                    Err(failure) if failure.is_refusal() && admits.len() + records.len() > 1 => {
                        self.attempt(admits, records, true).await
                    }
                    outcome => outcome,
                }
            };
            if let Some(outcome) = self.patience.last(attempt, &mut tries).await {
                return outcome;
            }
        }
    }

    async fn attempt(&self, admits: &[&Admit], records: &[&Record], one_by_one: bool) -> Outcome<Answers> {
        let mut changes = self.patience.begin(&self.pool, Begin::Shared).await?;
        let conn = changes.connection();
        let mut ledger = Ledger::read(conn, &self.known).await?;
        let answers = if one_by_one {
            each(conn, &mut ledger, admits, records).await?
        } else {
            (admit_all(conn, &mut ledger, admits).await?, record_all(conn, &mut ledger, records).await?)
        };
        tallies::write(conn, &mut ledger.tallies).await?;
        changes.keep().await?;
        Ok(answers)
    }
}

async fn each(
    conn: &mut PgConnection,
    ledger: &mut Ledger,
    admits: &[&Admit],
    records: &[&Record],
) -> Outcome<Answers> {
    let (mut admitted, mut recorded) = Answers::default();
    for admit in admits {
        sqlx::raw_sql("SAVEPOINT verb").execute(&mut *conn).await?;
        let answer = admit_all(conn, ledger, &[admit]).await;
        match end(conn, answer).await? {
            Ok(answers) => admitted.extend(answers),
            Err(error) => admitted.push(Err(error)),
        }
    }
    for record in records {
        sqlx::raw_sql("SAVEPOINT verb").execute(&mut *conn).await?;
        let answer = record_all(conn, ledger, &[record]).await;
        match end(conn, answer).await? {
            Ok(answers) => recorded.extend(answers),
            Err(error) => recorded.push(Err(error)),
        }
    }
    Ok((admitted, recorded))
}

/// The same bad news for the next caller.
fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unusable(why) => StoreError::Unusable(why.clone()),
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}
