//! The contract on a PostgreSQL server, which several daemons may share.
//!
//! Owns nothing itself but the way from each verb of [`Store`] to the file that does it. The verbs of the daily road go
//! through `writer`, which commits in groups; the other verbs that write are a transaction each, done again when they
//! collide with others; verbs that read are one statement or one read transaction. Work is claimed by `SKIP LOCKED` and
//! held by a lease, never by an open transaction.

mod admission;
mod changes;
mod columns;
mod comments;
mod dead_letters;
mod deliveries;
mod endpoints;
mod failure;
mod fanout;
mod ham;
mod history;
mod jobs;
mod keys;
mod leases;
mod ledger;
mod lessons;
mod listing;
mod lists;
mod models;
mod news;
mod opening;
mod search;
mod sites;
mod tallies;
mod transaction;
mod transfer;
mod verdicts;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub use self::opening::shown;

use self::admission::Admit;
use self::failure::{Failure, Outcome};
use self::history::{Asker, Finder, Secret};
use self::ledger::Known;
use self::news::News;
use self::opening::Pools;
use self::transaction::{Begin, Patience};
use self::verdicts::Record;
use self::writer::Writer;
use super::transfer::Piece;
use super::{
    Admission, Attempt, Before, Campaign, CampaignDecision, CampaignId, Change, CommentFilter, DeadLetter, DecisionJob,
    Delivery, DeliveryFilter, DeliveryJob, Directory, Endpoint, EndpointChange, EndpointId, Full, HamComment, JobId,
    LabelledComment, Lease, Lessons, ListChange, ListFilter, ListOwner, LoggedAttempt, ModelRecord, NewComment,
    NewLabels, NextStep, Outgoing, PlacedEntry, QueueStatus, Settings, Store, StoreError, StoredComment, Traces, rows,
};
use crate::budget::Measured;
use crate::comment::CommentId;
use crate::facts::History;
use crate::key::{Key, KeyHash, KeyId, NewKey};
use crate::site::{ListEntry, ListPattern, Policy, Site, SiteId};
use crate::statistics::{Counted, Day, Kind};
use crate::verdict::{Share, Verdict};

/// Does a verb's work in one transaction, and again when it collides with others: until then nothing of it is kept. By the pool
/// `other` if none is named. A macro, because the compiler does not see yet that the future of an `async` closure may move between threads.
macro_rules! write {
    ($store:ident, $begin:expr, |$conn:ident| $work:expr) => {
        write!($store, other, $begin, |$conn| $work)
    };
    ($store:ident, $pool:ident, $begin:expr, |$conn:ident| $work:expr) => {{
        let mut tries = 0;
        loop {
            let attempt = async {
                let mut changes = $store.patience.begin(&$store.pools.$pool, $begin).await?;
                let $conn = changes.connection();
                let answer = $work.await?;
                changes.keep().await?;
                Outcome::Ok(answer)
            };
            if let Some(outcome) = $store.patience.last(attempt, &mut tries).await {
                break outcome.map_err(StoreError::from);
            }
        }
    }};
}

/// How long comments are left to a daemon that finds their words and says nothing any more.
const FINDING: Duration = Duration::from_secs(2);

/// A store in one database; other processes may use it as well.
#[derive(Debug)]
pub struct PostgresStore {
    pools: Pools,
    writer: Writer,
    asker: Asker,
    /// Under which identities are kept.
    secret: Secret,
    /// Of this process, among those that share the store.
    name: String,
    known: Arc<Known>,
    news: News,
    patience: Patience,
}

impl PostgresStore {
    /// # Errors
    /// [`StoreError::Unusable`] with the URL (its password blanked), the fact and the mend.
    pub async fn open(url: &str, settings: &Settings) -> Result<PostgresStore, StoreError> {
        let pools = opening::open(url, settings).await?;
        let (known, patience) = (Arc::default(), Patience::new(settings));
        let secret = history::secret(&pools.other).await?;
        let name = sqlx::query_scalar("SELECT gen_random_uuid()::text")
            .fetch_one(&pools.other)
            .await
            .map_err(Failure::from)?;
        let writer = Writer::start(&pools.daily, &known, patience, settings);
        let asker = Asker::start(Finder(pools.daily.clone()));
        Ok(PostgresStore { pools, writer, asker, secret, name, known, news: News::default(), patience })
    }

