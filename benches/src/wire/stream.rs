//! The response of `GET /stream`: a head, then frames without end.

use anyhow::{Result, ensure};

use super::{
    body::Body,
    head::{Head, Length},
    sse::{Frame, Frames},
};

#[derive(Debug, Default)]
pub(crate) struct StreamReader {
    head: Vec<u8>,
    body: Option<Body>,
    frames: Frames,
}

impl StreamReader {
    pub(crate) fn is_open(&self) -> bool {
        self.body.is_some()
    }

    /// Returns whether the server has ended the stream in the chunked encoding.
    pub(crate) fn has_ended(&self) -> bool {
        self.body.as_ref().is_some_and(Body::has_ended)
    }

    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(Frame<'_>)) -> Result<()> {
        let Self { head, body, frames } = self;
        if let Some(body) = body {
            return body.feed(bytes, |content| frames.feed(content, &mut each));
        }
        head.extend_from_slice(bytes);
        let Some(parsed) = Head::parse(head)? else { return Ok(()) };
        let status = parsed.status()?;
        ensure!(status == 200, "GET /stream was answered {}", String::from_utf8_lossy(head));
        let body = body.insert(if parsed.length == Length::Chunked { Body::chunked() } else { Body::Plain });
        let rest = parsed.len;
        body.feed(&head[rest..], |content| frames.feed(content, &mut each))?;
        *head = Vec::new();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::StreamReader;

    #[test]
    fn frames_come_out_of_chunks_that_cut_them_anywhere() {
        let wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nid: \r\n15\r\na-7\ndata: x\n\nid: a-8\n\r\n9\r\ndata: y\n\n\r\n";
        for size in 1..wire.len() {
            let mut reader = StreamReader::default();
            let mut seqs = Vec::new();
            for piece in wire.chunks(size) {
                reader.feed(piece, |frame| seqs.extend(frame.seq())).expect("well formed");
            }
            assert_eq!(seqs, [7, 8], "in pieces of {size}");
            assert!(reader.is_open() && !reader.has_ended());
        }
    }

    #[test]
    fn a_refusal_is_an_error_that_says_why() {
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno!";
        let error = StreamReader::default().feed(refusal, |_| ()).expect_err("refused");
        assert!(error.to_string().contains("no!"), "{error}");
    }
}
