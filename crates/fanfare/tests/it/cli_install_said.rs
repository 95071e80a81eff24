//! The output of `install`: diffs, prompts, errors and references to tokens.

use std::process::Stdio;

use crate::cli::{DEADLINE, Shell, json};
use crate::cli_install::{FILES, beside, done, path};

#[tokio::test]
async fn a_dry_run_shows_the_diff_and_writes_nothing() {
    let shell = Shell::new();
    shell.write(".cursor/mcp.json", "{\n  \"mcpServers\": {\n    \"git\": {}\n  }\n}\n");
    let said = shell.run(&["install", "cursor", "codex", "--dry-run", "--transport", "http"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(said.out, @r#"
    --- ~/.cursor/mcp.json
    +++ ~/.cursor/mcp.json
    @@ -2,2 +2,5 @@
       "mcpServers": {
    +    "fanfare": {
    +      "url": "http://127.0.0.1:8000/mcp"
    +    },
         "git": {}
    --- /dev/null
    +++ ~/.codex/config.toml
    @@ -0,0 +1,2 @@
    +[mcp_servers.fanfare]
    +url = "http://127.0.0.1:8000/mcp"
    – Cursor: would add the entry to ~/.cursor/mcp.json
    – Codex: would add the entry to ~/.codex/config.toml
    "#);
    assert!(said.err.is_empty(), "{said:?}");
    assert!(!shell.read(".cursor/mcp.json").contains("fanfare"));
    assert_eq!(beside(&shell, ".cursor/mcp.json"), ["mcp.json"]);
    assert!(!path(&shell, ".codex").exists());
}

#[tokio::test]
async fn a_token_is_referred_to_and_never_written() {
    let mut shell = Shell::new();
    let clients =
        ["claude-code", "claude-desktop", "codex", "cursor", "gemini-cli", "vscode", "windsurf", "zed"];
    let all: Vec<&str> = ["install", "cline", "goose"].iter().chain(&clients).copied().collect();
    shell.set("FANFARE_TOKEN", "top-secret").set("FANFARE_URL", "https://events.example.com");
    for more in [&["--yes"][..], &["--scope", "user", "-v"]] {
        let said = shell.run(&all.iter().chain(more).copied().collect::<Vec<_>>()).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!format!("{said:?}").contains("top-secret"), "{said:?}");
        assert!(said.err.contains("Claude Desktop cannot refer to a variable"), "{said:?}");
    }
    let http = [
        "install",
        "--transport",
        "http",
        "claude-code",
        "codex",
        "cursor",
        "gemini-cli",
        "vscode",
        "windsurf",
    ];
    for (client, file, _) in FILES {
        let text = shell.read(file);
        assert!(!text.contains("top-secret"), "{client}: {text}");
        assert!(text.contains("https://events.example.com"), "{client}: {text}");
    }
    let entry = |file: &str, servers: &str| json(&shell.read(file))[servers]["fanfare"].clone();
    assert_eq!(entry(".claude.json", "mcpServers")["env"]["FANFARE_TOKEN"], "${FANFARE_TOKEN}");
    assert_eq!(entry(".cursor/mcp.json", "mcpServers")["env"]["FANFARE_TOKEN"], "${env:FANFARE_TOKEN}");
    assert!(shell.read(".codex/config.toml").contains("env_vars = [\"FANFARE_TOKEN\"]"));

    for outcome in done(&shell, &http).await.as_array().expect("outcomes") {
        assert_eq!(outcome["action"], "change", "{outcome}");
    }
    let entry = |file: &str, servers: &str| json(&shell.read(file))[servers]["fanfare"].clone();
    assert_eq!(
        entry(".claude.json", "mcpServers"),
        serde_json::json!({
            "type": "http",
            "url": "https://events.example.com/mcp",
            "headers": { "Authorization": "Bearer ${FANFARE_TOKEN}" },
        })
    );
    assert_eq!(
        entry(".config/Code/User/mcp.json", "servers")["headers"]["Authorization"],
        "Bearer ${env:FANFARE_TOKEN}"
    );
    assert_eq!(
        shell.read(".codex/config.toml"),
        "[mcp_servers.fanfare]\nurl = \"https://events.example.com/mcp\"\nbearer_token_env_var = \"FANFARE_TOKEN\"\n"
    );

    shell.write("token", "top-secret\n");
    let said = shell.run(&["install", "claude-desktop", "--token-file", "token"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let arguments = json(&shell.read(FILES[1].1))["mcpServers"]["fanfare"]["args"].clone();
    let file = format!("{}/token", shell.home());
    assert_eq!(
        arguments,
        serde_json::json!(["mcp", "--server", "https://events.example.com", "--token-file", file])
    );
}

#[tokio::test]
async fn the_status_says_what_would_change() {
    let shell = Shell::new();
    done(&shell, &["install", "claude-code", "cursor"]).await;
    done(&shell, &["install", "cursor", "--transport", "http"]).await;
    shell.write(".codex/config.toml", "a = 1\nb = [1\n");
    shell.write(".mcp.json", "{}");
    let said = shell.run(&["install", "--status"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(said.out, @r#"
    client          found  scope    state          install would                                 where
    claude-code     yes    user     installed      nothing                                       ~/.claude.json
    claude-desktop  –      user     not installed  create the file                               ~/.config/Claude/claude_desktop_config.json
    cursor          yes    user     different      change the entry                              ~/.cursor/mcp.json
    vscode          –      user     not installed  create the file                               ~/.config/Code/User/mcp.json
    codex           yes    user     unreadable     refuse: line 2: unclosed array, expected `]`  ~/.codex/config.toml
    windsurf        –      user     not installed  create the file                               ~/.codeium/windsurf/mcp_config.json
    gemini-cli      –      user     not installed  create the file                               ~/.gemini/settings.json
    zed             –      user     not installed  create the file                               ~/.config/zed/settings.json
    cline           –      user     unknown        show a snippet                                ~/.cline/data/settings/cline_mcp_settings.json
    goose           –      user     unknown        show a snippet                                ~/.config/goose/config.yaml
    claude-code     yes    project  not installed  add the entry                                 ~/.mcp.json
    "#);
    let rows = done(&shell, &["install", "--status", "cursor", "--transport", "http"]).await;
    assert_eq!((&rows[0]["state"], &rows[0]["client_found"]), (&"installed".into(), &true.into()), "{rows}");
    assert_eq!(shell.run(&["install", "--status", "-o", "raw"]).await.out, "claude-code\n");
}

#[tokio::test]
async fn an_unsupported_option_is_refused() {
    let shell = Shell::new();
    for (words, told) in [
        (&["install"][..], "no client was named"),
        (&["install", "emacs"], "claude-code"),
        (&["install", "windsurf", "--scope", "project"], "remove --scope project"),
        (&["install", "claude-desktop", "--transport", "http"], "remove --transport http"),
        (&["uninstall"], "no client was named"),
    ] {
        let said = shell.run(words).await;
        assert!(said.code == 2 && said.err.contains(told), "{words:?}: {said:?}");
    }
    let said = shell.run(&["install", "goose", "cline"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let shown = said.out.replace(env!("CARGO_BIN_EXE_fanfare"), "PROGRAM");
    insta::assert_snapshot!(shown, @r#"
    – Goose: add this to ~/.config/goose/config.yaml by hand
    extensions:
      fanfare:
        type: "stdio"
        name: "fanfare"
        cmd: "PROGRAM"
        args: ["mcp"]
        enabled: true
        timeout: 300
    – Cline: add this to ~/.cline/data/settings/cline_mcp_settings.json by hand
    {
      "mcpServers": {
        "fanfare": {
          "command": "PROGRAM",
          "args": ["mcp"]
        }
      }
    }
    "#);
}

#[tokio::test]
async fn install_asks_for_confirmation_at_a_terminal() {
    let shell = Shell::new();
    for (answer, is_written) in [("n\n", false), ("\u{4}", false), ("y\n", true)] {
        let shown = at_a_terminal(&shell, &["install", "cursor"], answer).await;
        assert!(
            shown.contains("+    \"fanfare\": {") && shown.contains("Write these changes? [Y/n]"),
            "{shown}"
        );
        assert_eq!(path(&shell, ".cursor/mcp.json").exists(), is_written, "{answer:?}: {shown}");
    }
    let shown = at_a_terminal(&shell, &["uninstall", "cursor", "--yes"], "").await;
    assert!(!shown.contains("[Y/n]") && !path(&shell, ".cursor/mcp.json").exists(), "{shown}");
}

/// Runs the program at a terminal that does not say how wide it is, and returns what the terminal shows.
pub(crate) async fn at_a_terminal(shell: &Shell, words: &[&str], answer: &str) -> String {
    at_a_terminal_of(0, shell, words, answer).await
}

/// Runs the program at a terminal of so many columns, and returns what the terminal shows.
pub(crate) async fn at_a_terminal_of(columns: u16, shell: &Shell, words: &[&str], answer: &str) -> String {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&ours).expect("ours");
    unlockpt(&ours).expect("ours");
    let name = ptsname(&ours, Vec::new()).expect("a name");
    let theirs =
        open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("a terminal");
    let size =
        Winsize { ws_col: columns, ws_row: if columns > 0 { 24 } else { 0 }, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size).expect("a size");
    let mut command = shell.command(words);
    let another = || Stdio::from(theirs.try_clone().expect("another"));
    command.stdin(another()).stdout(another()).stderr(another());
    drop(theirs);
    let mut child = command.spawn().expect("the program starts");
    // Our copy of the other end must be closed too, or the output would never end.
    drop(command);
    rustix::io::write(&ours, answer.as_bytes()).expect("a terminal takes it");
    let read = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        // Reading from a terminal fails at the end.
        let _ = std::io::Read::read_to_end(&mut std::fs::File::from(ours), &mut text);
        String::from_utf8(text).expect("UTF-8")
    });
    let ended = tokio::time::timeout(DEADLINE, child.wait()).await.expect("an end in time").expect("an end");
    assert_eq!(ended.code(), Some(0));
    read.await.expect("read").replace("\r\n", "\n")
}
