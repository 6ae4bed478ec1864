//! The contract on an embedded SQLite file.
//!
//! One connection writes (`writer`, which commits in groups), a few read. Owns nothing itself but the way from each
//! verb of [`Store`] to the file that does it. Verbs that write are done under the writer's transaction, verbs that
//! read are one statement or one read transaction.

mod admission;
mod changes;
mod comments;
mod dead_letters;
mod deliveries;
mod endpoints;
mod examining;
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
mod many;
mod models;
mod opening;
mod search;
mod sites;
mod tallies;
mod transfer;
mod verdicts;
mod writer;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

use self::admission::Admit;
pub(super) use self::examining::examine;
use self::history::{Asker, Finder, Secret};
use self::verdicts::Record;
use self::writer::{Working, Writer};
use super::rows;
use super::transfer::Piece;
use super::{
    Admission, Attempt, Before, Campaign, CampaignDecision, CampaignId, Change, CommentFilter, DeadLetter, DecisionJob,
    Delivery, DeliveryFilter, DeliveryJob, Directory, Endpoint, EndpointChange, EndpointId, Full, HamComment, JobId,
    LabelledComment, Lease, Lessons, ListChange, ListFilter, ListOwner, LoggedAttempt, ModelRecord, NewComment,
    NewLabels, Outgoing, PlacedEntry, QueueStatus, Settings, Store, StoreError, StoredComment, Traces,
};
use crate::budget::Measured;
use crate::comment::CommentId;
use crate::facts::History;
use crate::key::{Key, KeyHash, KeyId, NewKey};
use crate::site::{ListEntry, ListPattern, Policy, Site, SiteId};
use crate::statistics::{Counted, Day, Kind};
use crate::verdict::{Share, Verdict};

/// A store in one file; other processes may have the same file open.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    asker: Asker,
    /// Under which identities are kept.
    secret: Secret,
}

impl SqliteStore {
    /// # Errors
    /// [`StoreError::Unusable`] with the path, the fact and the mend.
    pub async fn open(file: &Path, settings: &Settings) -> Result<SqliteStore, StoreError> {
        let (conn, readers) = opening::open(file, settings).await?;
        let secret = history::secret(&readers).await?;
        let asker = Asker::start(Finder(readers.clone()));
        Ok(SqliteStore { writer: Writer::start(conn, settings), readers, asker, secret })
    }

