//! What happens in the browser's process between fork and exec.
//!
//! The browser's end of the debugging pipe becomes descriptors 3 and 4, and the process leaves
//! the machine's network for an empty one, where the only address is its own and the only
//! listener is ours: it is bound in there and handed back through a socket pair.
#![allow(unsafe_code)] // After a fork only system calls are allowed, and the standard library has none of these.

use std::{
    ffi::CString,
    io,
    mem::{MaybeUninit, size_of, zeroed},
    net::TcpListener,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    os::unix::net::UnixStream,
    ptr,
};
use tokio::process::Command;

/// Where the listener stands in the browser's own network. Nothing else is there to be in its way.
pub(crate) const PORT: u16 = 4080;

/// What the parent keeps of a child's preparation.
pub(crate) struct Preparation {
    report: UnixStream,
    /// Ours until the child has its own copies.
    _held: Vec<OwnedFd>,
}

/// What the child says about its network.
pub(crate) enum Report {
    /// It is in a network of its own, and this is the only way out of it.
    Listener(TcpListener),
    /// The kernel did not let it leave the machine's network.
    Refused {
        step: &'static str,
        source: io::Error,
    },
    /// It was not asked to leave, or did not get that far.
    Nothing,
}

/// All that the hook needs, made before the fork: afterwards no memory may be allocated.
struct Hook {
    commands: RawFd,
    answers: RawFd,
    report: RawFd,
    regain_proc: bool,
    leave_network: bool,
    files: [(CString, Vec<u8>); 3],
}

/// Room for one descriptor in a control message.
#[repr(C, align(8))]
struct Control([u8; 64]);

const STEPS: [&str; 7] = [
    "unshare",
    "deny setgroups",
    "map the user",
    "map the group",
    "raise the loopback interface",
    "listen",
    "hand over the listener",
];

/// Prepares `command`: its descriptors 3 and 4 will be `commands` and `answers`, and with
/// `leave_network` it will run in a network of its own. `user` is who it will be by then, and
/// whether that differs from who we are.
pub(crate) fn prepare(
    command: &mut Command,
    commands: OwnedFd,
    answers: OwnedFd,
    leave_network: bool,
    (uid, gid, changes): (u32, u32, bool),
) -> io::Result<Preparation> {
    let (report, childs_report) = UnixStream::pair()?;
    let childs_report = OwnedFd::from(childs_report);
    let file =
        |name: &str, content: String| io::Result::Ok((CString::new(name)?, content.into_bytes()));
    let hook = Hook {
        commands: commands.as_raw_fd(),
        answers: answers.as_raw_fd(),
        report: childs_report.as_raw_fd(),
        regain_proc: changes,
        leave_network,
        files: [
            file("/proc/self/setgroups", "deny".to_owned())?,
            file("/proc/self/uid_map", format!("{uid} {uid} 1"))?,
            file("/proc/self/gid_map", format!("{gid} {gid} 1"))?,
        ],
    };
    // SAFETY: `Hook::run` makes system calls on numbers and on memory that was made before.
    unsafe {
        command.pre_exec(move || hook.run());
    }
    Ok(Preparation {
        report,
        _held: vec![commands, answers, childs_report],
    })
}

impl Preparation {
    /// What the child said; to be asked once its start has succeeded or failed.
    pub(crate) fn report(self) -> io::Result<Report> {
        receive(&self.report)
    }
}

impl Hook {
    fn run(&self) -> io::Result<()> {
        // SAFETY: plain system calls, all safe after fork; nothing is allocated.
        unsafe {
            // Copies out of the way first: 3 and 4 may be any of them.
            let commands = copy_high(self.commands)?;
            let answers = copy_high(self.answers)?;
            let report = copy_high(self.report)?;
            if self.regain_proc {
                // A process that changed its user may not write to its own /proc files.
                libc::prctl(libc::PR_SET_DUMPABLE, 1 as libc::c_ulong, 0, 0, 0);
            }
            if self.leave_network
                && let Err((step, error)) = self.leave(report)
            {
                let mut words = [step, 0, 0, 0, 0];
                let code = error.raw_os_error().unwrap_or_default();
                words[1..].copy_from_slice(&code.to_ne_bytes());
                libc::send(
                    report,
                    words.as_ptr().cast(),
                    words.len(),
                    libc::MSG_NOSIGNAL,
                );
                return Err(error);
            }
            check(libc::dup2(commands, 3))?;
            check(libc::dup2(answers, 4))?;
        }
        Ok(())
    }

