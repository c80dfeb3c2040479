// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title PrintEditions: one token for each sheet of a limited edition
/// @notice A token certifies one physical impression. It says which sheet of which edition it stands for, it can be
/// taken back by the issuer until a fixed moment, and from that moment on it belongs to its owner alone.
///
/// Token id = edition × 1,000,000 + serial × 100 + issue, with 1 ≤ edition ≤ 999,999,999, 1 ≤ serial ≤ 9,999 and
/// 0 ≤ issue ≤ 99. So 12017100 is edition 12, serial 171, first issue. A serial names a sheet; an issue counts the
/// tokens which that sheet has had. The id is the one-time key of a mint: it is issued at most once, ever.
///
/// An id is in exactly one state (see {TokenStatus}). The ways between them:
///
///     Unissued → Bound                 {mint}
///     Bound    → Settled               time passing `settlesAt`, or {settle}
///     Bound    → Voided                {void}
///     Unissued → Voided                {void}, where that id is the next that could be minted
///     Bound, Settled → Surrendered     {surrender}
///
/// Voided and Surrendered are tombstones and last for ever. Issue n + 1 can be minted only when issue n is a
/// tombstone, so all issues below a live id or a tombstone are tombstones, and a sheet has at most one live token.
///
/// Roles are those of OpenZeppelin's AccessControl, with a two-step, delayed hand-over of the default admin. No
/// account can hold the minter and the registrar role together. The contract takes no ether, makes no call to a
/// recipient of a mint, cannot be upgraded, and has neither a multicall nor a trusted forwarder. The ERC-721 functions
/// that are payable in their ABI revert when value is sent.
interface IPrintEditions {
    // ------------------------------------------------------------------------------------------------------- types

    /// @notice What an edition promises, fixed by {openEdition} and never changed.
    /// @param serials How many sheets exist, run and proofs together: 1 to 9,999.
    /// @param imageDigest SHA-256 of the print image file.
    /// @param colophonDigest SHA-256 of the frozen colophon.
    /// @param royaltyReceiver Who is named by ERC-2981; may be zero only if `royaltyBasisPoints` is zero.
    /// @param royaltyBasisPoints Royalty in hundredths of a percent of the sale price: 0 to 10,000.
    struct EditionTerms {
        uint16 serials;
        bytes32 imageDigest;
        bytes32 colophonDigest;
        address royaltyReceiver;
        uint16 royaltyBasisPoints;
    }

    /// @notice One token to mint.
    /// @param tokenId The id, which no call can mint twice.
    /// @param recipient The first owner.
    /// @param settlesAt The Unix second from which the issuer can no longer void the token. What is stored is at
    /// least {MINIMUM_LOCK} ahead of the block's time, whatever is asked for.
    struct MintItem {
        uint256 tokenId;
        address recipient;
        uint64 settlesAt;
    }

    /// @notice One id to turn into a tombstone.
    /// @param tokenId A bound token, or an unissued id that could be minted next.
    /// @param reason A {VoidReason} other than `NotVoided` and `Surrendered`.
    struct VoidItem {
        uint256 tokenId;
        uint8 reason;
    }

    /// @notice What the constructor takes.
    /// @param name Collection name.
    /// @param symbol Collection symbol.
    /// @param tokenBaseURI Text before `<token id>.json` in {tokenURI}.
    /// @param contractURI Where the collection's own metadata stands (ERC-7572).
    /// @param admin First holder of the default admin role.
    /// @param adminDelay Seconds between scheduling and accepting an admin hand-over; at least {MINIMUM_ADMIN_DELAY}.
    /// @param curator First holder of {CURATOR_ROLE}.
    /// @param minters First holders of {MINTER_ROLE}; may be empty.
    /// @param registrar First holder of {REGISTRAR_ROLE}.
    /// @param pauser First holder of {PAUSER_ROLE}.
    /// @param vault First holder of {VAULT_ROLE}.
    /// @param hourlyMintCap See {hourlyMintCap}.
    struct Deployment {
        string name;
        string symbol;
        string tokenBaseURI;
        string contractURI;
        address admin;
        uint48 adminDelay;
        address curator;
        address[] minters;
        address registrar;
        address pauser;
        address vault;
        uint32 hourlyMintCap;
    }

