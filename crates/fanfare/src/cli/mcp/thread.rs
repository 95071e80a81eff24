//! A thread of its own for the relay, so that a message needs no other thread to wake up.

use std::io;

use tokio::sync::oneshot;

/// Runs the future that `begin` returns on a new thread. The receiver gets its output.
pub(crate) fn run<B, W>(begin: B) -> io::Result<oneshot::Receiver<W::Output>>
where
    B: FnOnce() -> W + Send + 'static,
    W: Future<Output: Send + 'static>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (done, ended) = oneshot::channel();
    std::thread::Builder::new().name("stdio".to_owned()).spawn(move || {
        let output = runtime.block_on(async { begin().await });
        // A read from a terminal may never return, so it is not waited for.
        runtime.shutdown_background();
        // This fails if the receiver was dropped.
        let _ = done.send(output);
    })?;
    Ok(ended)
}
