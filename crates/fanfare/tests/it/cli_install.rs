//! `install` and `uninstall`: the files of clients, before and after.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::cli;
use crate::cli::{Shell, json};

/// Clients whose file we write, with the file and a possible content.
pub(crate) const FILES: [(&str, &str, &str); 8] = [
    (
        "claude-code",
        ".claude.json",
        "{\n  \"numStartups\": 12,\n  \"mcpServers\": {},\n  \"projects\": {\"/x\": {\"mcpServers\": {}}}\n}",
    ),
    (
        "claude-desktop",
        ".config/Claude/claude_desktop_config.json",
        "{\"mcpServers\":{\"git\":{\"command\":\"git-mcp\",\"env\":{\"KEY\":\"s3cret\"}}}}",
    ),
    (
        "codex",
        ".codex/config.toml",
        "# mine\r\nmodel = \"o\" # why\r\n\r\n[mcp_servers.git]\r\ncommand = \"git-mcp\"\r\nargs = [ 'a' ]",
    ),
    (
        "cursor",
        ".cursor/mcp.json",
        "{\n\t// all of mine\n\t\"mcpServers\": { // here\n\t\t/* git */ \"git\": { \"url\": \"http://x/\" }, // last\n\t},\n}\n",
    ),
    ("gemini-cli", ".gemini/settings.json", "{\n    \"theme\": \"Dracula\"\n}\n"),
    ("vscode", ".config/Code/User/mcp.json", "{\r\n\t\"servers\": {\r\n\t},\r\n\t\"inputs\": []\r\n}\r\n"),
    ("windsurf", ".codeium/windsurf/mcp_config.json", "{}"),
    (
        "zed",
        ".config/zed/settings.json",
        "// Zed\n//\n{\n  \"ui_font_size\": 16,\n  \"context_servers\": {\n    \"git\": {},\n  },\n}\n",
    ),
];

pub(crate) fn path(shell: &Shell, file: &str) -> PathBuf {
    Path::new(shell.home()).join(file)
}

