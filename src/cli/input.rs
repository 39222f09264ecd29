//! What a command is given to submit or to normalise: reports as NDJSON, one a line, or a file
//! in a format of its own, which is split into payloads of one report each.

use super::lines::Lines;
use super::{Failure, Output, fail, reports};
use crate::formats;
use crate::normalise::{Violation, Violations};
use crate::wire::json::Faulty;
use crate::wire::proto::submit_stream_request::Payload;
use crate::wire::proto::{Environment, NativePayload, ReportedMarking};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file in a format of its own.
#[derive(Clone, Debug, Args)]
pub(super) struct NativeFile {
    /// The file is of this media type instead of NDJSON, such as application/x-cot+xml.
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,
    /// Report id, where the format has none. Where a file holds many reports, each one's number
    /// is put behind it: ID-1, ID-2.
    #[arg(long, value_name = "ID", requires = "media_type")]
    report_id: Option<String>,
    /// Revision, where the format has none [default: 1].
    #[arg(long, value_name = "NUMBER", requires = "media_type")]
    revision: Option<u32>,
    /// Whether it is about the real world, where the format does not say it.
    #[arg(long, value_enum, requires = "media_type")]
    environment: Option<About>,
    /// Marking, where the format has none.
    #[arg(long, value_name = "TEXT", requires = "media_type")]
    marking: Option<String>,
    /// Nations and groups that may read it, where the format does not say it: USA,NATO.
    #[arg(
        long,
        value_name = "CODES",
        value_delimiter = ',',
        requires = "media_type"
    )]
    releasable_to: Vec<String>,
}

/// What a report is about.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum About {
    Live,
    Exercise,
    Simulation,
}

/// Reports with the number of their line, or of their place in the file.
pub(super) enum Input {
    Lines(Lines),
    Payloads(std::vec::IntoIter<(u64, Result<Payload, Faulty>)>),
}

impl Input {
    /// Opens NDJSON, or reads and splits a file in a format of its own.
    pub(super) fn open(
        file: &Path,
        native: &NativeFile,
        watched: Option<Output>,
    ) -> Result<Self, Failure> {
        let Some(media_type) = &native.media_type else {
            let lines = Lines::open(file)?;
            return Ok(Self::Lines(match watched {
                Some(output) => lines.with_progress(file, output),
                None => lines,
            }));
        };
        let content = whole(file)?;
        let payloads = match formats::split(media_type, &content) {
            Ok(parts) => parts
                .into_iter()
                .zip(1..)
                .map(|(part, number)| (number, Ok(native.payload(media_type, part))))
                .collect(),
            Err(faults) => vec![(1, Err(violations(faults).into()))],
        };
        Ok(Self::Payloads(Vec::into_iter(payloads)))
    }

    /// The next report, or why there is none in its place.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<Payload, Faulty>)>> {
        match self {
            Self::Lines(lines) => Ok(lines.next()?.map(|(line, content)| {
                let report = reports::report(&content);
                (line, report.map(Payload::Report))
            })),
            Self::Payloads(payloads) => Ok(payloads.next()),
        }
    }
}

impl NativeFile {
    fn payload(&self, media_type: &str, part: formats::Part<'_>) -> Payload {
        let id = self.report_id.as_deref().unwrap_or_default();
        let marked = self.marking.is_some() || !self.releasable_to.is_empty();
        let environment = match self.environment {
            None => Environment::Unspecified,
            Some(About::Live) => Environment::Live,
            Some(About::Exercise) => Environment::Exercise,
            Some(About::Simulation) => Environment::Simulation,
        };
        Payload::Native(NativePayload {
            media_type: media_type.to_owned(),
            content: Bytes::from(part.content.into_owned()),
            report_id: match part.number {
                Some(number) if !id.is_empty() => format!("{id}-{number}"),
                _ => id.to_owned(),
            },
            revision: self.revision.unwrap_or(1),
            environment: environment.into(),
            marking: marked.then(|| ReportedMarking {
                text: self.marking.clone().unwrap_or_default(),
                releasable_to: self.releasable_to.clone(),
                special: Vec::new(),
            }),
        })
    }
}

/// A whole file, or standard input for `-`; one byte more than may be, at most.
fn whole(file: &Path) -> Result<Vec<u8>, Failure> {
    let limit = formats::FILE_BYTES_MAX as u64 + 1;
    let mut content = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut content)
    } else {
        File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut content))
    };
    read.map_err(|error| fail(format!("{}: {error}", file.display())))?;
    Ok(content)
}

fn violations(faults: Vec<formats::Fault>) -> Violations {
    let mut violations = Violations::default();
    for fault in faults {
        violations.push(Violation {
            field: fault.place.into(),
            rule: fault.rule,
            message: fault.message.into(),
            expected: fault.expected.into(),
        });
    }
    violations
}
