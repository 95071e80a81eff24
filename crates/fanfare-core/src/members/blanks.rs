//! Members that stand for nothing: models that must fill in every argument write `null` or `""`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::members::Pairs;

/// Returns `object`, JSON text, without the members that are `null` or `""`; an empty text stays in those that
/// `may_be_empty` names. What is not an object is returned as it is.
pub fn without_blanks<'a>(object: &'a str, may_be_empty: &[&str]) -> Cow<'a, str> {
    let Ok(Pairs(members)) = serde_json::from_str::<Pairs<'a>>(object) else { return Cow::Borrowed(object) };
    let is_blank = |(name, raw): &(Cow<'_, str>, &RawValue)| match raw.get() {
        "null" => true,
        "\"\"" => !may_be_empty.contains(&&**name),
        _ => false,
    };
    if !members.iter().any(is_blank) {
        return Cow::Borrowed(object);
    }
    let mut left = String::from("{");
    for (name, raw) in members.iter().filter(|member| !is_blank(member)) {
        if left.len() > 1 {
            left.push(',');
        }
        left.push_str(&serde_json::to_string(name).expect("text is JSON"));
        left.push(':');
        left.push_str(raw.get());
    }
    left.push('}');
    Cow::Owned(left)
}

#[cfg(test)]
mod tests {
    use super::without_blanks;

    #[test]
    fn what_stands_for_nothing_is_left_out_and_the_rest_keeps_its_bytes() {
        for (given, left) in [
            (r#"{"a":1.50,"b":null,"c":"","d":[null,""]}"#, r#"{"a":1.50,"d":[null,""]}"#),
            (r#"{"b" : null}"#, "{}"),
            (r#"{"kept":"","b":""}"#, r#"{"kept":""}"#),
            (r#"{"kept":null}"#, "{}"),
            (r#"{"a\"":1,"c":""}"#, r#"{"a\"":1}"#),
            (r#"{ "a": " " }"#, r#"{ "a": " " }"#),
            ("[null]", "[null]"),
            ("{", "{"),
        ] {
            assert_eq!(without_blanks(given, &["kept"]), left, "{given}");
        }
    }
}
