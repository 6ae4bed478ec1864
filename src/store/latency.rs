//! How long the store takes, by what it is asked for: whatever the engine, it is measured where it is asked.

use std::time::Instant;

/// What the store is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbs {
    /// A comment comes in.
    Admit,
    /// A verdict is kept.
    Verdict,
    /// What happened to a comment afterwards is kept.
    Change,
    /// Work is taken up.
    Claim,
    /// How a delivery went is kept.
    Attempt,
    /// A comment is shown, or many.
    Read,
}

impl Verbs {
    fn as_str(self) -> &'static str {
        match self {
            Verbs::Admit => "admit",
            Verbs::Verdict => "verdict",
            Verbs::Change => "change",
            Verbs::Claim => "claim",
            Verbs::Attempt => "attempt",
            Verbs::Read => "read",
        }
    }
}

/// Waits for `verb` and measures how long that took, whatever came of it.
pub async fn timed<T>(verbs: Verbs, verb: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let answer = verb.await;
    metrics::histogram!("hamlet_store_seconds", "verbs" => verbs.as_str()).record(started.elapsed());
    answer
}
