//! Completion: channels and ids that match a partial argument.

use std::cmp::Reverse;

use fanfare_core::Principal;
use fanfare_mcp::Error;
use fanfare_mcp::prompts::{Complete, Reference};

use crate::mcp::gateway::Gateway;
use crate::mcp::gateway::address::{EVENT_TEMPLATE, LATEST_TEMPLATE};
use crate::mcp::gateway::prompts;

/// The meaning of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Channel,
    EventId,
    /// Free text, which cannot be completed.
    Words,
}

impl Gateway {
    /// Returns completions for an argument: those that start with the input before those that contain it, and in each
    /// group the most recently active channels first.
    pub(super) fn completions(&self, by: &Principal, wanted: &Complete) -> Result<Vec<String>, Error> {
        let meaning = meaning(&wanted.reference, &wanted.argument.name)?;
        if meaning == Meaning::Words {
            return Ok(Vec::new());
        }
        let mut rows = self.hub.channel_rows(by);
        rows.sort_unstable_by_key(|(row, _)| Reverse(row.last_seq));
        let candidates = rows.iter().map(|(row, _)| match meaning {
            Meaning::EventId => self.hub.position(row.last_seq).to_string(),
            Meaning::Channel | Meaning::Words => row.channel.to_string(),
        });
        let written = wanted.argument.value.to_ascii_lowercase();
        let (mut begins, mut contains) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match candidate.to_ascii_lowercase().find(&written) {
                Some(0) => begins.push(candidate),
                Some(_) => contains.push(candidate),
                None => {}
            }
        }
        begins.append(&mut contains);
        Ok(begins)
    }
}

fn meaning(reference: &Reference, argument: &str) -> Result<Meaning, Error> {
    let (arguments, of) = match reference {
        Reference::Prompt { name } => {
            let prompt = prompts::find(name)?;
            (
                prompt.arguments.iter().map(|argument| argument.name).collect(),
                format!("the prompt `{}`", prompt.name),
            )
        }
        Reference::Resource { uri } if uri == LATEST_TEMPLATE => (vec!["channel"], format!("`{uri}`")),
        Reference::Resource { uri } if uri == EVENT_TEMPLATE => (vec!["id"], format!("`{uri}`")),
        Reference::Resource { .. } => {
            return Err(Error::invalid_params(format!(
                "unknown template; available: `{LATEST_TEMPLATE}` and `{EVENT_TEMPLATE}`"
            )));
        }
    };
    match arguments.iter().find(|known| **known == argument) {
        Some(&prompts::CHANNEL) => Ok(Meaning::Channel),
        Some(&"id") => Ok(Meaning::EventId),
        Some(_) => Ok(Meaning::Words),
        None => {
            let names: Vec<_> = arguments.iter().map(|name| format!("`{name}`")).collect();
            Err(Error::invalid_params(format!("{of} has no such argument; available: {}", names.join(", "))))
        }
    }
}
