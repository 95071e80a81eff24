//! `fanfare mcp`: MCP over stdin and stdout.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::{Gateway, Shell};
use crate::support::stdio::{Agent, modern, push};

const LIST: &str = r#"{"jsonrpc":"2.0","method":"tools/list","id":1}"#;
/// Hosts on any free port.
const ANYWHERE: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn ids(out: &str) -> Vec<u64> {
    out.lines().map(|line| crate::cli::json(line)["id"].as_u64().expect("an id")).collect()
}

#[tokio::test]
async fn a_question_is_answered_without_a_handshake_wherever_the_gateway_is() {
    let alone = Shell::new();
    let attached = Gateway::start().await;
    let shells = [
        (&alone, &["mcp", "--listen", "127.0.0.1:0"][..]),
        (&alone, &["stdio", "--store", "memory", "--listen", "127.0.0.1:0"]),
        (&attached.shell, &["mcp"]),
    ];
    for (shell, words) in shells {
        let said = shell.run_with(words, LIST).await;
        assert_eq!((said.code, said.out.lines().count()), (0, 1), "{words:?}: {said:?}");
        let hosts = said.err.starts_with("hosting the gateway at http://127.0.0.1:");
        assert_eq!(hosts, words.len() > 1, "who hosts says so, once: {said:?}");
        // And how it treats the webhooks of callers.
        assert_eq!(said.err.lines().count(), if hosts { 2 } else { 0 }, "{said:?}");
        let answer = crate::cli::json(&said.out);
        assert_eq!(answer["id"], 1);
        assert!(answer["result"]["tools"].as_array().is_some_and(|tools| !tools.is_empty()), "{answer}");
    }
    // Without input there is no output.
    let said = alone.run_with(&["mcp", "--listen", "127.0.0.1:0"], "").await;
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    attached.stop().await;
}

