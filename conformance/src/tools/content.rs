//! Answers of every kind of content, and one that is an error.

use fanfare_mcp::tools::{Answer, Content, Tool};

use crate::media::{picture, sound, text_of};
use crate::tools::{pieces, text, tool};

const TEXT: &str = "test_simple_text";
const IMAGE: &str = "test_image_content";
const AUDIO: &str = "test_audio_content";
const RESOURCE: &str = "test_embedded_resource";
const MIXED: &str = "test_multiple_content_types";
const ERROR: &str = "test_error_handling";

/// Lists them.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool(TEXT, "Text", "Answers with text"),
        tool(IMAGE, "Picture", "Answers with a picture"),
        tool(AUDIO, "Sound", "Answers with a sound"),
        tool(RESOURCE, "Resource", "Answers with a resource"),
        tool(MIXED, "Everything", "Answers with text, a picture and a resource"),
        tool(ERROR, "Error", "Answers that it could not do it"),
    ]
}

/// Returns the answer of a tool.
pub(super) fn answer(name: &str) -> Option<Answer> {
    Some(match name {
        TEXT => text("This is a simple text response for testing."),
        IMAGE => pieces(vec![picture()]),
        AUDIO => pieces(vec![sound()]),
        RESOURCE => {
            let said = "This is an embedded resource content.";
            let resource = text_of("test://embedded-resource", "text/plain", said);
            pieces(vec![Content::Resource { resource }])
        }
        MIXED => {
            let said = r#"{"test":"data","value":123}"#;
            let resource = text_of("test://mixed-content-resource", "application/json", said);
            let first = Content::text("Multiple content types test:");
            pieces(vec![first, picture(), Content::Resource { resource }])
        }
        ERROR => Answer::error("This tool intentionally returns an error for testing"),
        _ => return None,
    })
}
