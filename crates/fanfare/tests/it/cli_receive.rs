//! `fanfare receive` with a running gateway.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::{Gateway, Running, Shell};
use crate::support::until;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Starts a receiver on a free port, and returns its address.
async fn receive(shell: &Shell, words: &[&str]) -> (Running, Value) {
    let words: Vec<&str> = ["receive", "--port", "0", "-o", "json"].iter().chain(words).copied().collect();
    let mut receiver = shell.start(&words);
    let start = receiver.json().await;
    assert_eq!(start["notice"], "receiving", "{start}");
    (receiver, start)
}

#[tokio::test]
async fn a_failed_request_is_retried_and_the_webhook_removed_on_exit() {
    let gateway = Gateway::start().await;
    let words = ["--register", "--fail", "once", "--retry", "50ms", "-c", "builds.>"];
    let (mut receiver, start) = receive(&gateway.shell, &words).await;
    let webhook = gateway.json(&["webhooks", "show", start["webhook_id"].as_str().expect("an id")]).await;
    assert_eq!((&webhook["webhook_url"], &webhook["channels"]), (&start["url"], &json!(["builds.>"])));
    gateway.push(&["-c", "other", "not for it"]).await;
    let id = gateway.push(&["-c", "builds.web", "-t", "error", "broken", "n:=1"]).await;
    for (attempt, status) in [(1, 500), (2, 200)] {
        let got = receiver.json().await;
        assert_eq!(got["id"], json!(id), "{got}");
        assert_eq!((&got["verified"], &got["problem"]), (&json!(true), &json!(null)));
        assert_eq!((&got["attempt"], &got["again"]), (&json!(attempt), &json!(attempt > 1)));
        assert_eq!((&got["status_code"], &got["on_purpose"]), (&json!(status), &json!(status == 500)));
        assert_eq!((&got["body"]["message"], &got["body"]["data"]["n"]), (&json!("broken"), &json!(1)));
        assert_eq!(got["headers"]["content-type"], "application/json");
    }
    receiver.signal(Signal::INT);
    assert_eq!(receiver.end().await.code, 130);
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn people_see_the_event_and_the_outcome() {
    let mut shell = Shell::new();
    shell.set("FANFARE_WEBHOOK_SECRET", SECRET);
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "memory").await;
    let words = ["receive", "--port", "0", "--register", "--fail", "first:1", "--retry", "50ms", "-n", "2"];
    let mut receiver = gateway.shell.start(&words);
    // In human output, nothing says when the receiver is ready.
    let is_there = async || (gateway.json(&["webhooks", "ls"]).await["total"] == 1).then_some(());
    until("the registration", is_there).await;
    gateway.push(&["--wait", "-c", "builds.web", "-t", "error", "broken", "n:=1"]).await;
    let line = receiver.line().await;
    assert!(line.ends_with("✗ builds.web    broken  n=1  ✓ verified → 500 on purpose"), "{line}");
    let line = receiver.line().await;
    assert!(line.ends_with("broken  n=1  ✓ verified, again (2) → 200"), "{line}");
    gateway.push(&["-c", "builds.web", "green"]).await;
    let line = receiver.line().await;
    assert!(line.ends_with("· builds.web    green  ✓ verified → 200"), "{line}");
    assert_eq!(receiver.end().await.code, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let mut shell = Shell::new();
    shell.set("HOOK", SECRET);
    let (mut receiver, start) = receive(&shell, &["--secret", "env:HOOK"]).await;
    let url = start["url"].as_str().expect("an address");
    let http = crate::support::gateway::reqwest_client(false);
    let answer = http.post(url).body("{\"message\":\"forged\"}").send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(answer.text().await.expect("text").contains("`webhook-signature` is missing"));
    let got = receiver.json().await;
    assert_eq!((&got["verified"], &got["status_code"]), (&json!(false), &json!(401)));
    assert_eq!(got["problem"], "the header `webhook-signature` is missing");
    assert_eq!(http.get(url).send().await.expect("an answer").status(), 405);
    let large = vec![b'x'; 2 * 1024 * 1024 + 1];
    assert_eq!(http.post(url).body(large).send().await.expect("an answer").status(), 413);
    receiver.signal(Signal::TERM);
    let ended = receiver.end().await;
    assert_eq!((ended.code, ended.out.as_str()), (143, ""), "{ended:?}");
}

#[tokio::test]
async fn a_gateway_that_was_killed_resumes_its_deliveries() {
    let gateway = Gateway::start_in(Shell::new(), "127.0.0.1:0", "log.db").await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let (mut receiver, _) =
        receive(&gateway.shell, &["--register", "--fail", "once", "--retry", "500ms"]).await;
    let id = gateway.push(&["--wait", "survives"]).await;
    let first = receiver.json().await;
    assert_eq!((&first["id"], &first["status_code"]), (&json!(id), &json!(500)));
    let shell = gateway.kill().await;
    let gateway = Gateway::start_in(shell, &address, "log.db").await;
    let second = receiver.json().await;
    assert_eq!((&second["id"], &second["status_code"]), (&json!(id), &json!(200)));
    assert_eq!((&second["again"], &second["verified"]), (&json!(true), &json!(true)));
    receiver.signal(Signal::INT);
    assert_eq!(receiver.end().await.code, 130);
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_receiver_takes_over_the_webhook_of_a_run_that_was_killed() {
    let gateway = Gateway::start().await;
    // Without retries, because one at the wrong moment would be signed with the old secret.
    let (receiver, start) = receive(&gateway.shell, &["--register", "--retry", "none"]).await;
    let url = start["url"].as_str().expect("an address").to_owned();
    let port = url.trim_end_matches('/').rsplit(':').next().expect("a port").to_owned();
    receiver.signal(Signal::KILL);
    receiver.end().await;
    let id = gateway.push(&["--wait", "while nobody is there"]).await;
    let words = ["receive", "--port", &port, "--register", "--once", "-o", "json"];
    let mut receiver = gateway.shell.start(&words);
    assert_eq!(receiver.json().await["webhook_id"], start["webhook_id"]);
    let retried = gateway.json(&["deliveries", "resend", "--failed"]).await;
    assert_eq!(retried["webhooks"][0]["count"], 1, "{retried}");
    let got = receiver.json().await;
    assert_eq!((&got["id"], &got["verified"]), (&json!(id), &json!(true)), "{got}");
    assert_eq!(receiver.end().await.code, 0);
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 0);

    // A webhook that someone else registered there is left alone.
    gateway.json(&["webhooks", "add", &url]).await;
    let said = gateway.run(&["receive", "--port", &port, "--register"]).await;
    assert!(said.code == 2 && said.err.contains("is already registered"), "{said:?}");
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_slow_receiver_is_not_waited_for_beyond_the_gateways_patience() {
    let gateway = Gateway::start().await;
    let words = ["--register", "--delay", "300ms", "--status", "503", "--retry", "none"];
    let (mut receiver, start) = receive(&gateway.shell, &words).await;
    let test = gateway.json(&["webhooks", "show", start["webhook_id"].as_str().expect("an id")]).await;
    assert_eq!(test["retry"], serde_json::json!([]));
    let said =
        gateway.run(&["webhooks", "test", start["webhook_id"].as_str().expect("an id"), "-o", "json"]).await;
    let attempt: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((said.code, &attempt["status_code"]), (1, &json!(503)), "{said:?}");
    assert!(attempt["times"]["wait_us"].as_u64().is_some_and(|wait| wait >= 300_000), "{attempt}");
    let got = receiver.json().await;
    assert_eq!((&got["on_purpose"], &got["body"]["type"]), (&json!(true), &json!("fanfare.test")));
    receiver.signal(Signal::INT);
    receiver.end().await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_impossible_receiver_is_refused() {
    let gateway = Gateway::start().await;
    let taken = gateway.url.rsplit(':').next().expect("a port").to_owned();
    for (words, code, part) in [
        (&["receive", "--port", &taken][..], 1, "cannot listen"),
        (&["receive", "-c", "a"], 2, "add --register"),
        (&["receive", "--fail", "sometimes"], 2, "write `once`"),
        (&["receive", "--delay", "2m"], 2, "at most 60 s"),
        (&["receive", "--url", "http://x"], 2, "--register"),
        (&["receive", "--port", "0", "--register", "--server", "http://127.0.0.1:9"], 4, "cannot reach"),
        (
            &["receive", "--port", "0", "--register", "--server", "http://push.example.com"],
            2,
            "the gateway is on another machine",
        ),
    ] {
        let said = gateway.run(words).await;
        assert!(said.code == code && said.err.contains(part), "{words:?}: {said:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_receiver_leaves_the_port_of_another_webhook_alone() {
    let gateway = Gateway::start().await;
    // A webhook with another path sends to the same receiver, which does not know its secret.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let url = format!("http://localhost:{port}/hook");
    gateway.json(&["webhooks", "add", &url, "-c", "unheard"]).await;
    let said = gateway.run(&["receive", "--port", &port.to_string(), "--register"]).await;
    assert!(said.code == 2 && said.err.contains(&format!("{url} is already registered")), "{said:?}");
    assert!(said.err.contains("--secret FILE without --register"), "{said:?}");

    // Without a choice of one's own, another port does as well.
    gateway.json(&["webhooks", "add", "http://127.0.0.1:3000/hook", "-c", "unheard"]).await;
    let mut receiver = gateway.shell.start(&["receive", "--register", "--once", "-o", "json"]);
    let start = receiver.json().await;
    let own = start["url"].as_str().expect("an address");
    assert!(!own.contains(":3000/"), "{start}");
    let id = gateway.push(&["it arrives once"]).await;
    let got = receiver.json().await;
    assert_eq!(
        (&got["id"], &got["verified"], &got["attempt"]),
        (&json!(id), &json!(true), &json!(1)),
        "{got}"
    );
    let said = receiver.end().await;
    assert_eq!(said.code, 0);
    assert!(said.err.contains("port 3000 is the one of http://127.0.0.1:3000/hook"), "{said:?}");
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 2, "both are left alone");
    gateway.stop().await;
}
