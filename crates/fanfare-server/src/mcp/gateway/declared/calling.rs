//! A call of a declared tool: a push, and a reply to it.

use fanfare_core::json::Json;
use fanfare_core::notice::{ClosingReason, Notice};
use fanfare_core::{Channel, Door, Event, Filter, NewEvent, Pattern, Position, Priority, Start, Via};
use fanfare_mcp::{Outcome, fit};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::mcp::call::Call;
use crate::mcp::gateway::Gateway;
use crate::mcp::gateway::answer::{explained, noted, said};
use crate::mcp::gateway::declared::declaration::{DeclaredTool, Wait};
use crate::mcp::gateway::events::{EventView, Format};
use crate::mcp::gateway::untrusted::{MARK, fenced};
use crate::mcp::gateway::wait_for::patience::Patience;
use fanfare_hub::item::Item;
use fanfare_hub::subscribe::Request;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

#[derive(Serialize)]
struct StructuredContent<'a> {
    id: Position,
    channel: &'a Channel,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<EventView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Position>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    untrusted: bool,
}

impl Gateway {
    /// Calls a declared tool; the error is for the model.
    pub(in crate::mcp::gateway) async fn call_declared(
        &self,
        call: &Call,
        tool: &DeclaredTool,
        given: &str,
    ) -> Result<Outcome, String> {
        let arguments: Value =
            serde_json::from_str(given).map_err(|_| "`arguments` is not valid JSON".to_owned())?;
        fit::check(&tool.tool.input_schema, &arguments)
            .map_err(|misfit| format!("{misfit}. Nothing was pushed"))?;
        let empty = Map::new();
        let values = arguments.as_object().unwrap_or(&empty);
        let event = self.event_of(call, tool, values, given)?;
        let channel = event.channel.clone();
        // Subscribe first: the reply can come before the push returns.
        let waiting = match &tool.wait {
            None => None,
            Some(wait) => Some((wait, self.listen_for_reply(call, wait, values).await?)),
        };
        let published = self.append(call, event).await?;
        let id = published.appended[0].event.position;
        let pushed = format!("Stored as {id} on `{channel}`.");
        let mut answer = StructuredContent {
            id,
            channel: &channel,
            status: "pushed",
            reply: None,
            next_cursor: None,
            untrusted: false,
        };
        let Some((wait, (place, mut subscription))) = waiting else {
            let note = format!("{pushed} Call `delivery_status` with this id to see who has it.");
            return Ok(said(note, &answer));
        };
        let patience = Patience::new(call, wait.timeout, format!("waiting for a reply on `{place}`"));
        let came = patience.until(reply(&mut subscription, id)).await;
        let missing = match came.transpose().map_err(explained)? {
            Some(Reply::Came(reply)) => {
                let view = EventView::new(&reply, Format::Detailed);
                let note = format!("{pushed} The reply came on `{place}`.");
                let text = format!("{note}\n\n{}", fenced(&view.to_text()));
                (answer.status, answer.untrusted, answer.reply) = ("replied", true, Some(view));
                return Ok(noted(&format!("{note} {MARK}"), text, &answer));
            }
            Some(Reply::Closing(ClosingReason::Disconnected)) => {
                "An operator of the gateway ended this wait".to_owned()
            }
            Some(Reply::Closing(ClosingReason::Shutdown)) => "The gateway is stopping".to_owned(),
            None => format!("No reply on `{place}` {}", patience.lasted()),
        };
        (answer.status, answer.next_cursor) = ("timed_out", Some(id));
        let later = format!(
            "to keep waiting, call `wait_for` with {{\"channels\": [\"{place}\"], \"cursor\": \"{id}\"}}."
        );
        Ok(said(format!("{pushed} {missing}; {later}"), &answer))
    }

    fn event_of(
        &self,
        call: &Call,
        tool: &DeclaredTool,
        values: &Map<String, Value>,
        given: &str,
    ) -> Result<NewEvent, String> {
        let client = &call.caller.client;
        let via = Via { door: Door::Mcp, address: client.address, agent: client.agent.clone() };
        let refused = |invalid: fanfare_core::Invalid| {
            self.hub.count_refused_push(invalid.code);
            format!("{}; {}. Nothing was pushed", invalid.what, invalid.fix)
        };
        let event =
            NewEvent::new(tool.message.render(values), via.source(&client.principal)).map_err(refused)?;
        Ok(NewEvent {
            channel: Channel::of_push(&tool.channel.render(values)).map_err(refused)?,
            event_type: tool.event_type.clone(),
            priority: tool.priority,
            // The receiver need not find the arguments in the message.
            data: Some(Json::parse(given.to_owned()).map_err(refused)?),
            ..event
        })
    }

    async fn listen_for_reply(
        &self,
        call: &Call,
        wait: &Wait,
        values: &Map<String, Value>,
    ) -> Result<(Channel, Subscription), String> {
        let explain =
            |invalid: fanfare_core::Invalid| format!("{}; {}. Nothing was pushed", invalid.what, invalid.fix);
        let place = Channel::of_push(&wait.channel.render(values)).map_err(explain)?;
        let filter =
            Filter::new(vec![Pattern::from(&place)], Vec::new(), Priority::Min, None).map_err(explain)?;
        let client = &call.caller.client;
        let subscriber = call.caller.subscriber();
        let request = Request {
            filter: Some(filter),
            start: Start::Live,
            conflate: false,
            shed: false,
            client: subscriber,
        };
        let subscription = self.hub.subscribe(&client.principal, request).await.map_err(explained)?;
        Ok((place, subscription))
    }
}

/// The outcome of a wait for a reply.
enum Reply {
    /// The reply.
    Came(std::sync::Arc<Event>),
    /// No reply comes, for this reason.
    Closing(ClosingReason),
}

/// Waits for the reply to `id`: the next event that does not name another one in `reply_to`.
async fn reply(subscription: &mut Subscription, id: Position) -> Result<Reply, values::Error> {
    let mut items = Vec::new();
    while subscription.ready(&mut items).await? {
        for item in &items {
            if let Item::Notice(Notice::Closing { reason, .. }) = item {
                return Ok(Reply::Closing(*reason));
            }
            for (index, event) in item.events().iter().enumerate() {
                if event.position.seq > id.seq && answers(event, id) {
                    subscription.advance(item, index + 1);
                    return Ok(Reply::Came(event.clone()));
                }
            }
            subscription.advance(item, item.len());
        }
    }
    Ok(Reply::Closing(ClosingReason::Shutdown))
}

/// Returns whether an event can be the reply to `id`. The member `reply_to` in its data names the event that it answers.
/// An event without that member answers any.
fn answers(event: &Event, id: Position) -> bool {
    #[derive(serde::Deserialize)]
    struct Data {
        reply_to: Option<String>,
    }
    let data = event.data.as_ref().and_then(|data| serde_json::from_str::<Data>(data.as_str()).ok());
    data.and_then(|data| data.reply_to).is_none_or(|answered| answered == id.to_string())
}
