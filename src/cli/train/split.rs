//! What `hamlet train` holds out: by time where the comments tell when they were written, else by a hash of the text.
//!
//! Owns the choice. Does not own what can be split by time (`training::calendar`) nor the split (`training::held_out`).

use std::path::Path;

use serde_json::Value;

use super::session::for_each_label;
use super::{Args, DEFAULT_HELD_OUT};
use crate::cli::dumps::Meter;
use crate::store::Store;
use crate::training::calendar::Calendar;
use crate::training::dump::{self, Options, Tally};
use crate::training::held_out::HeldOut;
use crate::training::seen::Seen;

/// What is held out. Unless it was said, the dumps are read through once more to see their dates.
///
/// * `champion`: the card of the model that serves. Where it has seen what would be held out by time, the split is by hash:
///   a comparison is worth nothing where one side knows the answers.
pub(super) async fn of(
    args: &Args,
    options: &Options,
    store: Option<&dyn Store>,
    champion: &Value,
) -> anyhow::Result<HeldOut> {
    if let Some(since) = args.held_out_since {
        return Ok(HeldOut::newer(since));
    }
    let share = args.held_out.unwrap_or(DEFAULT_HELD_OUT);
    let is_read_once = args.recipe.is_some() || args.dumps.iter().any(|dump| dump == Path::new("-"));
    if args.held_out.is_some() || is_read_once || matches!(Seen::by(champion), Seen::Beyond(_)) {
        return Ok(HeldOut::new(share));
    }
    let mut calendar = Calendar::default();
    note_dumps(&mut calendar, args, options);
    if let Some(store) = store.filter(|_| args.labels) {
        for_each_label(store, args.site.as_deref(), |example| calendar.note(&example)).await?;
    }
    let fair = |since: &jiff::Timestamp| match Seen::by(champion) {
        Seen::Before(seen) => seen <= *since,
        Seen::Unknown | Seen::Groups(_) => true,
        Seen::Beyond(_) => false,
    };
    Ok(calendar.newest(share).filter(fair).map_or_else(|| HeldOut::new(share), HeldOut::newer))
}

/// Notes when the comments of the dumps were written. What is wrong with a dump is told when it is read to learn from.
fn note_dumps(calendar: &mut Calendar, args: &Args, options: &Options) {
    let mut reading = dump::open(&args.dumps, options);
    let mut meter = Meter::of(&reading);
    let mut tally = Tally::default();
    for record in &mut reading {
        meter.follow();
        match tally.sort(record) {
            Ok(Some(example)) => calendar.note(&example),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}