#[tokio::test]
async fn both_eras_are_spoken_at_once() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    for mut agent in [Agent::start(&shell, &ANYWHERE), Agent::start(&gateway.shell, &[])] {
        let answer = agent.initialize().await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
        for _ in 0..2 {
            let answer = agent.ask("tools/list", modern(json!({}))).await;
            assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
            let answer = agent.ask("tools/list", json!({})).await;
            assert_eq!(answer["result"]["resultType"], Value::Null, "{answer}");
        }
        let answer = agent.ask("server/discover", modern(json!({}))).await;
        assert!(answer["result"]["supportedVersions"].is_array(), "{answer}");
        assert_eq!(agent.ask("ping", modern(json!({}))).await["error"]["code"], -32601);
        assert_eq!(agent.ask("ping", json!({})).await["result"], json!({}));
        // Whether or not this revision has batches, nothing is left to wait for.
        agent.say(r#"[{"jsonrpc":"2.0","id":100,"method":"ping"}]"#).await;
        agent.answer().await;
        let said = agent.end().await;
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    let request = |id: usize| {
        let params = push("bulk", &format!("m{id}"));
        format!("{}\n", json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
    };
    let many: String = (0..1_000).map(request).collect();
    for (shell, words) in [(&shell, &["mcp", "--listen", "127.0.0.1:0"][..]), (&gateway.shell, &["mcp"])] {
        let said = shell.run_with(words, &many).await;
        assert_eq!(said.code, 0, "{said:?}");
        let answered = ids(&said.out);
        assert_eq!(answered.len(), 1_000);
        assert_eq!(BTreeSet::from_iter(answered), BTreeSet::from_iter(0..1_000));
        assert!(!said.out.contains("\"error\"") && !said.out.contains("isError"), "something was refused");
    }
    let said = gateway.run(&["history", "bulk", "-n", "all", "-o", "raw"]).await;
    let stored: BTreeSet<&str> = said.out.lines().collect();
    assert_eq!((said.out.lines().count(), stored.len()), (1_000, 1_000));
    gateway.stop().await;
}

#[tokio::test]
async fn mistakes_are_answered_and_the_next_line_is_read() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    for mut agent in [Agent::start(&shell, &ANYWHERE), Agent::start(&gateway.shell, &[])] {
        let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(4 << 20));
        // As the Python SDK orders them.
        let last = format!(
            r#"{{"method":"ping","params":{{"id":"{}"}},"jsonrpc":"2.0","id":2}}"#,
            "x".repeat(9 << 20)
        );
        for (line, code, id) in [
            ("no json", -32700, Value::Null),
            ("{}", -32600, Value::Null),
            (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, -32600, 5.into()),
            (r#"{"jsonrpc":"2.0","id":5,"method":"dance"}"#, -32601, 5.into()),
            (r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}"#, -32602, 5.into()),
            ("[]", -32600, Value::Null),
            (&long, -32600, 1.into()),
            (&last, -32600, 2.into()),
        ] {
            agent.say(line).await;
            let answer = agent.hear().await;
            let line = &line[..line.len().min(80)];
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&code.into(), &id), "{line}: {answer}");
        }
        // Empty lines, and messages that ask for nothing, are ignored.
        agent.say("\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/whatever\"}\r").await;
        agent
            .say(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}]"#)
            .await;
        let answers = agent.hear().await;
        assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
        assert_eq!(agent.ask("ping", json!({})).await["result"], json!({}));
        assert_eq!(agent.end().await.code, 0);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    for (shell, words) in [(&shell, &["mcp", "--listen", "127.0.0.1:0"][..]), (&gateway.shell, &["mcp"])] {
        use tokio::io::AsyncWriteExt;
        let mut child = shell.command(words).stdin(std::process::Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(b"\xff\xfe\n").await.expect("a write");
        drop(input);
        let output = child.wait_with_output();
        let output =
            tokio::time::timeout(crate::cli::DEADLINE, output).await.expect("in time").expect("an end");
        let answer = crate::cli::json(&String::from_utf8(output.stdout).expect("text"));
        assert_eq!(answer["error"]["code"], -32700);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_waits_is_cancelled_by_the_client_and_answered_at_the_end() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    for mut agent in [Agent::start(&shell, &ANYWHERE), Agent::start(&gateway.shell, &[])] {
        let wanted = modern(json!({ "notifications": { "toolsListChanged": true } }));
        let id = agent.send("subscriptions/listen", wanted.clone()).await;
        let acknowledged = agent.hear().await;
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
        // The id is in use until the call is cancelled, and never answered after that.
        agent.say(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string()).await;
        assert_eq!(agent.hear().await["error"]["code"], -32600);
        let cancel = json!({ "requestId": id });
        agent
            .say(
                &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })
                    .to_string(),
            )
            .await;
        let answer = agent.ask("ping", json!({})).await;
        assert_eq!(answer["result"], json!({}));
        let listens = agent.send("subscriptions/listen", wanted).await;
        assert_eq!(agent.hear().await["method"], "notifications/subscriptions/acknowledged");
        // A wait gets the answer that it would get after its time, with the place to continue from.
        let waits = agent.send("tools/call", wait("later")).await;
        let begun = std::time::Instant::now();
        let said = agent.end().await;
        assert!(begun.elapsed().as_secs() < 30, "it was waited for");
        assert_eq!(said.code, 0, "{said:?}");
        let mut answers: Vec<Value> = said.out.lines().map(crate::cli::json).collect();
        answers.sort_by_key(|answer| answer["id"].as_u64());
        assert_eq!(answers.len(), 2, "{answers:?}");
        assert_eq!((&answers[0]["id"], &answers[0]["error"]), (&json!(listens), &Value::Null), "{answers:?}");
        let told = &answers[1]["result"];
        assert_eq!(
            (&answers[1]["id"], &told["structuredContent"]["status"]),
            (&json!(waits), &json!("timed_out"))
        );
        assert!(told["structuredContent"]["next_cursor"].is_string(), "{told}");
        let text = told["content"][0]["text"].as_str().expect("text");
        assert!(text.starts_with("No events on `later` before your input ended."), "{text}");
    }
    // From the shell, in one line.
    let line =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wait("later") }).to_string();
    for (shell, words) in [(&shell, &["mcp", "--listen", "127.0.0.1:0"][..]), (&gateway.shell, &["mcp"])] {
        let said = shell.run_with(words, &line).await;
        assert_eq!((said.code, ids(&said.out)), (0, vec![1]), "{said:?}");
    }
    gateway.stop().await;
}

/// Returns the parameters of a wait for an event.
fn wait(channel: &str) -> Value {
    json!({ "name": "wait_for", "arguments": { "channels": [channel], "wait": "55s" } })
}

