// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {LibString} from "solady/src/utils/LibString.sol";

import {IPrintEditions} from "./IPrintEditions.sol";
import {MintTally} from "./MintTally.sol";
import {Roles} from "./Roles.sol";
import {TokenFacts, liveFacts, tombstoneFacts} from "./TokenFacts.sol";
import {TokenId} from "./TokenId.sol";

/// @title PrintEditions
/// @notice The specification is in {IPrintEditions}.
contract PrintEditions is ERC721, ERC2981, Roles {
    using TokenId for uint256;

    /// @dev The royalty stands in Solady's ERC-2981 storage, keyed by edition instead of token id.
    struct Edition {
        uint16 serials;
        bytes32 imageDigest;
        bytes32 colophonDigest;
    }

    /// @inheritdoc IPrintEditions
    uint64 public constant MINIMUM_LOCK = 24 hours;
    /// @inheritdoc IPrintEditions
    uint64 public constant MAXIMUM_LOCK = 90 days;

    uint256 private constant FULL_PRICE = 10_000;

    MintTally private _mintTally;

    mapping(uint256 edition => Edition) private _editions;

    string private _name;
    string private _symbol;
    string private _tokenBaseURI;
    string private _contractURI;

    constructor(Deployment memory deployment) Roles(deployment) {
        _name = deployment.name;
        _symbol = deployment.symbol;
        _tokenBaseURI = deployment.tokenBaseURI;
        _contractURI = deployment.contractURI;
        _changeHourlyMintCap(deployment.hourlyMintCap);
    }

    // ---------------------------------------------------------------------------------------------- the issuer acts

    /// @inheritdoc IPrintEditions
    function openEdition(uint256 edition, EditionTerms calldata terms) external onlyRole(CURATOR_ROLE) {
        require(edition != 0 && edition <= TokenId.LAST_EDITION, EditionOutOfRange(edition));
        require(_editions[edition].serials == 0, EditionAlreadyOpen(edition));
        require(terms.serials != 0 && terms.serials <= TokenId.LAST_SERIAL, SerialsOutOfRange(edition, terms.serials));
        require(terms.imageDigest != 0 && terms.colophonDigest != 0, DigestMissing(edition));
        require(terms.royaltyBasisPoints <= FULL_PRICE, RoyaltyOutOfRange(edition, terms.royaltyBasisPoints));

        _editions[edition] = Edition(terms.serials, terms.imageDigest, terms.colophonDigest);
        if (terms.royaltyReceiver != address(0)) {
            _setTokenRoyalty(edition, terms.royaltyReceiver, terms.royaltyBasisPoints);
        } else {
            require(terms.royaltyBasisPoints == 0, RoyaltyReceiverMissing(edition, terms.royaltyBasisPoints));
        }
        emit EditionOpened(edition, terms);
    }

    /// @inheritdoc IPrintEditions
    function mint(MintItem[] calldata items) external onlyRole(MINTER_ROLE) {
        MintTally tally = _mintTally;
        require(!tally.isPaused(), EnforcedPause());
        (uint256 firstFree, uint256 end) = tally.places();
        uint256 place = firstFree;
        (uint256 edition, uint256 serials) = (0, 0); // of the item before: most calls are about one edition
        for (uint256 i; i < items.length; ++i) {
            MintItem calldata item = items[i];
            (uint256 tokenId, address recipient, uint256 settlesAt) = (item.tokenId, item.recipient, item.settlesAt);
            if (tokenId.edition() != edition) {
                edition = tokenId.edition();
                serials = _editions[edition].serials;
            }
            MintSkipReason skip = _whyNotMint(tokenId, recipient, settlesAt, serials, place < end);
            if (skip != MintSkipReason.NotSkipped) {
                emit MintSkipped(tokenId, skip);
                continue;
            }
            unchecked {
                ++place; // below the end
            }
            _mintAndSetExtraDataUnchecked(recipient, tokenId, TokenFacts.unwrap(_boundFacts(settlesAt)));
            emit Locked(tokenId);
        }
        if (place != firstFree) _mintTally = tally.withNextPlace(place);
    }

    /// @inheritdoc IPrintEditions
    function void(VoidItem[] calldata items) external onlyRole(REGISTRAR_ROLE) {
        for (uint256 i; i < items.length; ++i) {
            VoidItem calldata item = items[i];
            TokenFacts facts = _factsOf(item.tokenId);
            VoidSkipReason skip = _whyNotVoid(item, facts);
            if (skip != VoidSkipReason.NotSkipped) {
                emit VoidSkipped(item.tokenId, skip);
                continue;
            }
            VoidReason reason = VoidReason(item.reason);
            if (facts.isLive()) _burn(item.tokenId);
            _setFacts(item.tokenId, tombstoneFacts(reason));
            emit Voided(item.tokenId, reason);
        }
    }

    /// @inheritdoc IPrintEditions
    function settle(uint256[] calldata tokenIds) external onlyRole(REGISTRAR_ROLE) {
        for (uint256 i; i < tokenIds.length; ++i) {
            uint256 tokenId = tokenIds[i];
            TokenFacts facts = _factsOf(tokenId);
            SettleSkipReason skip = _whyNotSettle(facts);
            if (skip != SettleSkipReason.NotSkipped) {
                emit SettleSkipped(tokenId, skip);
                continue;
            }
            _setFacts(tokenId, liveFacts(block.timestamp).withAnnounced()); // a bound token bears nothing else
            emit Unlocked(tokenId);
        }
    }

    /// @inheritdoc IPrintEditions
    function release(uint256 tokenId, address recipient) external onlyRole(VAULT_ROLE) {
        require(ownerOf(tokenId) == msg.sender, NotTokenOwner(tokenId, msg.sender));
        require(
            recipient != address(0) && recipient != address(this) && recipient != msg.sender,
            BadReleaseRecipient(tokenId, recipient)
        );
        TokenFacts facts = _factsOf(tokenId);
        require(!facts.wasReleased(), AlreadyReleased(tokenId));

        _setFacts(tokenId, facts.withReleased());
        _transfer(msg.sender, recipient, tokenId);
        emit Released(tokenId, msg.sender, recipient);
    }

    /// @inheritdoc IPrintEditions
    function pause() external onlyRole(PAUSER_ROLE) {
        require(!paused(), EnforcedPause());
        _mintTally = _mintTally.withPaused(true);
        emit Paused(msg.sender);
    }

    /// @inheritdoc IPrintEditions
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        require(paused(), ExpectedPause());
        _mintTally = _mintTally.withPaused(false);
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc IPrintEditions
    function setHourlyMintCap(uint32 cap) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _changeHourlyMintCap(cap);
    }

    /// @inheritdoc IPrintEditions
    function setTokenBaseURI(string calldata tokenBaseURI) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _tokenBaseURI = tokenBaseURI;
        emit BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @inheritdoc IPrintEditions
    function setContractURI(string calldata newContractURI) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _contractURI = newContractURI;
        emit ContractURIUpdated();
    }

    // ------------------------------------------------------------------------------------------------ anybody acts

    /// @inheritdoc IPrintEditions
    function surrender(uint256 tokenId) external {
        require(ownerOf(tokenId) == msg.sender, NotTokenOwner(tokenId, msg.sender));
        _burn(tokenId);
        _setFacts(tokenId, tombstoneFacts(VoidReason.Surrendered));
        emit Surrendered(tokenId, msg.sender);
    }

    /// @inheritdoc IPrintEditions
    function announceUnlocked(uint256[] calldata tokenIds) external {
        for (uint256 i; i < tokenIds.length; ++i) {
            TokenFacts facts = _factsOf(tokenIds[i]);
            if (!facts.isSettled() || facts.wasAnnounced()) continue;
            _setFacts(tokenIds[i], facts.withAnnounced());
            emit Unlocked(tokenIds[i]);
        }
    }

    /// @inheritdoc ERC721
    function approve(address account, uint256 tokenId) public payable override {
        _refuseValue();
        super.approve(account, tokenId);
    }

    /// @inheritdoc ERC721
    /// @dev Both forms of safeTransferFrom are payable too, and begin with this one.
    function transferFrom(address from, address to, uint256 tokenId) public payable override {
        _refuseValue();
        super.transferFrom(from, to, tokenId);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IPrintEditions
    function editionTerms(uint256 edition) external view returns (EditionTerms memory terms) {
        Edition storage opened = _editions[edition];
        (address receiver, uint256 share) = super.royaltyInfo(edition, FULL_PRICE);
        // forge-lint: disable-next-line(unsafe-typecast)
        uint16 basisPoints = uint16(share); // openEdition took it as a uint16
        return EditionTerms(opened.serials, opened.imageDigest, opened.colophonDigest, receiver, basisPoints);
    }

    /// @inheritdoc IPrintEditions
    function statusOf(uint256 tokenId)
        external
        view
        returns (TokenStatus status, VoidReason reason, uint256 successor)
    {
        TokenFacts facts = _factsOf(tokenId);
        if (facts.isUnissued()) return (TokenStatus.Unissued, VoidReason.NotVoided, 0);
        if (!facts.isTombstone()) {
            return (facts.isSettled() ? TokenStatus.Settled : TokenStatus.Bound, VoidReason.NotVoided, 0);
        }
        reason = facts.voidReason();
        status = reason == VoidReason.Surrendered ? TokenStatus.Surrendered : TokenStatus.Voided;
        // After the last issue the next number is another sheet's.
        if (tokenId.issue() != TokenId.LAST_ISSUE && !_factsOf(tokenId + 1).isUnissued()) successor = tokenId + 1;
    }

    /// @inheritdoc IPrintEditions
    function settlesAtOf(uint256 tokenId) external view returns (uint256 settlesAt) {
        return _factsOf(tokenId).settlesAt();
    }

    /// @inheritdoc IPrintEditions
    function wasReleased(uint256 tokenId) external view returns (bool released) {
        return _factsOf(tokenId).wasReleased();
    }

    /// @inheritdoc IPrintEditions
    function locked(uint256 tokenId) external view returns (bool isLocked) {
        ownerOf(tokenId);
        return !_factsOf(tokenId).isSettled();
    }

    /// @inheritdoc IPrintEditions
    function contractURI() external view returns (string memory uri) {
        return _contractURI;
    }

    /// @inheritdoc IPrintEditions
    function paused() public view returns (bool stopped) {
        return _mintTally.isPaused();
    }

    /// @inheritdoc IPrintEditions
    function hourlyMintCap() external view returns (uint32 cap) {
        return _mintTally.cap();
    }

    /// @inheritdoc IPrintEditions
    function mintsLeftThisHour() public view returns (uint256 left) {
        (uint256 place, uint256 end) = _mintTally.places();
        return place < end ? end - place : 0;
    }

    /// @inheritdoc ERC721
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @inheritdoc ERC721
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        ownerOf(tokenId);
        return string.concat(_tokenBaseURI, LibString.toString(tokenId), ".json");
    }

    /// @inheritdoc ERC2981
    function royaltyInfo(uint256 tokenId, uint256 salePrice)
        public
        view
        override
        returns (address receiver, uint256 royaltyAmount)
    {
        return super.royaltyInfo(tokenId.edition(), salePrice);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC721, ERC2981, AccessControlDefaultAdminRules)
        returns (bool)
    {
        bytes4 erc4906 = 0x49064906;
        bytes4 erc5192 = 0xb45a3c0e;
        return interfaceId == erc4906 || interfaceId == erc5192 || ERC721.supportsInterface(interfaceId)
            || ERC2981.supportsInterface(interfaceId) || AccessControlDefaultAdminRules.supportsInterface(interfaceId);
    }

    // ------------------------------------------------------------------------------------------------------- inner

    /// @dev Every transfer passes here. An id without an owner is left to Solady's own check.
    function _beforeTokenTransfer(address from, address to, uint256 tokenId) internal view override {
        if (from == address(0) || to == address(0)) return;
        TokenFacts facts = _factsOf(tokenId);
        require(!facts.isLive() || facts.isSettled(), TokenLocked(tokenId, facts.settlesAt()));
        require(to != address(this), TransferToThisContract(tokenId));
    }

    function _changeHourlyMintCap(uint32 cap) private {
        emit HourlyMintCapChanged(_mintTally.cap(), cap);
        _mintTally = _mintTally.withCap(cap);
    }

    function _setFacts(uint256 tokenId, TokenFacts facts) private {
        _setExtraData(tokenId, TokenFacts.unwrap(facts));
    }

    function _factsOf(uint256 tokenId) private view returns (TokenFacts) {
        return TokenFacts.wrap(_getExtraData(tokenId));
    }

    function _boundFacts(uint256 settlesAt) private view returns (TokenFacts) {
        uint256 earliest = _secondsFromNow(MINIMUM_LOCK);
        if (settlesAt < earliest) settlesAt = earliest;
        return liveFacts(settlesAt);
    }

    /// @dev No `return` inside: the compiler writes such a function out where it is used, and a mint saves a jump there.
    function _whyNotMint(uint256 tokenId, address recipient, uint256 settlesAt, uint256 serials, bool placeLeft)
        private
        view
        returns (MintSkipReason skip)
    {
        TokenFacts facts = _factsOf(tokenId);
        if (!facts.isUnissued()) skip = facts.isLive() ? MintSkipReason.AlreadyIssued : MintSkipReason.Tombstone;
        else if (!tokenId.isSerialOf(serials)) skip = MintSkipReason.UnknownSerial;
        else if (tokenId.issue() != 0 && !_factsOf(tokenId - 1).isTombstone()) skip = MintSkipReason.PredecessorLive;
        else if (recipient == address(0)) skip = MintSkipReason.BadRecipient;
        else if (recipient == address(this)) skip = MintSkipReason.BadRecipient;
        else if (settlesAt > _secondsFromNow(MAXIMUM_LOCK)) skip = MintSkipReason.BadSettlesAt;
        else if (!placeLeft) skip = MintSkipReason.CapReached;
    }

    function _whyNotVoid(VoidItem calldata item, TokenFacts facts) private view returns (VoidSkipReason) {
        if (item.reason == uint8(VoidReason.NotVoided) || item.reason >= uint8(VoidReason.Surrendered)) {
            return VoidSkipReason.BadReason;
        }
        if (facts.isTombstone()) return VoidSkipReason.Tombstone;
        if (facts.isSettled()) return VoidSkipReason.Settled;
        if (facts.isUnissued()) return _whyNotNext(item.tokenId);
        return VoidSkipReason.NotSkipped;
    }

    /// @dev Why an unissued id is not the next one that could be minted.
    function _whyNotNext(uint256 tokenId) private view returns (VoidSkipReason) {
        if (!tokenId.isSerialOf(_editions[tokenId.edition()].serials)) return VoidSkipReason.UnknownSerial;
        if (tokenId.issue() != 0 && !_factsOf(tokenId - 1).isTombstone()) return VoidSkipReason.PredecessorLive;
        return VoidSkipReason.NotSkipped;
    }

    function _whyNotSettle(TokenFacts facts) private view returns (SettleSkipReason) {
        if (facts.isUnissued()) return SettleSkipReason.Unissued;
        if (facts.isTombstone()) return SettleSkipReason.Tombstone;
        if (facts.isSettled()) return SettleSkipReason.AlreadySettled;
        return SettleSkipReason.NotSkipped;
    }

    function _secondsFromNow(uint256 wait) private view returns (uint256) {
        unchecked {
            return block.timestamp + wait;
        }
    }

    function _refuseValue() private view {
        require(msg.value == 0, ValueNotAccepted(msg.value));
    }
}
