//! The methods that a client can call, with their eras.

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
    /// Returns the server's identity and capabilities.
    Discover => "server/discover", MODERN;
    /// Starts a session.
    Initialize => "initialize", LEGACY;
    /// Subscribes to changes.
    Listen => "subscriptions/listen", MODERN;
    /// Checks that the other side responds.
    Ping => "ping", LEGACY;
    /// Returns a prompt.
    PromptsGet => "prompts/get", BOTH;
    /// Lists prompts.
    PromptsList => "prompts/list", BOTH;
    /// Lists resources.
    ResourcesList => "resources/list", BOTH;
    /// Reads a resource.
    ResourcesRead => "resources/read", BOTH;
    /// Subscribes to a resource's changes.
    ResourcesSubscribe => "resources/subscribe", LEGACY;
    /// Lists the templates of resources.
    ResourcesTemplates => "resources/templates/list", BOTH;
    /// Unsubscribes from a resource's changes.
    ResourcesUnsubscribe => "resources/unsubscribe", LEGACY;
    /// Sets the minimum level of log messages.
    SetLevel => "logging/setLevel", LEGACY;
    /// Calls a tool.
    ToolsCall => "tools/call", BOTH;
    /// Lists tools.
    ToolsList => "tools/list", BOTH;
}

impl Method {
    /// Returns the method called `name` in `era`.
    pub fn find(name: &str, era: Era) -> Result<Method, Error> {
        Method::from_name(name)
            .filter(|method| method.eras().contains(&era))
            .ok_or_else(|| Error::method_not_found(name))
    }
}
