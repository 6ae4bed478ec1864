//! Everything durable, behind one contract in the words of the domain.
//!
//! Owns what is kept and the promise that each verb is one transaction: no caller can keep half of something. Does not
//! own when things happen (`now` is an argument), nor what they mean. There are two engines, `sqlite/` and `postgres/`; only
//! this module speaks SQL.

mod comments;
mod deliveries;
mod examining;
mod history;
mod latency;
mod listeners;
mod lists;
mod postgres;
mod rotation;
mod rows;
mod search;
mod seen;
mod sqlite;
mod standing;
mod tallies;
pub mod transfer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::budget::Measured;
use crate::comment::CommentId;
use crate::facts::History;
use crate::key::{Key, KeyHash, KeyId, NewKey};
use crate::site::{ListEntry, ListPattern, Policy, Site, SiteId};
use crate::statistics::{Counted, Day, Kind};
use crate::verdict::{Share, Verdict};

pub use comments::{
    Act, Admission, Change, CommentFilter, DecisionJob, HamComment, HamWord, HistoryEntry, LabelledComment, Lesson,
    Lessons, NewComment, NewLabels, Status, StatusWord, StoredComment,
};
pub use deliveries::{
    Attempt, Body, Delivery, DeliveryFilter, DeliveryJob, DeliveryState, Endpoint, EndpointChange, EndpointId,
    EndpointKind, EndpointSecret, EndpointState, Full, LoggedAttempt, NextStep, Outgoing,
};
pub use examining::{Examined, Schema, examine};
pub use history::{Before, Campaign, CampaignDecision, CampaignId, CampaignWord, Traces, Trait};
pub use latency::{Verbs, timed};
pub use lists::{ListChange, ListFilter, ListOwner, PlacedEntry};
pub use postgres::shown;
pub use rotation::rotated;
pub use search::Query;

/// How an engine works; what it keeps does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many verbs may wait to be written; one more is [`StoreError::Overloaded`].
    pub waiting_writes: usize,
    /// How many of them one commit may hold.
    pub commit_together: usize,
    /// SQLite: connections that only read.
    pub readers: u32,
    /// How long to wait for another process that is writing, and for a connection to a server; milliseconds.
    pub busy_timeout_ms: u64,
    /// PostgreSQL: connections of this process.
    pub connections: u32,
    /// PostgreSQL: how long one statement may take, milliseconds.
    pub statement_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            waiting_writes: 4096,
            commit_together: 256,
            readers: 4,
            busy_timeout_ms: 5_000,
            connections: 10,
            statement_timeout_ms: 30_000,
        }
    }
}

/// Opens the store that `url` names, and makes it first where there is none.
///
/// * `sqlite`: the file `hamlet.db` in `data_dir`;
/// * `sqlite:///var/lib/hamlet/hamlet.db`: that file;
/// * `postgres://user:password@host:5432/database`: that database, which several daemons may share.
///
/// # Errors
/// [`StoreError::Unusable`] with the path or the URL (never its password), the fact and the mend, for people to read.
pub async fn open(url: &str, data_dir: &Path, settings: Settings) -> Result<Arc<dyn Store>, StoreError> {
    let unusable = |why: String| Err(StoreError::Unusable(why));
    let file = match url.split_once(':') {
        None if url == "sqlite" => data_dir.join("hamlet.db"),
        Some(("sqlite", path)) => match path.strip_prefix("//").unwrap_or(path) {
            "" | ":memory:" | "memory:" => {
                return unusable(format!(
                    "store `{url}` would not outlive the program; write sqlite:///path/to/file.db"
                ));
            }
            path => PathBuf::from(path),
        },
        Some(("postgres" | "postgresql", _)) => {
            return Ok(Arc::new(postgres::PostgresStore::open(url, &settings).await?));
        }
        _ => {
            return unusable(format!(
                "`{url}` is no store; say `sqlite` (hamlet.db in the data folder), `sqlite:///path/to/file.db` or \
                 `postgres://user:password@host:5432/database`"
            ));
        }
    };
    Ok(Arc::new(sqlite::SqliteStore::open(&file, &settings).await?))
}

