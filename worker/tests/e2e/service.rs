//! What the API promises besides films.

use crate::harness::{Dev, cancel, end_of, film, request, submit, upload};
use framewright_proto::v1::{GetRenderRequest, ListRendersRequest, RenderOptions, RenderState};
use std::collections::BTreeSet;
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn one_request_id_is_one_render() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let project = upload(&mut client, &film("small")).await;
    let storm = (0..1000).map(|_| {
        let mut client = client.clone();
        let request = request("storm", &project, RenderOptions::default());
        tokio::spawn(async move {
            client
                .create_render(request)
                .await
                .unwrap()
                .into_inner()
                .render_id
        })
    });
    let mut answers = BTreeSet::new();
    for answer in storm.collect::<Vec<_>>() {
        answers.insert(answer.await.unwrap());
    }
    assert_eq!(answers, BTreeSet::from(["default/storm".to_owned()]));

    let render = end_of(&mut client, "default/storm").await;
    assert_eq!(render.state(), RenderState::Succeeded);
    // Visibility is eventually consistent; it has the render by its end.
    let listed = client
        .list_renders(ListRendersRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.renders.len(), 1);

    // Other parameters under the same name are refused.
    let other = request(
        "storm",
        &project,
        RenderOptions {
            chunks: 2,
            ..RenderOptions::default()
        },
    );
    let refused = client.create_render(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    // The same ones are answered as before.
    let same = request("storm", &project, RenderOptions::default());
    assert_eq!(
        client
            .create_render(same)
            .await
            .unwrap()
            .into_inner()
            .render_id,
        "default/storm"
    );
}

#[tokio::test]
async fn refusals_name_the_field() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--workers", "0"]);
    let mut client = dev.client().await;
    let project = upload(&mut client, &film("small")).await;
    let with = |options| request("a", &project, options);
    let cases = [
        (
            "request_id",
            request("a/b", &project, RenderOptions::default()),
        ),
        (
            "project_id",
            request("a", "nothing", RenderOptions::default()),
        ),
        (
            "project_id",
            request("a", &"0".repeat(64), RenderOptions::default()),
        ),
        (
            "options.fps",
            with(RenderOptions {
                fps: "fast".into(),
                ..RenderOptions::default()
            }),
        ),
        (
            "options.quality",
            with(RenderOptions {
                quality: 9,
                ..RenderOptions::default()
            }),
        ),
        (
            "options.chunks",
            with(RenderOptions {
                chunks: 1_000_000,
                ..RenderOptions::default()
            }),
        ),
        (
            "project_id",
            with(RenderOptions {
                entry: "none.html".into(),
                ..RenderOptions::default()
            }),
        ),
    ];
    for (field, request) in cases {
        let refused = client.create_render(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}: {refused}");
        let details = refused.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            field
        );
        assert!(details.error_info().unwrap().reason.starts_with("FW"));
    }
    let missing = GetRenderRequest {
        render_id: "default/none".into(),
    };
    assert_eq!(
        client.get_render(missing).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn a_render_waits_for_a_worker_and_says_so_and_can_be_cancelled() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--workers", "0"]);
    let mut client = dev.client().await;
    let id = submit(
        &mut client,
        "alone",
        &film("small"),
        RenderOptions::default(),
    )
    .await;
    let asked = GetRenderRequest {
        render_id: id.clone(),
    };
    let mut notice = String::new();
    for _ in 0..200 {
        notice = client
            .get_render(asked.clone())
            .await
            .unwrap()
            .into_inner()
            .notice;
        if !notice.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(notice.contains("no worker"), "{notice:?}");
    cancel(&mut client, &id).await;
    assert_eq!(
        end_of(&mut client, &id).await.state(),
        RenderState::Cancelled
    );
}
