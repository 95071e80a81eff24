//! `tools/call`: how many a second, and how long a caller waits; over HTTP and over standard streams.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::Serialize;

use book::Book;
use call::Call;
use http::Http;
use stdio::Stdio;

use crate::{
    process::{Stretch, allow_open_files},
    report::say,
    server::{Placement, Server},
    target::Target,
    wire::message,
};

mod answer;
mod book;
mod call;
pub(crate) mod floor;
mod http;
mod stdio;

/// Maximum time for a server to answer a call, including its start.
const PATIENCE: Duration = Duration::from_secs(20);
const CONCURRENCY_MAX: usize = 1_000;
/// A call then fits in the empty buffer of a socket.
const SIZE_MAX: usize = 8 * 1024;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Start this program and call it over its stdin and stdout, instead of the server at --url
    #[arg(last = true)]
    pub(crate) program: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Load {
    /// Number of concurrent calls: over HTTP, each on a keep-alive connection of its own
    #[arg(long, default_value_t = 1)]
    pub(crate) concurrency: usize,
    /// Number of measured seconds
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Seconds of load before the measurement
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
    /// Bytes in each message
    #[arg(long, default_value_t = 100)]
    pub(crate) size: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) transport: &'static str,
    #[serde(flatten)]
    pub(crate) load: Load,
    pub(crate) calls: u64,
    pub(crate) calls_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p90_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) p99_by_p50: f64,
    pub(crate) server_cpu_us_per_call: f64,
    /// Share of its one core: near 1, the generator was the slower of the two.
    pub(crate) generator_cores: f64,
    pub(crate) foreign_cores: f64,
}

/// A connection to a server, with as many lanes as concurrent calls.
trait Transport {
    fn send(&mut self, lane: usize, call: &[u8]) -> Result<()>;

    /// Waits for answers, at most `timeout`, passes each to the book and sends the call that takes its place.
    fn turn(&mut self, book: &mut Book, timeout: Duration) -> Result<()>;
}

pub(crate) fn run(options: &Options) -> Result<Outcome> {
    let Some((program, arguments)) = options.program.split_first() else {
        return over_http(&options.target, options.load);
    };
    over_stdio(Command::new(program).args(arguments), &Placement::anywhere()?, options.load)
}

pub(crate) fn over_http(target: &Target, load: Load) -> Result<Outcome> {
    load.check()?;
    allow_open_files(load.concurrency + 100)?;
    let server = target.address()?;
    let http = Http::connect(server, load.concurrency)?;
    measure("http", http, Call::http(server, load.size), target.pid, load)
}

/// Starts `command` for this measurement; it ends with it.
pub(crate) fn over_stdio(command: &mut Command, placement: &Placement, load: Load) -> Result<Outcome> {
    load.check()?;
    let (server, stdin, stdout) = Server::spawn_piped(command, placement)?;
    let stdio = Stdio::new(stdin, stdout)?;
    let outcome = measure("stdio", stdio, Call::line(load.size), Some(server.pid()), load);
    outcome.map_err(|error| error.context(format!("the server said:\n{}", server.said())))
}

fn measure(
    transport: &'static str,
    mut lanes: impl Transport,
    call: Call,
    pid: Option<u32>,
    load: Load,
) -> Result<Outcome> {
    let mut book = Book::new(call);
    // A lone call before the load and one after it show the end of the log.
    alone(&mut lanes, &mut book)?;
    let before = book.position();
    drive(&mut lanes, &mut book, load.concurrency, load.warm_up)?;
    let stretch = Stretch::begin(pid)?;
    drive(&mut lanes, &mut book, load.concurrency, load.seconds)?;
    let spent = stretch.end()?;
    let (calls, p50, p90, p99, p999) = (
        book.answered,
        book.latency.quantile_us(0.5),
        book.latency.quantile_us(0.9),
        book.latency.quantile_us(0.99),
        book.latency.quantile_us(0.999),
    );
    ensure!(calls > 0, "no call was answered");
    alone(&mut lanes, &mut book)?;
    book.position().check_since(before)?;
    let outcome = Outcome {
        transport,
        load,
        calls,
        calls_per_second: calls as f64 / spent.seconds,
        p50_us: p50,
        p90_us: p90,
        p99_us: p99,
        p999_us: p999,
        p99_by_p50: p99 / p50,
        server_cpu_us_per_call: spent.server_cpu_us / calls as f64,
        generator_cores: spent.generator_cpu_us / 1e6 / spent.seconds,
        foreign_cores: spent.foreign_cores,
    };
    outcome.say();
    Ok(outcome)
}

fn alone(lanes: &mut impl Transport, book: &mut Book) -> Result<()> {
    book.open(0);
    lanes.send(0, book.one_more())?;
    finish(lanes, book)
}

/// Keeps `concurrency` calls running for `seconds`, and waits for the last answers.
fn drive(lanes: &mut impl Transport, book: &mut Book, concurrency: usize, seconds: f64) -> Result<()> {
    book.open(Duration::from_secs_f64(seconds).as_nanos() as u64);
    for lane in 0..concurrency {
        let Some(call) = book.next_call() else { break };
        lanes.send(lane, call)?;
    }
    finish(lanes, book)
}

fn finish(lanes: &mut impl Transport, book: &mut Book) -> Result<()> {
    let mut heard = (book.answered, Instant::now());
    while !book.is_idle() {
        lanes.turn(book, Duration::from_millis(100))?;
        if book.answered != heard.0 {
            heard = (book.answered, Instant::now());
        }
        ensure!(heard.1.elapsed() < PATIENCE, "no call was answered for {PATIENCE:?}");
    }
    Ok(())
}

impl Load {
    fn check(self) -> Result<()> {
        ensure!(
            (1..=CONCURRENCY_MAX).contains(&self.concurrency),
            "--concurrency must be between 1 and {CONCURRENCY_MAX}"
        );
        ensure!(
            (message::SIZE_MIN..=SIZE_MAX).contains(&self.size),
            "--size must be between {} and {SIZE_MAX}",
            message::SIZE_MIN
        );
        ensure!(
            (0.0..=600.0).contains(&self.warm_up) && self.seconds > 0.0 && self.seconds <= 600.0,
            "--seconds and --warm-up must be at most 600"
        );
        Ok(())
    }
}

impl Outcome {
    fn say(&self) {
        say(format_args!(
            "{}, {} calls at a time: {:.0} calls/s, answered after p50 {:.0} us, p99 {:.0} us ({:.1} times p50); \
             {:.1} us of server CPU per call; the generator kept {:.2} cores busy and others {:.2}",
            self.transport,
            self.load.concurrency,
            self.calls_per_second,
            self.p50_us,
            self.p99_us,
            self.p99_by_p50,
            self.server_cpu_us_per_call,
            self.generator_cores,
            self.foreign_cores,
        ));
    }
}
