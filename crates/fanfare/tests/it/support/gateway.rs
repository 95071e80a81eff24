//! A gateway on a free port, with a runtime of its own: it can be stopped from a `Drop`, and a test that blocks
//! does not block it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::{Duration, Instant};

use fanfare::engines;
use fanfare::engines::StoreSpec;
use fanfare::gateway;
use fanfare_core::principal::Principal;
use fanfare_delivery::service::Webhooks;
use fanfare_hub::Hub;
use fanfare_runtime::parts::{Board, Failure};
use fanfare_runtime::shutdown::Trigger;
use fanfare_store::memory::Memory;
use fanfare_store::{Retention, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::answer::Answer;
use crate::support::document;
use crate::support::reader::{Listen, Reader, Transport};
use crate::support::{DEADLINE, Engine, log, soon, until};

/// Maximum duration of a stop. Nothing has to be cut off in a test that cleans up, so a stop that lasts this long is a
/// failure.
pub(crate) const GRACE: Duration = Duration::from_secs(15);

/// A running gateway. On drop it checks what tests forget: that no client is left, that it stops in time, and that it
/// logged no error.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) webhooks: Webhooks,
    pub(crate) store: Store,
    pub(crate) board: Board,
    name: String,
    config: gateway::Config,
    stopper: Trigger,
    /// Whether the test itself has stopped it.
    is_told_to_stop: AtomicBool,
    /// Locked only because tasks of a test share the gateway.
    ended: Option<Mutex<mpsc::Receiver<Result<(), Failure>>>>,
    http: reqwest::Client,
    directory: Option<TempDir>,
}

impl Gateway {
    /// Starts a gateway that keeps everything in memory.
    pub(crate) async fn start() -> Gateway {
        Gateway::on(Engine::Memory).await
    }

    /// Starts one on an engine.
    pub(crate) async fn on(engine: Engine) -> Gateway {
        Gateway::with(engine, |_| {}).await
    }

