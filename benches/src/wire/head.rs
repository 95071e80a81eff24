//! The head of a request or response: only the parts that the generator and the floor need.

use anyhow::{Context, Result, bail, ensure};

/// Maximum length of a head; none here has a reason to be longer.
const HEAD_LEN_MAX: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Bytes(usize),
    Chunked,
    /// Until the connection closes (a response), or nothing (a request).
    Unsaid,
}

#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) first_line: &'a str,
    pub(crate) length: Length,
    /// The length of the head in bytes, including its empty line.
    pub(crate) len: usize,
}

impl<'a> Head<'a> {
    /// Parses a head from the start of `bytes`; `None` while its end has not arrived.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
            ensure!(bytes.len() <= HEAD_LEN_MAX, "a head of over {HEAD_LEN_MAX} bytes");
            return Ok(None);
        };
        let mut lines = str::from_utf8(&bytes[..end]).context("a head that is not text")?.split("\r\n");
        let first_line = lines.next().unwrap_or_default();
        let mut length = Length::Unsaid;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Bytes(value.parse().context("a content-length that is no number")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                ensure!(
                    value.eq_ignore_ascii_case("chunked"),
                    "transfer-encoding `{value}` is not spoken here"
                );
                length = Length::Chunked;
            }
        }
        Ok(Some(Self { first_line, length, len: end + 4 }))
    }

    pub(crate) fn status(&self) -> Result<u16> {
        let Some(code) = self.first_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
            bail!("`{}` is no HTTP/1.1 status line", self.first_line)
        };
        Ok(code.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, Length};

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let bytes = b"HTTP/1.1 429 Too Many Requests\r\nContent-LENGTH:  12 \r\nx: y\r\n\r\nbody";
        assert!(Head::parse(&bytes[..40]).expect("a beginning").is_none());
        let head = Head::parse(bytes).expect("a head").expect("whole");
        assert_eq!((head.status().expect("a status"), head.length), (429, Length::Bytes(12)));
        assert_eq!(&bytes[head.len..], b"body");
    }

    #[test]
    fn chunks_are_recognised_and_nonsense_refused() {
        let chunked = Head::parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(chunked.expect("a head").expect("whole").length, Length::Chunked);
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
        assert!(Head::parse(&[b'a'; 20_000]).is_err());
    }
}
