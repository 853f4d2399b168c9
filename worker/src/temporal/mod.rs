//! The durable engine: how to reach it, and how to run one on this machine.

mod connect;
mod obtain;
mod server;

pub(crate) use connect::{Given, connect, given};
pub(crate) use obtain::{find, obtain};
pub(crate) use server::{DevServer, Ports};
