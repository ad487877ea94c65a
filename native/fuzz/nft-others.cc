// Generations, events, the place of an error, and expressions by themselves.
#include <linux/netlink.h>

#include "fuzz/target.h"
#include "wire/nft-event.h"
#include "wire/nft-expr.h"

namespace egressd::fuzz {

void PadUnknown(std::vector<wire::NftExpr>* exprs) {
  for (wire::NftExpr& expr : *exprs)
    if (auto* unknown = std::get_if<wire::NftUnknown>(&expr)) unknown->data.resize((unknown->data.size() + 3) & ~size_t{3});
}

void NftGeneration(wire::View bytes) {
  bool malformed = false;
  while (const auto frame = wire::NextFrame(&bytes, &malformed)) {
    const auto generation = wire::ParseNftGeneration(frame->body);
    if (!generation.ok()) RequireMalformed(generation.error());
    // The kernel points into our request; here into any body, at each byte of it and at one of the sender's choice.
    const wire::NftPlace place = wire::FindNftPlace(frame->body, frame->sequence);
    FUZZ_REQUIRE(!place.index || place.attribute != 0 || frame->sequence >= sizeof(nlmsghdr));
    const size_t end = std::min<size_t>(frame->body.size(), 256);
    for (size_t at = 0; at <= end; ++at) wire::FindNftPlace(frame->body, static_cast<uint32_t>(at + sizeof(nlmsghdr)));
  }
}

void NftEvent(wire::View bytes) {
  bool malformed = false;
  while (const auto frame = wire::NextFrame(&bytes, &malformed)) {
    const auto event = wire::ParseNftObjectEvent(static_cast<uint8_t>(frame->type & 0xff), frame->body);
    if (!event.ok()) RequireMalformed(event.error());
    FUZZ_REQUIRE(!event.ok() || !event.value() || !event.value()->table.empty());
    const auto author = wire::ParseNftAuthor(frame->body);
    if (!author.ok()) RequireMalformed(author.error());
  }
}

// A whole rule, attribute by attribute: each as if it were an expression, a list of them, or a verdict.
void NftExpression(wire::View bytes) {
  wire::View body = bytes;
  if (!wire::TakeHeader<nfgenmsg>(&body)) return;
  wire::Reader r(body);
  while (r.Next()) {
    wire::Reader one = r;
    std::vector<wire::NftExpr> read = {wire::ParseNftExpr(&one)};
    PadUnknown(&read);
    const wire::NftExpr& expr = read.front();
    if (one.ok()) {
      // Written into a nest of its own, and read from it.
      wire::Writer w;
      {
        const auto nest = w.Nested(NFTA_LIST_ELEM);
        wire::WriteNftExpr(&w, expr);
      }
      FUZZ_REQUIRE(w.ok());
      wire::Reader outer(w.view());
      FUZZ_REQUIRE(outer.Next() && wire::ParseNftExpr(&outer) == expr && outer.ok());
      // Raw, it is the same expression with nothing understood.
      const wire::NftUnknown raw = wire::RawNftExpr(expr);
      wire::Writer unread;
      {
        const auto nest = unread.Nested(NFTA_LIST_ELEM);
        wire::WriteNftExpr(&unread, raw);
      }
      wire::Reader again(unread.view());
      FUZZ_REQUIRE(again.Next() && wire::ParseNftExpr(&again) == expr && again.ok());
    }
    wire::Reader list = r;
    wire::ParseNftExprs(&list);
    wire::Reader verdict = r;
    const wire::NftVerdict said = wire::ParseNftVerdict(&verdict);
    if (!verdict.ok()) continue;
    wire::Writer w;
    wire::WriteNftVerdict(&w, said);
    wire::Reader outer(w.view());
    FUZZ_REQUIRE(outer.Next() && wire::ParseNftVerdict(&outer) == said && outer.ok());
  }
}

}  // namespace egressd::fuzz
