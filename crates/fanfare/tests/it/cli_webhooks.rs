//! `fanfare webhooks`: webhooks are registered, shown and changed from the shell.

use serde_json::json;

use crate::cli::{Gateway, Shell, json as read};
use crate::cli_install_said::at_a_terminal;
use crate::support::receiver::{Receiver, Script};
use crate::support::tls::Authority;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_webhook_is_added_shown_changed_and_removed() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let added = gateway
        .json(&[
            "webhooks",
            "add",
            &url,
            "-c",
            "builds.>,alerts.*",
            "-t",
            "error",
            "--min-priority",
            "high",
            "--text",
            "red",
            "--payload",
            "event",
            "-H",
            "X-Team: blue",
            "--signature",
            "v1a,hub",
            "--rate-per-second",
            "50",
            "--concurrency",
            "4",
            "--batch",
            "10,50ms",
            "--retry",
            "1s,2s",
            "--description",
            "pages the team",
        ])
        .await;
    let id = added["id"].as_str().expect("an id").to_owned();
    assert!(added["secret"].as_str().expect("a secret").starts_with("whsec_"));
    let shown = gateway.json(&["webhooks", "show", &id]).await;
    for (member, value) in [
        ("webhook_url", json!(url)),
        ("channels", json!(["alerts.*", "builds.>"])),
        ("types", json!(["error"])),
        ("min_priority", json!("high")),
        ("text", json!("red")),
        ("payload", json!("event")),
        ("header_names", json!(["X-Team"])),
        ("signatures", json!(["v1", "v1a", "hub"])),
        ("rate_per_second", json!(50)),
        ("concurrency", json!(4)),
        ("batch", json!({ "max_events": 10, "max_wait": "50ms" })),
        ("retry", json!(["1s", "2s"])),
        ("description", json!("pages the team")),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    // Adding the same URL again changes nothing, and says how to.
    let again = gateway.run(&["webhooks", "add", &url, "-c", "chat"]).await;
    assert!(again.code == 5 && again.err.contains(&format!("fanfare webhooks edit {id}")), "{again:?}");
    assert_eq!(gateway.json(&["webhooks", "show", &id]).await["channels"], json!(["alerts.*", "builds.>"]));
    let changed = gateway
        .json(&[
            "webhooks",
            "edit",
            &url,
            "--ordered",
            "--payload",
            "seed",
            "--reset",
            "channel,type,min-priority,text,batch,header",
        ])
        .await;
    for (member, value) in [
        ("channels", json!([">"])),
        ("types", json!([])),
        ("min_priority", json!("min")),
        ("text", json!(null)),
        ("batch", json!(null)),
        ("header_names", json!([])),
        ("ordered", json!(true)),
        ("payload", json!("seed")),
        ("description", json!("pages the team")),
    ] {
        assert_eq!(changed[member], value, "{member}");
    }
    assert_eq!(gateway.run(&["webhooks", "ls", "-o", "raw"]).await.out, format!("{id}\n"));
    let table = gateway.run(&["webhooks", "ls"]).await;
    assert!(table.out.contains(&url) && table.out.contains("✓ active"), "{table:?}");
    let removed = gateway.run(&["webhooks", "rm", &url]).await;
    assert_eq!((removed.code, removed.out), (0, format!("✓ removed: {url}\n")));
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn the_secret_is_shown_once_and_rotated() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let added = gateway.run(&["webhooks", "add", &receiver.url(), "--test"]).await;
    assert_eq!(added.code, 0, "{added:?}");
    let secret = added.out.lines().find_map(|line| line.trim().strip_prefix("secret")).expect("a secret");
    receiver.gets(1).await[0].assert_signed(secret.trim());
    for words in [&["webhooks", "show", "hook"][..], &["webhooks", "ls", "-o", "json"]] {
        let said = gateway.run(words).await;
        assert!(said.code == 0 && !said.out.contains("whsec_"), "{said:?}");
    }
    gateway.shell.write("hook.secret", &format!("{SECRET}\n"));
    let words =
        ["webhooks", "rotate-secret", "hook", "--secret", "hook.secret", "--overlap", "0s", "-o", "raw"];
    let rotated = gateway.run(&words).await;
    assert_eq!(rotated.out, format!("{SECRET}\n"), "{rotated:?}");
    assert_eq!(gateway.run(&["webhooks", "test", "hook"]).await.code, 0);
    receiver.gets(2).await[1].assert_signed(SECRET);
    let key = gateway.json(&["webhooks", "rotate-secret", "hook", "--kind", "ed25519"]).await;
    assert!(key["public_key"].as_str().expect("a key").starts_with("whpk_"));
    gateway.stop().await;
}

