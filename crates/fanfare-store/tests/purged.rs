//! Purged channels, in memory.

use fanfare_core::NewEvent;
use fanfare_store::memory::Memory;
use fanfare_store::{Append, Error, Log, NEW_CHANNELS_MAX, PURGED_CHANNELS_MAX, Purge, Retention, Scope};
use fanfare_store_suite::harness::event;

#[tokio::test]
async fn the_names_of_purged_channels_are_bounded() {
    let memory = Memory::new(Retention::default());
    let on = |name: &str| NewEvent { channel: name.parse().expect("a channel"), ..event("x") };
    memory.append(Append::new(vec![on("old")])).await.expect("appended");
    let names: Vec<_> = (0..=PURGED_CHANNELS_MAX).map(|index| format!("purged.{index}")).collect();
    for names in names.chunks(NEW_CHANNELS_MAX) {
        let events = names.iter().map(|name| on(name)).collect();
        memory.append(Append::new(events)).await.expect("there is room");
        for name in names {
            let scope = Scope::new(Purge::Channel(name.parse().expect("a channel")), &*memory);
            memory.purge(&scope).await.expect("purged").expect("it is there");
        }
    }
    let refused = memory.append(Append::new(vec![on("new")])).await;
    assert!(matches!(refused, Err(Error::TooManyPurgedChannels { .. })), "{refused:?}");
    memory.append(Append::new(vec![on("old")])).await.expect("appended");
}
