//! The minimum work of a server for a call: find its id, count, and answer with as many bytes as Fanfare would.

use std::io::{Read, Write, stdin, stdout};

use anyhow::{Context, Result};

use super::call::CHANNEL;

/// The answer to the call in `body`, as the event `seq`.
pub(crate) fn answer(body: &[u8], seq: u64) -> Result<String> {
    let id = id_in(body).context("a call without an id")?;
    Ok(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":"Stored as k3f9x2ab-{seq} on `{CHANNEL}`. No one is listening right now; it can still be read later."}}],"structuredContent":{{"id":"k3f9x2ab-{seq}","channel":"{CHANNEL}","timestamp":"2026-11-21T08:00:00.123456+00:00","stream_clients":0,"total_webhooks":0,"webhooks_notified":0,"repeated":false}}}}}}"#
    ))
}

/// The digits of the first `"id":`; in the generator's calls it is the call's own.
fn id_in(body: &[u8]) -> Option<&str> {
    const NAME: &[u8] = br#""id":"#;
    let digits = &body[memchr::memmem::find(body, NAME)? + NAME.len()..];
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&digits[..len]).ok().filter(|digits| !digits.is_empty())
}

/// Answers line by line until stdin ends: one read, one write for all that it held.
pub(crate) fn serve_stdio() -> Result<()> {
    let (mut calls, mut answers) = (stdin().lock(), stdout().lock());
    let (mut buffer, mut partial, mut seq) = (vec![0; 64 * 1024], Vec::new(), 0);
    loop {
        let len = calls.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        partial.extend_from_slice(&buffer[..len]);
        let (mut start, mut said) = (0, String::new());
        while let Some(len) = memchr::memchr(b'\n', &partial[start..]) {
            seq += 1;
            said.push_str(&answer(&partial[start..start + len], seq)?);
            said.push('\n');
            start += len + 1;
        }
        partial.drain(..start);
        answers.write_all(said.as_bytes())?;
        answers.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::mcp::{answer::Answer, call::Call};

    #[test]
    fn the_floor_answers_what_the_generator_reads() {
        let call = Call::line(100).with_id(1_000_000_007).to_vec();
        let body = answer(&call, 42).expect("an id");
        let read = Answer::parse(body.as_bytes()).expect("an answer");
        assert_eq!((read.id, read.seq().expect("a seq")), (1_000_000_007, 42));
        assert!(answer(b"{}", 1).is_err());
    }
}
