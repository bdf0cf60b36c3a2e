#include "persistence/sealing.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>

#include "base/digest.hpp"

namespace pb::persistence {
namespace {

constexpr std::size_t key_size = 32, nonce_size = 12, tag_size = 16;
constexpr std::size_t value_limit = 1u << 20;

using cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* octets(const std::string& s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* octets(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

std::string bound(const std::string& tenant, const std::string& name) {
  return tenant + "|" + name;
}

failure broken(std::string detail) { return {errc::bad_input, "store.sealing", std::move(detail)}; }

failure no_key() {
  return {errc::key_missing, "store.sealing", "security.encryption_key (ENCRYPTION_KEY) is not set",
          "set ENCRYPTION_KEY to the base64 of 32 random bytes: openssl rand -base64 32"};
}

}  // namespace

std::string key_id_of(const secret& key_bytes) {
  return sha256_hex(key_bytes.reveal()).substr(0, 8);
}

sealer::sealer(const std::optional<secret>& current, const std::vector<secret>& previous) {
  if (current && current->reveal().size() == key_size) {
    keys_.push_back({key_id_of(*current), *current});
    has_current_ = true;
  }
  for (const secret& k : previous)
    if (k.reveal().size() == key_size) keys_.push_back({key_id_of(k), k});
}

std::string sealer::key_id() const { return has_key() ? keys_.front().id : std::string{}; }

result<credential_row> sealer::seal(const std::string& tenant, const std::string& name,
                                    const secret& value, timestamp now) const {
  if (!has_key()) return no_key();
  // The bound identity reads in one way only.
  if (tenant.find('|') != tenant.npos) return broken("a tenant's name has no \"|\"");
  const std::string& plain = value.reveal();
  if (plain.size() > value_limit)
    return failure{errc::too_large, "store.sealing", "the value is too long"};
  const std::string aad = bound(tenant, name);
  std::string out(nonce_size + plain.size() + tag_size, '\0');
  unsigned char* const nonce = octets(out);
  int n = 0;
  cipher c{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  const bool done =
      c && RAND_bytes(nonce, nonce_size) == 1 &&
      EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets(keys_.front().bytes.reveal()),
                         nonce) == 1 &&
      EVP_EncryptUpdate(c.get(), nullptr, &n, octets(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_EncryptUpdate(c.get(), nonce + nonce_size, &n, octets(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(c.get(), nonce + nonce_size + n, &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, tag_size,
                          nonce + nonce_size + plain.size()) == 1;
  if (!done) return failure{errc::crashed, "store.sealing", "the cipher failed"};
  return credential_row{tenant, name, keys_.front().id, std::move(out), now};
}

result<secret> sealer::open(const credential_row& row) const {
  if (keys_.empty()) return no_key();
  const auto k =
      std::find_if(keys_.begin(), keys_.end(), [&](const key& x) { return x.id == row.key_id; });
  if (k == keys_.end())
    return failure{errc::key_missing, "store.sealing",
                   row.name + " is sealed under key " + row.key_id + ", which is not set",
                   "add that key to security.encryption_key_previous (ENCRYPTION_KEY_PREVIOUS)"};
  if (row.sealed.size() < nonce_size + tag_size)
    return broken(row.name + " is shorter than a sealed value");
  const std::size_t size = row.sealed.size() - nonce_size - tag_size;
  std::string sealed = row.sealed;  // the tag is passed as a mutable pointer
  unsigned char* const nonce = octets(sealed);
  const std::string aad = bound(row.tenant, row.name);
  std::string plain(size + 1, '\0');
  int n = 0, last = 0;
  cipher c{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  const bool done =
      c &&
      EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets(k->bytes.reveal()), nonce) ==
          1 &&
      EVP_DecryptUpdate(c.get(), nullptr, &n, octets(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_DecryptUpdate(c.get(), octets(plain), &n, nonce + nonce_size, static_cast<int>(size)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, tag_size, nonce + nonce_size + size) ==
          1 &&
      EVP_DecryptFinal_ex(c.get(), octets(plain) + n, &last) == 1;
  secret value{plain.substr(0, size)};
  OPENSSL_cleanse(plain.data(), plain.size());
  if (!done) return broken(row.name + " does not open: it was changed, or moved from another row");
  return value;
}

bool sealer::is_current(const credential_row& row) const {
  return has_key() && row.key_id == keys_.front().id;
}

result<credential_row> sealer::reseal(const credential_row& row, timestamp now) const {
  if (!has_key()) return no_key();
  auto value = open(row);
  if (!value) return value.error();
  return seal(row.tenant, row.name, *value, now);
}

result<rotation_report> rotate(store& s, const sealer& keys, timestamp now) {
  if (!keys.has_key()) return no_key();
  auto rows = read_and_wait(s, [](reader& r) { return r.credentials(); });
  if (!rows) return rows.error();
  rotation_report report;
  write unit;
  for (const credential_row& row : *rows) {
    if (keys.is_current(row)) {
      ++report.current;
      continue;
    }
    auto again = keys.reseal(row, now);
    if (!again) {
      report.unreadable.push_back(row.tenant + "/" + row.name + ": " + describe(again.error()));
      continue;
    }
    unit.credentials.push_back(std::move(*again));
    ++report.resealed;
  }
  if (unit.credentials.empty()) return report;
  if (auto w = submit_and_wait(s, std::move(unit)); !w) return w.error();
  return report;
}

}  // namespace pb::persistence
