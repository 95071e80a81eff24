//! A thread of its own for passing messages on: what comes in goes out where it came in, and no other thread has to be
//! woken for it.

use std::io;

use tokio::sync::oneshot;

/// Runs what `begin` gives on a thread of its own; what it leads to comes when it has ended.
pub(crate) fn run<B, W>(begin: B) -> io::Result<oneshot::Receiver<W::Output>>
where
    B: FnOnce() -> W + Send + 'static,
    W: Future<Output: Send + 'static>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (done, ended) = oneshot::channel();
    std::thread::Builder::new().name("stdio".to_owned()).spawn(move || {
        let output = runtime.block_on(async { begin().await });
        // A terminal's next line may never come.
        runtime.shutdown_background();
        // Nobody may be waiting any more.
        let _ = done.send(output);
    })?;
    Ok(ended)
}
