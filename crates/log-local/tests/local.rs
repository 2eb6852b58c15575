//! The local engine keeps the contract, in settings that make every part of it work hard.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::sync::Arc;
use support::TempDir;
use tidegate_log::LogStore;
use tidegate_log::conformance::Harness;
use tidegate_log_local::faults::{self, Operation};
use tidegate_log_local::{LocalStore, Settings, Sync};

struct Local {
    settings: Settings,
    store: Option<Arc<LocalStore>>,
    _dir: TempDir,
}

impl Local {
    fn new(adjust: impl Fn(&mut Settings)) -> Self {
        let dir = TempDir::new();
        let mut settings = Settings::new(dir.path().join("data"));
        adjust(&mut settings);
        let store = Some(Arc::new(LocalStore::open(settings.clone()).unwrap()));
        Local { settings, store, _dir: dir }
    }

    fn end(&mut self) {
        let store = self.store.take().unwrap();
        assert!(Arc::try_unwrap(store).is_ok(), "nobody else holds the store");
        self.store = Some(Arc::new(LocalStore::open(self.settings.clone()).unwrap()));
    }
}

impl Harness for Local {
    fn store(&self) -> Arc<dyn LogStore> {
        self.store.clone().unwrap()
    }

    fn reopen(&mut self) -> bool {
        let store = self.store.as_ref().unwrap();
        tidegate_log::conformance::block_on(store.close()).unwrap();
        self.end();
        true
    }

    fn crash(&mut self) -> bool {
        self.end();
        true
    }
}

mod with_defaults {
    use super::*;
    tidegate_log::conformance!(|| Local::new(|_| {}));
}

/// Nothing stays in memory, segments are short, and files of the log are used again and again.
mod with_little_of_everything {
    use super::*;
    tidegate_log::conformance!(|| Local::new(|settings| {
        settings.wal_file_bytes = 16 << 20;
        settings.wal_files = 3;
        settings.tail_bytes_max = 1 << 20;
        settings.segment_bytes = 20_000;
        settings.flush_bytes = 1;
        settings.index_interval_bytes = 1_000;
        settings.checkpoint_bytes = 200_000;
        settings.checkpoint_interval_ms = 10;
        settings.open_files_max = 16;
    }));
}

mod without_waiting_for_the_disk {
    use super::*;
    tidegate_log::conformance!(|| Local::new(|settings| {
        settings.sync = Sync::Os;
        settings.flush_bytes = 3_000;
        settings.segment_bytes = 50_000;
    }));
}

/// A file system that refuses to be written to past its cache.
mod with_writes_through_the_page_cache {
    use super::*;
    tidegate_log::conformance!(|| Local::new(|settings| {
        faults::inject(Operation::OpenDirect, &settings.data_dir, libc::EINVAL);
        settings.wal_file_bytes = 16 << 20;
    }));
}

mod with_syncs_at_an_interval {
    use super::*;
    tidegate_log::conformance!(|| Local::new(|settings| {
        settings.sync = Sync::Interval(5);
        settings.checkpoint_interval_ms = 20;
    }));
}
