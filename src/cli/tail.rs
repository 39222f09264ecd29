//! `entente tail`: reads the feed, for people or for machines.

use super::partner::{self, Partner};
use super::{Failure, Output, fail, feed_line};
use crate::client::Patience;
use crate::client::subscriber::Subscriber;
use crate::identity::NationCode;
use crate::wire::json;
use crate::wire::proto::{
    BoundingBox, Environment, FeedEntry, FeedFilter, RecordKind, SubscribeRequest,
    SubscribeResponse,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use prost::Message as _;
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// A kind of record.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Sighting,
    Contribution,
    Retraction,
}

/// An environment.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum In {
    Live,
    Exercise,
    Simulation,
}

/// Reads the feed, one record a line; goes on at its place after a broken connection.
///
/// Starts at the first record and goes on live until Ctrl-C, which says where to go on. Shows
/// what the reader's nation and clearance may see.
#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    partner: Partner,
    /// First position, included.
    #[arg(long, default_value_t = 1, value_name = "POSITION")]
    from: u64,
    /// End at what is durable now instead of going on live.
    #[arg(long)]
    until_now: bool,
    /// Only this nation, such as GBR; may be given several times.
    #[arg(long, value_name = "CODE")]
    nation: Vec<String>,
    /// Only this kind; may be given several times.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Only this environment; may be given several times [default: live].
    #[arg(long, value_enum)]
    environment: Vec<In>,
    /// Only what happened in this box, degrees; records without a place do not match.
    #[arg(long, value_name = "SOUTH,WEST,NORTH,EAST", allow_hyphen_values = true)]
    area: Option<String>,
    /// Only what was observed at or after this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    observed_from: Option<Timestamp>,
    /// Only what was observed at or before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    observed_until: Option<Timestamp>,
    /// Also show the reports as they were submitted; with `--output json`.
    #[arg(long)]
    original: bool,
    /// How to show records: for people, or the contract's JSON, one object a line.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Tail) -> Result<(), Failure> {
    let request = SubscribeRequest {
        from_position: arguments.from,
        until_now: arguments.until_now,
        filter: Some(filter(arguments)?),
        include_original: arguments.original,
    };
    let endpoint = arguments.partner.endpoint()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    partner::log_trouble();
    runtime.block_on(async {
        partner::introduce(&endpoint, "read").await?;
        let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
        let mut screen = Screen::new(arguments.output);
        loop {
            let answer = tokio::select! {
                answer = subscriber.next() => answer.map_err(fail)?,
                _ = tokio::signal::ctrl_c() => {
                    note(&format!("go on with --from {}", subscriber.cursor()));
                    return Ok(());
                }
            };
            let Some(answer) = answer else { return Ok(()) };
            match screen.show(&answer) {
                Ok(()) => {}
                // As `entente tail | head` wants it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(fail(error)),
            }
        }
    })
}

fn note(text: &str) {
    let _nobody_reads = writeln!(io::stderr(), "entente: {text}");
}

fn filter(arguments: &Tail) -> Result<FeedFilter, Failure> {
    for code in &arguments.nation {
        NationCode::parse(code).map_err(|error| Failure::Usage(format!("--nation: {error}")))?;
    }
    let kind = |kind: &Kind| match kind {
        Kind::Sighting => RecordKind::Sighting.into(),
        Kind::Contribution => RecordKind::Contribution.into(),
        Kind::Retraction => RecordKind::Retraction.into(),
    };
    let environment = |environment: &In| match environment {
        In::Live => Environment::Live.into(),
        In::Exercise => Environment::Exercise.into(),
        In::Simulation => Environment::Simulation.into(),
    };
    Ok(FeedFilter {
        nations: arguments.nation.clone(),
        kinds: arguments.kind.iter().map(kind).collect(),
        environments: arguments.environment.iter().map(environment).collect(),
        area: arguments.area.as_deref().map(area).transpose()?,
        observed_from_unix_s: arguments.observed_from.map(Timestamp::as_second),
        observed_until_unix_s: arguments.observed_until.map(Timestamp::as_second),
    })
}

/// Reads `47.5,36,49,39.5`.
fn area(text: &str) -> Result<BoundingBox, Failure> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[south_deg, west_deg, north_deg, east_deg]) if south_deg <= north_deg => {
            Ok(BoundingBox {
                south_deg,
                west_deg,
                north_deg,
                east_deg,
            })
        }
        _ => Err(Failure::Usage(format!(
            "--area: `{text}` is no box: expected SOUTH,WEST,NORTH,EAST in degrees, such as \
             47.5,36,49,39.5"
        ))),
    }
}

/// Standard output.
struct Screen {
    out: BufWriter<io::Stdout>,
    output: Output,
    colours: bool,
}

impl Screen {
    fn new(output: Output) -> Self {
        let out = io::stdout();
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            out: BufWriter::new(out),
            output,
            colours,
        }
    }

    /// Shows the records of an answer, all at once.
    fn show(&mut self, answer: &SubscribeResponse) -> io::Result<()> {
        for entry in &answer.entries {
            match self.output {
                Output::Readable => {
                    writeln!(self.out, "{}", feed_line::shown(entry, self.colours))?;
                }
                Output::Json => writeln!(self.out, "{}", as_json(entry))?,
            }
        }
        self.out.flush()
    }
}

/// The entry as the contract's JSON; one that cannot be read is said and does not end the feed.
fn as_json(entry: &FeedEntry) -> String {
    match json::to_json(json::FEED_ENTRY, &entry.encode_to_vec()) {
        Ok(json) => json.get().to_owned(),
        Err(error) => {
            let position = entry.position.to_string();
            serde_json::json!({ "position": position, "error": error.to_string() }).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_has_four_numbers_south_below_north() {
        let read = area("47.5, 36,49,-39.5").unwrap();
        assert_eq!((read.south_deg, read.west_deg), (47.5, 36.0));
        assert_eq!((read.north_deg, read.east_deg), (49.0, -39.5));
        for wrong in ["", "1,2,3", "1,2,3,4,5", "49,36,47,39", "a,b,c,d"] {
            assert!(area(wrong).is_err(), "{wrong}");
        }
    }
}
