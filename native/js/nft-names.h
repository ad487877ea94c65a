// The contract's names (src/kernel/ops-nft.ts) for the kernel's numbers.
#ifndef EGRESSD_JS_NFT_NAMES_H_
#define EGRESSD_JS_NFT_NAMES_H_

#include <cstdint>
#include <span>
#include <string>

#include "js/args.h"

namespace egressd::js {

struct NftName {
  const char* name;
  uint32_t number;
};

extern const std::span<const NftName> kNftFamilies;
extern const std::span<const NftName> kNftMetaKeys;
extern const std::span<const NftName> kNftCtKeys;
extern const std::span<const NftName> kNftCmpOps;
extern const std::span<const NftName> kNftPayloadBases;
extern const std::span<const NftName> kNftNatKinds;
extern const std::span<const NftName> kNftRejectKinds;
extern const std::span<const NftName> kNftLimitUnits;
extern const std::span<const NftName> kNftFibResults;
extern const std::span<const NftName> kNftFibFlags;
extern const std::span<const NftName> kNftVerdicts;
extern const std::span<const NftName> kNftDirections;
extern const std::span<const NftName> kNftPolicies;
// Hooks have numbers of their own in each kind of family.
std::span<const NftName> NftHooks(uint8_t family);

// nullptr where the number has no name.
const char* NameOf(std::span<const NftName> names, uint32_t number);
// Reads a field that is one of the names; a fault lists them.
uint32_t NumberOf(Args& args, const char* key, std::span<const NftName> names);
// The bits of an array of names.
uint32_t BitsOf(Args& args, const char* key, std::span<const NftName> names);

}  // namespace egressd::js

#endif  // EGRESSD_JS_NFT_NAMES_H_
