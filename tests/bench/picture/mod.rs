//! Lines over time as one SVG file that needs nothing else: panels below each other over the same seconds.

use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
/// Of one panel: its curve, and that with its title and a gap.
const HEIGHT: f64 = 120.0;
const STEP: f64 = 165.0;
/// Told apart by those who do not see red and green, too.
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

pub struct Series {
    pub name: &'static str,
    /// One each second.
    pub values: Vec<f64>,
}

/// Curves over one axis that begins at 0.
pub struct Panel {
    pub title: &'static str,
    pub series: Vec<Series>,
}

pub fn svg(title: &str, panels: &[Panel]) -> String {
    let seconds = panels.iter().flat_map(|panel| &panel.series).map(|series| series.values.len()).max().unwrap_or(0);
    let seconds = (seconds as f64).max(1.0);
    let across = WIDTH - LEFT - RIGHT;
    let x = |second: f64| LEFT + second / seconds * across;
    let height = TOP + STEP * panels.len() as f64 + 30.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\"><title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{title}</text>\n"
    );
    for (number, panel) in panels.iter().enumerate() {
        let top = TOP + STEP * number as f64 + 15.0;
        let most = panel.series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max);
        let ticks = ticks(most);
        let full = ticks.last().copied().unwrap_or(1.0);
        let y = |value: f64| top + HEIGHT - value / full * HEIGHT;
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>", top - 8.0, panel.title);
        for tick in &ticks {
            let at = y(*tick);
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0,
            );
        }
        for (number, series) in panel.series.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let points: String =
                thin(&series.values).map(|(second, value)| format!("{:.1},{:.1} ", x(second), y(value))).collect();
            let _ =
                writeln!(out, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
            if panel.series.len() > 1 {
                let at = WIDTH - RIGHT - 60.0 * (panel.series.len() - number) as f64;
                let _ =
                    writeln!(out, "<text x=\"{at}\" y=\"{:.1}\" fill=\"{colour}\">— {}</text>", top - 8.0, series.name);
            }
        }
    }
    let bottom = TOP + STEP * panels.len() as f64 - 10.0;
    for tick in ticks(seconds).iter().filter(|tick| **tick <= seconds) {
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{bottom}\" text-anchor=\"middle\">{tick}</text>", x(*tick));
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">seconds</text>\n</svg>",
        LEFT + across / 2.0,
        bottom + 18.0
    );
    out
}

/// 0 and some round numbers above it, the last not below `most`.
fn ticks(most: f64) -> Vec<f64> {
    let most = if most > 0.0 { most } else { 1.0 };
    let power = 10_f64.powf((most / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| most / step <= 5.0);
    let step = step.unwrap_or(10.0 * power);
    // Rounded, so that 0.1 thrice reads as 0.3.
    (0..)
        .map(|number| (f64::from(number) * step * 1e6).round() / 1e6)
        .scan(false, |is_over, tick| {
            let before = std::mem::replace(is_over, tick >= most);
            (!before).then_some(tick)
        })
        .collect()
}

/// At most some thousand points: of several seconds the highest, so that no peak is hidden.
fn thin(values: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let together = values.len().div_ceil(1_000).max(1);
    values
        .chunks(together)
        .enumerate()
        .map(move |(number, part)| ((number * together) as f64 + 0.5, part.iter().copied().fold(0.0, f64::max)))
}