/// Returns the names of all files in the directory of `file`.
pub(crate) fn beside(shell: &Shell, file: &str) -> Vec<String> {
    let folder = path(shell, file);
    let entries = std::fs::read_dir(folder.parent().expect("a folder")).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Runs the program, which must succeed, and returns what it did to each client.
pub(crate) async fn done(shell: &Shell, words: &[&str]) -> serde_json::Value {
    cli::done(shell, words).await["clients"].take()
}

#[tokio::test]
async fn uninstall_restores_every_byte() {
    let shell = Shell::new();
    for (_, file, text) in FILES {
        shell.write(file, text);
    }
    let clients: Vec<&str> = FILES.iter().map(|(client, ..)| *client).collect();
    let install: Vec<&str> = ["install"].iter().chain(&clients).copied().collect();
    let uninstall: Vec<&str> = ["uninstall"].iter().chain(&clients).copied().collect();

    for outcome in done(&shell, &install).await.as_array().expect("outcomes") {
        assert_eq!(outcome["action"], "add", "{outcome}");
        let diff = outcome["diff"].as_str().expect("a difference");
        assert!(diff.contains("fanfare") && !diff.contains("s3cret"), "{diff}");
        assert!(outcome["next"].as_str().expect("a hint").ends_with("push \"hello\" to the stream"));
    }
    let mut installed = Vec::new();
    for (client, file, text) in FILES {
        let now = shell.read(file);
        assert!(now.contains("fanfare") && now.contains("[\"mcp\"]"), "{client}: {now}");
        for line in text.lines().filter(|line| line.contains("//") || line.contains('#')) {
            assert!(now.contains(line), "{client} lost {line}: {now}");
        }
        let names = beside(&shell, file);
        let backup = names.iter().find(|name| name.ends_with(".fanfare-backup")).expect("a backup");
        let kept = path(&shell, file).with_file_name(backup);
        assert_eq!(std::fs::read_to_string(kept).expect("a file"), text, "{client}");
        installed.push(now);
    }

    for outcome in done(&shell, &install).await.as_array().expect("outcomes") {
        assert_eq!(outcome["action"], "nothing", "{outcome}");
    }
    for ((client, file, _), then) in FILES.iter().zip(&installed) {
        assert_eq!(shell.read(file), *then, "{client}");
    }

    for outcome in done(&shell, &uninstall).await.as_array().expect("outcomes") {
        assert_eq!(outcome["action"], "remove", "{outcome}");
    }
    for (client, file, text) in FILES {
        assert_eq!(shell.read(file), text, "{client}");
        let left: Vec<String> =
            beside(&shell, file).into_iter().filter(|name| name.contains("fanfare")).collect();
        assert!(left.is_empty(), "{client}: {left:?}");
    }
    for outcome in done(&shell, &uninstall).await.as_array().expect("outcomes") {
        assert_eq!(outcome["action"], "nothing", "{outcome}");
    }
}

#[tokio::test]
async fn uninstall_removes_a_file_that_install_created() {
    let shell = Shell::new();
    let before = beside(&shell, "x");
    for (client, file, _) in FILES {
        done(&shell, &["install", client]).await;
        assert!(shell.read(file).contains("fanfare"), "{client}");
        done(&shell, &["uninstall", client]).await;
        assert!(!path(&shell, file).exists(), "{client}");
    }
    done(&shell, &["install", "cursor", "claude-code", "vscode", "--scope", "project"]).await;
    for (file, servers) in
        [(".mcp.json", "mcpServers"), (".cursor/mcp.json", "mcpServers"), (".vscode/mcp.json", "servers")]
    {
        let entry = &json(&shell.read(file))[servers]["fanfare"];
        assert_eq!(
            (&entry["command"], &entry["args"]),
            (&"fanfare".into(), &serde_json::json!(["mcp"])),
            "{file}"
        );
    }
    done(&shell, &["uninstall", "cursor", "claude-code", "vscode", "--scope", "project"]).await;
    let left: Vec<String> = beside(&shell, "x")
        .into_iter()
        .filter(|name| !before.contains(name) && name.contains("mcp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn changes_that_others_made_since_stay() {
    let shell = Shell::new();
    done(&shell, &["install", "cursor", "codex"]).await;
    let cursor = shell
        .read(".cursor/mcp.json")
        .replace("  \"mcpServers\": {", "  \"mcpServers\": {\n    \"git\": {},");
    shell.write(".cursor/mcp.json", &cursor);
    shell
        .write(".codex/config.toml", &format!("{}\n[tui] # mine\nx = 1\n", shell.read(".codex/config.toml")));
    done(&shell, &["uninstall", "cursor", "codex"]).await;
    assert_eq!(json(&shell.read(".cursor/mcp.json")), serde_json::json!({ "mcpServers": { "git": {} } }));
    assert_eq!(shell.read(".codex/config.toml"), "[tui] # mine\nx = 1\n");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_left_alone_and_so_are_the_others() {
    let shell = Shell::new();
    let broken = "{\n  \"mcpServers\": {\n    \"git\": {\n  }\n}\n";
    shell.write(".cursor/mcp.json", broken);
    shell.write(".codex/config.toml", "a = 1\nb = [1\n");
    let said = shell.run(&["install", "claude-code", "cursor"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    let told = said.err.replace(shell.home(), "HOME").replace(env!("CARGO_BIN_EXE_fanfare"), "PROGRAM");
    insta::assert_snapshot!(told, @r#"
    error: cannot change the configuration file of Cursor
       at: line 1 of HOME/.cursor/mcp.json
      why: unterminated object
      fix: repair the file and run the same command again
    "#);
    assert_eq!(shell.read(".cursor/mcp.json"), broken);
    assert_eq!(beside(&shell, ".cursor/mcp.json"), ["mcp.json"]);
    assert!(!path(&shell, ".claude.json").exists());
    for command in ["install", "uninstall"] {
        let said = shell.run(&["-o", "json", command, "codex"]).await;
        let error = &json(&said.err)["error"];
        assert_eq!((said.code, error["code"].as_str()), (2, Some("usage")), "{said:?}");
        assert!(error["at"].as_str().expect("a place").starts_with("line "), "{said:?}");
    }
    std::fs::write(path(&shell, ".cursor/mcp.json"), b"{\n\"a\": \"\xff\"}").expect("written");
    let said = shell.run(&["install", "cursor"]).await;
    assert!(said.code == 2 && said.err.contains("line 2 is not UTF-8"), "{said:?}");
}

#[tokio::test]
async fn links_stay_links_and_permissions_stay() {
    let shell = Shell::new();
    shell.write("dotfiles/mcp.json", "{}\n");
    shell.write(".cursor/other", "");
    let real = path(&shell, "dotfiles/mcp.json");
    let link = path(&shell, ".cursor/mcp.json");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).expect("ours");
    symlink("../dotfiles/mcp.json", &link).expect("a link");
    done(&shell, &["install", "cursor"]).await;
    assert_eq!(std::fs::read_link(&link).expect("a link"), Path::new("../dotfiles/mcp.json"));
    for name in beside(&shell, "dotfiles/mcp.json") {
        let mode = real.with_file_name(&name).metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    done(&shell, &["uninstall", "cursor"]).await;
    assert_eq!(shell.read("dotfiles/mcp.json"), "{}\n");
    assert!(link.is_symlink());

    // A file that `install` created and that the user has since moved behind a link belongs to the user.
    std::fs::remove_file(&link).expect("ours");
    done(&shell, &["install", "cursor"]).await;
    std::fs::rename(&link, &real).expect("ours");
    symlink(&real, &link).expect("a link");
    done(&shell, &["uninstall", "cursor"]).await;
    assert_eq!(shell.read("dotfiles/mcp.json"), "{}\n");
    assert!(link.is_symlink());

    std::fs::remove_file(&real).expect("ours");
    let said = shell.run(&["install", "cursor"]).await;
    assert!(said.code == 2 && said.err.contains("it is a broken link"), "{said:?}");
}

#[tokio::test]
async fn the_program_that_the_shell_finds_is_the_one_that_is_named() {
    let mut shell = Shell::new();
    std::fs::create_dir(path(&shell, "bin")).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_fanfare"), path(&shell, "bin/fanfare")).expect("a link");
    done(&shell, &["install", "cursor"]).await;
    let command =
        |shell: &Shell| json(&shell.read(".cursor/mcp.json"))["mcpServers"]["fanfare"]["command"].clone();
    assert_eq!(command(&shell), env!("CARGO_BIN_EXE_fanfare"));
    let bin = format!("{}/bin", shell.home());
    shell.set("PATH", &bin);
    done(&shell, &["install", "cursor"]).await;
    assert_eq!(command(&shell), format!("{bin}/fanfare"));
}
