//! Disks without room.

use crate::{
    draw::{generator, rounds, seed},
    stage::{Stage, room},
};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A small disk: a `tmpfs`. To mount one takes rights.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: PathBuf, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let size = format!("size={megabytes}m,mode=0711");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "chaos"])
            .arg(&folder)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }

    /// Leaves no byte.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        let block = vec![0; 1 << 16];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The disk is full for a while at a random moment of each render.
async fn fills_up(which: &str, arguments: impl Fn(&Path) -> Vec<String>, store: Option<&str>) {
    let seed = seed();
    let folder = room();
    let root = folder.path().to_owned();
    let Some(disk) = Disk::mount(root.join(which), 200) else {
        eprintln!("not run: a disk cannot be mounted here");
        return;
    };
    let arguments = arguments(&root);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let store = store.map(|store| root.join(store));
    let mut stage = Stage::open_with(folder, &arguments, store).await;
    stage.rehearse().await;
    for seed in seed..seed + rounds(5) {
        let mut rng = generator(seed);
        let begun = stage.begin(&format!("full-{seed}")).await;
        tokio::time::sleep(stage.quiet.took.mul_f64(rng.f64())).await;
        let ballast = disk.fill();
        let log = stage.mark();
        tokio::time::sleep(Duration::from_secs(rng.u64(2..15))).await;
        let refused = stage.since(&log).matches("permanent=false").count();
        fs::remove_file(ballast).unwrap();
        let render = stage.end(&begun.id).await;
        let again = stage.check(&begun, &render, 2 * (1 + refused)).await;
        eprintln!(
            "SEED={seed}: {which} was full, {refused} attempts failed, {again} segments again"
        );
    }
    stage.close().await;
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn a_full_scratch() {
    fills_up("scratch", |_| Vec::new(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn a_full_store() {
    let store = |root: &Path| {
        vec![
            "--store".to_owned(),
            root.join("disk").display().to_string(),
        ]
    };
    fills_up("disk", store, Some("disk")).await;
}
