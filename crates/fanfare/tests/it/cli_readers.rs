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
