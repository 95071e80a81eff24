//! The credentials that a webhook sends to its receiver: as they are given, and as they are shown.

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, Discriminator, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::hidden::Hidden;

/// The content of `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Credentials {
    /// A user name and a password (RFC 7617).
    Basic(BasicCredentials),
    /// A token (RFC 6750).
    Bearer(BearerCredentials),
}

/// A user name and a password (RFC 7617).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicCredentials {
    /// `basic`.
    #[schema(schema_with = Basic::schema)]
    pub kind: Basic,
    /// 1–256 bytes without `:` and control characters.
    pub username: String,
    /// At most 256 bytes without control characters.
    pub password: Hidden,
}

/// A token (RFC 6750).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerCredentials {
    /// `bearer`.
    #[schema(schema_with = Bearer::schema)]
    pub kind: Bearer,
    /// 1–4,096 visible ASCII characters.
    pub token: Hidden,
}

/// The credentials of a webhook, without the password or the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Auth {
    /// A user name and a password.
    Basic(BasicAuth),
    /// A token.
    Bearer(BearerAuth),
    /// A kind of a later gateway.
    Other(OtherAuth),
}

/// A user name, and a password that is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BasicAuth {
    /// `basic`.
    #[schema(schema_with = Basic::schema)]
    pub kind: Basic,
    /// The user name.
    pub username: Box<str>,
}

/// A token that is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BearerAuth {
    /// `bearer`.
    #[schema(schema_with = Bearer::schema)]
    pub kind: Bearer,
}

/// Credentials of a kind that a later gateway has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherAuth {
    /// The kind.
    pub kind: Box<str>,
}

/// `basic`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basic {
    /// The only value.
    #[default]
    Basic,
}

/// `bearer`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bearer {
    /// The only value.
    #[default]
    Bearer,
}

impl Basic {
    fn schema() -> Schema {
        only("basic")
    }
}

impl Bearer {
    fn schema() -> Schema {
        only("bearer")
    }
}

/// Describes a text that has only this value.
fn only(word: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([word]))
        .description(Some(format!("`{word}`.")))
        .into()
}

/// Returns the rule that `kind` decides between two schemas.
fn by_kind<B: ToSchema, T: ToSchema>() -> Discriminator {
    let place = |name: &str| format!("#/components/schemas/{name}");
    Discriminator::with_mapping("kind", [("basic", place(&B::name())), ("bearer", place(&T::name()))])
}

fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

impl PartialSchema for Credentials {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(reference::<BasicCredentials>())
            .item(reference::<BearerCredentials>())
            .discriminator(Some(by_kind::<BasicCredentials, BearerCredentials>()))
            .description(Some("The content of `Authorization`."))
            .into()
    }
}

impl ToSchema for Credentials {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<BasicCredentials>(schemas);
        add::<BearerCredentials>(schemas);
    }
}

impl PartialSchema for Auth {
    /// Every kind is also [`OtherAuth`], so this is `anyOf`.
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(reference::<BasicAuth>())
            .item(reference::<BearerAuth>())
            .item(reference::<OtherAuth>())
            .discriminator(Some(by_kind::<BasicAuth, BearerAuth>()))
            .description(Some("The credentials of a webhook, without the password or the token."))
            .into()
    }
}

impl ToSchema for Auth {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<BasicAuth>(schemas);
        add::<BearerAuth>(schemas);
        add::<OtherAuth>(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Auth, Credentials};

    #[test]
    fn the_kind_decides_and_an_unknown_one_is_kept_in_an_answer() {
        for (shown, is_other) in [
            (json!({ "kind": "basic", "username": "ada" }), false),
            (json!({ "kind": "bearer" }), false),
            (json!({ "kind": "mtls" }), true),
        ] {
            let auth: Auth = serde_json::from_value(shown.clone()).expect("credentials");
            assert_eq!(matches!(auth, Auth::Other(_)), is_other);
            assert_eq!(serde_json::to_value(&auth).expect("JSON"), shown);
        }
        for given in [
            json!({ "kind": "basic", "username": "ada", "password": "p" }),
            json!({ "kind": "bearer", "token": "t" }),
        ] {
            let credentials: Credentials = serde_json::from_value(given.clone()).expect("credentials");
            assert_eq!(serde_json::to_value(&credentials).expect("JSON"), given);
        }
        for given in [json!({ "kind": "bearer", "username": "ada" }), json!({ "bearer": "t" })] {
            assert!(serde_json::from_value::<Credentials>(given).is_err());
        }
    }
}
