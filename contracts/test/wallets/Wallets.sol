// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "../../src/WalletVerdict.sol";

/// @dev Accounts with code, good and bad, that the service is asked to take the signatures of.

/// @notice Whether an owner made a signature of 65 bytes.
library Owners {
    function made(address owner, bytes32 digest, bytes calldata signature) internal pure returns (bool) {
        if (signature.length != 65) return false;
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        address signer = ecrecover(digest, uint8(signature[64]), r, s);
        return signer != address(0) && signer == owner;
    }
}

/// @notice Takes what its one owner signed.
contract OwnedWallet is IERC1271 {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return Owners.made(OWNER, digest, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Takes what two owners signed, one after the other.
contract SharedWallet is IERC1271 {
    address private immutable FIRST;
    address private immutable SECOND;

    constructor(address first, address second) {
        FIRST = first;
        SECOND = second;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool both = signature.length == 130 && Owners.made(FIRST, digest, signature[:65])
            && Owners.made(SECOND, digest, signature[65:]);
        return both ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Takes everything, as a wallet does that its holder made so.
contract OpenWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC1271.isValidSignature.selector;
    }
}

contract RevertingWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        revert("no");
    }
}

/// @notice Reverts with the magic value.
contract RevertingMagicWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        bytes32 magic = IERC1271.isValidSignature.selector;
        assembly {
            mstore(0, magic)
            revert(0, 32)
        }
    }
}

contract InvalidOpcodeWallet {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @notice The magic value of the draft of ERC-1271, which hashed nothing.
contract WrongMagicWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x20c13b0b;
    }
}

/// @notice Answers `true`, as many wrong implementations do.
contract TrueWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bool) {
        return true;
    }
}

contract GasBurningWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        while (true) {}
        return IERC1271.isValidSignature.selector;
    }
}

/// @notice Begins with the magic value and goes on for as long as it was made to.
contract LongAnswerWallet {
    uint256 private immutable LENGTH;

    constructor(uint256 length) {
        LENGTH = length;
    }

    fallback() external {
        uint256 length = LENGTH;
        bytes32 magic = IERC1271.isValidSignature.selector;
        assembly {
            mstore(0, magic)
            return(0, length)
        }
    }
}

/// @notice The magic value, and dirt behind it.
contract DirtyMagicWallet {
    fallback() external {
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector) | bytes32(uint256(1));
        assembly {
            mstore(0, magic)
            return(0, 32)
        }
    }
}

/// @notice Answers to everything, with nothing.
contract SilentWallet {
    fallback() external payable {}
}

/// @notice Gives back what it is asked.
contract EchoWallet {
    fallback(bytes calldata question) external returns (bytes memory) {
        return question;
    }
}

/// @notice Takes everything in blocks of an even number, and nothing in the others.
contract EvenBlockWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return block.number % 2 == 0 ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Writes down how often it was asked.
contract CountingWallet {
    uint256 private _asked;

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        _asked += 1;
        return IERC1271.isValidSignature.selector;
    }
}

/// @notice Destroys itself when it is asked.
contract SelfDestructingWallet {
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        selfdestruct(payable(msg.sender));
    }
}

/// @notice Makes an open wallet and destroys it in the same transaction: nothing is left of it.
contract Vanishing {
    address public immutable GONE;

    constructor() {
        Destroyable wallet = new Destroyable();
        GONE = address(wallet);
        wallet.destroy();
    }
}

contract Destroyable is OpenWallet {
    function destroy() external {
        selfdestruct(payable(msg.sender));
    }
}

/// @notice A delegate for key accounts (EIP-7702): what the account's own key signed is taken, by its code too.
contract KeyDelegate is IERC1271 {
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return Owners.made(address(this), digest, signature) ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Makes wallets at addresses that follow from their owner (EIP-1014).
contract Factory {
    error Refused();

    function make(address owner) external returns (address) {
        return address(new OwnedWallet{salt: 0}(owner));
    }

    function addressOf(address owner) external view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(OwnedWallet).creationCode, abi.encode(owner)));
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(this), bytes32(0), code)))));
    }

    /// @notice The code of another kind, at another address.
    function makeOther(address) external returns (address) {
        return address(new OpenWallet{salt: 0}());
    }

    function makeAndRevert(address owner) external {
        new OwnedWallet{salt: 0}(owner);
        revert Refused();
    }

    function burn(address) external pure {
        while (true) {}
    }

    /// @notice Makes the wallet and answers with ten million bytes.
    function makeLoudly(address owner) external {
        new OwnedWallet{salt: 0}(owner);
        assembly {
            return(0, 10000000)
        }
    }
}
