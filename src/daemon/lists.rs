//! Follows the list files that the settings name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::list_files::ListFiles;
use crate::pipeline::Pipeline;

/// How often files are looked at; a change is in force after two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads the files, so that they count from the first comment on, and goes on to follow them until `stopped`. Whenever
/// `files` is sent anew, all are looked at at once.
pub(super) async fn follow(
    pipeline: Arc<Pipeline>,
    mut files: watch::Receiver<Vec<PathBuf>>,
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let mut followed = ListFiles::default();
    followed.follow(&files.borrow_and_update());
    let mut followed = look(&pipeline, followed, true).await;
    tokio::spawn(async move {
        loop {
            let at_once = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                sent = files.changed() => {
                    if sent.is_err() {
                        return;
                    }
                    true
                }
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            followed.follow(&files.borrow_and_update());
            if at_once {
                // What is followed no more is out of force, whatever the other files say.
                pipeline.set_list_files(followed.lists());
            }
            followed = look(&pipeline, followed, at_once).await;
        }
    })
}

/// Apart from the async tasks: a million lines take a second or two.
async fn look(pipeline: &Arc<Pipeline>, mut followed: ListFiles, at_once: bool) -> ListFiles {
    let pipeline = Arc::clone(pipeline);
    let looked = tokio::task::spawn_blocking(move || {
        if followed.look(at_once, pipeline.clock.now()) {
            pipeline.set_list_files(followed.lists());
        }
        followed
    });
    looked.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the list files could not be looked at; they are read from the beginning");
        ListFiles::default()
    })
}
