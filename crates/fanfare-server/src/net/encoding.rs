//! Compressed request bodies, decoded a piece at a time, so that limits apply to the decoded bytes, not to
//! those that were sent. A body that would be huge is refused when it exceeds the limit of its route.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes};
use fanfare_core::{Caller, Code};
use fanfare_runtime::budget::{Account, Budget, BytesHeld, Exhausted};
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
/// Bytes of memory that decoding takes: the window, the tables of codes, and the space for a piece.
const DECODER_LEN: usize = 64 * 1024;
/// Maximum bytes of a compressed body: no route accepts more even when decoded, but empty pieces of gzip decode
/// to nothing and could go on forever.
const ENCODED_LEN_MAX: usize = 25 * 1024 * 1024;

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
pub async fn decode(
    budget: Budget,
    Extension(caller): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    match coding(request.headers()) {
        Ok(Coding::Identity) => {}
        Ok(Coding::Gzip) => {
            let headers = request.headers_mut();
            headers.remove(header::CONTENT_ENCODING);
            // It counts what was sent.
            headers.remove(header::CONTENT_LENGTH);
            request = request.map(|body| Body::new(Decoded::new(body, budget.account(&caller))));
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
    account: Account,
    /// Created when the first byte arrives, so a client that announces a body and sends nothing uses no memory.
    decoder: Option<Decoder>,
    /// Bytes that have arrived and are not decoded yet.
    encoded: Bytes,
    encoded_len: usize,
}

struct Decoder {
    state: Decompress,
    /// The space that each piece is decoded into. The piece itself has only the bytes that it needs.
    space: Box<[u8]>,
    /// Whether the decoder is at the end of a member of the file, where the body may end.
    is_between: bool,
    /// Whether the decoder may have more output without further input.
    is_full: bool,
    _held: BytesHeld,
}

impl Decoded {
    fn new(body: Body, account: Account) -> Decoded {
        Decoded { body, account, decoder: None, encoded: Bytes::new(), encoded_len: 0 }
    }

    /// Decodes the next piece; `None` if more bytes are needed for one.
    fn next(&mut self) -> Result<Option<Bytes>, axum::Error> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None if self.encoded.is_empty() => return Ok(None),
            empty => empty.insert(Decoder::new(&self.account).map_err(axum::Error::new)?),
        };
        while decoder.is_full || !self.encoded.is_empty() {
            let piece = decoder.step(&mut self.encoded).map_err(axum::Error::new)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

impl Decoder {
    fn new(account: &Account) -> Result<Decoder, Exhausted> {
        let mut held = account.hold();
        held.add(DECODER_LEN)?;
        Ok(Decoder {
            state: Decompress::new_gzip(WINDOW_BITS),
            space: vec![0; PIECE_LEN_MAX].into(),
            is_between: false,
            is_full: false,
            _held: held,
        })
    }

    /// Decodes a piece, which can be empty, and removes what it was decoded from.
    fn step(&mut self, encoded: &mut Bytes) -> Result<Bytes, NotGzip> {
        let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
        let status = self
            .state
            .decompress(encoded, &mut self.space, FlushDecompress::None)
            .map_err(|_| NotGzip::Damaged)?;
        let taken = usize::try_from(self.state.total_in() - before_in).map_err(|_| NotGzip::Damaged)?;
        let made = usize::try_from(self.state.total_out() - before_out).map_err(|_| NotGzip::Damaged)?;
        encoded.advance(taken);
        self.is_full = made == PIECE_LEN_MAX;
        self.is_between = status == Status::StreamEnd;
        if self.is_between {
            // A file can have several members, one after the other.
            self.state.reset(true);
            self.is_full = false;
        } else if taken == 0 && made == 0 && !encoded.is_empty() {
            return Err(NotGzip::Damaged);
        }
        Ok(Bytes::copy_from_slice(&self.space[..made]))
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
            if let Some(piece) = self.next().transpose() {
                return Poll::Ready(Some(piece.map(Frame::data)));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None if self.decoder.as_ref().is_none_or(|decoder| decoder.is_between) => {
                    return Poll::Ready(None);
                }
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

    use fanfare_core::{Caller, Principal};
    use fanfare_runtime::budget::{Account, Budget, Exhausted};

    use super::{DECODER_LEN, Decoded, NotGzip, PIECE_LEN_MAX};

    fn account(budget: &Budget) -> Account {
        budget.account(&Caller::new(&Principal::local(), None))
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    }

    /// Decodes a body that comes in pieces of `len` bytes.
    async fn decoded(encoded: &[u8], len: usize) -> Result<Vec<u8>, NotGzip> {
        let pieces: Vec<_> =
            encoded.chunks(len).map(|piece| Ok::<_, NotGzip>(Bytes::copy_from_slice(piece))).collect();
        let body = Decoded::new(Body::from_stream(stream::iter(pieces)), account(&Budget::default()));
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
        let mut body = Decoded::new(Body::from(encoded), account(&Budget::default()));
        assert_eq!(body.size_hint().lower(), 0);
        for _ in 0..100 {
            let piece = body.frame().await.expect("more").expect("a piece").into_data().expect("data");
            assert!(piece.len() <= PIECE_LEN_MAX, "{}", piece.len());
        }
    }

    #[tokio::test]
    async fn a_decoder_counts_from_the_first_byte_to_the_end_of_the_body() {
        let budget = Budget::new(4 * DECODER_LEN, 0);
        let body = |encoded: Vec<u8>| Decoded::new(Body::from(encoded), account(&budget));
        let mut idle: Vec<_> = (0..10).map(|_| body(Vec::new())).collect();
        for body in &mut idle {
            assert!(body.frame().await.is_none());
        }
        // A share is half of the budget.
        let mut busy = [body(gzip(b"hello")), body(gzip(b"hello"))];
        for body in &mut busy {
            let piece = body.frame().await.expect("a frame").expect("a piece").into_data().expect("data");
            assert_eq!(piece, "hello");
        }
        let error = body(gzip(b"hello")).frame().await.expect("a frame").expect_err("no room");
        assert!(error.into_inner().is::<Exhausted>());
        drop(busy);
        assert!(body(gzip(b"hello")).frame().await.expect("a frame").is_ok());
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
