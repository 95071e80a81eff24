//! Help, completions and manual pages. The text of every command's help is in `docs/cli.md`, which
//! `cli_reference.rs` compares.

use crate::cli::Shell;

const COMMANDS: [&str; 27] = [
    "demo",
    "serve",
    "push",
    "listen",
    "receive",
    "run",
    "mcp",
    "webhooks",
    "deliveries",
    "verify",
    "history",
    "events",
    "channels",
    "clients",
    "readers",
    "sources",
    "status",
    "backup",
    "restore",
    "log",
    "install",
    "uninstall",
    "doctor",
    "config",
    "completions",
    "man",
    "help",
];

#[tokio::test]
async fn without_a_command_there_is_help() {
    let said = Shell::new().run(&[]).await;
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @r#"
    The event gateway between AI agents and everything else

    Usage: fanfare [OPTIONS] <COMMAND>

    Commands:
      demo         Try Fanfare: run an in-memory gateway with sample events
      serve        Start a gateway
      push         Push an event [alias: publish]
      listen       Listen to events, live or from the past [alias: subscribe]
      receive      Receive webhooks on this machine and print them
      run          Run a command and push events for its start and its result
      mcp          Connect an agent over stdin and stdout (MCP) [alias: stdio]
      webhooks     Register and manage webhooks
      deliveries   Inspect and resend failed webhook deliveries
      verify       Verify the signature of a saved webhook request
      history      Show past events
      events       Redact single events
      channels     List and purge channels
      clients      List and disconnect clients
      readers      List and manage durable readers
      sources      List and manage the addresses that other programs send to
      status       Show the gateway at a glance
      backup       Back up the log, even while the gateway runs
      restore      Restore a lost log from a backup
      log          Check, export, import or compact the log
      install      Add Fanfare to Claude Code, Cursor, VS Code, Codex and others
      uninstall    Remove Fanfare from MCP clients
      doctor       Check your setup for problems
      config       Show and check the configuration
      completions  Print shell completions
      man          Print the manual page or write one for each command
      help         Show help for a command or a topic

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --server <URL>     URL of the gateway [env: FANFARE_URL] [default:
                             http://127.0.0.1:8000]
      -o, --output <FORMAT>  Output format: human, json, ndjson, table or raw
      -q, --quiet            Print only results and errors

    Try it:
      fanfare serve                          # start a gateway
      fanfare listen 'builds.>'              # in a second terminal
      fanfare push -c builds.web "deployed"  # in a third
      fanfare run -c builds.web -- make test # pushes an event when it is done

    Topics:
      fanfare help exit-codes | settings | environment
    "#);
}

/// Subcommands, which have examples of their own.
const BELOW: [(&str, &[&str]); 3] = [
    (
        "webhooks",
        &[
            "ls",
            "show",
            "add",
            "edit",
            "rm",
            "pause",
            "resume",
            "test",
            "preview",
            "rotate-secret",
            "attempts",
            "replay",
        ],
    ),
    ("deliveries", &["ls", "show", "resend", "discard"]),
    ("log", &["check", "export", "import", "compact"]),
];

#[tokio::test]
async fn every_help_has_examples_and_fits_eighty_columns() {
    let shell = Shell::new();
    let below = BELOW.iter().flat_map(|(above, below)| below.iter().map(move |one| vec![*above, *one]));
    for command in COMMANDS.iter().map(|command| vec![*command]).chain(below) {
        let with = |word: &'static str| command.iter().copied().chain([word]).collect::<Vec<_>>();
        let help = ["help"].iter().chain(&command).copied().collect();
        for words in [with("-h"), with("--help"), help] {
            let said = shell.run(&words).await;
            assert_eq!(said.code, 0, "{words:?}: {said:?}");
            assert!(said.err.is_empty(), "{words:?}");
            assert!(!said.out.contains('\x1b'), "{words:?} has colours in a pipe");
            let examples = said.out.lines().filter(|line| line.trim_start().starts_with("# ")).count();
            assert!(examples >= 2, "{words:?} has {examples} examples");
            for line in said.out.lines() {
                assert!(line.chars().count() <= 80, "{words:?}: {line}");
            }
        }
    }
}

#[tokio::test]
async fn help_has_pages_on_topics() {
    let shell = Shell::new();
    for (topic, word) in
        [("exit-codes", "130"), ("settings", "serve.retention-age"), ("environment", "FANFARE_URL")]
    {
        let said = shell.run(&["help", topic]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains(word), "{said:?}");
        assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{said:?}");
    }
    let said = shell.run(&["help", "webhooks", "ad"]).await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "error: unknown command or topic `ad`\n  fix: fanfare help webhooks add\n")
    );
    let said = shell.run(&["help", "pusch"]).await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "error: unknown command or topic `pusch`\n  fix: fanfare help push\n")
    );
    let said = shell.run(&["help", "nosuch"]).await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "error: unknown command or topic `nosuch`\n  fix: list the commands with `fanfare help`\n")
    );
}

#[tokio::test]
async fn agents_get_plain_help_with_guidance() {
    let mut shell = Shell::new();
    assert!(!shell.run(&["push", "--help"]).await.out.contains("[Agent guidance]"));
    shell.set("CLAUDECODE", "1");
    assert!(shell.run(&["push", "--help"]).await.out.contains("[Agent guidance]"));
    assert!(shell.run(&["webhooks", "add", "--help"]).await.out.contains("[Agent guidance]"));
    shell.set("FANFARE_AGENT", "0");
    assert!(!shell.run(&["push", "--help"]).await.out.contains("[Agent guidance]"));
}

#[tokio::test]
async fn color_can_be_forced_and_disabled() {
    let mut shell = Shell::new();
    assert!(shell.run(&["push", "--help", "--color", "always"]).await.out.contains('\x1b'));
    shell.set("CLICOLOR_FORCE", "1");
    assert!(shell.run(&["push", "--help"]).await.out.contains('\x1b'));
    assert!(!shell.run(&["push", "--help", "--color=never"]).await.out.contains('\x1b'));
    let mut shell = Shell::new();
    shell.set("NO_COLOR", "1");
    assert!(!shell.run(&["push", "--help"]).await.out.contains('\x1b'));
}

#[tokio::test]
async fn every_shell_gets_completions() {
    let shell = Shell::new();
    for name in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = shell.run(&["completions", name]).await;
        assert_eq!(said.code, 0, "{said:?}");
        for command in COMMANDS {
            assert!(said.out.contains(command), "{name} does not know {command}");
        }
        assert!(said.out.contains("min-priority"), "{name} does not know the flags");
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let shell = Shell::new();
    let said = shell.run(&["man", "--dir", "man"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for command in COMMANDS {
        let page = shell.read(&format!("man/fanfare-{command}.1"));
        assert!(page.contains(".TH"), "{command}");
    }
    for (above, below) in BELOW {
        for command in below {
            let page = shell.read(&format!("man/fanfare-{above}-{command}.1"));
            assert!(page.contains(".TH"), "{above} {command}");
        }
    }
    assert!(shell.run(&["man"]).await.out.contains(".TH fanfare"));
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let said = Shell::new().run(&["--version"]).await;
    assert_eq!(said.out, format!("fanfare {}\n", env!("CARGO_PKG_VERSION")));
}
