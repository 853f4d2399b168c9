//! Search attributes on a server that somebody else runs.

use framewright_workflows::queues::SEARCH_ATTRIBUTES;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType, operatorservice::v1::AddSearchAttributesRequest,
};
use tonic::{Code, IntoRequest as _};

/// Makes our search attributes known, which a render cannot be started without.
///
/// Where that is not ours to do (Temporal Cloud), an operator has done it, or the first render
/// says what is missing; so a refusal is told and not fatal.
pub(crate) async fn register_search_attributes(client: &Client) {
    let kind = |name: &str| match name {
        "Int" => IndexedValueType::Int,
        _ => IndexedValueType::Keyword,
    };
    let request = AddSearchAttributesRequest {
        search_attributes: SEARCH_ATTRIBUTES
            .iter()
            .map(|(name, of)| ((*name).to_owned(), kind(of).into()))
            .collect(),
        namespace: client.options().namespace.clone(),
    };
    let mut operator = client.connection().operator_service();
    match operator.add_search_attributes(request.into_request()).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::AlreadyExists => {}
        Err(status) => tracing::warn!(
            code = %status.code(),
            "the search attributes {SEARCH_ATTRIBUTES:?} could not be registered; an operator must do it"
        ),
    }
}
