//! Bytes on their way to a socket: response headers and record slices, in order, never copied.

use crate::metrics::Timing;
use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tidegate_log::Slice;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

/// Buffers given to one vectored write.
const IO_SLICES_MAX: usize = 64;

/// One complete response frame.
#[derive(Debug, Default)]
pub struct Response {
    /// The frame's bytes.
    pub slices: SmallVec<[Slice; 1]>,
    /// The first error code in it, 0 for none.
    pub error: i16,
    /// The request that it answers, for who wants to know when it is sent.
    pub timing: Option<Timing>,
}

/// The unsent rest of the responses whose turn has come.
#[derive(Debug, Default)]
pub struct Output {
    chunks: VecDeque<Slice>,
    len: usize,
    /// Bytes written since the connection began.
    written: u64,
    /// Where each response ends, counted from there.
    ends: VecDeque<(u64, Timing)>,
}

impl Output {
    /// Adds a response behind the others.
    pub fn push(&mut self, response: Response) {
        for chunk in response.slices {
            if !chunk.is_empty() {
                self.len += chunk.len();
                self.chunks.push_back(chunk);
            }
        }
        if let Some(timing) = response.timing {
            self.ends.push_back((self.written + self.len as u64, timing));
        }
    }

    /// The next response whose last byte was written since this was last asked.
    pub fn pop_sent(&mut self) -> Option<Timing> {
        let (end, _) = self.ends.front()?;
        if *end > self.written {
            return None;
        }
        self.ends.pop_front().map(|(_, timing)| timing)
    }

    /// Bytes not sent yet.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when everything is sent.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Writes once; ready with the number of bytes that the socket took.
    pub fn poll_write(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let written = match self.chunks.front() {
            None => return Poll::Ready(Ok(0)),
            Some(Slice::Memory(_)) => {
                let mut buffers: SmallVec<[IoSlice<'_>; IO_SLICES_MAX]> = SmallVec::new();
                for chunk in self.chunks.iter().take(IO_SLICES_MAX) {
                    let Slice::Memory(bytes) = chunk else { break };
                    buffers.push(IoSlice::new(bytes));
                }
                ready!(Pin::new(stream).poll_write_vectored(context, &buffers))?
            }
            Some(Slice::File { file, position, len }) => {
                ready!(poll_sendfile(stream, context, file, *position, *len))?
            }
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn advance(&mut self, mut written: usize) {
        self.len -= written;
        self.written += written as u64;
        while written > 0 {
            let front = self.chunks.front_mut().expect("no more is written than was queued");
            let left = front.len();
            if written >= left {
                written -= left;
                self.chunks.pop_front();
                continue;
            }
            match front {
                Slice::Memory(bytes) => bytes.advance(written),
                Slice::File { position, len, .. } => {
                    *position += written as u64;
                    *len -= written;
                }
            }
            return;
        }
    }
}

/// Sends a file range without bringing it into this process (Linux `sendfile(2)`).
fn poll_sendfile(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
    file: &Arc<File>,
    position: u64,
    len: usize,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(context))?;
        let sent = stream.try_io(Interest::WRITABLE, || {
            let mut offset = position as libc::off_t;
            // SAFETY: both descriptors are open for the length of the call, and `offset` is a
            // local that outlives it.
            let sent =
                unsafe { libc::sendfile(stream.as_raw_fd(), file.as_raw_fd(), &mut offset, len) };
            if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return Poll::Ready(other),
        }
    }
}

/// A response that lies in one buffer.
pub fn single(bytes: Bytes) -> Response {
    Response { slices: SmallVec::from_buf([Slice::Memory(bytes)]), ..Response::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_crosses_chunk_borders_and_keeps_the_count() {
        let mut output = Output::default();
        output.push(single(Bytes::from_static(b"head")));
        output.push(single(Bytes::from_static(b"body")));
        output.advance(6);
        assert_eq!(output.len(), 2);
        let Some(Slice::Memory(rest)) = output.chunks.front() else { panic!("a chunk is left") };
        assert_eq!(&rest[..], b"dy");
        output.advance(2);
        assert!(output.is_empty());
    }

    #[test]
    fn a_response_is_sent_when_its_last_byte_is_and_not_before() {
        let mut output = Output::default();
        let now = std::time::Instant::now();
        for api_key in [0, 1] {
            let timing = Some(Timing { api_key, started: now, ready: now });
            output.push(Response { timing, ..single(Bytes::from_static(b"1234")) });
        }
        output.advance(3);
        assert!(output.pop_sent().is_none());
        output.advance(5);
        let sent = std::iter::from_fn(|| output.pop_sent()).map(|timing| timing.api_key);
        assert_eq!(sent.collect::<Vec<_>>(), [0, 1]);
    }
}
