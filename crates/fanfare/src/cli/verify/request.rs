//! A saved request: its headers and the exact bytes of its body.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use fanfare_core::Timestamp;

use crate::cli::failure::{Failure, said};
use crate::cli::verify::Args;

/// Maximum size of a request, far above that of any webhook.
const LEN_MAX: u64 = 64 * 1024 * 1024;

/// A saved request.
#[derive(Debug)]
pub(super) struct Request {
    /// The headers, in their original order.
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads the request from the flags and the files that they name.
    pub(super) fn read(args: &Args) -> Result<Request, Failure> {
        let mut headers = Vec::new();
        for header in &args.header {
            headers.push(header_in(header).ok_or_else(|| not_a_header("--header"))?);
        }
        if let Some(path) = &args.headers {
            let bytes = bytes_of(path)?;
            headers.extend(headers_in(&bytes, path)?);
        }
        let body = bytes_of(&args.body)?;
        if !args.http {
            return Ok(Request { headers, body });
        }
        let (head, body) = split(&body).ok_or_else(|| {
            Failure::usage("no blank line between headers and body")
                .at(args.body.display().to_string())
                .fix("use a file with the whole request, or pass the headers with -H and drop --http")
        })?;
        headers.extend(headers_in(head, &args.body)?);
        Ok(Request { headers, body: body.to_vec() })
    }

    /// Returns the same request with another body.
    pub(super) fn with_body(&self, body: Vec<u8>) -> Request {
        Request { headers: self.headers.clone(), body }
    }

    /// Returns the names and values of the headers.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// Returns the first header called `name`, ignoring case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.header(name).is_some()
    }

    /// Returns whether the request has any header of Standard Webhooks.
    pub(super) fn is_standard(&self) -> bool {
        ["webhook-signature", "webhook-id", "webhook-timestamp", "svix-signature"]
            .iter()
            .any(|name| self.has(name))
    }

    /// Returns the time of the signature, according to the headers.
    pub(super) fn signed(&self) -> Option<Timestamp> {
        let in_stripe = || {
            let parts = self.header("stripe-signature")?.split(',');
            parts.filter_map(|part| part.trim().strip_prefix("t=")).next()
        };
        let text =
            self.header("webhook-timestamp").or_else(|| self.header("svix-timestamp")).or_else(in_stripe)?;
        let seconds: i64 =
            text.trim().parse().ok().filter(|seconds| (0..100_000_000_000).contains(seconds))?;
        Some(Timestamp::from_micros(seconds * 1_000_000))
    }
}

/// Splits a request at the first blank line. Lines may end in LF or CRLF.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut start = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = &bytes[start..at];
        if matches!(line, b"" | b"\r") {
            return Some((&bytes[..start], &bytes[at + 1..]));
        }
        start = at + 1;
    }
    None
}

/// Parses header lines. The first line may be a request or status line.
fn headers_in(bytes: &[u8], path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).enumerate();
    lines
        .filter(|(index, line)| !(*index == 0 && is_start_line(line)))
        .map(|(_, line)| {
            // `curl -v` marks the lines that it sends and receives.
            let line = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")).unwrap_or(line);
            header_in(line).ok_or_else(|| not_a_header(&path.display().to_string()))
        })
        .collect()
}

fn is_start_line(line: &str) -> bool {
    line.starts_with("HTTP/") || line.split_whitespace().last().is_some_and(|last| last.starts_with("HTTP/"))
}

fn header_in(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| (name.to_owned(), value.trim().to_owned()))
}

fn not_a_header(place: &str) -> Failure {
    Failure::usage("a line is not a header")
        .at(place)
        .fix("write headers like `webhook-id: msg_…`, one per line")
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path.as_os_str() == "-" {
        io::stdin().lock().take(LEN_MAX + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LEN_MAX + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| match path.as_os_str() == "-" {
        true => Failure::usage("cannot read stdin").why(said(&error)),
        false => Failure::file("read", path, &error),
    })?;
    if bytes.len() as u64 > LEN_MAX {
        let what = format!("the request is over {} MiB", LEN_MAX >> 20);
        return Err(Failure::usage(what).at(path.display().to_string()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{headers_in, split};

    #[test]
    fn a_request_is_split_at_the_first_blank_line() {
        let cut = |text: &str| {
            split(text.as_bytes()).map(|(head, body)| {
                (String::from_utf8_lossy(head).into_owned(), String::from_utf8_lossy(body).into_owned())
            })
        };
        for (text, head, body) in [
            ("a: b\r\n\r\n{}\n\n", "a: b\r\n", "{}\n\n"),
            ("a: b\nc: d\n\n{\r\n\r\n}", "a: b\nc: d\n", "{\r\n\r\n}"),
            ("\nx", "", "x"),
        ] {
            assert_eq!(cut(text), Some((head.to_owned(), body.to_owned())), "{text:?}");
        }
        assert_eq!(cut("a: b\n{}"), None);
    }

    #[test]
    fn headers_are_parsed_as_tools_write_them() {
        let read = |text: &str| headers_in(text.as_bytes(), Path::new("x")).expect("headers");
        let wanted = [("webhook-id".to_owned(), "a:b".to_owned())];
        assert_eq!(read("POST /hook HTTP/1.1\r\nwebhook-id: a:b\r\n"), wanted);
        assert_eq!(read("> webhook-id: a:b\n"), wanted);
        assert_eq!(read("HTTP/1.1 200 OK\nwebhook-id:a:b  \n"), wanted);
        assert!(headers_in(b"POST /hook HTTP/1.1\nnothing\n", Path::new("x")).is_err());
    }
}
