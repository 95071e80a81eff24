//! The check of an answer: the call it belongs to, and its content.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::CHANNEL;

/// The outside of an answer, which is read of every one.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<'a> {
    pub(super) id: u64,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    result_type: String,
    content: Vec<Text>,
    structured_content: Pushed,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

#[derive(Deserialize)]
struct Pushed {
    id: String,
    channel: String,
    timestamp: String,
    #[serde(rename = "stream_clients")]
    _stream_clients: u64,
}

impl<'a> Answer<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self> {
        let answer: Self = serde_json::from_slice(body)
            .with_context(|| format!("no answer to a call: {}", String::from_utf8_lossy(body)))?;
        if let Some(error) = answer.error {
            bail!("a call was refused: {error}");
        }
        Ok(answer)
    }

    /// Parses all of it; returns the seq of the appended event.
    pub(super) fn seq(&self) -> Result<u64> {
        let result = self.result.context("an answer has neither result nor error")?.get();
        let read: ToolResult =
            serde_json::from_str(result).with_context(|| format!("no answer of push_stream: {result}"))?;
        let says_something = read.content.iter().any(|part| part.kind == "text" && !part.text.is_empty());
        let pushed = read.structured_content;
        ensure!(
            read.result_type == "complete" && !read.is_error && says_something && pushed.channel == CHANNEL,
            "the tool did not do what it was asked for: {result}"
        );
        ensure!(pushed.timestamp.starts_with("20"), "`{}` is no timestamp of today", pushed.timestamp);
        let seq = pushed.id.rsplit_once('-').and_then(|(_, seq)| seq.parse().ok());
        seq.with_context(|| format!("`{}` is no position", pushed.id))
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    const GOOD: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[{"type":"text","text":"pushed"}],"structuredContent":{"id":"k3f9x2ab-1042","channel":"bench.mcp","timestamp":"2026-11-21T08:00:00.123456+00:00","stream_clients":0}}}"#;

    #[test]
    fn a_good_answer_has_the_id_of_its_call_and_a_seq() {
        let answer = Answer::parse(GOOD.as_bytes()).expect("an answer");
        assert_eq!((answer.id, answer.seq().expect("a seq")), (7, 1_042));
    }

    #[test]
    fn what_only_looks_like_an_answer_is_found_out() {
        for (right, wrong) in [
            (r#""text":"pushed""#, r#""text":"""#),
            ("bench.mcp", "elsewhere"),
            ("k3f9x2ab-1042", "k3f9x2ab"),
            (r#""resultType":"complete","#, ""),
            ("complete", "input_required"),
            (r#""resultType""#, r#""isError":true,"resultType""#),
            (r#""stream_clients":0"#, r#""stream_clients":null"#),
        ] {
            let wrong = GOOD.replace(right, wrong);
            assert_ne!(wrong, GOOD);
            let seq = Answer::parse(wrong.as_bytes()).and_then(|answer| answer.seq());
            assert!(seq.is_err(), "{wrong}");
        }
        let refused = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no"}}"#;
        assert!(Answer::parse(refused.as_bytes()).is_err());
        assert!(Answer::parse(b"").is_err());
    }
}
