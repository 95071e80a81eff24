//! What templates make of events, which texts are refused, and that each hostile one ends.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BODY_LEN_MAX, Preset, RenderError, TEMPLATE_LEN_MAX, Template};
use crate::method::ContentType;
use crate::url::WebhookUrl;
use fanfare_core::event::Event;
use fanfare_core::json::Json;
use fanfare_core::new_event::NewEvent;
use fanfare_core::position::{Epoch, Position};
use fanfare_core::principal::{Door, Principal, Source};
use fanfare_core::timestamp::Timestamp;

fn event(message: &str, data: Option<Value>) -> Event {
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    let mut event = NewEvent::new(message, source).expect("short enough");
    event.data = data.map(|data| Json::parse(data.to_string()).expect("JSON"));
    let position = Position { epoch: Epoch::from_random(7), seq: 42 };
    event.into_event(position, Timestamp::from_micros(1_762_864_496_789_012))
}

fn url() -> WebhookUrl {
    "https://example.com/?chat_id=-12&topic=builds&routing_key=k%C3%A9y".parse().expect("a URL")
}

fn of_type(text: &str, content_type: &str) -> Result<Template, fanfare_core::invalid::Invalid> {
    let content_type: ContentType = content_type.parse().expect("a type");
    Template::parse(text)?.of_type(Some(&content_type))
}

fn rendered(text: &str, event: &Event) -> Result<String, RenderError> {
    let template = of_type(text, "text/plain").expect(text);
    template.render(event, &url()).map(|body| String::from_utf8(body).expect("UTF-8"))
}

#[test]
fn a_text_says_what_of_the_event_goes_where() {
    let event = event(
        "it's \"red\"",
        Some(json!({"run": {"url": "https://ci/1", "n": 7}, "tags": ["a", "b"], "none": null})),
    );
    let one = |text: &str| {
        of_type(text, "text/plain").expect(text).try_out().expect(text);
        rendered(text, &event).expect(text)
    };
    for (text, body) in [
        (
            "[{{ data.x | upper }}{{ data.x | length }}{{ data.x.y | join(',') }}{% for x in data.x %}{% endfor %}] {{ data.run.n | truncate(3) }}",
            "[0] 7",
        ),
        (
            "{{ message }} on {{ channel }} ({{ type }}, {{ priority }})",
            "it's \"red\" on default (info, default)",
        ),
        (
            "{{ id }} {{ timestamp }}",
            &format!("{}-42 2025-11-11T12:34:56.789012+00:00", Epoch::from_random(7)),
        ),
        ("{{ data.run.url }} {{ data['run']['n'] }} {{ data.tags[1] }}", "https://ci/1 7 b"),
        ("{{ data.missing.deeply.so }}|{{ data.none | default('x') }}|{{ data.no | default('y') }}", "|x|y"),
        ("{% if data.run.n > 5 and type in ['info', 'error'] %}yes{% else %}no{% endif %}", "yes"),
        (
            "{% for tag in data.tags %}{{ loop.index }}{{ tag | upper }}{% if not loop.last %},{% endif %}{% endfor %}",
            "1A,2B",
        ),
        ("{% for name in data.run %}{{ name }} {% endfor %}{{ data.tags | join('+') }}", "url n a+b"),
        ("{{ message | replace('red', 'green') | truncate(8) }} {{ '  x ' | trim }}", "it's \"g… x"),
        (
            "{{ data.run | tojson }} {{ data.tags | length }} {{ 'ABC' | lower }}",
            r#"{"url":"https://ci/1","n":7} 2 abc"#,
        ),
        ("{% set text = channel ~ ': ' ~ message %}{{ text | truncate_bytes(11) }}", "default:…"),
        ("{{ data.in[0] }}{{ data['for'] }}", ""),
        ("{{ query.topic }}{# a remark #}{% raw %} {{ {% endraw %}{{ '{{' }}", "builds {{ {{"),
        (
            "{{ data.run is defined }} {{ data.x is defined }} {{ data.none is none }} {{ (message) is string }}",
            "True False True True",
        ),
    ] {
        assert_eq!(one(text), *body, "{text}");
    }
    let form = of_type("text={{ message }}&a={{ message | urlencode }}", "application/x-www-form-urlencoded");
    let body = form.expect("a form").render(&event, &url()).expect("a body");
    assert_eq!(String::from_utf8(body).expect("UTF-8"), "text=it%27s%20%22red%22&a=it%27s%20%22red%22");
}

