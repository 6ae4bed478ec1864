//! Group look-up: whatever waits together is asked for in one statement.
//!
//! A statement costs two changes of thread, and giving the connection back two more, which is several times what it costs
//! to find the rows. So callers queue up as they do for the `writer`, and each takes from the common answer what is his.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use super::clusters::{Cluster, ClusterRow, read};
use super::keys::Hashed;
use super::traces::Trace;
use super::trail::{Seconds, Trail};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::StoreError;

/// Callers that one statement answers at most.
const MOST: usize = 64;
/// Statements at once: while one waits for the disk, another need not.
const AT_ONCE: usize = 2;

type Reply = oneshot::Sender<Result<Arc<Found>, StoreError>>;

/// What a caller wants to know.
#[derive(Debug)]
pub struct Question {
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

/// Looks up what several callers want to know, in one statement.
pub trait Find: Clone + Send + Sync + 'static {
    fn find(&self, wanted: Wanted) -> impl Future<Output = Result<FoundRows, StoreError>> + Send;
}

/// What several callers want to know, each thing once and in order.
#[derive(Debug)]
pub struct Wanted {
    pub keys: Vec<i64>,
    pub bands: Vec<i64>,
    pub sites: Vec<i64>,
    /// Whose own part is to be left out.
    pub own: Vec<CommentId>,
}

impl Wanted {
    fn of(questions: &[Question]) -> Wanted {
        Wanted {
            keys: distinct(questions.iter().flat_map(|question| question.keys.iter().copied())),
            bands: distinct(questions.iter().flat_map(|question| question.bands.iter().copied())),
            sites: distinct(questions.iter().map(|question| question.site.0)),
            own: questions.iter().filter_map(|question| question.except).collect(),
        }
    }
}

/// Cluster and site; at this site: size, ham, spam, decision.
pub type HereRow = (i64, i64, i64, i64, i64, Option<String>);

/// What was found, as rows have it.
#[derive(Debug, Default)]
pub struct FoundRows {
    /// Key, when it was counted up to, the packed counts.
    pub seen: Vec<(i64, Seconds, Vec<u8>)>,
    pub bands: Vec<(i64, i64)>,
    pub clusters: Vec<ClusterRow>,
    pub here: Vec<HereRow>,
    /// Traces that are counted.
    pub own: Vec<(CommentId, Trace)>,
}

impl Found {
    fn of(rows: FoundRows) -> Found {
        let of_site =
            |(cluster, site, size, ham, spam, decision): HereRow| ((cluster, site), Here { size, ham, spam, decision });
        Found {
            trails: rows.seen.into_iter().map(|(key, at, value)| (key, Trail::read(at, &value))).collect(),
            bands: rows.bands.into_iter().collect(),
            clusters: rows.clusters.into_iter().map(read).collect(),
            here: rows.here.into_iter().map(of_site).collect(),
            own: rows.own.into_iter().collect(),
        }
    }
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
    pub fn start(finder: impl Find) -> Asker {
        let (queue, waiting) = mpsc::channel(16 * MOST);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..AT_ONCE {
            tokio::spawn(run(finder.clone(), Arc::clone(&waiting)));
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

async fn run(finder: impl Find, waiting: Arc<Mutex<mpsc::Receiver<Question>>>) {
    let mut questions = Vec::with_capacity(MOST);
    while waiting.lock().await.recv_many(&mut questions, MOST).await > 0 {
        // Who has given up waiting is not asked for.
        questions.retain(|question| !question.reply.is_closed());
        if questions.is_empty() {
            continue;
        }
        match finder.find(Wanted::of(&questions)).await.map(|rows| Arc::new(Found::of(rows))) {
            Ok(found) => questions.drain(..).for_each(|question| drop(question.reply.send(Ok(Arc::clone(&found))))),
            Err(error) => {
                let error = error.to_string();
                let answer = || Err(StoreError::Unavailable(error.clone()));
                questions.drain(..).for_each(|question| drop(question.reply.send(answer())));
            }
        }
    }
}

fn distinct(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut numbers: Vec<i64> = numbers.collect();
    // In order, an engine finds neighbours on the same page.
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
