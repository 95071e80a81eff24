//! The relay of a process that is attached to a gateway. It forwards messages, and moves to the next gateway when one
//! exits.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_mcp::json_rpc;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::cli::Failure;
use crate::cli::mcp::memory::{Disposition, Memory, Replay};
use crate::cli::mcp::place::Trouble;
use crate::cli::mcp::stdio::{Input, Output};
use fanfare_client::mcp::Socket;
use fanfare_client::{self, SILENCE_MAX, Target, backoff};
use fanfare_core::{Caller, Principal};
use fanfare_runtime::budget::Budget;
use fanfare_server::mcp::outbox::Outbox;
use fanfare_server::mcp::transports::lines::{FINISH_MAX, FLUSH_MAX, Lines, TooLong, Writer};
use fanfare_server::mcp::transports::websocket::ANSWERED;

/// How long a gateway may read nothing.
const STALL_MAX: Duration = Duration::from_secs(60);
/// How long to wait for the close frame of a gateway that reads nothing more.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// A question for the gateway's place. The sender gets the answer.
pub(crate) type Question = oneshot::Sender<Result<Target, Trouble>>;

/// The configuration of a relay.
#[derive(Debug)]
pub(crate) struct Config {
    /// Sends questions to the task that finds gateways.
    pub(crate) finder: mpsc::Sender<Question>,
    /// Whether the user named the gateway.
    pub(crate) is_named: bool,
    /// The toolset that the user chose.
    pub(crate) toolset: Option<String>,
    /// How long requests wait for a gateway.
    pub(crate) patience: Duration,
}

/// Relays messages between the client and a gateway.
#[derive(Debug)]
pub(crate) struct Relay {
    config: Config,
    /// Guards the memory. Locked for one message at a time.
    memory: Mutex<Memory>,
    /// Messages for the client.
    outbox: Outbox,
    /// Whether the relay was ever connected to a gateway.
    was_connected: AtomicBool,
    /// Whether the client's input has ended.
    input_ended: AtomicBool,
    /// Notified after each message of the gateway once the input has ended.
    settled: Notify,
    /// Why there is no gateway, once requests have waited too long and are refused.
    away: Mutex<Option<String>>,
}

/// How a connection ended.
enum End {
    /// The gateway is gone. `answered` is true if it has said that it answered every request it started.
    Lost { answered: bool },
    /// The client needs the gateway no longer.
    Settled,
}

type Sink = SplitSink<Socket, Message>;

impl Relay {
    pub(crate) fn new(config: Config) -> Relay {
        Relay {
            config,
            memory: Mutex::default(),
            outbox: Outbox::new(Budget::default().account(&Caller::new(&Principal::local(), None))),
            was_connected: AtomicBool::new(false),
            input_ended: AtomicBool::new(false),
            settled: Notify::new(),
            away: Mutex::default(),
        }
    }