/// What can go wrong in the store, sorted by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another worker has the job now: drop the result.
    #[error("the lease on job {0} was lost")]
    LeaseLost(JobId),
    /// There is no such thing: answer 404, or say so.
    #[error("there is no {0}")]
    NotFound(String),
    /// It contradicts what is there (a name is taken, a key was used for another body): answer 409, or say so.
    #[error("{0}")]
    Conflict(String),
    /// More is waiting to be written than `store.waiting_writes` allows: answer 503 with `Retry-After`.
    #[error("more is waiting to be written than the store may hold")]
    Overloaded,
    /// The engine is away, busy, full or read-only: answer 503, or try again later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The store cannot be opened, or holds what this program cannot read. The sentence carries the mend.
    #[error("{0}")]
    Unusable(String),
}

impl StoreError {
    /// A newer program took away what this one needs, while this one ran.
    fn outgrown() -> StoreError {
        let why =
            "a newer Hamlet has changed it beyond what this version knows; replace this daemon by one of that version";
        StoreError::Unavailable(why.to_owned())
    }
}

/// Names one job within the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The right to finish a job: it is lost when the job was claimed again since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub job: JobId,
    /// How often the job has been claimed, this time included. Counts from 1.
    pub attempt: u32,
}

/// All that a door needs to know a caller: who may knock, and as which site.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The store's generation that this was read at.
    pub generation: u64,
    pub sites: Vec<Arc<Site>>,
    pub keys: Vec<Arc<Key>>,
    /// The generation at which each list changed last; one that is not named never had an entry.
    pub lists: Vec<(ListOwner, u64)>,
}

/// A model in the store, without its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Short and unique, made from the file's checksum.
    pub id: String,
    pub created_at: Timestamp,
    /// What the model says of itself: data, counts, figures. JSON.
    pub card: serde_json::Value,
    /// When it last became champion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_at: Option<Timestamp>,
    /// Why it was promoted, or was not.
    pub note: String,
    pub is_champion: bool,
}

/// What waits and what was given up, at a glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct QueueStatus {
    /// Comments waiting for a verdict.
    pub decisions: u64,
    /// Messages waiting to be sent (again).
    pub deliveries: u64,
    pub dead_decisions: u64,
    pub dead_deliveries: u64,
    /// Age of the oldest job that is due, in seconds.
    pub oldest_due_seconds: Option<f64>,
    /// The same of the comments alone.
    pub oldest_decision_seconds: Option<f64>,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    pub job: JobId,
    /// `decide` or `deliver`.
    pub kind: &'static str,
    pub site: SiteId,
    pub comment: Option<CommentId>,
    pub endpoint: Option<EndpointId>,
    pub attempts: u32,
    pub last_error: String,
    pub died_at: Timestamp,
}

