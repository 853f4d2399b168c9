use framewright_film::Digest;
use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The bundled fonts: all weights, upright and italic, and their licences.
const FILES: [(&str, &[u8]); 9] = [
    ("Inter.ttf", include_bytes!("../fonts/Inter.ttf")),
    (
        "Inter-Italic.ttf",
        include_bytes!("../fonts/Inter-Italic.ttf"),
    ),
    (
        "JetBrainsMono.ttf",
        include_bytes!("../fonts/JetBrainsMono.ttf"),
    ),
    (
        "JetBrainsMono-Italic.ttf",
        include_bytes!("../fonts/JetBrainsMono-Italic.ttf"),
    ),
    ("EBGaramond.ttf", include_bytes!("../fonts/EBGaramond.ttf")),
    (
        "EBGaramond-Italic.ttf",
        include_bytes!("../fonts/EBGaramond-Italic.ttf"),
    ),
    ("Inter.OFL.txt", include_bytes!("../fonts/Inter.OFL.txt")),
    (
        "JetBrainsMono.OFL.txt",
        include_bytes!("../fonts/JetBrainsMono.OFL.txt"),
    ),
    (
        "EBGaramond.OFL.txt",
        include_bytes!("../fonts/EBGaramond.OFL.txt"),
    ),
];

/// Which family stands for which names. Names that are not here are not substituted: the browser
/// goes on to the next name of the list, as on any machine that lacks the font.
const SUBSTITUTES: [(&str, &[&str]); 3] = [
    (
        "Inter",
        &[
            "sans-serif",
            "sans",
            "system-ui",
            "ui-sans-serif",
            "ui-rounded",
            "Arial",
            "Arial MT",
            "ArialMT",
            "Helvetica",
            "Helvetica Neue",
            "HelveticaNeue",
            "Nimbus Sans",
            "Liberation Sans",
            "Segoe UI",
            "SF Pro",
            "SF Pro Display",
            "SF Pro Text",
            "San Francisco",
            "BlinkMacSystemFont",
            "-apple-system",
            "Roboto Flex",
            "Ubuntu",
            "Cantarell",
            "Oxygen",
            "DejaVu Sans",
            "Bitstream Vera Sans",
            "Verdana",
            "Tahoma",
            "Geneva",
            "Trebuchet MS",
            "Lucida Grande",
            "Lucida Sans",
            "Lucida Sans Unicode",
            "Calibri",
            "Candara",
            "Corbel",
            "Gill Sans",
            "Optima",
            "Avenir",
            "Avenir Next",
            "Futura",
            "Franklin Gothic Medium",
            "Arial Narrow",
            "Arial Black",
            "Microsoft Sans Serif",
            "MS Sans Serif",
            "Inter Variable",
        ],
    ),
    (
        "JetBrains Mono",
        &[
            "monospace",
            "mono",
            "ui-monospace",
            "Courier",
            "Courier New",
            "Consolas",
            "Menlo",
            "Monaco",
            "SF Mono",
            "SFMono-Regular",
            "Lucida Console",
            "Lucida Sans Typewriter",
            "Liberation Mono",
            "DejaVu Sans Mono",
            "Andale Mono",
            "Cascadia Code",
            "Cascadia Mono",
            "Ubuntu Mono",
            "JetBrains Mono Variable",
        ],
    ),
    (
        "EB Garamond",
        &[
            "serif",
            "ui-serif",
            "Times",
            "Times New Roman",
            "Georgia",
            "Garamond",
            "Cambria",
            "Palatino",
            "Palatino Linotype",
            "Book Antiqua",
            "Baskerville",
            "Didot",
            "Bodoni MT",
            "Hoefler Text",
            "Liberation Serif",
            "DejaVu Serif",
            "Nimbus Roman",
            "New York",
            "EB Garamond Variable",
        ],
    ),
];

/// What stands for a name.
pub(crate) mod substitute {
    use super::SUBSTITUTES;

