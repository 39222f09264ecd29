//! `entente tail`: reads the feed, for people or for machines.

use super::partner::{self, Partner};
use super::wanted::Wanted;
use super::{Failure, Output, fail, feed_line};
use crate::client::Patience;
use crate::client::subscriber::Subscriber;
use crate::wire::json;
use crate::wire::proto::{FeedEntry, PositionRange, SubscribeRequest, SubscribeResponse};
use clap::Args;
use prost::Message as _;
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// Reads the feed, one record a line; goes on at its place after a broken connection.
///
/// Starts at the first record and goes on live until Ctrl-C, which says where to go on. Shows
/// what the reader's nation and clearance may see.
#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    partner: Partner,
    /// First position, included; 0: the first that is there.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    from: u64,
    /// End at what is durable now instead of going on live.
    #[arg(long)]
    until_now: bool,
    /// Read by the cursor of this name, which the gateway keeps: what was shown is acknowledged,
    /// and the next time it goes on there. `--from` says where a new one begins.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["rate", "pace"])]
    cursor: Option<String>,
    /// With a cursor: most records on their way and not yet shown.
    #[arg(long, value_name = "RECORDS", requires = "cursor")]
    window: Option<u32>,
    #[command(flatten)]
    wanted: Wanted,
    /// Replay: at most so many records a second.
    #[arg(long, value_name = "RECORDS", conflicts_with = "pace")]
    rate: Option<f64>,
    /// Replay: so many times as fast as the gateway received the records.
    #[arg(long, value_name = "TIMES")]
    pace: Option<f64>,
    /// This reader hands on what it reads: what its originator controls is withheld.
    #[arg(long)]
    onward: bool,
    /// Also show which positions are withheld from this reader.
    #[arg(long)]
    withheld: bool,
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
        filter: Some(arguments.wanted.filter()?),
        include_original: arguments.original,
        records_per_s: arguments.rate,
        pace: arguments.pace,
        onward: arguments.onward,
        cursor: arguments.cursor.clone().unwrap_or_default(),
        window: arguments.window,
        acknowledge_within_s: None,
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
        let mut screen = Screen::new(arguments);
        loop {
            let answer = tokio::select! {
                answer = subscriber.next() => answer.map_err(fail)?,
                _ = tokio::signal::ctrl_c() => {
                    screen.tell_withheld();
                    match &arguments.cursor {
                        Some(name) => note(&format!("go on with --cursor {name}")),
                        None => note(&format!("go on with --from {}", subscriber.cursor())),
                    }
                    return Ok(());
                }
            };
            let Some(answer) = answer else {
                screen.tell_withheld();
                return Ok(());
            };
            match screen.show(&answer) {
                Ok(()) => {
                    // What did not arrive is shown again.
                    let _is_said = subscriber.acknowledge(&answer).await.map_err(fail)?;
                }
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

/// Standard output.
struct Screen {
    out: BufWriter<io::Stdout>,
    output: Output,
    colours: bool,
    /// Positions that are withheld are shown one by one, and not only counted.
    shows_withheld: bool,
    withheld: u64,
}

impl Screen {
    fn new(arguments: &Tail) -> Self {
        let out = io::stdout();
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            out: BufWriter::new(out),
            output: arguments.output,
            colours,
            shows_withheld: arguments.withheld,
            withheld: 0,
        }
    }

    /// Shows what an answer brings, in the order of positions, all at once.
    fn show(&mut self, answer: &SubscribeResponse) -> io::Result<()> {
        if let Some(PositionRange { first, last }) = answer.removed_before_read {
            note(&format!(
                "positions {first} to {last} were removed by retention before this cursor had read them"
            ));
        }
        let mut withheld = answer.withheld.iter().peekable();
        for entry in &answer.entries {
            while let Some(range) = withheld.next_if(|range| range.first < entry.position) {
                self.pass(range)?;
            }
            match self.output {
                Output::Readable => {
                    writeln!(self.out, "{}", feed_line::shown(entry, self.colours))?;
                }
                Output::Json => writeln!(self.out, "{}", as_json(entry))?,
            }
        }
        for range in withheld {
            self.pass(range)?;
        }
        self.out.flush()
    }

    /// Takes in that positions are withheld.
    fn pass(&mut self, range: &PositionRange) -> io::Result<()> {
        let (first, last) = (range.first, range.last);
        let count = last.saturating_sub(first).saturating_add(1);
        self.withheld = self.withheld.saturating_add(count);
        match self.output {
            _ if !self.shows_withheld => Ok(()),
            Output::Readable if first == last => writeln!(self.out, "{first} withheld"),
            Output::Readable => writeln!(self.out, "{first}-{last} withheld"),
            Output::Json => {
                let range = serde_json::json!({
                    "first": first.to_string(),
                    "last": last.to_string(),
                });
                writeln!(self.out, "{}", serde_json::json!({ "withheld": range }))
            }
        }
    }

    /// Says at the end how many records were withheld, if any were.
    fn tell_withheld(&self) {
        match self.withheld {
            0 => {}
            1 => note("1 record was withheld from this reader"),
            many => note(&format!("{many} records were withheld from this reader")),
        }
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
