//! The smallest picture and sound that are real ones.

use fanfare_mcp::resources::Contents;
use fanfare_mcp::tools::Content;

/// Four brown pixels as PNG, in base64.
pub(crate) const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mM44KAARAwQCgAiDgSB+ZmGWgAAAABJRU5ErkJggg==";
/// The format of [`PICTURE`].
pub(crate) const PICTURE_TYPE: &str = "image/png";
/// Four samples as WAV, in base64.
const SOUND: &str = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAACAyIA4";

/// Returns the picture.
pub(crate) fn picture() -> Content {
    Content::Image { data: PICTURE.to_owned(), mime_type: PICTURE_TYPE.to_owned() }
}

/// Returns the sound.
pub(crate) fn sound() -> Content {
    Content::Audio { data: SOUND.to_owned(), mime_type: "audio/wav".to_owned() }
}

/// Returns a resource that is text.
pub(crate) fn text_of(uri: &str, mime_type: &str, text: impl Into<String>) -> Contents {
    Contents {
        uri: uri.to_owned(),
        mime_type: mime_type.to_owned(),
        text: Some(text.into()),
        blob: None,
        meta: serde_json::Map::new(),
    }
}
