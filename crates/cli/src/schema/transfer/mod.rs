//! `tidegate schema export` and `import`: a whole registry in a folder or a dump, and back into any
//! other registry.

mod contents;
mod dump;
mod export;
mod folder;
mod gather;
mod import;
mod order;
mod report;
mod topic;

pub use export::run as export;
pub use import::run as import;
