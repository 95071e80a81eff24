//! A receiver of webhooks, which notes what it gets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use fanfare_store_suite::harness::soon;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The answer to a request that is not answered with 200 at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// 500, once the receiver is released.
    LateFailure,
    /// None.
    Never,
}

/// A receiver; runs until the end of the test.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The messages of all requests, in order.
    got: watch::Sender<Vec<String>>,
    answers: Mutex<VecDeque<Answer>>,
    is_released: watch::Sender<bool>,
    /// Whether a request that gets no answer was cut off.
    is_cut_off: watch::Sender<bool>,
}

/// Notes that a request is cut off.
struct CutOff(Arc<Shared>);

impl Drop for CutOff {
    fn drop(&mut self) {
        self.0.is_cut_off.send_replace(true);
    }
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let shared = Arc::new(Shared {
            got: watch::Sender::new(Vec::new()),
            answers: Mutex::default(),
            is_released: watch::Sender::new(false),
            is_cut_off: watch::Sender::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move {
            let routes = TowerToHyperService::new(routes);
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), routes.clone()));
            }
        });
        Receiver { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers the next request in this way.
    pub(crate) fn answer(&self, answer: Answer) {
        self.shared.answers.lock().expect("whole").push_back(answer);
    }

    /// Sends the late answers.
    pub(crate) fn release(&self) {
        self.shared.is_released.send_replace(true);
    }

    /// Waits until a request that gets no answer is cut off.
    pub(crate) async fn is_cut_off(&self) {
        let mut is_cut_off = self.shared.is_cut_off.subscribe();
        soon(is_cut_off.wait_for(|is_cut_off| *is_cut_off)).await.expect("it runs");
    }

    /// Waits for a number of requests; returns all messages.
    pub(crate) async fn gets(&self, count: usize) -> Vec<String> {
        self.until(|got| got.len() >= count).await
    }

    /// Waits for a message; returns all messages.
    pub(crate) async fn gets_message(&self, message: &str) -> Vec<String> {
        self.until(|got| got.iter().any(|one| one == message)).await
    }

    async fn until(&self, is_enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut got = self.shared.got.subscribe();
        soon(got.wait_for(|got| is_enough(got))).await.expect("it runs").clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, body: String) -> StatusCode {
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let message = body["message"].as_str().expect("a message").to_owned();
    let answer = shared.answers.lock().expect("whole").pop_front();
    shared.got.send_modify(|got| got.push(message));
    match answer {
        None => StatusCode::OK,
        Some(Answer::Never) => {
            let _cut_off = CutOff(Arc::clone(&shared));
            std::future::pending().await
        }
        Some(Answer::LateFailure) => {
            let mut is_released = shared.is_released.subscribe();
            is_released.wait_for(|is_released| *is_released).await.expect("it runs");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
