//! The loop, with a trade that does what a test bids it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Job {
    Quick(i64),
    Panics(i64),
    Hangs(i64),
}

#[derive(Default)]
struct Bench {
    /// What claims find, one entry each; a job stands for itself.
    due: Mutex<VecDeque<Result<Job, &'static str>>>,
    bell: Notify,
    claims: AtomicUsize,
    done: Mutex<Vec<i64>>,
}

impl Trade for Bench {
    const NAME: &'static str = "test";
    type Job = Job;

    fn bell(&self) -> &Notify {
        &self.bell
    }

    fn room(&self, in_hand: usize) -> usize {
        4_usize.saturating_sub(in_hand)
    }

    async fn claim(&self, room: usize) -> Result<Claimed<Job>, StoreError> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        let mut due = self.due.lock().unwrap();
        let mut jobs = Vec::new();
        while jobs.len() < room {
            match due.pop_front() {
                Some(Ok(job)) => jobs.push(job),
                Some(Err("panic")) => {
                    drop(due);
                    panic!("bid to");
                }
                Some(Err(away)) => return Err(StoreError::Unavailable(away.to_owned())),
                None => break,
            }
        }
        Ok(Claimed { is_cut: jobs.len() == room, jobs })
    }

    fn id(job: &Job) -> JobId {
        match job {
            Job::Quick(id) | Job::Panics(id) | Job::Hangs(id) => JobId(*id),
        }
    }

    async fn finish(&self, job: Job) {
        match job {
            Job::Quick(id) => self.done.lock().unwrap().push(id),
            Job::Panics(_) => panic!("bid to"),
            Job::Hangs(_) => std::future::pending().await,
        }
    }
}

/// A loop at work on a bench, at a clock that runs when nobody has anything to do.
struct Running {
    bench: Arc<Bench>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(due: impl IntoIterator<Item = Result<Job, &'static str>>) -> Running {
        let bench = Arc::new(Bench { due: Mutex::new(due.into_iter().collect()), ..Bench::default() });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(supervise(Arc::clone(&bench), Settings::default(), Arc::new(Progress::new()), stopped));
        Running { bench, stop, task }
    }

    /// Waits until `count` jobs are done; how long that took.
    async fn until_done(&self, count: usize) -> Duration {
        let started = Instant::now();
        while self.bench.done.lock().unwrap().len() < count {
            sleep(Duration::from_millis(1)).await;
            assert!(started.elapsed() < Duration::from_secs(60), "{:?}", self.bench.done);
        }
        started.elapsed()
    }

    fn claims(&self) -> usize {
        self.bench.claims.load(Ordering::Relaxed)
    }

    /// Stops it; how long that took.
    async fn stop(self) -> Duration {
        let started = Instant::now();
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
        started.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_is_due_is_done_and_then_it_is_quiet() {
    let running = Running::start((0..100).map(|id| Ok(Job::Quick(id))));
    assert!(running.until_done(100).await < Duration::from_millis(100));
    let claims = running.claims();
    sleep(Duration::from_secs(10)).await;
    assert!(
        (19..=21).contains(&(running.claims() - claims)),
        "{} claims in ten idle seconds",
        running.claims() - claims
    );
    assert!(running.stop().await < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_bell_is_heard_at_once_and_silence_after_the_poll() {
    let running = Running::start([]);
    sleep(Duration::from_millis(100)).await;
    running.bench.due.lock().unwrap().push_back(Ok(Job::Quick(1)));
    running.bench.bell.notify_one();
    assert!(running.until_done(1).await < Duration::from_millis(10));
    running.bench.due.lock().unwrap().push_back(Ok(Job::Quick(2)));
    let waited = running.until_done(2).await;
    assert!((Duration::from_millis(100)..Duration::from_millis(600)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_takes_nothing_along() {
    let running = Running::start([
        Ok(Job::Quick(1)),
        Ok(Job::Panics(2)),
        Ok(Job::Quick(3)),
        Ok(Job::Panics(4)),
        Ok(Job::Quick(5)),
    ]);
    running.until_done(3).await;
    assert_eq!(*running.bench.done.lock().unwrap(), [1, 3, 5]);
    assert!(!running.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_panics_starts_anew() {
    let running = Running::start([Err("panic"), Err("panic"), Ok(Job::Quick(1))]);
    assert!(running.until_done(1).await < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_asked_again_ever_more_slowly() {
    let running = Running::start(std::iter::repeat_n(Err("away"), 6).chain([Ok(Job::Quick(1))]));
    let waited = running.until_done(1).await;
    // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 seconds
    assert!((Duration::from_millis(6_200)..Duration::from_millis(6_500)).contains(&waited), "{waited:?}");
    assert_eq!(running.claims(), 7);
}

#[tokio::test(start_paused = true)]
async fn hands_that_hang_leave_the_others_to_work() {
    let hanging = (0..3).map(|id| Ok(Job::Hangs(id)));
    let running = Running::start(hanging.chain((10..50).map(|id| Ok(Job::Quick(id)))));
    assert!(running.until_done(40).await < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_in_hand_but_not_for_ever() {
    let running = Running::start([Ok(Job::Hangs(1)), Ok(Job::Quick(2))]);
    running.until_done(1).await;
    let took = running.stop().await;
    assert!((Duration::from_secs(10)..Duration::from_secs(11)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_claims_nothing_more() {
    let running = Running::start([]);
    sleep(Duration::from_millis(10)).await;
    running.bench.due.lock().unwrap().push_back(Ok(Job::Quick(1)));
    let bench = Arc::clone(&running.bench);
    running.stop().await;
    assert!(bench.done.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_daemon_is_gone_stops_too() {
    let Running { stop, task, .. } = Running::start([]);
    drop(stop);
    timeout(Duration::from_secs(1), task).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_result_is_offered_until_it_is_kept_or_not_wanted() {
    let check = async |answers: &[Option<StoreError>], tries: usize| {
        let asked = AtomicUsize::new(0);
        let again = |error: &StoreError| match error {
            StoreError::LeaseLost(job) => StoreError::LeaseLost(*job),
            StoreError::Overloaded => StoreError::Overloaded,
            other => StoreError::Unavailable(other.to_string()),
        };
        record("test", JobId(1), || {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let answer = answers.get(number.min(answers.len() - 1)).unwrap();
            std::future::ready(answer.as_ref().map_or(Ok(()), |error| Err(again(error))))
        })
        .await;
        assert_eq!(asked.load(Ordering::Relaxed), tries, "{answers:?}");
    };
    check(&[None], 1).await;
    check(&[Some(StoreError::LeaseLost(JobId(1)))], 1).await;
    check(&[Some(StoreError::Overloaded), Some(StoreError::Unavailable("busy".to_owned())), None], 3).await;
    check(&[Some(StoreError::Overloaded), Some(StoreError::LeaseLost(JobId(1)))], 2).await;
    check(&[Some(StoreError::Unavailable("gone".to_owned()))], 8).await;
}
