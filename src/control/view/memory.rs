//! `show memory`.

/// Bytes in use and bytes lost to administration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amount {
    /// In use.
    pub effective: u64,
    /// Lost.
    pub overhead: u64,
}

/// Where the memory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryView {
    /// Nets and routes.
    pub tables: Amount,
    /// Attribute sets.
    pub attributes: Amount,
    /// Protocols and channels.
    pub protocols: Amount,
    /// The running configuration.
    pub config: Amount,
    /// Kept by the allocator for later.
    pub standby: Amount,
    /// All of the process.
    pub total: Amount,
    /// Bytes of pages in use.
    pub active_pages: u64,
    /// Bytes of pages free and kept.
    pub kept_pages: u64,
    /// Bytes of pages given back to the kernel, address space kept.
    pub cold_pages: u64,
}
