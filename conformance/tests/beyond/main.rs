//! What the specification demands and the suite does not look at: through real sockets, against the program that the
//! suite runs against.

mod arguments_in_headers;
mod asking_back;
mod changes;
mod server;
mod telling;
