//! The condition of `listen --until`: a member of an event, compared with a value.

use std::str::FromStr;

use fanfare_core::{Code, Invalid};
use serde_json::Value;

/// A condition on an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// The names of a member and of those within it: `data`, `status`.
    path: Vec<Box<str>>,
    test: Test,
}

/// What the member is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// It is there, and neither `false` nor `null`.
    IsSet,
    Equals(Box<str>),
    Differs(Box<str>),
    Less(f64),
    AtMost(f64),
    Greater(f64),
    AtLeast(f64),
}

const FIX: &str = "write a member, `==`, `!=`, `<`, `<=`, `>` or `>=`, and a value: `data.status==done`, `data.percent>=100`, \
                   `type==error`; a member alone must be there: `data.done`";

/// The members of an event that a condition can begin with.
const MEMBERS: [&str; 7] = ["channel", "data", "id", "key", "message", "priority", "type"];

impl FromStr for Condition {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Condition, Invalid> {
        let at = text.find(['=', '!', '<', '>']).unwrap_or(text.len());
        let (path, rest) = text.split_at(at);
        let path: Vec<Box<str>> = path.trim().split('.').map(Box::from).collect();
        if path.iter().any(|name| name.is_empty()) {
            return Err(invalid(format!("`{text}` does not name a member of the event")));
        }
        if !MEMBERS.contains(&&*path[0]) {
            let known = MEMBERS.map(|member| format!("`{member}`")).join(", ");
            return Err(invalid(format!("an event has no member `{}`, but {known}", path[0])));
        }
        Ok(Condition { path, test: test(rest)? })
    }
}

/// Reads what follows the member.
fn test(rest: &str) -> Result<Test, Invalid> {
    if rest.is_empty() {
        return Ok(Test::IsSet);
    }
    // The longer ones first.
    let found = ["==", "!=", "<=", ">=", "<", ">"]
        .into_iter()
        .find_map(|sign| Some((sign, rest.strip_prefix(sign)?)));
    let Some((sign, value)) = found else {
        return Err(invalid(format!("`{rest}` is no comparison")));
    };
    let value = value.trim();
    let number = || {
        let number = value.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| invalid(format!("`{value}` is not a number, and `{sign}` compares numbers")))
    };
    Ok(match sign {
        "==" => Test::Equals(value.into()),
        "!=" => Test::Differs(value.into()),
        "<" => Test::Less(number()?),
        "<=" => Test::AtMost(number()?),
        ">" => Test::Greater(number()?),
        _ => Test::AtLeast(number()?),
    })
}

fn invalid(what: String) -> Invalid {
    Invalid::new(Code::InvalidQuery, what, FIX)
}

impl Condition {
    /// Returns whether the event with this JSON meets the condition. One without the member never does.
    pub(crate) fn is_met(&self, json: &str) -> bool {
        let Ok(event) = serde_json::from_str::<Value>(json) else { return false };
        let member = self.path.iter().try_fold(&event, |value, name| match value {
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
            value => value.get(&**name),
        });
        let Some(member) = member else { return false };
        let number = || member.as_f64();
        match &self.test {
            Test::IsSet => !matches!(member, Value::Null | Value::Bool(false)),
            Test::Equals(wanted) => is(member, wanted),
            Test::Differs(wanted) => !is(member, wanted),
            Test::Less(limit) => number().is_some_and(|number| number < *limit),
            Test::AtMost(limit) => number().is_some_and(|number| number <= *limit),
            Test::Greater(limit) => number().is_some_and(|number| number > *limit),
            Test::AtLeast(limit) => number().is_some_and(|number| number >= *limit),
        }
    }
}

/// Returns whether `member` is what `wanted` says, as text or as JSON: `done`, `"done"`, `3`, `true`.
fn is(member: &Value, wanted: &str) -> bool {
    let json = || serde_json::from_str::<Value>(wanted).ok();
    match member {
        Value::String(text) => text == wanted || json().is_some_and(|json| json == *member),
        Value::Number(number) => {
            json().is_some_and(|json| json.is_number() && json.as_f64() == number.as_f64())
        }
        member => json().is_some_and(|json| json == *member),
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;

    const EVENT: &str = r#"{"id":"k3f9x2ab-1","channel":"builds","type":"error","message":"a == b","priority":"high",
        "data":{"status":"done","percent":100,"ok":true,"no":false,"none":null,"steps":[{"name":"lint"}],"a b":"1"}}"#;

    fn is_met(condition: &str) -> bool {
        condition.parse::<Condition>().expect(condition).is_met(EVENT)
    }

    #[test]
    fn a_condition_compares_a_member_with_text_or_json() {
        for condition in [
            "data.status==done",
            "data.status == \"done\"",
            "data.status!=failed",
            "data.percent==100",
            "data.percent==1e2",
            "data.percent>=100",
            "data.percent > 99.5",
            "data.percent<=100",
            "data.percent<101",
            "data.ok==true",
            "data.ok",
            "data.none==null",
            "data.steps.0.name==lint",
            "data.steps==[{\"name\":\"lint\"}]",
            "data.a b==1",
            "type==error",
            "message==a == b",
            "channel==builds",
        ] {
            assert!(is_met(condition), "{condition}");
        }
        for condition in [
            "data.status==Done",
            "data.status>1",
            "data.percent>100",
            "data.percent==\"100\"",
            "data.no",
            "data.none",
            "data.missing",
            "data.missing!=done",
            "data.steps.1.name==lint",
            "data.steps.name==lint",
            "key==x",
        ] {
            assert!(!is_met(condition), "{condition}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_read_says_why() {
        for (condition, why) in [
            ("status==done", "no member `status`"),
            ("data..x==1", "does not name a member"),
            ("==1", "does not name a member"),
            ("", "does not name a member"),
            ("data.x=1", "`=1` is no comparison"),
            ("data.x>much", "`much` is not a number"),
            ("data.x>=NaN", "`NaN` is not a number"),
        ] {
            let error = condition.parse::<Condition>().expect_err(condition);
            assert!(error.what.contains(why), "{condition}: {}", error.what);
        }
    }
}
