//! Settings: which one overrides the others, and where it comes from.

use crate::cli::{Shell, json};

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
            2 => shell.write("fanfare.toml", "server = \"http://127.0.0.1:2\"\n"),
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
    shell.set("FANFARE_INGEST_SECRET_GITHUB", "top-secret,older");
    shell.write("fanfare.toml", "timeout = \"5s\"\n[serve]\nretention-count = 10\nno-auth = true\n");
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
    serve.webhook-attempts-age | 7d | default
    serve.webhook-mode | –
    serve.allow-target | –
    serve.cors | https://a.example, https://b.example | environment FANFARE_CORS
    serve.allowed-host | –
    serve.no-auth | true | ./fanfare.toml
    serve.max-connections | 65536 | default
    serve.max-connections-per-address | 1024 | default
    serve.max-events-per-second | 500000 | default
    serve.stall-timeout | 60s | default
    serve.shutdown-timeout | 10s | default
    serve.toolset | essential | default
    FANFARE_INGEST_SECRET_GITHUB | (hidden) | environment FANFARE_INGEST_SECRET_GITHUB
    FANFARE_INGEST_SECRET_STRIPE | –
    FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS | –
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
    shell.write("fanfare.toml", "[serve]\nretention-age = \"7d\"\n");
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
