//! The body of an event stream on a connection that it shares with others: HTTP/2.

use axum::body::Body;
use bytes::Bytes;
use fanfare_core::wire::sse;
use fanfare_hub::item::{Item, Wire};

use crate::net::heartbeat::Beats;
use crate::net::joined;
use crate::net::takeover::Stream;

/// Returns a body that sends the data of `outlet`, and a comment at each beat.
pub fn body(outlet: Stream, beats: Beats) -> Body {
    struct State {
        outlet: Stream,
        beats: Beats,
        items: Vec<Item>,
        begun: bool,
        ended: bool,
    }
    let state = State { outlet, beats, items: Vec::new(), begun: false, ended: false };
    let frames = futures_util::stream::unfold(state, |mut state| async move {
        let format = state.outlet.format;
        let mut bytes = Vec::new();
        if !std::mem::replace(&mut state.begun, true) {
            let position = state.outlet.subscription.position();
            sse::write_preamble(format, state.outlet.retry_ms, position, &mut bytes);
            return Some((Ok(Bytes::from(bytes)), state));
        }
        if state.ended {
            return None;
        }
        let ready = tokio::select! {
            ready = state.outlet.subscription.ready(&mut state.items) => ready,
            () = state.beats.next() => {
                sse::write_keepalive(format, &mut bytes);
                return Some((Ok(bytes.into()), state));
            }
        };
        match ready {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                state.ended = true;
                return Some((Err(error), state));
            }
        }
        // The rest comes when there is room for it.
        let (bytes, count) = joined::join(&state.items, Wire::Sse(format)).unwrap_or_default();
        for item in &state.items[..count] {
            state.outlet.subscription.advance(item, item.len());
        }
        Some((Ok(bytes), state))
    });
    Body::from_stream(frames)
}
