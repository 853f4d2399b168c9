//! `framewright bench` as a script meets it. Its times are anything; its counts are not.

use crate::harness::{Process, film, framewright, reference, signal};
use serde_json::Value;
use std::{
    fs,
    process::{Child, Output, Stdio},
};
use tempfile::TempDir;

fn start(folder: &TempDir, more: &[&str]) -> Child {
    framewright()
        .args(["bench", "--json", "bench.json", "--svg", "bench.svg"])
        .arg(film("small"))
        .args(more)
        .current_dir(folder.path())
        // Where its own folder goes, and by which what it starts is known.
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The rows of the report, and the process's output.
fn bench(folder: &TempDir, more: &[&str]) -> (Vec<Value>, Output) {
    let output = start(folder, more).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let json = fs::read(folder.path().join("bench.json")).unwrap();
    let report: Value = serde_json::from_slice(&json).unwrap();
    (report["rows"].as_array().unwrap().clone(), output)
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// Nothing of it runs, and nothing of it lies about.
fn nothing_is_left(folder: &TempDir) {
    let left = Process::marked(&folder.path().to_string_lossy());
    assert!(left.is_empty(), "{left:?}");
    for user in fs::read_dir(folder.path()).unwrap().flatten() {
        if user
            .file_name()
            .to_string_lossy()
            .starts_with("framewright-")
        {
            assert_eq!(fs::read_dir(user.path()).unwrap().count(), 0, "{user:?}");
        }
    }
}

#[test]
fn counts_are_right_and_bytes_are_one() {
    let folder = TempDir::new().unwrap();
    let asked = ["--chunks", "3,1", "--iterations", "2", "--lanes", "1"];
    let (rows, output) = bench(&folder, &asked);
    let whats: Vec<_> = rows.iter().map(|row| &row["chunks"]).collect();
    assert_eq!(whats, [&Value::Null, &1.into(), &3.into()]);

    let wanted = reference(&film("small"), &[]);
    for row in &rows {
        let runs = array(row, "runs");
        assert_eq!(runs.len(), 2);
        let mut totals: Vec<_> = runs
            .iter()
            .map(|run| run["total_seconds"].as_f64())
            .collect();
        totals.sort_by(|one, other| one.partial_cmp(other).unwrap());
        assert_eq!(row["total"]["worst"].as_f64(), totals[1]);
        for run in runs {
            assert_eq!(run["sha256"], wanted.as_str(), "{}", row["what"]);
            let chunks = array(run, "chunks");
            assert_eq!(chunks.len() as u64, row["chunks"].as_u64().unwrap_or(0));
            let mut frames = 0;
            for chunk in chunks {
                // Each session asks once, whether its browser was started for it or kept.
                assert_eq!(array(chunk, "probes").len(), 1);
                assert_eq!((&chunk["lanes"], &chunk["reused"]), (&1.into(), &0.into()));
                assert!(chunk["first_frame_seconds"].as_f64() <= chunk["seconds"].as_f64());
                assert!(run["total_seconds"].as_f64() >= chunk["seconds"].as_f64());
                frames += chunk["frames"].as_u64().unwrap();
            }
            assert!(chunks.is_empty() || frames == 90, "{frames}");
        }
        assert!(row["most_probes_at_once"].as_u64() <= Some(1));
    }

    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("| in process |") && table.contains(&wanted),
        "{table}"
    );
    let lines = String::from_utf8(output.stderr).unwrap();
    assert_eq!(lines.matches("iteration 2/2").count(), 3, "{lines}");
    let curve = fs::read_to_string(folder.path().join("bench.svg")).unwrap();
    assert_eq!(
        curve.matches("<title>").count(),
        4,
        "a point for each render: {curve}"
    );
    nothing_is_left(&folder);
}

#[test]
fn the_old_disease_can_be_had() {
    let folder = TempDir::new().unwrap();
    let asked = [
        "--chunks=1,90",
        "--iterations=1",
        "--lanes=2",
        "--probe=per-lane",
        "--warmup=discard",
        "--skip-inprocess",
        "--chunk-size=40",
    ];
    let (rows, output) = bench(&folder, &asked);
    // 90 chunks of 90 frames are not to be had; two of 40 and more are.
    let lines = String::from_utf8(output.stderr).unwrap();
    assert!(lines.contains("90 chunks are lowered to 2"), "{lines}");
    assert_eq!(rows.len(), 2);
    // The session that is thrown away asks first, then each lane again.
    let chunk = &array(&rows[0], "runs")[0]["chunks"][0];
    assert_eq!(
        (&chunk["lanes"], array(chunk, "probes").len()),
        (&2.into(), 3)
    );
    nothing_is_left(&folder);
}

#[test]
fn an_interrupt_ends_all_of_it() {
    let folder = TempDir::new().unwrap();
    let child = start(
        &folder,
        &["--chunks=1", "--iterations=500", "--skip-inprocess"],
    );
    let pid = child.id().cast_signed();
    let mark = folder.path().to_string_lossy().into_owned();
    let begun = std::time::Instant::now();
    while !Process::marked(&mark)
        .iter()
        .any(|process| process.command_line.contains("ffmpeg"))
    {
        assert!(
            begun.elapsed() < crate::harness::PATIENCE,
            "no render began"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(pid, libc::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    nothing_is_left(&folder);
}
