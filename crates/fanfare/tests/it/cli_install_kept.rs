//! `install` over an entry that is there: what others put into it stays. And users without a home of their own.

use serde_json::{Value, json};

use crate::cli::{Gateway, Shell, json as parsed};
use crate::cli_install::done;

const CURSOR: &str = "{\n  \"mcpServers\": {\n    \"fanfare\": {\n      // where it is\n      \"command\": \"/old/fanfare\", \
                      // mine\n      \"args\": [\"mcp\", \"--toolset\", \"readonly\"],\n      \"env\": { \"API\": \
                      \"s3cret\" },\n      \"disabledTools\": [\"push_webhook\"]\n    }\n  }\n}\n";
const CODEX: &str = "model = \"o\"\n\n[mcp_servers.fanfare]\ncommand = \"/old/fanfare\" # mine\nargs = [\"mcp\", \
                     \"--toolset\", \"readonly\"]\nstartup_timeout_sec = 20\n\n[mcp_servers.fanfare.env]\nAPI = \
                     \"s3cret\"\n\n[mcp_servers.fanfare.tools.push_stream]\napproval_mode = \"approve\"\n";
const GEMINI: &str = "{\"mcpServers\":{\"fanfare\":{\"trust\":true,\"command\":\"/old/fanfare\",\"args\":[\"stdio\",\"--toolset=readonly\"],\"includeTools\":[\"read_history\"]},\"git\":{\"env\":{\"A\":\"s3cret\"}}}}";

#[tokio::test]
async fn what_others_put_into_our_entry_stays() {
    for (client, file, text, kept, stays) in [
        (
            "cursor",
            ".cursor/mcp.json",
            CURSOR,
            json!(["args --toolset readonly", "env", "disabledTools"]),
            &[
                "// where it is",
                "// mine",
                "\"env\": { \"API\": \"s3cret\" }",
                "\"disabledTools\": [\"push_webhook\"]",
            ][..],
        ),
        (
            "codex",
            ".codex/config.toml",
            CODEX,
            json!(["args --toolset readonly", "env", "startup_timeout_sec", "tools"]),
            &["# mine", "startup_timeout_sec = 20", "API = \"s3cret\"", "approval_mode = \"approve\""][..],
        ),
        (
            "gemini-cli",
            ".gemini/settings.json",
            GEMINI,
            json!(["trust", "args --toolset=readonly", "includeTools"]),
            &["\"trust\":true", "\"--toolset=readonly\"", "\"includeTools\":[\"read_history\"]"][..],
        ),
    ] {
        let shell = Shell::new();
        shell.write(file, text);
        let dry = done(&shell, &["install", client, "--dry-run"]).await;
        assert_eq!((&dry[0]["action"], &dry[0]["kept"]), (&json!("change"), &kept), "{client}");
        let diff = dry[0]["diff"].as_str().expect("a difference");
        assert!(
            diff.contains(env!("CARGO_BIN_EXE_fanfare").trim_start_matches('/')) && !diff.contains("s3cret"),
            "{client}: {diff}"
        );
        assert_eq!(shell.read(file), text, "{client}: nothing is written");
        done(&shell, &["install", client]).await;
        let now = shell.read(file);
        for part in stays {
            assert!(now.contains(part), "{client} lost {part}: {now}");
        }
        assert!(now.contains(env!("CARGO_BIN_EXE_fanfare")) && !now.contains("/old/"), "{client}: {now}");
        assert!(now.contains("readonly"), "{client}: the client gets no more tools: {now}");
        assert_eq!(done(&shell, &["install", client]).await[0]["action"], "nothing", "{client}");
        done(&shell, &["uninstall", client]).await;
        let left = shell.read(file);
        assert!(!left.contains("fanfare") && !left.contains("approval_mode"), "{client}: {left}");
    }
}

#[tokio::test]
async fn another_transport_gets_no_more_tools() {
    let shell = Shell::new();
    shell.write(".cursor/mcp.json", CURSOR);
    done(&shell, &["install", "cursor", "--transport", "http"]).await;
    let entry =
        |shell: &Shell| -> Value { parsed(&shell.read(".cursor/mcp.json"))["mcpServers"]["fanfare"].clone() };
    let http = entry(&shell);
    assert_eq!(http["url"], "http://127.0.0.1:8000/mcp?toolset=readonly");
    assert_eq!((&http["command"], &http["disabledTools"]), (&Value::Null, &json!(["push_webhook"])));
    done(&shell, &["install", "cursor"]).await;
    assert_eq!(entry(&shell)["args"], json!(["mcp", "--toolset", "readonly"]));
}

#[tokio::test]
async fn what_a_user_adds_later_is_no_obstacle_to_restoring_the_file() {
    let shell = Shell::new();
    let before = "{\n  \"mcpServers\": {\n    \"git\": {}\n  }\n}\n";
    shell.write(".cursor/mcp.json", before);
    done(&shell, &["install", "cursor"]).await;
    let now = shell
        .read(".cursor/mcp.json")
        .replace("\"args\": [\"mcp\"]", "\"args\": [\"mcp\"],\n      \"disabled\": true");
    shell.write(".cursor/mcp.json", &now);
    assert_eq!(done(&shell, &["install", "cursor"]).await[0]["action"], "nothing");
    done(&shell, &["uninstall", "cursor"]).await;
    assert_eq!(shell.read(".cursor/mcp.json"), before);
}

#[tokio::test]
async fn a_named_gateway_needs_no_home_and_a_foreign_one_is_passed_over() {
    let gateway = Gateway::start().await;
    let url = gateway.url.clone();
    let ping = r#"{"jsonrpc":"2.0","method":"ping","id":1}"#;
    for home in ["", "/dev/null", "/nonexistent"] {
        let mut shell = Shell::new();
        shell.set("HOME", home);
        shell.set("FANFARE_URL", &url);
        let said = shell.run_with(&["mcp"], ping).await;
        assert_eq!((said.code, parsed(&said.out)["id"].as_u64()), (0, Some(1)), "{home}: {said:?}");
        let said = shell.run(&["push", "a", "hi"]).await;
        assert_eq!(said.code, 0, "{home}: {said:?}");
    }
    gateway.stop().await;
}
