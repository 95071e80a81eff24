//! The body of an event stream on a connection that it shares with others: HTTP/2.

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use fanfare_core::wire::sse;
use fanfare_hub::item::{Item, Wire};

use crate::net::heartbeat::Beats;
use crate::net::joined;
use crate::net::limits::KEPT_LEN_MAX;
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
            state.outlet.begin(format, &mut bytes);
            return Some((Ok::<_, BoxError>(Bytes::from(bytes)), state));
        }
        if state.ended {
            return None;
        }
        let is_within_event = state.outlet.subscription.is_within_event();
        let ready = tokio::select! {
            ready = state.outlet.subscription.ready(&mut state.items) => ready,
            // Within an event, a comment would be a part of it.
            () = state.beats.next(), if !is_within_event => {
                sse::write_keepalive(format, &mut bytes);
                return Some((Ok(bytes.into()), state));
            }
        };
        match ready {
            Ok(true) => {}
            // A body that just ended would make half an event look like a whole one.
            Ok(false) if is_within_event => {
                state.ended = true;
                return Some((Err("the rest of an event is gone".into()), state));
            }
            Ok(false) => return None,
            Err(error) => {
                state.ended = true;
                return Some((Err(error.into()), state));
            }
        }
        // The rest comes when there is room for it.
        let (wire, subscription) = (Wire::Sse(format), &mut state.outlet.subscription);
        let (mut bytes, count) =
            joined::join(subscription, &state.items, wire, KEPT_LEN_MAX).unwrap_or_default();
        // A notice is sent whole: nothing could send its rest. Of an event, a copy: a part of shared bytes keeps them all.
        if bytes.len() > KEPT_LEN_MAX && !state.items[0].is_empty() {
            bytes = Bytes::copy_from_slice(&bytes[..KEPT_LEN_MAX]);
        }
        subscription.sent(&state.items[..count], wire, bytes.len());
        state.items.clear();
        subscription.let_go();
        Some((Ok(bytes), state))
    });
    Body::from_stream(frames)
}
