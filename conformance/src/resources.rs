//! The resources.

use fanfare_mcp::outcome::{Cache, Scope};
use fanfare_mcp::resources::{Contents, Resource, Template};
use fanfare_mcp::{Era, Error, Outcome};
use serde_json::json;

use crate::media::{PICTURE, PICTURE_TYPE, text_of};

/// The resource that reports changes.
pub(crate) const WATCHED: &str = "test://watched-resource";
const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";

/// These resources never change.
const CACHE: Cache = Cache { ttl_ms: 60_000, scope: Scope::Private };

/// Lists them.
pub(crate) fn all() -> Vec<Resource> {
    let resource = |uri: &str, name: &str, title: &str, mime_type| Resource {
        uri: uri.to_owned(),
        name: name.to_owned(),
        title: title.to_owned(),
        description: format!("{title}, for the suite"),
        mime_type,
    };
    vec![
        resource(TEXT, "static-text", "Text that stays as it is", "text/plain"),
        resource(BINARY, "static-binary", "A picture that stays as it is", PICTURE_TYPE),
        resource(WATCHED, "watched-resource", "Text whose changes are told", "text/plain"),
    ]
}

/// Lists the families.
pub(crate) fn templates() -> Vec<Template> {
    vec![Template {
        uri_template: "test://template/{id}/data",
        name: "template",
        title: "Data by id",
        description: "Says the id back, as JSON",
        mime_type: "application/json",
    }]
}

/// Reads one.
pub(crate) fn read(uri: &str, era: Era) -> Result<Outcome, Error> {
    let contents = contents(uri).ok_or_else(|| Error::resource_not_found(uri, era))?;
    Ok(Outcome::complete(&json!({ "contents": [contents] })).cached(CACHE))
}

fn contents(uri: &str) -> Option<Contents> {
    Some(match uri {
        TEXT => text_of(uri, "text/plain", "This is the content of the static text resource."),
        BINARY => Contents { text: None, blob: Some(PICTURE.to_owned()), ..text_of(uri, PICTURE_TYPE, "") },
        WATCHED => text_of(uri, "text/plain", "This is the content of the watched resource."),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let is_id = !id.is_empty() && !id.contains('/');
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            is_id.then(|| text_of(uri, "application/json", data.to_string()))?
        }
    })
}
