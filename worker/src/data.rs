//! The data folder: everything that outlives a process.

use crate::{cli::PlaceArgs, exit::Exit};
use framewright_activities::{Habits, Programs, Scratch, Toolchain, ToolchainOptions, Workshop};
use framewright_composition::{Vendor, VendorOptions};
use framewright_store::{
    CachedStore, LocalStore, MeteredStore, S3Address, S3Outside, S3Store, Store,
};
use std::{
    fs::{self, File},
    path::PathBuf,
    sync::Arc,
};

/// Paths in the data folder.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    root: PathBuf,
}

impl Data {
    /// The folder that was named, else the user's data folder. It is made if it is not there.
    pub(crate) fn open(place: &PlaceArgs) -> Result<Self, Exit> {
        let root = match &place.data {
            Some(root) => root.clone(),
            None => user_data_folder()
                .ok_or_else(|| {
                    Exit::machine("there is no home folder to keep data in")
                        .hint("name a folder with `--data DIR`")
                })?
                .join("framewright"),
        };
        fs::create_dir_all(&root)
            .and_then(|()| root.canonicalize())
            .map(|root| Self { root })
            .map_err(|error| {
                Exit::machine(format!("the data folder cannot be used: {error}"))
                    .hint("name another folder with `--data DIR`")
            })
    }

    pub(crate) fn root(&self) -> &PathBuf {
        &self.root
    }

    pub(crate) fn temporal_database(&self) -> PathBuf {
        self.root.join("temporal.db")
    }

    pub(crate) fn log(&self, name: &str) -> Result<File, Exit> {
        let folder = self.root.join("logs");
        fs::create_dir_all(&folder)
            .and_then(|()| {
                File::options()
                    .create(true)
                    .append(true)
                    .open(folder.join(name))
            })
            .map_err(|error| Exit::machine(format!("the log `{name}` cannot be written: {error}")))
    }

    /// Makes this process the only one that serves this folder, for as long as the file lives.
    pub(crate) fn lock(&self) -> Result<File, Exit> {
        let path = self.root.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| Exit::machine(format!("the data folder cannot be locked: {error}")))?;
        file.try_lock().map_err(|_| {
            Exit::machine(format!(
                "another framewright serves the data folder `{}`",
                self.root.display()
            ))
            .hint("use that one, or name another folder with `--data DIR`")
        })?;
        Ok(file)
    }

    /// Notes which Temporal server has the renders of this folder. The caller holds the lock.
    pub(crate) fn note_server(&self, address: &str) {
        // Only `gc` asks, and says what it misses.
        let _ = fs::write(self.root.join("served-by"), address);
    }

    /// What the holder of the lock has noted.
    pub(crate) fn served_by(&self) -> Option<String> {
        fs::read_to_string(self.root.join("served-by")).ok()
    }

    /// An empty folder for uploads that are not whole yet. The caller holds the lock.
    pub(crate) fn uploads(&self) -> Result<PathBuf, Exit> {
        let folder = self.root.join("uploads");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)
            .map_err(|error| Exit::machine(format!("uploads cannot be kept: {error}")))?;
        Ok(folder)
    }

    /// Where objects are kept: in this folder, unless another place was named.
    pub(crate) async fn store(&self, place: &PlaceArgs) -> Result<Arc<dyn Store>, Exit> {
        let failed = |error| Exit::from(framewright_activities::Failure::from(error));
        let named = place.store.as_deref();
        if let Some(address) = named.filter(|place| place.starts_with("s3://")) {
            let address: S3Address = address.parse().map_err(failed)?;
            let s3 = S3Store::open(address, &place.s3.options())
                .await
                .map_err(failed)?;
            let cache = self.root.join("cache");
            let counted = Arc::new(MeteredStore::new(Arc::new(s3)));
            let cached = CachedStore::open(counted, cache, place.cache_size.as_u64()).await;
            return Ok(Arc::new(cached.map_err(failed)?));
        }
        let folder = named.map_or_else(|| self.root.join("store"), PathBuf::from);
        let local = LocalStore::open(folder).await.map_err(failed)?;
        Ok(Arc::new(MeteredStore::new(Arc::new(local))))
    }

    /// What the steps of a render need, on this machine.
    pub(crate) async fn workshop(&self, place: &PlaceArgs) -> Result<Workshop, Exit> {
        self.workshop_with(place, None).await
    }

    /// As [`Data::workshop`], with programs that need not be looked for.
    pub(crate) async fn workshop_with(
        &self,
        place: &PlaceArgs,
        known: Option<Programs>,
    ) -> Result<Workshop, Exit> {
        let scratch = Scratch::open(place.scratch.as_deref()).map_err(|error| {
            Exit::machine(format!("the scratch folder cannot be used: {error}"))
                .hint("name another folder with `--scratch DIR`")
        })?;
        let options = ToolchainOptions {
            chromium: place.chromium.clone(),
            ffmpeg: place.ffmpeg.clone(),
            known,
        };
        let toolchain = Toolchain::find(&options, &scratch).await?;
        let vendor = Vendor::new(&self.root.join("vendor"), VendorOptions::default())
            .map_err(framewright_activities::Failure::from)?;
        Ok(Workshop {
            store: self.store(place).await?,
            outside: S3Outside::new(place.s3.options()),
            toolchain: Arc::new(toolchain),
            vendor: Arc::new(vendor),
            scratch: Arc::new(scratch),
            browsers: Arc::default(),
            habits: Habits::default(),
        })
    }
}

/// `$XDG_DATA_HOME`, else `~/.local/share` (XDG Base Directory Specification).
pub(crate) fn user_data_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/share")))
}
