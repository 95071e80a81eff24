//! Tests of registered webhooks and their positions.

use std::time::Duration;

use fanfare_store::{Append, DeliveryChange, Error, Retention, WEBHOOKS_MAX, WebhookRow};

use crate::harness::{Setup, event, soon};
use crate::hooks::{cursor, failed, hook, id, waiting};

pub async fn a_webhook_comes_back_as_it_was_registered(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 5]).await;
    let first = WebhookRow { cursor: log.at(3), state: "{\"ok\":true}".into(), ..hook(&log, 1) };
    let second = WebhookRow { cursor: log.at(1_000), ..hook(&log, 0) };
    assert_eq!(log.store.ledger.insert_webhook(first.clone()).await.expect("registered"), first);
    let put = log.store.ledger.insert_webhook(second.clone()).await.expect("registered");
    assert_eq!(
        put,
        WebhookRow { cursor: log.at(5), ..second },
        "what is not there yet cannot have been delivered"
    );
    log.reopen().await;
    assert_eq!(
        log.store.ledger.webhooks().await.expect("webhooks"),
        [first, put],
        "in the order of registration"
    );
    let counts = log.store.ledger.delivery_counts().await.expect("counts");
    assert_eq!(
        counts.iter().map(|one| (&one.webhook, one.waiting, one.failed)).collect::<Vec<_>>(),
        [(&id(1), 0, 0), (&id(0), 0, 0)]
    );
}

pub async fn a_webhook_that_is_changed_stays_where_it_is(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 5]).await;
    let first = WebhookRow { cursor: log.at(2), ..hook(&log, 1) };
    let first = log.store.ledger.insert_webhook(first).await.expect("registered");
    log.store.ledger.insert_webhook(hook(&log, 2)).await.expect("registered");
    log.store.ledger.record(Vec::new(), vec![waiting(&log, 1, 4).await]).await.expect("recorded");
    log.clock.turn(Duration::from_secs(60));
    let changed = WebhookRow {
        url: "http://127.0.0.1/new".into(),
        settings: "{\"new\":1}".into(),
        state: "lost".into(),
        cursor: log.at(5),
        ..hook(&log, 1)
    };
    let put = log.store.ledger.update_webhook(changed.clone(), 1).await.expect("changed");
    let expected =
        WebhookRow { url: changed.url.clone(), settings: changed.settings.clone(), revision: 2, ..first };
    assert_eq!(put, expected);
    log.reopen().await;
    let rows = log.store.ledger.webhooks().await.expect("webhooks");
    assert_eq!((rows.len(), &rows[0]), (2, &put));
    assert_eq!(log.store.ledger.delivery_counts().await.expect("counts")[0].waiting, 1);
}

pub async fn of_two_changes_at_once_one_learns_of_the_other(engine: impl Setup) {
    const TASKS: usize = 8;
    let mut log = engine.start(Retention::default());
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (store, row) = (log.store.clone(), hook(&log, 1));
        tasks.spawn(async move {
            let row = WebhookRow { settings: format!("{{\"task\":{task}}}").into(), ..row };
            store.ledger.update_webhook(row, 1).await
        });
    }
    let outcomes = soon(tasks.join_all()).await;
    let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(lost, Error::WebhookChanged { revision: Some(2), .. }), "{lost}");
    }
    log.reopen().await;
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), [won[0].clone()]);
}

pub async fn nothing_that_was_removed_comes_back(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let row = log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    let again = log.store.ledger.insert_webhook(hook(&log, 1)).await;
    assert!(matches!(again, Err(Error::WebhookChanged { revision: Some(1), .. })), "{again:?}");
    assert!(log.store.ledger.remove_webhook(&row.id).await.expect("asked"));
    let late = log.store.ledger.update_webhook(row, 1).await;
    assert!(matches!(late, Err(Error::WebhookChanged { revision: None, .. })), "{late:?}");
    log.reopen().await;
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), []);
}

pub async fn a_change_of_who_is_registered_is_told(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let mut revision = log.store.ledger.revision();
    revision.borrow_and_update();
    let mut is_told = || {
        let told = revision.has_changed().expect("the store is open");
        revision.borrow_and_update();
        told
    };
    let row = log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    assert!(is_told(), "registered");
    log.store.ledger.update_webhook(row.clone(), 1).await.expect("changed");
    assert!(is_told(), "changed");
    log.store.ledger.update_webhook(row.clone(), 1).await.expect_err("another revision");
    log.store.ledger.record(Vec::new(), vec![cursor(&log, 1, 1)]).await.expect("recorded");
    assert!(!is_told(), "nothing of who is registered changed");
    log.store.ledger.remove_webhook(&row.id).await.expect("asked");
    assert!(is_told(), "removed");
    log.store.ledger.remove_webhook(&row.id).await.expect("asked");
    assert!(!is_told(), "it was gone before");
}