    /// # Safety
    /// To be called between fork and exec, or in a process with one thread.
    unsafe fn leave(&self, report: RawFd) -> Result<(), (u8, io::Error)> {
        // SAFETY: as promised by the caller; all pointers are to memory that outlives the calls.
        unsafe {
            check(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)).map_err(at(0))?;
            for (i, (path, content)) in (1..).zip(&self.files) {
                let fd = check(libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC))
                    .map_err(at(i))?;
                let written = libc::write(fd, content.as_ptr().cast(), content.len());
                if written < 0 {
                    return Err(at(i)(io::Error::last_os_error()));
                }
                libc::close(fd);
            }
            raise_loopback().map_err(at(4))?;
            let listener = listen().map_err(at(5))?;
            send_descriptor(report, listener).map_err(at(6))?;
            libc::close(listener);
        }
        Ok(())
    }
}

fn at(step: u8) -> impl FnOnce(io::Error) -> (u8, io::Error) {
    move |error| (step, error)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

unsafe fn copy_high(fd: RawFd) -> io::Result<RawFd> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 10) })
}

unsafe fn raise_loopback() -> io::Result<()> {
    // SAFETY: the request is a plain struct that outlives the call; its name ends in zeros.
    unsafe {
        let socket = check(libc::socket(
            libc::AF_INET,
            libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
            0,
        ))?;
        let mut request: libc::ifreq = zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        let raised = check(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request));
        libc::close(socket);
        raised.map(drop)
    }
}

unsafe fn listen() -> io::Result<RawFd> {
    // SAFETY: the address is a plain struct that outlives the call.
    unsafe {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let socket = check(libc::socket(libc::AF_INET, kind, 0))?;
        let mut address: libc::sockaddr_in = zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = PORT.to_be();
        address.sin_addr.s_addr = libc::INADDR_LOOPBACK.to_be();
        check(libc::bind(
            socket,
            (&raw const address).cast(),
            size_of::<libc::sockaddr_in>() as libc::socklen_t,
        ))?;
        check(libc::listen(socket, 128))?;
        Ok(socket)
    }
}

unsafe fn send_descriptor(to: RawFd, descriptor: RawFd) -> io::Result<()> {
    // SAFETY: the control buffer is aligned and large enough for one descriptor; all that the
    // message points to outlives the call.
    unsafe {
        let mut byte = [b'+'];
        let mut part = libc::iovec {
            iov_base: byte.as_mut_ptr().cast(),
            iov_len: 1,
        };
        let mut control = Control([0; 64]);
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast(), descriptor);
        if libc::sendmsg(to, &raw const message, libc::MSG_NOSIGNAL) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn receive(from: &UnixStream) -> io::Result<Report> {
    let mut words = [0_u8; 5];
    let mut control = Control([0; 64]);
    let mut part = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: words.len(),
    };
    // SAFETY: all zeros is a valid message header.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: all that the message points to outlives the call. A descriptor that comes with it
    // is new and nobody else's.
    unsafe {
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let read = libc::recvmsg(from.as_raw_fd(), &raw mut message, flags);
        if read < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock {
                Ok(Report::Nothing)
            } else {
                Err(error)
            };
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if !header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS {
            let fd: RawFd = ptr::read_unaligned(libc::CMSG_DATA(header).cast());
            return Ok(Report::Listener(TcpListener::from_raw_fd(fd)));
        }
        if read < 5 {
            return Ok(Report::Nothing);
        }
    }
    let [step, code @ ..] = words;
    Ok(Report::Refused {
        step: STEPS.get(usize::from(step)).copied().unwrap_or("prepare"),
        source: io::Error::from_raw_os_error(i32::from_ne_bytes(code)),
    })
}
