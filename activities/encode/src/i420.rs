use framewright_film::FrameSize;

/// One frame as the encoder takes it: 4:2:0, a plane of luma and two of chroma at half its sides.
///
/// A [`Converter`](crate::Converter) fills it. Its size is even; see [`FrameSize::even`].
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    size: FrameSize,
    planes: Vec<u8>,
}

impl I420 {
    /// An unfilled frame for pictures of `size`, which is rounded up to even.
    pub fn new(size: FrameSize) -> Self {
        let size = size.even();
        // Three halves of a byte for each pixel.
        let planes = vec![0; size.bgra_len() / 8 * 3];
        Self { size, planes }
    }

    /// Width and height of the luma plane, both even.
    pub fn size(&self) -> FrameSize {
        self.size
    }

    /// Luma, blue difference and red difference: rows without padding, one byte per sample, in
    /// BT.709's limited range.
    pub fn planes(&self) -> [&[u8]; 3] {
        let (luma, chroma) = self.planes.split_at(self.luma_len());
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        [luma, blue, red]
    }

    pub(crate) fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let luma = self.luma_len();
        let (luma, chroma) = self.planes.split_at_mut(luma);
        let half = chroma.len() / 2;
        let (blue, red) = chroma.split_at_mut(half);
        [luma, blue, red]
    }

    /// The three planes, one after the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.planes
    }

    fn luma_len(&self) -> usize {
        self.size.width as usize * self.size.height as usize
    }
}

/// Pixels would fill a screen and say nothing.
impl std::fmt::Debug for I420 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "I420({})", self.size)
    }
}
