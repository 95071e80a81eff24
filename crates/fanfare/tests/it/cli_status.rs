//! `fanfare status`, and what the shell says before anything works: choices, ports, other schemes.

use crate::cli::{Gateway, Shell};

#[tokio::test]
async fn the_status_fits_a_screen_and_a_script() {
    let gateway = Gateway::start().await;
    let id = gateway.push(&["hello"]).await;
    let said = gateway.run(&["status"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains(&gateway.url) && said.out.contains("✓ accepted"), "{said:?}");
    assert!(said.out.contains(&format!("{id} to {id}")), "{said:?}");
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{said:?}");
    assert_eq!(gateway.run(&["status", "-o", "raw"]).await.out.trim(), id);
    assert_eq!(gateway.json(&["status"]).await["last"], id);
    let shell = gateway.stop().await;
    assert_eq!(shell.run(&["status"]).await.code, 4);
}

#[tokio::test]
async fn a_command_without_its_choice_lists_the_choices() {
    let shell = Shell::new();
    for (command, choices) in [
        ("completions", &["bash", "zsh", "fish"][..]),
        ("install", &["claude-code", "cursor", "vscode"]),
        ("uninstall", &["claude-code", "cursor", "vscode"]),
    ] {
        let said = shell.run(&[command]).await;
        assert_eq!(said.code, 2, "{said:?}");
        for choice in choices {
            assert!(said.err.contains(choice), "{command}: {said:?}");
        }
    }
}

#[tokio::test]
async fn an_address_with_the_other_scheme_is_told_so() {
    let gateway = Gateway::start().await;
    let https = gateway.url.replace("http:", "https:");
    let said = gateway.run(&["push", "hi", "--server", &https]).await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("does not speak https"), "{said:?}");
    assert!(said.err.contains(&format!("write {}", gateway.url)), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_listens_on_a_port_and_warns_of_strangers() {
    let shell = Shell::new();
    let mut running = shell.start(&["serve", "--port", "0", "--store", "memory", "-o", "json"]);
    let listening = running.json().await;
    assert!(listening["url"].as_str().expect("an address").starts_with("http://127.0.0.1:"), "{listening}");
    running.signal(rustix::process::Signal::TERM);
    let said = running.end().await;
    assert!(!said.err.contains("warning"), "{said:?}");
    let open = ["serve", "--listen", "0.0.0.0:0", "--no-auth", "--store", "memory", "-o", "json"];
    let mut running = shell.start(&open);
    running.json().await;
    running.signal(rustix::process::Signal::TERM);
    let said = running.end().await;
    assert!(said.err.contains("everyone who can reach 0.0.0.0:"), "{said:?}");
}
