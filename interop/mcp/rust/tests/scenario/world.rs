//! The gateway, the client, and somebody who listens beside them: takes the steps of the scenario.

use std::pin::pin;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::client::{Answer, Client, Handler};
use crate::connect;
use crate::gateway::Gateway;
use crate::listener::Listener;
use crate::pattern::{Known, brief};
use crate::plan::{Run, Step, Transport};

pub struct World {
    client: Client,
    listener: Listener,
    known: Known,
    /// None where the client's own process hosts it.
    gateway: Option<Gateway>,
}

impl World {
    pub async fn begin(run: &Run) -> Result<Self> {
        let (handler, updates) = Handler::new();
        let (service, url, gateway) = match run.transport {
            Transport::Hosting => {
                let (service, url) = connect::hosting(run.era, handler).await?;
                (service, url, None)
            }
            Transport::Stdio => {
                let gateway = Gateway::start().await?;
                let service = connect::over_stdio(&gateway.url, run.era, handler).await?;
                (service, gateway.url.clone(), Some(gateway))
            }
            Transport::Http => {
                let gateway = Gateway::start().await?;
                let service = connect::over_http(&gateway.url, run.era, handler).await?;
                (service, gateway.url.clone(), Some(gateway))
            }
        };
        let listener = Listener::connect(url).await?;
        let known = Known { era: run.era.name(), saved: Map::new() };
        Ok(Self { client: Client::new(service, updates), listener, known, gateway })
    }

    pub async fn take(&mut self, step: &Step) -> Result<()> {
        if let Some(event) = &step.push {
            self.push(event).await?;
        }
        if let Some(uri) = &step.subscribe {
            self.watch(uri, step).await?;
        }
        if let Some(method) = &step.ask {
            self.ask(method, step).await?;
        }
        if let Some(pattern) = &step.server {
            self.known.expect(pattern, Some(&self.client.server()?), "the server")?;
        }
        let heard = Value::Array(self.listener.heard().await?);
        if let Some(pattern) = &step.heard {
            self.known.expect(pattern, Some(&heard), "what was heard")?;
        }
        Ok(())
    }

    /// What a step that failed has left in the air must not be taken for the next one's.
    pub async fn clear(&mut self) {
        self.listener.heard().await.ok();
    }

    pub async fn end(self) -> Result<()> {
        self.client.close().await?;
        match self.gateway {
            Some(gateway) => gateway.stop().await,
            None => Ok(()),
        }
    }

    async fn ask(&mut self, method: &str, step: &Step) -> Result<()> {
        let params = self.known.fill(step.params.as_ref().unwrap_or(&json!({})))?;
        let answer = match (&step.progress, &step.meanwhile) {
            (Some(pattern), None) => {
                let (answer, progress) = self.client.ask_with_progress(method, params).await?;
                ensure!(!progress.is_empty(), "no progress was told");
                for each in &progress {
                    self.known.expect(pattern, Some(each), "the progress")?;
                }
                answer
            }
            (None, Some(event)) => {
                let event = self.known.fill(event)?;
                let mut call = pin!(self.client.ask(method, params));
                // A call that waits has not been answered while a question of ours went to the gateway and back.
                tokio::select! {
                    biased;
                    answer = &mut call => bail!("it was answered before anything was pushed: {answer:?}"),
                    outcome = self.listener.round_trip() => outcome?,
                }
                let id = self.listener.push(&event).await?;
                self.known.saved.insert("pushed".to_owned(), id);
                call.await?
            }
            (None, None) => self.client.ask(method, params).await?,
            (Some(_), Some(_)) => bail!("it pushes while it listens for progress"),
        };
        self.judge(step, &answer)
    }

    fn judge(&mut self, step: &Step, answer: &Answer) -> Result<()> {
        if let Some(pattern) = &step.answer {
            match answer {
                Ok(result) => self.known.expect(pattern, Some(result), "")?,
                Err(refused) => bail!("refused: {} {}", refused.code.0, refused.message),
            }
        }
        if let Some(pattern) = &step.error {
            match answer {
                Ok(result) => bail!("it was answered, not refused: {}", brief(Some(result))),
                Err(refused) => {
                    self.known.expect(pattern, Some(&serde_json::to_value(refused)?), "the refusal")?
                }
            }
        }
        Ok(())
    }

    async fn watch(&mut self, uri: &Value, step: &Step) -> Result<()> {
        let uri = self.known.fill(uri)?;
        let mut subscribed =
            self.client.subscribe(uri.as_str().context("`subscribe` wants a string")?).await?;
        if let Some(event) = &step.meanwhile {
            let id = self.listener.push(&self.known.fill(event)?).await?;
            self.known.saved.insert("pushed".to_owned(), id);
        }
        for uri in &step.updated {
            let changed = subscribed.next().await?.into();
            self.known.expect(uri, Some(&changed), "the resource that changed")?;
        }
        subscribed.end().await
    }

    async fn push(&mut self, event: &Value) -> Result<()> {
        let id = self.listener.push(&self.known.fill(event)?).await?;
        self.known.saved.insert("pushed".to_owned(), id);
        Ok(())
    }
}
