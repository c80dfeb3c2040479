//! `PrintEditions` in Rust: the calldata of a transaction, and what the events of a receipt say of each call.
//!
//! The interface file of the contract is the only source of its ABI.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol;
use alloy::sol_types::{SolCall, SolError, SolValue};
use catalog::account::Account;
use catalog::digest::Sha256Digest;

use crate::call::{Call, CallKind, EditionTerms};

mod events;
mod log;

pub(crate) use events::item_events;
pub use events::{ItemEvent, MintSkip, SettleSkip, VoidSkip};
pub(crate) use log::log_entry;
pub use log::{LogEntry, LogEvent};

mod abi {
    alloy::sol!("../../contracts/src/IPrintEditions.sol");
}
pub(crate) use abi::IPrintEditions;

sol! {
    /// What the contract inherits: ERC-721, ERC-2981, ERC-5313, `AccessControl`, `Pausable`.
    interface Inherited {
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        error EnforcedPause();
        error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
        error TokenDoesNotExist();
        function ownerOf(uint256 tokenId) external view returns (address);
        function royaltyInfo(uint256 tokenId, uint256 salePrice) external view returns (address, uint256);
        function hasRole(bytes32 role, address account) external view returns (bool);
        function paused() external view returns (bool);
    }
}

/// The compiled contract, as checked in and reproduced by CI.
const ARTIFACT: &str = include_str!("../../../contracts/artifacts/PrintEditions.json");

pub(crate) fn address(account: Account) -> Address {
    Address::from(*account.as_bytes())
}

pub(crate) fn account(address: Address) -> Account {
    Account::from_bytes(address.into())
}

fn digest(digest: Sha256Digest) -> B256 {
    B256::from(*digest.as_bytes())
}

impl From<&EditionTerms> for IPrintEditions::EditionTerms {
    fn from(terms: &EditionTerms) -> Self {
        Self {
            serials: terms.serials,
            imageDigest: digest(terms.image_digest),
            colophonDigest: digest(terms.colophon_digest),
            royaltyReceiver: address(terms.royalty_receiver),
            royaltyBasisPoints: terms.royalty_basis_points,
        }
    }
}

impl From<IPrintEditions::EditionTerms> for EditionTerms {
    fn from(terms: IPrintEditions::EditionTerms) -> Self {
        Self {
            serials: terms.serials,
            image_digest: Sha256Digest::from_bytes(terms.imageDigest.0),
            colophon_digest: Sha256Digest::from_bytes(terms.colophonDigest.0),
            royalty_receiver: account(terms.royaltyReceiver),
            royalty_basis_points: terms.royaltyBasisPoints,
        }
    }
}

/// Calls that one transaction cannot carry: none, of several kinds, or several editions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these calls do not fit into one transaction")]
pub struct UnfitGroup;

/// The calldata of a transaction that carries `calls`, which are of one kind.
pub fn calldata(calls: &[Call]) -> Result<Vec<u8>, UnfitGroup> {
    let kind = calls.first().ok_or(UnfitGroup)?.kind();
    if calls.iter().any(|call| call.kind() != kind) || (kind.goes_alone() && calls.len() != 1) {
        return Err(UnfitGroup);
    }
    let mut mints = Vec::new();
    let mut voids = Vec::new();
    let mut settles = Vec::new();
    for call in calls {
        match call {
            Call::OpenEdition { edition, terms } => {
                let open = IPrintEditions::openEditionCall {
                    edition: U256::from(edition.get()),
                    terms: terms.into(),
                };
                return Ok(open.abi_encode());
            }
            Call::Mint { token_id, recipient, settles_at } => mints.push(IPrintEditions::MintItem {
                recipient: address(*recipient),
                tokenId: U256::from(token_id.get()),
                settlesAt: *settles_at,
            }),
            Call::Void { token_id, reason } => voids.push(IPrintEditions::VoidItem {
                tokenId: U256::from(token_id.get()),
                reason: *reason as u8,
            }),
            Call::Settle { token_id } => settles.push(U256::from(token_id.get())),
            Call::Release { token_id, recipient } => {
                let (token_id, recipient) = (U256::from(token_id.get()), address(*recipient));
                return Ok(IPrintEditions::releaseCall { tokenId: token_id, recipient }.abi_encode());
            }
            Call::Surrender { token_id } => {
                let token_id = U256::from(token_id.get());
                return Ok(IPrintEditions::surrenderCall { tokenId: token_id }.abi_encode());
            }
        }
    }
    match kind {
        CallKind::Mint => Ok(IPrintEditions::mintCall { items: mints }.abi_encode()),
        CallKind::Void => Ok(IPrintEditions::voidCall { items: voids }.abi_encode()),
        CallKind::Settle => Ok(IPrintEditions::settleCall { tokenIds: settles }.abi_encode()),
        CallKind::OpenEdition | CallKind::Release | CallKind::Surrender => Err(UnfitGroup),
    }
}

