//! The secrets of senders, as operators write them: any character belongs to a secret, and several have places of their
//! own.

use std::fs;

use ring::hmac;
use serde_json::json;

use crate::support::gateway::reqwest_client;
use crate::support::program::Program;

/// A gateway with these variables, and the path of a file in its home.
struct Gateway {
    program: Program,
    url: String,
    http: reqwest::Client,
    _home: tempfile::TempDir,
}

impl Gateway {
    async fn with(variables: &[(&str, &str)], file: &str) -> Gateway {
        let home = tempfile::tempdir().expect("a directory");
        fs::write(home.path().join("secrets"), file).expect("written");
        let arguments = ["--store", "memory", "--listen", "127.0.0.1:0"];
        let mut program = Program::with_variables(home.path(), &arguments, variables);
        let url = program.listening().await["url"].as_str().expect("an address").to_owned();
        Gateway { program, url, http: reqwest_client(false), _home: home }
    }

    /// Returns whether a delivery of GitHub that is signed with `key` is accepted.
    async fn believes(&self, key: &[u8]) -> bool {
        let body = json!({"zen": "Keep it simple."}).to_string();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), body.as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.http.post(format!("{}/ingest/github", self.url));
        let request =
            request.header("X-GitHub-Event", "ping").header("X-Hub-Signature-256", format!("sha256={hex}"));
        match request.body(body).send().await.expect("an answer").status().as_u16() {
            200 => true,
            401 => false,
            status => panic!("{status}"),
        }
    }

    /// Returns whether a delivery of Standard Webhooks that is signed with `key` is accepted.
    async fn believes_standard(&self, key: &[u8], id: &str) -> bool {
        let body = json!({"type": "user.created"}).to_string();
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{id}.{now}.{body}").as_bytes());
        let tag = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, tag);
        let request = self.http.post(format!("{}/ingest/standard-webhooks", self.url));
        let request = request.header("webhook-id", id).header("webhook-timestamp", now);
        let request = request.header("webhook-signature", format!("v1,{tag}"));
        request.body(body).send().await.expect("an answer").status() == 200
    }
}

#[tokio::test]
async fn a_piece_of_a_secret_is_not_a_key() {
    let mut gateway = Gateway::with(&[("FANFARE_INGEST_SECRET_GITHUB", "q,W8z%k}3")], "").await;
    assert!(gateway.believes(b"q,W8z%k}3").await);
    for piece in ["q", "W8z%k}3", "q,", ",W8z%k}3"] {
        assert!(!gateway.believes(piece.as_bytes()).await, "{piece}");
    }
    let warning = gateway.program.logs("comma").await;
    assert!(warning.contains("FANFARE_INGEST_SECRET_GITHUB_2") && !warning.contains("W8z"), "{warning}");
}

#[tokio::test]
async fn several_secrets_have_variables_or_lines_of_their_own() {
    let variables = [
        ("FANFARE_INGEST_SECRET_GITHUB", "in use\n"),
        ("FANFARE_INGEST_SECRET_GITHUB_OLD", "from before"),
        ("FANFARE_INGEST_SECRET_GITHUB_2", "next"),
        ("FANFARE_INGEST_SECRET_GITHUB_FILE", "secrets"),
        ("FANFARE_INGEST_SECRET_GITHUB_2_FILE", "a path"),
        ("FANFARE_INGEST_SECRET_GITHUB_FILE_2", "another path"),
    ];
    let mut gateway = Gateway::with(&variables, "first line\r\n\n# second\n").await;
    for secret in ["in use", "from before", "next", "first line", "# second"] {
        assert!(gateway.believes(secret.as_bytes()).await, "{secret}");
    }
    for other in ["in use\n", "secrets", "first line\r", "second", "", "a path", "another path"] {
        assert!(!gateway.believes(other.as_bytes()).await, "{other}");
    }
    let warning = gateway.program.logs("FANFARE_INGEST_SECRET_GITHUB_2_FILE").await;
    assert!(warning.contains("FANFARE_INGEST_SECRET_GITHUB_FILE"), "{warning}");
}

#[tokio::test]
async fn secrets_of_standard_webhooks_are_read_as_senders_write_them() {
    let variables = [
        ("FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS", "v1,whsec_AAECAwQFBgcICQoLDA0ODw"),
        ("FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS_2", "polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgb"),
        ("FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS_FILE", "secrets"),
    ];
    let two = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=, whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZX\n";
    let mut gateway = Gateway::with(&variables, two).await;
    let bytes = |range: std::ops::Range<u8>| range.collect::<Vec<u8>>();
    for (number, key) in
        [bytes(0..16), b"polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgb".to_vec(), bytes(32..64), bytes(64..88)]
            .iter()
            .enumerate()
    {
        assert!(gateway.believes_standard(key, &format!("msg_{number}")).await, "{number}");
    }
    assert!(!gateway.believes_standard(b"v1", "msg_9").await);
    let warning = gateway.program.logs("commas between them").await;
    assert!(warning.contains("FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS_FILE"), "{warning}");
}
