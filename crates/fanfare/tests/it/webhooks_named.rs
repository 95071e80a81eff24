//! A second registration of a URL: it says what it changes, refuses what it cannot change, and is another webhook if it
//! has a name.

use serde_json::json;

use crate::cli::Gateway as Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::tools::Era;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_second_registration_says_what_it_changed_and_refuses_what_it_cannot_change() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let url = receiver.url();
        let first = json!({ "webhook_url": url, "secret": SECRET, "channels": ["builds.>"] });
        let first = gateway.post_json("/api/register", &first).await.json();
        assert_eq!((&first["secret"], first.get("changed")), (&json!(SECRET), None));

        // A receiver that registers itself each time it starts, with all that it knows.
        let same = json!({ "webhook_url": url, "secret": SECRET, "channels": ["builds.>"] });
        let same = gateway.post_json("/api/register", &same).await.json();
        assert_eq!((&same["id"], &same["changed"], same.get("secret")), (&first["id"], &json!([]), None));
        let other = json!({ "webhook_url": url, "channels": ["deploys"], "retry": ["5s"], "ordered": false });
        let other = gateway.post_json("/api/register", &other).await.json();
        assert_eq!(other["changed"], json!(["channels", "retry"]));

        let path = format!("/api/webhooks/{}", first["id"].as_str().expect("an id"));
        let before = gateway.get(&path).await.json();
        for (member, value) in [
            ("secret", json!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            ("since", json!("1h")),
            ("since", json!("earliest")),
            ("after", before["position"].clone()),
        ] {
            let body = json!({ "webhook_url": url, "channels": ["alerts"], member: value });
            let problem = gateway.post_json("/api/register", &body).await.problem(409, "webhook_exists");
            assert_eq!(
                (&problem["webhook_id"], &problem["at"]),
                (&first["id"], &json!(format!("/{member}")))
            );
            let fix = problem["fix"].as_str().expect("a fix");
            assert!(fix.contains(if member == "secret" { "/secret/rotate" } else { "/replay" }), "{fix}");
        }
        assert_eq!(gateway.get(&path).await.json(), before, "nothing was done");
    }
}

#[tokio::test]
async fn several_webhooks_share_an_address_when_they_have_names() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let url = receiver.url();
        let register = async |gateway: &Gateway, body| gateway.post_json("/api/register", &body).await;
        let first = register(&gateway, json!({ "webhook_url": url })).await.json();
        let ci = json!({ "webhook_url": url, "name": "ci", "channels": ["builds.>"], "payload": "event" });
        let ci = register(&gateway, ci).await.json();
        assert_eq!((&ci["name"], &ci["total_webhooks"]), (&json!("ci"), &json!(2)));
        assert_ne!(ci["id"], first["id"]);
        assert!(ci["secret"].is_string(), "it is another webhook");
        let created = json!({ "webhook_url": url, "name": "pager", "types": ["error"] });
        assert_eq!(gateway.post_json("/api/webhooks", &created).await.status, 201);

        // A name belongs to one webhook, at one address.
        for (path, body) in [
            ("/api/webhooks", json!({ "webhook_url": url, "name": "ci" })),
            ("/api/register", json!({ "webhook_url": receiver.url_of("/other"), "name": "ci" })),
        ] {
            let problem = gateway.post_json(path, &body).await.problem(409, "webhook_exists");
            assert_eq!((&problem["webhook_id"], &problem["at"]), (&ci["id"], &json!("/name")));
        }
        let invalid = json!({ "webhook_url": url, "name": "a name" });
        let problem = register(&gateway, invalid).await.problem(422, "invalid_webhook");
        assert_eq!(problem["at"], "/name");

        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        gateway.push("builds.web", "green").await;
        assert_eq!(
            receiver.gets(2).await.iter().map(|received| received.message()).collect::<Vec<_>>(),
            ["green", "green"],
            "the pager wants errors only"
        );

        // Without a name, the one without a name is meant; if there is none, and several others, the caller has to say.
        let again = register(&gateway, json!({ "webhook_url": url, "ordered": true })).await.json();
        assert_eq!((&again["id"], &again["changed"]), (&first["id"], &json!(["ordered"])));
        let again = json!({ "webhook_url": url, "name": "ci", "ordered": true });
        assert_eq!(register(&gateway, again).await.json()["id"], ci["id"]);
        let path = format!("/api/webhooks/{}", first["id"].as_str().expect("an id"));
        let named = gateway.request("PATCH", &path, |request| request.json(&json!({ "name": "all" }))).await;
        assert_eq!(named.json()["name"], "all");
        let problem = register(&gateway, json!({ "webhook_url": url })).await.problem(409, "webhook_exists");
        assert_eq!(problem["at"], "/name");
        gateway
            .post_json("/api/unregister", &json!({ "webhook_url": url }))
            .await
            .problem(409, "webhook_exists");
        let taken = gateway.request("PATCH", &path, |request| request.json(&json!({ "name": "ci" }))).await;
        taken.problem(409, "webhook_exists");
        for (name, left) in [("pager", 2), ("nobody", 2), ("all", 1)] {
            let gone = json!({ "webhook_url": url, "name": name });
            let gone = gateway.post_json("/api/unregister", &gone).await.json();
            assert_eq!(gone["total_webhooks"], left, "{name}");
        }
        // Of one, the address is enough.
        let gone = gateway.post_json("/api/unregister", &json!({ "webhook_url": url })).await.json();
        assert_eq!(gone["total_webhooks"], 0);
    }
}

