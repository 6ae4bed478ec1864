//! Group commit: one task writes, and whatever waits together is committed together.
//!
//! A commit costs a disk flush, whether it holds one comment or two hundred. So callers queue up, the writer takes all
//! that wait, does them in one transaction and answers each when it is durable. Owns that transaction; the verbs
//! own what is written in it. A verb that fails takes nobody down: the others' work stands.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::admission::{Admit, admit_all};
use super::ledger::Ledger;
use super::verdicts::{Record, record_all};
use crate::store::listeners::Tenants;
use crate::store::{Admission, Settings, StoreError};

/// How long a verb other than an admission may wait for its place in the queue: its caller has work done already.
const PATIENCE: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A verb at work on the writer's connection.
pub(super) type Working<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// What waits for the writer. The verbs of the daily road are data and merged; the others are work to be done.
enum Command {
    Admit(Box<Admit>, Reply<Admission>),
    Record(Box<Record>, Reply<()>),
    Errand(Box<dyn Errand>),
    Close(oneshot::Sender<()>),
}

/// A verb that is done by itself, under a savepoint.
#[async_trait]
trait Errand: Send {
    /// Does it and keeps the answer; whether to keep what was written.
    async fn run(&mut self, conn: &mut SqliteConnection) -> bool;
    /// Tells the caller, now that the transaction has ended so.
    fn answer(self: Box<Self>, transaction: Result<(), StoreError>);
}

struct Work<W, T> {
    work: Option<W>,
    answer: Option<Result<T, StoreError>>,
    reply: Reply<T>,
}

#[async_trait]
impl<W, T> Errand for Work<W, T>
where
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send,
    T: Send,
{
    async fn run(&mut self, conn: &mut SqliteConnection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let answer = work(conn).await;
        self.answer.insert(answer).is_ok()
    }

    fn answer(self: Box<Self>, transaction: Result<(), StoreError>) {
        let answer = match (transaction, self.answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(gone()),
            (Err(error), _) => Err(error),
        };
        // A caller that has gone away meanwhile need not know.
        let _ = self.reply.send(answer);
    }
}

/// The callers' end.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Command>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("room", &self.queue.capacity()).finish()
    }
}

impl Writer {
    /// Starts the task that owns `conn`. It ends, and checkpoints, on [`Writer::close`] or when the last `Writer` is
    /// dropped.
    pub(super) fn start(conn: SqliteConnection, settings: &Settings) -> Writer {
        let (queue, waiting) = mpsc::channel(settings.waiting_writes.max(1));
        let task = Task { conn, waiting, known: Arc::default(), most: settings.commit_together.max(1) };
        tokio::spawn(task.run());
        Writer { queue }
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
        self.send(Command::Record(Box::new(record), reply)).await?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    pub(super) async fn run<W, T>(&self, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Errand(Box::new(Work { work: Some(work), answer: None, reply }))).await?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Takes no more, writes what waits, checkpoints and closes.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.queue.send(Command::Close(closed)).await.is_ok() {
            let _ = wait.await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        self.queue.send_timeout(command, PATIENCE).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => StoreError::Overloaded,
            mpsc::error::SendTimeoutError::Closed(_) => gone(),
        })
    }
}

/// The writing end.
struct Task {
    conn: SqliteConnection,
    waiting: mpsc::Receiver<Command>,
    known: Arc<Tenants>,
    /// How many commands one commit may hold.
    most: usize,
}

#[derive(Default)]
struct Batch {
    admits: Vec<(Box<Admit>, Reply<Admission>)>,
    records: Vec<(Box<Record>, Reply<()>)>,
    errands: Vec<Box<dyn Errand>>,
}

/// One answer for each merged command.
type Answers = (Vec<Result<Admission, StoreError>>, Vec<Result<(), StoreError>>);

