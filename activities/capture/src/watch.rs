//! Other processes of the browser, seen from outside: which they are, whether they live, and
//! what is in their memory.
#![allow(unsafe_code)] // `pidfd_open` and `process_vm_readv` have no safe form in the standard library.

use framewright_process::group;
use std::{
    fs, io,
    os::fd::{FromRawFd as _, OwnedFd},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Learns of the end of a process that is not our child.
pub(crate) struct Watch(AsyncFd<OwnedFd>);

/// A process whose memory is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pid: i32,
}

/// Writable memory of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) len: usize,
    /// Private and of no file: heap.
    pub(crate) anonymous: bool,
}

impl Watch {
    pub(crate) async fn ended(&mut self) {
        // A process descriptor becomes readable when, and only when, the process ends.
        let _ = self.0.readable().await;
    }
}

impl Peer {
    /// The process of group `group` that was started with `argument`.
    pub(crate) fn find(group: u32, argument: &str) -> Option<Self> {
        group::members(group)
            .find(|pid| {
                fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                    // The browser's children write their arguments with spaces between.
                    line.split(|byte| matches!(byte, 0 | b' '))
                        .any(|word| word == argument.as_bytes())
                })
            })
            .map(|pid| Self { pid })
    }

    pub(crate) fn watch(self) -> io::Result<Watch> {
        // SAFETY: takes two numbers, returns a descriptor that nobody else owns, or -1.
        let fd = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, self.pid, 0);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd as i32)
        };
        // SAFETY: an `OwnedFd` is open, and the same descriptor, for as long as it lives.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Watch(fd))
    }

    /// Its writable mappings.
    pub(crate) fn mappings(self) -> io::Result<Vec<Mapping>> {
        let text = fs::read_to_string(format!("/proc/{}/maps", self.pid))?;
        Ok(text.lines().filter_map(mapping).collect())
    }

    /// Fills `into` with what is at `address`.
    pub(crate) fn read(self, address: u64, into: &mut [u8]) -> io::Result<()> {
        let local = libc::iovec {
            iov_base: into.as_mut_ptr().cast(),
            iov_len: into.len(),
        };
        let remote = libc::iovec {
            iov_base: address as *mut libc::c_void,
            iov_len: into.len(),
        };
        // SAFETY: the kernel writes at most `into.len()` bytes to `into`, which is ours alone for
        // the call; the remote address is checked by the kernel, in the other process.
        let read = unsafe {
            libc::process_vm_readv(self.pid, &raw const local, 1, &raw const remote, 1, 0)
        };
        match usize::try_from(read) {
            Err(_) => Err(io::Error::last_os_error()),
            Ok(read) if read < into.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
        }
    }
}

fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    rights.starts_with("rw").then(|| Mapping {
        start,
        len: (end - start) as usize,
        anonymous: rights.ends_with('p') && words.nth(3).is_none_or(|name| name.starts_with('[')),
    })
}
