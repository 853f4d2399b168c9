use super::{Fetched, VendorOptions, cache::Cache};
use crate::{CompositionError, Result, content_type};
use bytes::Bytes;
use framewright_film::Digest;
use futures_util::StreamExt as _;
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};
use serde::{Deserialize, Serialize};
use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use url::{Host, Url};

/// A client for addresses that a page's author wrote: it connects to public addresses only.
#[derive(Debug)]
pub(crate) struct Web {
    client: Client,
    cache: Arc<Cache>,
    max_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    digest: Digest,
    content_type: String,
}

/// Resolves names, and forgets what is not public: the connection is made to an address that was
/// checked, at every redirect.
struct PublicOnly;

impl Web {
    pub(crate) fn new(cache: Arc<Cache>, options: &VendorOptions) -> Result<Self> {
        let same_rules = redirect::Policy::custom(|attempt| {
            if attempt.previous().len() > 5 {
                return attempt.error("too many redirects");
            }
            match refuse(attempt.url()) {
                Some(why) => attempt.error(why),
                None => attempt.follow(),
            }
        });
        let client = Client::builder()
            .timeout(options.timeout.min(Duration::from_secs(30)))
            .connect_timeout(Duration::from_secs(5))
            .redirect(same_rules)
            .dns_resolver(Arc::new(PublicOnly))
            .no_proxy()
            .build()
            .map_err(|error| CompositionError::Cache(std::io::Error::other(error)))?;
        Ok(Self {
            client,
            cache,
            max_bytes: options.max_bytes,
        })
    }

    /// What `url` answers with, or why there is no answer.
    pub(crate) async fn get(&self, url: &Url) -> Result<Fetched, String> {
        let key = format!("web {url}");
        if let Some((answer, _)) = self.cache.note::<Answer>(&key)
            && let Some(bytes) = self.cache.blob(answer.digest)
        {
            return Ok(Fetched {
                content_type: answer.content_type,
                bytes,
                warning: None,
            });
        }
        if let Some(why) = refuse(url) {
            return Err(why.to_owned());
        }
        let answer = self.client.get(url.clone()).send().await;
        let answer = answer
            .and_then(Response::error_for_status)
            .map_err(|error| reason(&error))?;
        let content_type = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| content_type::of(url.path()).to_owned(), str::to_owned);
        let bytes = body(answer, self.max_bytes).await?;
        let digest = self.cache.keep(&bytes).map_err(|error| error.to_string())?;
        let answer = Answer {
            digest,
            content_type,
        };
        self.cache
            .write_note(&key, &answer)
            .map_err(|error| error.to_string())?;
        Ok(Fetched {
            content_type: answer.content_type,
            bytes,
            warning: None,
        })
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("it has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The body of an answer, unless it is larger than `limit` bytes.
pub(crate) async fn body(answer: Response, limit: u64) -> Result<Bytes, String> {
    let too_large = || format!("it is larger than {} MB", limit >> 20);
    if answer.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| reason(&error))?;
        if (bytes.len() + piece.len()) as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// The innermost cause, which is the one that says something.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("the answer was {status}");
    }
    if error.is_timeout() {
        return "there was no answer in time".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Why an address is not even asked. Names are checked when they are resolved.
fn refuse(url: &Url) -> Option<&'static str> {
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("only http and https addresses are fetched");
    }
    (!public).then_some("it has no public address")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    // Only 2000::/3 is given out; 2001:db8 is for documents, 2002 and 64:ff9b lead to IPv4.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && address.segments()[1] == 0x0db8)
        && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::{is_public, refuse};

    #[test]
    fn private_addresses_are_not_asked() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "224.0.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        assert!(refuse(&"http://[::1]/x".parse().unwrap()).is_some());
        assert!(refuse(&"http://2130706433/".parse().unwrap()).is_some());
        assert!(refuse(&"file:///etc/passwd".parse().unwrap()).is_some());
    }
}