impl Task {
    async fn run(mut self) {
        let mut commands = Vec::with_capacity(self.most);
        let mut closed = Vec::new();
        while self.waiting.recv_many(&mut commands, self.most).await > 0 {
            let mut batch = Batch::default();
            for command in commands.drain(..) {
                match command {
                    Command::Admit(admit, reply) => batch.admits.push((admit, reply)),
                    Command::Record(record, reply) => batch.records.push((record, reply)),
                    Command::Errand(errand) => batch.errands.push(errand),
                    Command::Close(done) => {
                        self.waiting.close();
                        closed.push(done);
                    }
                }
            }
            self.write(batch).await;
            // Those who were just answered may have more to write: let them run, so that they share the next commit.
            tokio::task::yield_now().await;
        }
        // Best effort: whatever a checkpoint leaves in the log is found there on the next start.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.conn).await;
        let _ = self.conn.close().await;
        for done in closed {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, mut batch: Batch) {
        if batch.admits.is_empty() && batch.records.is_empty() && batch.errands.is_empty() {
            return;
        }
        let verbs = (batch.admits.len() + batch.records.len() + batch.errands.len()) as u64;
        let started = Instant::now();
        let admits: Vec<&Admit> = batch.admits.iter().map(|(admit, _)| admit.as_ref()).collect();
        let records: Vec<&Record> = batch.records.iter().map(|(record, _)| record.as_ref()).collect();
        let outcome = self.transact(&admits, &records, &mut batch.errands).await;
        drop((admits, records));
        metrics::histogram!("hamlet_store_commit_seconds").record(started.elapsed());
        metrics::counter!("hamlet_store_commits_total").increment(1);
        metrics::counter!("hamlet_store_verbs_total").increment(verbs);
        metrics::histogram!("hamlet_store_commit_verbs").record(u32::try_from(verbs).unwrap_or(u32::MAX));
        match outcome {
            Ok((admitted, recorded)) => {
                for ((_, reply), answer) in batch.admits.into_iter().zip(admitted) {
                    let _ = reply.send(answer);
                }
                for ((_, reply), answer) in batch.records.into_iter().zip(recorded) {
                    let _ = reply.send(answer);
                }
                for errand in batch.errands {
                    errand.answer(Ok(()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "nothing of what waited could be written");
                batch.admits.into_iter().for_each(|(_, reply)| drop(reply.send(Err(same(&error)))));
                batch.records.into_iter().for_each(|(_, reply)| drop(reply.send(Err(same(&error)))));
                batch.errands.into_iter().for_each(|errand| errand.answer(Err(same(&error))));
            }
        }
    }

    /// All of it in one transaction; an error means that nothing of it was kept.
    async fn transact(
        &mut self,
        admits: &[&Admit],
        records: &[&Record],
        errands: &mut [Box<dyn Errand>],
    ) -> Result<Answers, StoreError> {
        let outcome = self.attempt(admits, records, errands).await;
        if outcome.is_err() {
            // After some failures SQLite has rolled back by itself; then this says so, and that is all right.
            let _ = execute(&mut self.conn, "ROLLBACK").await;
        }
        outcome
    }

    async fn attempt(
        &mut self,
        admits: &[&Admit],
        records: &[&Record],
        errands: &mut [Box<dyn Errand>],
    ) -> Result<Answers, StoreError> {
        let mut ledger = Ledger::begin(&mut self.conn, &mut self.known).await?;
        let merged = self.merged(&mut ledger, admits, records).await;
        let answers = match merged {
            // One of them cannot be written. Nobody was answered yet, so do it again and find out which.
            Err(StoreError::Unusable(_)) if admits.len() + records.len() > 1 => {
                let _ = execute(&mut self.conn, "ROLLBACK").await;
                ledger = Ledger::begin(&mut self.conn, &mut self.known).await?;
                self.one_by_one(&mut ledger, admits, records).await?
            }
            outcome => outcome?,
        };
        ledger.tallies.write(&mut self.conn).await?;
        self.errands(errands).await?;
        execute(&mut self.conn, "COMMIT").await?;
        Ok(answers)
    }

    async fn merged(
        &mut self,
        ledger: &mut Ledger,
        admits: &[&Admit],
        records: &[&Record],
    ) -> Result<Answers, StoreError> {
        let admitted = admit_all(&mut self.conn, ledger, admits).await?;
        let recorded = record_all(&mut self.conn, ledger, records).await?;
        Ok((admitted, recorded))
    }

    async fn one_by_one(
        &mut self,
        ledger: &mut Ledger,
        admits: &[&Admit],
        records: &[&Record],
    ) -> Result<Answers, StoreError> {
        let (mut admitted, mut recorded) = Answers::default();
        for admit in admits {
            execute(&mut self.conn, "SAVEPOINT verb").await?;
            let answer = admit_all(&mut self.conn, ledger, &[admit]).await;
            end_savepoint(&mut self.conn, answer.is_ok()).await?;
            match answer {
                Ok(answers) => admitted.extend(answers),
                Err(error) => admitted.push(Err(error)),
            }
        }
        for record in records {
            execute(&mut self.conn, "SAVEPOINT verb").await?;
            let answer = record_all(&mut self.conn, ledger, &[record]).await;
            end_savepoint(&mut self.conn, answer.is_ok()).await?;
            match answer {
                Ok(answers) => recorded.extend(answers),
                Err(error) => recorded.push(Err(error)),
            }
        }
        Ok((admitted, recorded))
    }

    async fn errands(&mut self, errands: &mut [Box<dyn Errand>]) -> Result<(), StoreError> {
        for errand in errands {
            execute(&mut self.conn, "SAVEPOINT verb").await?;
            let is_kept = errand.run(&mut self.conn).await;
            end_savepoint(&mut self.conn, is_kept).await?;
        }
        Ok(())
    }
}

async fn end_savepoint(conn: &mut SqliteConnection, is_kept: bool) -> Result<(), StoreError> {
    execute(conn, if is_kept { "RELEASE verb" } else { "ROLLBACK TO verb; RELEASE verb" }).await
}

async fn execute(conn: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(conn).await?;
    Ok(())
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
