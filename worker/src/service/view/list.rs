//! Renders as the visibility store has them.

use super::{at, stage_state};
use crate::service::{Refusal, Service};
use framewright_proto::v1::Render;
use framewright_workflows::{RenderId, queues};
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;
use tonic::IntoRequest as _;

/// Those that run, then those that have ended: without chunks.
pub(in crate::service) async fn list(
    service: &Service,
    tenant: &str,
    page_size: u32,
    page_token: &str,
) -> Result<(Vec<Render>, String), Refusal> {
    // The runs that a long render has left behind are no renders of their own.
    let mut query = "WorkflowType = 'Render' AND ExecutionStatus != 'ContinuedAsNew'".to_owned();
    if !tenant.is_empty() {
        RenderId::new(tenant, "x")
            .map_err(|_| Refusal::field("tenant", format!("`{tenant}` is not a tenant")))?;
        query += &format!(" AND RenderTenant = '{tenant}'");
    }
    let next_page_token =
        hex::decode(page_token).map_err(|_| Refusal::field("page_token", "not one of ours"))?;
    let request = ListWorkflowExecutionsRequest {
        namespace: service.addresses.namespace.clone(),
        page_size: match page_size {
            0 => 50,
            size => size.min(500).cast_signed(),
        },
        next_page_token,
        query,
    };
    let mut workflows = service.temporal.connection().workflow_service();
    let page = workflows
        .list_workflow_executions(request.into_request())
        .await
        .map_err(|status| match status.code() {
            tonic::Code::InvalidArgument => Refusal::field("page_token", "not one of ours"),
            _ => Refusal::temporal(status),
        })?
        .into_inner();
    let renders = page
        .executions
        .iter()
        .filter_map(|info| {
            let id = RenderId::from_workflow_id(&info.execution.as_ref()?.workflow_id)?;
            let attribute = |name: &str| {
                let payload = info.search_attributes.as_ref()?.indexed_fields.get(name)?;
                serde_json::from_slice::<serde_json::Value>(&payload.data).ok()
            };
            let created = info.memo.as_ref().and_then(|memo| {
                let payload = memo.fields.get(queues::CREATED)?;
                serde_json::from_slice::<u64>(&payload.data).ok()
            });
            let stage = attribute("RenderStage");
            let percent = attribute("RenderPercent").and_then(|value| value.as_f64());
            let mut render = Render {
                render_id: id.to_string(),
                progress: percent.unwrap_or(0.0) / 100.0,
                created: created
                    .map(at)
                    .or(info.start_time.map(|t| prost_types::Timestamp {
                        seconds: t.seconds,
                        nanos: t.nanos,
                    })),
                ended: info.close_time.map(|t| prost_types::Timestamp {
                    seconds: t.seconds,
                    nanos: t.nanos,
                }),
                page_url: service.page_url(&id),
                temporal_url: service.temporal_url(&id),
                ..Render::default()
            };
            render.set_state(stage_state(
                stage.as_ref().and_then(|s| s.as_str()).unwrap_or(""),
            ));
            Some(render)
        })
        .collect();
    Ok((renders, hex::encode(page.next_page_token)))
}
