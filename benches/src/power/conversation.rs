//! Requests and responses that passed through a program's sockets: requests that it answered, and requests that
//! it sent.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

use super::trace::Call;
use crate::wire::{
    head::{Head, Length},
    response::ResponseReader,
};

/// A request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Whether the program sent the request.
    pub(super) is_sent: bool,
    /// `POST /api/push`
    pub(super) target: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// When the program had read the whole request, or began to send it.
    pub(super) asked: usize,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// When the program began to send the end of the answer, or had read it. From then on, the other side may
    /// know the answer.
    pub(super) at: usize,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

#[derive(Default)]
struct Conversation {
    is_sent: bool,
    /// The beginning of the next request.
    request: Vec<u8>,
    began: usize,
    response: ResponseReader,
    exchanges: Vec<Exchange>,
    /// An event stream has no end.
    is_stream: bool,
}

#[derive(Default)]
pub(super) struct Conversations {
    open: HashMap<i64, Conversation>,
    ended: Vec<Exchange>,
}

impl Conversations {
    /// A client has connected.
    pub(super) fn accept(&mut self, descriptor: i64) {
        self.close(descriptor);
        self.open.insert(descriptor, Conversation::default());
    }

    pub(super) fn close(&mut self, descriptor: i64) {
        if let Some(conversation) = self.open.remove(&descriptor) {
            self.ended.extend(conversation.exchanges);
        }
    }

    /// The program has read `bytes`.
    pub(super) fn read(&mut self, descriptor: i64, call: &Call, bytes: &[u8]) -> Result<()> {
        let Some(conversation) = self.open.get_mut(&descriptor) else { return Ok(()) };
        ensure!(!call.is_cut, "a message that the record does not have in whole");
        match conversation.is_sent {
            true => conversation.answered(call.end, bytes),
            false => conversation.asked(call.end, bytes),
        }
    }

    /// The program writes `bytes`.
    pub(super) fn wrote(&mut self, descriptor: i64, call: &Call, bytes: &[u8]) -> Result<()> {
        if bytes.starts_with(b"POST ") && !self.open.contains_key(&descriptor) {
            self.open.insert(descriptor, Conversation { is_sent: true, ..Conversation::default() });
        }
        let Some(conversation) = self.open.get_mut(&descriptor) else { return Ok(()) };
        ensure!(!call.is_cut || conversation.is_stream, "a message that the record does not have in whole");
        match conversation.is_sent {
            true => conversation.asked(call.begin, bytes),
            false => conversation.answered(call.begin, bytes),
        }
    }

    pub(super) fn end(mut self) -> Vec<Exchange> {
        self.ended.extend(self.open.into_values().flat_map(|conversation| conversation.exchanges));
        self.ended.sort_by_key(|exchange| exchange.asked);
        self.ended
    }
}

impl Conversation {
    fn asked(&mut self, moment: usize, bytes: &[u8]) -> Result<()> {
        if self.request.is_empty() {
            self.began = moment;
        }
        self.request.extend_from_slice(bytes);
        let Some(head) = Head::parse(&self.request)? else { return Ok(()) };
        let len = match head.length {
            Length::Bytes(len) => head.len + len,
            Length::Unsaid => head.len,
            Length::Chunked => anyhow::bail!("a request in chunks"),
        };
        let Some(body) = self.request.get(head.len..len) else { return Ok(()) };
        let target: Vec<_> = head.first_line.split(' ').take(2).collect();
        let target = target.join(" ");
        self.is_stream |= target.starts_with("GET /stream");
        self.exchanges.push(Exchange {
            is_sent: self.is_sent,
            target,
            head: String::from_utf8_lossy(&self.request[..head.len]).into_owned(),
            body: body.to_vec(),
            asked: if self.is_sent { self.began } else { moment },
            answer: None,
        });
        self.request.drain(..len);
        Ok(())
    }

    fn answered(&mut self, moment: usize, bytes: &[u8]) -> Result<()> {
        if self.is_stream {
            return Ok(());
        }
        let Some(response) = self.response.feed(bytes)? else { return Ok(()) };
        let waiting = self.exchanges.iter_mut().find(|exchange| exchange.answer.is_none());
        waiting.context("an answer to nothing")?.answer =
            Some(Answer { at: moment, status: response.status, body: response.body });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::trace::Call, Conversations};

    #[test]
    fn answers_belong_to_requests_in_both_directions() {
        let mut conversations = Conversations::default();
        let at = |moment| Call { begin: moment, end: moment, ..Call::default() };
        conversations.accept(5);
        conversations
            .read(5, &at(1), b"POST /api/push HTTP/1.1\r\nContent-Length: 2\r\n\r\n{")
            .expect("well formed");
        conversations.read(5, &at(3), b"}").expect("well formed");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        conversations.wrote(5, &at(4), &answer[..20]).expect("well formed");
        conversations.wrote(5, &at(6), &answer[20..]).expect("well formed");
        conversations
            .wrote(9, &at(7), b"POST /hook/1 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
            .expect("well formed");
        conversations.read(9, &at(8), answer).expect("well formed");
        conversations.close(9);
        let exchanges = conversations.end();
        let seen: Vec<_> = exchanges
            .iter()
            .map(|exchange| (exchange.is_sent, exchange.target.as_str(), exchange.asked))
            .zip(exchanges.iter().map(|exchange| exchange.answer.as_ref().map(|answer| answer.at)))
            .collect();
        assert_eq!(seen, [((false, "POST /api/push", 3), Some(6)), ((true, "POST /hook/1", 7), Some(8))]);
    }
}
