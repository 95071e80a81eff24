//! Sources: addresses of their own, each of which asks for a proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;

async fn set(gateway: &Gateway, name: &str, settings: Value) -> Answer {
    let build = |request: reqwest::RequestBuilder| request.json(&settings);
    gateway.request("PUT", &format!("/api/sources/{name}"), build).await
}

async fn send(gateway: &Gateway, name: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let build = |request: reqwest::RequestBuilder| {
        headers
            .iter()
            .fold(request.header("content-type", "application/json"), |request, (name, value)| {
                request.header(*name, *value)
            })
            .body(body.to_owned())
    };
    gateway.request("POST", &format!("/ingest/{name}"), build).await
}

fn tag(secret: &str, body: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn each_source_accepts_those_who_prove_who_they_are_and_nobody_else() {
    const BODY: &str = r#"{"message":"hello"}"#;
    let gateway = Gateway::start().await;
    let (hexadecimal, base64) = (hex(&tag("s3cret", BODY)), STANDARD.encode(tag("s3cret", BODY)));
    let prefixed = format!("sha256={hexadecimal}");
    let pair = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let (user, other) = (pair("ada:s3cret"), pair("ada:other"));
    for (kind, verify, header, right, wrong) in [
        ("gitlab", None, "X-Gitlab-Token", "s3cret", "s3cre"),
        ("bitbucket", None, "X-Hub-Signature", &*prefixed, &*hexadecimal),
        ("shopify", None, "X-Shopify-Hmac-Sha256", &*base64, &*hexadecimal),
        ("sentry", None, "Sentry-Hook-Signature", &*hexadecimal, &*base64),
        ("linear", None, "Linear-Signature", &*hexadecimal, "00"),
        ("gitea", None, "X-Gitea-Signature", &*hexadecimal, &*prefixed),
        ("azure-devops", None, "Authorization", &*user, &*other),
        ("alertmanager", Some("bearer"), "Authorization", "Bearer s3cret", "Bearer S3cret"),
        ("custom", Some("hmac-sha256:X-Sig:v1=:base64"), "X-Sig", &*format!("v1={base64}"), &*base64),
        ("custom", Some("token-header:X-Token"), "X-Token", "s3cret", ""),
        ("custom", Some("basic"), "Authorization", &*pair("whoever:s3cret"), "Basic s3cret"),
    ] {
        let mut settings =
            json!({"kind": kind, "secrets": ["s3cret", "the next one"], "channel": "from.outside"});
        if let Some(verify) = verify {
            settings["verify"] = verify.into();
        }
        let answer = set(&gateway, "mine", settings).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        assert!(!answer.text().contains("s3cret"), "{}", answer.text());
        let body = if kind == "alertmanager" { r#"{"alerts":[{}]}"# } else { BODY };
        let answer = send(&gateway, "mine", &[(header, right)], body).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        for headers in [&[(header, wrong)][..], &[]] {
            let refused = send(&gateway, "mine", headers, body).await.problem(401, "invalid_signature");
            assert!(!refused.to_string().contains("s3cret"), "{refused}");
        }
    }
    let events = gateway.get("/api/events?channel=from.outside&limit=100").await.json();
    assert_eq!(events["events"].as_array().map(Vec::len), Some(11), "{events}");
}

#[tokio::test]
async fn a_source_says_what_arrived_and_why_it_refused() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let made = set(&gateway, "gitlab", json!({"kind": "gitlab"})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let secret = made.json()["secret"].as_str().expect("made up, and shown once").to_owned();
        let push = json!({"object_kind": "push", "ref": "refs/heads/main", "user_name": "Ada", "project": {"path_with_namespace": "octo/web"}});
        let headers =
            [("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", &*secret), ("Idempotency-Key", "d1")];
        let answer = send(&gateway, "gitlab", &headers, &push.to_string()).await;
        assert_eq!((answer.status, answer.json()["channel"].clone()), (200, json!("ingest.gitlab")));
        for number in 0..25 {
            let token = format!("wrong {number}");
            send(&gateway, "gitlab", &[("X-Gitlab-Token", &token)], "{}")
                .await
                .problem(401, "invalid_signature");
        }
        let gateway = gateway.restart().await;
        // The source stays, with its secret; what arrived is counted from the start.
        let answer = send(&gateway, "gitlab", &headers, &push.to_string()).await;
        if engine == Engine::Embedded {
            assert_eq!((answer.status, answer.json()["repeated"].clone()), (200, json!(true)));
            send(&gateway, "gitlab", &[], "{}").await.problem(401, "invalid_signature");
            let shown = gateway.get("/api/sources/gitlab").await.json();
            assert_eq!((&shown["accepted"], &shown["refused"]), (&json!(1), &json!(1)), "{shown}");
            let refusal = &shown["refusals"][0];
            assert_eq!(refusal["code"], "invalid_signature");
            assert!(
                refusal["detail"].as_str().is_some_and(|detail| detail.contains("x-gitlab-token")),
                "{refusal}"
            );
            assert!(!shown.to_string().contains(&secret), "{shown}");
        }
        let list = gateway.get("/api/sources?limit=2").await.json();
        assert_eq!(
            (list["sources"][0]["name"].clone(), list["next_cursor"].is_string()),
            (json!("alertmanager"), true)
        );
    }
}

#[tokio::test]
async fn the_last_refusals_are_kept_and_no_more() {
    let gateway = Gateway::start().await;
    set(&gateway, "shop", json!({"kind": "custom", "verify": "bearer", "secrets": ["s3cret"]})).await;
    for _ in 0..25 {
        send(&gateway, "shop", &[], "{}").await.problem(401, "invalid_signature");
    }
    let shown = gateway.get("/api/sources/shop").await.json();
    assert_eq!((shown["refused"].clone(), shown["refusals"].as_array().map(Vec::len)), (json!(25), Some(20)));
}

#[tokio::test]
async fn an_address_that_exists_from_the_start_can_be_closed_and_asked_for_a_proof() {
    let gateway = Gateway::start().await;
    let names = ["alertmanager", "claude-code", "generic", "github", "standard-webhooks", "stripe"];
    let list = gateway.get("/api/sources").await.json();
    let listed: Vec<_> =
        list["sources"].as_array().expect("a list").iter().map(|source| source["name"].clone()).collect();
    assert_eq!(listed, names);
    assert_eq!(send(&gateway, "generic", &[], "{}").await.status, 200);
    assert_eq!(gateway.request("DELETE", "/api/sources/generic", |request| request).await.status, 200);
    let problem = send(&gateway, "generic", &[], "{}").await.problem(404, "not_found");
    assert!(
        problem["fix"].as_str().is_some_and(|fix| fix.contains("fanfare sources add generic")),
        "{problem}"
    );
    assert_eq!(gateway.get("/api/sources/generic").await.json()["closed"], true);
    let asked =
        set(&gateway, "generic", json!({"kind": "generic", "verify": "bearer", "secrets": ["s3cret"]})).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    send(&gateway, "generic", &[], "{}").await.problem(401, "invalid_signature");
    assert_eq!(send(&gateway, "generic", &[("Authorization", "bearer s3cret")], "{}").await.status, 200);

    let problem = send(&gateway, "gitlab", &[], "{}").await.problem(404, "not_found");
    assert!(
        problem["fix"].as_str().is_some_and(|fix| fix.contains("fanfare sources add gitlab")),
        "{problem}"
    );
    for (name, settings, code, at) in [
        ("x", json!({"kind": "gitlabb"}), "invalid_source", "/kind"),
        ("x", json!({}), "invalid_source", "/kind"),
        ("x", json!({"kind": "custom"}), "invalid_source", "/verify"),
        ("x", json!({"kind": "custom", "verify": "md5:X"}), "invalid_source", "/verify"),
        ("x", json!({"kind": "custom", "verify": "none", "secrets": ["s"]}), "invalid_source", "/secrets"),
        ("x", json!({"kind": "linear"}), "invalid_source", "/secrets"),
        ("x", json!({"kind": "gitlab", "secrets": [""]}), "invalid_source", "/secrets"),
        ("x", json!({"kind": "svix", "secrets": ["short"]}), "invalid_source", "/secrets"),
        ("x", json!({"kind": "svix", "secrets": ["whpk_AA=="]}), "invalid_source", "/secrets"),
        ("x", json!({"kind": "custom", "verify": "none", "channel": "a..b"}), "invalid_channel", "/channel"),
        ("x", json!({"kind": "custom", "verify": "none", "sekrets": []}), "unknown_field", "/sekrets"),
    ] {
        let problem = set(&gateway, name, settings.clone()).await.problem(422, code);
        assert_eq!(problem["at"], at, "{settings}");
    }
    gateway.request("DELETE", "/api/sources/x", |request| request).await.problem(404, "not_found");
}
