//! Room in an outbox, what counts in the budget, and clients that return.

use futures_util::FutureExt;

use fanfare_core::{Caller, Principal};
use fanfare_runtime::budget::{Account, Budget, SMALL_LEN_MAX};

use super::{ANSWERS_BYTES_MAX, ClientGone, Outbox, WAITING_BYTES_MAX, WAITING_MAX};

fn account(budget: &Budget) -> Account {
    budget.account(&Caller::new(&Principal::local(), None))
}

fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    future.now_or_never()
}

#[test]
fn a_writer_waits_for_room_and_the_rest_can_be_taken_after_the_end() {
    let outbox = Outbox::new(account(&Budget::default()));
    for number in 0..WAITING_MAX {
        assert_eq!(now(outbox.send(number.to_string())), Some(Ok(())));
    }
    assert_eq!(now(outbox.send("one too many")), None);
    let attachment = outbox.attach();
    let first = now(outbox.next(attachment, 0)).flatten().expect("a message");
    assert_eq!((first.seq, &first.message[..]), (1, &b"0"[..]));
    assert_eq!(now(outbox.send("one too many")), None, "it was not written out yet");
    let second = now(outbox.next(attachment, 1)).flatten().expect("a message");
    assert_eq!(second.seq, 2);
    assert_eq!(outbox.finish("last", |_| Vec::new()), Ok(()));
    assert_eq!(now(outbox.send("after the end")), Some(Err(ClientGone)));
    assert!(outbox.is_ended() && !outbox.is_over(1), "what waits can still be taken");
    let mut seq = 1;
    while let Some(taken) = now(outbox.next(attachment, seq)).expect("no wait") {
        assert_eq!(taken.seq, seq + 1);
        assert_eq!(taken.is_last, &taken.message[..] == b"last");
        seq = taken.seq;
    }
    assert_eq!(seq as usize, WAITING_MAX + 1);
    assert!(outbox.is_over(seq));
}

#[test]
fn a_client_that_comes_back_gets_what_it_lacks() {
    let outbox = Outbox::resumable(account(&Budget::default()));
    for text in ["a", "b", "c"] {
        assert_eq!(now(outbox.send(text)), Some(Ok(())));
    }
    let lost = outbox.attach();
    assert_eq!(now(outbox.next(lost, 2)).flatten().map(|taken| taken.seq), Some(3));
    let back = outbox.attach();
    assert!(matches!(now(outbox.next(lost, 3)), Some(None)), "somebody else reads");
    assert_eq!(now(outbox.next(back, 1)).flatten().map(|taken| taken.seq), Some(2));
}

#[test]
fn answers_do_not_wait_and_no_call_starts_until_they_are_read() {
    let outbox = Outbox::new(account(&Budget::default()));
    let page = vec![b' '; WAITING_BYTES_MAX / 4];
    let mut refused = 0;
    for _ in 0..64 {
        let instead = |_: &fanfare_mcp::Error| {
            refused += 1;
            b"busy".to_vec()
        };
        assert_eq!(outbox.answer(page.clone(), instead), Ok(()));
    }
    assert_eq!((outbox.bytes() / page.len(), refused), (ANSWERS_BYTES_MAX / page.len(), 48));
    assert!(outbox.is_full() && now(outbox.room()).is_none());
    let attachment = outbox.attach();
    assert!(now(outbox.next(attachment, 64)).is_none(), "all of it was read");
    assert!(!outbox.is_full() && now(outbox.room()).is_some());
}

#[test]
fn messages_count_in_the_budget_for_as_long_as_they_are_kept() {
    let budget = Budget::new(16 * SMALL_LEN_MAX, 0);
    let outbox = Outbox::resumable(account(&budget));
    let answer = |len: usize| outbox.answer(vec![b' '; len], |_| b"busy".to_vec());
    // A caller has half, and what is large leaves a quarter of it.
    for len in [4 * SMALL_LEN_MAX, 4 * SMALL_LEN_MAX, SMALL_LEN_MAX + 1] {
        assert_eq!(answer(len), Ok(()));
    }
    assert_eq!(outbox.bytes(), 5 * SMALL_LEN_MAX + 5, "one was refused");
    assert!(account(&budget).hold().add(3 * SMALL_LEN_MAX).is_err());
    drop(outbox);
    assert!(account(&budget).hold().add(3 * SMALL_LEN_MAX).is_ok());
}

#[test]
fn a_message_waits_only_for_what_will_be_taken() {
    let budget = Budget::new(4 * SMALL_LEN_MAX, 0);
    let outbox = Outbox::resumable(account(&budget));
    assert_eq!(now(outbox.send("kept")), Some(Ok(())));
    let attachment = outbox.attach();
    assert!(now(outbox.next(attachment, 1)).is_none(), "it was sent, and is kept");
    let mut elsewhere = [account(&budget).hold(), account(&budget).hold()];
    elsewhere[0].add(SMALL_LEN_MAX).expect("room");
    elsewhere[1].add(SMALL_LEN_MAX - 4).expect("room");
    // The share is full, and nothing signals when there is room again.
    assert_eq!(now(outbox.send("one")), Some(Ok(())));
    assert_eq!(now(outbox.send("two")), None, "the one before it can be taken");
    assert!(now(outbox.next(attachment, 2)).is_none());
    assert_eq!(now(outbox.send("two")), Some(Ok(())));
}
