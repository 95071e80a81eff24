//! A response with a body that ends, on a connection that stays.

use anyhow::{Result, ensure};

use super::{
    body::Body,
    head::{Head, Length},
};

/// Maximum length of a response: a page of history with 1,000 long events fits.
const RESPONSE_LEN_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct ResponseReader {
    bytes: Vec<u8>,
}

impl ResponseReader {
    /// Adds received bytes; returns the response once it is complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Response>> {
        self.bytes.extend_from_slice(bytes);
        ensure!(self.bytes.len() <= RESPONSE_LEN_MAX, "a response of over {RESPONSE_LEN_MAX} bytes");
        let Some(head) = Head::parse(&self.bytes)? else { return Ok(None) };
        let status = head.status()?;
        let head_text = String::from_utf8_lossy(&self.bytes[..head.len]).into_owned();
        let content = &self.bytes[head.len..];
        let body = match head.length {
            Length::Bytes(len) if content.len() < len => return Ok(None),
            Length::Bytes(len) => content[..len].to_vec(),
            Length::Chunked => {
                let mut decoder = Body::chunked();
                let mut body = Vec::new();
                decoder.feed(content, |bytes| {
                    body.extend_from_slice(bytes);
                    Ok(())
                })?;
                if !decoder.has_ended() {
                    return Ok(None);
                }
                body
            }
            Length::Unsaid => Vec::new(),
        };
        self.bytes.clear();
        Ok(Some(Response { status, head: head_text, body }))
    }
}

impl Response {
    /// Returns the value of a header.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseReader;

    #[test]
    fn responses_follow_each_other_on_one_connection() {
        let mut reader = ResponseReader::default();
        for wire in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        ] {
            let (last, beginning) = wire.split_last().expect("not empty");
            for byte in beginning {
                assert!(reader.feed(&[*byte]).expect("well formed").is_none());
            }
            let whole = reader.feed(&[*last]).expect("well formed").expect("whole");
            assert_eq!((whole.status, whole.body.as_slice()), (200, &b"body"[..]));
            assert_eq!(whole.header("Content-Length").is_some(), wire.len() < 50);
        }
    }
}
