//! The durable engine: how to reach it, and how to run one on this machine.

mod attributes;
mod connect;
mod obtain;
mod retention;
mod server;

pub(crate) use attributes::register_search_attributes;
pub(crate) use connect::{Given, connect, given};
pub(crate) use obtain::{find, obtain};
pub(crate) use retention::keep_history;
pub(crate) use server::{DevServer, Ports};
