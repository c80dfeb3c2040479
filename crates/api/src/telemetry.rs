//! What the operator sees: one line a request, a request id everywhere, counters by route.

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request that is being handled; `-` outside of one.
#[must_use]
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_else(|_| "-".to_owned())
}
