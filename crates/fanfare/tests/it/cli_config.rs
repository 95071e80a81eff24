//! Settings: which one overrides the others, and where it comes from.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::cli::{Shell, json};
use crate::support::soon;

/// Writes the project's file and trusts it.
async fn trust(shell: &Shell, text: &str) {
    shell.write("fanfare.toml", text);
    let said = shell.run(&["config", "trust"]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn flags_override_environment_over_project_over_user_over_the_default() {
    let mut shell = Shell::new();
    let origins = [
        "http://127.0.0.1:8000 default",
        "http://127.0.0.1:1 HOME/.config/fanfare/config.toml",
        "http://127.0.0.1:2 ./fanfare.toml",
        "http://127.0.0.1:3 environment FANFARE_URL",
        "http://127.0.0.1:4 flag --server",
    ];
    for (layer, wanted) in origins.into_iter().enumerate() {
        match layer {
            1 => shell.write(".config/fanfare/config.toml", "server = \"http://127.0.0.1:1\"\n"),
            2 => trust(&shell, "server = \"http://127.0.0.1:2\"\n").await,
            3 => {
                shell.set("FANFARE_URL", "http://127.0.0.1:3");
            }
            _ => {}
        }
        let flag: &[&str] = if layer == 4 { &["--server", "http://127.0.0.1:4"] } else { &[] };
        let words: Vec<&str> =
            ["config", "show", "--origin", "-o", "json"].iter().chain(flag).copied().collect();
        let said = shell.run(&words).await;
        let server = &json(&said.out)["server"];
        let found = format!(
            "{} {}",
            server["value"].as_str().expect("text"),
            server["origin"].as_str().expect("text")
        );
        assert_eq!(found.replace(shell.home(), "HOME"), wanted);
    }
}

#[tokio::test]
async fn every_setting_is_shown_with_its_origin() {
    let mut shell = Shell::new();
    shell.set("FANFARE_TOKEN", "top-secret").set("FANFARE_CORS", "https://a.example, https://b.example");
    shell.set("FANFARE_INGEST_SECRET_GITHUB", "top-secret");
    shell.set("FANFARE_WEBHOOK_PROXY", "http://ann:top-secret@proxy.example:3128");
    trust(&shell, "timeout = \"5s\"\n[serve]\nretention-count = 10\nno-auth = true\n").await;
    let said = shell.run(&["config", "show", "--origin"]).await;
    assert!(!said.out.contains("top-secret"));
    // The width of the columns depends on the path of the home directory.
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" | ")
    };
    let shown: Vec<String> = said.out.replace(shell.home(), "HOME").lines().map(cells).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    server | http://127.0.0.1:8000 | default
    FANFARE_TOKEN | (hidden) | environment FANFARE_TOKEN
    token-file | –
    output | human | default
    color | auto | default
    timeout | 5s | ./fanfare.toml
    serve.listen | 127.0.0.1:8000 | default
    serve.store | HOME/.local/share/fanfare/log.db | default
    serve.retention-age | 7d | default
    serve.retention-count | 10 | ./fanfare.toml
    serve.retention-bytes | 1GiB | default
    serve.retention-floor | 0 | default
    serve.readers-age | 30d | default
    serve.webhook-attempts-age | 7d | default
    serve.webhook-mode | –
    serve.allow-target | –
    serve.webhook-proxy | http://proxy.example:3128/ | environment FANFARE_WEBHOOK_PROXY
    serve.cors | https://a.example, https://b.example | environment FANFARE_CORS
    serve.allowed-host | –
    serve.base-path | –
    serve.trusted-proxy | –
    serve.no-auth | true | ./fanfare.toml
    serve.max-connections | 65536 | default
    serve.max-connections-per-address | 1024 | default
    serve.max-webhooks-per-host | 1000 | default
    serve.max-events-per-second | 500000 | default
    serve.stall-timeout | 60s | default
    serve.keepalive | 30s | default
    serve.drain-time | 0s | default
    serve.shutdown-timeout | 10s | default
    serve.toolset | essential | default
    FANFARE_INGEST_SECRET_GITHUB | (hidden) | environment FANFARE_INGEST_SECRET_GITHUB
    serve.ingest-secret-github-file | –
    FANFARE_INGEST_SECRET_STRIPE | –
    serve.ingest-secret-stripe-file | –
    FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS | –
    serve.ingest-secret-standard-webhooks-file | –
    serve.access-log | false | default
    serve.log-format | text | default
    "#);
}

#[tokio::test]
async fn a_named_file_is_the_only_one() {
    let mut shell = Shell::new();
    shell.write("fanfare.toml", "server = \"http://127.0.0.1:1\"\n");
    shell.write("other.toml", "timeout = \"1s\"\n");
    let said = shell.run(&["--config", "other.toml", "config", "show", "-o", "json"]).await;
    assert_eq!(json(&said.out)["server"], "http://127.0.0.1:8000");
    shell.set("FANFARE_CONFIG", "missing.toml");
    let said = shell.run(&["config", "check"]).await;
    assert_eq!(said.code, 2, "{said:?}");
}

