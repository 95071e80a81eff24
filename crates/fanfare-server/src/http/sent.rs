//! The requests that receivers of webhooks get, as the document describes them.

use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, Required, ResponseBuilder};

/// The headers of every request, and what they are for.
const HEADERS: [(&str, &str); 4] = [
    ("webhook-id", "The delivery: the same in every attempt, so that a receiver can tell a repetition"),
    ("webhook-timestamp", "The time of the attempt, in seconds since 1970"),
    (
        "webhook-signature",
        "Signatures of Standard Webhooks, separated by spaces: `v1,…`, and `v1a,…` if asked for",
    ),
    ("fanfare-via", "The log that the event comes from"),
];

/// Describes the request that delivers an event or a batch.
pub(super) fn described() -> PathItem {
    let (seed, event) = (Ref::from_schema_name("SeedDelivery"), Ref::from_schema_name("Event"));
    let cloud_event = Ref::from_schema_name("CloudEventDelivery");
    let json = AnyOfBuilder::new()
        .item(seed.clone())
        .item(event.clone())
        .item(ArrayBuilder::new().items(seed))
        .item(ArrayBuilder::new().items(event))
        .description(Some("The payload `seed` or `event`; a list of them if the webhook has a `batch`"));
    let body = RequestBodyBuilder::new()
        .description(Some("One event, or a batch, in the form that the webhook's `payload` names"))
        .content("application/json", Content::new(Some(json)))
        .content("application/cloudevents+json", Content::new(Some(cloud_event.clone())))
        .content(
            "application/cloudevents-batch+json",
            Content::new(Some(ArrayBuilder::new().items(cloud_event))),
        )
        .required(Some(Required::True))
        .build();
    let says = |description: &str| ResponseBuilder::new().description(description).build();
    let operation = OperationBuilder::new()
        .tag("webhooks")
        .operation_id(Some("deliver"))
        .summary(Some("Delivers an event, or a batch, to a receiver."))
        .parameters(Some(HEADERS.map(|(name, description)| header(name, description))))
        .request_body(Some(body))
        .response("2XX", says("Delivered"))
        .response("410", says("The receiver wants no more events: the webhook is paused"))
        .response("413", says("The delivery fails: a retry would be as large"))
        .response("429", says("The webhook is held until `Retry-After`"))
        .response("default", says("Retried on schedule"))
        .build();
    PathItem::new(HttpMethod::Post, operation)
}

fn header(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}
