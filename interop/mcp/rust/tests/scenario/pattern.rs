//! What an answer has to look like, as `scenario.json` writes it. `node/pattern.mjs` reads the same language.

use anyhow::{Context, Result, bail, ensure};
use regex_lite::{Captures, Regex};
use serde_json::{Map, Value};

const BRIEF_CHARS: usize = 600;

/// What the patterns of a run go by.
pub struct Known {
    /// The era's name, for `$era`.
    pub era: &'static str,
    /// What `$save` has kept, for `${name}`.
    pub saved: Map<String, Value>,
}

impl Known {
    /// Says where `value` is not what `pattern` wants, and keeps what `$save` names. `None` is a member that is missing.
    pub fn expect(&mut self, pattern: &Value, value: Option<&Value>, at: &str) -> Result<()> {
        match pattern {
            Value::Array(each) => {
                let items = value.and_then(Value::as_array).filter(|items| items.len() == each.len());
                let Some(items) = items else { return fail(at, value, &brief(Some(pattern))) };
                for (index, (pattern, item)) in each.iter().zip(items).enumerate() {
                    self.expect(pattern, Some(item), &format!("{at}[{index}]"))?;
                }
            }
            Value::Object(tests) if tests.keys().any(|name| name.starts_with('$')) => {
                for (name, wanted) in tests {
                    self.test(name, wanted, value, at)?;
                }
            }
            Value::Object(members) => {
                let Some(found) = value.and_then(Value::as_object) else {
                    return fail(at, value, "an object");
                };
                for (name, pattern) in members {
                    self.expect(pattern, found.get(name), &format!("{at}.{name}"))?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let wanted = self.fill(pattern)?;
                if !value.is_some_and(|value| same(value, &wanted)) {
                    return fail(at, value, &brief(Some(&wanted)));
                }
            }
        }
        Ok(())
    }

    fn test(&mut self, name: &str, wanted: &Value, value: Option<&Value>, at: &str) -> Result<()> {
        let list = value.and_then(Value::as_array);
        match name {
            "$match" => {
                let pattern = Regex::new(wanted.as_str().context("`$match` wants a string")?)?;
                if !value.and_then(Value::as_str).is_some_and(|text| pattern.is_match(text)) {
                    return fail(at, value, &format!("something that matches {pattern}"));
                }
            }
            "$type" => {
                if value.map(type_of) != wanted.as_str() {
                    return fail(at, value, &format!("of type {wanted}"));
                }
            }
            "$not" => {
                if value == Some(wanted) {
                    return fail(at, value, &format!("anything but {wanted}"));
                }
            }
            "$era" => {
                let wanted = wanted.get(self.era).context("`$era` does not name the era")?;
                self.expect(wanted, value, at)?;
            }
            "$has" => {
                let Some(list) = list else { return fail(at, value, "a list") };
                for each in wanted.as_array().context("`$has` wants a list")? {
                    if !list.iter().any(|item| self.expect(each, Some(item), at).is_ok()) {
                        return fail(at, value, &format!("a list with {}", brief(Some(each))));
                    }
                }
            }
            "$each" => {
                let Some(list) = list else { return fail(at, value, "a list") };
                for (index, item) in list.iter().enumerate() {
                    self.expect(wanted, Some(item), &format!("{at}[{index}]"))?;
                }
            }
            "$save" => {
                let name = wanted.as_str().context("`$save` wants a name")?;
                self.saved
                    .insert(name.to_owned(), value.with_context(|| format!("{at} is missing"))?.clone());
            }
            _ => bail!("scenario.json has the unknown word `{name}`"),
        }
        Ok(())
    }

    /// Puts what was saved where `${name}` stands, in everything that is sent or compared.
    pub fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => {
                let named = Regex::new(r"\$\{(\w+)\}")?;
                for found in named.captures_iter(text) {
                    ensure!(
                        self.saved.get(&found[1]).is_some_and(Value::is_string),
                        "no earlier step has given `{}`",
                        &found[1]
                    );
                }
                let saved = |found: &Captures| self.saved[&found[1]].as_str().unwrap_or_default().to_owned();
                named.replace_all(text, saved).into_owned().into()
            }
            Value::Array(each) => each.iter().map(|each| self.fill(each)).collect::<Result<_>>()?,
            Value::Object(members) => {
                let filled = members.iter().map(|(name, each)| Ok((name.clone(), self.fill(each)?)));
                Value::Object(filled.collect::<Result<_>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }
}

/// A number is the same whether it was written with a fraction or not.
fn same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Number(value), Value::Number(wanted)) => value.as_f64() == wanted.as_f64(),
        _ => value == wanted,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn fail(at: &str, value: Option<&Value>, wanted: &str) -> Result<()> {
    let at = if at.is_empty() { "the answer" } else { at };
    bail!("{at} is {}, and should be {wanted}", brief(value))
}

pub fn brief(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "missing".to_owned(), Value::to_string);
    match text.char_indices().nth(BRIEF_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
