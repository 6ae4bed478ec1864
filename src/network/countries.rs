//! In which country an address is, by a file that somebody downloads: MaxMind's GeoLite2 Country, DB-IP's country lite, or
//! another in the MaxMind DB format (maxmind.github.io/MaxMind-DB) with `country.iso_code`. Looking in it asks nobody.
//!
//! Owns reading it. Does not own when (`followed`) nor what a country means for a site (`decision`).

use std::io;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, path};

use super::followed::Followed;

/// Largest file that is read: of the whole world some 10 MB, with cities 130.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub struct Countries {
    pub file: Followed<Option<Reader<Vec<u8>>>>,
}

impl Countries {
    /// Knows nothing until [`Countries::refresh`] was called.
    pub fn new(path: &Path) -> Countries {
        Countries { file: Followed::new(path) }
    }

    /// Reads the file if it changed since. One that is cut or damaged is not taken.
    pub fn refresh(&self) {
        self.file.refresh(|path| {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
            let broken = |error: maxminddb::MaxMindDbError| io::Error::new(io::ErrorKind::InvalidData, error);
            let reader = Reader::from_source(bytes).map_err(broken)?;
            reader.verify().map_err(broken)?;
            let made = &reader.metadata().database_type;
            tracing::info!(file = %path.display(), kind = made, "country file read");
            Ok(Some(reader))
        });
    }

    /// ISO 3166-1 alpha-2 (`EG`): where the address is used; where it is registered, if the file knows only that.
    pub fn of(&self, ip: IpAddr) -> Option<String> {
        let reader = self.file.content();
        let found = reader.as_ref().as_ref()?.lookup(ip).ok()?;
        let code = |place: &str| found.decode_path::<&str>(&path![place, "iso_code"]).ok().flatten();
        let code = code("country").or_else(|| code("registered_country"))?;
        let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then(|| code.to_owned())
    }
}
