// A self-signed certificate made for one test, as PEM, so that no key lies in the repository.
#pragma once
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace raw {

struct certificate {
  std::string pem, key;
};

/// @param names  subjectAltName as OpenSSL writes it: "IP:127.0.0.1,DNS:plane.example.test"
inline certificate make_certificate(const std::string& names) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> cert{X509_new(), X509_free};
  if (!key || !cert) throw std::runtime_error("no key");
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -86400);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 86400);
  X509_set_pubkey(cert.get(), key.get());
  auto* subject = X509_get_subject_name(cert.get());
  const std::string name = "planebridge test";
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.data()), -1, -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  if (extension == nullptr) throw std::runtime_error("no extension");
  X509_add_ext(cert.get(), extension, -1);
  X509_EXTENSION_free(extension);
  if (X509_sign(cert.get(), key.get(), EVP_sha256()) == 0) throw std::runtime_error("not signed");
  const auto text = [](auto write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), BIO_free};
    write(out.get());
    char* data = nullptr;
    const long n = BIO_ctrl(out.get(), BIO_CTRL_INFO, 0, &data);
    return std::string(data, static_cast<std::size_t>(n));
  };
  certificate c;
  c.pem = text([&](BIO* b) { PEM_write_bio_X509(b, cert.get()); });
  c.key = text([&](BIO* b) {
    PEM_write_bio_PrivateKey(b, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return c;
}

}  // namespace raw
