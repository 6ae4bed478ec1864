//! Plots as SVG: axes, ticks and marks, without any script.
//!
//! Owns how a plot looks. Does not own what is drawn. Colours come from the page's style, by class, so that a plot follows
//! the reader's light or dark screen; ham and spam also differ in shape (dots and squares, plain and hatched).

use std::fmt::Write as _;

use super::page::escaped;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 348.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 244.0;

/// A plot that is being drawn. Places on it are shares of the axes, 0 to 1.
#[derive(Debug)]
pub(super) struct Plot {
    marks: String,
    axes: String,
}

fn x(share: f64) -> f64 {
    LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
}

fn y(share: f64) -> f64 {
    BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
}

impl Plot {
    /// Axes with these ticks: where, and what stands there.
    pub fn new(x_label: &str, y_label: &str, x_ticks: &[(f64, String)], y_ticks: &[(f64, String)]) -> Plot {
        let mut axes = String::new();
        for (share, text) in x_ticks {
            let at = x(*share);
            let _ = write!(
                axes,
                r#"<path class="grid" d="M{at:.1} {TOP}V{BOTTOM}"/><text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                BOTTOM + 16.0,
                escaped(text)
            );
        }
        for (share, text) in y_ticks {
            let at = y(*share);
            let _ = write!(
                axes,
                r#"<path class="grid" d="M{LEFT} {at:.1}H{RIGHT}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 6.0,
                at + 4.0,
                escaped(text)
            );
        }
        let middle = f64::midpoint(TOP, BOTTOM);
        let _ = write!(
            axes,
            r#"<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/><text class="label" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="label" transform="translate(12 {middle:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            f64::midpoint(LEFT, RIGHT),
            HEIGHT - 8.0,
            escaped(x_label),
            escaped(y_label)
        );
        Plot { marks: String::new(), axes }
    }

    pub fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let _ = write!(self.marks, r#"<path class="{class}" d=""#);
        for (at, (share_x, share_y)) in points.enumerate() {
            let step = if at == 0 { 'M' } else { 'L' };
            let _ = write!(self.marks, "{step}{:.1} {:.1}", x(share_x), y(share_y));
        }
        self.marks.push_str(r#""/>"#);
    }

    /// A dot, which says `title` when it is pointed at.
    pub fn dot(&mut self, class: &str, place: (f64, f64), radius: f64, title: &str) {
        let _ = write!(
            self.marks,
            r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="{radius:.1}"><title>{}</title></circle>"#,
            x(place.0),
            y(place.1),
            escaped(title)
        );
    }

    /// A bar between two places.
    pub fn bar(&mut self, class: &str, from: (f64, f64), to: (f64, f64), title: &str) {
        let (left, right) = (x(from.0.min(to.0)), x(from.0.max(to.0)));
        let (top, bottom) = (y(from.1.max(to.1)), y(from.1.min(to.1)));
        let _ = write!(
            self.marks,
            r#"<rect class="{class}" x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"><title>{}</title></rect>"#,
            left + 0.6,
            (right - left - 1.2).max(0.5),
            bottom - top,
            escaped(title)
        );
    }

    /// A word on the plot.
    pub fn word(&mut self, class: &str, place: (f64, f64), anchor: &str, text: &str) {
        let _ = write!(
            self.marks,
            r#"<text class="{class}" x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            x(place.0),
            y(place.1),
            escaped(text)
        );
    }

    /// An upright line that the page's script moves; `id` names it.
    pub fn marker(&mut self, id: &str, share: f64) {
        let at = x(share);
        let _ = write!(self.marks, r#"<path id="{id}" class="marker" d="M{at:.1} {TOP}V{BOTTOM}"/>"#);
    }

    /// A dot that the page's script moves.
    pub fn moving_dot(&mut self, id: &str, place: (f64, f64)) {
        let _ = write!(
            self.marks,
            r#"<circle id="{id}" class="now" cx="{:.1}" cy="{:.1}" r="5"/>"#,
            x(place.0),
            y(place.1)
        );
    }

    /// The drawing; `title` names it and `says` tells what is to be seen, for who cannot see it.
    pub fn svg(self, id: &str, title: &str, says: &str) -> String {
        format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc><defs><pattern id="{id}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V5"/></pattern></defs>{}{}</svg>"#,
            escaped(title),
            escaped(says),
            self.axes,
            self.marks
        )
    }
}

/// Ticks at 0, 25, 50, 75 and 100 %.
pub(super) fn quarters() -> Vec<(f64, String)> {
    (0..=4).map(|quarter| (f64::from(quarter) / 4.0, (quarter * 25).to_string())).collect()
}
