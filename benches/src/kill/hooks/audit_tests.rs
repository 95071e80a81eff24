//! The auditor finds each kind of violation.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{
    super::victim::Kill,
    audit::{Evidence, Findings, audit},
    cast::{CAST, Hook},
    receivers::{Record, Said, hash_of},
};
use crate::histogram::Histogram;

const LOG: [(&str, &str); 3] = [("kill.0", "a"), ("kill.1", "b"), ("kill.0", "c")];

/// A request that came and was answered at these milliseconds after the start.
fn record(began: Instant, ms: u64, seq: u64, said: Said) -> Record {
    let at = began + Duration::from_millis(ms);
    let message = LOG.get(seq as usize - 1).map_or("?", |(_, message)| message);
    Record {
        hook: 0,
        id: format!("abc-{seq}").into(),
        events: [(seq, hash_of(message.as_bytes()))].into(),
        body: seq,
        at,
        done: at,
        said,
    }
}

fn check(hook: &Hook, began: Instant, records: &[Record], dead: &[u64]) -> Option<Findings> {
    let ms = Duration::from_millis;
    let kills = [Kill { begin: began + ms(1_000), end: began + ms(1_100) }];
    let evidence = Evidence {
        log: &LOG,
        records: &records.iter().collect::<Vec<_>>(),
        dead: &dead.iter().copied().collect::<HashSet<_>>(),
        kills: &kills,
        window: ms(200),
    };
    audit(hook, &evidence, &mut Histogram::new()).ok()
}

const ALL: &Hook = &CAST[0];

#[test]
fn what_is_promised_is_fine() {
    let began = Instant::now();
    let record = |ms, seq, said| record(began, ms, seq, said);
    let each = [record(1, 1, Said::Taken), record(2, 2, Said::Taken), record(3, 3, Said::Taken)];
    assert_eq!(check(ALL, began, &each, &[]).map(|found| (found.delivered, found.duplicates)), Some((3, 0)));
    // The event was given up.
    assert!(check(ALL, began, &each[1..], &[1]).is_some());
    // Failed, and tried again in time.
    let retried = [&[record(0, 1, Said::Failed), record(60, 1, Said::Taken)][..], &each[1..]].concat();
    assert!(check(ALL, began, &retried, &[]).is_some());
    // Answered just before the kill, and sent again after it; failed there, and sent again at once.
    for said in [Said::Taken, Said::Failed] {
        let near = [&[record(900, 1, said), record(1_150, 1, Said::Taken)][..], &each[1..]].concat();
        let found = check(ALL, began, &near, &[]).expect("explained");
        assert_eq!(found.duplicates, u64::from(said == Said::Taken));
    }
}

#[test]
fn what_was_lost_or_invented_is_found() {
    let began = Instant::now();
    let each: Vec<_> = (1..=3).map(|seq| record(began, seq, seq, Said::Taken)).collect();
    assert!(check(ALL, began, &each[1..], &[]).is_none());
    let failed = [vec![record(began, 1, 1, Said::Failed)], each[1..].to_vec()].concat();
    assert!(check(ALL, began, &failed, &[]).is_none());
    let invented = [each.clone(), vec![record(began, 9, 4, Said::Taken)]].concat();
    assert!(check(ALL, began, &invented, &[]).is_none());
    let mut other_message = each.clone();
    other_message[0].events = [(1, 7)].into();
    assert!(check(ALL, began, &other_message, &[]).is_none());
    // Channel `kill.1` has only the second event.
    let one_channel = CAST.iter().find(|hook| hook.channel == Some("kill.1")).expect("in the cast");
    assert!(check(one_channel, began, &each[1..2], &[]).is_some());
    assert!(check(one_channel, began, &each[..2], &[]).is_none());
}

#[test]
fn what_came_again_without_a_reason_is_found() {
    let began = Instant::now();
    let others = [record(began, 2, 2, Said::Taken), record(began, 3, 3, Said::Taken)];
    let pair = |first: (u64, Said), second: u64| {
        let pair = [record(began, first.0, 1, first.1), record(began, second, 1, Said::Taken)];
        check(ALL, began, &[&pair[..], &others[..]].concat(), &[]).is_some()
    };
    // Long before the kill, or long after it; before the kill itself; too soon after a failure.
    assert!(!pair((700, Said::Taken), 1_150));
    assert!(!pair((1_300, Said::Taken), 1_400));
    assert!(!pair((900, Said::Taken), 950));
    assert!(!pair((100, Said::Failed), 120));
    assert!(pair((1_020, Said::Taken), 1_150));
    // With other bytes, or with another id.
    for change in [|record: &mut Record| record.body = 99, |record: &mut Record| record.id = "abc-1_3".into()]
    {
        let mut pair = [record(began, 900, 1, Said::Taken), record(began, 1_150, 1, Said::Taken)];
        change(&mut pair[1]);
        assert!(check(ALL, began, &[&pair[..], &others[..]].concat(), &[]).is_none());
    }
}

#[test]
fn what_is_out_of_order_or_refused_for_nothing_is_found() {
    let began = Instant::now();
    let ordered = Hook { ordered: true, ..*ALL };
    let order = |seqs: [u64; 3]| {
        let records: Vec<_> = (0..).zip(seqs).map(|(ms, seq)| record(began, ms, seq, Said::Taken)).collect();
        check(&ordered, began, &records, &[]).is_some()
    };
    assert!(order([1, 2, 3]) && !order([1, 3, 2]));
    let refusing = Hook { temper: super::cast::Temper::Refusing(3), ..*ALL };
    let records: Vec<_> = (1..=3)
        .map(|seq| record(began, seq, seq, if seq == 3 { Said::Refused } else { Said::Taken }))
        .collect();
    assert!(check(&refusing, began, &records, &[3]).is_some());
    assert!(check(&refusing, began, &records, &[]).is_none());
}
