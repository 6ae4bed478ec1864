//! Reading comments on all cores, into features or whatever else, handed back in the order they came.
//!
//! Owns the threads and the order: what is trained must not depend on which thread was quicker. Does not own what is
//! done with the features (`learner`). Memory is bounded: at most two batches a thread are under way.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::corpus::Group;
use super::dump::Example;
use crate::classifier::features::Features;
use crate::text::Text;

/// Comments that a thread gets at once: enough that handing over costs nothing beside reading.
const BATCH: usize = 256;

/// One comment, read.
#[derive(Debug)]
pub struct Extract {
    pub example: Example,
    /// Rows that it counts as.
    pub weight: f64,
    pub group: Group,
    pub features: Features,
}

/// Threads that read, and what they have in hand; `T` is what they make of a comment.
#[derive(Debug)]
pub struct Extraction<T = Extract> {
    threads: Vec<Worker<T>>,
    batch: Vec<(Example, f64)>,
    /// The thread that each batch under way is with, oldest first.
    under_way: VecDeque<usize>,
    next: usize,
}

#[derive(Debug)]
struct Worker<T> {
    todo: Sender<Vec<(Example, f64)>>,
    done: Receiver<Vec<T>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(read: impl Fn(Example, f64) -> T + Send + 'static) -> Worker<T> {
        let (todo, batches) = channel::<Vec<(Example, f64)>>();
        let (finished, done) = channel();
        // It ends when either side of it is dropped.
        thread::spawn(move || {
            batches
                .into_iter()
                .map(|batch| batch.into_iter().map(|(example, weight)| read(example, weight)).collect())
                .try_for_each(|read| finished.send(read))
        });
        Worker { todo, done }
    }
}

fn extract(example: Example, weight: f64) -> Extract {
    let text = Text::of(&example.comment);
    let (group, features) = (Group::of(&text), Features::of(&example.comment, &text));
    Extract { example, weight, group, features }
}

impl Default for Extraction {
    fn default() -> Extraction {
        Extraction::of(extract)
    }
}

impl Extraction {
    /// Reads features on so many threads.
    pub fn on(threads: usize) -> Extraction {
        Extraction::start(threads, &extract)
    }
}

impl<T: Send + 'static> Extraction<T> {
    /// Has `read` make something of each comment and its weight, on as many threads as there are cores.
    pub fn of(read: impl Fn(Example, f64) -> T + Clone + Send + 'static) -> Extraction<T> {
        Extraction::start(thread::available_parallelism().map_or(1, NonZero::get).min(16), &read)
    }

    fn start(threads: usize, read: &(impl Fn(Example, f64) -> T + Clone + Send + 'static)) -> Extraction<T> {
        let threads = (0..threads.max(1)).map(|_| Worker::start(read.clone())).collect();
        Extraction { threads, batch: Vec::with_capacity(BATCH), under_way: VecDeque::new(), next: 0 }
    }

    /// Takes a comment in. Comments that came before it and are ready go to `absorb`.
    pub fn push(&mut self, example: Example, weight: f64, absorb: &mut impl FnMut(T)) {
        self.batch.push((example, weight));
        if self.batch.len() == BATCH {
            self.hand_over();
            if self.under_way.len() >= 2 * self.threads.len() {
                self.take_back(absorb);
            }
        }
    }

    /// Gives all that is left to `absorb`.
    pub fn finish(&mut self, absorb: &mut impl FnMut(T)) {
        self.hand_over();
        while !self.under_way.is_empty() {
            self.take_back(absorb);
        }
    }

    fn hand_over(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Some(worker) = self.threads.get(self.next)
            && !batch.is_empty()
            && worker.todo.send(batch).is_ok()
        {
            self.under_way.push_back(self.next);
            self.next = (self.next + 1) % self.threads.len();
        }
    }

    fn take_back(&mut self, absorb: &mut impl FnMut(T)) {
        let worker = self.under_way.pop_front().and_then(|worker| self.threads.get(worker));
        let Some(Ok(read)) = worker.map(|worker| worker.done.recv()) else {
            unreachable!("a reading thread stops before its work is done only if it panics, and reading never does");
        };
        read.into_iter().for_each(absorb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::verdict::Label;

    #[test]
    fn comments_come_back_in_order_whatever_the_threads() {
        for (threads, comments) in [(1, 3), (3, BATCH - 1), (2, 5 * BATCH + 7), (4, 16 * BATCH)] {
            let mut extraction = Extraction::on(threads);
            let mut seen = Vec::new();
            let mut absorb = |extract: Extract| {
                assert!(!extract.features.columns.is_empty());
                seen.push(extract.example.comment.content);
            };
            for number in 0..comments {
                let comment = Comment::of_text(format!("comment {number}"));
                extraction.push(Example { comment, label: Label::Ham, source: None }, 1.0, &mut absorb);
            }
            extraction.finish(&mut absorb);
            assert_eq!(seen, (0..comments).map(|number| format!("comment {number}")).collect::<Vec<_>>());
        }
    }
}
