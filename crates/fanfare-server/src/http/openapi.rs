//! `GET /openapi.json`: the interface for machines, assembled from the handlers and the types of `fanfare-api`.

use std::collections::{BTreeMap, HashSet};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_api::problem::{self, Problem};
use fanfare_api::webhooks::sent::{CloudEventDelivery, SeedDelivery};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    Required, ResponseBuilder, ServerBuilder,
};

use crate::http::sent;
use crate::net::base_path::BasePath;

/// The name of the response that every route can return.
const REFUSED: &str = "Refused";

/// The document with what is sent to receivers, which is not of the interface's own routes.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    openapi: OpenApi,
    webhooks: BTreeMap<&'static str, PathItem>,
}

/// The document, written once.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

impl Document {
    /// Completes `openapi` with the parts that all routes share, and writes it.
    pub fn new(mut openapi: OpenApi) -> Document {
        for item in openapi.paths.paths.values_mut() {
            for operation in operations(item) {
                if let Some(RefOr::T(body)) = &mut operation.request_body
                    && may_be_empty(body)
                {
                    body.required = Some(Required::False);
                }
                // Both, because a tool that looks for the errors of a caller does not look at the default.
                for status in ["4XX", "default"] {
                    let refused = RefOr::Ref(Ref::from_response_name(REFUSED));
                    operation.responses.responses.insert(status.to_owned(), refused);
                }
            }
        }
        let written = Written { openapi, webhooks: BTreeMap::from([("delivery", sent::described())]) };
        Document(serde_json::to_vec_pretty(&written).expect("a document of our own always serialises").into())
    }

    /// Returns the text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the document of a gateway that is served below `base`.
    pub fn answer(&self, base: &BasePath) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let text = match std::str::from_utf8(&self.0) {
            Ok(text) if !base.as_str().is_empty() => {
                text.replacen("\"url\": \"/\"", &format!("\"url\": \"{base}\""), 1).into()
            }
            Ok(_) | Err(_) => self.0.clone(),
        };
        ([(header::CONTENT_TYPE, JSON)], text).into_response()
    }
}

/// Returns whether a request may have no body. The macro has no word for that, so the description decides.
fn may_be_empty(body: &RequestBody) -> bool {
    body.description.as_deref().is_some_and(|text| text.starts_with("Empty, or "))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

/// Returns the names of the query parameters of all routes.
pub fn query_names(mut openapi: OpenApi) -> HashSet<String> {
    let operations = openapi.paths.paths.values_mut().flat_map(operations);
    let parameters = operations.flat_map(|operation| operation.parameters.iter().flatten());
    let queries = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => (parameter.parameter_in == ParameterIn::Query).then(|| parameter.name.clone()),
        RefOr::Ref(_) => None,
    });
    queries.collect()
}

/// Returns the general information, and the response that all routes can return.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Fanfare")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "One log, many cursors: pushing appends to the log; receiving reads it from a position.",
        ))
        .license(Some(license()))
        .build();
    let refused = ResponseBuilder::new()
        .description("Error: the request was refused and nothing changed")
        .content(problem::MEDIA_TYPE, Content::new(Some(Ref::from_schema_name("Problem"))))
        .build();
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .schema_from::<SeedDelivery>()
        .schema_from::<CloudEventDelivery>()
        .response(REFUSED, refused)
        .build();
    let tag =
        |name: &str, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    let tags = [
        tag("push", "Append to the log."),
        tag("listen", "Read the log, from now on or from a position."),
        tag("history", "Look up past events."),
        tag("readers", "Durable readers, and the position that each has acknowledged."),
        tag("sources", "Addresses that other programs send to, and what they have to prove."),
        tag("webhooks", "HTTP deliveries to receivers, and their outcomes."),
        tag("overview", "The gateway, its channels and its clients."),
        tag("operation", "Health, readiness and metrics, for operators."),
    ];
    let here =
        ServerBuilder::new().url("/").description(Some("The gateway that serves this document")).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([here]))
        // Everyone who reaches the gateway can use it: there are no tokens.
        .security(Some([]))
        .components(Some(components))
        .tags(Some(tags))
        .build()
}

fn license() -> License {
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    license
}
