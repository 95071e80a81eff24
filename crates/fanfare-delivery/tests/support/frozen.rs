//! An instance that can be frozen, as by `SIGSTOP`: its only thread stands still.

use std::sync::mpsc;
use std::thread::JoinHandle;

use fanfare_store::Store;
use tokio::sync::oneshot;

use super::{Instance, Receiver};

/// An instance with a thread of its own.
pub(crate) struct Frozen {
    registered: oneshot::Receiver<()>,
    freeze: oneshot::Sender<()>,
    frozen: oneshot::Receiver<()>,
    thaw: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

/// Such an instance, which stands still.
pub(crate) struct Still {
    thaw: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Frozen {
    /// Starts an instance that registers `receiver`.
    pub(crate) fn start(store: &Store, receiver: &Receiver) -> Frozen {
        let (store, receiver) = (store.clone(), receiver.clone());
        let ((freeze, asked), (says_frozen, frozen)) = (oneshot::channel(), oneshot::channel());
        let ((says_registered, registered), (thaw, thawed)) = (oneshot::channel(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let instance = Instance::start(&store).await;
                instance.register(&receiver).await;
                says_registered.send(()).expect("the test waits");
                asked.await.expect("the test goes on");
                says_frozen.send(()).expect("the test waits");
                // Blocks the runtime on purpose.
                thawed.recv().expect("the test goes on");
                instance.stop().await;
            });
        });
        Frozen { registered, freeze, frozen, thaw, thread }
    }

    /// Waits until the receiver is registered.
    pub(crate) async fn has_registered(&mut self) {
        (&mut self.registered).await.expect("registered");
    }

    pub(crate) async fn freeze(self) -> Still {
        self.freeze.send(()).expect("it runs");
        self.frozen.await.expect("it runs");
        Still { thaw: self.thaw, thread: self.thread }
    }
}

impl Still {
    /// Lets the instance run on, and stops it in order.
    pub(crate) async fn thaw_and_stop(self) {
        self.thaw.send(()).expect("it waits");
        let joining = tokio::task::spawn_blocking(move || self.thread.join());
        joining.await.expect("joined").expect("it ends in order");
    }
}
