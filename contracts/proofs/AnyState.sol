// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {PrintEditions} from "../src/PrintEditions.sol";
import {vm} from "../test/harness/Vm.sol";
import {svm} from "./Symbolic.sol";

/// @notice The contract in whatever state: its storage is arbitrary but for the first holders of the roles. What is proved from
/// here holds after every history, even after those that cannot happen. The time is one moment, for all moments in the
/// storage are arbitrary, before it, at it and after it.
abstract contract AnyState {
    address internal constant ADMIN = address(0xad31);
    address internal constant MINTER = address(0x3173);
    address internal constant REGISTRAR = address(0x4e95);
    address internal constant PAUSER = address(0x9a05);
    address internal constant CURATOR = address(0xc04a);
    address internal constant VAULT = address(0x7a17);
    address internal constant BUYER = address(0xb0b);

    bytes4 private constant SAFE_TRANSFER = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
    bytes4 private constant SAFE_TRANSFER_WITH_DATA =
        bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"));

    /// @dev Where `_mintTally` stands. The constructor wrote there, so that it has to be made arbitrary by hand;
    /// {PrintEditionsProof.check_falseThatTheCapIsWhatWasDeployed} would hold if this were another slot.
    bytes32 private constant TALLY_SLOT = bytes32(uint256(3));

    uint256 private constant EDITIONS_SLOT = 4;
    uint256 private constant ROYALTY_SEED = 0xaa4ec00224afccfdb7;

    PrintEditions internal _token;

    function setUp() public virtual {
        address[] memory minters = new address[](1);
        minters[0] = MINTER;
        _token = new PrintEditions(
            IPrintEditions.Deployment({
                name: "",
                symbol: "",
                tokenBaseURI: "",
                contractURI: "",
                admin: ADMIN,
                adminDelay: 1 days,
                curator: CURATOR,
                minters: minters,
                registrar: REGISTRAR,
                pauser: PAUSER,
                vault: VAULT,
                hourlyMintCap: 100
            })
        );
        svm.enableSymbolicStorage(address(_token));
        vm.store(address(_token), TALLY_SLOT, svm.createBytes32("tally"));
        vm.warp(1_790_000_000);
    }

    /// @dev To one recipient, for the proofs ask nothing about who it is. Solady writes its errors to places in memory that
    /// hang on the recipient, and halmos cannot follow that for a recipient who may be zero.
    function _mint(uint256 id, uint64 settlesAt) internal returns (bool done) {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](1);
        items[0] = IPrintEditions.MintItem(id, BUYER, settlesAt);
        vm.prank(MINTER);
        (done,) = address(_token).call(abi.encodeCall(_token.mint, (items)));
    }

    function _void(uint256 id, uint8 reason) internal {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](1);
        items[0] = IPrintEditions.VoidItem(id, reason);
        vm.prank(REGISTRAR);
        _token.void(items);
    }

    /// @dev Any function with any arguments, but for those that move tokens: of these a call that fails cannot be followed
    /// (see {_mint}), and a proof that needs them makes a call that can succeed.
    function _anyOtherCall() internal pure returns (bytes memory call) {
        call = svm.createCalldata("PrintEditions");
        bytes4 selector = bytes4(call);
        vm.assume(selector != IPrintEditions.mint.selector && selector != IERC721.transferFrom.selector);
        vm.assume(selector != IPrintEditions.void.selector && selector != IPrintEditions.settle.selector);
        vm.assume(selector != IPrintEditions.release.selector && selector != IPrintEditions.surrender.selector);
        vm.assume(selector != SAFE_TRANSFER && selector != SAFE_TRANSFER_WITH_DATA);
    }

    /// @dev The words that hold the terms: three of `_editions[edition]`, and the royalty in Solady's place.
    function _termsOf(uint256 edition) internal view returns (bytes32[4] memory words) {
        uint256 slot = uint256(keccak256(abi.encode(edition, EDITIONS_SLOT)));
        for (uint256 i; i < 3; ++i) {
            words[i] = vm.load(address(_token), bytes32(slot + i));
        }
        words[3] = vm.load(address(_token), keccak256(abi.encode(edition, ROYALTY_SEED)));
    }

    function _statusOf(uint256 id) internal view returns (IPrintEditions.TokenStatus status) {
        (status,,) = _token.statusOf(id);
    }

    function _ownerOf(uint256 id) internal view returns (address owner) {
        try _token.ownerOf(id) returns (address found) {
            owner = found;
        } catch {}
    }

    /// @dev What the storage alone does not say and every history keeps: an owner and a settling time come and go together,
    /// and a tombstone has neither. {PrintEditionsProof.check_mintAndVoidKeepWordsInOrder} proves it.
    function _inOrder(uint256 id) internal view returns (bool) {
        IPrintEditions.TokenStatus status = _statusOf(id);
        bool live = status == IPrintEditions.TokenStatus.Bound || status == IPrintEditions.TokenStatus.Settled;
        return live == (_ownerOf(id) != address(0)) && live == (_token.settlesAtOf(id) != 0);
    }
}
