//! Compressed request bodies, decoded a piece at a time, so that limits apply to the decoded bytes, not to
//! those that were sent. A body that would be huge is refused when it exceeds the limit of its route.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes};
use fanfare_core::Code;
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::problem::Problem;

/// The supported codings, for `Accept-Encoding`.
const UNDERSTOOD: HeaderValue = HeaderValue::from_static("gzip, identity");
/// The window of gzip (RFC 1952): every encoder stays within it.
const WINDOW_BITS: u8 = 15;
/// Maximum bytes that one step decodes: the most that a route holds before it can refuse more.
const PIECE_LEN_MAX: usize = 16 * 1024;
/// Maximum bytes of a compressed body: no route accepts more even when decoded, but empty pieces of gzip decode
/// to nothing and could go on forever.
const ENCODED_LEN_MAX: usize = 16 * 1024 * 1024;

/// The body is not what `Content-Encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGzip {
    /// The bytes are not gzip.
    #[error("the body is not gzip, although `Content-Encoding` says so")]
    Damaged,
    /// The bytes end within the data.
    #[error("the compressed body ended early")]
    EndedEarly,
    /// There are more bytes than any body may have.
    #[error("the compressed body is larger than {ENCODED_LEN_MAX} bytes")]
    TooLarge,
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Identity,
}

/// Makes the route read the decoded body; refuses a coding that is not supported (RFC 9110, section 15.5.16).
pub async fn decode(mut request: Request, next: Next) -> Response {
    match coding(request.headers()) {
        Ok(Coding::Identity) => {}
        Ok(Coding::Gzip) => {
            let headers = request.headers_mut();
            headers.remove(header::CONTENT_ENCODING);
            // It counts what was sent.
            headers.remove(header::CONTENT_LENGTH);
            request = request.map(|body| Body::new(Decoded::new(body)));
        }
        Err(_) if request.body().is_end_stream() => {}
        Err(problem) => {
            let mut response = problem.into_response();
            response.headers_mut().insert(header::ACCEPT_ENCODING, UNDERSTOOD);
            return response;
        }
    }
    next.run(request).await
}

fn coding(headers: &HeaderMap) -> Result<Coding, Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = codings.next() else { return Ok(Coding::Identity) };
    let name = value.to_str().unwrap_or("?").trim().to_ascii_lowercase();
    match (name.as_str(), codings.next()) {
        ("" | "identity", None) => Ok(Coding::Identity),
        ("gzip" | "x-gzip", None) => Ok(Coding::Gzip),
        (_, another) => {
            let what = match another {
                Some(_) => "the body is encoded twice".to_owned(),
                None => format!("the encoding `{}` is not supported", name.escape_debug()),
            };
            Err(Problem::new(Code::UnsupportedMediaType, what, "send the body as it is, or with `gzip`")
                .at("Content-Encoding:"))
        }
    }
}

/// A body that is decoded as it is read.
struct Decoded {
    body: Body,
    decoder: Decompress,
    /// Bytes that have arrived and are not decoded yet.
    encoded: Bytes,
    encoded_len: usize,
    /// Whether the decoder is at the start or the end of a member of the file, where the body may end.
    is_between: bool,
    /// Whether the decoder may have more output without further input.
    is_full: bool,
}

impl Decoded {
    fn new(body: Body) -> Decoded {
        Decoded {
            body,
            decoder: Decompress::new_gzip(WINDOW_BITS),
            encoded: Bytes::new(),
            encoded_len: 0,
            is_between: true,
            is_full: false,
        }
    }

