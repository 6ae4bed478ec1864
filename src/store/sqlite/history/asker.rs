//! Group look-up: whatever waits together is asked for in one statement.
//!
//! A statement costs two changes of thread, and giving the connection back two more, which is several times what it costs
//! to find the rows. So callers queue up as they do for the `writer`, and each takes from the common answer what is his.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::clusters::{Cluster, ClusterRow, read};
use super::keys::Hashed;
use super::trail::{Seconds, Trail};
use super::unhex;
use super::words::Trace;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::sqlite::rows::{from_json, json_array, to_json};

/// Callers that one statement answers at most.
const MOST: usize = 64;
/// Statements at once: while one waits for the disk, another need not.
const AT_ONCE: usize = 2;

type Reply = oneshot::Sender<Result<Arc<Found>, StoreError>>;

/// What a caller wants to know.
struct Question {
    keys: Vec<i64>,
    bands: Vec<i64>,
    site: SiteId,
    except: Option<CommentId>,
    reply: Reply,
}

/// What is known of a cluster at one site.
#[derive(Debug, Default)]
pub(super) struct Here {
    pub size: i64,
    pub ham: i64,
    pub spam: i64,
    pub decision: Option<String>,
}

/// What was found for all who asked together.
#[derive(Debug)]
pub(super) struct Found {
    pub trails: HashMap<i64, Trail>,
    /// The cluster of each band.
    pub bands: HashMap<i64, i64>,
    pub clusters: HashMap<i64, Cluster>,
    /// By cluster and site.
    pub here: HashMap<(i64, i64), Here>,
    /// What the comments that are asked about left themselves, as far as it is counted.
    pub own: HashMap<CommentId, Trace>,
}

/// The callers' end.
#[derive(Clone)]
pub struct Asker {
    queue: mpsc::Sender<Question>,
}

impl fmt::Debug for Asker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Asker").field("room", &self.queue.capacity()).finish()
    }
}

impl Asker {
    /// Starts the tasks that ask. They end when the last `Asker` is dropped.
    pub fn start(readers: &SqlitePool) -> Asker {
        let (queue, waiting) = mpsc::channel(16 * MOST);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..AT_ONCE {
            tokio::spawn(run(readers.clone(), Arc::clone(&waiting)));
        }
        Asker { queue }
    }

    pub(super) async fn ask(
        &self,
        site: SiteId,
        hashed: &Hashed,
        except: Option<CommentId>,
    ) -> Result<Arc<Found>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let question = Question {
            keys: hashed.keys.iter().map(|key| key.hash).collect(),
            bands: hashed.text.iter().flat_map(|text| text.signature.bands()).collect(),
            site,
            except,
            reply,
        };
        self.queue.send(question).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

async fn run(readers: SqlitePool, waiting: Arc<Mutex<mpsc::Receiver<Question>>>) {
    let mut questions = Vec::with_capacity(MOST);
    while waiting.lock().await.recv_many(&mut questions, MOST).await > 0 {
        // Who has given up waiting is not asked for.
        questions.retain(|question| !question.reply.is_closed());
        if questions.is_empty() {
            continue;
        }
        match find(&readers, &questions).await.map(Arc::new) {
            Ok(found) => questions.drain(..).for_each(|question| drop(question.reply.send(Ok(Arc::clone(&found))))),
            Err(error) => {
                let error = error.to_string();
                let answer = || Err(StoreError::Unavailable(error.clone()));
                questions.drain(..).for_each(|question| drop(question.reply.send(answer())));
            }
        }
    }
}

/// Cluster and site; at this site: size, ham, spam, decision.
type HereRow = (i64, i64, i64, i64, i64, Option<String>);
/// A comment's id and its own trace: at, cluster, flags, checks, people, people_at, keys.
type OwnRow = (String, Seconds, Option<i64>, i64, i64, i64, Seconds, String);

async fn find(readers: &SqlitePool, questions: &[Question]) -> Result<Found, StoreError> {
    let own: Vec<String> =
        questions.iter().filter_map(|question| question.except).map(|id| format!("{:032x}", id.0.0)).collect();
    let (seen, bands, clusters, here, own): (String, String, String, String, String) = sqlx::query_as(
        "WITH near AS MATERIALIZED
                (SELECT bands.band, bands.cluster
                   FROM json_each(?2) AS wanted CROSS JOIN bands ON bands.band = wanted.value),
              around AS MATERIALIZED (SELECT DISTINCT cluster AS id FROM near)
         SELECT (SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
                   FROM json_each(?1) AS wanted CROSS JOIN seen ON seen.key = wanted.value),
                (SELECT json_group_array(json_array(band, cluster)) FROM near),
                (SELECT json_group_array(json_array(id, first_at, last_at, size, hex(signature), hex(sketch)))
                   FROM around CROSS JOIN clusters USING (id)),
                (SELECT json_group_array(json_array(cluster, site, size, ham, spam, decision))
                   FROM around CROSS JOIN json_each(?3) AS wanted
                  CROSS JOIN campaigns ON campaigns.cluster = around.id AND campaigns.site = wanted.value),
                (SELECT json_group_array(json_array(hex(comments.id), traces.at, traces.cluster, traces.flags, traces.checks,
                                                    traces.people, traces.people_at, hex(traces.keys)))
                   FROM json_each(?4) AS wanted
                  CROSS JOIN comments ON comments.id = unhex(wanted.value)
                  CROSS JOIN traces ON traces.comment = comments.row AND traces.waiting IS NULL)",
    )
    .bind(json_array(distinct(questions.iter().flat_map(|question| question.keys.iter().copied()))))
    .bind(json_array(distinct(questions.iter().flat_map(|question| question.bands.iter().copied()))))
    .bind(json_array(distinct(questions.iter().map(|question| question.site.0))))
    .bind(to_json(&own)?)
    .fetch_one(readers)
    .await?;
    let seen: Vec<(i64, Seconds, String)> = from_json(seen.as_bytes(), "what was seen")?;
    let bands: Vec<(i64, i64)> = from_json(bands.as_bytes(), "a band")?;
    let clusters: Vec<ClusterRow> = from_json(clusters.as_bytes(), "a cluster")?;
    let here: Vec<HereRow> = from_json(here.as_bytes(), "a campaign")?;
    let own: Vec<OwnRow> = from_json(own.as_bytes(), "a comment's own trace")?;
    let of_site =
        |(cluster, site, size, ham, spam, decision): HereRow| ((cluster, site), Here { size, ham, spam, decision });
    let trace = |(id, at, cluster, flags, checks, people, people_at, keys): OwnRow| {
        let id = u128::from_str_radix(&id, 16).ok()?;
        let keys = unhex(&keys);
        Some((CommentId(id.into()), Trace { at, cluster, flags, checks, people, people_at, keys, is_counted: true }))
    };
    Ok(Found {
        trails: seen.into_iter().map(|(key, at, value)| (key, Trail::read(at, &unhex(&value)))).collect(),
        bands: bands.into_iter().collect(),
        clusters: clusters.into_iter().map(read).collect(),
        here: here.into_iter().map(of_site).collect(),
        own: own.into_iter().filter_map(trace).collect(),
    })
}

fn distinct(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut numbers: Vec<i64> = numbers.collect();
    // In order, SQLite finds neighbours on the same page.
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
