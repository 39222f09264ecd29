//! Bodies of records that another gateway normalised.

use super::{StoredBody, StoredLabel, VERSION};
use crate::record::{Action, ContributionKind, Environment, Level};
use crate::wire::relayed::Relayed;
use bytes::Bytes;
use prost::Message as _;

/// A body for a record of another gateway's feed, whose bytes stay as they are.
#[must_use]
pub fn relayed(relayed: Relayed) -> Bytes {
    let label = relayed.label;
    let point = label.point.unzip();
    let (report_id, revision) = label.supersedes.map_or((String::new(), 0), |supersedes| {
        (supersedes.report_id, supersedes.revision)
    });
    let body = StoredBody {
        label: Some(StoredLabel {
            kind: label.kind.number(),
            action: label.action.map_or(0, Action::number),
            environment: label.environment.map_or(0, Environment::number),
            nation: label.nation,
            system: label.system,
            report_id: label.report_id,
            revision: label.revision,
            level: label.level.map_or(0, Level::number),
            releasable_to: label.releasable_to,
            special: label.special,
            observed_unix_s: label.observed_unix_s,
            latitude_deg: point.0,
            longitude_deg: point.1,
            contribution_id: label.contribution_id,
            contribution_kind: label.contribution_kind.map_or(0, ContributionKind::number),
            supersedes_report_id: report_id,
            supersedes_revision: revision,
            sequence: relayed.sequence,
        }),
        record: relayed.record,
        original: relayed.original,
        media_type: relayed.media_type,
        path: relayed.path,
    };
    let mut bytes = vec![VERSION];
    bytes.extend(body.encode_to_vec());
    bytes.into()
}