    /// Decodes the next piece; empty if more bytes are needed for one.
    fn step(&mut self) -> Result<Bytes, NotGzip> {
        let mut piece = vec![0; PIECE_LEN_MAX];
        let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
        let status = self
            .decoder
            .decompress(&self.encoded, &mut piece, FlushDecompress::None)
            .map_err(|_| NotGzip::Damaged)?;
        let taken = usize::try_from(self.decoder.total_in() - before_in).map_err(|_| NotGzip::Damaged)?;
        let made = usize::try_from(self.decoder.total_out() - before_out).map_err(|_| NotGzip::Damaged)?;
        self.encoded.advance(taken);
        self.is_full = made == PIECE_LEN_MAX;
        self.is_between = status == Status::StreamEnd;
        if self.is_between {
            // A file can have several members, one after the other.
            self.decoder = Decompress::new_gzip(WINDOW_BITS);
            self.is_full = false;
        } else if taken == 0 && made == 0 && !self.encoded.is_empty() {
            return Err(NotGzip::Damaged);
        }
        piece.truncate(made);
        Ok(piece.into())
    }
}

impl HttpBody for Decoded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let failed = |why: NotGzip| Poll::Ready(Some(Err(axum::Error::new(why))));
        loop {
            while self.is_full || !self.encoded.is_empty() {
                match self.step() {
                    Ok(piece) if piece.is_empty() => {}
                    Ok(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                    Err(why) => return failed(why),
                }
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None if self.is_between => return Poll::Ready(None),
                None => return failed(NotGzip::EndedEarly),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.encoded_len = self.encoded_len.saturating_add(data.len());
                    if self.encoded_len > ENCODED_LEN_MAX {
                        return failed(NotGzip::TooLarge);
                    }
                    self.encoded = data;
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        // Unknown before it is decoded.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::body::Body;
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::stream;
    use http_body::Body as _;
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::{Decoded, NotGzip, PIECE_LEN_MAX};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    }

    /// Decodes a body that comes in pieces of `len` bytes.
    async fn decoded(encoded: &[u8], len: usize) -> Result<Vec<u8>, NotGzip> {
        let pieces: Vec<_> =
            encoded.chunks(len).map(|piece| Ok::<_, NotGzip>(Bytes::copy_from_slice(piece))).collect();
        let body = Decoded::new(Body::from_stream(stream::iter(pieces)));
        match body.collect().await {
            Ok(all) => Ok(all.to_bytes().to_vec()),
            Err(error) => Err(*error.into_inner().downcast::<NotGzip>().expect("an error of ours")),
        }
    }

    #[tokio::test]
    async fn what_is_not_whole_gzip_is_refused() {
        let whole = gzip(b"hello");
        for end in 1..whole.len() {
            assert_eq!(decoded(&whole[..end], 3).await, Err(NotGzip::EndedEarly), "{end}");
        }
        let mut wrong_sum = whole.clone();
        let last = wrong_sum.len() - 5;
        wrong_sum[last] ^= 1;
        for damaged in [&b"hello"[..], &wrong_sum, &[&whole[..], b"more"].concat()] {
            assert_eq!(decoded(damaged, 100).await, Err(NotGzip::Damaged), "{damaged:?}");
        }
        assert_eq!(decoded(b"", 1).await, Ok(Vec::new()), "a body without bytes is encoded as nothing");
    }

    #[tokio::test]
    async fn a_body_that_would_be_huge_comes_in_small_pieces() {
        let encoded = gzip(&vec![0; 4 * 1024 * 1024]);
        assert!(encoded.len() < 64 * 1024, "{}", encoded.len());
        let mut body = Decoded::new(Body::from(encoded));
        assert_eq!(body.size_hint().lower(), 0);
        for _ in 0..100 {
            let piece = body.frame().await.expect("more").expect("a piece").into_data().expect("data");
            assert!(piece.len() <= PIECE_LEN_MAX, "{}", piece.len());
        }
    }

    proptest! {
        #[test]
        fn it_is_what_was_encoded_in_any_pieces(
            members in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 1..4),
            len in 1..3_000usize,
        ) {
            let encoded: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            prop_assert_eq!(runtime.block_on(decoded(&encoded, len)), Ok(members.concat()));
        }
    }
}
