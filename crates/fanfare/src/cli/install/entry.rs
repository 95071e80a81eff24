//! Our entry in a client's file, which can be written as JSON, TOML or YAML.

use std::borrow::Cow;

use serde_json::Value;

use crate::cli::install::layout::Layout;

/// Name of the entry in every client.
pub(crate) const NAME: &str = "fanfare";

/// The value of a member.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    /// A value that others have written, whole or in part.
    Kept(Value),
    List(Vec<String>),
    Map(Vec<(&'static str, String)>),
    Text(String),
}

/// An entry. Its members keep their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) members: Vec<(Cow<'static, str>, Member)>,
}

impl Entry {
    pub(crate) fn text(mut self, name: &'static str, text: impl Into<String>) -> Entry {
        self.members.push((name.into(), Member::Text(text.into())));
        self
    }

    pub(crate) fn list(mut self, name: &'static str, list: Vec<String>) -> Entry {
        self.members.push((name.into(), Member::List(list)));
        self
    }

    pub(crate) fn map(mut self, name: &'static str, key: &'static str, text: impl Into<String>) -> Entry {
        self.members.push((name.into(), Member::Map(vec![(key, text.into())])));
        self
    }

    /// Returns the entry as a JSON value.
    pub(crate) fn value(&self) -> Value {
        self.members.iter().map(|(name, member)| ((**name).to_owned(), member.value())).collect()
    }

    /// Formats the entry as a JSON object, for a property that is laid out as `layout`.
    pub(crate) fn json(&self, layout: &Layout) -> String {
        let members: Vec<(&str, String)> =
            self.members.iter().map(|(name, member)| (&**name, json(member, &layout.deeper()))).collect();
        object(&members, layout)
    }

    /// Returns the entry as a TOML value.
    pub(crate) fn toml_value(&self) -> toml::Value {
        toml::Value::try_from(self.value()).expect("text, lists and maps are TOML")
    }

    /// Formats the entry as a TOML table.
    pub(crate) fn toml(&self, header: &str, newline: &str) -> String {
        let of = |member: &Member| match member {
            Member::Kept(value) => {
                toml::Value::try_from(value).map_or_else(|_| toml_text(""), |value| value.to_string())
            }
            Member::Text(text) => toml_text(text),
            Member::List(list) => {
                format!("[{}]", list.iter().map(|text| toml_text(text)).collect::<Vec<_>>().join(", "))
            }
            Member::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, text)| format!("{key} = {}", toml_text(text))).collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        };
        let lines: String = self
            .members
            .iter()
            .map(|(name, member)| format!("{} = {}{newline}", toml_edit::Key::new(&**name), of(member)))
            .collect();
        format!("[{header}]{newline}{lines}")
    }

    /// Formats the entry as lines of YAML, which allows JSON strings and lists.
    pub(crate) fn yaml(&self, indent: &str) -> String {
        let layout = Layout { is_inline: true, ..Layout::document("") };
        let lines: Vec<String> = self
            .members
            .iter()
            .map(|(name, member)| format!("{indent}{name}: {}", json(member, &layout)))
            .collect();
        lines.join("\n")
    }
}

impl Member {
    /// Returns the member as a JSON value.
    pub(crate) fn value(&self) -> Value {
        match self {
            Member::Kept(value) => value.clone(),
            Member::List(list) => Value::from(list.clone()),
            Member::Map(pairs) => {
                pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(text.as_str()))).collect()
            }
            Member::Text(text) => Value::from(text.as_str()),
        }
    }
}

/// Formats a member as JSON, in an object that is laid out as `layout`.
pub(crate) fn json(member: &Member, layout: &Layout) -> String {
    match member {
        Member::Kept(value) => kept(value, layout),
        Member::Text(text) => Value::from(text.as_str()).to_string(),
        Member::List(list) => {
            let list: Vec<String> = list.iter().map(|text| Value::from(text.as_str()).to_string()).collect();
            format!("[{}]", list.join(", "))
        }
        Member::Map(pairs) => {
            let pairs: Vec<(&str, String)> =
                pairs.iter().map(|(key, text)| (*key, Value::from(text.as_str()).to_string())).collect();
            object(&pairs, layout)
        }
    }
}

fn kept(value: &Value, layout: &Layout) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let inner = layout.deeper();
            let members: Vec<(&str, String)> =
                members.iter().map(|(name, value)| (name.as_str(), kept(value, &inner))).collect();
            object(&members, layout)
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}

fn object(members: &[(&str, String)], layout: &Layout) -> String {
    let inner = layout.deeper();
    let members: Vec<String> =
        members.iter().map(|(name, text)| format!("{}: {text}", Value::from(*name))).collect();
    if layout.is_inline {
        return format!("{{ {} }}", members.join(", "));
    }
    format!("{{{}{}{}}}", inner.start(), members.join(&format!(",{}", inner.start())), layout.start())
}

fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
