//! Whether an mp4 file was written to its end.
//!
//! ffmpeg can end in success although its last writes failed: on a disk that filled up, the index
//! was missing. Such a file in the store would be taken for its segment for ever.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _},
    path::Path,
};

/// Whether the file is a row of boxes (ISO/IEC 14496-12) that ends where the file does, with media
/// and an index among them. Only their headers are read.
pub(crate) fn is_whole(file: &Path) -> io::Result<bool> {
    let file = File::open(file)?;
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let (mut at, mut media, mut index) = (0, false, false);
    while at < length {
        let mut header = [0; 16];
        let here = usize::try_from(length - at).map_or(16, |left| left.min(16));
        if here < 8 {
            return Ok(false);
        }
        file.seek(io::SeekFrom::Start(at))?;
        file.read_exact(&mut header[..here])?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _] = header;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 if here == 16 => {
                let [_, _, _, _, _, _, _, _, long @ ..] = header;
                u64::from_be_bytes(long)
            }
            short => u64::from(short),
        };
        // A box whose writer did not come back to say its size says zero.
        if size < 8 {
            return Ok(false);
        }
        media |= kind == *b"mdat";
        index |= kind == *b"moov";
        at = at.saturating_add(size);
    }
    Ok(at == length && media && index)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    fn bytes(kind: &[u8; 4], body: usize) -> Vec<u8> {
        let size = u32::try_from(8 + body).unwrap();
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.resize(8 + body, 7);
        bytes
    }

    #[test]
    fn a_file_is_whole_with_all_of_its_boxes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("film.mp4");
        let whole = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            is_whole(&file).unwrap()
        };
        let film = [bytes(b"ftyp", 4), bytes(b"mdat", 40), bytes(b"moov", 20)].concat();
        assert!(whole(&film));
        for length in 0..film.len() {
            assert!(!whole(&film[..length]), "{length} bytes");
        }
        let mut long = bytes(b"mdat", 8);
        long[..4].copy_from_slice(&1u32.to_be_bytes());
        long[8..].copy_from_slice(&16u64.to_be_bytes());
        assert!(whole(&[long, bytes(b"moov", 0)].concat()));
        let mut open = bytes(b"mdat", 40);
        open[..4].fill(0);
        assert!(!whole(&[open, bytes(b"moov", 20)].concat()));
    }
}
