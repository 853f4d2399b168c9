//! The wall around the browser: what it can reach is the site, and nothing else.
//!
//! All host names and addresses lead to one listener of ours, plain or TLS. Where the kernel
//! allows it the browser also lives in a network of its own, in which that listener is the only
//! thing there is; elsewhere the listener stands on the machine's loopback interface, and what
//! keeps the browser from the network is its resolver alone.

mod gate;
pub(crate) mod namespace;
mod server;
mod tls;

pub(crate) use gate::Gate;
pub(crate) use server::Server;

use crate::destination::Destination;
use std::fmt;

/// Which wall stands around the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// The browser has a network of its own, with nothing in it but us.
    Namespace,
    /// The browser shares the machine's network; its resolver leads everything to us.
    Loopback,
}

/// A request that the site had no answer for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As the browser asked for it.
    pub url: String,
    /// What it would have been used for.
    pub destination: Destination,
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespace => "namespace",
            Self::Loopback => "loopback",
        })
    }
}
