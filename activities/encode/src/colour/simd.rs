//! The same arithmetic, compiled for several instruction sets; the best is found at run time.

#![allow(unsafe_code)] // A function for instructions that not every CPU has cannot be called otherwise.

use super::rows::{self, Sums};
use std::fmt;

/// Instructions that this CPU has. There is no way to name others, so that having one of these
/// means that it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simd(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// What every CPU of the compiler's target has: SSE2, NEON.
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Simd {
    /// All that this CPU has, slowest first: never empty.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self(Set::Baseline)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Self(Set::Avx2));
            }
            if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") {
                all.push(Self(Set::Avx512));
            }
        }
        all
    }

    /// The last of [`Simd::available`].
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self(Set::Baseline))
    }

    #[inline]
    pub(super) fn pair(
        self,
        sums: &mut Sums,
        pixels: [&[u8]; 2],
        luma: &mut [u8],
        chroma: [&mut [u8]; 2],
    ) {
        match self.0 {
            Set::Baseline => baseline(sums, pixels, luma, chroma),
            // SAFETY: only `available` makes these, after asking the CPU for the features that
            // the function is compiled for. The functions themselves are safe code.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2(sums, pixels, luma, chroma) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512(sums, pixels, luma, chroma) },
        }
    }
}

impl fmt::Display for Simd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        })
    }
}

fn baseline(sums: &mut Sums, pixels: [&[u8]; 2], luma: &mut [u8], chroma: [&mut [u8]; 2]) {
    rows::pair(sums, pixels, luma, chroma);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(sums: &mut Sums, pixels: [&[u8]; 2], luma: &mut [u8], chroma: [&mut [u8]; 2]) {
    rows::pair(sums, pixels, luma, chroma);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vl")]
fn avx512(sums: &mut Sums, pixels: [&[u8]; 2], luma: &mut [u8], chroma: [&mut [u8]; 2]) {
    rows::pair(sums, pixels, luma, chroma);
}
