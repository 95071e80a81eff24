//! Text with arguments in it: `Status of {{environment}}?`.

use std::fmt::Write as _;

use fanfare_core::limits::MESSAGE_LEN_MAX;
use serde_json::{Map, Value};

/// Maximum length of a template: a long message with many gaps fits.
const TEMPLATE_LEN_MAX: usize = 4 * 1024;

/// A text whose gaps are filled with arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Argument(String),
    Text(String),
}

impl Template {
    /// Parses a text; every argument in it must be among `known`.
    pub(super) fn parse(text: &str, known: &Map<String, Value>) -> Result<Template, String> {
        if text.len() > TEMPLATE_LEN_MAX {
            return Err(format!("is longer than {TEMPLATE_LEN_MAX} bytes"));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err("has `{{` without `}}`".to_owned());
            };
            let name = name.trim();
            if !known.contains_key(name) {
                let known: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("names the argument `{name}`; the input schema has {known}"));
            }
            parts.extend([Part::Text(before.to_owned()), Part::Argument(name.to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Template(parts))
    }

    /// Returns the text with `arguments` in its gaps: text as it is, everything else as JSON, and nothing for one that is
    /// absent. Stops when the text is too long for an event, which then refuses it: a long argument can be named in
    /// hundreds of gaps.
    pub(super) fn render(&self, arguments: &Map<String, Value>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            if text.len() > MESSAGE_LEN_MAX {
                break;
            }
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Argument(name) => match arguments.get(name) {
                    Some(Value::String(value)) => text.push_str(value),
                    // Writing to a string cannot fail.
                    Some(value) => drop(write!(text, "{value}")),
                    None => {}
                },
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{MESSAGE_LEN_MAX, Template};

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_long_argument_in_many_gaps_makes_no_longer_text_than_an_event_refuses() {
        let template = Template::parse(&"{{a}}".repeat(800), &map(json!({"a": {}}))).expect("a template");
        let len = MESSAGE_LEN_MAX - 1;
        let text = template.render(&map(json!({"a": "x".repeat(len)})));
        assert_eq!(text.len(), 2 * len, "too long, and no longer than it must be");
    }

    #[test]
    fn arguments_fill_the_gaps() {
        let known = map(json!({"env": {}, "count": {}}));
        let template = Template::parse("{{env}}: {{ count }} of {{env}} } {", &known).expect("a template");
        assert_eq!(
            template.render(&map(json!({"env": "a{{count}}", "count": 1.50}))),
            "a{{count}}: 1.5 of a{{count}} } {"
        );
        assert_eq!(template.render(&Map::new()), ":  of  } {");
        for (text, says) in [
            ("{{env", "without `}}`"),
            ("{{moon}}", "names the argument `moon`; the input schema has `env`, `count`"),
            (&"x".repeat(5_000), "longer than"),
        ] {
            let problem = Template::parse(text, &known).expect_err(text);
            assert!(problem.contains(says), "{problem}");
        }
    }
}