/// The contract. Every verb is one transaction; `Ok` means it is durable and will survive a crash.
///
/// `tests/it/store.rs` is the contract as tests; every engine passes it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- comments ------------------------------------------------------------------------------------------------

    /// Keeps the comment and a job to decide it.
    ///
    /// With `claimed_until` the caller holds that job's lease from the start (attempt 1) and is expected to record a
    /// verdict by then; without it, or once it has passed, the job is due for [`Store::claim_decisions`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the idempotency key came with another comment before, [`StoreError::NotFound`]
    /// when there is no such site, [`StoreError::Overloaded`] at once when too much waits.
    async fn admit_queued(&self, new: NewComment, claimed_until: Option<Timestamp>) -> Result<Admission, StoreError>;

    /// Keeps the comment with its verdict, and one delivery per enabled endpoint of its site.
    ///
    /// # Errors
    /// As [`Store::admit_queued`].
    async fn admit_decided(&self, new: NewComment, verdict: &Verdict, event: Outgoing)
    -> Result<Admission, StoreError>;

    /// The comment, if it belongs to `site`.
    async fn comment(&self, site: SiteId, id: CommentId) -> Result<Option<StoredComment>, StoreError>;

    /// Comments of `site`, newest first, those older than `before`, at most `limit`.
    ///
    /// With a query only those are found that [`Store::make_findable`] has come to.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `before` is no comment of the site.
    async fn comments(
        &self,
        site: SiteId,
        filter: &CommentFilter,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<StoredComment>, StoreError>;

    /// Brings comments that came in since into the full-text index, oldest first, at most `limit`; how many. 0 when there
    /// is nothing to do now, or another process is about it.
    async fn make_findable(&self, limit: u32) -> Result<u64, StoreError>;

    /// The newest comment of `site` that was admitted with this fingerprint.
    async fn find_by_fingerprint(&self, site: SiteId, fingerprint: i64) -> Result<Option<CommentId>, StoreError>;

    /// The comment of `site` that the CMS knows under this id.
    async fn find_by_external_id(&self, site: SiteId, external_id: &str) -> Result<Option<CommentId>, StoreError>;

    /// Keeps what happened to a comment, the verdict that follows from it, and one delivery per enabled endpoint. An open
    /// job to decide the comment is closed. Whether anything was written:
    ///
    /// * a label or a decision stands from here on: no [`Store::record_verdict`] and no [`Act::Recheck`] changes it.
    ///   Saying the same thing twice writes and sends nothing;
    /// * a re-check writes and sends nothing when a person's word stands;
    /// * an edit reopens the comment: the person's word was about what it read before, and so was the label;
    /// * an undo restores what a campaign's decision replaced, if nobody has spoken since.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    async fn record_change(&self, site: SiteId, id: CommentId, change: Change) -> Result<bool, StoreError>;

    /// Comments whose newest label is known, in order of id, after `after`; at most `limit`. Of all sites when `site`
    /// is `None`.
    async fn labelled(
        &self,
        site: Option<SiteId>,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<LabelledComment>, StoreError>;

    /// What changed of labels after the act `after`, whatever process wrote it; `limit` acts at most.
    ///
    /// Taken in order from 0 on, lessons leave the labels that hold now, each with the text that it is about: a new label
    /// takes the former one back, and so does an edit. Those of a site that was removed are gone; one that cannot be
    /// read is passed over and told in the log.
    async fn lessons(&self, after: i64, limit: u32) -> Result<Lessons, StoreError>;

    /// How many comments of `site` are labelled `[ham, spam]` now.
    async fn label_counts(&self, site: SiteId) -> Result<[u64; 2], StoreError>;

    /// How many labels were given since the newest model was made, or since `after` if that is later; at most `up_to`.
    /// Takes as long as there were changes to comments since, not as there are labels.
    async fn new_labels(&self, after: Option<Timestamp>, up_to: u32) -> Result<NewLabels, StoreError>;

    /// Ham of `site` that was received from `from` until before `to`, newest first, older than `before`, at most `limit`:
    /// what a person labelled ham or let through, and what the checks let through and nobody contradicted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `before` is no comment of the site.
    async fn ham(
        &self,
        site: SiteId,
        from: Timestamp,
        to: Timestamp,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<HamComment>, StoreError>;

    /// How many comments of `site` that were received from `from` until before `to` are held still.
    async fn unreviewed(&self, site: SiteId, from: Timestamp, to: Timestamp) -> Result<u64, StoreError>;

    // ---- history -------------------------------------------------------------------------------------------------

    /// What was seen before of who wrote a comment of `site`, of what it says and where it leads: all that was judged,
    /// people's words included, until it is forgotten. One read; `except`, the comment's own id, is not counted.
    ///
    /// What a comment leaves is kept with its verdict ([`Store::admit_decided`], [`Store::record_verdict`],
    /// [`Store::record_change`]), in the same transaction; it is seen here from the next [`Store::remember`] on.
    async fn history(
        &self,
        site: SiteId,
        traces: &Traces,
        except: Option<CommentId>,
        now: Timestamp,
    ) -> Result<History, StoreError>;

    /// Counts comments that were judged since, oldest first, at most `limit`; how many. 0 when none waits.
    async fn remember(&self, limit: u32) -> Result<u64, StoreError>;

    /// Campaigns that have at least `least` comments at `site`, those whose last comment came last first, older than
    /// `before`, at most `limit`.
    async fn campaigns(
        &self,
        site: SiteId,
        least: u32,
        before: Option<(Timestamp, CampaignId)>,
        limit: u32,
    ) -> Result<Vec<Campaign>, StoreError>;

    /// The campaign, if it has comments at `site`.
    async fn campaign(&self, site: SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError>;

    /// The comments of a campaign at `site`, oldest first, after `after`; at most `limit`.
    async fn campaign_comments(
        &self,
        site: SiteId,
        id: CampaignId,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<CommentId>, StoreError>;

    /// Keeps what a person decided for a whole campaign, or that it is decided no longer. Comments are not touched.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such campaign.
    async fn decide_campaign(
        &self,
        site: SiteId,
        id: CampaignId,
        decision: Option<CampaignDecision>,
    ) -> Result<(), StoreError>;

    /// Comments of `site` that a campaign's decision changed, as they stood before, oldest first; at most `limit`. Each
    /// is one until [`Act::Undo`] is recorded for it.
    async fn overruled(&self, site: SiteId, id: CampaignId, limit: u32) -> Result<Vec<Before>, StoreError>;

    /// Looks at the next `limit` rows of what was seen, and forgets those that were not seen since `before`; how many it
    /// looked at. Goes round and round.
    async fn forget_seen(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    // ---- jobs ----------------------------------------------------------------------------------------------------

    /// Takes up to `limit` due comments for `lease`, so that no other worker sees them meanwhile: a site's oldest first,
    /// and no site's second before another's first. Of a queue that is longer than some hundreds it sees the oldest and the
    /// newest; what lies between comes when it is the oldest.
    ///
    /// A lease that runs out makes the job due again with one attempt more. A comment that cannot be read becomes a
    /// dead letter here, so that it does not come back for ever; the same holds for deliveries.
    async fn claim_decisions(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DecisionJob>, StoreError>;

    /// Keeps the verdict of a queued comment, closes its job and adds one delivery per enabled endpoint.
    ///
    /// * `traces`: by what the comment is known again.
    ///
    /// If a person has decided meanwhile, the job is closed and the verdict dropped.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when someone else has, or had, the job: nothing was written.
    async fn record_verdict(
        &self,
        job: &DecisionJob,
        verdict: Verdict,
        event: Outgoing,
        traces: Traces,
    ) -> Result<(), StoreError>;

    /// Gives a job up: it becomes a dead letter.
    async fn give_up(&self, lease: Lease, error: String, now: Timestamp) -> Result<(), StoreError>;

    /// Takes up to `limit` due deliveries for `lease` of enabled endpoints, leaving out those in `except`: a site's oldest
    /// first, and no site's second before another's first.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
        except: &Full,
    ) -> Result<Vec<DeliveryJob>, StoreError>;

    /// Writes down how an attempt ended and does what follows from it. A call-back's endpoint is never disabled.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the delivery was claimed again since.
    async fn record_attempt(&self, lease: Lease, attempt: Attempt, now: Timestamp) -> Result<(), StoreError>;

    /// Deliveries of `site`, newest first, those older than `before` (by id), at most `limit`.
    async fn deliveries(
        &self,
        site: SiteId,
        filter: &DeliveryFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// How the attempts at one delivery ended, oldest first.
    async fn attempts(&self, site: SiteId, delivery: JobId) -> Result<Vec<LoggedAttempt>, StoreError>;

    /// Makes deliveries of `site` due again at `now`: dead letters, unless the filter names another state; of those that
    /// wait for their next attempt, those which are not under way. Under the same message id as before, with attempts
    /// counted from zero. How many. What was given up at a disabled endpoint stays so.
    async fn redeliver(&self, site: SiteId, filter: DeliveryFilter, now: Timestamp) -> Result<u64, StoreError>;

    /// Forgets deliveries that were finished before `before`, with their attempts and messages; dead letters stay. At
    /// most `limit`; how many.
    async fn forget_delivered(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// When the earliest of the waiting jobs is due; in the past when it is overdue, `None` when nothing waits. A
    /// claimed job counts with the end of its lease.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// What waits and what was given up.
    async fn queue_status(&self, now: Timestamp) -> Result<QueueStatus, StoreError>;

    /// The newest dead letters, at most `limit`.
    async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError>;

    /// Makes one dead letter, or all of them, due again at `now` with its attempts counted from zero. How many.
    ///
    /// Deliveries to a disabled endpoint stay dead until it is enabled.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when `job` is such a delivery.
    async fn retry_dead(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError>;

    /// Forgets one dead letter, or all of them. A comment that was never decided stays, as a dead letter with no job.
    /// How many.
    async fn purge_dead(&self, job: Option<JobId>) -> Result<u64, StoreError>;

    // ---- statistics ----------------------------------------------------------------------------------------------

    /// What was counted on the days from `from` to `to`, both included, of one site or of all.
    ///
    /// Counts and comments agree at any moment: they are changed in the same transaction.
    async fn statistics(
        &self,
        site: Option<SiteId>,
        kinds: &[Kind],
        from: Day,
        to: Day,
    ) -> Result<Vec<Counted>, StoreError>;

    // ---- sites and endpoints -------------------------------------------------------------------------------------

    /// A number that rises with every change to sites, keys, endpoints or the champion, by whatever process.
    async fn generation(&self) -> Result<u64, StoreError>;

    /// Returns soon after another process has raised the generation, where the engine hears of it; else never. A hint: who
    /// relies on what there is looks at the generation from time to time.
    async fn changed(&self) {
        std::future::pending::<()>().await;
    }

    /// All sites and keys, those that have expired among them.
    async fn directory(&self) -> Result<Directory, StoreError>;

    /// Keeps a site with its first key, which has the name [`Key::OF_SITE`] and the scopes of a CMS.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is taken.
    async fn add_site(
        &self,
        name: &str,
        url: &str,
        policy: Policy,
        key: KeyHash,
        now: Timestamp,
    ) -> Result<Site, StoreError>;

    /// Replaces name, URL and policy of the site with this id.
    async fn set_site(&self, site: &Site) -> Result<(), StoreError>;

    /// Entries of one list in the order of their rows, those after row `after` (0: from the first), at most `limit`; and
    /// the row to go on after, `None` when there are no more. An entry that cannot be read is passed over and told in the
    /// log.
    async fn list_entries(
        &self,
        owner: ListOwner,
        filter: &ListFilter,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<PlacedEntry>, Option<i64>), StoreError>;

    /// Takes entries off a list, then puts entries on; one that says something else of the same pattern is replaced.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when a pattern to be taken off is not on the list, or there is no such site.
    async fn change_lists(
        &self,
        owner: ListOwner,
        take_off: Vec<ListPattern>,
        put_on: Vec<ListEntry>,
    ) -> Result<ListChange, StoreError>;

    /// Keeps what the ham of a site said of its budget, if that is still `max_blocked_ham`; whether it was. Nothing else
    /// of the policy is touched.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such site.
    async fn record_measured(
        &self,
        site: SiteId,
        max_blocked_ham: Share,
        measured: Measured,
    ) -> Result<bool, StoreError>;

    /// Keeps a further key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such site, [`StoreError::Conflict`] when the key is there already.
    async fn add_key(&self, key: NewKey, now: Timestamp) -> Result<Key, StoreError>;

    /// Keeps a key of the same site, name and scopes as `old`, which expires at `until` unless it does so before.
    ///
    /// # Errors
    /// As [`Store::add_key`]; [`StoreError::NotFound`] when there is no such key.
    async fn rotate_key(&self, old: KeyId, new: KeyHash, until: Timestamp, now: Timestamp) -> Result<Key, StoreError>;

    /// Forgets a key: it stops working at once.
    async fn remove_key(&self, id: KeyId) -> Result<(), StoreError>;

    /// Forgets the site with its keys, comments, labels, endpoints and jobs.
    async fn remove_site(&self, site: SiteId) -> Result<(), StoreError>;

    /// Of one site, or of all.
    async fn endpoints(&self, site: Option<SiteId>) -> Result<Vec<Endpoint>, StoreError>;

    async fn add_endpoint(&self, endpoint: Endpoint) -> Result<(), StoreError>;

    /// Forgets the endpoint and what waited for it.
    async fn remove_endpoint(&self, id: &str) -> Result<(), StoreError>;

    /// Changes an endpoint. What waits for one that is disabled becomes dead letters.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such endpoint; [`StoreError::Conflict`] when more than its state is to
    /// change and it is a call-back: the site's API key goes there, and only to where the CMS itself is.
    async fn set_endpoint(&self, id: &str, change: EndpointChange, now: Timestamp) -> Result<(), StoreError>;

    /// The endpoint that stands for a call-back of `site`; kept as `endpoint` says if there is none with this URL yet.
    /// The secrets are replaced.
    async fn callback_endpoint(&self, endpoint: Endpoint) -> Result<EndpointId, StoreError>;

    /// Queues one message for one endpoint.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the endpoint is disabled or a call-back.
    async fn enqueue_message(&self, id: &str, event: Outgoing, now: Timestamp) -> Result<(), StoreError>;

    // ---- models --------------------------------------------------------------------------------------------------

    /// Keeps a model's bytes and card; the same id twice is the same model.
    async fn keep_model(&self, record: ModelRecord, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// All models, newest first.
    async fn models(&self) -> Result<Vec<ModelRecord>, StoreError>;

    async fn model_bytes(&self, id: &str) -> Result<Vec<u8>, StoreError>;

    /// The id of the model that serves; `None`: the shipped one.
    async fn champion(&self) -> Result<Option<String>, StoreError>;

    /// Makes the model champion (`None`: the shipped one) and remembers which one it followed.
    async fn promote(&self, id: Option<&str>, note: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Makes the champion before the present one champion again; its id, `None` for the shipped one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when nothing was ever promoted, or all of it was rolled back.
    async fn rollback(&self, now: Timestamp) -> Result<Option<String>, StoreError>;

    // ---- sharing --------------------------------------------------------------------------------------------------

    /// Takes the work `name`, which one daemon does for all, until `term` after `now`; whether it is `holder`'s now. Who has
    /// it prolongs it in the same way. It falls to whoever asks next when the term is over, or when its end is so far away
    /// that a clock must have been wrong.
    async fn lease(&self, name: &str, holder: &str, term: Duration, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives the work back, if it is `holder`'s.
    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError>;

    // ---- moving ---------------------------------------------------------------------------------------------------

    /// Gives all that is kept, as of one moment, while others go on reading and writing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nobody takes the rows any more.
    async fn dump(&self, to: mpsc::Sender<transfer::Piece>) -> Result<(), StoreError>;

    /// Takes what another store gave: all of it, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when this store is not empty; [`StoreError::Unusable`] when the rows are of another schema,
    /// or end before [`transfer::Piece::End`].
    async fn fill(&self, from: mpsc::Receiver<transfer::Piece>) -> Result<(), StoreError>;

    // ---- the engine ----------------------------------------------------------------------------------------------

    /// What time it is where the store is, if that is for another machine to say. Leases and due times are of use only if
    /// all who share a store go by one clock.
    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// Answers when the store can be read and written, by a program of this version; for `/readyz`.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is being written and closes. Verbs called afterwards are [`StoreError::Unavailable`].
    async fn close(&self);
}