    /// @notice The state of a token id. Any number that is no token of an open edition is `Unissued` as well.
    enum TokenStatus {
        Unissued,
        Bound,
        Settled,
        Voided,
        Surrendered
    }

    /// @notice Why a tombstone stands. `NotVoided` belongs to ids without one; `Surrendered` is the owner's own act.
    enum VoidReason {
        NotVoided,
        Refunded,
        Disputed,
        Canceled,
        Returned,
        Lost,
        Withdrawn,
        Corrected,
        Surrendered
    }

    /// @notice Why one item of a {mint} was passed over: the first that holds, in this order. `NotSkipped` is never
    /// emitted.
    /// - `AlreadyIssued`: the id has a live token.
    /// - `Tombstone`: the id had one, or was voided before it had.
    /// - `UnknownSerial`: the edition is not open, or has no such serial.
    /// - `PredecessorLive`: the issue before this one is not a tombstone.
    /// - `BadRecipient`: zero, or this contract.
    /// - `BadSettlesAt`: more than {MAXIMUM_LOCK} ahead of the block's time.
    /// - `CapReached`: {hourlyMintCap} is used up for this clock hour.
    enum MintSkipReason {
        NotSkipped,
        AlreadyIssued,
        Tombstone,
        UnknownSerial,
        PredecessorLive,
        BadRecipient,
        BadSettlesAt,
        CapReached
    }

    /// @notice Why one item of a {void} was passed over: the first that holds, in this order. `NotSkipped` is never
    /// emitted.
    /// - `BadReason`: not a reason that the registrar may give.
    /// - `Tombstone`: the id is one already.
    /// - `Settled`: the token is out of the issuer's reach.
    /// - `UnknownSerial`: the id is unissued, and the edition is not open or has no such serial.
    /// - `PredecessorLive`: the id is unissued, and the issue before it is not a tombstone.
    enum VoidSkipReason {
        NotSkipped,
        BadReason,
        Tombstone,
        Settled,
        UnknownSerial,
        PredecessorLive
    }

    /// @notice Why one id of a {settle} was passed over. `NotSkipped` is never emitted.
    /// - `Unissued`: there is no such token yet.
    /// - `Tombstone`: there is no such token any more.
    /// - `AlreadySettled`: it needs no settling.
    enum SettleSkipReason {
        NotSkipped,
        Unissued,
        Tombstone,
        AlreadySettled
    }

    // ------------------------------------------------------------------------------------------------------ events

    /// @notice An edition was opened; from now on its serials can be minted.
    event EditionOpened(uint256 indexed edition, EditionTerms terms);

    /// @notice An item of a {mint} was passed over. A minted item has ERC-721's `Transfer` from zero instead.
    event MintSkipped(uint256 indexed tokenId, MintSkipReason reason);

    /// @notice An id became a tombstone by the registrar. If it was live, ERC-721's `Transfer` to zero stands before.
    event Voided(uint256 indexed tokenId, VoidReason reason);

    /// @notice An item of a {void} was passed over.
    event VoidSkipped(uint256 indexed tokenId, VoidSkipReason reason);

    /// @notice An id of a {settle} was passed over. A settled one has {Unlocked} instead.
    event SettleSkipped(uint256 indexed tokenId, SettleSkipReason reason);

    /// @notice The owner gave the token up. ERC-721's `Transfer` to zero stands before.
    event Surrendered(uint256 indexed tokenId, address indexed owner);

    /// @notice The vault handed a token to its buyer. ERC-721's `Transfer` stands before.
    event Released(uint256 indexed tokenId, address indexed vault, address indexed recipient);

    /// @notice The cap on mints per clock hour was set.
    event HourlyMintCapChanged(uint32 previousCap, uint32 newCap);

    /// @notice Mints were stopped.
    event Paused(address account);

    /// @notice Mints were let go on.
    event Unpaused(address account);

