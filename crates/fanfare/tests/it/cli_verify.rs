//! `fanfare verify`: test vectors of other libraries, and explanations of mismatches.

use crate::cli::{Gateway, Shell, json};
use crate::support::receiver::Receiver;

/// The test vector of the reference libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME: &str = "webhook-timestamp: 1614265330";
const V1: &str = "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const V1A: &str = "webhook-signature: v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const BODY: &str = r#"{"test": 2432232314}"#;
const WHEN: &str = "2021-02-25T15:02:10Z";

fn shell() -> Shell {
    let mut shell = Shell::new();
    shell.set("HOOK", SECRET).set("GITHUB", "It's a Secret to Everybody");
    shell.write("body", BODY);
    shell.write("body-with-end", &format!("{BODY}\n"));
    shell.write("body-other", r#"{"test": 1}"#);
    shell.write("hello", "Hello, World!");
    shell.write("head", &format!("POST /hook HTTP/1.1\r\n{ID}\r\n{TIME}\r\n{V1}\r\nContent-Length: 20\r\n"));
    shell.write("whole", &format!("POST /hook HTTP/1.1\r\n{ID}\r\n{TIME}\r\n{V1}\r\n\r\n{BODY}"));
    shell.write(
        "github",
        "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\n",
    );
    shell
}

#[tokio::test]
async fn the_vectors_of_others_are_verified() {
    let shell = shell();
    for words in [
        &["body", "-H", ID, "-H", TIME, "-H", V1, "--secret", "env:HOOK", "--at", WHEN][..],
        &["body", "--headers", "head", "--secret", "env:HOOK", "--any-age"],
        &["whole", "--http", "--secret", "env:HOOK", "--at", "2021-02-25T15:07:10Z"],
        &["body", "-H", ID, "-H", TIME, "-H", V1A, "--public-key", PUBLIC, "--at", WHEN],
        &["hello", "--headers", "github", "--secret", "env:GITHUB"],
    ] {
        let said = shell.run(&[&["verify"], words].concat()).await;
        assert!(said.code == 0 && said.out.starts_with("✓ verified"), "{words:?}: {said:?}");
    }
    let words = ["verify", "--headers", "head", "--secret", "env:HOOK", "--any-age", "-o", "json"];
    let said = shell.run_with(&words, BODY).await;
    let answer = json(&said.out);
    assert_eq!((&answer["ok"], &answer["id"]), (&json("true"), &json("\"msg_p5jXN8AQM9LWM0D4loKWxJek\"")));
    assert_eq!(answer["signed"], "2021-02-25T15:02:10.000000+00:00");
    let mut shell = shell;
    shell.set("FANFARE_WEBHOOK_SECRET", SECRET);
    let said = shell.run(&["verify", "whole", "--http", "--any-age", "-o", "raw"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "ok\n"));
}

#[tokio::test]
async fn a_mismatch_is_explained_precisely() {
    let shell = shell();
    let mut seen = String::new();
    let all = ["-H", ID, "-H", TIME, "-H", V1, "--secret", "env:HOOK", "--at", WHEN];
    for (what, words) in [
        ("nothing but a body", &["body", "--secret", "env:HOOK"][..]),
        ("no id", &["body", "-H", TIME, "-H", V1, "--secret", "env:HOOK"]),
        ("an id twice", &[&["body", "-H", ID], &all[..]].concat()),
        (
            "a time that is none",
            &["body", "-H", ID, "-H", "webhook-timestamp: now", "-H", V1, "--secret", "env:HOOK"],
        ),
        (
            "too old",
            &["body", "-H", ID, "-H", TIME, "-H", V1, "--secret", "env:HOOK", "--at", "2021-02-25T15:07:11Z"],
        ),
        (
            "too new",
            &["body", "-H", ID, "-H", TIME, "-H", V1, "--secret", "env:HOOK", "--at", "2021-02-25T14:57:09Z"],
        ),
        (
            "too old and wrong",
            &[
                "body-other",
                "-H",
                ID,
                "-H",
                TIME,
                "-H",
                V1,
                "--secret",
                "env:HOOK",
                "--at",
                "2022-02-25T15:07:11Z",
            ],
        ),
        ("another body", &[&["body-other"], &all[..]].concat()),
        ("a line break at the end", &[&["body-with-end"], &all[..]].concat()),
        ("another secret", &["body", "-H", ID, "-H", TIME, "-H", V1, "--secret", "env:GITHUB", "--at", WHEN]),
        (
            "the wrong kind of key",
            &["body", "-H", ID, "-H", TIME, "-H", V1, "--public-key", PUBLIC, "--at", WHEN],
        ),
        ("cut off", &["body-other", "--headers", "head", "--secret", "env:HOOK", "--any-age"]),
        ("GitHub, another secret", &["hello", "--headers", "github", "--secret", "env:HOOK"]),
        ("no key", &["body"]),
        ("no header", &["body", "-H", "nothing", "--secret", "env:HOOK"]),
        ("no empty line", &["body", "--http", "--secret", "env:HOOK"]),
        ("both from stdin", &["--secret", "-"]),
    ] {
        let said = shell.run(&[&["verify"], words].concat()).await;
        assert!(said.out.is_empty(), "{said:?}");
        seen.push_str(&format!("# {what}\n{}[{}]\n\n", said.err, said.code));
    }
    insta::assert_snapshot!(seen);
    let said = shell.run(&["verify", "body", "--secret", "env:HOOK", "-o", "json"]).await;
    let error = json(&said.err)["error"].clone();
    assert_eq!((said.code, &error["code"]), (1, &json("\"invalid_signature\"")));
}

#[tokio::test]
async fn a_rewritten_body_is_recognized() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let secret =
        gateway.json(&["webhooks", "add", &receiver.url(), "--signature", "hub,v1a"]).await["secret"].clone();
    gateway.shell.write("secret", secret.as_str().expect("a secret"));
    gateway.push(&["--wait", "hello", "n:=1"]).await;
    let got = receiver.gets(1).await.remove(0);
    let head: String = got.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    gateway.shell.write("head", &head);
    gateway.shell.write("body", &String::from_utf8(got.body.clone()).expect("text"));
    let said = gateway.run(&["verify", "body", "--headers", "head", "--secret", "secret"]).await;
    assert!(said.code == 0 && said.out.contains("x-hub-signature-256"), "{said:?}");
    gateway.shell.write("pretty", &serde_json::to_string_pretty(&got.json()).expect("JSON"));
    let said = gateway.run(&["verify", "pretty", "--headers", "head", "--secret", "secret"]).await;
    assert!(said.code == 1 && said.err.contains("without spaces"), "{said:?}");
    gateway.stop().await;
}
