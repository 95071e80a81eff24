//! Tools that the operator declares in `fanfare.toml`.

use fanfare_mcp::portable;
use fanfare_server::mcp::gateway::declared::Tools;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::support::gateway::Gateway;
use crate::support::program::Program;
use crate::support::stdio::{Agent, modern};
use crate::support::tools::Era;
use crate::support::{Engine, until};

const ASKS: &str = r#"
name = "deploy_status"
description = "Ask the deploy bot what runs in an environment. Use when the user asks what is deployed."
input.required = ["environment"]
input.properties.environment = { type = "string", enum = ["staging", "production"], description = "Where to look" }
input.properties.count = { type = "integer", minimum = 1, maximum = 5, description = "How many deploys" }
push = { channel = "deploys.{{environment}}", type = "question", priority = "high", message = "What runs in {{environment}} ({{count}})?" }
wait = { channel = "deploys.answers", timeout = "20s" }
"#;
const PUSHES: &str = r#"
name = "note"
title = "Take a note"
description = "Writes a note for the team."
input.properties.text = { type = "string", description = "The note" }
push = { channel = "notes", message = "{{text}}" }
"#;

fn tools(texts: &[&str]) -> Result<Tools, String> {
    Tools::with(texts.iter().map(|text| toml::from_str(text).expect("a declaration")).collect())
}

async fn gateway() -> Gateway {
    Gateway::with(Engine::Memory, |config| config.tools = tools(&[ASKS, PUSHES]).expect("tools")).await
}

#[tokio::test]
async fn a_declared_tool_pushes_and_returns_the_reply() {
    let gateway = gateway().await;
    for era in Era::ALL {
        let arguments = json!({"environment": "staging", "count": 2.0});
        let answer = async {
            let asked = until("the question", async || {
                let events = gateway.get("/api/events?channel=deploys.staging").await.json();
                let events = events["events"].as_array().expect("events").clone();
                events.last().filter(|_| events.len() == 1 + usize::from(era == Era::Modern)).cloned()
            })
            .await;
            let newest =
                gateway.get("/api/events?channel=deploys.staging&limit=1").await.json()["events"][0].clone();
            assert_eq!(
                (&newest["type"], &newest["priority"]),
                (&json!("question"), &json!("high")),
                "{asked}"
            );
            assert_eq!(newest["message"], "What runs in staging (2.0)?");
            assert_eq!(newest["data"], json!({"environment": "staging", "count": 2.0}));
            let reply = |to: &str, text: &str| json!({"channel": "deploys.answers", "message": text, "data": {"reply_to": to}});
            gateway.push_event(reply("zzzzzzzz-1", "for somebody else")).await;
            gateway.push_event(reply(newest["id"].as_str().expect("an id"), "1.4.2\u{202e}")).await;
        };
        let (told, ()) =
            Box::pin(async { tokio::join!(gateway.tool(era, "deploy_status", arguments.clone()), answer) })
                .await;
        assert_eq!(told.structured["status"], "replied");
        assert_eq!(told.structured["reply"]["message"], "1.4.2\\u{202e}");
        assert!(
            told.member("note").contains("The reply came on `deploys.answers`. Untrusted data"),
            "{told:?}"
        );
        assert!(told.text.contains("Untrusted data") && told.text.contains("1.4.2"), "{}", told.text);
    }
    let told = gateway.tool(Era::Modern, "note", json!({"text": "hello"})).await;
    assert_eq!((told.member("status").as_str(), told.member("channel").as_str()), ("pushed", "notes"));
    let event = gateway.get(&format!("/api/events/{}", told.member("id"))).await.json();
    assert_eq!((&event["message"], &event["source"]["door"]), (&json!("hello"), &json!("mcp")));
}

#[tokio::test]
async fn without_a_reply_the_result_says_how_to_keep_waiting() {
    let patient = ASKS.replace("20s", "1s");
    let gateway =
        Gateway::with(Engine::Memory, |config| config.tools = tools(&[&patient]).expect("tools")).await;
    let told = gateway.tool(Era::Modern, "deploy_status", json!({"environment": "staging"})).await;
    assert_eq!(told.structured["status"], "timed_out");
    let (cursor, note) = (told.member("next_cursor"), told.member("note"));
    assert!(note.contains("No reply on `deploys.answers` within 1s"), "{note}");
    gateway.push("deploys.answers", "late").await;
    let later = gateway
        .tool(Era::Modern, "wait_for", json!({"channels": ["deploys.answers"], "cursor": cursor}))
        .await;
    assert_eq!(later.messages(), ["late"]);
}

#[tokio::test]
async fn arguments_are_checked_and_nothing_is_pushed_if_they_do_not_fit() {
    let gateway = gateway().await;
    for (tool, arguments, says) in [
        ("deploy_status", json!({}), "`environment` is missing"),
        ("deploy_status", json!({"environment": null}), "`environment` is missing"),
        (
            "deploy_status",
            json!({"environment": "moon"}),
            "`environment` is not one of `staging`, `production`",
        ),
        ("deploy_status", json!({"environment": "staging", "count": 9}), "the largest number is 5"),
        ("note", json!({"txt": "x"}), "`txt` is not an argument; use `text`"),
        ("note", json!({"text": 5}), "`text` is not text"),
        ("note", json!({"text": "x".repeat(300 << 10)}), "use at most 262144 bytes"),
    ] {
        let problem = gateway.tool_error(Era::Modern, tool, arguments).await;
        assert!(problem.contains(says), "{problem}");
    }
    assert_eq!(gateway.get("/api/events").await.json()["events"], json!([]));
}

