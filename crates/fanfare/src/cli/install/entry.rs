//! Our entry in a client's file, which can be written as JSON, TOML or YAML.

use serde_json::Value;

use crate::cli::install::layout::Layout;

/// Name of the entry in every client.
pub(crate) const NAME: &str = "fanfare";

/// The value of a member.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    List(Vec<String>),
    Map(Vec<(&'static str, String)>),
    Text(String),
}

/// An entry. Its members keep their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) members: Vec<(&'static str, Member)>,
}

impl Entry {
    pub(crate) fn text(mut self, name: &'static str, text: impl Into<String>) -> Entry {
        self.members.push((name, Member::Text(text.into())));
        self
    }

    pub(crate) fn list(mut self, name: &'static str, list: Vec<String>) -> Entry {
        self.members.push((name, Member::List(list)));
        self
    }

    pub(crate) fn map(mut self, name: &'static str, key: &'static str, text: impl Into<String>) -> Entry {
        self.members.push((name, Member::Map(vec![(key, text.into())])));
        self
    }

    /// Returns the entry as a JSON value.
    pub(crate) fn value(&self) -> Value {
        let of = |member: &Member| match member {
            Member::Text(text) => Value::from(text.as_str()),
            Member::List(list) => Value::from(list.clone()),
            Member::Map(pairs) => {
                pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(text.as_str()))).collect()
            }
        };
        self.members.iter().map(|(name, member)| ((*name).to_owned(), of(member))).collect()
    }

    /// Formats the entry as a JSON object, for a property that is laid out as `layout`.
    pub(crate) fn json(&self, layout: &Layout) -> String {
        let members: Vec<(&str, String)> =
            self.members.iter().map(|(name, member)| (*name, json(member, &layout.deeper()))).collect();
        object(&members, layout)
    }

    /// Returns the entry as a TOML value.
    pub(crate) fn toml_value(&self) -> toml::Value {
        toml::Value::try_from(self.value()).expect("text, lists and maps are TOML")
    }

    /// Formats the entry as a TOML table.
    pub(crate) fn toml(&self, header: &str, newline: &str) -> String {
        let of = |member: &Member| match member {
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
        let lines: String =
            self.members.iter().map(|(name, member)| format!("{name} = {}{newline}", of(member))).collect();
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

fn json(member: &Member, layout: &Layout) -> String {
    match member {
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

fn object(members: &[(&str, String)], layout: &Layout) -> String {
    let inner = layout.deeper();
    let members: Vec<String> = members.iter().map(|(name, text)| format!("\"{name}\": {text}")).collect();
    if layout.is_inline {
        return format!("{{ {} }}", members.join(", "));
    }
    format!("{{{}{}{}}}", inner.start(), members.join(&format!(",{}", inner.start())), layout.start())
}

fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
