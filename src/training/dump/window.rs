//! A window on a stream: the bytes in hand, more of them when asked for, and how far it has come.
//!
//! CSV needs it to go back to the beginning of a record, SQL to look ahead. It grows no further than it is asked to.

use std::io::Read;

const CHUNK_BYTES: usize = 128 << 10;

pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes consumed before `start`.
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R) -> Window<R> {
        Window { source, buffer: Vec::new(), start: 0, end: 0, offset: 0 }
    }

    /// The bytes in hand.
    pub(super) fn data(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the window begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves the beginning on.
    pub(super) fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.end - self.start);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Takes more bytes into hand; false when there are none.
    pub(super) fn more(&mut self) -> std::io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK_BYTES {
            // Twice as much each time, so that a long record is moved a few times only.
            self.buffer.resize((self.end * 2).max(self.end + CHUNK_BYTES), 0);
        }
        loop {
            match self.source.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next byte, left where it is; `None` at the end.
    pub(super) fn peek(&mut self) -> std::io::Result<Option<u8>> {
        if self.start == self.end && !self.more()? {
            return Ok(None);
        }
        Ok(self.data().first().copied())
    }

    /// The byte after the next.
    pub(super) fn peek_second(&mut self) -> std::io::Result<Option<u8>> {
        while self.end - self.start < 2 {
            if !self.more()? {
                return Ok(None);
            }
        }
        Ok(self.data().get(1).copied())
    }
}
