//! Server-sent events, parsed as a browser's `EventSource` does (HTML standard, section 9.2.6). The crate `sse-stream`
//! splits bytes into blocks; the meaning of a block beyond itself (ids persist, blocks without data are ignored) is
//! here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use sse_stream::SseByteStream;

/// Maximum bytes of one block: a message and data of the largest size, escaped as JSON, fit twice. Without it, a server
/// that never ends a line would fill our memory.
const BLOCK_LEN_MAX: usize = 8 * 1024 * 1024;

/// The content of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The type; `None` for `message`.
    pub event: Option<String>,
    /// The data, its lines joined by LF.
    pub data: String,
}

/// The frames in a stream of bytes. Cancelling [`Frames::next`] loses nothing.
pub struct Frames {
    blocks: SseByteStream<Bounded>,
    /// Bytes since the last block, shared with `Bounded`.
    unread_len: Arc<AtomicUsize>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").field("last_id", &self.last_id).finish_non_exhaustive()
    }
}

impl Frames {
    /// Parses `bytes`; `last_id` is the last id of the previous connection.
    pub fn new<E: std::error::Error + Send + Sync + 'static>(
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        last_id: Option<String>,
    ) -> Frames {
        let unread_len = Arc::new(AtomicUsize::new(0));
        let bytes = bytes.map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
        let blocks = SseByteStream::new(Bounded { bytes, unread_len: unread_len.clone() });
        Frames { blocks, unread_len, last_id, retry: None }
    }

    /// Returns the next frame; `None` at the end, where an unfinished block is dropped.
    pub async fn next(&mut self) -> Result<Option<Frame>, sse_stream::Error> {
        while let Some(block) = self.blocks.next().await {
            let block = block?;
            self.unread_len.store(0, Ordering::Relaxed);
            if block.id.is_some() {
                self.last_id = block.id;
            }
            if let Some(retry) = block.retry {
                self.retry = Some(Duration::from_millis(retry));
            }
            if let Some(data) = block.data {
                let event = block.event.filter(|event| !event.is_empty() && event != "message");
                return Ok(Some(Frame { event, data }));
            }
        }
        Ok(None)
    }

    /// Returns the id in force after the last frame; an empty one revokes those before it.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref().filter(|id| !id.is_empty())
    }

    /// Returns the delay before a reconnect that the server asked for.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

/// Ends a stream with a block that has no end.
struct Bounded {
    bytes: BoxStream<'static, Result<Bytes, std::io::Error>>,
    unread_len: Arc<AtomicUsize>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.bytes.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &polled
            && self.unread_len.fetch_add(chunk.len(), Ordering::Relaxed) > BLOCK_LEN_MAX
        {
            return Poll::Ready(Some(Err(std::io::Error::other("a single event has over 8 MiB"))));
        }
        polled
    }
}

#[cfg(test)]
mod tests;
