// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a contract that signs answers (ERC-1271).
interface IERC1271 {
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4 magicValue);
}

/// @title Whether the code of an account takes a signature for its own
/// @notice Asked by `eth_call` without a recipient, so that a node runs this constructor and forgets what it did. It is
/// never deployed and never part of a transaction, and it answers one word: 1 for yes, 0 for everything else.
///
/// An account with code is asked as ERC-1271 has it. An account without code gets it first from the factory that
/// its signature names (ERC-6492), for the time of this call. Where code stands no factory is called: nobody can have
/// an account changed before it is asked.
/// @dev Assembly, for there is no other way to answer out of a constructor, nor to bound what is copied out of the answer
/// of foreign code.
contract WalletVerdict {
    /// @dev Creating an account and setting it up takes some 300,000.
    uint256 private constant FACTORY_GAS = 3_000_000;
    /// @dev Enough for several owners, and for a passkey that is checked in Solidity.
    uint256 private constant ACCOUNT_GAS = 2_000_000;

    constructor(address account, bytes32 digest, bytes memory signature, address factory, bytes memory factoryCall) {
        if (account.code.length == 0 && factory != address(0)) {
            assembly ("memory-safe") {
                pop(call(FACTORY_GAS, factory, 0, add(factoryCall, 32), mload(factoryCall), 0, 0))
            }
        }
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 magic = IERC1271.isValidSignature.selector;
        assembly ("memory-safe") {
            let answered := staticcall(ACCOUNT_GAS, account, add(question, 32), mload(question), 0, 32)
            let inFull := and(answered, eq(returndatasize(), 32))
            mstore(0, and(inFull, eq(mload(0), magic)))
            return(0, 32)
        }
    }
}