pub async fn two_webhooks_have_two_urls(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let (one, two) = (hook(&log, 1), hook(&log, 2));
    log.store.ledger.insert_webhook(one.clone()).await.expect("registered");
    log.store.ledger.insert_webhook(two.clone()).await.expect("registered");
    let taken = |refused| match refused {
        Err(Error::UrlTaken { webhook }) => assert_eq!(webhook, one.id),
        other => panic!("{other:?}"),
    };
    let three = WebhookRow { url: one.url.clone(), ..hook(&log, 3) };
    taken(log.store.ledger.insert_webhook(three.clone()).await);
    taken(log.store.ledger.update_webhook(WebhookRow { url: one.url.clone(), ..two.clone() }, 1).await);
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), [one.clone(), two.clone()]);

    // A webhook can keep its own URL, and one that was given up is free.
    log.store.ledger.update_webhook(one.clone(), 1).await.expect("the same");
    let moved = WebhookRow { url: "http://127.0.0.1/other".into(), ..one.clone() };
    log.store.ledger.update_webhook(moved.clone(), 2).await.expect("moved");
    log.store.ledger.insert_webhook(three).await.expect("it is free");
    assert!(log.store.ledger.remove_webhook(&two.id).await.expect("asked"));
    let to_two = WebhookRow { url: two.url.clone(), ..moved.clone() };
    log.store.ledger.update_webhook(to_two, 3).await.expect("it is free");
    log.reopen().await;
    let urls: Vec<_> =
        log.store.ledger.webhooks().await.expect("webhooks").into_iter().map(|row| row.url).collect();
    assert_eq!(urls, [two.url, one.url]);
}

pub async fn a_name_lets_webhooks_share_a_url(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let named = |number: usize, name: &str| WebhookRow {
        name: Some(name.parse().expect("a name")),
        url: "http://127.0.0.1/".into(),
        ..hook(&log, number)
    };
    let nameless = WebhookRow { name: None, ..named(0, "x") };
    let (ci, pager) = (named(1, "ci"), named(2, "pager"));
    for row in [&nameless, &ci, &pager] {
        log.store.ledger.insert_webhook(row.clone()).await.expect("registered");
    }
    let taken = |refused| match refused {
        Err(Error::NameTaken { webhook, name }) => {
            assert_eq!((webhook, name.as_str()), (ci.id.clone(), "ci"));
        }
        other => panic!("{other:?}"),
    };
    let elsewhere = WebhookRow { url: "http://127.0.0.1/2".into(), ..named(3, "ci") };
    taken(log.store.ledger.insert_webhook(elsewhere).await);
    taken(log.store.ledger.update_webhook(WebhookRow { name: ci.name.clone(), ..pager.clone() }, 1).await);
    let unnamed = log.store.ledger.update_webhook(WebhookRow { name: None, ..pager.clone() }, 1).await;
    assert!(matches!(unnamed, Err(Error::UrlTaken { webhook }) if webhook == nameless.id));

    // What is given up is free: a name, and the URL of the one without a name.
    let renamed = WebhookRow { name: Some("deploys".parse().expect("a name")), ..ci.clone() };
    log.store.ledger.update_webhook(renamed, 1).await.expect("renamed");
    log.store
        .ledger
        .update_webhook(WebhookRow { name: ci.name.clone(), ..nameless }, 1)
        .await
        .expect("named");
    log.store.ledger.update_webhook(WebhookRow { name: None, ..pager }, 1).await.expect("it is free");
    log.reopen().await;
    let rows = log.store.ledger.webhooks().await.expect("webhooks");
    let names: Vec<_> = rows.iter().map(|row| row.name.as_ref().map(|name| name.as_str())).collect();
    assert_eq!(names, [Some("ci"), Some("deploys"), None]);
}

pub async fn webhooks_are_bounded(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..WEBHOOKS_MAX {
        let (store, row) = (log.store.clone(), hook(&log, index));
        tasks.spawn(async move { store.ledger.insert_webhook(row).await });
    }
    assert!(soon(tasks.join_all()).await.iter().all(Result::is_ok));
    let refused = log.store.ledger.insert_webhook(hook(&log, WEBHOOKS_MAX)).await;
    assert!(matches!(refused, Err(Error::TooManyWebhooks { max: WEBHOOKS_MAX })), "{refused:?}");
    log.store.ledger.update_webhook(hook(&log, 7), 1).await.expect("it is known");
    assert!(log.store.ledger.remove_webhook(&id(7)).await.expect("asked"));
    log.store.ledger.insert_webhook(hook(&log, WEBHOOKS_MAX)).await.expect("there is room again");
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks").len(), WEBHOOKS_MAX);
}