#[tokio::test]
async fn secrets_come_from_files_variables_and_stdin_and_never_from_words() {
    let mut shell = Shell::new();
    shell.set("HOOK_SECRET", SECRET).set("HOOK_TOKEN", "t0ken").set("EMPTY", "");
    shell.write("headers.txt", "X-Api-Key: k3y\n\nX-Team: blue\n");
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "memory").await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let words = [
        "webhooks",
        "add",
        &url,
        "--secret",
        "env:HOOK_SECRET",
        "--bearer",
        "env:HOOK_TOKEN",
        "-H",
        "@headers.txt",
    ];
    assert_eq!(gateway.run(&words).await.code, 0);
    gateway.push(&["--wait", "hello"]).await;
    let got = &receiver.gets(1).await[0];
    got.assert_signed(SECRET);
    assert_eq!(got.header("authorization"), "Bearer t0ken");
    assert_eq!((got.header("x-api-key"), got.header("x-team")), ("k3y", "blue"));
    let words = ["webhooks", "edit", &url, "--basic", "-"];
    assert_eq!(gateway.shell.run_with(&words, "me:pass\n").await.code, 0);
    gateway.push(&["--wait", "again"]).await;
    assert_eq!(receiver.gets(2).await[1].header("authorization"), "Basic bWU6cGFzcw==");
    for words in [
        &["webhooks", "add", &url, "--secret", SECRET][..],
        &["webhooks", "rotate-secret", &url, "--secret", SECRET],
        &["receive", "--secret", SECRET],
        &["verify", "--secret", SECRET],
        &["listen", "--forward-to", &url, "--secret", SECRET],
    ] {
        let said = gateway.run(words).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(!said.err.contains("MfKQ") && said.err.contains("--secret"), "{said:?}");
    }
    for (from, fix) in [
        ("env:EMPTY", "put only the value there"),
        ("env:NOT_THERE", "export NOT_THERE"),
        ("none.txt", "none.txt"),
    ] {
        let said = gateway.run(&["webhooks", "add", &url, "--secret", from]).await;
        assert!(said.code == 2 && said.err.contains(fix), "{said:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn attempts_and_tests_show_the_response() {
    let gateway = Gateway::start().await;
    let receiver =
        Receiver::playing(vec![Script::status(200), Script::status(503)], Script::status(204)).await;
    let url = receiver.url();
    gateway.json(&["webhooks", "add", &url, "--retry", "none"]).await;
    gateway.push(&["--wait", "one"]).await;
    gateway.push(&["--wait", "two"]).await;
    let test = gateway.json(&["webhooks", "test", &url]).await;
    assert_eq!(
        (&test["outcome"], &test["status_code"], &test["kind"]),
        (&json!("delivered"), &json!(204), &json!("test"))
    );
    let table = gateway.run(&["webhooks", "attempts", &url]).await.out;
    let answers: Vec<&str> =
        table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(answers, ["204", "503", "200"], "{table}");
    let failed = gateway.json(&["webhooks", "attempts", &url, "--failed"]).await;
    assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(1));
    let shown = gateway.run(&["webhooks", "show", &url]).await.out;
    assert!(shown.contains("! failing") && shown.contains("1 failed") && shown.contains("503"), "{shown}");
    let nobody = gateway.json(&["webhooks", "add", "http://127.0.0.1:9/", "--retry", "none"]).await;
    let said = gateway.run(&["webhooks", "test", nobody["id"].as_str().expect("an id")]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.starts_with("✗ not delivered: refused"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_paused_webhook_resumes_where_it_stopped() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    gateway.json(&["webhooks", "add", &url]).await;
    assert_eq!(gateway.json(&["webhooks", "pause", &url]).await["state"], "paused");
    gateway.push(&["while it is paused"]).await;
    assert!(gateway.run(&["webhooks", "ls"]).await.out.contains("– paused"));
    let of_state = async |state| gateway.json(&["webhooks", "ls", "--state", state]).await["items"].clone();
    assert_eq!(of_state("paused").await[0]["webhook_url"], url);
    assert_eq!(of_state("active").await, json!([]));
    let resumed = gateway.run(&["webhooks", "resume", &url]).await;
    assert!(resumed.code == 0 && resumed.out.starts_with("✓ resumed"), "{resumed:?}");
    receiver.gets_message("while it is paused").await;
    let count = |out: &str| read(out)["count"].as_u64();
    let dry = gateway.run(&["webhooks", "replay", &url, "--since", "1h", "--dry-run", "-o", "json"]).await;
    assert_eq!(count(&dry.out), Some(1), "{dry:?}");
    assert_eq!(receiver.got().len(), 1);
    let real = gateway.run(&["webhooks", "replay", &url, "--all", "-o", "json"]).await;
    assert_eq!(count(&real.out), Some(1), "{real:?}");
    let got = receiver.gets(2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    gateway.stop().await;
}

#[tokio::test]
async fn rm_asks_for_confirmation_at_a_terminal() {
    let gateway = Gateway::start().await;
    let url = "http://127.0.0.1:9/hook";
    gateway.json(&["webhooks", "add", url]).await;
    for (answer, left) in [("n\n", 1), ("\n", 1), ("\u{4}", 1), ("y\n", 0)] {
        let shown = at_a_terminal(&gateway.shell, &["webhooks", "rm", url], answer).await;
        assert!(shown.contains(&format!("Remove {url}? [y/N]")), "{shown}");
        assert_eq!(gateway.json(&["webhooks", "ls"]).await["total"], left, "{answer:?}: {shown}");
    }
    gateway.json(&["webhooks", "add", url]).await;
    let shown = at_a_terminal(&gateway.shell, &["webhooks", "rm", url, "--yes"], "").await;
    assert!(!shown.contains("[y/N]") && shown.contains("removed"), "{shown}");
    gateway.stop().await;
}

#[tokio::test]
async fn errors_have_a_fix() {
    let gateway = Gateway::start().await;
    for url in ["http://127.0.0.1:9/one", "http://127.0.0.1:9/two"] {
        gateway.json(&["webhooks", "add", url]).await;
    }
    let ids = gateway.run(&["webhooks", "ls", "-o", "raw"]).await.out;
    let ids: Vec<&str> = ids.lines().collect();
    let mut seen = String::new();
    for words in [
        &["webhooks", "show", "three"][..],
        &["webhooks", "show", "127.0"],
        &["webhooks", "show", "wh_aaaaaaaaaaaaaaaa"],
        &["webhooks", "rm", "one"],
        &["webhooks", "edit", "one"],
        &["webhooks", "edit", "one", "--payload", "event", "--reset", "payload"],
        &["webhooks", "edit", "one", "--url", "http://127.0.0.1:9/two"],
        &["webhooks", "replay", "one"],
        &["webhooks", "add", "ftp://x"],
        &["webhooks", "add", "http://169.254.169.254/"],
        &["webhooks", "add", "http://x", "--retry", "soon"],
        &["webhooks", "add", "http://x", "--batch", "0"],
        &["webhooks", "add", "http://x", "-H", "nothing"],
        &["webhooks", "add", "http://x", "-H", "Host: y"],
        &["webhooks", "add", "http://x", "--basic", "env:HOME"],
        &["webhooks", "rotate-secret", "one", "--overlap", "8d"],
    ] {
        let said = gateway.run(words).await;
        assert!(said.out.is_empty(), "{said:?}");
        let err = said.err.replace(ids[0], "wh_ONE").replace(ids[1], "wh_TWO");
        seen.push_str(&format!("$ fanfare {}\n{err}[{}]\n\n", words.join(" "), said.code));
    }
    insta::assert_snapshot!(seen);
    gateway.stop().await;
}

#[tokio::test]
async fn the_certificates_of_a_file_are_trusted_until_they_are_reset() {
    let gateway = Gateway::start().await;
    let authority = Authority::new();
    gateway.shell.write("ca.pem", &authority.pem);
    let url = "https://127.0.0.1:9/hook";
    let added = gateway.json(&["webhooks", "add", url, "--ca", "ca.pem"]).await;
    let fingerprint = added["ca_fingerprints"][0].as_str().expect("a fingerprint").to_owned();
    let id = added["id"].as_str().expect("an id");
    let shown = gateway.run(&["webhooks", "show", id]).await;
    assert!(shown.out.contains(&format!("trusts   {}…", &fingerprint[..16])), "{shown:?}");
    let reset = gateway.json(&["webhooks", "edit", id, "--reset", "ca"]).await;
    assert_eq!(reset.get("ca_fingerprints"), None, "{reset}");

    gateway.shell.write("key.pem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    for file in ["key.pem", "none.pem"] {
        let refused = gateway.run(&["webhooks", "edit", id, "--ca", file]).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(file) && !refused.err.contains("c2VjcmV0"), "{refused:?}");
    }
    gateway.stop().await;
}
