//! What is read of an object, and what is refused.

use std::time::Duration;

use super::Members;
use crate::code::Code;

fn members(body: &str) -> Members<'_> {
    Members::parse(body.as_bytes(), Code::InvalidWebhook, "send an object").expect("an object")
}

#[test]
fn a_member_that_nobody_takes_is_refused_with_those_that_there_are() {
    let mut read = members(r#"{"a": "x", "b": null, "colour": 1}"#);
    assert_eq!(read.text("a"), Ok(Some(Some("x".to_owned()))));
    assert_eq!(read.truth("b"), Ok(Some(None)));
    assert_eq!(read.text("c"), Ok(None));
    let error = read.finish().expect_err("colour");
    assert_eq!((error.code, error.at.as_str()), (Code::UnknownField, "/colour"));
    assert_eq!(error.fix, "use `a`, `b` or `c`");
}

#[test]
fn a_member_is_set_once_and_a_name_can_have_escapes() {
    let mut read = members(r#"{"a": 1, "a": 2}"#);
    let error = read.number("a", 1, 5).expect_err("twice");
    assert_eq!((error.code, error.at.as_str()), (Code::InvalidJson, ""));
    let error = members(r#"{"a\/b": 1}"#).finish().expect_err("nobody takes it");
    assert_eq!(error.at, "/a~1b");
    let many: Vec<String> = (0..super::MEMBERS_MAX * 2).map(|n| format!("\"{n}\":0")).collect();
    assert!(members(&format!("{{{}}}", many.join(","))).finish().is_err());
}

#[test]
fn a_refusal_names_the_member_and_what_would_be_right() {
    let mut read = members(r#"{"a": 1, "b": {"c": 7}}"#);
    let error = read.text("a").expect_err("a number");
    assert_eq!((error.code, error.at.as_str(), &*error.fix), (Code::InvalidWebhook, "/a", "give text"));
    let mut inner = read.object("b").expect("an object").flatten().expect("one");
    let error = inner.number("c", 1, 5).expect_err("over the bound");
    assert_eq!((error.at.as_str(), &*error.fix), ("/b/c", "give a whole number from 1 to 5"));
}

#[test]
fn a_duration_has_bounds_and_a_time_is_text_or_seconds() {
    let range = Duration::ZERO..=Duration::from_secs(60);
    let mut read = members(r#"{"a": "1s", "b": 2, "c": null, "d": [1], "e": 61, "f": 600, "g": true}"#);
    assert_eq!(read.duration("a", &range), Ok(Some(Some(Duration::from_secs(1)))));
    assert_eq!(read.duration("b", &range), Ok(Some(Some(Duration::from_secs(2)))));
    assert_eq!(read.duration("c", &range), Ok(Some(None)));
    assert_eq!(read.duration("x", &range), Ok(None));
    for (name, what) in [("d", "an array is not a duration"), ("e", "`1m1s` is too long")] {
        let error = read.duration(name, &range).expect_err(what);
        assert_eq!((error.code, error.at, &*error.what), (Code::InvalidDuration, format!("/{name}"), what));
    }
    assert_eq!(read.time("f", |text| Ok(text.to_owned())), Ok(Some(Some("10m".to_owned()))));
    let mut lists = members(r#"{"a": ["1s", 2], "b": [], "c": ["1s", 61], "d": "1s,2s"}"#);
    let seconds = |list: &[u64]| Ok(Some(Some(list.iter().copied().map(Duration::from_secs).collect())));
    assert_eq!(lists.durations("a", &range), seconds(&[1, 2]));
    assert_eq!(lists.durations("b", &range), seconds(&[]));
    assert_eq!(lists.durations("c", &range).expect_err("over the bound").at, "/c/1");
    assert_eq!(lists.durations("d", &range).expect_err("text").at, "/d");
    let error = read.time("g", |text| Ok(text.to_owned())).expect_err("a boolean");
    assert_eq!((error.at.as_str(), &*error.fix), ("/g", "give a time"));
}

#[test]
fn what_is_no_json_is_not_repeated() {
    let error = Members::parse(b"{\"secret\": whsec_x}", Code::InvalidWebhook, "send an object");
    let error = error.expect_err("no JSON");
    assert!(error.code == Code::InvalidJson && !error.what.contains("whsec"), "{error:?}");
    assert!(Members::parse(b"[]", Code::InvalidWebhook, "").is_err());
    assert!(Members::parse_or_none(b"", Code::InvalidWebhook, "").is_ok());
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction() {
    for (given, read) in [("5", Some(5)), ("5.0", Some(5)), ("1e1", Some(10)), ("-0.0", Some(0))] {
        assert_eq!(members(&format!(r#"{{"a": {given}}}"#)).number("a", 0, 10), Ok(Some(read)), "{given}");
    }
    for given in ["5.5", "-1.0", "11.0", "1e99", "\"5\"", "[5]"] {
        assert!(members(&format!(r#"{{"a": {given}}}"#)).number("a", 0, 10).is_err(), "{given}");
    }
}
