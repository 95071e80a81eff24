//! Looking up the addresses of a name. Attempts that need the same name share one look-up, so that a name whose servers
//! do not respond takes one place among the look-ups, however many attempts need it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::{fmt, io};

use fanfare_webhook::outcome::Failure;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Maximum concurrent look-ups: the system's resolver blocks a thread for each, and other work needs threads too.
const LOOKUPS_MAX: usize = 32;
/// Maximum addresses of a name that are looked at: no receiver's name has more.
const ADDRESSES_MAX: usize = 1_024;

/// A function that returns the addresses of a name.
pub type Resolve = dyn Fn(&str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// The source of addresses.
#[derive(Clone, Default)]
pub enum Resolver {
    /// This machine: its hosts file and its name servers.
    #[default]
    System,
    /// A given function: a test decides the addresses of names, and can change them.
    Given(Arc<Resolve>),
}

/// The look-ups for all webhooks.
#[derive(Debug)]
pub(super) struct Lookups {
    resolver: Resolver,
    places: Semaphore,
    /// Guards the names that are being looked up; held for a look.
    under_way: Mutex<HashMap<Box<str>, Weak<Question>>>,
}

/// A name that is being looked up, and the answer once it is there: the task that holds the lock does the look-up.
type Question = tokio::sync::Mutex<Option<Result<Arc<[IpAddr]>, Failure>>>;

impl Lookups {
    pub(super) fn new(resolver: Resolver) -> Lookups {
        Lookups { resolver, places: Semaphore::new(LOOKUPS_MAX), under_way: Mutex::default() }
    }

    /// Returns the addresses of a name: at least one.
    pub(super) async fn addresses(&self, name: &str) -> Result<Arc<[IpAddr]>, Failure> {
        let question = self.question(name);
        let mut answer = question.lock().await;
        if let Some(answer) = &*answer {
            return answer.clone();
        }
        let _place = self.places.acquire().await;
        let found = self.ask(name).await;
        // Later attempts ask again: the name may resolve differently by then.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        *answer = Some(found.clone());
        found
    }

    /// Returns the look-up of a name that is under way, or starts a new one.
    fn question(&self, name: &str) -> Arc<Question> {
        // A change is one insertion or removal.
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = under_way.get(name).and_then(Weak::upgrade) {
            return question;
        }
        // Look-ups that nobody waits for any more ended without an answer.
        under_way.retain(|_, question| question.strong_count() > 0);
        let question = Arc::default();
        under_way.insert(name.into(), Arc::downgrade(&question));
        question
    }

    async fn ask(&self, name: &str) -> Result<Arc<[IpAddr]>, Failure> {
        let found: io::Result<Vec<IpAddr>> = match &self.resolver {
            // The call needs a port, which has no effect on the answer.
            Resolver::System => tokio::net::lookup_host((name, 0))
                .await
                .map(|found| found.map(|address| address.ip()).take(ADDRESSES_MAX).collect()),
            Resolver::Given(resolve) => resolve(name).await,
        };
        match found {
            Ok(found) if !found.is_empty() => Ok(found.into()),
            Ok(_) => Err(Failure::Dns),
            Err(error) => {
                tracing::debug!(%error, "could not resolve a webhook's host name");
                Err(Failure::Dns)
            }
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resolver::System => "System",
            Resolver::Given(_) => "Given",
        })
    }
}