#[tokio::test]
async fn signals_end_it_in_order() {
    let shell = Shell::new();
    let gateway = Gateway::start().await;
    for signal in [Signal::TERM, Signal::INT] {
        for mut agent in [Agent::start(&shell, &ANYWHERE), Agent::start(&gateway.shell, &[])] {
            agent.push("a", "b").await;
            agent.signal(signal);
            let line = agent.line_or_end().await;
            assert_eq!(line, None);
            assert_eq!(agent.end().await.code, 0);
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = Shell::new().run_with(&["mcp", "--listen", &address], LIST).await;
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains(&format!("cannot listen on {address}")), "{said:?}");
    // Whether we or another program occupy the default port: it is in use.
    let _taken = std::net::TcpListener::bind("127.0.0.1:8000");
    let said = Shell::new().run_with(&["mcp"], LIST).await;
    assert_eq!(ids(&said.out), [1], "{said:?}");
    assert_eq!(said.code, 0);
    assert!(said.err.contains("127.0.0.1:8000 is in use"), "{said:?}");
}

#[tokio::test]
async fn the_set_of_tools_is_chosen_and_never_widened() {
    let names = |answer: Value| -> Vec<String> {
        let tools = answer["result"]["tools"].as_array().expect("tools").clone();
        tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    };
    let pushes = |names: &[String]| names.iter().any(|name| name == "push_stream");
    let gateway = Gateway::start().await;
    let shell = Shell::new();
    let narrow = Shell::new();
    for (shell, words, has_push) in [
        (&shell, &["--toolset", "readonly", "--listen", "127.0.0.1:0"][..], false),
        (&shell, &["--toolset", "all", "--listen", "127.0.0.1:0"], true),
        (&gateway.shell, &["--toolset", "readonly"], false),
        (&gateway.shell, &["--toolset", "all"], true),
        (&narrow, &["--store", "memory", "--toolset", "readonly", "--listen", "127.0.0.1:0"], false),
    ] {
        let mut agent = Agent::start(shell, words);
        let names = names(agent.ask("tools/list", json!({})).await);
        assert_eq!(pushes(&names), has_push, "{words:?}: {names:?}");
        assert_eq!(agent.end().await.code, 0);
    }
    let said = shell.run(&["mcp", "--toolset", "some"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("use one of readonly, essential, all"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_named_gateway_that_is_not_there_is_said_and_waited_for() {
    let mut shell = Shell::new();
    shell.set("FANFARE_URL", "http://127.0.0.1:9");
    let said = shell.run_with(&["mcp", "--timeout", "1s"], LIST).await;
    assert_eq!(said.code, 4, "{said:?}");
    let answer = crate::cli::json(&said.out);
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &(-32603).into()), "{answer}");
    // One that comes later is found.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut shell = Shell::new();
    shell.set("FANFARE_URL", &format!("http://{free}"));
    let mut agent = Agent::start(&shell, &[]);
    agent.send("ping", json!({})).await;
    let gateway = Gateway::start_in(shell, &free.to_string(), "memory").await;
    assert_eq!(agent.answer().await["id"], 1);
    // And one that comes back.
    agent.initialize().await;
    let shell = gateway.kill().await;
    let gateway = Gateway::start_in(shell, &free.to_string(), "memory").await;
    agent.push("a", "after the restart").await;
    assert_eq!(gateway.json(&["history", "a"]).await["events"][0]["message"], "after the restart");
    assert_eq!(agent.end().await.code, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn stdin_and_stdout_may_be_pipes_sockets_or_files() {
    use std::io::{Read, Write};
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::Stdio;
    let shell = Shell::new();
    shell.write("input", LIST);
    let words = ["mcp", "--store", "memory", "--listen", "127.0.0.1:0"];
    // Node gives its children sockets.
    let (mut ours, theirs) = UnixStream::pair().expect("sockets");
    let output = theirs.try_clone().expect("a descriptor");
    let mut command = shell.command(&words);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::from(OwnedFd::from(output)));
    let mut child = command.spawn().expect("it starts");
    drop(command);
    let read = tokio::task::spawn_blocking(move || {
        let large = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{}"}}"#, "x".repeat(1 << 20));
        ours.write_all(format!("{large}\n{LIST}").as_bytes()).expect("a write");
        ours.shutdown(Shutdown::Write).expect("an end");
        let mut text = String::new();
        ours.read_to_string(&mut text).expect("text");
        text
    });
    let said = tokio::time::timeout(crate::cli::DEADLINE, read).await.expect("in time").expect("an end");
    assert_eq!(ids(&said), [2, 1]);
    let ended = tokio::time::timeout(crate::cli::DEADLINE, child.wait()).await;
    assert!(ended.expect("in time").expect("an end").success());

    let file = |name: &str| std::path::Path::new(shell.home()).join(name);
    let input = std::fs::File::open(file("input")).expect("a file");
    let output = std::fs::File::create(file("output")).expect("a file");
    let mut child = shell.command(&words).stdin(input).stdout(output).spawn().expect("it starts");
    let ended = tokio::time::timeout(crate::cli::DEADLINE, child.wait()).await;
    assert!(ended.expect("in time").expect("an end").success());
    assert_eq!(ids(&shell.read("output")), [1]);
}