#[tokio::test]
async fn a_name_is_shown_wherever_a_webhook_is() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let receiver = Receiver::start().await;
    let arguments = json!({ "webhook_url": receiver.url(), "name": "ci" });
    let told = gateway.tool(Era::Modern, "register_webhook", arguments).await;
    assert_eq!(told.structured["name"], "ci");
    let id = told.member("id");
    let refused = json!({ "webhook_url": receiver.url() });
    assert!(gateway.tool_error(Era::Modern, "register_webhook", refused).await.contains(&id));
    // A tool takes the name in the place of the id.
    let tested = gateway.tool(Era::Modern, "test_webhook", json!({ "webhook_id": "ci" })).await;
    assert_eq!(tested.structured["outcome"], "delivered");
    let unknown = gateway.tool_error(Era::Modern, "test_webhook", json!({ "webhook_id": "cd" })).await;
    assert!(unknown.contains("`cd`") && unknown.contains("list_targets"), "{unknown}");

    let event = gateway.push("builds.web", "green").await;
    receiver.gets_message("green").await;
    let receipts = gateway.get(&format!("/api/events/{event}/receipts")).await.json();
    assert_eq!(receipts["webhooks"][0]["webhook_name"], "ci");
    let status = gateway.tool(Era::Modern, "delivery_status", json!({ "event_id": event })).await;
    assert_eq!(status.structured["webhooks"][0]["webhook_name"], "ci");
    let targets = gateway.tool(Era::Modern, "list_targets", json!({ "kind": "webhooks" })).await;
    assert!(targets.text.contains("`ci`"), "{}", targets.text);
    assert_eq!(gateway.get("/api/webhooks?details=true").await.json()["items"][0]["name"], "ci");
}

#[tokio::test]
async fn a_webhook_is_named_on_the_command_line() {
    let gateway = Shell::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let added = gateway.run(&["webhooks", "add", &url, "--name", "ci"]).await;
    assert!(added.code == 0 && added.out.contains("ci"), "{added:?}");
    gateway.json(&["webhooks", "add", &url, "--name", "pager"]).await;
    let shown = gateway.json(&["webhooks", "show", "ci"]).await;
    assert_eq!((&shown["name"], &shown["webhook_url"]), (&json!("ci"), &json!(url)));
    let list = gateway.run(&["webhooks", "ls"]).await.out;
    assert!(list.contains("ci") && list.contains("pager"), "{list}");

    // The address means both, so it means neither.
    let refused = gateway.run(&["webhooks", "rm", &url, "--yes"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("2 webhooks") && refused.err.contains("pager"),
        "{refused:?}"
    );
    let edited = gateway.json(&["webhooks", "edit", "pager", "--name", "on-call"]).await;
    assert_eq!(edited["name"], "on-call");
    let removed = gateway.run(&["webhooks", "rm", "on-call", "--yes"]).await;
    assert!(removed.code == 0 && removed.out.contains("on-call"), "{removed:?}");
    assert_eq!(gateway.json(&["webhooks", "edit", &url, "--reset", "name"]).await.get("name"), None);
}