#[test]
fn a_wrong_text_is_refused_with_its_line() {
    for (text, what) in [
        ("slak", "neither a preset nor a template"),
        ("{\n  \"text\": {{ mesage }}\n}", "line 2: the name `mesage` is unknown"),
        ("\n\n{{ message", "line 3"),
        ("{{ message | shout }}", "line 1"),
        ("{% if message %}{{ message }}", "line 1"),
        ("{% include 'x' %}", "line 1"),
        ("{% macro f() %}{% endmacro %}{{ message }}", "line 1"),
        ("{{ range(10) }}", "`range` is unknown"),
        ("{\"text\": \"{{ message }}\"}", "not valid JSON"),
        ("{\"text\": {{ message }},}", "not valid JSON"),
        ("{{ '\n' ~ message * 9 }}", "line 2: `*` cannot be used"),
        ("{{ [1] * 100000000 ~ '' }}", "`*` cannot be used"),
        ("{{ 2 ** 9 }}", "`**` cannot be used"),
        ("{{ data + data }}", "`+` cannot be used"),
        ("{{ '%s' % message }}", "`%` cannot be used"),
        ("{{ {'a': message} }}", "an object cannot be used"),
        ("{{ [message, message] }}", "a list with variables"),
        ("{% do (message, message) %}", "a list of values"),
        ("{% autoescape (message, message) %}{% endautoescape %}", "a list of values"),
        ("{{ [(message)] }}", "a list with expressions"),
        ("{{ ['a'[message]] }}", "a list with expressions"),
        ("{{ [['a'], [data]] }}", "a list with variables"),
        ("{{ ['a' | default(data)] }}", "a list with expressions"),
        ("{{ (message, message) }}", "a list of values"),
        ("{% set a = message, message %}{{ a }}", "a list of values"),
        ("{% for a in message, message %}{{ a }}{% endfor %}", "a list of values"),
        ("{{ message[[data]] }}", "a list with variables"),
        (
            "{% set a = [] %}{% for i in message %}{% set a = [a, a] %}{% endfor %}{{ a }}",
            "a list with variables",
        ),
        (&format!("{}{}", "{{ message }}", " ".repeat(TEMPLATE_LEN_MAX)), "bytes long"),
        (&format!("{{{{ {}1{} }}}}", "(".repeat(2_000), ")".repeat(2_000)), "recursion"),
    ] {
        let template = Template::parse(text).and_then(|template| template.of_type(None));
        let error = template.and_then(|template| template.try_out()).expect_err(text);
        assert!(error.what.contains(what), "{text}: {error}");
        assert!(!error.fix.is_empty());
    }
}

/// Texts that could stall the gateway: each ends with an error, or makes a bounded body.
#[test]
fn a_hostile_text_ends() {
    let long = event(
        &"ab".repeat(32 * 1024),
        Some(json!({"list": vec![0; 100_000], "deep": [[vec![1; 10_000]]], "same": [[vec![1; 10_000]]]})),
    );
    let doubling = "{% set a = message %}".to_owned() + &"{% set a = a ~ a %}".repeat(60) + "{{ a }}";
    let printing = "{{ data }}".repeat(1_000);
    let mut compared = "{% for a in message %}{% for b in message %}".to_owned();
    compared.push_str(&"{% if data.deep == data.same %}x{% endif %}".repeat(50));
    compared.push_str("{% endfor %}{% endfor %}");
    for text in [
        "{% for a in message %}{% for b in message %}{% for c in message %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in message %}{% for b in message %}{% endfor %}{% endfor %}{{ message }}",
        "{% for a in data.list recursive %}{{ loop(data.list) }}{% endfor %}",
        "{% for a in message %}{{ message | replace('a', message) }}{% endfor %}",
        "{{ message | replace('a', message) | replace('b', message) }}",
        "{{ data.list | join(message) }}",
        "{% for a in message %}{% set x %}{{ data }}{% endset %}{% endfor %}{{ message }}",
        "{% for a in message %}{% if data.list[::-1] %}{% endif %}{{ data | tojson | upper | length }}{% endfor %}",
        &doubling,
        &printing,
        &compared,
    ] {
        let error = rendered(text, &long).expect_err("too much");
        assert!(
            matches!(error, RenderError::TooMuch | RenderError::TooLong | RenderError::Failed { .. }),
            "{error}"
        );
    }
    let nested = "{% if message %}".repeat(900) + "x" + &"{% endif %}".repeat(900);
    let _ = Template::parse(&nested).map(|template| template.render(&long, &url()));
    let whole =
        rendered("{{ data }}{{ message }}{{ message | upper }}", &long).expect("twice the event fits");
    assert!(whole.len() < BODY_LEN_MAX);
}