    /// Starts one on an engine, with `change` made to the configuration.
    pub(crate) async fn with(engine: Engine, change: impl FnOnce(&mut gateway::Config)) -> Gateway {
        let directory = (engine == Engine::Embedded).then(|| tempfile::tempdir().expect("a directory"));
        let store = match &directory {
            Some(directory) => StoreSpec::Embedded(directory.path().join("log.db")),
            None => StoreSpec::Memory,
        };
        let mut config = gateway::Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()],
            store,
            shutdown_timeout: GRACE,
            ..gateway::Config::default()
        };
        config.webhooks.policy.interfaces = Some(Vec::new());
        change(&mut config);
        Gateway::run(config, directory).await
    }

    /// Starts one that keeps everything in memory; the test can do to the memory what a failing engine would.
    pub(crate) async fn on_memory() -> (Gateway, Arc<Memory>) {
        let memory = Memory::new(Retention::default());
        let config = gateway::Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()],
            store: StoreSpec::Memory,
            shutdown_timeout: GRACE,
            ..gateway::Config::default()
        };
        let store = Store::new(memory.clone());
        (Gateway::run_on(config, None, Some(store)).await, memory)
    }

    async fn run(config: gateway::Config, directory: Option<TempDir>) -> Gateway {
        Gateway::run_on(config, directory, None).await
    }

    /// Starts one on a store that is open, or else on the one that the configuration names.
    async fn run_on(config: gateway::Config, directory: Option<TempDir>, opened: Option<Store>) -> Gateway {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        log::listen();
        let name = format!("gateway-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let (started, starts) = oneshot::channel();
        let (ends, ended) = mpsc::channel();
        let (thread_name, thread_config) = (name.clone(), config.clone());
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name(thread_name)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let open = || {
                    engines::open(&thread_config.store, thread_config.retention, thread_config.clock.clone())
                };
                let store = opened.map_or_else(open, Ok).expect("the store opens");
                let running = match gateway::start_on(store.clone(), thread_config).await {
                    Ok(running) => running,
                    Err(error) => panic!("the gateway did not start: {error:#}"),
                };
                let (hub, webhooks) = (running.hub().clone(), running.webhooks().clone());
                let board = running.board().clone();
                let address = running.endpoints()[0].network().expect("an address of the network");
                let _ = started.send((address, hub, webhooks, store, board, running.stopper()));
                let _ = ends.send(running.ended().await);
            });
        });
        thread.expect("a thread");
        let (address, hub, webhooks, store, board, stopper) =
            soon("the gateway", starts).await.expect("a gateway that started");
        let http = reqwest_client(false);
        Gateway {
            address,
            hub,
            webhooks,
            store,
            board,
            name,
            config,
            stopper,
            is_told_to_stop: false.into(),
            ended: Some(Mutex::new(ended)),
            http,
            directory,
        }
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the file of a gateway on the embedded engine.
    pub(crate) fn log_file(&self) -> &Path {
        match &self.config.store {
            StoreSpec::Embedded(path) => path,
            StoreSpec::Memory => panic!("it keeps everything in memory"),
        }
    }

    /// Starts to stop, and returns at once.
    pub(crate) fn begin_stop(&self) {
        self.is_told_to_stop.store(true, Ordering::Relaxed);
        self.stopper.pull();
    }

    /// Stops, even with clients connected; returns the duration.
    pub(crate) async fn stop(mut self) -> Duration {
        let begun = Instant::now();
        let ended = self.ended.take().expect("a gateway that runs").into_inner().expect("an unbroken lock");
        self.stopper.pull();
        // This thread does not block: the test's own connections have goodbyes to answer.
        let outcome = until("the end of the gateway", async || ended.try_recv().ok()).await;
        let took = begun.elapsed();
        self.check_end(outcome);
        took
    }

    /// Waits for an end that was not requested.
    pub(crate) async fn failed(&mut self) -> Failure {
        let ended = self.ended.take().expect("a gateway that runs").into_inner().expect("an unbroken lock");
        let outcome = until("the end of the gateway", async || ended.try_recv().ok()).await;
        outcome.expect_err("a failure")
    }

    /// Removes and returns the logged errors, which a test expects.
    pub(crate) fn take_errors(&self) -> Vec<String> {
        log::take(&self.name)
    }

    /// Stops, and starts again with the same configuration at the same address.
    pub(crate) async fn restart(self) -> Gateway {
        self.restart_with(|_| {}).await
    }

    /// Restarts as [`Gateway::restart`], with `change` made to the configuration.
    pub(crate) async fn restart_with(mut self, change: impl FnOnce(&mut gateway::Config)) -> Gateway {
        self.end();
        let mut config = self.config.clone();
        change(&mut config);
        config.listen = vec![self.address.into()];
        Gateway::run(config, self.directory.take()).await
    }

    /// Waits for the end of a gateway that is stopping, or stops it.
    fn end(&mut self) -> Duration {
        let Some(ended) = self.ended.take() else { return Duration::ZERO };
        let begun = Instant::now();
        self.stopper.pull();
        let ended = ended.into_inner().expect("an unbroken lock");
        let outcome = ended.recv_timeout(GRACE + DEADLINE).expect("an end of the gateway");
        self.check_end(outcome);
        begun.elapsed()
    }

    fn check_end(&self, outcome: Result<(), Failure>) {
        outcome.expect("a clean end");
        assert_eq!(self.hub.client_count(), 0, "clients are registered after the end");
    }

    /// Sends a request with the additions of `build`.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        build: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Answer {
        let request = build(self.http.request(method.parse().expect("a method"), self.url(path)));
        let answer = Answer::read(soon(path, request.send()).await.expect("an answer")).await;
        document::check(method, path, &answer);
        answer
    }

    /// Returns the value of a sample of `/metrics`, named with its labels; `None` if it is not served.
    pub(crate) async fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text();
        let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        Some(found.parse().expect("a number"))
    }

    /// Waits until no connection is open but the one that asks. Each look uses up a connection that this client has kept.
    pub(crate) async fn has_no_connections(&self) {
        until("no connection", async || {
            let metrics =
                self.request("GET", "/metrics", |request| request.header("connection", "close")).await;
            metrics.text().lines().any(|line| line == "fanfare_connections 1").then_some(())
        })
        .await;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, |request| request).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.request("POST", path, |request| request.header("content-type", content_type).body(body)).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string()).await
    }

    /// Pushes one event and returns its id.
    pub(crate) async fn push(&self, channel: &str, message: &str) -> String {
        self.push_event(json!({ "channel": channel, "message": message })).await
    }

    /// Pushes one event and returns its id.
    pub(crate) async fn push_event(&self, event: Value) -> String {
        let answer = self.post_json("/api/push", &event).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Pushes a batch and returns its ids.
    pub(crate) async fn push_batch(&self, events: Vec<Value>) -> Vec<String> {
        let answer = self.post_json("/api/push", &Value::Array(events)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_value(answer.json()["ids"].clone()).expect("ids")
    }

    /// Listens to a pattern from now on.
    pub(crate) async fn listen(&self, transport: Transport, pattern: &str) -> Reader {
        self.open(transport, Listen::to(pattern)).await
    }

    /// Listens to a pattern after a position.
    pub(crate) async fn listen_after(&self, transport: Transport, pattern: &str, position: &str) -> Reader {
        self.open(transport, Listen { after: Some(position.to_owned()), ..Listen::to(pattern) }).await
    }

    /// Subscribes as described; returns once the gateway has the subscription.
    pub(crate) async fn open(&self, transport: Transport, listen: Listen) -> Reader {
        Reader::open(self.address, transport, listen).await
    }

    /// Returns the log's last position.
    pub(crate) fn last(&self) -> String {
        self.hub.last().to_string()
    }

    /// Returns the position with a seq.
    pub(crate) fn position(&self, seq: u64) -> String {
        self.hub.position(seq).to_string()
    }

    /// Waits until the log has come to a seq.
    pub(crate) async fn reached(&self, seq: u64) {
        let mut turns = tokio::time::interval(Duration::from_millis(1));
        soon("pushes", async {
            while self.hub.last().seq < seq {
                turns.tick().await;
            }
        })
        .await;
    }

    /// Waits until this many clients are connected.
    pub(crate) async fn clients(&self, count: usize) {
        until("clients", async || (self.hub.client_count() == count).then_some(())).await;
    }
}

/// Creates an HTTP client that speaks HTTP/2 from the first byte, or HTTP/1.1.
pub(crate) fn reqwest_client(http2: bool) -> reqwest::Client {
    // An earlier caller has installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy();
    let builder = if http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
    builder.build().expect("a client")
}

/// Sends a request and returns its answer; the connection belongs to another runtime than the test's, which stands still
/// while its `Gateway` is dropped. A stream of HTTP/2 that the test leaves open ends only where something still runs.
pub(crate) async fn send_apart(request: reqwest::RequestBuilder) -> reqwest::Response {
    static CONNECTIONS: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a runtime")
    });
    CONNECTIONS.spawn(request.send()).await.expect("a task").expect("an answer")
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stopper.pull();
            return;
        }
        if let Some(ended) = &mut self.ended {
            let ended = ended.get_mut().expect("an unbroken lock");
            let deadline = Instant::now() + DEADLINE;
            // The gateway learns from its sockets that the test's clients are gone.
            let is_told = self.is_told_to_stop.load(Ordering::Relaxed);
            while !is_told && self.hub.client_count() > 0 && Instant::now() < deadline {
                assert!(ended.recv_timeout(Duration::from_millis(5)).is_err(), "the gateway ended by itself");
            }
            let left: Vec<_> = if is_told { Vec::new() } else { self.hub.clients(&Principal::local()) };
            assert!(left.is_empty(), "clients are left registered: {left:?}");
            let took = self.end();
            assert!(took < GRACE, "the gateway had to cut something off: {took:?}");
        }
        let errors = log::take(&self.name);
        assert!(errors.is_empty(), "errors were logged: {errors:#?}");
    }
}