    async fn read<T>(&self, work: impl Future<Output = Outcome<T>>) -> Result<T, StoreError> {
        Ok(timeout(self.patience.limit, work).await.unwrap_or_else(|_| Err(self.patience.lost()))?)
    }

    /// The jobs that could be read; the others are buried, so that they do not come back for ever.
    async fn readable<J>(&self, jobs: Vec<(Lease, Result<J, StoreError>)>, now: Timestamp) -> Vec<J> {
        let mut readable = Vec::with_capacity(jobs.len());
        for (lease, job) in jobs {
            match job {
                Ok(job) => readable.push(job),
                Err(error) => self.bury(lease, &error, now).await,
            }
        }
        readable
    }

    /// Makes a job that cannot be read a dead letter: left in the queue it would come back for ever.
    async fn bury(&self, lease: Lease, why: &StoreError, now: Timestamp) {
        if let Err(error) = self.give_up(lease, why.to_string(), now).await {
            tracing::warn!(job = %lease.job, %error, "a job that cannot be read could not be given up; it comes back");
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    // ---- comments ------------------------------------------------------------------------------------------------

    async fn admit_queued(&self, new: NewComment, claimed_until: Option<Timestamp>) -> Result<Admission, StoreError> {
        self.writer.admit(Admit::queued(new, claimed_until)?).await
    }

    async fn admit_decided(
        &self,
        new: NewComment,
        verdict: &Verdict,
        event: Outgoing,
    ) -> Result<Admission, StoreError> {
        self.writer.admit(Admit::decided(new, verdict, event, &self.secret)?).await
    }

    async fn comment(&self, site: SiteId, id: CommentId) -> Result<Option<StoredComment>, StoreError> {
        self.read(comments::comment(&self.pools.other, site, id)).await
    }

    async fn comments(
        &self,
        site: SiteId,
        filter: &CommentFilter,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<StoredComment>, StoreError> {
        self.read(listing::comments(&self.pools.other, site, filter, before, limit)).await
    }

    async fn make_findable(&self, limit: u32) -> Result<u64, StoreError> {
        let Some(waiting) = self.read(search::read(&self.pools.daily, limit)).await? else { return Ok(0) };
        // Another daemon would find the same words of the same comments.
        let is_ours = match self.time().await? {
            Some(now) => self.lease("finding", &self.name, FINDING, now).await?,
            None => true,
        };
        if !is_ours {
            return Ok(0);
        }
        let stretch = waiting.read();
        write!(self, daily, Begin::Plain, |conn| search::extend(conn, &stretch))
    }

    async fn find_by_fingerprint(&self, site: SiteId, fingerprint: i64) -> Result<Option<CommentId>, StoreError> {
        self.read(comments::find_by_fingerprint(&self.pools.daily, site, fingerprint)).await
    }

    async fn find_by_external_id(&self, site: SiteId, external_id: &str) -> Result<Option<CommentId>, StoreError> {
        self.read(comments::find_by_external_id(&self.pools.daily, site, external_id)).await
    }

    async fn record_change(&self, site: SiteId, id: CommentId, change: Change) -> Result<bool, StoreError> {
        let hashed = change.traces.as_ref().map(|traces| self.secret.hashed(site, traces));
        write!(self, Begin::Shared, |conn| changes::record(conn, &self.known, site, id, &change, hashed.as_ref()))
    }

    async fn labelled(
        &self,
        site: Option<SiteId>,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<LabelledComment>, StoreError> {
        self.read(comments::labelled(&self.pools.other, site, after, limit)).await
    }

    async fn lessons(&self, after: i64, limit: u32) -> Result<Lessons, StoreError> {
        self.read(lessons::lessons(&self.pools.other, after, limit)).await
    }

    async fn label_counts(&self, site: SiteId) -> Result<[u64; 2], StoreError> {
        self.read(lessons::label_counts(&self.pools.other, site)).await
    }

    async fn new_labels(&self, after: Option<Timestamp>, up_to: u32) -> Result<NewLabels, StoreError> {
        self.read(models::new_labels(&self.pools.other, after, up_to)).await
    }

    async fn ham(
        &self,
        site: SiteId,
        from: Timestamp,
        to: Timestamp,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<HamComment>, StoreError> {
        self.read(ham::ham(&self.pools.other, site, from, to, before, limit)).await
    }

    async fn unreviewed(&self, site: SiteId, from: Timestamp, to: Timestamp) -> Result<u64, StoreError> {
        self.read(ham::unreviewed(&self.pools.other, site, from, to)).await
    }

    // ---- history -------------------------------------------------------------------------------------------------

    async fn history(
        &self,
        site: SiteId,
        traces: &Traces,
        except: Option<CommentId>,
        now: Timestamp,
    ) -> Result<History, StoreError> {
        let hashed = self.secret.hashed(site, traces);
        history::history(&self.asker, site, traces, &hashed, except, now).await
    }

    async fn remember(&self, limit: u32) -> Result<u64, StoreError> {
        write!(self, daily, Begin::Plain, |conn| history::count(conn, limit))
    }

    async fn campaigns(
        &self,
        site: SiteId,
        least: u32,
        before: Option<(Timestamp, CampaignId)>,
        limit: u32,
    ) -> Result<Vec<Campaign>, StoreError> {
        self.read(history::campaigns(&self.pools.other, site, least, before, limit)).await
    }

    async fn campaign(&self, site: SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.read(history::campaign(&self.pools.other, site, id)).await
    }

    async fn campaign_comments(
        &self,
        site: SiteId,
        id: CampaignId,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<CommentId>, StoreError> {
        self.read(history::comments(&self.pools.other, site, id, after, limit)).await
    }

    async fn decide_campaign(
        &self,
        site: SiteId,
        id: CampaignId,
        decision: Option<CampaignDecision>,
    ) -> Result<(), StoreError> {
        write!(self, Begin::Not, |conn| history::decide(conn, site, id, decision.as_ref()))
    }

    async fn overruled(&self, site: SiteId, id: CampaignId, limit: u32) -> Result<Vec<Before>, StoreError> {
        self.read(history::overruled(&self.pools.other, site, id, limit)).await
    }

    async fn forget_seen(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = rows::micros(before);
        write!(self, Begin::Plain, |conn| history::forget(conn, before, limit))
    }

    // ---- jobs ----------------------------------------------------------------------------------------------------

    async fn claim_decisions(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DecisionJob>, StoreError> {
        let claimed = write!(self, daily, Begin::Not, |conn| jobs::claim_decisions(conn, now, lease, limit))?;
        let jobs = claimed.into_iter().map(|claimed| (claimed.lease(), claimed.into_job())).collect();
        Ok(self.readable(jobs, now).await)
    }

    async fn record_verdict(
        &self,
        job: &DecisionJob,
        verdict: Verdict,
        event: Outgoing,
        traces: Traces,
    ) -> Result<(), StoreError> {
        let traces = self.secret.hashed(job.site, &traces);
        self.writer.record(Record::new(job, &verdict, event, traces)?).await
    }

    async fn give_up(&self, lease: Lease, error: String, now: Timestamp) -> Result<(), StoreError> {
        write!(self, daily, Begin::Not, |conn| jobs::give_up(conn, lease, &error, now))
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
        except: &Full,
    ) -> Result<Vec<DeliveryJob>, StoreError> {
        let claimed = write!(self, daily, Begin::Not, |conn| jobs::claim_deliveries(conn, now, lease, limit, except))?;
        let jobs = claimed.into_iter().map(|claimed| (claimed.lease(), claimed.into_job())).collect();
        Ok(self.readable(jobs, now).await)
    }

    async fn record_attempt(&self, lease: Lease, attempt: Attempt, now: Timestamp) -> Result<(), StoreError> {
        // Disabling an endpoint changes the directory.
        let begin = if matches!(attempt.next, NextStep::DisableEndpoint { .. }) { Begin::Alone } else { Begin::Plain };
        write!(self, daily, begin, |conn| jobs::record_attempt(conn, lease, &attempt, now))
    }

    async fn deliveries(
        &self,
        site: SiteId,
        filter: &DeliveryFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(deliveries::deliveries(&self.pools.other, site, filter, before, limit)).await
    }

    async fn attempts(&self, site: SiteId, delivery: JobId) -> Result<Vec<LoggedAttempt>, StoreError> {
        self.read(deliveries::attempts(&self.pools.other, site, delivery)).await
    }

    async fn redeliver(&self, site: SiteId, filter: DeliveryFilter, now: Timestamp) -> Result<u64, StoreError> {
        write!(self, Begin::Shared, |conn| deliveries::redeliver(conn, site, &filter, now))
    }

    async fn forget_delivered(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        write!(self, Begin::Plain, |conn| deliveries::forget(conn, before, limit))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(jobs::next_due(&self.pools.daily)).await
    }

    async fn queue_status(&self, now: Timestamp) -> Result<QueueStatus, StoreError> {
        self.read(dead_letters::queue_status(&self.pools.other, now)).await
    }

    async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(dead_letters::dead_letters(&self.pools.other, limit)).await
    }

    async fn retry_dead(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError> {
        write!(self, Begin::Shared, |conn| dead_letters::retry_dead(conn, job, now))
    }

    async fn purge_dead(&self, job: Option<JobId>) -> Result<u64, StoreError> {
        write!(self, Begin::Plain, |conn| dead_letters::purge_dead(conn, job))
    }

    // ---- statistics ----------------------------------------------------------------------------------------------

    async fn statistics(
        &self,
        site: Option<SiteId>,
        kinds: &[Kind],
        from: Day,
        to: Day,
    ) -> Result<Vec<Counted>, StoreError> {
        self.read(tallies::statistics(&self.pools.other, site, kinds, from, to)).await
    }

    // ---- sites and endpoints -------------------------------------------------------------------------------------

    async fn generation(&self) -> Result<u64, StoreError> {
        self.read(sites::generation(&self.pools.other)).await
    }

    async fn changed(&self) {
        self.news.heard(&self.pools.other).await;
    }

    async fn directory(&self) -> Result<Directory, StoreError> {
        self.read(sites::directory(&self.pools.other)).await
    }

    async fn add_site(
        &self,
        name: &str,
        url: &str,
        policy: Policy,
        key: KeyHash,
        now: Timestamp,
    ) -> Result<Site, StoreError> {
        write!(self, Begin::Alone, |conn| sites::add(conn, name, url, &policy, key, now))
    }

    async fn set_site(&self, site: &Site) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| sites::set(conn, site))
    }

    async fn list_entries(
        &self,
        owner: ListOwner,
        filter: &ListFilter,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<PlacedEntry>, Option<i64>), StoreError> {
        self.read(lists::entries(&self.pools.other, owner, filter, after, limit)).await
    }

    async fn change_lists(
        &self,
        owner: ListOwner,
        take_off: Vec<ListPattern>,
        put_on: Vec<ListEntry>,
    ) -> Result<ListChange, StoreError> {
        write!(self, Begin::Alone, |conn| lists::change(conn, owner, &take_off, &put_on))
    }

    async fn record_measured(
        &self,
        site: SiteId,
        max_blocked_ham: Share,
        measured: Measured,
    ) -> Result<bool, StoreError> {
        write!(self, Begin::Alone, |conn| sites::record_measured(conn, site, max_blocked_ham, &measured))
    }

    async fn add_key(&self, key: NewKey, now: Timestamp) -> Result<Key, StoreError> {
        write!(self, Begin::Alone, |conn| keys::add(conn, &key, now))
    }

    async fn rotate_key(&self, old: KeyId, new: KeyHash, until: Timestamp, now: Timestamp) -> Result<Key, StoreError> {
        write!(self, Begin::Alone, |conn| keys::rotate(conn, old, new, until, now))
    }

    async fn remove_key(&self, id: KeyId) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| keys::remove(conn, id))
    }

    async fn remove_site(&self, site: SiteId) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| sites::remove(conn, site))
    }

    async fn endpoints(&self, site: Option<SiteId>) -> Result<Vec<Endpoint>, StoreError> {
        self.read(endpoints::endpoints(&self.pools.other, site)).await
    }

    async fn add_endpoint(&self, endpoint: Endpoint) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| endpoints::add(conn, &endpoint))
    }

    async fn remove_endpoint(&self, id: &str) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| endpoints::remove(conn, id))
    }

    async fn set_endpoint(&self, id: &str, change: EndpointChange, now: Timestamp) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| endpoints::set(conn, id, &change, now))
    }

    async fn callback_endpoint(&self, endpoint: Endpoint) -> Result<EndpointId, StoreError> {
        write!(self, Begin::Shared, |conn| endpoints::callback(conn, &endpoint))
    }

    async fn enqueue_message(&self, id: &str, event: Outgoing, now: Timestamp) -> Result<(), StoreError> {
        write!(self, Begin::Shared, |conn| endpoints::enqueue(conn, id, &event, now))
    }

    // ---- models --------------------------------------------------------------------------------------------------

    async fn keep_model(&self, record: ModelRecord, bytes: Vec<u8>) -> Result<(), StoreError> {
        write!(self, Begin::Not, |conn| models::keep(conn, &record, &bytes))
    }

    async fn models(&self) -> Result<Vec<ModelRecord>, StoreError> {
        self.read(models::models(&self.pools.other)).await
    }

    async fn model_bytes(&self, id: &str) -> Result<Vec<u8>, StoreError> {
        self.read(models::bytes(&self.pools.other, id)).await
    }

    async fn champion(&self) -> Result<Option<String>, StoreError> {
        self.read(models::champion(&self.pools.other)).await
    }

    async fn promote(&self, id: Option<&str>, note: &str, now: Timestamp) -> Result<(), StoreError> {
        write!(self, Begin::Alone, |conn| models::promote(conn, id, note, now))
    }

    async fn rollback(&self, now: Timestamp) -> Result<Option<String>, StoreError> {
        write!(self, Begin::Alone, |conn| models::rollback(conn, now))
    }

    // ---- sharing -------------------------------------------------------------------------------------------------

    async fn lease(&self, name: &str, holder: &str, term: Duration, now: Timestamp) -> Result<bool, StoreError> {
        write!(self, daily, Begin::Not, |conn| leases::lease(conn, name, holder, term, now))
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        write!(self, daily, Begin::Not, |conn| leases::release(conn, name, holder))
    }

    // ---- moving --------------------------------------------------------------------------------------------------

    async fn dump(&self, to: mpsc::Sender<Piece>) -> Result<(), StoreError> {
        Ok(transfer::dump(&self.pools.other, to).await?)
    }

    async fn fill(&self, from: mpsc::Receiver<Piece>) -> Result<(), StoreError> {
        // However long it takes, and once: the rows are gone afterwards.
        let mut changes = self.patience.begin(&self.pools.other, Begin::Alone).await?;
        transfer::fill(changes.connection(), from).await?;
        Ok(changes.keep().await?)
    }

    // ---- the engine ----------------------------------------------------------------------------------------------

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let asked = async {
            // Not `now()`, which is when the transaction began.
            let told: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                .fetch_one(&self.pools.other)
                .await?;
            Outcome::Ok(rows::time(told, "the server's clock")?)
        };
        self.read(asked).await.map(Some)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A real write: a full disk or a read-only server shows itself in no other way.
        write!(self, Begin::Not, |conn| async {
            let oldest: i64 = sqlx::query_scalar(
                "UPDATE meta SET value = value WHERE name = 'ping'
                 RETURNING (SELECT value FROM meta AS known WHERE known.name = 'oldest_schema')",
            )
            .fetch_one(conn)
            .await?;
            if oldest <= opening::newest() { Outcome::Ok(()) } else { Err(StoreError::outgrown().into()) }
        })
    }

    async fn close(&self) {
        self.writer.close().await;
        self.pools.close().await;
    }
}
