//! The pace of request bodies: a client that sends one byte now and then holds memory and a connection with it. A body
//! that takes longer than a moment counts as a lasting connection.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use fanfare_core::refusal::Refusal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::net::streams::{self, StreamPermit};
use crate::problem::Problem;

/// Minimum rate of a body once its patience is over, in bytes per second: a mobile connection with a poor signal.
const BYTES_PER_SECOND_MIN: u64 = 16 * 1024;
/// Maximum time for a whole body: the largest one needs 56 KiB per second.
const TOTAL_MAX: Duration = Duration::from_secs(5 * 60);

/// The body came too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body came too slowly")]
pub struct TooSlow;

/// The body took too long to arrive while too many lasting connections were open.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.what)]
pub struct Crowded(pub Refusal);

/// A body that fails when it is too slow.
struct Paced {
    body: Body,
    patience: Duration,
    permit: Weak<StreamPermit>,
    /// Starts when the body is first waited for; a body that nobody reads is not late.
    clock: Option<Clock>,
    len: u64,
}

struct Clock {
    begun: Instant,
    /// Ends when the body fails.
    sleep: Pin<Box<Sleep>>,
    crowded_out: BoxFuture<'static, Problem>,
}

/// Makes the body of `request` fail if it is still too slow after `patience`.
pub fn keep(request: Request, patience: Duration) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let permit = request.extensions().get::<Arc<StreamPermit>>().map_or_else(Weak::new, Arc::downgrade);
    request.map(|body| Body::new(Paced { body, patience, permit, clock: None, len: 0 }))
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Paced { body, patience, permit, clock, len } = &mut *self;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                *len += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame);
        }
        let Clock { begun, sleep, crowded_out } = clock.get_or_insert_with(|| {
            let begun = Instant::now();
            let sleep = Box::pin(tokio::time::sleep_until(begun + *patience));
            Clock { begun, sleep, crowded_out: streams::crowded_out(permit.clone()).boxed() }
        });
        if let Poll::Ready(problem) = crowded_out.poll_unpin(cx) {
            // The body is over, and nothing of it is asked for again.
            *clock = None;
            return Poll::Ready(Some(Err(axum::Error::new(Crowded(problem.0)))));
        }
        let earned = Duration::from_millis(*len * 1_000 / BYTES_PER_SECOND_MIN);
        let due = *begun + (*patience + earned).min(TOTAL_MAX);
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx).map(|()| Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::extract::Request;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::{TOTAL_MAX, keep};

    /// Returns the time until a body ends that gets `len` bytes each second, and whether it fails.
    async fn end_of(len: usize, seconds: u64) -> (Duration, bool) {
        let pieces = stream::iter(0..seconds).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; len]))
        });
        let begun = Instant::now();
        let request = keep(Request::new(Body::from_stream(pieces)), Duration::from_secs(10));
        let read = request.into_body().collect().await;
        (begun.elapsed(), read.is_err())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_time_to_begin_a_rate_to_keep_and_an_end() {
        assert_eq!(end_of(1, 8).await, (Duration::from_secs(8), false));
        let (took, failed) = end_of(1, 100).await;
        assert!(failed && took < Duration::from_secs(11), "{took:?}");
        let (took, failed) = end_of(8 * 1024, 100).await;
        assert!(failed && took < Duration::from_secs(21), "half the rate lasts twice as long: {took:?}");
        assert_eq!(end_of(16 * 1024, 100).await, (Duration::from_secs(100), false));
        let (took, failed) = end_of(16 * 1024, 1_000).await;
        assert!(failed && took <= TOTAL_MAX + Duration::from_secs(1), "{took:?}");
    }
}
