//! How a host ends: softly, in the order of the pipeline, and after a while whatever is left.
//!
//! First the listeners close and the requests under way are answered; then `normalize` finishes what it holds, then
//! `deliver`, and last the store. Each has a token of its own, so that a stage is stopped only when nothing can come to
//! it any more. What does not end in time is dropped: its rows fall due again, here or on another node.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A part that runs until its token is cancelled.
pub struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The parts of a host, in the order in which they are stopped.
#[derive(Default)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// Starts a part; it is stopped after those before it.
    pub fn start<F>(&mut self, name: &'static str, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(stop.clone()));
        self.0.push(Part { name, stop, task });
    }

    /// Stops the parts one after the other; those that have not ended `within` the time are dropped.
    pub async fn stop(self, within: Duration) {
        let deadline = tokio::time::Instant::now() + within;
        for part in self.0 {
            part.stop.cancel();
            let abort = part.task.abort_handle();
            match tokio::time::timeout_at(deadline, part.task).await {
                Ok(Ok(())) => tracing::debug!("`{}` has ended", part.name),
                Ok(Err(error)) => tracing::error!(%error, "`{}` ended badly", part.name),
                Err(_) => {
                    abort.abort();
                    tracing::warn!("`{}` did not end in time; what it held falls due again", part.name);
                }
            }
        }
    }
}
