//! A blocking client for everything but the load: preparing a log, reading it back, a single stream.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::{
    pause::pause,
    wire::{
        request,
        response::{Response, ResponseReader},
        sse::Frame,
        stream::StreamReader,
    },
};

const DEADLINE: Duration = Duration::from_secs(30);
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Events in one batch of a prepared log: a tenth of the maximum batch.
const PREPARED_BATCH: u64 = 1_000;

/// One keep-alive connection.
pub(crate) struct Client {
    server: SocketAddr,
    stream: TcpStream,
    reader: ResponseReader,
    buffer: Vec<u8>,
}

/// The end of the log, from `/api/status`.
#[derive(Clone, Debug)]
pub(crate) struct LogEnd {
    pub(crate) epoch: String,
    pub(crate) last_seq: u64,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Result<Self> {
        Ok(Self::over(server, connect(server)?))
    }

    /// Connects from `source`, another address of this machine, and so as another caller.
    pub(crate) fn connect_from(source: Ipv4Addr, server: SocketAddr) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&server.into(), DEADLINE)?;
        Ok(Self::over(server, prepared(socket.into())?))
    }

    fn over(server: SocketAddr, stream: TcpStream) -> Self {
        Self { server, stream, reader: ResponseReader::default(), buffer: vec![0; 64 * 1024] }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Response> {
        self.exchange(&request::get(self.server, path, "*/*", ""))
    }

    pub(crate) fn get_json(&mut self, path: &str) -> Result<Value> {
        let response = self.get(path)?;
        let text = String::from_utf8_lossy(&response.body);
        ensure!(response.status == 200, "GET {path} was answered {} {text}", response.status);
        serde_json::from_str(&text).with_context(|| format!("GET {path} was not answered with JSON"))
    }

    pub(crate) fn push(&mut self, body: &str) -> Result<Response> {
        self.post("/api/push", body)
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<Response> {
        self.exchange(&request::post_json(self.server, path, body))
    }

    /// Sends a whole request and waits for the response.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        self.stream.write_all(request)?;
        loop {
            let len = self.stream.read(&mut self.buffer)?;
            ensure!(len > 0, "the server hung up before it answered");
            if let Some(response) = self.reader.feed(&self.buffer[..len])? {
                return Ok(response);
            }
        }
    }

    pub(crate) fn log_end(&mut self) -> Result<LogEnd> {
        let status = self.get_json("/api/status")?;
        let last = status["last"].as_str().and_then(|last| last.rsplit_once('-'));
        let last_seq = last.and_then(|(_, seq)| seq.parse().ok()).unwrap_or_default();
        let epoch = status["epoch"].as_str().context("/api/status names no epoch")?.to_owned();
        Ok(LogEnd { epoch, last_seq })
    }

    /// Returns the value of a counter in `/metrics`, its labels summed up; `None` if there is no such counter.
    pub(crate) fn counter(&mut self, name: &str) -> Result<Option<f64>> {
        let response = self.get("/metrics")?;
        Ok(counter_in(&String::from_utf8_lossy(&response.body), name))
    }

    /// Fills an empty log with `count` events; `event` returns the JSON of each.
    pub(crate) fn prepare(&mut self, count: u64, event: impl Fn(u64) -> String) -> Result<()> {
        let end = self.log_end()?;
        ensure!(
            end.last_seq == 0,
            "the log must be empty and has {} events: start a fresh server",
            end.last_seq
        );
        for first in (0..count).step_by(PREPARED_BATCH as usize) {
            let mut body = String::from("[");
            for number in first..count.min(first + PREPARED_BATCH) {
                let comma = if number > first { "," } else { "" };
                write!(body, "{comma}{}", event(number))?;
            }
            body.push(']');
            self.push_patiently(&body)?;
        }
        ensure!(self.log_end()?.last_seq == count, "the log does not end at {count} after {count} events");
        Ok(())
    }

    /// Pushes events that need not be fast: waits briefly if the server is overloaded.
    fn push_patiently(&mut self, body: &str) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let response = self.push(body)?;
            match response.status {
                200 => return Ok(()),
                429 | 503 if Instant::now() < deadline => pause(BUSY_PAUSE),
                status => bail!("a push was answered {status} {}", String::from_utf8_lossy(&response.body)),
            }
        }
    }
}

fn counter_in(metrics: &str, name: &str) -> Option<f64> {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        delimited(rest)?.split_ascii_whitespace().last()?.parse::<f64>().ok()
    });
    values.reduce(|sum, value| sum + value)
}

/// `rest` if the name before it ended there.
fn delimited(rest: &str) -> Option<&str> {
    rest.starts_with([' ', '{']).then_some(rest)
}

pub(crate) fn connect(server: SocketAddr) -> Result<TcpStream> {
    ensure!(server.ip().is_loopback(), "load goes to loopback addresses only, {server} is none");
    prepared(TcpStream::connect_timeout(&server, DEADLINE)?)
}

fn prepared(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}

/// One `GET /stream`.
pub(crate) struct Stream {
    stream: TcpStream,
    reader: StreamReader,
    buffer: Vec<u8>,
}

impl Stream {
    /// Sends the request; `headers` are whole lines.
    pub(crate) fn open(server: SocketAddr, path: &str, headers: &str) -> Result<Self> {
        let mut stream = connect(server)?;
        stream.write_all(&request::get(server, path, "text/event-stream", headers))?;
        Ok(Self { stream, reader: StreamReader::default(), buffer: vec![0; 64 * 1024] })
    }

    /// Sets the maximum time of one `read`.
    pub(crate) fn patience(&self, patience: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(patience))?)
    }

    /// Returns whether the server has answered.
    pub(crate) fn is_open(&self) -> bool {
        self.reader.is_open()
    }

    /// Reads once and hands the frames to `each`; false at the end of the stream.
    pub(crate) fn read(&mut self, each: impl FnMut(Frame<'_>)) -> Result<bool> {
        let len = match self.stream.read(&mut self.buffer) {
            Ok(0) => return Ok(false),
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(true);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => bail!(error),
        };
        self.reader.feed(&self.buffer[..len], each)?;
        Ok(!self.reader.has_ended())
    }
}

#[cfg(test)]
mod tests {
    use super::counter_in;

    #[test]
    fn counters_are_summed_over_their_labels_and_not_over_their_namesakes() {
        let metrics =
            "# TYPE commits counter\ncommits_total{engine=\"a b\"} 3\ncommits_total 4\ncommits_total_x 9\n";
        assert_eq!(counter_in(metrics, "commits_total"), Some(7.0));
        assert_eq!(counter_in(metrics, "absent"), None);
    }
}
