//! A shop on Shopify, as far as we see one: the texts of its webhooks, its signature, and its orders' API.

mod orders_api;
mod texts;

use api::feed::signature::WebhookSecret;

pub use orders_api::FakeShop;
pub use texts::{canceled, dispute, fulfillment, line, order, refund, refund_of_amount};

/// What the shop signs with.
pub const SECRET: &str = "shpss_0123456789abcdef0123456789abcdef";
/// What reads its orders.
pub const TOKEN: &str = "shpat_0123456789abcdef0123456789abcdef";

/// The signature of a body, as the shop puts it into `X-Shopify-Hmac-SHA256`.
#[must_use]
pub fn sign(body: &[u8]) -> String {
    WebhookSecret::new(SECRET.as_bytes()).sign(body)
}

/// A settings file with the channel `boutique`, whose secrets lie in `folder` and whose API answers at `api_url`.
#[must_use]
pub fn settings(folder: &std::path::Path, api_url: &str) -> String {
    for (name, secret) in [("webhook", SECRET), ("token", TOKEN)] {
        let path = folder.join(format!("boutique-{name}"));
        if !path.exists() {
            minting::signer::write_secret(&path, secret.as_bytes()).expect("a secret");
        }
    }
    let folder = folder.display();
    format!(
        "[channels.boutique]\nplatform = \"shopify\"\nshop = \"prints.myshopify.com\"\n\
         webhook_secrets = [\"{folder}/boutique-webhook\"]\naccess_token = \"{folder}/boutique-token\"\n\
         api_url = \"{api_url}\"\n"
    )
}
