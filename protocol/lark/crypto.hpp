// protocol/lark/crypto: encryption and the two signature schemes of what Feishu pushes
// (docs/contracts/lark.md, 1.2, 1.3, 1.6). Nothing of a push is believed before one of these held.
// The sending half is for the sandbox and the tests. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/secret.hpp"

namespace pb::protocol::lark {

/// base64(iv || AES-256-CBC-PKCS7) under SHA-256 of the Encrypt Key's UTF-8 bytes → the plaintext,
/// whatever it is. errc::bad_input for anything else; the reasons are told apart in words only
/// where they do not depend on the key, so that answers are no padding oracle.
result<std::string> decrypt(std::string_view base64, const secret& encrypt_key);
/// @param iv  16 bytes, never used twice
std::string encrypt(std::string_view plaintext, const secret& encrypt_key, std::string_view iv);

/// What a push is signed with; the three headers as they came, empty when absent.
struct push_headers {
  std::string timestamp, nonce, signature;  ///< X-Lark-Request-Timestamp, -Nonce, X-Lark-Signature
};

/// Lower-case hex of SHA-256(timestamp || nonce || Encrypt Key || raw body): not an HMAC.
std::string signature_of(std::string_view timestamp, std::string_view nonce,
                         const secret& encrypt_key, std::string_view raw_body);
/// In time that does not depend on the digits. Never with an empty key.
bool signature_holds(const push_headers& h, const secret& encrypt_key, std::string_view raw_body);

/// The old card callback: SHA-1 and the Verification Token instead.
std::string legacy_signature_of(std::string_view timestamp, std::string_view nonce,
                                const secret& verification_token, std::string_view raw_body);
bool legacy_signature_holds(const push_headers& h, const secret& verification_token,
                            std::string_view raw_body);

}  // namespace pb::protocol::lark
