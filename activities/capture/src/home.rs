use crate::CaptureError;
use framewright_process::OwnedFolder;
use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

/// Who the browser runs as when we are root: nobody, who owns nothing.
pub(crate) const NOBODY: u32 = 65534;

const PREFIX: &str = "framewright-browser-";

/// The folder that holds all that one browser writes.
pub(crate) struct Home {
    folder: OwnedFolder,
    fontconfig: Option<PathBuf>,
}

impl Home {
    /// A new folder in `scratch`, for `owner` if the browser is to run as somebody else.
    pub(crate) fn create(
        scratch: &Path,
        fonts: Option<&Path>,
        owner: Option<u32>,
    ) -> io::Result<Self> {
        // Somebody else may not get through our folders to what is in them.
        let hidden = owner.is_some() && !reachable(scratch);
        let parent = if hidden {
            std::env::temp_dir()
        } else {
            fs::create_dir_all(scratch)?;
            scratch.to_owned()
        };
        let mut home = Self {
            folder: OwnedFolder::create(&parent, PREFIX, 0o700)?,
            fontconfig: None,
        };
        home.fontconfig = match fonts {
            Some(fonts) if owner.is_some() && !reachable(fonts) => Some(home.copy_fonts(fonts)?),
            Some(fonts) => Some(fonts.join("fonts.conf")),
            None => None,
        };
        let temporary = home.path().join("tmp");
        fs::create_dir(&temporary)?;
        if let Some(owner) = owner {
            for path in [&temporary, home.path()] {
                chown(path, Some(owner), Some(owner))?;
            }
        }
        Ok(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The file that tells the browser which fonts there are.
    pub(crate) fn fontconfig(&self) -> Option<&Path> {
        self.fontconfig.as_deref()
    }

    /// The fonts, where the browser's user can read them. Their configuration names its folder.
    fn copy_fonts(&self, fonts: &Path) -> io::Result<PathBuf> {
        let copy = self.path().join("fonts");
        copy_tree(fonts, &copy)?;
        let config = copy.join("fonts.conf");
        let text = fs::read_to_string(&config)?;
        let (from, to) = (fonts.to_string_lossy(), copy.to_string_lossy());
        fs::write(&config, text.replace(&*from, &to))?;
        Ok(config)
    }
}

/// The user that the browser must run as, if not ours: a browser with root's rights would be no
/// browser in a sandbox.
pub(crate) fn other_user() -> Option<u32> {
    // The owner of our own entry in /proc is who we are.
    let us = fs::metadata("/proc/self").map(|us| us.uid());
    matches!(us, Ok(0)).then_some(NOBODY)
}

/// Whether everybody can get to `path`.
fn reachable(path: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else {
        return false;
    };
    path.ancestors()
        .filter_map(|folder| fs::metadata(folder).ok())
        .all(|meta| meta.permissions().mode() & 0o001 != 0)
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}

/// As [`Home::create`], away from the threads that must not block.
pub(crate) async fn create(
    scratch: PathBuf,
    fonts: Option<PathBuf>,
    owner: Option<u32>,
) -> Result<Home, CaptureError> {
    let made =
        tokio::task::spawn_blocking(move || Home::create(&scratch, fonts.as_deref(), owner)).await;
    made.map_err(io::Error::other)
        .flatten()
        .map_err(CaptureError::io("making a folder for the browser"))
}

#[cfg(test)]
mod tests {
    use super::Home;
    use std::fs;

    #[test]
    fn copied_fonts_are_configured_where_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let fonts = scratch.path().join("fonts");
        fs::create_dir_all(fonts.join("files")).unwrap();
        fs::write(fonts.join("files/a.ttf"), "a font").unwrap();
        let config = format!("<dir>{}/files</dir>", fonts.display());
        fs::write(fonts.join("fonts.conf"), config).unwrap();
        let home = Home::create(scratch.path(), None, None).unwrap();
        let copy = home.copy_fonts(&fonts).unwrap();
        let files = home.path().join("fonts/files");
        let expected = format!("<dir>{}</dir>", files.display());
        assert_eq!(fs::read_to_string(copy).unwrap(), expected);
        assert_eq!(fs::read_to_string(files.join("a.ttf")).unwrap(), "a font");
    }
}
