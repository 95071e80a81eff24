//! Parameters: the members of an object, split once while the message is read.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::Error;

/// Maximum members: no method has a dozen, and each costs more memory than it has bytes.
const MEMBERS_MAX: usize = 64;

/// Parameters, each as it was written.
#[derive(Debug, Clone, Default)]
pub struct Params(
    /// At most [`MEMBERS_MAX`], in their order; a name may appear twice.
    Vec<(Box<str>, Box<RawValue>)>,
);

impl Params {
    /// Returns the parameters as a JSON object.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (name, value) in &self.0 {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&serde_json::to_string(name).expect("text is JSON"));
            json.push(':');
            json.push_str(value.get());
        }
        json.push('}');
        json
    }

    /// Returns the JSON text of the member `name`. A `null` counts as missing.
    pub fn member(&self, name: &str) -> Result<Option<&RawValue>, Error> {
        let mut found = self.0.iter().filter(|(known, _)| &**known == name).map(|(_, value)| &**value);
        let value = found.next();
        if found.next().is_some() {
            return Err(Error::invalid_params(format!("the parameters contain `{name}` twice")));
        }
        Ok(value.filter(|value| value.get() != "null"))
    }

    /// Parses the member `name`; `null` counts as missing.
    pub fn read_member<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, Error> {
        let read = |value: &'a RawValue| {
            serde_json::from_str(value.get())
                .map_err(|error| Error::invalid_params(format!("invalid parameter `{name}`: {error}")))
        };
        self.member(name)?.map(read).transpose()
    }

    /// Parses all parameters; the error names the invalid one.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let members = self.0.iter().map(|(name, value)| (&**name, &**value));
        T::deserialize(MapDeserializer::new(members))
            .map_err(|error: serde_json::Error| Error::invalid_params(format!("invalid parameters: {error}")))
    }
}

/// The parameters as they were written.
pub(crate) enum Written {
    /// Valid parameters.
    Object(Params),
    /// A value that cannot be parameters, with the reason.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        deserializer.deserialize_any(Members)
    }
}

/// The reason for every value that is not an object.
const NO_OBJECT: Written = Written::Other("are not an object");

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() == MEMBERS_MAX {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(Written::Other("have more than 64 members"));
            }
            members.push(member);
        }
        Ok(Written::Object(Params(members)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(NO_OBJECT)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Written, E> {
        Ok(NO_OBJECT)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Written, E> {
        Ok(NO_OBJECT)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Written, E> {
        Ok(NO_OBJECT)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Written, E> {
        Ok(NO_OBJECT)
    }

    fn visit_str<E>(self, _: &str) -> Result<Written, E> {
        Ok(NO_OBJECT)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::MEMBERS_MAX;
    use crate::json_rpc::{Incoming, Message, parse};
    use crate::params::Params;

    fn params(json: &str) -> Option<Params> {
        let message = format!(r#"{{"jsonrpc":"2.0","method":"x","params":{json}}}"#);
        match parse(message.as_bytes()) {
            Ok(Incoming::One(Message::Notification { params, .. })) => Some(params),
            _ => None,
        }
    }

    #[test]
    fn members_stay_as_they_were_written() {
        let params = params(r#"{"number": 1.50, "\u0061\"b": [ 1 ], "nothing": null}"#).expect("parameters");
        assert_eq!(params.to_json(), r#"{"number":1.50,"a\"b":[ 1 ],"nothing":null}"#);
        assert_eq!(params.member("a\"b").expect("once").map(RawValue::get), Some("[ 1 ]"));
        assert!(params.member("nothing").expect("once").is_none());
        assert_eq!(params.read_member::<f64>("number"), Ok(Some(1.5)));
        assert!(params.read_member::<String>("number").is_err());
    }

    #[test]
    fn what_is_there_twice_is_refused_by_whoever_needs_it() {
        #[derive(Debug, Deserialize)]
        struct Named {
            name: String,
        }
        let params = params(r#"{"name": "a", "other": 1, "other": 2, "name": "b"}"#).expect("parameters");
        assert!(params.member("name").is_err() && params.member("other").is_err());
        assert!(params.read::<Named>().map(|named| named.name).is_err());
    }

    #[test]
    fn there_are_only_so_many_and_nothing_else_is_parameters() {
        let many = |count: usize| {
            let members: Vec<_> = (0..count).map(|number| format!("\"{number}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(params(&many(MEMBERS_MAX)).is_some());
        assert!(params(&many(MEMBERS_MAX + 1)).is_none());
        assert!(params("null").is_some_and(|params| params.to_json() == "{}"));
        for other in ["true", "1", "-1", "1.5", "\"a\"", "\"\\n\"", "[1, [2]]"] {
            assert!(params(other).is_none(), "{other}");
        }
    }
}