    /// The bundled family that is painted where `name` is asked for.
    pub(crate) fn of(name: &str) -> Option<&'static str> {
        let stands_for = |names: &[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(name));
        let found = SUBSTITUTES.iter().find(|(_, names)| stands_for(names));
        found.map(|(family, _)| *family)
    }

    /// Whether `name` is a bundled family itself.
    pub(crate) fn is_bundled(name: &str) -> bool {
        SUBSTITUTES
            .iter()
            .any(|(family, _)| family.eq_ignore_ascii_case(name))
    }
}

/// Stands for the folder's absolute path: fontconfig takes a relative cache folder from wherever
/// the browser happens to be started.
const FOLDER: &str = "@FOLDER@";

static FINGERPRINT: LazyLock<Digest> = LazyLock::new(|| {
    let mut table = configuration();
    for (name, bytes) in FILES {
        let _ = write!(table, "\n{name} {}", Digest::of(bytes));
    }
    Digest::of(table)
});

/// Digest of the bundled fonts and of how names lead to them; part of a plan's fingerprint.
pub fn fonts_fingerprint() -> Digest {
    *FINGERPRINT
}

/// Writes the bundled fonts and a `fonts.conf` into a folder of its own under `dir`, and returns
/// that folder. The browser is to be started with `FONTCONFIG_FILE=<folder>/fonts.conf`, and then
/// knows these fonts and no other.
///
/// The folder's name tells its content, so a second call only looks, and workers of several
/// versions can share `dir`.
///
/// # Errors
/// When the folder cannot be written.
pub fn install_fonts(dir: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let folder = dir.join(format!("fonts-{}", fonts_fingerprint().short()));
    // Written last, so it vouches for the rest.
    let settings = folder.join("fonts.conf");
    if settings.is_file() {
        return Ok(folder);
    }
    fs::create_dir_all(folder.join("cache"))?;
    for (name, bytes) in FILES {
        write_whole(&folder.join(name), bytes)?;
    }
    let place = escaped(&folder.canonicalize()?)?;
    let text = configuration().replace(FOLDER, &place);
    write_whole(&settings, text.as_bytes())?;
    Ok(folder)
}

/// The path as XML text.
fn escaped(path: &Path) -> io::Result<String> {
    let text = path
        .to_str()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "its path is not UTF-8"))?;
    Ok(text.replace('&', "&amp;").replace('<', "&lt;"))
}

/// Any number of workers may do this at once; each renames a whole file into place.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    fs::set_permissions(file.path(), readable())?;
    file.persist(path)?;
    Ok(())
}

/// A browser may run as another user than the one that installed the fonts.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}

fn configuration() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"urn:fontconfig:fonts.dtd\">\n<fontconfig>\n\
         <dir>@FOLDER@</dir>\n<cachedir>@FOLDER@/cache</cachedir>\n",
    );
    for (family, names) in SUBSTITUTES {
        for name in names {
            let _ = writeln!(
                text,
                "<match target=\"pattern\"><test qual=\"any\" name=\"family\"><string>{name}</string></test>\
                 <edit name=\"family\" mode=\"assign\" binding=\"strong\"><string>{family}</string></edit></match>"
            );
        }
    }
    // Said outright, because each decides pixels and distributions differ.
    text.push_str(
        "<match target=\"font\">\
         <edit name=\"antialias\" mode=\"assign\"><bool>true</bool></edit>\
         <edit name=\"hinting\" mode=\"assign\"><bool>false</bool></edit>\
         <edit name=\"autohint\" mode=\"assign\"><bool>false</bool></edit>\
         <edit name=\"hintstyle\" mode=\"assign\"><const>hintnone</const></edit>\
         <edit name=\"rgba\" mode=\"assign\"><const>none</const></edit>\
         <edit name=\"lcdfilter\" mode=\"assign\"><const>lcdnone</const></edit>\
         <edit name=\"embeddedbitmap\" mode=\"assign\"><bool>false</bool></edit>\
         </match>\n</fontconfig>\n",
    );
    text
}
