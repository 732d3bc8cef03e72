//! A netlink socket with the options that matter here, and the envelope of its messages.
#![allow(unsafe_code, reason = "two socket options that no crate offers")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NlasIterator};
use netlink_sys::protocols::NETLINK_ROUTE;
use rustix::event::{EventfdFlags, eventfd};

use crate::sys::kernel::KernelError;

/// The kernel never puts more than this into one datagram of a dump.
const DATAGRAM: usize = 32 * 1024;

/// Length of a netlink message header.
pub(super) const HEADER: usize = 16;

/// Reply types.
pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;

/// A bound, non-blocking route netlink socket with its receive buffer.
pub(super) struct Socket {
    inner: netlink_sys::Socket,
    port: u32,
    buffer: Vec<u8>,
}

/// What one read gave.
pub(super) enum Received {
    /// A datagram from the kernel stands in the buffer.
    Data,
    /// A datagram from somebody else, to be ignored.
    Foreign,
    /// Nothing to read now.
    Nothing,
    /// The kernel had to drop something (`ENOBUFS`).
    Overrun,
}

impl Socket {
    /// A socket that hears the given multicast groups.
    pub(super) fn open(groups: &[u32]) -> io::Result<Socket> {
        let mut inner = netlink_sys::Socket::new(NETLINK_ROUTE)?;
        let port = inner.bind_auto()?.port_number();
        inner.set_non_blocking(true)?;
        for &group in groups {
            inner.add_membership(group)?;
        }
        Ok(Socket { inner, port, buffer: Vec::with_capacity(2 * DATAGRAM) })
    }

    /// For requests: short acknowledgements with texts.
    pub(super) fn acknowledge(&self) -> io::Result<()> {
        self.inner.set_cap_ack(true)?;
        self.inner.set_ext_ack(true)
    }

    /// For dumps: the kernel filters by the fields of the request. False if it is too old for that.
    pub(super) fn strict(&self) -> bool {
        self.inner.set_netlink_get_strict_chk(true).is_ok()
    }

    /// Sets the receive buffer, beyond the system's limit where we may.
    pub(super) fn set_receive_buffer(&self, bytes: usize) -> io::Result<()> {
        let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        match self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes) {
            Err(_) => self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes),
            done => done,
        }
    }

    /// How many refusals, or notices, find room until they are read.
    pub(super) fn capacity(&self) -> usize {
        // What a short message takes of the buffer: 256 of them fill the default one of 212,992 bytes.
        const MESSAGE: usize = 832;
        self.inner.get_rx_buf_sz().unwrap_or(0) / MESSAGE
    }

    /// Drops what the kernel says about requests of `port` before it takes space in the buffer. Edits by anybody else
    /// still arrive, also those of our routes.
    pub(super) fn ignore_echoes_of(&self, port: u32) -> io::Result<()> {
        const PORT_OFFSET: u32 = 12; // of `nlmsg_pid` in the header
        let op = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
        let mut program = [
            // A load converts from network byte order; the field is in host order.
            op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, PORT_OFFSET),
            op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, port.to_be()),
            op(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
            op(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
        ];
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        self.set_option(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Our address on the netlink bus: the sender's port of our requests' echoes.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    /// Hands a buffer of requests to the kernel, which carries them out before this returns.
    pub(super) fn send(&self, buffer: &[u8]) -> io::Result<()> {
        loop {
            match self.inner.send(buffer, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Reads one datagram.
    pub(super) fn receive(&mut self) -> io::Result<Received> {
        self.buffer.clear();
        match self.inner.recv_from(&mut self.buffer, libc::MSG_DONTWAIT) {
            Ok((_, sender)) if sender.port_number() != 0 => Ok(Received::Foreign),
            Ok(_) => Ok(Received::Data),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR) => Ok(Received::Nothing),
                Some(libc::ENOBUFS) => Ok(Received::Overrun),
                _ => Err(error),
            },
        }
    }

    /// The messages of the datagram read last.
    pub(super) fn messages(&self) -> Messages<'_> {
        Messages { rest: &self.buffer }
    }

    fn set_option<T>(&self, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
        let length = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is a live reference to `length` bytes which the kernel only reads during the call; the
        // descriptor is ours and open.
        let result = unsafe {
            libc::setsockopt(self.inner.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), length)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// One message of a datagram.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    pub payload: &'a [u8],
}

/// The messages of a datagram; ends at the first one whose length is impossible.
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

/// The messages of these bytes.
pub(super) fn messages_of(bytes: &[u8]) -> Messages<'_> {
    Messages { rest: bytes }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let length = read_u32(self.rest, 0)? as usize;
        let message = Message {
            kind: read_u16(self.rest, 4)?,
            flags: read_u16(self.rest, 6)?,
            sequence: read_u32(self.rest, 8)?,
            payload: self.rest.get(HEADER..length)?,
        };
        self.rest = self.rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    }
}

impl Message<'_> {
    /// For [`NLMSG_ERROR`] and [`NLMSG_DONE`]: what they report.
    pub(super) fn outcome(&self) -> Result<(), KernelError> {
        let errno = read_u32(self.payload, 0).map_or(-libc::EBADMSG, |code| code as i32);
        // No number of an error is that large, but a message may hold it.
        let error = errno.saturating_neg();
        if errno >= 0 { Ok(()) } else { Err(KernelError { errno: error, text: self.explanation() }) }
    }

    /// The text of an extended acknowledgement.
    fn explanation(&self) -> Option<Box<str>> {
        const NLMSGERR_ATTR_MSG: u16 = 1;
        if self.flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        // An error quotes the header of the request, and all of it unless capped; a DONE quotes nothing.
        let quoted = match self.kind {
            NLMSG_DONE => 0,
            _ if self.flags & NLM_F_CAPPED != 0 => HEADER,
            _ => (read_u32(self.payload, 4)? as usize).next_multiple_of(4),
        };
        NlasIterator::new(self.payload.get(4 + quoted..)?)
            .map_while(Result::ok)
            .find_map(|attribute| (attribute.kind() == NLMSGERR_ATTR_MSG).then(|| text(attribute.value())))
    }
}

/// The attributes of a message or of another attribute: number, value, and all of it as it stands there, padding
/// included. Ends before an attribute of impossible length; then bytes are left.
pub(super) struct Attributes<'a> {
    pub rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        const NUMBER: u16 = 0x3fff; // without the flags
        let (length, kind) = (usize::from(read_u16(self.rest, 0)?), read_u16(self.rest, 2)? & NUMBER);
        let value = self.rest.get(4..length)?;
        let end = length.next_multiple_of(4).min(self.rest.len());
        let (all, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some((kind, value, all))
    }
}

/// A string attribute, without its NUL.
pub(super) fn text(value: &[u8]) -> Box<str> {
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into()
}

/// Four bytes in host order.
pub(super) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Two bytes in host order.
pub(super) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// An eventfd: wakes a thread that waits in `poll`.
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Wakes the thread, now or when it next waits. A full counter has woken it already.
    pub(super) fn ring(&self) {
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes the next wait wait again.
    pub(super) fn quiet(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
