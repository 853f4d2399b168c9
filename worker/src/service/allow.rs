//! Which places outside the store a tenant may name.

use super::Refusal;
use crate::cli::{AllowArgs, Grant};
use framewright_store::{S3Address, S3Url};
use std::collections::BTreeMap;
use tonic::Code;

/// Stands for all tenants.
pub(crate) const EVERYBODY: &str = "*";

/// Who may read and write where. A place that nobody has allowed is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList {
    /// By tenant, or [`EVERYBODY`].
    pub(crate) tenants: BTreeMap<String, Allowed>,
    /// Where the store lives, if it is in S3: what is under `tenants/<tenant>/` in there is the
    /// tenant's own.
    pub(crate) store: Option<S3Address>,
}

/// What one tenant may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// Where projects may be read.
    pub(crate) sources: Vec<S3Address>,
    /// Where films may be published.
    pub(crate) outputs: Vec<S3Address>,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// To read a project.
    Source,
    /// To publish a film.
    Output,
}

impl AllowList {
    /// What flags, environment and file allow, for a service whose store is at `store`.
    pub(crate) fn new(args: &AllowArgs, store: Option<&str>) -> Self {
        let mut tenants = BTreeMap::<_, Allowed>::new();
        for Grant { tenant, place } in &args.allow_source {
            let allowed = tenants.entry(tenant.clone()).or_default();
            allowed.sources.push(place.clone());
        }
        for Grant { tenant, place } in &args.allow_output {
            let allowed = tenants.entry(tenant.clone()).or_default();
            allowed.outputs.push(place.clone());
        }
        Self {
            tenants,
            store: store.and_then(|store| store.parse().ok()),
        }
    }

    /// Whether `tenant` may use `url` for this.
    pub(crate) fn allows(&self, tenant: &str, purpose: Use, url: &S3Url) -> bool {
        let own = self.store.as_ref().and_then(|store| {
            // A tenant's name has no character that could lead elsewhere; whoever has none has no
            // place of its own.
            store.join(&format!("tenants/{tenant}")).ok()
        });
        let given = [tenant, EVERYBODY]
            .into_iter()
            .filter_map(|name| self.tenants.get(name))
            .flat_map(|allowed| match purpose {
                Use::Source => &allowed.sources,
                Use::Output => &allowed.outputs,
            });
        own.iter().chain(given).any(|place| place.covers(url))
    }

    /// As [`AllowList::allows`], for the field of a request.
    pub(crate) fn check(&self, tenant: &str, purpose: Use, url: &S3Url) -> Result<(), Refusal> {
        if self.allows(tenant, purpose, url) {
            return Ok(());
        }
        let (field, what) = match purpose {
            Use::Source => ("source", "read"),
            Use::Output => ("output", "write"),
        };
        let message = format!("tenant `{tenant}` may not {what} `{url}`");
        Err(Refusal::new(Code::PermissionDenied, "FW0540", message)
            .at(field)
            .hint("name a place that is the tenant's, or have whoever runs the service allow this one"))
    }
}

#[cfg(test)]
mod tests {
    use super::{AllowList, Allowed, Use};

    #[test]
    fn a_tenant_has_its_own_places_and_what_was_given_to_it() {
        let place = |text: &str| text.parse().unwrap();
        let list = AllowList {
            tenants: [
                (
                    "acme".to_owned(),
                    Allowed {
                        sources: vec![place("s3://acme-assets/films")],
                        outputs: vec![],
                    },
                ),
                (
                    "*".to_owned(),
                    Allowed {
                        sources: vec![],
                        outputs: vec![place("s3://public")],
                    },
                ),
            ]
            .into(),
            store: Some(place("s3://store/fw")),
        };
        let may = |tenant, purpose, url: &str| list.allows(tenant, purpose, &url.parse().unwrap());
        use Use::{Output, Source};
        for (tenant, purpose, url, expected) in [
            ("acme", Source, "s3://acme-assets/films/one.zip", true),
            ("acme", Source, "s3://acme-assets/films/", true),
            ("acme", Source, "s3://acme-assets/films2/one.zip", false),
            ("acme", Source, "s3://acme-assets/", false),
            ("acme", Output, "s3://acme-assets/films/one.mp4", false),
            ("bolt", Source, "s3://acme-assets/films/one.zip", false),
            ("bolt", Output, "s3://public/one.mp4", true),
            ("bolt", Source, "s3://public/one.zip", false),
            ("bolt", Source, "s3://store/fw/tenants/bolt/a/", true),
            ("bolt", Output, "s3://store/fw/tenants/bolt/a.mp4", true),
            ("bolt", Source, "s3://store/fw/tenants/bolt-2/a/", false),
            ("bolt", Source, "s3://store/fw/tenants/acme/a/", false),
            ("bolt", Source, "s3://store/fw/blobs/ab/cd", false),
            ("bolt", Output, "s3://store/fw/plans/x/film.mp4", false),
        ] {
            let given = url
                .parse()
                .is_ok_and(|_: framewright_store::S3Url| may(tenant, purpose, url));
            assert_eq!(given, expected, "{tenant} {purpose:?} {url}");
        }
    }
}
