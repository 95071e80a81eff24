//! Demands of the specification that the suite does not check: through real sockets, against the program that the suite
//! runs against.

mod arguments_in_headers;
mod asking_back;
mod changes;
mod server;
mod telling;
