//! The `[filer]` table: the SeaweedFS filers that keep committed offsets.

use super::sources::Sources;
use super::*;
use tidegate_offsets_filer::Settings as FilerSettings;

/// Reads the table; `None` if offsets are elsewhere.
pub(super) fn table(
    sources: &Sources,
    offsets: Offsets,
    cache_ttl: Duration,
) -> Result<Option<FilerSettings>, Failure> {
    let urls = sources.take(&FILER_URLS, |text| {
        let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty());
        Ok::<_, String>(urls.map(str::to_owned).collect::<Vec<_>>())
    })?;
    let urls = urls.unwrap_or_else(|| vec!["http://127.0.0.1:8888".to_owned()]);
    let default = FilerSettings::new(urls);
    let text = |setting, default: &str| -> Result<String, Failure> {
        let given = sources.take(setting, |text| Ok::<_, String>(text.to_owned()))?;
        Ok(given.unwrap_or_else(|| default.to_owned()))
    };
    let time = |setting, default: Duration| -> Result<Duration, Failure> {
        let ms = sources.take(setting, whole(1, 600_000))?;
        Ok(ms.map_or(default, Duration::from_millis))
    };
    let size = |setting, least, most, default: usize| -> Result<usize, Failure> {
        Ok(sources.take(setting, whole(least, most))?.map_or(default, bounded))
    };
    let table = FilerSettings {
        offsets_path: text(&FILER_OFFSETS_PATH, &default.offsets_path)?,
        groups_path: text(&FILER_GROUPS_PATH, &default.groups_path)?,
        request_timeout: time(&FILER_REQUEST_TIMEOUT, default.request_timeout)?,
        attempt_timeout: time(&FILER_ATTEMPT_TIMEOUT, default.attempt_timeout)?,
        connect_timeout: time(&FILER_CONNECT_TIMEOUT, default.connect_timeout)?,
        settle: time(&FILER_SETTLE, default.settle)?,
        connections_max: size(&FILER_CONNECTIONS, 1, 1_024, default.connections_max)?,
        fsync: registry::truth(sources, &FILER_FSYNC, default.fsync)?,
        partitions_remembered_max: size(
            &FILER_REMEMBERED,
            0,
            100_000_000,
            default.partitions_remembered_max,
        )?,
        believed_for: cache_ttl,
        ca_file: sources.take(&FILER_CA, path)?,
        cert_file: sources.take(&FILER_CERT, path)?,
        key_file: sources.take(&FILER_KEY, path)?,
        jwt: sources.take(&FILER_JWT, |text| match text.trim() {
            "" => Err("is empty"),
            token => Ok(token.to_owned()),
        })?,
        jwt_file: sources.take(&FILER_JWT_FILE, path)?,
        urls: default.urls,
    };
    Ok((offsets == Offsets::Filer).then_some(table))
}