/// Why the contract refuses a whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeCallRefusal {
    /// Mints are stopped by the pauser.
    Paused,
    /// The signer does not hold the role.
    RoleMissing,
    /// The edition is open already.
    EditionAlreadyOpen,
    /// The token cannot be moved yet.
    TokenLocked,
    /// The vault does not hold the token, or not any more.
    NotInVault,
    /// Nobody can be handed a token at that address.
    BadRecipient,
    /// Anything else.
    Other,
}

/// Reads the data of a revert.
pub(crate) fn refusal(revert_data: &[u8]) -> WholeCallRefusal {
    let selector: [u8; 4] = revert_data.first_chunk().copied().unwrap_or_default();
    match selector {
        Inherited::EnforcedPause::SELECTOR => WholeCallRefusal::Paused,
        Inherited::AccessControlUnauthorizedAccount::SELECTOR => WholeCallRefusal::RoleMissing,
        IPrintEditions::EditionAlreadyOpen::SELECTOR => WholeCallRefusal::EditionAlreadyOpen,
        IPrintEditions::TokenLocked::SELECTOR => WholeCallRefusal::TokenLocked,
        IPrintEditions::NotTokenOwner::SELECTOR
        | IPrintEditions::AlreadyReleased::SELECTOR
        | Inherited::TokenDoesNotExist::SELECTOR => WholeCallRefusal::NotInVault,
        IPrintEditions::BadReleaseRecipient::SELECTOR => WholeCallRefusal::BadRecipient,
        _ => WholeCallRefusal::Other,
    }
}

/// What is wrong with the artifact that this program was built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the compiled contract in this program is damaged")]
pub struct DamagedArtifact;

/// The bytes that create a contract with these constructor arguments.
pub(crate) fn creation_code(deployment: &IPrintEditions::Deployment) -> Result<Bytes, DamagedArtifact> {
    let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).map_err(|_| DamagedArtifact)?;
    let object = artifact["bytecode"]["object"].as_str().ok_or(DamagedArtifact)?;
    let mut code = hex::decode(object.trim_start_matches("0x")).map_err(|_| DamagedArtifact)?;
    code.extend_from_slice(&(deployment.clone(),).abi_encode_params());
    Ok(code.into())
}

#[cfg(test)]
mod tests {
    use catalog::edition::EditionNumber;

    use super::*;
    use crate::token::TokenId;

    fn mint(number: u64) -> Call {
        let token_id = TokenId::from_number(number).expect("a token id");
        Call::Mint { token_id, recipient: Account::from_bytes([7; 20]), settles_at: 1_800_000_000 }
    }

    #[test]
    fn a_group_holds_calls_of_one_kind() {
        let edition = EditionNumber::new(12).expect("a number");
        let digest = Sha256Digest::of(b"image");
        let terms = EditionTerms {
            serials: 22,
            image_digest: digest,
            colophon_digest: digest,
            royalty_receiver: Account::from_bytes([9; 20]),
            royalty_basis_points: 500,
        };
        let open = Call::OpenEdition { edition, terms };
        assert_eq!(calldata(&[]), Err(UnfitGroup));
        assert_eq!(calldata(&[open.clone(), open.clone()]), Err(UnfitGroup));
        assert_eq!(calldata(&[mint(12_000_100), open.clone()]), Err(UnfitGroup));
        let token_id = TokenId::from_number(12_000_100).expect("a token id");
        for alone in [
            Call::Release { token_id, recipient: Account::from_bytes([7; 20]) },
            Call::Surrender { token_id },
        ] {
            assert_eq!(calldata(&[alone.clone(), alone.clone()]), Err(UnfitGroup));
            assert!(calldata(&[alone]).is_ok());
        }
        assert!(calldata(&[open]).is_ok());
        // Selector, offset, length, and three words an item.
        assert_eq!(
            calldata(&[mint(12_000_100), mint(12_000_200)]).map(|data| data.len()),
            Ok(4 + 64 + 2 * 96)
        );
    }

    #[test]
    fn the_artifact_is_whole() {
        let deployment = IPrintEditions::Deployment {
            name: "Prints".to_owned(),
            symbol: "PRINT".to_owned(),
            tokenBaseURI: String::new(),
            contractURI: String::new(),
            admin: Address::ZERO,
            adminDelay: alloy::primitives::Uint::ZERO,
            curator: Address::ZERO,
            minters: vec![],
            registrar: Address::ZERO,
            pauser: Address::ZERO,
            vault: Address::ZERO,
            hourlyMintCap: 1,
        };
        assert!(creation_code(&deployment).is_ok_and(|code| code.len() > 10_000));
    }
}
