//! `shed=low`: a stream that lags skips the least important events, and says so.

use serde_json::{Value, json};

use crate::cli;
use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::socket::Socket;

fn event(message: &str, priority: &str) -> Value {
    json!({ "channel": "a", "message": message, "priority": priority })
}

#[tokio::test]
async fn a_stream_that_lags_skips_what_matters_least_and_says_how_much() {
    for transport in Transport::ALL {
        let gateway = Gateway::start().await;
        let of = [("1", "low"), ("2", "default"), ("3", "min"), ("4", "max"), ("5", "low")];
        gateway.push_batch(of.map(|(message, priority)| event(message, priority)).to_vec()).await;
        let listen = || Listen { shed: true, ..Listen::earliest("a") };
        let mut reader = gateway.open(transport, listen()).await;
        // Before the first event that is left, for all of them.
        let Frame::Gap(gap) = reader.next().await else { panic!("{transport:?}: nothing was said") };
        let (after, next) = (gateway.position(0), gateway.position(2));
        assert_eq!((&gap["after"], &gap["next"]), (&json!(after), &json!(next)), "{gap}");
        assert_eq!((&gap["missed"], &gap["reason"]), (&json!(3), &json!("shed")));
        assert_eq!(reader.messages(2).await, ["2", "4"]);
        assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{transport:?}");
        // It does not lag any more: it gets everything.
        gateway.push_event(event("6", "min")).await;
        assert_eq!(reader.message().await, "6");

        // One that returns is told of what is new; one that does not shed gets all. Nobody else keeps it in memory.
        drop(reader);
        gateway.clients(0).await;
        let again = Listen { after: Some(gateway.position(5)), shed: true, ..Listen::to("a") };
        let mut again = gateway.open(transport, again).await;
        let Frame::Gap(gap) = again.next().await else { panic!("{transport:?}: nothing was said") };
        assert_eq!((&gap["missed"], &gap["next"]), (&json!(1), &json!(gateway.position(7))));
        assert!(matches!(again.next().await, Frame::CaughtUp(_)), "{transport:?}");
        let mut all = gateway.open(transport, Listen::earliest("a")).await;
        assert_eq!(all.messages(6).await, ["1", "2", "3", "4", "5", "6"]);
        assert_eq!(gateway.metric("fanfare_shed_events_total").await, Some(4.0));
        assert_eq!(gateway.metric("fanfare_gaps_total").await, Some(0.0), "retention is not too short");
    }
}

#[tokio::test]
async fn only_low_can_be_shed_and_the_command_line_says_what_was() {
    let gateway = Gateway::start().await;
    gateway.get("/stream?shed=high").await.problem(400, "invalid_query");
    let mut socket = Socket::open(gateway.address).await;
    let refused = socket.ask(json!({ "op": "subscribe", "shed": "max" })).await;
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["at"]),
        (&json!("invalid_query"), &json!("/shed"))
    );

    let shell = cli::Gateway::start().await;
    shell.push(&["-c", "a", "--priority", "low", "skipped"]).await;
    shell.push(&["-c", "a", "kept"]).await;
    let said =
        shell.run(&["listen", "a", "--since", "earliest", "--shed", "low", "--once", "-o", "raw"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "kept\n"), "{said:?}");
    assert!(said.err.contains("skipped 1 event of low priority between"), "{said:?}");
    shell.stop().await;
}
