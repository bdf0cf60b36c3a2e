// base/random: randomness as a seam. Jitter, uuids, nonces and keys come from an injected source,
// so that a simulation with one seed has one trace.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>

namespace pb {

class random_source {
public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, 1).
  double unit_draw() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  virtual void fill(std::span<unsigned char> out);
};

/// OpenSSL's generator; thread-safe. For secrets and for production jitter.
class secure_random final : public random_source {
public:
  std::uint64_t next() override;
  void fill(std::span<unsigned char> out) override;
};

/// Seeded; for tests and the simulation. Not thread-safe.
class seeded_random final : public random_source {
public:
  explicit seeded_random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }

private:
  std::mt19937_64 engine_;
};

/// A random (version 4) uuid in lower case.
std::string make_uuid(random_source& random);

}  // namespace pb
