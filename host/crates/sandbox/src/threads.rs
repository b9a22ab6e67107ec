//! The sandbox's own threads: one a core, fed by one bounded queue.
//!
//! Guests never run on tokio's threads, where one slow guest would hold up a hundred sockets. A job that panics costs
//! its caller an error and nobody else anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

/// Calls that wait for a thread, for each thread.
const QUEUE_PER_THREAD: usize = 1_024;
/// Stack of a thread: the guest's, the host functions' under it, and room to spare.
const STACK_BYTES: usize = 4 * 1024 * 1024;

type Job = Box<dyn FnOnce(usize) + Send>;

pub(crate) struct Threads {
    queue: Sender<Job>,
}

/// Why a job came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobError {
    /// The queue is full.
    Busy,
    /// The job panicked.
    Panicked,
}

impl Threads {
    pub(crate) fn start(count: usize) -> std::io::Result<Self> {
        let (queue, jobs) = bounded::<Job>(count.saturating_mul(QUEUE_PER_THREAD));
        for index in 0..count {
            let jobs: Receiver<Job> = jobs.clone();
            thread::Builder::new().name(format!("sandbox-{index}")).stack_size(STACK_BYTES).spawn(move || {
                for job in jobs {
                    // The caller sees its reply channel close; the thread goes on.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(index)));
                }
            })?;
        }
        Ok(Self { queue })
    }

    /// Runs `job` on a sandbox thread, which tells it its index. Dropping the future does not stop the job.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(usize) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |index| {
            // A caller that has gone away does not want the answer.
            let _ = reply.send(job(index));
        });
        match self.queue.try_send(job) {
            Ok(()) => answer.await.map_err(|_| JobError::Panicked),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(JobError::Busy),
        }
    }
}
