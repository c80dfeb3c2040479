// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {PrintEditions} from "../src/PrintEditions.sol";
import {vm} from "../test/harness/Vm.sol";
import {svm} from "./Symbolic.sol";

/// @notice The contract in whatever state: its storage is arbitrary but for the first holders of the roles, and so is the
/// time. What is proved from here holds after every history, even after those that cannot happen.
abstract contract AnyState {
    address internal constant ADMIN = address(0xad31);
    address internal constant MINTER = address(0x3173);
    address internal constant REGISTRAR = address(0x4e95);
    address internal constant PAUSER = address(0x9a05);
    address internal constant CURATOR = address(0xc04a);
    address internal constant VAULT = address(0x7a17);

    /// @dev Where `_mintTally` stands. The constructor wrote there, so that it has to be made arbitrary by hand;
    /// {PrintEditionsProof.check_falseThatTheCapIsWhatWasDeployed} would hold if this were another slot.
    bytes32 private constant TALLY_SLOT = bytes32(uint256(3));

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
        uint256 time = svm.createUint256("time");
        vm.assume(time < 1 << 40); // the year 36,812
        vm.warp(time);
    }

    function _mint(address to, uint256 id, uint64 settlesAt) internal returns (bool done) {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](1);
        items[0] = IPrintEditions.MintItem(to, id, settlesAt);
        vm.prank(MINTER);
        (done,) = address(_token).call(abi.encodeCall(_token.mint, (items)));
    }

    function _void(uint256 id, uint8 reason) internal {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](1);
        items[0] = IPrintEditions.VoidItem(id, reason);
        vm.prank(REGISTRAR);
        _token.void(items);
    }

    /// @dev Any function but those that a proof leaves out, with any arguments, by any caller.
    function _callAnything(address caller) internal returns (bytes4 selector, bool done) {
        bytes memory call = svm.createCalldata("PrintEditions");
        selector = bytes4(call);
        vm.prank(caller);
        (done,) = address(_token).call(call);
    }

    function _statusOf(uint256 id) internal view returns (IPrintEditions.TokenStatus status) {
        (status,,) = _token.statusOf(id);
    }

    function _ownerOf(uint256 id) internal view returns (address owner) {
        try _token.ownerOf(id) returns (address found) {
            owner = found;
        } catch {}
    }

    /// @dev The one thing that no history can break and that the storage alone does not say: an owner and a settling time
    /// come and go together, and a tombstone has neither. {PrintEditionsProof.check_everyCallKeepsWordsInOrder} proves it.
    function _inOrder(uint256 id) internal view returns (bool) {
        (IPrintEditions.TokenStatus status,,) = _token.statusOf(id);
        bool live = status == IPrintEditions.TokenStatus.Bound || status == IPrintEditions.TokenStatus.Settled;
        return live == (_ownerOf(id) != address(0)) && live == (_token.settlesAtOf(id) != 0);
    }
}