#[tokio::test]
async fn a_misspelled_setting_is_found() {
    let shell = Shell::new();
    shell.write("fanfare.toml", "[serve]\nretention_age = \"7d\"\n");
    for words in [&["config", "check"][..], &["push", "x"], &["doctor"]] {
        let said = shell.run(words).await;
        assert_ne!(said.code, 0, "{said:?}");
        let words = format!("{}{}", said.out, said.err);
        assert!(words.contains("unknown setting `serve.retention_age`"), "{words}");
        assert!(words.contains("did you mean `retention-age` in the table `[serve]`?"), "{words}");
    }
    trust(&shell, "[serve]\nretention-age = \"7d\"\n").await;
    let said = shell.run(&["config", "check"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "✓ the configuration is valid (1 of 2 files found)\n"));
}

#[tokio::test]
async fn check_refuses_what_serve_refuses() {
    for (variable, value, what) in [
        ("FANFARE_CORS", "a", "`a` is not an origin"),
        ("FANFARE_LISTEN", "0.0.0.0:0", "0.0.0.0:0 is reachable from other machines"),
        ("FANFARE_ALLOWED_HOST", "a b", "`a b` is not a host name"),
        ("FANFARE_ALLOWED_HOST", "a.example:8000", "`a.example:8000` is not a host name"),
    ] {
        let mut shell = Shell::new();
        shell.set(variable, value);
        for words in [&["serve", "--store", "memory"][..], &["config", "check"]] {
            let said = shell.run(words).await;
            assert_eq!(said.code, 2, "{words:?}: {said:?}");
            assert!(said.err.contains(what), "{words:?}: {said:?}");
        }
        let said = shell.run(&["doctor"]).await;
        assert!(said.code == 1 && said.out.contains(what), "{said:?}");
    }
    let mut shell = Shell::new();
    shell.set("FANFARE_LISTEN", "0.0.0.0:0").set("FANFARE_NO_AUTH", "true");
    let said = shell.run(&["config", "check"]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn the_environment_is_checked_too() {
    let mut shell = Shell::new();
    shell.set("FANFARE_TIMEOUT", "soon");
    let said = shell.run(&["push", "x"]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("environment FANFARE_TIMEOUT"), "{said:?}");
    // A value that is overridden is not checked.
    let said = shell.run(&["push", "x", "--timeout", "1s", "--server", "http://127.0.0.1:1"]).await;
    assert_eq!(said.code, 4, "{said:?}");
}

#[tokio::test]
async fn an_invalid_secret_is_refused_and_not_repeated() {
    let mut shell = Shell::new();
    shell.set("FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS", "whsec_aGFyZGx5,whsec_c2VjcmV0");
    let said = shell.run(&["config", "check"]).await;
    assert_ne!(said.code, 0, "{said:?}");
    let words = format!("{}{}", said.out, said.err);
    assert!(words.contains("environment FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS"), "{words}");
    assert!(!words.contains("aGFyZGx5") && !words.contains("c2VjcmV0"), "{words}");
}

#[tokio::test]
async fn webhook_targets_are_checked_before_anything_starts() {
    let mut shell = Shell::new();
    for (flag, value, fix) in [
        ("--allow-target", "10.0.0.0/99", "10.0.0.0/8"),
        ("--webhook-mode", "open", "`local` or `locked`"),
        ("--webhook-attempts-age", "0s", "longer"),
    ] {
        let said = shell.run(&["serve", "--store", "memory", flag, value]).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(flag) && said.err.contains(fix), "{said:?}");
    }
    shell.set("FANFARE_ALLOW_TARGET", "10.2.0.0/16, receiver.internal").set("FANFARE_WEBHOOK_MODE", "locked");
    let said = shell.run(&["config", "show", "-o", "json"]).await;
    assert_eq!(json(&said.out)["serve.webhook-mode"], "locked", "{said:?}");
    assert!(said.out.contains("receiver.internal"), "{said:?}");
}

#[tokio::test]
async fn a_file_that_comes_with_a_folder_sets_nothing_that_does_harm() {
    let shell = Shell::new();
    let commands: [&[&str]; 6] = [
        &["push", "x"],
        &["serve", "--store", "memory", "--listen", "127.0.0.1:0"],
        &["mcp"],
        &["install", "claude-code", "--dry-run"],
        &["config", "show"],
        &["config", "check"],
    ];
    for (text, name) in [
        ("server = \"http://127.0.0.1:1\"", "`server`"),
        ("token-file = \"/etc/passwd\"", "`token-file`"),
        ("[serve]\nlisten = [\"0.0.0.0:0\"]\nno-auth = true", "`serve.listen`, `serve.no-auth`"),
        ("[serve]\nstore = \"here.db\"", "`serve.store`"),
        (
            "[serve]\nwebhook-mode = \"local\"\nallow-target = [\"10.0.0.0/8\"]",
            "`serve.allow-target`, `serve.webhook-mode`",
        ),
        ("[serve]\ncors = [\"*\"]", "`serve.cors`"),
    ] {
        shell.write("fanfare.toml", text);
        for words in commands {
            let said = shell.run(words).await;
            assert_eq!(said.code, 2, "{words:?}: {said:?}");
            assert!(
                said.err.contains("you have not trusted it") && said.err.contains("fanfare config trust"),
                "{said:?}"
            );
            for name in name.split(", ") {
                assert!(said.err.contains(name), "{name}: {said:?}");
            }
        }
    }
    shell.write("fanfare.toml", "output = \"json\"\ncolor = \"never\"\ntimeout = \"5s\"\n");
    let said = shell.run(&["config", "show"]).await;
    assert_eq!((said.code, json(&said.out)["timeout"].as_str()), (0, Some("5s")), "{said:?}");
}

#[tokio::test]
async fn trust_is_in_the_content_of_a_file() {
    let mut shell = Shell::new();
    let (one, two) = ("server = \"http://127.0.0.1:1\"\n", "server = \"http://127.0.0.1:2\"\n");
    shell.write("fanfare.toml", one);
    let said = shell.run(&["config", "trust"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "server = \"http://127.0.0.1:1\"\n"), "{said:?}");
    assert_eq!(shell.run(&["config", "check"]).await.code, 0);
    shell.write("fanfare.toml", two);
    assert_eq!(shell.run(&["config", "check"]).await.code, 2, "it has changed");
    let said = shell.run(&["config", "trust", "-o", "json"]).await;
    assert_eq!(json(&said.out)["trusted"]["server"][0], "http://127.0.0.1:2");
    for text in [one, two] {
        shell.write("fanfare.toml", text);
        assert_eq!(shell.run(&["config", "check"]).await.code, 0, "both are trusted");
    }
    // Who names a file means it.
    shell.write("fanfare.toml", "server = \"http://127.0.0.1:3\"\n");
    assert_eq!(shell.run(&["--config", "fanfare.toml", "config", "check"]).await.code, 0);
    shell.set("FANFARE_CONFIG", "fanfare.toml");
    assert_eq!(shell.run(&["config", "check"]).await.code, 0);
}

#[tokio::test]
async fn a_token_is_sent_to_its_own_server_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let other = "http://127.0.0.1:1";
    let pairs = |server: &str| format!("server = \"{server}\"\ntoken-file = \"token\"\n");
    // The user's file, the environment, the arguments, and whether the server at `url` gets the token.
    let cases = [
        (pairs(&url), vec![], vec![], true),
        (pairs(&url), vec![], vec!["--server", &url], true),
        (pairs(other), vec![], vec!["--server", &url], false),
        (pairs(other), vec![("FANFARE_URL", url.as_str())], vec![], false),
        ("token-file = \"token\"\n".to_owned(), vec![], vec!["--server", &url], true),
        (
            String::new(),
            vec![("FANFARE_URL", other), ("FANFARE_TOKEN", "precious")],
            vec!["--server", &url],
            false,
        ),
        (String::new(), vec![("FANFARE_TOKEN", "precious")], vec!["--server", &url], true),
        (pairs(other), vec![], vec!["--server", &url, "--token-file", "token"], true),
    ];
    for (file, environment, flags, is_sent) in cases {
        let mut shell = Shell::new();
        shell.write("token", "precious\n");
        shell.write(".config/fanfare/config.toml", &file);
        for (name, value) in &environment {
            shell.set(name, value);
        }
        let words = [&["push", "x"][..], &flags].concat();
        let answered = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4_096];
            let len = stream.read(&mut head).await.expect("a request");
            stream
                .write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await
                .expect("written");
            String::from_utf8_lossy(&head[..len]).to_lowercase()
        };
        let (_, request) = soon("a request", async { tokio::join!(shell.run(&words), answered) }).await;
        let what = format!("{file:?} {environment:?} {flags:?}: {request}");
        assert_eq!(request.contains("authorization: bearer precious"), is_sent, "{what}");
        assert_eq!(request.contains("precious"), is_sent, "{what}");
    }
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect_to_another_server() {
    let listen = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (first, second) = (listen().await, listen().await);
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("an address"));
    let mut shell = Shell::new();
    shell.set("FANFARE_TOKEN", "precious");
    let address = url(&first);
    let words = ["push", "x", "--server", &address];
    let answered = async {
        let there = format!(
            "HTTP/1.1 307 There\r\nlocation: {}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            url(&second)
        );
        let mut requests = Vec::new();
        for (listener, answer) in
            [(&first, &*there), (&second, "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n")]
        {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4_096];
            let len = stream.read(&mut head).await.expect("a request");
            stream.write_all(answer.as_bytes()).await.expect("written");
            requests.push(String::from_utf8_lossy(&head[..len]).to_lowercase());
        }
        requests
    };
    let (_, requests) = soon("two requests", async { tokio::join!(shell.run(&words), answered) }).await;
    assert!(requests[0].contains("authorization: bearer precious"), "{requests:?}");
    assert!(!requests[1].contains("precious"), "{requests:?}");
}
