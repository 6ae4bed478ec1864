//! A training among other processes: one at a time, behind them, in bounded memory.
//!
//! Owns the lock that keeps two trainings on one data folder apart (the daemon's, the timer's, a person's), and what a
//! training does to itself when the daemon started it. Does not own when one starts (`daemon::training`).

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// In the data folder; holds the number of the process that trains.
const LOCK: &str = "training.lock";
/// How much sooner than others a training is ended by a kernel that runs out of memory, of 1000.
const ENDED_SOONER: &str = "500";

/// What the daemon asks of a training that it starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Background {
    /// Gives way to other processes, 0 to 19.
    #[arg(long, hide = true, value_name = "N")]
    nice: Option<i32>,
    /// Fails rather than hold more memory than this.
    #[arg(long, hide = true, value_name = "MB")]
    memory_mb: Option<u64>,
}

impl Background {
    /// Does to this process what was asked.
    #[expect(clippy::print_stderr, reason = "a command's complaints go to stderr")]
    pub fn give_way(&self) -> anyhow::Result<()> {
        if let Some(by) = self.nice
            && let Err(error) = nice(by)
        {
            // A sandbox that forbids it: the training is right all the same.
            eprintln!("cannot give way to other processes ({error}); training as it is");
        }
        if let Some(memory_mb) = self.memory_mb {
            // Data, not address space: the allocator and the store's file map much that is never written to.
            let bytes = Some(memory_mb.saturating_mul(1 << 20));
            setrlimit(Resource::Data, Rlimit { current: bytes, maximum: bytes })
                .with_context(|| format!("memory cannot be bounded to {memory_mb} MB"))?;
            // Where there is no /proc nothing is lost but the order.
            let _ = fs::write("/proc/self/oom_score_adj", ENDED_SOONER);
        }
        Ok(())
    }
}

/// Held while a training uses the data folder. The kernel lets go of it when the process ends, however that happens.
#[derive(Debug)]
pub struct OnlyTraining {
    _lock: File,
}

impl OnlyTraining {
    /// # Errors
    /// A sentence that says which process trains already.
    pub fn in_folder(data_dir: &Path) -> anyhow::Result<OnlyTraining> {
        let path = data_dir.join(LOCK);
        let unusable = || format!("{} cannot be used; give the folder to Hamlet's user", path.display());
        // The store may be elsewhere, and this folder not there yet.
        fs::create_dir_all(data_dir).with_context(unusable)?;
        let options = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut lock = options.with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // Who has just taken it may not have written its number yet.
                let _ = (&lock).take(32).read_to_string(&mut process);
                let process = process.trim();
                let named = if process.is_empty() { String::new() } else { format!(" (process {process})") };
                bail!("another training is running{named}; wait until it has ended");
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        lock.set_len(0).and_then(|()| lock.rewind()).with_context(unusable)?;
        writeln!(lock, "{}", std::process::id()).with_context(unusable)?;
        Ok(OnlyTraining { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_training_is_told_who_has_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("not made yet");
        let first = OnlyTraining::in_folder(&folder).unwrap();
        let refusal = OnlyTraining::in_folder(&folder).unwrap_err().to_string();
        assert!(refusal.contains(&format!("(process {})", std::process::id())), "{refusal}");
        drop(first);
        OnlyTraining::in_folder(&folder).unwrap();
    }
}
