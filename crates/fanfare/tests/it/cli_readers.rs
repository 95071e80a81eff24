//! `fanfare readers`, and what `fanfare listen --reader` does to a reader.

use crate::cli::Gateway;

#[tokio::test]
async fn listening_to_other_patterns_sets_the_reader_and_listening_to_none_keeps_its_own() {
    let gateway = Gateway::start().await;
    let set = gateway.run(&["readers", "set", "laptop", "a", "-o", "json"]).await;
    assert_eq!(set.code, 0, "{set:?}");
    gateway.push(&["-c", "a", "of a"]).await;
    gateway.push(&["-c", "b", "of b"]).await;
    let own = gateway.run(&["listen", "--reader", "laptop", "--once", "-o", "raw"]).await;
    assert_eq!((own.out.as_str(), own.err.as_str()), ("of a\n", ""), "{own:?}");
    let other = gateway.run(&["listen", "b", "--reader", "laptop", "--once", "-o", "raw"]).await;
    assert_eq!((other.code, other.out.as_str(), other.err.as_str()), (0, "of b\n", ""), "{other:?}");
    let listed = gateway.run(&["readers", "ls", "-o", "json"]).await;
    assert!(listed.out.contains(r#""channels":["b"]"#), "{listed:?}");
    let set = ["readers", "set", "laptop", "a.*", "b", "-t", "error,warning", "--text", "disk"];
    let set = gateway.run(&set).await;
    assert!(set.out.ends_with("a.*, b · of type error or warning · containing \"disk\"\n"), "{set:?}");
    let gone = gateway.run(&["readers", "rm", "laptop", "-o", "raw"]).await;
    assert_eq!(gone.out, "laptop\n", "{gone:?}");
    assert_eq!(gateway.run(&["readers", "rm", "laptop"]).await.code, 5);
    gateway.stop().await;
}

#[tokio::test]
async fn a_reader_is_shown_and_moved_forward_and_back_with_its_filter() {
    let gateway = Gateway::start().await;
    gateway.push(&["-c", "a", "one"]).await;
    let second = gateway.push(&["-c", "a", "two"]).await;
    let third = gateway.push(&["-c", "b", "three"]).await;
    gateway.json(&["readers", "set", "laptop", "a", "-t", "info"]).await;
    let shown = gateway.run(&["readers", "show", "laptop"]).await;
    assert!(shown.out.contains("a · of type info") && shown.out.contains("nothing to read"), "{shown:?}");
    let unknown = gateway.run(&["readers", "show", "laptpo"]).await;
    assert_eq!(unknown.code, 5, "{unknown:?}");
    assert!(unknown.err.contains("did you mean `laptop`?"), "{unknown:?}");
    for (place, lag) in [("earliest", 2), ("latest", 0), ("1h", 2), (&*second, 0)] {
        let moved = gateway.run(&["readers", "reset", "laptop", "--to", place]).await;
        assert_eq!(moved.code, 0, "{place}: {moved:?}");
        let reader = gateway.json(&["readers", "show", "laptop"]).await;
        assert_eq!(
            (&reader["lag"], &reader["channels"]),
            (&lag.into(), &serde_json::json!(["a"])),
            "{place}"
        );
        assert_eq!(reader["types"], serde_json::json!(["info"]), "{place}");
    }
    assert_eq!(gateway.json(&["readers", "show", "laptop"]).await["position"], second);
    let wrong = gateway.run(&["readers", "reset", "laptop", "--to", "soon"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("`earliest`, `latest`"), "{wrong:?}");
    let ahead = third.replace("-3", "-9");
    assert_eq!(gateway.run(&["readers", "reset", "laptop", "--to", &ahead]).await.code, 5);
    assert_eq!(gateway.run(&["readers", "reset", "nobody", "--to", "latest"]).await.code, 5);
    gateway.stop().await;
}