    async fn write<W, T>(&self, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
        T: Send + 'static,
    {
        self.writer.run(work).await
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
impl Store for SqliteStore {
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
        comments::comment(&self.readers, site, id).await
    }

    async fn comments(
        &self,
        site: SiteId,
        filter: &CommentFilter,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<StoredComment>, StoreError> {
        listing::comments(&self.readers, site, filter, before, limit).await
    }

    async fn make_findable(&self, limit: u32) -> Result<u64, StoreError> {
        match search::read(&self.readers, limit).await? {
            Some(stretch) => self.write(move |conn| Box::pin(search::extend(conn, stretch))).await,
            None => Ok(0),
        }
    }

    async fn find_by_fingerprint(&self, site: SiteId, fingerprint: i64) -> Result<Option<CommentId>, StoreError> {
        comments::find_by_fingerprint(&self.readers, site, fingerprint).await
    }

    async fn find_by_external_id(&self, site: SiteId, external_id: &str) -> Result<Option<CommentId>, StoreError> {
        comments::find_by_external_id(&self.readers, site, external_id).await
    }

    async fn record_change(&self, site: SiteId, id: CommentId, change: Change) -> Result<bool, StoreError> {
        let hashed = change.traces.as_ref().map(|traces| self.secret.hashed(site, traces));
        self.write(move |conn| Box::pin(changes::record(conn, site, id, change, hashed))).await
    }

    async fn labelled(
        &self,
        site: Option<SiteId>,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<LabelledComment>, StoreError> {
        comments::labelled(&self.readers, site, after, limit).await
    }

    async fn lessons(&self, after: i64, limit: u32) -> Result<Lessons, StoreError> {
        lessons::lessons(&self.readers, after, limit).await
    }

    async fn label_counts(&self, site: SiteId) -> Result<[u64; 2], StoreError> {
        lessons::label_counts(&self.readers, site).await
    }

    async fn new_labels(&self, after: Option<Timestamp>, up_to: u32) -> Result<NewLabels, StoreError> {
        models::new_labels(&self.readers, after, up_to).await
    }

    async fn ham(
        &self,
        site: SiteId,
        from: Timestamp,
        to: Timestamp,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<HamComment>, StoreError> {
        ham::ham(&self.readers, site, from, to, before, limit).await
    }

    async fn unreviewed(&self, site: SiteId, from: Timestamp, to: Timestamp) -> Result<u64, StoreError> {
        ham::unreviewed(&self.readers, site, from, to).await
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
        self.write(move |conn| Box::pin(history::count(conn, limit))).await
    }

    async fn campaigns(
        &self,
        site: SiteId,
        least: u32,
        before: Option<(Timestamp, CampaignId)>,
        limit: u32,
    ) -> Result<Vec<Campaign>, StoreError> {
        history::campaigns(&self.readers, site, least, before, limit).await
    }

    async fn campaign(&self, site: SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        history::campaign(&self.readers, site, id).await
    }

    async fn campaign_comments(
        &self,
        site: SiteId,
        id: CampaignId,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<CommentId>, StoreError> {
        history::comments(&self.readers, site, id, after, limit).await
    }

    async fn decide_campaign(
        &self,
        site: SiteId,
        id: CampaignId,
        decision: Option<CampaignDecision>,
    ) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(history::decide(conn, site, id, decision))).await
    }

    async fn overruled(&self, site: SiteId, id: CampaignId, limit: u32) -> Result<Vec<Before>, StoreError> {
        history::overruled(&self.readers, site, id, limit).await
    }

    async fn forget_seen(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = rows::micros(before);
        self.write(move |conn| Box::pin(history::forget(conn, before, limit))).await
    }

    // ---- jobs ----------------------------------------------------------------------------------------------------

    async fn claim_decisions(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DecisionJob>, StoreError> {
        let claimed = self.write(move |conn| Box::pin(jobs::claim_decisions(conn, now, lease, limit))).await?;
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
        self.write(move |conn| Box::pin(jobs::give_up(conn, lease, error, now))).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
        except: &Full,
    ) -> Result<Vec<DeliveryJob>, StoreError> {
        let except = except.clone();
        let claimed = self.write(move |conn| Box::pin(jobs::claim_deliveries(conn, now, lease, limit, except))).await?;
        let jobs = claimed.into_iter().map(|claimed| (claimed.lease(), claimed.into_job())).collect();
        Ok(self.readable(jobs, now).await)
    }

    async fn record_attempt(&self, lease: Lease, attempt: Attempt, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(jobs::record_attempt(conn, lease, attempt, now))).await
    }

    async fn deliveries(
        &self,
        site: SiteId,
        filter: &DeliveryFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::deliveries(&self.readers, site, filter, before, limit).await
    }

    async fn attempts(&self, site: SiteId, delivery: JobId) -> Result<Vec<LoggedAttempt>, StoreError> {
        deliveries::attempts(&self.readers, site, delivery).await
    }

    async fn redeliver(&self, site: SiteId, filter: DeliveryFilter, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |conn| Box::pin(deliveries::redeliver(conn, site, filter, now))).await
    }

    async fn forget_delivered(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |conn| Box::pin(deliveries::forget(conn, before, limit))).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        jobs::next_due(&self.readers).await
    }

    async fn queue_status(&self, now: Timestamp) -> Result<QueueStatus, StoreError> {
        dead_letters::queue_status(&self.readers, now).await
    }

    async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        dead_letters::dead_letters(&self.readers, limit).await
    }

    async fn retry_dead(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |conn| Box::pin(dead_letters::retry_dead(conn, job, now))).await
    }

    async fn purge_dead(&self, job: Option<JobId>) -> Result<u64, StoreError> {
        self.write(move |conn| Box::pin(dead_letters::purge_dead(conn, job))).await
    }

    // ---- statistics ----------------------------------------------------------------------------------------------

    async fn statistics(
        &self,
        site: Option<SiteId>,
        kinds: &[Kind],
        from: Day,
        to: Day,
    ) -> Result<Vec<Counted>, StoreError> {
        tallies::statistics(&self.readers, site, kinds, from, to).await
    }

    // ---- sites and endpoints -------------------------------------------------------------------------------------

    async fn generation(&self) -> Result<u64, StoreError> {
        sites::generation(&self.readers).await
    }

    async fn directory(&self) -> Result<Directory, StoreError> {
        sites::directory(&self.readers).await
    }

    async fn add_site(
        &self,
        name: &str,
        url: &str,
        policy: Policy,
        key: KeyHash,
        now: Timestamp,
    ) -> Result<Site, StoreError> {
        let (name, url) = (name.to_owned(), url.to_owned());
        self.write(move |conn| Box::pin(sites::add(conn, name, url, policy, key, now))).await
    }

    async fn set_site(&self, site: &Site) -> Result<(), StoreError> {
        let site = site.clone();
        self.write(move |conn| Box::pin(sites::set(conn, site))).await
    }

