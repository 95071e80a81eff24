//! The contracts of the store, kept by the engine in memory.

use fanfare_store_suite::contract;
use fanfare_store_suite::memory::InMemory;

contract!(InMemory);
