//! `fanfare listen --until` and `--deadline`.

use crate::cli::Gateway;

#[tokio::test]
async fn listening_ends_at_a_condition_or_at_a_deadline() {
    let gateway = Gateway::start().await;
    for (message, status) in [("queued", "status=queued"), ("done", "status=done"), ("after", "status=done")]
    {
        gateway.push(&["-c", "jobs", message, status]).await;
    }
    let until = ["listen", "jobs", "--since", "earliest", "--until", "data.status==done", "-o", "raw"];
    let said = gateway.run(&until).await;
    assert_eq!((said.code, said.out.as_str()), (0, "queued\ndone\n"), "{said:?}");
    // It ends after the command of the event that met the condition.
    let until = [
        "listen",
        "jobs",
        "--since",
        "earliest",
        "--until",
        "message==done",
        "--exec",
        "echo \"$FANFARE_MESSAGE\"",
    ];
    let said = gateway.run(&until).await;
    assert_eq!((said.code, said.out.as_str()), (0, "queued\ndone\n"), "{said:?}");
    for words in [&["--once"][..], &["--limit", "2"], &["--until", "data.ok"]] {
        let words: Vec<&str> =
            ["listen", "nothing", "--deadline", "1s"].iter().chain(words).copied().collect();
        let said = gateway.run(&words).await;
        assert_eq!(said.code, 1, "{words:?}: {said:?}");
        assert!(said.err.contains("the deadline of 1s passed before"), "{words:?}: {said:?}");
    }
    let said = gateway.run(&["listen", "jobs", "--since", "earliest", "--deadline", "1s", "-o", "raw"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "queued\ndone\nafter\n"), "{said:?}");
    let wrong = gateway.run(&["listen", "--until", "status=done"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("no member `status`") && wrong.err.contains("--until"), "{wrong:?}");
    gateway.stop().await;
}