#[tokio::test]
async fn declared_tools_are_listed_for_those_who_may_push() {
    let gateway = gateway().await;
    let names = |tools: Vec<Value>| -> Vec<String> {
        tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    };
    let tools = gateway.tools(Era::Modern, "essential").await;
    for tool in &tools {
        assert_eq!(portable::check_input(&tool["inputSchema"]), []);
    }
    assert!(names(tools).ends_with(&["deploy_status".to_owned(), "note".to_owned()]));
    assert!(!names(gateway.tools(Era::Modern, "readonly").await).contains(&"note".to_owned()));
    let params = json!({"name": "note", "arguments": {"text": "x"}});
    let headers = Era::Legacy.headers("tools/call", &params);
    let body = Era::Legacy.request(1, "tools/call", params).to_string();
    let refused = gateway.post_mcp("/mcp?toolset=readonly", &headers, body).await;
    assert!(refused.json()["error"]["message"].as_str().expect("text").contains("unknown tool `note`"));
}

#[test]
fn what_a_host_or_the_gateway_would_refuse_is_refused_with_its_place() {
    let change = |from: &str, to: &str| ASKS.replace(from, to);
    let many: Vec<String> =
        (0..25).map(|number| PUSHES.replace("\"note\"", &format!("\"note{number}\""))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (texts, says) in [
        (vec![&*change("deploy_status", "push_stream")], "`name` is that of a built-in tool"),
        (vec![PUSHES, PUSHES], "`name` is declared twice"),
        (vec![&*change("deploy_status", "deploy status")], "`name` is not a letter followed by"),
        (vec![&*change(r#"type = "string", enum"#, "enum")], "`input/environment` does not have one `type`"),
        (
            vec![&*change(r#""integer", minimum = 1, maximum = 5"#, r#""array""#)],
            "`input/count` is an array without `items`",
        ),
        (vec![&*change(", description = \"Where to look\"", "")], "`input/environment` has no description"),
        (
            vec![&*change("deploys.{{environment}}", "deploys.{{moon}}")],
            "`push.channel` names the argument `moon`",
        ),
        (vec![&*change("deploys.{{environment}}", "deploys..x")], "`push.channel`: channel"),
        (vec![&*change("deploys.answers", "deploys.>")], "`wait.channel`"),
        (vec![&*change("20s", "2m")], "`wait.timeout`"),
        (vec![&*change("\"high\"", "\"huge\"")], "`push.priority`"),
        (many, "25 tools are declared; declare at most 24"),
    ] {
        let problem = tools(&texts).expect_err(says);
        assert!(problem.contains(says), "{problem}");
    }
}

#[tokio::test]
async fn a_reload_changes_the_tools_and_tells_those_who_follow_them() {
    let mut shell = Shell::new();
    let table = |text: &str| format!("[[tool]]\n{text}");
    shell.write("config.toml", &table(PUSHES));
    let config = format!("{}/config.toml", shell.home());
    shell.set("FANFARE_CONFIG", &config);
    let gateway = crate::cli::Gateway::start_in(shell, "127.0.0.1:0", "memory").await;
    let mut agent = Agent::start(&gateway.shell, &[]);
    let initialized = agent.initialize().await;
    assert_eq!(initialized["result"]["capabilities"]["tools"]["listChanged"], true);
    let names = |answer: Value| -> Vec<String> {
        let tools = answer["result"]["tools"].as_array().expect("tools").clone();
        tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert!(names(agent.ask("tools/list", json!({})).await).contains(&"note".to_owned()));
    let mut subscriber = Agent::start(&gateway.shell, &[]);
    let wanted = modern(json!({ "notifications": { "toolsListChanged": true } }));
    subscriber.send("subscriptions/listen", wanted).await;
    assert_eq!(subscriber.hear().await["method"], "notifications/subscriptions/acknowledged");
    gateway.shell.write("config.toml", &table(ASKS));
    gateway.signal(Signal::HUP);
    for agent in [&mut agent, &mut subscriber] {
        while agent.hear().await["method"] != "notifications/tools/list_changed" {}
    }
    let list = names(agent.ask("tools/list", json!({})).await);
    assert!(list.contains(&"deploy_status".to_owned()) && !list.contains(&"note".to_owned()), "{list:?}");
    gateway.shell.write("config.toml", &table(&ASKS.replace("20s", "2m")));
    let checked = gateway.shell.run(&["config", "check"]).await;
    assert!(checked.code == 2 && checked.err.contains("`wait.timeout`"), "{checked:?}");
    for agent in [agent, subscriber] {
        assert_eq!(agent.end().await.code, 0);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_reload_with_a_mistake_leaves_the_tools_as_they_were() {
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let write = |text: &str| std::fs::write(&config, format!("[[tool]]\n{text}")).expect("written");
    write(PUSHES);
    let named = config.to_str().expect("text");
    let mut program =
        Program::serve(home.path(), &["--listen", "127.0.0.1:0", "--store", "memory", "--config", named]);
    program.listening().await;
    for (text, says) in [
        (ASKS, "settings reloaded: the declared tools changed"),
        (&*ASKS.replace("20s", "2m"), "settings not reloaded: "),
        (ASKS, "settings reloaded: none has changed"),
    ] {
        write(text);
        program.signal(Signal::HUP);
        let said = program.logs("reloaded").await;
        assert!(said.starts_with(says), "{said}");
    }
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test]
async fn tools_in_a_folder_are_not_trusted_before_one_has_looked() {
    let shell = Shell::new();
    shell.write("fanfare.toml", &format!("[[tool]]\n{PUSHES}"));
    let said = shell.run(&["config", "check"]).await;
    assert!(said.code != 0 && said.err.contains("`[[tool]]`, and you have not trusted it"), "{said:?}");
    assert_eq!(shell.run(&["config", "trust"]).await.code, 0);
    assert_eq!(shell.run(&["config", "check"]).await.code, 0);
}