    async fn list_entries(
        &self,
        owner: ListOwner,
        filter: &ListFilter,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<PlacedEntry>, Option<i64>), StoreError> {
        lists::entries(&self.readers, owner, filter, after, limit).await
    }

    async fn change_lists(
        &self,
        owner: ListOwner,
        take_off: Vec<ListPattern>,
        put_on: Vec<ListEntry>,
    ) -> Result<ListChange, StoreError> {
        self.write(move |conn| Box::pin(lists::change(conn, owner, take_off, put_on))).await
    }

    async fn record_measured(
        &self,
        site: SiteId,
        max_blocked_ham: Share,
        measured: Measured,
    ) -> Result<bool, StoreError> {
        self.write(move |conn| Box::pin(sites::record_measured(conn, site, max_blocked_ham, measured))).await
    }

    async fn add_key(&self, key: NewKey, now: Timestamp) -> Result<Key, StoreError> {
        self.write(move |conn| Box::pin(keys::add(conn, key, now))).await
    }

    async fn rotate_key(&self, old: KeyId, new: KeyHash, until: Timestamp, now: Timestamp) -> Result<Key, StoreError> {
        self.write(move |conn| Box::pin(keys::rotate(conn, old, new, until, now))).await
    }

    async fn remove_key(&self, id: KeyId) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(keys::remove(conn, id))).await
    }

    async fn remove_site(&self, site: SiteId) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(sites::remove(conn, site))).await
    }

    async fn endpoints(&self, site: Option<SiteId>) -> Result<Vec<Endpoint>, StoreError> {
        endpoints::endpoints(&self.readers, site).await
    }

    async fn add_endpoint(&self, endpoint: Endpoint) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(endpoints::add(conn, endpoint))).await
    }

    async fn remove_endpoint(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| Box::pin(endpoints::remove(conn, id))).await
    }

    async fn set_endpoint(&self, id: &str, change: EndpointChange, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| Box::pin(endpoints::set(conn, id, change, now))).await
    }

    async fn callback_endpoint(&self, endpoint: Endpoint) -> Result<EndpointId, StoreError> {
        self.write(move |conn| Box::pin(endpoints::callback(conn, endpoint))).await
    }

    async fn enqueue_message(&self, id: &str, event: Outgoing, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| Box::pin(endpoints::enqueue(conn, id, event, now))).await
    }

    // ---- models --------------------------------------------------------------------------------------------------

    async fn keep_model(&self, record: ModelRecord, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(models::keep(conn, record, bytes))).await
    }

    async fn models(&self) -> Result<Vec<ModelRecord>, StoreError> {
        models::models(&self.readers).await
    }

    async fn model_bytes(&self, id: &str) -> Result<Vec<u8>, StoreError> {
        models::bytes(&self.readers, id).await
    }

    async fn champion(&self) -> Result<Option<String>, StoreError> {
        models::champion(&self.readers).await
    }

    async fn promote(&self, id: Option<&str>, note: &str, now: Timestamp) -> Result<(), StoreError> {
        let (id, note) = (id.map(str::to_owned), note.to_owned());
        self.write(move |conn| Box::pin(models::promote(conn, id, note, now))).await
    }

    async fn rollback(&self, now: Timestamp) -> Result<Option<String>, StoreError> {
        self.write(move |conn| Box::pin(models::rollback(conn, now))).await
    }

    // ---- sharing -------------------------------------------------------------------------------------------------

    async fn lease(&self, name: &str, holder: &str, term: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |conn| Box::pin(leases::lease(conn, name, holder, term, now))).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |conn| Box::pin(leases::release(conn, name, holder))).await
    }

    // ---- the engine ----------------------------------------------------------------------------------------------

    async fn dump(&self, to: mpsc::Sender<Piece>) -> Result<(), StoreError> {
        transfer::dump(&self.readers, to).await
    }

    async fn fill(&self, from: mpsc::Receiver<Piece>) -> Result<(), StoreError> {
        self.write(move |conn| Box::pin(transfer::fill(conn, from))).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A real write: a full disk or a read-only one shows itself in no other way.
        self.write(|conn| {
            Box::pin(async move {
                sqlx::query("UPDATE meta SET value = value WHERE name = 'generation'").execute(conn).await?;
                Ok(())
            })
        })
        .await?;
        let oldest: i64 =
            sqlx::query_scalar("SELECT value FROM meta WHERE name = 'oldest_schema'").fetch_one(&self.readers).await?;
        if oldest <= opening::newest() { Ok(()) } else { Err(StoreError::outgrown()) }
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
