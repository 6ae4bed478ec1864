//! Lines of bounded length, and where they stand.

use std::io::{BufRead, Read as _};

/// One line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// In the buffer, without its end.
    Whole,
    /// Longer than the limit; it was passed over.
    TooLong,
}

/// Reads the next line into `line`; `None` at the end.
pub(super) fn bounded_line(
    source: &mut impl BufRead,
    limit: usize,
    line: &mut Vec<u8>,
) -> std::io::Result<Option<Line>> {
    line.clear();
    if source.by_ref().take(limit as u64 + 1).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Line::Whole));
    }
    if line.len() <= limit {
        return Ok(Some(Line::Whole));
    }
    line.clear();
    loop {
        let buffer = source.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer);
        let (used, is_over) = end.map_or((buffer.len(), buffer.is_empty()), |at| (at + 1, true));
        source.consume(used);
        if is_over {
            return Ok(Some(Line::TooLong));
        }
    }
}
