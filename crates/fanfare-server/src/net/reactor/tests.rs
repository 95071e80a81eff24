//! Whether an inbox loses nothing.

use super::{Command, Inbox};

#[test]
fn a_closed_inbox_gives_back_what_it_is_sent() {
    let poll = mio::Poll::new().expect("a poll");
    let inbox = Inbox::new(poll.registry()).expect("an inbox");
    assert!(inbox.send(Command::HangUp).is_ok() && inbox.send(Command::Appended(1)).is_ok());
    assert!(matches!(inbox.take()[..], [Command::HangUp, Command::Appended(1)]));
    assert!(inbox.send(Command::HangUp).is_ok());
    inbox.close();
    assert!(matches!(inbox.send(Command::Stop), Err(Command::Stop)));
    assert!(inbox.take().is_empty());
}
