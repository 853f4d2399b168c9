//! Errors as pages.

use crate::service::Refusal;
use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A page instead of the one that was asked for.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
    /// `FW…`, when it has one.
    code: String,
    hint: String,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status,
            message: message.into(),
            code: String::new(),
            hint: hint.into(),
        }
    }

    pub(super) fn no_page() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such page",
            "See the list of renders.",
        )
    }

    pub(super) fn read_only() -> Self {
        let message = "Pages can only be read";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            message,
            "Renders are started and cancelled over gRPC.",
        )
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::CONFLICT => "Not yet",
            StatusCode::SERVICE_UNAVAILABLE => "Not available now",
            status if status.is_client_error() => "That cannot be answered",
            _ => "Something went wrong",
        }
    }
}

/// By way of the gRPC status, so that a page and a client are told the same.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = Status::from(refusal);
        let info = status.get_details_error_info();
        let (code, hint) = info.map_or_else(Default::default, |mut info| {
            (
                info.reason,
                info.metadata.remove("hint").unwrap_or_default(),
            )
        });
        Self {
            status: match status.code() {
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::InvalidArgument => StatusCode::BAD_REQUEST,
                Code::FailedPrecondition => StatusCode::CONFLICT,
                Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
            message: status.message().to_owned(),
            code,
            hint,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, page(&self)).into_response()
    }
}

/// A template as an answer.
pub(super) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, Refusal};
    use askama::Template as _;
    use axum::http::StatusCode;
    use tonic::Code;

    #[test]
    fn a_refusal_keeps_its_code_and_hint_and_is_escaped() {
        let refusal = Refusal::new(
            Code::FailedPrecondition,
            "FW0526",
            "<script>alert(1)</script>",
        )
        .hint("wait & see");
        let problem = Problem::from(refusal);
        assert_eq!(problem.status, StatusCode::CONFLICT);
        let html = problem.render().unwrap();
        assert!(
            html.contains("FW0526") && html.contains("wait &#38; see"),
            "{html}"
        );
        assert!(!html.contains("<script>alert"), "{html}");
    }
}