pub async fn a_cursor_only_moves_on(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 9]).await;
    log.store
        .ledger
        .insert_webhook(WebhookRow { cursor: log.at(2), ..hook(&log, 1) })
        .await
        .expect("registered");
    log.store
        .ledger
        .insert_webhook(WebhookRow { cursor: log.at(2), ..hook(&log, 2) })
        .await
        .expect("registered");
    for (change, expected) in [
        (cursor(&log, 1, 5), 5),
        (cursor(&log, 1, 4), 5),
        (cursor(&log, 1, 1_000), 9),
        (cursor(&log, 1, u64::MAX), 9),
    ] {
        log.store.ledger.record(Vec::new(), vec![change.clone()]).await.expect("recorded");
        assert_eq!(
            log.store.ledger.webhooks().await.expect("webhooks")[0].cursor.seq,
            expected,
            "{change:?}"
        );
    }
    // One call can do both, in order.
    let state = DeliveryChange::State { webhook: id(1), state: "{\"n\":1}".into() };
    log.store
        .ledger
        .record(Vec::new(), vec![cursor(&log, 2, 4), state, cursor(&log, 2, 7)])
        .await
        .expect("recorded");
    log.reopen().await;
    let rows = log.store.ledger.webhooks().await.expect("webhooks");
    assert_eq!((rows[0].cursor.seq, &*rows[0].state, rows[1].cursor.seq), (9, "{\"n\":1}", 7));
}

pub async fn what_names_no_webhook_changes_nothing(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 9]).await;
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    log.store.ledger.insert_webhook(hook(&log, 2)).await.expect("registered");
    let before = log.store.ledger.webhooks().await.expect("webhooks")[1].clone();
    log.store
        .ledger
        .record(Vec::new(), vec![waiting(&log, 1, 4).await, failed(&log, 2, 5).await])
        .await
        .expect("recorded");
    assert!(log.store.ledger.remove_webhook(&id(1)).await.expect("asked"));
    assert!(!log.store.ledger.remove_webhook(&id(1)).await.expect("asked"));
    let changes = vec![
        cursor(&log, 1, 5),
        waiting(&log, 1, 6).await,
        failed(&log, 3, 6).await,
        crate::hooks::attempt(&log, 1, 6, false),
        DeliveryChange::Remove { webhook: id(1), position: log.at(4) },
        DeliveryChange::State { webhook: id(3), state: "x".into() },
        cursor(&log, 2, 7),
    ];
    log.store.ledger.record(Vec::new(), changes).await.expect("the rest is done");
    log.store.ledger.record(Vec::new(), Vec::new()).await.expect("nothing to do");
    log.reopen().await;
    let after = log.store.ledger.webhooks().await.expect("webhooks");
    assert_eq!(after, [WebhookRow { cursor: log.at(7), ..before }]);
    assert_eq!(log.store.ledger.delivery(&id(1), log.at(4)).await.expect("read"), None);
    assert_eq!(log.store.ledger.delivery_counts().await.expect("counts").len(), 1);

    // The same id, registered again, is another webhook.
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    assert_eq!(log.store.ledger.delivery(&id(1), log.at(4)).await.expect("read"), None);
    let counts = log.store.ledger.delivery_counts().await.expect("counts");
    assert_eq!((counts[1].waiting, counts[1].failed), (0, 0));
}

pub async fn records_and_appends_share_commits(engine: impl Setup) {
    const TASKS: usize = 8;
    const ROUNDS: usize = 25;
    let mut log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (store, row) = (log.store.clone(), hook(&log, task));
        tasks.spawn(async move {
            store.ledger.insert_webhook(row).await.expect("registered");
            for round in 0..ROUNDS {
                let appended = store.log.append(Append::new(vec![event("x")])).await.expect("appended");
                let position = appended[0].event.position;
                let moved = DeliveryChange::Cursor { webhook: id(task), position };
                let state = DeliveryChange::State { webhook: id(task), state: format!("{round}").into() };
                store.ledger.record(Vec::new(), vec![moved, state]).await.expect("recorded");
                let rows = store.ledger.webhooks().await.expect("webhooks");
                let row = rows.iter().find(|row| row.id == id(task)).expect("it is registered");
                assert_eq!(
                    (row.cursor, &*row.state),
                    (position, &*format!("{round}")),
                    "what was answered is seen"
                );
            }
        });
    }
    soon(tasks.join_all()).await;
    if log.setup.shares_commits() {
        let calls = (TASKS * (1 + 2 * ROUNDS)) as u64;
        assert!(
            log.store.engine.commits() < calls,
            "{} commits for {calls} calls",
            log.store.engine.commits()
        );
    }
    let before = log.store.ledger.webhooks().await.expect("webhooks");
    assert_eq!(before.iter().map(|row| row.cursor.seq).max(), Some((TASKS * ROUNDS) as u64));
    log.reopen().await;
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), before);
}

pub async fn a_closed_store_records_nothing(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let row = hook(&log, 1);
    log.store.ledger.insert_webhook(row.clone()).await.expect("registered");
    log.store.engine.close().await;
    assert!(matches!(log.store.ledger.insert_webhook(row).await, Err(Error::Closed)));
    assert!(matches!(
        log.store.ledger.record(Vec::new(), vec![cursor(&log, 1, 0)]).await,
        Err(Error::Closed)
    ));
    assert!(matches!(log.store.ledger.remove_webhook(&id(1)).await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.webhooks().await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.delivery_counts().await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.delivery(&id(1), log.at(1)).await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.attempt(1).await, Err(Error::Closed)));
}
