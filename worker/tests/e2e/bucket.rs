//! Projects that come from S3, films that go there, and who may do that.

use crate::{
    gateway::{BUCKET, Gateway},
    harness::{Dev, Renders, end_of, film, framewright, pack, reference, request, upload},
};
use framewright_film::Digest;
use framewright_proto::v1::{
    CreateDownloadRequest, CreateRenderRequest, CreateUploadRequest, CreateUploadResponse, Render,
    RenderOptions, RenderState,
};
use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use zip::{ZipWriter, write::SimpleFileOptions};

/// Another bucket than the store's.
const ASSETS: &str = "assets";

fn from(id: &str, source: &str) -> CreateRenderRequest {
    CreateRenderRequest {
        tenant: "acme".to_owned(),
        source: source.to_owned(),
        ..request(id, "", RenderOptions::default())
    }
}

async fn rendered(client: &mut Renders, request: CreateRenderRequest) -> Render {
    let created = client.create_render(request).await.unwrap().into_inner();
    let render = end_of(client, &created.render_id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    render
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().unwrap().reason.clone()
}

/// A zip file of another tool: another order, other compression, a folder around it.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

struct Stage {
    gateway: Gateway,
    dev: Dev,
    folder: TempDir,
}

impl Stage {
    async fn start() -> Self {
        let gateway = Gateway::start().await;
        let folder = TempDir::new().unwrap();
        let assets = gateway.folder.path().join(ASSETS);
        for name in ["in/brief", "in-secret"] {
            fs::create_dir_all(assets.join(name)).unwrap();
            fs::copy(
                film("brief").join("index.html"),
                assets.join(name).join("index.html"),
            )
            .unwrap();
        }
        let mut flags = gateway.flags("e2e");
        flags.extend([
            format!("--allow-source=acme=s3://{ASSETS}/in,acme=s3://no-such-bucket"),
            format!("--allow-output=acme=s3://{ASSETS}/out"),
        ]);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let dev = Dev::start_with(folder.path(), &flags);
        Self {
            gateway,
            dev,
            folder,
        }
    }

    fn asset(&self, name: &str) -> std::path::PathBuf {
        self.gateway.folder.path().join(ASSETS).join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.asset(name).parent().unwrap()).unwrap();
        fs::write(self.asset(name), bytes).unwrap();
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let output = framewright()
            .args(args)
            .arg("--data")
            .arg(self.folder.path().join("cli"))
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_come_from_a_bucket_and_films_go_to_one() {
    let project = film("brief");
    let wanted = reference(&project, &[]);
    let stage = Stage::start().await;
    let mut client = stage.dev.client().await;
    let page = fs::read(project.join("index.html")).unwrap();
    stage.put(
        "in/brief.zip",
        &zip(&[("brief/", b""), ("brief/index.html", &page)]),
    );

    // However it comes, it is the same plan.
    let mut published = from("folder", "s3://assets/in/brief/");
    published.output = "s3://assets/out/brief.mp4".to_owned();
    let first = rendered(&mut client, published.clone()).await;
    let plan = first.film.unwrap().plan_id;
    let output = first.output.unwrap();
    assert_eq!(
        (&output.sha256, output.url.as_str()),
        (&wanted, "s3://assets/out/brief.mp4")
    );
    let there = fs::read(stage.asset("out/brief.mp4")).unwrap();
    assert_eq!(Digest::of(&there).to_hex(), wanted);
    let second = rendered(&mut client, from("zip", "s3://assets/in/brief.zip")).await;
    assert_eq!(second.film.unwrap().plan_id, plan);
    let id = upload(&mut client, &project).await;
    let third = rendered(
        &mut client,
        request("upload", &id, RenderOptions::default()),
    )
    .await;
    assert_eq!(third.film.unwrap().plan_id, plan);

    // What is gone meanwhile does not change what was asked for.
    fs::remove_dir_all(stage.asset("in/brief")).unwrap();
    let same = client.create_render(published.clone()).await.unwrap();
    assert_eq!(same.into_inner().render_id, "acme/folder");
    published.output = "s3://assets/out/other.mp4".to_owned();
    let other = client.create_render(published).await.unwrap_err();
    assert_eq!(reason(&other), "FW0525");

    // What somebody else has put at the place of the output stays.
    stage.put("out/mine.txt", b"mine");
    let mut over = from("over", "s3://assets/in/brief.zip");
    over.output = "s3://assets/out/mine.txt".to_owned();
    let created = client.create_render(over).await.unwrap().into_inner();
    let failed = end_of(&mut client, &created.render_id).await;
    assert_eq!(failed.error.unwrap().code, "FW0413");
    assert_eq!(fs::read(stage.asset("out/mine.txt")).unwrap(), b"mine");

    // From the command line, through the service and without.
    let cli = |place: &'static str| {
        [
            "render",
            "s3://assets/in/brief.zip",
            "--tenant",
            "acme",
            "-o",
            place,
        ]
    };
    let (code, said) = stage.run(
        &[
            &cli("s3://assets/out/cli.mp4")[..],
            &["--server", &stage.dev.grpc],
        ]
        .concat(),
    );
    assert_eq!(code, 0, "{said}");
    let endpoint = format!("http://127.0.0.1:{}", stage.gateway.port);
    let alone = [
        "--in-process",
        "--s3-path-style",
        "--s3-endpoint",
        &endpoint,
    ];
    let (code, said) = stage.run(&[&cli("s3://assets/out/alone.mp4")[..], &alone].concat());
    assert_eq!(code, 0, "{said}");
    for name in ["out/cli.mp4", "out/alone.mp4"] {
        assert_eq!(fs::read(stage.asset(name)).unwrap(), there, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_named_is_refused_at_once() {
    let stage = Stage::start().await;
    let mut client = stage.dev.client().await;
    stage.put("in/none.zip", b"no zip");
    stage.put(
        "in/up.zip",
        &zip(&[("../index.html", b"x"), ("index.html", b"x")]),
    );
    let zeros = vec![0; 130 << 20];
    let bomb: Vec<_> = (0..4).map(|n| (format!("{n}.bin"), &zeros[..])).collect();
    let bomb: Vec<_> = bomb
        .iter()
        .map(|(name, zeros)| (name.as_str(), *zeros))
        .collect();
    let bomb = zip(&bomb);
    assert!(bomb.len() < 2 << 20);
    stage.put("in/bomb.zip", &bomb);
    stage.put("in/plain/index.html", b"<p>no film");
    for (source, output, code, expected) in [
        (
            "s3://assets/in-secret/",
            "",
            Code::PermissionDenied,
            "FW0540",
        ),
        ("s3://assets/", "", Code::InvalidArgument, "FW0409"),
        (
            "s3://films/e2e/plans/",
            "",
            Code::PermissionDenied,
            "FW0540",
        ),
        (
            "s3://films/e2e/tenants/other/",
            "",
            Code::PermissionDenied,
            "FW0540",
        ),
        (
            "s3://assets/in/../in-secret/",
            "",
            Code::InvalidArgument,
            "FW0409",
        ),
        (
            "s3://assets/in/%2e%2e/in-secret/",
            "",
            Code::InvalidArgument,
            "FW0409",
        ),
        ("https://assets/in/", "", Code::InvalidArgument, "FW0409"),
        ("s3://films/e2e/tenants/acme/", "", Code::NotFound, "FW0411"),
        ("s3://assets/in/nothing.zip", "", Code::NotFound, "FW0411"),
        ("s3://assets/in/nothing/", "", Code::NotFound, "FW0411"),
        ("s3://no-such-bucket/a.zip", "", Code::NotFound, "FW0411"),
        (
            "s3://assets/in/none.zip",
            "",
            Code::InvalidArgument,
            "FW0102",
        ),
        ("s3://assets/in/up.zip", "", Code::InvalidArgument, "FW0103"),
        (
            "s3://assets/in/bomb.zip",
            "",
            Code::InvalidArgument,
            "FW0104",
        ),
        ("s3://assets/in/plain/", "", Code::InvalidArgument, "FW0107"),
        (
            "s3://assets/in/brief/",
            "s3://assets/in/a.mp4",
            Code::PermissionDenied,
            "FW0540",
        ),
        (
            "s3://assets/in/brief/",
            "s3://assets/outer/a.mp4",
            Code::PermissionDenied,
            "FW0540",
        ),
        (
            "s3://assets/in/brief/",
            "s3://assets/out/",
            Code::InvalidArgument,
            "FW0520",
        ),
        ("", "", Code::InvalidArgument, "FW0520"),
    ] {
        let mut request = from("refused", source);
        request.output = output.to_owned();
        let refused = client.create_render(request).await.unwrap_err();
        let told = (refused.code(), reason(&refused));
        assert_eq!(
            told,
            (code, expected.to_owned()),
            "{source} {output}: {refused:?}"
        );
        let text = format!("{refused:?}");
        for secret in [
            "127.0.0.1",
            "secret\"",
            &stage.folder.path().to_string_lossy(),
        ] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // Another tenant has no such leave.
    let mut other = from("refused", "s3://assets/in/brief/");
    other.tenant = "bolt".to_owned();
    let refused = client.create_render(other).await.unwrap_err();
    assert_eq!(reason(&refused), "FW0540");
    let (code, said) = stage.run(&[
        "render",
        "s3://assets/in/brief/",
        "--tenant",
        "bolt",
        "-o",
        "x.mp4",
        "--server",
        &stage.dev.grpc,
    ]);
    assert!(
        code == 2 && said.contains("FW0540") && said.contains("hint"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_in_and_out_without_a_detour() {
    provide_tls();
    let project = film("brief");
    let wanted = reference(&project, &[]);
    let stage = Stage::start().await;
    let mut client = stage.dev.client().await;
    let archive = pack(&project);
    let ask = |archive: &[u8]| CreateUploadRequest {
        tenant: "acme".to_owned(),
        size_bytes: archive.len() as u64,
        sha256: Digest::of(archive).to_hex(),
    };
    let leave = client
        .create_upload(ask(&archive))
        .await
        .unwrap()
        .into_inner();
    let create = |id: &str, leave: &CreateUploadResponse| CreateRenderRequest {
        tenant: "acme".to_owned(),
        ..request(id, &leave.project_id, RenderOptions::default())
    };
    // Not before it is there, and not what was not announced.
    let early = client
        .create_render(create("early", &leave))
        .await
        .unwrap_err();
    assert_eq!(reason(&early), "FW0520");
    let other = vec![b'x'; archive.len()];
    assert!(put(&leave, other).await.is_success());
    let wrong = client
        .create_render(create("wrong", &leave))
        .await
        .unwrap_err();
    assert!(wrong.message().contains("SHA-256"), "{wrong:?}");
    assert!(put(&leave, archive.clone()).await.is_success());
    // Not for another tenant.
    let mut foreign = create("foreign", &leave);
    foreign.tenant = "bolt".to_owned();
    let foreign = client.create_render(foreign).await.unwrap_err();
    assert_eq!(reason(&foreign), "FW0520");

    let render = rendered(&mut client, create("direct", &leave)).await;
    assert_eq!(render.output.unwrap().sha256, wanted);
    let uploads = stage.gateway.folder.path().join(BUCKET).join("e2e/uploads");
    assert!(files_in(&uploads).is_empty(), "it was taken over");
    let again = client
        .create_upload(ask(&archive))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (again.url.as_str(), &again.project_id),
        ("", &leave.project_id)
    );

    let got = client
        .create_download(CreateDownloadRequest {
            render_id: "acme/direct".to_owned(),
        })
        .await
        .unwrap()
        .into_inner();
    assert!(got.expires.is_some());
    let film = reqwest::get(&got.url).await.unwrap().bytes().await.unwrap();
    assert_eq!(Digest::of(&film).to_hex(), wanted);

    let file = stage.folder.path().join("film.mp4");
    let (code, said) = stage.run(&[
        "render",
        crate::harness::film("dozen").to_str().unwrap(),
        "--fps",
        "1",
        "--server",
        &stage.dev.grpc,
        "-o",
        file.to_str().unwrap(),
        "--log",
        "framewright=debug",
    ]);
    assert_eq!(code, 0, "{said}");
    assert!(file.is_file() && !said.contains("from here"), "{said}");
}

/// The client wants one even where nothing is encrypted; another test may have set it.
fn provide_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn put(leave: &CreateUploadResponse, bytes: Vec<u8>) -> reqwest::StatusCode {
    let mut put = reqwest::Client::new().put(&leave.url).body(bytes);
    for (name, value) in &leave.headers {
        put = put.header(name, value);
    }
    put.send().await.unwrap().status()
}

/// Files in a folder and those below.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files_in(&path)),
            false => found.push(path.to_string_lossy().into_owned()),
        }
    }
    found
}

#[tokio::test]
async fn a_folder_has_no_addresses_but_the_pages() {
    provide_tls();
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let asked = CreateUploadRequest {
        tenant: String::new(),
        size_bytes: 9,
        sha256: Digest::of("x").to_hex(),
    };
    let refused = client.create_upload(asked).await.unwrap_err();
    assert_eq!(reason(&refused), "FW0541");
    // Nothing outside is allowed unless somebody says so.
    let refused = client
        .create_render(from("s3", "s3://assets/in/brief/"))
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "FW0540");

    let id = upload(&mut client, &film("brief")).await;
    let render = rendered(&mut client, request("page", &id, RenderOptions::default())).await;
    let got = client
        .create_download(CreateDownloadRequest {
            render_id: render.render_id,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(got.expires.is_none());
    let bytes = reqwest::get(&got.url).await.unwrap().bytes().await.unwrap();
    assert_eq!(Digest::of(&bytes).to_hex(), render.output.unwrap().sha256);
}
