//! The log: appends go to the writer, reads to a connection of the pool.

use async_trait::async_trait;
use fanfare_core::Timestamp;
use tokio::sync::{broadcast, oneshot, watch};

use crate::group::Size;
use crate::writer::Request;
use crate::{Embedded, append, read};
use fanfare_store::{Append, AppendId, Appended, Batch, ChannelRow, Error, Head, Log, Page, Read};

#[async_trait]
impl Log for Embedded {
    fn head(&self) -> watch::Receiver<Head> {
        self.shared.watch_head()
    }

    fn committed(&self) -> broadcast::Receiver<Batch> {
        self.shared.subscribe()
    }

    async fn append(&self, append: Append) -> Result<Vec<Appended>, Error> {
        let size = append::size(&append.events);
        self.change(size, move |group| group.append(append)).await
    }

    async fn settle(&self, id: AppendId) -> Result<Option<Vec<Appended>>, Error> {
        // Behind the append in the queue of the writer, if it is there.
        self.change(Size::ROW, move |group| group.settle(id)).await
    }

    async fn read(&self, read: Read) -> Result<Page, Error> {
        self.with_reader(move |shared, conn| read::page(shared, conn, &read)).await
    }

    async fn seq_before(&self, moment: Timestamp) -> Result<u64, Error> {
        self.with_reader(move |shared, conn| read::seq_before(shared, conn, moment)).await
    }

    async fn channels(&self) -> Result<Vec<ChannelRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.channels().sorted())
    }

    async fn sweep(&self) -> Result<bool, Error> {
        let (answer, answered) = oneshot::channel();
        self.request(Request::Sweep(answer), answered).await
    }
}
