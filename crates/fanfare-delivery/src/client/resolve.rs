//! Asking for the addresses of a name. Who asks while somebody asks for the same name waits for that answer, so that a
//! name whose servers do not answer costs one place among the look-ups, however many attempts want it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::{fmt, io};

use fanfare_webhook::outcome::Failure;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Most names that are looked up at once: the resolver of the system blocks a thread each, and others need threads too.
const LOOKUPS_MAX: usize = 32;
/// Most addresses of a name that are looked at: a name with more is no receiver's.
const ADDRESSES_MAX: usize = 1_024;

/// Gives the addresses of a name.
pub type Resolve = dyn Fn(&str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// Who is asked.
#[derive(Clone, Default)]
pub enum Resolver {
    /// This machine: its file of hosts, its name servers.
    #[default]
    System,
    /// Somebody who is given: a test says what names mean, and changes its mind.
    Given(Arc<Resolve>),
}

/// Asks, for all webhooks.
#[derive(Debug)]
pub(super) struct Lookups {
    resolver: Resolver,
    places: Semaphore,
    /// Guards the names that are asked for at the moment; held for a look.
    under_way: Mutex<HashMap<Box<str>, Weak<Question>>>,
}

/// A name that is asked for, and the answer once it is there: whoever holds the lock asks.
type Question = tokio::sync::Mutex<Option<Result<Arc<[IpAddr]>, Failure>>>;

impl Lookups {
    pub(super) fn new(resolver: Resolver) -> Lookups {
        Lookups { resolver, places: Semaphore::new(LOOKUPS_MAX), under_way: Mutex::default() }
    }

    /// Gives the addresses of a name: at least one.
    pub(super) async fn addresses(&self, name: &str) -> Result<Arc<[IpAddr]>, Failure> {
        let question = self.question(name);
        let mut answer = question.lock().await;
        if let Some(answer) = &*answer {
            return answer.clone();
        }
        let _place = self.places.acquire().await;
        let found = self.ask(name).await;
        // Who comes later asks anew: a name may mean something else by then.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        *answer = Some(found.clone());
        found
    }

    /// Joins those who ask for a name; nobody did when it is new.
    fn question(&self, name: &str) -> Arc<Question> {
        // A change is one insertion or removal.
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = under_way.get(name).and_then(Weak::upgrade) {
            return question;
        }
        // Those that nobody waits for any more ended without an answer.
        under_way.retain(|_, question| question.strong_count() > 0);
        let question = Arc::default();
        under_way.insert(name.into(), Arc::downgrade(&question));
        question
    }

    async fn ask(&self, name: &str) -> Result<Arc<[IpAddr]>, Failure> {
        let found: io::Result<Vec<IpAddr>> = match &self.resolver {
            // The port says nothing to a resolver; the call wants one.
            Resolver::System => tokio::net::lookup_host((name, 0))
                .await
                .map(|found| found.map(|address| address.ip()).take(ADDRESSES_MAX).collect()),
            Resolver::Given(resolve) => resolve(name).await,
        };
        match found {
            Ok(found) if !found.is_empty() => Ok(found.into()),
            Ok(_) => Err(Failure::Dns),
            Err(error) => {
                tracing::debug!(%error, "a webhook's name could not be resolved");
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
