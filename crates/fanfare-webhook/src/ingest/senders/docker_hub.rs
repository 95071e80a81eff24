//! Docker Hub: `octo/web: mona pushed tag latest`.

use serde_json::Value;

use crate::ingest::told::Told;
use crate::ingest::words::{about, line, text};
use fanfare_core::priority::Priority;

pub(super) fn tell(value: &Value) -> Told {
    let who = line(text(value, "/push_data/pusher").unwrap_or("somebody"));
    let tag = line(text(value, "/push_data/tag").unwrap_or("?"));
    Told {
        name: "push".to_owned(),
        message: about(text(value, "/repository/repo_name"), &format!("{who} pushed tag {tag}")),
        priority: Priority::Default,
        id: None,
    }
}