#[test]
fn a_body_says_nothing_that_changes_with_the_time() {
    let event = event("x", None);
    for preset in Preset::ALL {
        let template = Template::parse(preset.as_str()).expect("a preset");
        let bodies = [(); 2].map(|()| template.render(&event, &url()).expect("a body"));
        assert_eq!(bodies[0], bodies[1]);
        assert_eq!(Template::parse(preset.text()).expect("a text").preset(), None);
        assert!(preset.text().len() < TEMPLATE_LEN_MAX / 10);
    }
}

#[test]
fn a_preset_wants_what_its_service_wants_in_the_url() {
    let bare: WebhookUrl = "https://example.com/hook".parse().expect("a URL");
    for preset in Preset::ALL {
        let is_fine = matches!(preset, Preset::Slack | Preset::Discord | Preset::Teams);
        assert_eq!(preset.check_url(&bare).is_ok(), is_fine, "{}", preset.as_str());
        preset.check_url(&url()).expect("all of them");
    }
}

fn body_of(preset: Preset, event: &Event) -> Value {
    let template = Template::parse(preset.as_str()).expect("a preset");
    let body = template.render(event, &url()).expect("a body");
    if preset == Preset::Teams {
        assert!(body.len() <= 28 * 1024, "{}", body.len());
    }
    serde_json::from_slice(&body).expect("JSON")
}

#[test]
fn a_long_message_is_cut_to_what_each_service_takes() {
    for c in ["a", "é", "🎉", "\"", "\u{1}", "&", "\u{202e}"] {
        let event = event(&c.repeat(64 * 1024 / c.len()), None);
        let units = |text: &Value| text.as_str().expect("a text").encode_utf16().count();
        assert!(units(&body_of(Preset::Slack, &event)["text"]) <= 40_000);
        assert!(units(&body_of(Preset::Discord, &event)["content"]) <= 2_000);
        assert!(units(&body_of(Preset::Telegram, &event)["text"]) <= 4_096);
        assert!(units(&body_of(Preset::PagerDuty, &event)["payload"]["summary"]) <= 1_024);
        let ntfy = &body_of(Preset::Ntfy, &event)["message"];
        assert!(ntfy.as_str().expect("a text").len() <= 4_096);
        assert!(ntfy.as_str().expect("a text").ends_with('…'));
        body_of(Preset::Teams, &event);
    }
}

proptest! {
    #[test]
    fn presets_make_json_of_any_message(message in "\\PC{0,40}|[\"\\\\\u{0}-\u{1f}<>&🎉\u{202e}\u{2028}{}%]{0,40}", data in prop::option::of(any::<i64>())) {
        let message = if message.is_empty() { "x".to_owned() } else { message };
        let event = event(&message, data.map(|n| json!({"n": n})));
        let texts = [
            (Preset::Slack, "/text"), (Preset::Discord, "/content"), (Preset::Teams, "/attachments/0/content/body/1/text"),
            (Preset::Telegram, "/text"), (Preset::Ntfy, "/message"), (Preset::PagerDuty, "/payload/summary"),
        ];
        for (preset, place) in texts {
            let body = body_of(preset, &event);
            let text = body.pointer(place).and_then(Value::as_str).expect("a text").to_owned();
            match preset {
                Preset::Slack => {
                    let escaped = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                    prop_assert!(text.ends_with(&escaped), "{}", text);
                }
                _ => prop_assert!(text.ends_with(&message), "{}: {}", preset.as_str(), text),
            }
        }
        prop_assert_eq!(&body_of(Preset::Discord, &event)["allowed_mentions"], &json!({ "parse": [] }));
        prop_assert_eq!(&body_of(Preset::PagerDuty, &event)["routing_key"], "kéy");
        prop_assert_eq!(&body_of(Preset::Telegram, &event)["chat_id"], "-12");
    }

    #[test]
    fn no_text_makes_the_engine_panic(text in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z\"'\\[\\](),.|~ ]|message|data|for|in|if|set|end){0,30}") {
        let _ = Template::parse(&text).and_then(|template| template.try_out());
    }
}

#[test]
fn clones_share_what_was_compiled() {
    let template = Template::parse("{{ message }}").expect("a template");
    assert!(Arc::ptr_eq(&template.program, &template.clone().program));
    assert_eq!(template, template.of_type(None).expect("JSON"));
}