    /// @notice ERC-5192: the token cannot be transferred for now. Emitted at mint.
    event Locked(uint256 tokenId);

    /// @notice ERC-5192: the token can be transferred. Emitted at most once per id, by {settle} or
    /// {announceUnlocked}; time itself emits nothing, so ask {locked} for the truth.
    event Unlocked(uint256 tokenId);

    /// @notice ERC-4906: the metadata of one token changed. Not emitted; declared because the standard names it.
    event MetadataUpdate(uint256 _tokenId);

    /// @notice ERC-4906: the metadata of a range of tokens changed.
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @notice ERC-7572: {contractURI} changed.
    event ContractURIUpdated();

    // ------------------------------------------------------------------------------------------------------ errors

    /// @notice The edition number is not between 1 and 999,999,999.
    error EditionOutOfRange(uint256 edition);

    /// @notice The edition was opened before; its terms stand.
    error EditionAlreadyOpen(uint256 edition);

    /// @notice The number of serials is not between 1 and 9,999.
    error SerialsOutOfRange(uint256 edition, uint256 serials);

    /// @notice One of the two digests is zero.
    error DigestMissing(uint256 edition);

    /// @notice The royalty is above 10,000 basis points.
    error RoyaltyOutOfRange(uint256 edition, uint256 basisPoints);

    /// @notice A royalty is due to nobody.
    error RoyaltyReceiverMissing(uint256 edition, uint256 basisPoints);

    /// @notice The token cannot be transferred before `settlesAt`.
    error TokenLocked(uint256 tokenId, uint256 settlesAt);

    /// @notice A token that this contract owned could never leave it again.
    error TransferToThisContract(uint256 tokenId);

    /// @notice The caller does not own the token. An approval is not enough here.
    error NotTokenOwner(uint256 tokenId, address caller);

    /// @notice The token was released before; that happens once.
    error AlreadyReleased(uint256 tokenId);

    /// @notice A token cannot be released to zero, to this contract or to the vault itself.
    error BadReleaseRecipient(uint256 tokenId, address recipient);

    /// @notice The account would hold both the minter and the registrar role.
    error MinterAndRegistrar(address account);

    /// @notice A role was given to the zero address at deployment.
    error RoleHolderMissing(bytes32 role);

    /// @notice The delay of an admin hand-over is below {MINIMUM_ADMIN_DELAY}.
    error AdminDelayTooShort(uint48 delay);

    /// @notice Mints are paused.
    error EnforcedPause();

    /// @notice Mints are not paused.
    error ExpectedPause();

    /// @notice Ether was sent along.
    error ValueNotAccepted(uint256 value);

    // ---------------------------------------------------------------------------------------------- the issuer acts

    /// @notice Opens an edition, once and for ever. For the curator.
    /// @param edition Its number.
    /// @param terms What it promises.
    function openEdition(uint256 edition, EditionTerms calldata terms) external;

    /// @notice Mints tokens. For the minter; reverts while paused. What concerns one item alone skips that item: for
    /// each item there is exactly one of `Transfer(0, recipient, tokenId)` and {MintSkipped}.
    /// @dev Each new token is {Locked} until its `settlesAt`. The recipient is not called.
    /// @param items The tokens, in the order in which they are tried.
    function mint(MintItem[] calldata items) external;

    /// @notice Turns bound tokens, or the next mintable ids, into tombstones. For the registrar, also while paused.
    /// For each item there is exactly one of {Voided} and {VoidSkipped}.
    /// @dev An unissued id is accepted only where a mint of it would find its edition, its serial and its predecessor
    /// in order. So a refund that races a mint in flight ends the same way whichever comes first.
    /// @param items The ids and reasons, in the order in which they are tried.
    function void(VoidItem[] calldata items) external;

    /// @notice Ends the lock of bound tokens now. For the registrar. For each id there is exactly one of {Unlocked} and
    /// {SettleSkipped}.
    /// @param tokenIds The tokens.
    function settle(uint256[] calldata tokenIds) external;

    /// @notice Hands a settled token that the calling vault owns to its buyer, once per id for ever.
    /// @param tokenId The token.
    /// @param recipient The buyer.
    function release(uint256 tokenId, address recipient) external;

