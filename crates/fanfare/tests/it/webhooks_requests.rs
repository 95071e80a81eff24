//! What a webhook asks of its requests: their time, their method, their content type, and a secret as its receiver has it.

use std::time::Duration;

use fanfare_webhook::inbound::{PlainSecret, verify_hub};
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::{Engine, until};

async fn patched(gateway: &Gateway, path: &str, body: &Value) -> Value {
    let answer = gateway.request("PATCH", path, |request| request.json(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_webhook_has_the_time_that_it_asks_for() {
    for engine in Engine::ALL {
        let gateway =
            Gateway::with(engine, |config| config.webhooks.attempt_max = Duration::from_millis(300)).await;
        let slow = Receiver::playing(Vec::new(), Script::Held).await;
        let by_default = gateway.register_url(&slow.url_of("/default"), json!({ "retry": [] })).await;
        let options = json!({ "retry": [], "timeout": "60s" });
        let patient = gateway.register_url(&slow.url_of("/patient"), options).await;
        gateway.push_only("default", "slowly").await;
        slow.gets(2).await;
        // The receiver is slower than the time of the first, which ends before the receiver answers.
        assert_eq!(gateway.outcomes(&by_default, 1).await, ["timeout"]);
        slow.release();
        assert_eq!(gateway.outcomes(&patient, 1).await, ["delivered"]);
        assert_eq!(slow.count(), 2, "each was sent once");

        let path = format!("/api/webhooks/{}", patient.id);
        assert_eq!(gateway.get(&path).await.json()["timeout"], "1m");
        assert_eq!(patched(&gateway, &path, &json!({ "timeout": null })).await["timeout"], "10s");
        for timeout in [json!("500ms"), json!("61s"), json!("soon"), json!(0)] {
            let body = json!({ "timeout": timeout });
            let refused = gateway.request("PATCH", &path, |request| request.json(&body)).await;
            assert_eq!((refused.status, &refused.json()["at"]), (422, &json!("/timeout")), "{body}");
        }
    }
}

#[tokio::test]
async fn a_webhook_has_the_method_and_the_content_type_that_it_asks_for() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let options = json!({ "method": "PUT", "content_type": "application/vnd.ci+json; v=1" });
        let hook = gateway.register_url(&receiver.url(), options).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        gateway.push("default", "one").await;
        let got = receiver.next().await;
        assert_eq!((&*got.method, got.header("content-type")), ("PUT", "application/vnd.ci+json; v=1"));
        got.assert_signed(&hook.secret);
        let path = format!("/api/webhooks/{}", hook.id);
        let attempt = gateway.get(&format!("{path}/attempts")).await.json()["attempts"][0]["id"].clone();
        let attempt =
            gateway.get(&format!("/api/attempts/{}", attempt.as_str().expect("an id"))).await.json();
        assert_eq!(attempt["request"]["method"], "PUT");
        assert_eq!(attempt["request"]["headers"]["content-type"], "application/vnd.ci+json; v=1");

        patched(&gateway, &path, &json!({ "method": null, "content_type": null })).await;
        gateway.push("default", "two").await;
        let got = receiver.next().await;
        assert_eq!((&*got.method, got.header("content-type")), ("POST", "application/json"));
        for (member, value) in [
            ("method", "DELETE"),
            ("method", "put"),
            ("content_type", "text"),
            ("content_type", "a/b\r\nX: y"),
        ] {
            let body = json!({ member: value });
            let refused = gateway.request("PATCH", &path, |request| request.json(&body)).await;
            assert_eq!(
                (refused.status, &refused.json()["at"]),
                (422, &json!(format!("/{member}"))),
                "{body}"
            );
        }
    }
}

fn fits_hub(got: &Got, secret: &str) -> bool {
    let headers = got.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    verify_hub(&headers, &got.body, &[PlainSecret::new(secret).expect("a secret")]).is_ok()
}

#[tokio::test]
async fn a_secret_is_taken_as_its_receiver_has_it() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        // Any text signs as GitHub's webhooks do, and only there.
        let body = json!({ "webhook_url": receiver.url_of("/hub"), "secret": "hunter2" });
        let refused = gateway.post_json("/api/webhooks", &body).await.problem(422, "invalid_webhook");
        assert_eq!(refused["at"], "/secret");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        let options = json!({ "secret": "hunter2", "signatures": ["hub"] });
        let hook = gateway.register_url(&receiver.url_of("/hub"), options).await;
        assert_eq!(hook.secret, "hunter2");
        let without = json!({ "webhook_url": receiver.url_of("/hub"), "signatures": ["v1"] });
        let path = format!("/api/webhooks/{}", hook.id);
        let change = json!({ "signatures": null });
        for refused in [
            gateway.request("PATCH", &path, |request| request.json(&change)).await,
            gateway.post_json("/api/register", &without).await,
        ] {
            assert_eq!(refused.problem(422, "invalid_webhook")["at"], "/signatures");
        }
        // Without padding, with 16 bytes, with the prefix of another service, and one of its own.
        let secrets = [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILA",
            "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgb",
        ];
        for (number, secret) in secrets.iter().enumerate() {
            let url = receiver.url_of(&format!("/{number}"));
            gateway.register_url(&url, json!({ "secret": secret })).await;
        }
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        gateway.push("default", "signed").await;
        let got = receiver.gets(1 + secrets.len()).await;
        let at = |path: &str| got.iter().find(|got| got.path == path).expect(path);
        assert!(fits_hub(at("/hub"), "hunter2") && !fits_hub(at("/hub"), "hunter3"));
        for (number, secret) in secrets.iter().enumerate() {
            at(&format!("/{number}")).assert_signed(secret);
        }
        let path = format!("/api/webhooks/{}/secret/rotate", hook.id);
        let rotated =
            gateway.post_json(&path, &json!({ "secret": "correct horse", "overlap": "0s" })).await.json();
        assert_eq!(rotated["secret"], "correct horse");
        gateway.push("default", "again").await;
        until("the next", async || receiver.got().into_iter().skip(6).find(|got| got.path == "/hub")).await;
        let last = receiver.got().into_iter().rfind(|got| got.path == "/hub").expect("the next");
        assert!(fits_hub(&last, "correct horse") && !fits_hub(&last, "hunter2"));
    }
}
