//! What nodes say, lower case, in groups that are tried from the top: a text means the first group that knows it.

use super::SendRefusal;

/// A piece of a text.
pub(super) enum Phrase {
    /// Anywhere in it.
    Has(&'static str),
    /// The whole of it: for words too common to be looked for.
    Is(&'static str),
}

impl Phrase {
    pub(super) fn is_in(&self, lower: &str) -> bool {
        match self {
            Self::Has(piece) => lower.contains(piece),
            Self::Is(whole) => lower.trim() == *whole,
        }
    }
}

use Phrase::{Has, Is};

/// Makes the refusal, given the beginning of the text.
pub(super) type Meaning = fn(String) -> SendRefusal;

/// The groups. Where a text has phrases of two, the upper one is meant.
pub(super) const GROUPS: &[(Meaning, &[Phrase])] = &[
    // It holds "known transaction".
    (SendRefusal::Unsupported, &[Has("unknown transaction type")]),
    (|_| SendRefusal::AlreadyKnown, &ALREADY_KNOWN),
    // EIP-7702: another account's nonce, not ours.
    (SendRefusal::Rejected, &[Has("authority nonce")]),
    (|_| SendRefusal::SenderBusy, &SENDER_BUSY),
    (|_| SendRefusal::ReplacementUnderpriced, &REPLACEMENT_UNDERPRICED),
    (|_| SendRefusal::NonceTooHigh, &NONCE_TOO_HIGH),
    (|_| SendRefusal::NonceTooLow, &NONCE_TOO_LOW),
    (|_| SendRefusal::NonceNotNext, &NONCE_NOT_NEXT),
    (|_| SendRefusal::InsufficientFunds, &INSUFFICIENT_FUNDS),
    (|_| SendRefusal::PoolFull, &POOL_FULL),
    (SendRefusal::FeeAboveCap, &FEE_ABOVE_CAP),
    (SendRefusal::GasLimitTooHigh, &GAS_LIMIT_TOO_HIGH),
    (|_| SendRefusal::Underpriced, &UNDERPRICED),
    (SendRefusal::Oversized, &OVERSIZED),
    (SendRefusal::Unsupported, &[Has("chainid is required")]),
    (SendRefusal::WrongChain, &WRONG_CHAIN),
    (SendRefusal::Unsupported, &UNSUPPORTED),
    (SendRefusal::Rejected, &REJECTED),
    (SendRefusal::ProviderBusy, &PROVIDER_BUSY),
];

/// What the code alone says where no phrase does. The numbers from -38026 to -38010 are geth's.
pub(super) const CODES: &[(i64, Meaning)] = &[
    (-38_010, |_| SendRefusal::NonceTooLow),
    (-38_011, |_| SendRefusal::NonceTooHigh),
    (-38_013, SendRefusal::Rejected),
    (-38_014, |_| SendRefusal::InsufficientFunds),
    (-38_015, SendRefusal::GasLimitTooHigh),
    (-38_025, SendRefusal::Oversized),
    (-38_026, SendRefusal::ProviderBusy),
    // EIP-1474: a limit of the provider is exceeded. Besu uses it too, with a text that is known above.
    (-32_005, SendRefusal::ProviderBusy),
    (-32_055, SendRefusal::ProviderBusy),
    (-32_601, SendRefusal::ProviderBusy),
];

const ALREADY_KNOWN: [Phrase; 13] = [
    Has("already known"),
    Has("alreadyknown"),
    Has("already imported"),
    Has("alreadyimported"),
    Has("known transaction"),
    Has("with same hash"),
    Has("already in the system"),
    Has("already exists in cache"),
    Has("already in mempool"),
    Has("already finalized"),
    Has("added to the mempool"),
    // Nethermind: a transaction with this nonce was signed and waits in the pool.
    Has("ownnoncealreadyused"),
    Is("mined"),
];

const SENDER_BUSY: [Phrase; 11] = [
    Has("already reserved"),
    Has("account limit exceeded"),
    Has("in-flight transaction limit"),
    Has("spammer"),
    Has("conflicts with existing transaction"),
    Has("ofconflictingtype"),
    Has("transaction type conflict"),
    Has("delegatorhaspendingtx"),
    Has("has pending transaction"),
    Has("reached the tx limit"),
    Has("insertion of another transaction"),
];

const REPLACEMENT_UNDERPRICED: [Phrase; 12] = [
    Has("replacement transaction underpriced"),
    Has("replacement fee too low"),
    Has("replacementnotallowed"),
    Has("could not replace"),
    Has("to replace existing"),
    Has("to replace pending"),
    Has("to replace it"),
    Has("replaced by transaction"),
    Has("can't replace"),
    Has("toolowpriority"),
    Has("another transaction with same nonce"),
    Has("another tx which has the same nonce"),
];

const NONCE_TOO_HIGH: [Phrase; 10] = [
    Has("nonce too high"),
    Has("noncegap"),
    Has("nonce gap"),
    Has("gapped-nonce"),
    Has("nonce too far"),
    Has("noncetoofar"),
    Has("nonce is too distant"),
    Has("too distant future"),
    Has("lower nonce exists"),
    Has("notcurrentnonce"),
];

const NONCE_TOO_LOW: [Phrase; 7] = [
    Has("nonce too low"),
    Has("nonce is too low"),
    Has("oldnonce"),
    Has("nonce_too_low"),
    Has("pool(stale)"),
    Has("::stale"),
    Has("stale nonce"),
];

const NONCE_NOT_NEXT: [Phrase; 5] = [
    Has("invalid transaction nonce"),
    Has("nonce is not consistent"),
    Has("invalid nonce"),
    Has("incorrect nonce"),
    Has("sequence mismatch"),
];

const INSUFFICIENT_FUNDS: [Phrase; 11] = [
    Has("insufficient funds"),
    Has("insufficientfunds"),
    Has("insufficient balance"),
    Has("insufficient_payer_balance"),
    Has("enough funds"),
    Has("not enough balance"),
    Has("cause overdraft"),
    Has("overdraws"),
    Has("upfront cost exceeds"),
    Has("out of balance"),
    Has("invalidtransaction::payment"),
];

const POOL_FULL: [Phrase; 7] = [
    Has("pool is full"),
    Has("pool full"),
    Has("queue full"),
    Has("pool size constraints"),
    Has("immediatelydropped"),
    Has("too many transactions in the queue"),
    Has("l2 congestion"),
];

const FEE_ABOVE_CAP: [Phrase; 4] =
    [Has("exceeds the configured cap"), Has("fee cap exceeded"), Has("fee exceeds cap"), Has("fee too high")];

const GAS_LIMIT_TOO_HIGH: [Phrase; 13] = [
    Has("block gas limit"),
    Has("block's gas limit"),
    Has("gas limit too high"),
    Has("gas limit is too high"),
    Has("gas limit reached"),
    Has("gaslimitexceeded"),
    Has("max transaction gas limit"),
    Has("max gas per sec"),
    Has("intrinsic gas too high"),
    Has("exceeds current gas limit"),
    Has("gas is beyond limit"),
    Has("exceeds the maximum value"),
    Has("exhaustsresources"),
];

const UNDERPRICED: [Phrase; 17] = [
    Has("underpriced"),
    Has("feetoolow"),
    Has("fee too low"),
    Has("gas price too low"),
    Has("gas price is too low"),
    Has("less than block base fee"),
    Has("less than gas price minimum"),
    Has("less than the minimum value"),
    Has("price below configured"),
    Has("is below configured"),
    Has("below current base fee"),
    Has("below chain minimum"),
    Has("price below minimum"),
    Has("below minimum gas price"),
    Has("cannot accept 0 gas price"),
    Has("insufficient fee"),
    Has("invalid unit price"),
];

const OVERSIZED: [Phrase; 9] = [
    Has("oversized data"),
    Has("rlptoolong"),
    Has("max initcode size"),
    Has("max_init_code_size"),
    Has("maxtxsizeexceeded"),
    Has("too large"),
    Has("transaction is too big"),
    Has("greater than the allowed max"),
    // The provers of zk chains.
    Has("counters"),
];

const WRONG_CHAIN: [Phrase; 6] = [
    Has("invalid chain id"),
    Has("wrong chainid"),
    Has("chainid not supported"),
    Has("correct chainid"),
    Has("chain id does not match"),
    Has("signed for another chain"),
];

const UNSUPPORTED: [Phrase; 7] = [
    Has("transaction type"),
    Has("notsupportedtxtype"),
    Has("replay-protected"),
    Has("replay protection"),
    Has("transactions are disabled"),
    Has("hardfork"),
    Has("eth-compatible transactions"),
];

const REJECTED: [Phrase; 47] = [
    Has("invalid sender"),
    Has("negative value"),
    Has("intrinsic gas"),
    Has("intrinsicgas"),
    Has("floor data gas"),
    Has("gas limit too low"),
    Has("transaction gas is too low"),
    Has("transaction requires at least"),
    Has("uint64 overflow"),
    Has("gasuintoverflow"),
    Has("gas overflow"),
    Has("cost overflow"),
    Has("int256overflow"),
    Has("nonce has max value"),
    Has("higher than max fee"),
    Has("higher than max priority fee"),
    Has("higher than 2^"),
    Has("exceeds max fee per gas"),
    Has("not an eoa"),
    Has("not eoa"),
    Has("has bytecode set"),
    Has("senderiscontract"),
    Has("failedtoresolvesender"),
    Has("recover sender"),
    Has("invalid signature"),
    Has("invalid_signature"),
    Has("invalid transaction v, r, s"),
    Has("invalid rlp"),
    Has("rlp: "),
    Has("transaction too short"),
    Has("decode signed transaction"),
    Has("transaction data is empty"),
    Has("transaction hash is null"),
    Has("transaction invalid"),
    Has("transaction as invalid"),
    Has("form of a create transaction"),
    Has("authorization list"),
    Has("invalid fee"),
    Has("invalid gas fee cap"),
    Has("not authorized"),
    Has("not permitted"),
    Has("is banned"),
    Has("in blacklist"),
    Has("forbidden sender"),
    Has("blocked sender"),
    Has("invalid message format"),
    Has("invalid shard"),
];

const PROVIDER_BUSY: [Phrase; 28] = [
    Has("rate limit"),
    Has("rate exceeded"),
    Has("too many requests"),
    Has("request limit"),
    Has("requests limited"),
    Has("compute units"),
    Has("capacity"),
    Has("rps limit"),
    Has("credits limited"),
    Has("throughput limit"),
    Has("quota"),
    Has("too much load"),
    Has("concurrent requests"),
    Has("the free tier"),
    Has("syncing"),
    Has("sync is still in progress"),
    Has("not yet in sync"),
    Has("shutting down"),
    Has("does not exist/is not available"),
    Has("method not"),
    Has("not whitelisted"),
    Has("must be authenticated"),
    Is("unauthorized"),
    Has("bad gateway"),
    Has("service unavailable"),
    Has("service temporarily"),
    Has("gateway time"),
    Has("error code: 5"),
];
