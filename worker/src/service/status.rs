//! Refusals, and how they look on the wire.

use framewright_activities::Failure;
use framewright_film::{Disposition, Fault as _};
use framewright_store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of our `ErrorInfo`s.
const DOMAIN: &str = "framewright";

/// Why a request is not served.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    /// `FW…`.
    reason: String,
    message: String,
    hint: Option<String>,
    /// The field of the request that is at fault.
    field: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            hint: None,
            field: None,
        }
    }

    /// A field of the request is not right.
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(Code::InvalidArgument, "FW0520", message);
        refusal.field = Some(field);
        refusal
    }

    pub(crate) fn not_found(id: impl std::fmt::Display) -> Self {
        Self::new(
            Code::NotFound,
            "FW0521",
            format!("there is no render `{id}`"),
        )
    }

    /// The Temporal server does not do what we ask. Its words stay in our log.
    pub(crate) fn temporal(error: impl std::fmt::Display) -> Self {
        tracing::warn!(%error, "Temporal refused or is away");
        Self::new(
            Code::Unavailable,
            "FW0522",
            "the render engine does not answer",
        )
        .hint("try again in a few seconds; the same `request_id` is safe to repeat")
    }

    /// The field that is at fault.
    pub(crate) fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let code = match (&failure, failure.disposition()) {
            (_, Disposition::Retry { .. }) => Code::Unavailable,
            (Failure::Store(StoreError::NotFound(_)), _) => Code::NotFound,
            (Failure::Store(_), _) => Code::Internal,
            _ => Code::InvalidArgument,
        };
        if let Failure::Store(error) = &failure {
            // Keys and paths are nobody's business outside.
            tracing::warn!(%error, "the store does not do what was asked");
            let message = match code {
                Code::NotFound => "what was asked for is no longer in the store",
                Code::Unavailable => "the store does not answer",
                _ => "the store refuses what was asked",
            };
            return Self::new(code, failure.code(), message);
        }
        Self {
            code,
            reason: failure.code().to_owned(),
            message: failure.to_string(),
            hint: failure.hint(),
            field: (code == Code::InvalidArgument).then_some("project_id"),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut details = ErrorDetails::new();
        let mut metadata = std::collections::HashMap::new();
        if let Some(hint) = &refusal.hint {
            metadata.insert("hint".to_owned(), hint.clone());
        }
        details.set_error_info(refusal.reason, DOMAIN, metadata);
        if let Some(field) = refusal.field {
            details.add_bad_request_violation(field, refusal.message.clone());
        }
        Self::with_error_details(refusal.code, refusal.message, details)
    }
}