    /// Relays messages until the input has ended and every request is answered.
    pub(crate) async fn run(&self, input: Input, output: Output) -> Result<(), Failure> {
        let mut writer = Writer::new(&self.outbox, output);
        let writing = writer.run();
        tokio::pin!(writing);
        let relayed = tokio::select! {
            relayed = self.relay(Lines::new(input)) => relayed,
            written = &mut writing => return Ok(written?),
        };
        self.outbox.end();
        match tokio::time::timeout(FLUSH_MAX, writing).await {
            Ok(written) => written?,
            Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
        relayed
    }

    async fn relay(&self, mut lines: Lines<Input>) -> Result<(), Failure> {
        loop {
            let Some(socket) = self.reconnect(&mut lines).await? else { return Ok(()) };
            let End::Lost { answered } = self.converse(socket, &mut lines).await else { return Ok(()) };
            let answers = self.memory().lost(answered);
            self.tell(answers).await;
        }
    }

    /// Relays messages over one connection until one side ends it.
    async fn converse(&self, socket: Socket, lines: &mut Lines<Input>) -> End {
        let (mut sink, mut stream) = socket.split();
        let Replay { send, tell } = self.memory().replay();
        let up = async {
            for text in send {
                within(sink.feed(Message::Text(text))).await?;
            }
            within(sink.flush()).await?;
            self.tell(tell).await;
            self.pass_on(lines, &mut sink).await
        };
        let down = self.pass_back(&mut stream);
        tokio::pin!(down);
        tokio::select! {
            biased;
            end = &mut down => end,
            up = up => match up {
                Some(()) => End::Settled,
                // The gateway may have sent a close frame before it stopped reading.
                None => tokio::time::timeout(CLOSE_MAX, down).await.unwrap_or(End::Lost { answered: false }),
            },
        }
    }

    /// Forwards messages of the client until nothing is left to do. `None` if the gateway reads no more.
    async fn pass_on(&self, lines: &mut Lines<Input>, sink: &mut Sink) -> Option<()> {
        loop {
            while let Some(line) = lines.take() {
                match line {
                    Ok(line) => self.pass_on_one(&line, sink).await?,
                    Err(too_long) => self.refuse(&too_long.refused()).await,
                }
            }
            within(sink.flush()).await?;
            if self.input_ended.load(Ordering::Relaxed) {
                let farewell = self.memory().end_input();
                within(sink.send(Message::Text(farewell))).await?;
                let settled = async {
                    while !self.memory().is_done() {
                        self.settled.notified().await;
                    }
                };
                if tokio::time::timeout(FINISH_MAX, settled).await.is_err() {
                    tracing::warn!("some calls did not end in time and were cut off");
                }
                return Some(());
            }
            let last = self.fill(lines).await;
            // If the gateway exited before this message, notice that first and keep the message for the next gateway.
            tokio::task::yield_now().await;
            match last {
                Some(Ok(last)) => self.pass_on_one(&last, sink).await?,
                Some(Err(too_long)) => self.refuse(&too_long.refused()).await,
                None => {}
            }
        }
    }

    async fn pass_on_one(&self, line: &[u8], sink: &mut Sink) -> Option<()> {
        if let Some((text, first)) = self.heard(line).await {
            if let Some(first) = first {
                within(sink.feed(Message::Text(first))).await?;
            }
            within(sink.feed(Message::Text(text))).await?;
        }
        Some(())
    }

    /// Reads more input. At the end of the input, returns the last, unterminated line.
    async fn fill(&self, lines: &mut Lines<Input>) -> Option<Result<bytes::BytesMut, TooLong>> {
        match lines.fill().await {
            Ok(true) => None,
            // An error also ends the input.
            Ok(false) | Err(_) => {
                self.input_ended.store(true, Ordering::Relaxed);
                lines.rest()
            }
        }
    }

    /// Records a message of the client, and returns the message to send and one to send before it. `None` if the
    /// message was answered here.
    async fn heard(&self, line: &[u8]) -> Option<(Utf8Bytes, Option<Utf8Bytes>)> {
        let Ok(text) = String::from_utf8(line.to_vec()).map(Utf8Bytes::from) else {
            if let Err(refused) = json_rpc::parse(line) {
                self.refuse(&refused).await;
            }
            return None;
        };
        let heard = self.memory().heard(&text);
        match heard {
            Disposition::Answer(answer) => {
                self.tell(vec![answer]).await;
                None
            }
            Disposition::Send(first) => Some((text, first)),
        }
    }

    /// Forwards messages of the gateway until the connection ends.
    async fn pass_back(&self, stream: &mut SplitStream<Socket>) -> End {
        loop {
            match tokio::time::timeout(SILENCE_MAX, stream.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    let is_for_client = self.memory().told(&text);
                    if is_for_client {
                        // This fails if the client is gone, which the writer notices.
                        let _ = self.outbox.send(bytes::Bytes::from(text)).await;
                    }
                    if self.input_ended.load(Ordering::Relaxed) {
                        self.settled.notify_one();
                    }
                }
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let answered = frame.is_some_and(|frame| frame.reason == ANSWERED);
                    return End::Lost { answered };
                }
                Ok(Some(Ok(
                    Message::Binary(_) | Message::Frame(_) | Message::Ping(_) | Message::Pong(_),
                ))) => {}
                Ok(Some(Err(_)) | None) | Err(_) => return End::Lost { answered: false },
            }
        }
    }

    /// Connects to the next gateway, and reads messages of the client in the meantime. `None` if the client needs no
    /// gateway any more.
    async fn reconnect(&self, lines: &mut Lines<Input>) -> Result<Option<Socket>, Failure> {
        let started = Instant::now();
        let last_trouble = Mutex::new(None::<Failure>);
        let finding = self.find(&last_trouble);
        tokio::pin!(finding);
        let found = loop {
            let is_settled = self.input_ended.load(Ordering::Relaxed) && self.memory().is_done();
            if is_settled {
                return match last_trouble.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    Some(trouble) if self.away().is_some() => Err(trouble),
                    _ => Ok(None),
                };
            }
            let reads = !self.input_ended.load(Ordering::Relaxed) && self.memory().has_room();
            let is_away = self.away().is_some();
            tokio::select! {
                found = &mut finding => break found,
                () = self.read_ahead(lines), if reads => {}
                () = tokio::time::sleep_until(started + self.config.patience), if !is_away => {
                    let trouble = last_trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let problem = trouble.map_or_else(|| "it does not respond".into(), |trouble| trouble.what);
                    *self.away() = Some(format!("no gateway is available right now: {problem}"));
                }
            }
            let away = self.away().clone();
            if let Some(problem) = away {
                let answers = self.memory().refuse(&problem);
                self.tell(answers).await;
            }
        };
        *self.away() = None;
        match found {
            Ok(socket) => Ok(Some(socket)),
            Err(failure) => {
                let answers = self.memory().refuse(&failure.what);
                self.tell(answers).await;
                Err(failure)
            }
        }
    }

    /// Retries until a gateway accepts the connection.
    async fn find(&self, last_trouble: &Mutex<Option<Failure>>) -> Result<Socket, Failure> {
        let mut attempt = 0;
        loop {
            let failure = match self.connect().await {
                Ok(socket) => return Ok(socket),
                Err(Trouble::Lasting(failure)) => return Err(failure),
                Err(Trouble::Passing(failure)) => failure,
            };
            tracing::debug!(problem = %failure.what, "no gateway is available yet");
            *last_trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            tokio::time::sleep(delay(attempt, self.config.is_named)).await;
            attempt += 1;
        }
    }

    async fn connect(&self) -> Result<Socket, Trouble> {
        let stopping = || Trouble::Lasting(Failure::failed("this process is about to exit"));
        let (question, answer) = oneshot::channel();
        self.config.finder.send(question).await.map_err(|_| stopping())?;
        let target = answer.await.map_err(|_| stopping())??;
        let connected = fanfare_client::mcp::connect(&target, self.config.toolset.as_deref()).await;
        let socket = connected.map_err(|error| {
            // A gateway ran there before, so another program at its address will not stay there for long.
            if error.is_passing() || self.was_connected.load(Ordering::Relaxed) {
                Trouble::Passing(error.into())
            } else {
                Trouble::Lasting(error.into())
            }
        })?;
        self.was_connected.store(true, Ordering::Relaxed);
        Ok(socket)
    }

    /// Records messages of the client while there is no gateway. Requests wait; other messages are dropped, because
    /// they mean nothing to the next gateway.
    async fn read_ahead(&self, lines: &mut Lines<Input>) {
        while self.memory().has_room()
            && let Some(line) = lines.take()
        {
            match line {
                Ok(line) => drop(self.heard(&line).await),
                Err(too_long) => self.refuse(&too_long.refused()).await,
            }
        }
        if self.memory().has_room()
            && let Some(last) = self.fill(lines).await
        {
            match last {
                Ok(last) => drop(self.heard(&last).await),
                Err(too_long) => self.refuse(&too_long.refused()).await,
            }
        }
    }

    async fn refuse(&self, refused: &json_rpc::BadMessage) {
        self.tell(vec![json_rpc::write_error(refused.id.as_ref(), &refused.error)]).await;
    }

    async fn tell(&self, messages: Vec<Vec<u8>>) {
        for message in messages {
            // This fails if the client is gone, which the writer notices.
            let _ = self.outbox.send(message).await;
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self) -> MutexGuard<'_, Option<String>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the delay before the next attempt. It stays short on this machine, where another process soon takes over.
fn delay(attempt: u32, is_named: bool) -> Duration {
    const FIRST: Duration = Duration::from_millis(100);
    const NEAR_ATTEMPT_MAX: u32 = 4;
    let attempt = if is_named { attempt } else { attempt.min(NEAR_ATTEMPT_MAX) };
    backoff::pause(attempt, FIRST, None, rand::random_range(0.0..1.0))
}

/// Waits for a write, up to [`STALL_MAX`].
async fn within<E>(write: impl Future<Output = Result<(), E>>) -> Option<()> {
    tokio::time::timeout(STALL_MAX, write).await.ok()?.ok()
}
