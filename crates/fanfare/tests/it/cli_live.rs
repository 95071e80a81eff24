//! The commands with a running gateway.

use rustix::process::Signal;

use crate::cli::{Gateway, Shell, json};

#[tokio::test]
async fn a_push_is_received() {
    let gateway = Gateway::start().await;
    let mut listener = gateway.shell.start(&["listen", "builds.>", "-o", "json", "--limit", "2"]);
    assert_eq!(listener.json().await["notice"], "connected");
    gateway.push(&["-c", "other", "not this one"]).await;
    let first = gateway
        .push(&[
            "-c",
            "builds.web",
            "-t",
            "success",
            "-p",
            "high",
            "--key",
            "k",
            "all",
            "green",
            "sha=ab12",
            "ms:=1.50",
        ])
        .await;
    gateway.push(&["-c", "builds.web", "--", "a=b is text"]).await;
    let mut event = listener.json().await;
    while event["notice"].is_string() {
        event = listener.json().await;
    }
    assert_eq!(event["id"], first);
    assert_eq!(event["message"], "all green");
    assert_eq!(event["type"], "success");
    assert_eq!(event["priority"], "high");
    assert_eq!(event["key"], "k");
    assert_eq!(event["data"], json(r#"{"sha":"ab12","ms":1.5}"#));
    assert_eq!(event["source"]["door"], "http", "it came over TCP, whatever it calls itself");
    assert_eq!(event["source"]["agent"], concat!("fanfare-cli/", env!("CARGO_PKG_VERSION")));
    assert_eq!(listener.json().await["message"], "a=b is text");
    assert_eq!(listener.end().await.code, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_listener_resumes_over_a_restart_and_gets_everything_once() {
    let gateway = Gateway::start_in(Shell::new(), "127.0.0.1:0", "log.db").await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let mut listener = gateway.shell.start(&["listen", "-o", "json", "--limit", "4"]);
    assert_eq!(listener.json().await["notice"], "connected");
    gateway.push(&["one"]).await;
    let mut seen = Vec::new();
    while seen.is_empty() {
        seen.extend(message(&listener.json().await));
    }
    let shell = gateway.kill().await;
    assert_eq!(notice(&mut listener).await, "disconnected");
    let gateway = Gateway::start_in(shell, &address, "log.db").await;
    for text in ["two", "three", "four"] {
        gateway.push(&[text]).await;
    }
    assert_eq!(notice(&mut listener).await, "connected");
    while seen.len() < 4 {
        seen.extend(message(&listener.json().await));
    }
    assert_eq!(seen, ["one", "two", "three", "four"]);
    assert_eq!(listener.end().await.code, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_missed_when_the_connection_is_lost_before_the_first_event() {
    let gateway = Gateway::start_in(Shell::new(), "127.0.0.1:0", "log.db").await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    gateway.push(&["before"]).await;
    let mut listener = gateway.shell.start(&["listen", "-o", "json", "--once"]);
    assert_eq!(listener.json().await["notice"], "connected");
    let shell = gateway.kill().await;
    assert_eq!(notice(&mut listener).await, "disconnected");
    let gateway = Gateway::start_in(shell, &address, "log.db").await;
    gateway.push(&["after"]).await;
    loop {
        if let Some(message) = message(&listener.json().await) {
            assert_eq!(message, "after");
            break;
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn another_log_at_the_same_address_is_noticed() {
    let gateway = Gateway::start().await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let mut listener = gateway.shell.start(&["listen", "-o", "json"]);
    assert_eq!(listener.json().await["notice"], "connected");
    gateway.push(&["one"]).await;
    let shell = gateway.kill().await;
    let gateway = Gateway::start_in(shell, &address, "memory").await;
    while notice(&mut listener).await != "reset" {}
    gateway.push(&["of the new log"]).await;
    loop {
        if let Some(message) = message(&listener.json().await) {
            assert_eq!(message, "of the new log");
            break;
        }
    }
    listener.signal(Signal::INT);
    assert_eq!(listener.end().await.code, 130);
    gateway.stop().await;
}

#[tokio::test]
async fn a_reader_continues_where_it_stopped() {
    let gateway = Gateway::start().await;
    let first = gateway.run(&["listen", "--reader", "laptop", "--once", "-o", "raw", "--since", "earliest"]);
    let push = async {
        for text in ["one", "two", "three"] {
            gateway.push(&[text]).await;
        }
    };
    let (first, ()) = tokio::join!(first, push);
    assert_eq!((first.code, first.out.as_str()), (0, "one\n"), "{first:?}");
    let rest = gateway.run(&["listen", "--reader", "laptop", "-n", "2", "-o", "raw"]).await;
    assert_eq!((rest.code, rest.out.as_str()), (0, "two\nthree\n"), "{rest:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_command_runs_for_each_event_in_order() {
    let gateway = Gateway::start().await;
    gateway.push(&["-c", "a", "-t", "warning", "-p", "low", "--key", "k", "it's $HOME", "x:=1"]).await;
    gateway.push(&["-c", "b", "second"]).await;
    let script = "echo \"$FANFARE_CHANNEL|$FANFARE_TYPE|$FANFARE_MESSAGE|$FANFARE_PRIORITY|$FANFARE_KEY|$FANFARE_DATA\"; cat";
    let said = gateway.run(&["listen", "--since", "earliest", "-n", "2", "--exec", script]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "a|warning|it's $HOME|low|k|{\"x\":1}");
    assert_eq!(json(lines[1])["message"], "it's $HOME");
    assert_eq!(lines[2], "b|info|second|default||");
    assert_eq!(lines.len(), 4);
    gateway.stop().await;
}

#[tokio::test]
async fn a_command_gets_the_environment_without_our_secrets() {
    const SECRET: &str = "whsec_cHJlY2lvdXNwcmVjaW91c3ByZWNpb3Vz";
    let mut gateway = Gateway::start().await;
    gateway.push(&["-c", "a", "one"]).await;
    let secrets = [
        "FANFARE_TOKEN",
        "FANFARE_WEBHOOK_SECRET",
        "FANFARE_INGEST_SECRET_GITHUB",
        "FANFARE_INGEST_SECRET_GITHUB_OLD",
        "FANFARE_INGEST_SECRET_STRIPE",
        "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS",
    ];
    for name in secrets {
        gateway.shell.set(name, SECRET);
    }
    gateway.shell.set("PLAIN", "as it was");
    let script = "env | grep -e whsec_ -e PLAIN | sort";
    let listen = ["listen", "--since", "earliest", "--once", "--exec", script];
    let said = gateway.run(&listen).await;
    assert_eq!((said.code, said.out.as_str()), (0, "PLAIN=as it was\n"), "{said:?}");
    let said = gateway.run(&[&listen[..], &["--pass-env", "FANFARE_TOKEN"]].concat()).await;
    assert_eq!((said.code, said.out), (0, format!("FANFARE_TOKEN={SECRET}\nPLAIN=as it was\n")));
    gateway.stop().await;
}

#[tokio::test]
async fn a_failed_command_is_reported_and_with_a_reader_its_event_comes_again() {
    let gateway = Gateway::start().await;
    gateway.push(&["one"]).await;
    gateway.push(&["two"]).await;
    let words = ["listen", "--since", "earliest", "-n", "2", "--exec", "exit 3"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.err.matches("exited with code 3").count(), 2, "{said:?}");

    let words =
        ["listen", "--since", "earliest", "-n", "2", "--reader", "r", "--exec", "[ $FANFARE_MESSAGE = one ]"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("comes again on the next run"), "{said:?}");
    let words = ["listen", "-n", "1", "--reader", "r", "--exec", "echo $FANFARE_MESSAGE"];
    let said = gateway.run(&words).await;
    assert_eq!((said.code, said.out.as_str()), (0, "two\n"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_command_that_runs_too_long_is_stopped_with_its_children() {
    let gateway = Gateway::start().await;
    gateway.push(&["one"]).await;
    let words =
        ["listen", "--since", "earliest", "--once", "--exec-timeout", "100ms", "--exec", "sleep 60 & wait"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("ran longer than 0.1 s"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_second_signal_stops_running_commands() {
    let gateway = Gateway::start().await;
    gateway.push(&["one"]).await;
    // A shell that has forked but not yet become `sleep` can lose the signal. It must not keep the output open.
    let script = "trap 'echo asked; exit 0' TERM; sleep 60 >/dev/null 2>&1 & echo ready; wait";
    let mut listener = gateway.shell.start(&["listen", "--since", "earliest", "--exec", script]);
    assert_eq!(listener.line().await, "ready");
    listener.signal(Signal::INT);
    listener.err("waiting for 1 command").await;
    listener.signal(Signal::INT);
    assert_eq!(listener.line().await, "asked");
    assert_eq!(listener.end().await.code, 130);
    gateway.stop().await;
}

#[tokio::test]
async fn a_run_is_two_events() {
    let gateway = Gateway::start().await;
    let said = gateway.run(&["run", "-c", "builds", "--tail", "2", "--", "sh", "-c", "seq 5; exit 3"]).await;
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (3, "1\n2\n3\n4\n5\n", ""));
    let history = gateway.json(&["history", "builds"]).await;
    let events = history["events"].as_array().expect("a list");
    let (start, end) = (&events[0], &events[1]);
    assert_eq!(start["message"], "started: sh -c 'seq 5; exit 3'");
    assert_eq!(start["data"]["phase"], "start");
    assert_eq!(end["type"], "error");
    assert_eq!(end["data"]["exit_code"], 3);
    assert_eq!(end["data"]["tail"], json(r#"["4","5"]"#));
    assert_eq!(end["data"]["run"], start["data"]["run"]);
    assert!(end["message"].as_str().expect("text").starts_with("failed with exit code 3 after "));

    let said = gateway.run(&["run", "-c", "quiet", "--only-failure", "--", "true"]).await;
    assert_eq!(said.code, 0);
    assert!(gateway.json(&["history", "quiet"]).await["events"].as_array().expect("a list").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn lines_are_pushed_in_batches_and_a_wrong_one_is_named() {
    let gateway = Gateway::start().await;
    let lines: String = (0..1_000).map(|number| format!("{{\"message\":\"m{number}\"}}\n")).collect();
    let said = gateway.shell.run_with(&["push", "--ndjson", "-c", "bulk", "-o", "raw"], &lines).await;
    assert_eq!((said.code, said.out.lines().count()), (0, 1_000), "{}", said.err);
    let said = gateway.run(&["history", "bulk", "-n", "all", "-o", "raw"]).await;
    let wanted: String = (0..1_000).map(|number| format!("m{number}\n")).collect();
    assert_eq!(said.out, wanted);

    let said =
        gateway.shell.run_with(&["push", "--ndjson"], "{\"message\":\"fine\"}\n\n{\"mesage\":\"x\"}\n").await;
    assert_eq!(said.code, 2, "{said:?}");
    insta::assert_snapshot!(said.err.lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
    error: unknown member `mesage`
       at: line 3 of stdin, /mesage
    "#);
    assert!(said.err.contains("why: 1 event pushed before it, up to "), "{said:?}");
    assert_eq!(gateway.json(&["history"]).await["events"][19]["message"], "fine");
    gateway.stop().await;
}

#[tokio::test]
async fn a_message_comes_from_stdin() {
    let gateway = Gateway::start().await;
    let said = gateway.shell.run_with(&["push", "-", "a=1"], "two\nlines\n").await;
    assert_eq!(said.code, 0, "{said:?}");
    let history = gateway.json(&["history"]).await;
    assert_eq!(history["events"][0]["message"], "two\nlines");
    assert_eq!(history["events"][0]["data"]["a"], "1");
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_id_appends_once() {
    let gateway = Gateway::start().await;
    let first = gateway.push(&["--idempotency-key", "deploy-7", "x"]).await;
    // The old name, until 0.2.
    assert_eq!(gateway.push(&["--id", "deploy-7", "x"]).await, first);
    assert_eq!(gateway.json(&["history"]).await["events"].as_array().expect("a list").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn history_pages_and_filters() {
    let gateway = Gateway::start().await;
    let lines: String = (1..=2_500)
        .map(|number| format!("{{\"message\":\"m{number}\",\"channel\":\"c{}\"}}\n", number % 2))
        .collect();
    assert_eq!(gateway.shell.run_with(&["push", "--ndjson"], &lines).await.code, 0);
    let out = async |words: &[&str]| {
        let words: Vec<&str> = ["history", "-o", "raw"].iter().chain(words).copied().collect();
        gateway.run(&words).await.out
    };
    assert_eq!(out(&["-n", "2"]).await, "m2499\nm2500\n");
    assert_eq!(out(&["-n", "2", "c1"]).await, "m2497\nm2499\n");
    assert_eq!(out(&["-n", "1500"]).await.lines().count(), 1_500);
    assert_eq!(out(&["-n", "all", "c0"]).await.lines().count(), 1_250);
    assert_eq!(out(&["--text", "M250"]).await, "m250\nm2500\n");
    assert_eq!(out(&["--until", "2020-01-01T00:00:00Z"]).await, "");
    let all = gateway.json(&["history", "-n", "all"]).await;
    assert_eq!(all["events"].as_array().expect("a list").len(), 2_500);
    gateway.stop().await;
}

#[tokio::test]
async fn channels_and_clients_are_listed() {
    let gateway = Gateway::start().await;
    let mut listener = gateway.shell.start(&["listen", "builds.*", "-o", "json", "--reader", "r"]);
    assert_eq!(listener.json().await["notice"], "connected");
    gateway.push(&["-c", "builds.web", "x"]).await;
    assert_eq!(gateway.run(&["channels", "-o", "raw"]).await.out, "builds.web\n");
    let said = gateway.run(&["channels"]).await;
    assert!(said.out.starts_with("channel"), "{said:?}");
    let clients = gateway.json(&["clients"]).await;
    assert_eq!(clients["clients"][0]["channels"], json(r#"["builds.*"]"#));
    let said = gateway.run(&["clients"]).await;
    assert!(said.out.contains("builds.*"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_gateways_error_is_shown_unchanged() {
    let gateway = Gateway::start().await;
    let said = gateway.run(&["push", "x", "--expires-in", "0s"]).await;
    assert_eq!(said.code, 5, "{said:?}");
    insta::assert_snapshot!(said.err, @r#"
    error: `0s` is too short
       at: /expires_in
      fix: use a duration from `1ms` to `3660d`
    "#);
    let said = gateway.run(&["push", "x", "--expires-in", "0s", "-o", "json"]).await;
    assert_eq!(json(&said.err)["error"]["code"], "invalid_duration");
    gateway.stop().await;
}

#[tokio::test]
async fn the_doctor_finds_nothing() {
    let gateway = Gateway::start().await;
    let report = gateway.json(&["doctor", "--live"]).await;
    assert_eq!(report["ok"], true, "{report}");
    let checks: Vec<&str> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|check| check["check"].as_str())
        .collect();
    assert_eq!(checks, ["configuration", "data", "sqlite", "gateway", "clock", "round trip"]);
    let shell = gateway.stop().await;
    let said = shell.run(&["doctor", "--live", "-o", "json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(json(&said.out)["ok"], false);
}

#[tokio::test]
async fn a_second_gateway_names_the_first() {
    let gateway = Gateway::start().await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let said = gateway.run(&["serve", "--store", "memory", "--listen", &address]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("a Fanfare gateway (version"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_pipe_that_is_closed_ends_quietly() {
    let gateway = Gateway::start().await;
    let lines: String = (0..5_000).map(|number| format!("{{\"message\":\"m{number}\"}}\n")).collect();
    assert_eq!(gateway.shell.run_with(&["push", "--ndjson"], &lines).await.code, 0);
    let script = format!("{} history -n all 2>&1 >/dev/full | head -1", env!("CARGO_BIN_EXE_fanfare"));
    let full = gateway.run(&["run", "-q", "--", "sh", "-c", &script]).await;
    assert!(full.out.contains("cannot write the output"), "{full:?}");
    let script = format!("({} history -n all; echo code $? >&2) | head -1", env!("CARGO_BIN_EXE_fanfare"));
    let closed = gateway.run(&["run", "-q", "--", "sh", "-c", &script]).await;
    assert_eq!(closed.err, "code 0\n", "{closed:?}");
    gateway.stop().await;
}

fn message(line: &serde_json::Value) -> Option<String> {
    line["message"].as_str().map(str::to_owned)
}

/// Waits for the next notice other than `caught-up`.
async fn notice(listener: &mut crate::cli::Running) -> String {
    loop {
        let line = listener.json().await;
        match line["notice"].as_str() {
            Some("caught-up") | None => {}
            Some(notice) => return notice.to_owned(),
        }
    }
}
