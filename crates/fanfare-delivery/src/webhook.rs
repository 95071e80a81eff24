//! A registered webhook: its definition, and the form in which the store keeps it.

use std::sync::Arc;

use fanfare_core::{Code, Invalid, Owner, Position, Timestamp, WebhookId, WebhookName};
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::Patch;
use fanfare_webhook::policy::Mode;
use fanfare_webhook::rotation::{Previous, Rotation};
use fanfare_webhook::secret::{Secret, SigningKey};
use fanfare_webhook::signature::SigningKeys;
use fanfare_webhook::url::WebhookUrl;
use serde::{Deserialize, Serialize};

use fanfare_store::webhooks::WebhookRow;

/// A registered webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The id.
    pub id: WebhookId,
    /// The owner.
    pub owner: Owner,
    /// The name that its owner gave it.
    pub name: Option<WebhookName>,
    /// The URL that is called.
    pub url: WebhookUrl,
    /// How far the caller was trusted who chose the URL; also if the gateway has become less strict since.
    pub mode: Mode,
    /// The settings.
    pub options: Options,
    /// The keys that sign its deliveries.
    pub keys: Keys,
    /// The time of the registration.
    pub created: Timestamp,
    /// The position after which the webhook was registered to start.
    pub begins_after: Position,
    /// The revision of the row that the webhook was read from; 0 before it is registered.
    pub revision: u64,
}

/// The keys that belong to a webhook, whether or not all of them are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The secrets for `v1` and for `X-Hub-Signature-256`.
    pub secrets: Rotation<Secret>,
    /// The key pairs for `v1a`.
    pub ed25519: Rotation<SigningKey>,
}

impl Keys {
    /// Creates random keys; uses `secret` if one is given.
    pub fn new(secret: Option<Secret>) -> Keys {
        Keys {
            secrets: Rotation::new(secret.unwrap_or_else(|| Secret::from_random(rand::random()))),
            ed25519: Rotation::new(SigningKey::from_seed(rand::random())),
        }
    }
}

impl Webhook {
    /// Returns what orders webhooks, oldest first.
    pub(super) fn age(&self) -> (Timestamp, WebhookId) {
        (self.created, self.id.clone())
    }

    /// Returns the keys that sign deliveries under these options.
    pub fn signing_keys(&self) -> SigningKeys {
        let signatures = self.options.signatures;
        SigningKeys {
            secrets: self.keys.secrets.clone(),
            ed25519: signatures.ed25519.then(|| self.keys.ed25519.clone()),
            hub: signatures.hub,
        }
    }

    /// Changes the settings. Fails if they contradict each other, or if the secret cannot sign with them.
    pub fn apply(&mut self, patch: Patch) -> Result<(), Invalid> {
        self.options.apply(patch)?;
        self.options.check_url(&self.url)?;
        self.options.check_secret(Some(self.keys.secrets.current())).map_err(|_| {
            Invalid::new(
                Code::InvalidWebhook,
                "the secret of this webhook can be used only with the signature `hub`",
                "keep `hub` in `signatures`, or rotate the secret first",
            )
            .at("/signatures")
        })
    }

    /// Returns the settings that the store keeps besides id, owner, name and URL. They contain secrets.
    pub fn settings(&self) -> Arc<str> {
        let stored = Stored {
            url: self.url.reveal().to_owned(),
            is_locked: self.mode == Mode::Locked,
            options: self.options.to_stored(),
            secrets: StoredKeys::of(&self.keys.secrets, |secret| secret.reveal()),
            ed25519: StoredKeys::of(&self.keys.ed25519, |key| key.reveal()),
            epoch: Some(self.begins_after.epoch.to_string()),
            begins_after: self.begins_after.seq,
        };
        // Every value in it is valid JSON.
        serde_json::to_string(&stored).unwrap_or_default().into()
    }

    /// Reads a webhook from its row. Fails if another program wrote the row.
    pub fn from_row(row: &WebhookRow) -> Result<Webhook, Damaged> {
        let damaged = |problem: String| Damaged { id: row.id.clone(), problem };
        let stored: Stored =
            serde_json::from_str(&row.settings).map_err(|error| damaged(error.to_string()))?;
        let invalid = |error: Invalid| damaged(error.to_string());
        let epoch = stored.epoch.map(|text| text.parse()).transpose().map_err(invalid)?;
        let epoch = epoch.unwrap_or(row.cursor.epoch);
        Ok(Webhook {
            id: row.id.clone(),
            owner: row.owner.clone(),
            name: row.name.clone(),
            url: stored.url.parse().map_err(invalid)?,
            mode: if stored.is_locked { Mode::Locked } else { Mode::Local },
            options: Options::from_stored(&stored.options).map_err(invalid)?,
            keys: Keys {
                // Whether it was allowed was decided when it was given.
                secrets: stored.secrets.read(Secret::any).map_err(invalid)?,
                ed25519: stored.ed25519.read(str::parse).map_err(invalid)?,
            },
            created: row.created,
            begins_after: Position { epoch, seq: stored.begins_after },
            revision: row.revision,
        })
    }
}

/// A row of a webhook that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the row of webhook {id} in the store cannot be read: {problem}")]
pub struct Damaged {
    /// The id of the webhook.
    pub id: WebhookId,
    /// The problem with the row.
    pub problem: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    /// Omitted by earlier versions, and if it is `false`: what they wrote is read and written as it is.
    #[serde(default, rename = "locked", skip_serializing_if = "std::ops::Not::not")]
    is_locked: bool,
    options: String,
    secrets: StoredKeys,
    ed25519: StoredKeys,
    /// The epoch of `begins_after`.
    epoch: Option<String>,
    #[serde(default)]
    begins_after: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredKeys {
    current: String,
    /// The earlier keys, each with the microseconds since 1970 until which it signs.
    previous: Vec<(String, i64)>,
}

impl StoredKeys {
    fn of<K>(keys: &Rotation<K>, reveal: impl Fn(&K) -> &str) -> StoredKeys {
        let previous = keys.previous().iter();
        StoredKeys {
            current: reveal(keys.current()).to_owned(),
            previous: previous
                .map(|previous| (reveal(&previous.key).to_owned(), previous.valid_until.as_micros()))
                .collect(),
        }
    }

    fn read<K>(&self, parse: impl Fn(&str) -> Result<K, Invalid>) -> Result<Rotation<K>, Invalid> {
        let read = |(key, until): &(String, i64)| {
            Ok(Previous { key: parse(key)?, valid_until: Timestamp::from_micros(*until) })
        };
        let previous = self.previous.iter().map(read).collect::<Result<_, Invalid>>()?;
        Ok(Rotation::from_parts(parse(&self.current)?, previous))
    }
}