    /// @notice Stops mints. For the pauser. Transfers, voids, settling and surrender go on.
    function pause() external;

    /// @notice Lets mints go on. For the admin: to stop must be easy, to start again must be meant.
    function unpause() external;

    /// @notice Sets {hourlyMintCap}, with effect in the running hour. For the admin.
    /// @param cap Mints per clock hour; 0 stops them.
    function setHourlyMintCap(uint32 cap) external;

    /// @notice Moves the metadata. For the admin. What a token certifies does not hang on it: digests are on chain.
    /// @param tokenBaseURI Text before `<token id>.json`.
    function setTokenBaseURI(string calldata tokenBaseURI) external;

    /// @notice Moves the collection's metadata. For the admin.
    /// @param newContractURI Its address.
    function setContractURI(string calldata newContractURI) external;

    // ------------------------------------------------------------------------------------------------ anybody acts

    /// @notice Gives up a token, bound or settled, for a tombstone; the next issue can then be minted. For its owner
    /// alone, not for an approved account.
    /// @param tokenId The token.
    function surrender(uint256 tokenId) external;

    /// @notice Emits {Unlocked} for settled tokens that have not had it. Ids that are not settled or were announced are
    /// passed over in silence, so that two callers cannot spoil each other's call.
    /// @param tokenIds The tokens.
    function announceUnlocked(uint256[] calldata tokenIds) external;

    // ------------------------------------------------------------------------------------------------------- views

    /// @notice The terms of an edition; all zero if it was never opened.
    function editionTerms(uint256 edition) external view returns (EditionTerms memory terms);

    /// @notice The state of an id.
    /// @return status Where it stands.
    /// @return reason Why it is a tombstone, else `NotVoided`.
    /// @return successor For a tombstone, the id of the next issue if that one is no longer unissued, else 0. It may be
    /// a tombstone itself, and then names its own successor.
    function statusOf(uint256 tokenId) external view returns (TokenStatus status, VoidReason reason, uint256 successor);

    /// @notice The Unix second from which a live token is settled: fixed at mint, moved only by {settle}, and then to
    /// an earlier time. 0 for an id without an owner.
    function settlesAtOf(uint256 tokenId) external view returns (uint256 settlesAt);

    /// @notice Whether {release} has handed this token out.
    function wasReleased(uint256 tokenId) external view returns (bool released);

    /// @notice ERC-5192: whether transfers of the token revert now. Reverts for an id without an owner.
    function locked(uint256 tokenId) external view returns (bool isLocked);

    /// @notice ERC-7572: where the collection's metadata stands.
    function contractURI() external view returns (string memory uri);

    /// @notice Whether mints are stopped.
    function paused() external view returns (bool stopped);

    /// @notice How many tokens all minters together may mint in one clock hour of block time. Any 60 minutes hold at
    /// most twice as many.
    function hourlyMintCap() external view returns (uint32 cap);

    /// @notice How many tokens may still be minted in the running clock hour.
    function mintsLeftThisHour() external view returns (uint256 left);

    // --------------------------------------------------------------------------------------------------- constants

    /// @notice Opens editions.
    function CURATOR_ROLE() external view returns (bytes32);

    /// @notice Mints.
    function MINTER_ROLE() external view returns (bytes32);

    /// @notice Voids and settles.
    function REGISTRAR_ROLE() external view returns (bytes32);

    /// @notice Stops mints.
    function PAUSER_ROLE() external view returns (bytes32);

    /// @notice Keeps tokens in a buyer's name, and releases them.
    function VAULT_ROLE() external view returns (bytes32);

    /// @notice The shortest lock of a new token: 24 hours, in seconds.
    function MINIMUM_LOCK() external view returns (uint64);

    /// @notice The longest lock that may be asked for: 90 days, in seconds.
    function MAXIMUM_LOCK() external view returns (uint64);

    /// @notice The shortest delay of an admin hand-over: 24 hours, in seconds.
    function MINIMUM_ADMIN_DELAY() external view returns (uint48);
}
