/// Takes a frame as it is read, some rows at a time, from the top down.
///
/// A frame of 1080p has 8 MB: taken whole, each of its bytes would go to memory and back between
/// the compositor and the encoder; some rows stay in a core's own cache.
pub trait Rows: Send {
    /// Rows of a frame, beginning with row `first`: 4-byte BGRA pixels, opaque, without padding.
    /// `first` and the number of rows are even, but for the last rows of a frame of odd height.
    fn rows(&mut self, first: u32, bgra: &[u8]);
}

/// The whole frame, one row after the other.
impl Rows for Vec<u8> {
    fn rows(&mut self, first: u32, bgra: &[u8]) {
        if first == 0 {
            self.clear();
        }
        self.extend_from_slice(bgra);
    }
}
