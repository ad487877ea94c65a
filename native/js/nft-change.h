// The changes of an nf_tables transaction, from JavaScript.
#ifndef EGRESSD_JS_NFT_CHANGE_H_
#define EGRESSD_JS_NFT_CHANGE_H_

#include <optional>

#include "js/args.h"
#include "net/nft.h"

namespace egressd::js {

// `number` tells the sets of one transaction apart. A fault of form goes into `args`; one of encoding is returned.
Result<net::NftChange> NftChangeFromArgs(Args& args, uint32_t number);

// A name of 1 to 255 bytes.
std::string NftNameFromArgs(Args& args, const char* key);
wire::NftFamily NftFamilyFromArgs(Args& args, const char* key);

}  // namespace egressd::js

#endif  // EGRESSD_JS_NFT_CHANGE_H_
