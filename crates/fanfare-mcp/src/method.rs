//! The methods that a client may call, and in which era.

use crate::error::Error;
use crate::version::Era;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $eras:expr;)+) => {
        /// A method that clients call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method { $($(#[$doc])* $variant,)+ }

        impl Method {
            /// Every method.
            pub const ALL: &[Method] = &[$(Method::$variant,)+];

            /// Returns the name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Method::$variant => $name,)+ }
            }

            fn eras(self) -> &'static [Era] {
                match self { $(Method::$variant => $eras,)+ }
            }

            fn from_name(name: &str) -> Option<Method> {
                match name {
                    $($name => Some(Method::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

const BOTH: &[Era] = &[Era::Legacy, Era::Modern];
const LEGACY: &[Era] = &[Era::Legacy];
const MODERN: &[Era] = &[Era::Modern];

methods! {
    /// Suggests values for an argument.
    Complete => "completion/complete", BOTH;
    /// Says what the server is and can do.
    Discover => "server/discover", MODERN;
    /// Begins a session.
    Initialize => "initialize", LEGACY;
    /// Asks for what changes.
    Listen => "subscriptions/listen", MODERN;
    /// Asks whether anybody is there.
    Ping => "ping", LEGACY;
    /// Returns a prompt.
    PromptsGet => "prompts/get", BOTH;
    /// Lists prompts.
    PromptsList => "prompts/list", BOTH;
    /// Lists resources.
    ResourcesList => "resources/list", BOTH;
    /// Reads a resource.
    ResourcesRead => "resources/read", BOTH;
    /// Asks to be told of a resource's changes.
    ResourcesSubscribe => "resources/subscribe", LEGACY;
    /// Lists templates of resources.
    ResourcesTemplates => "resources/templates/list", BOTH;
    /// Asks no longer to be told.
    ResourcesUnsubscribe => "resources/unsubscribe", LEGACY;
    /// Says which log messages to send.
    SetLevel => "logging/setLevel", LEGACY;
    /// Calls a tool.
    ToolsCall => "tools/call", BOTH;
    /// Lists tools.
    ToolsList => "tools/list", BOTH;
}

impl Method {
    /// Finds the method that `name` means in `era`.
    pub fn find(name: &str, era: Era) -> Result<Method, Error> {
        Method::from_name(name)
            .filter(|method| method.eras().contains(&era))
            .ok_or_else(|| Error::method_not_found(name))
    }
}
