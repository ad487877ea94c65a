#include "wire/writer.h"

#include <cerrno>
#include <cstring>

#include "test/check.h"
#include "wire/message.h"

namespace egressd::wire {
namespace {

bool Equal(View view, const Bytes& expected) {
  return view.size() == expected.size() && std::memcmp(view.data(), expected.data(), expected.size()) == 0;
}

// The bytes below are those of a little-endian machine for native order, and of any machine for network order.
constexpr bool kLittle = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

TEST(WriterPadsAttributesToFour) {
  Writer w;
  w.String(3, "lo");
  w.Be16(0x10, 0x1234);
  if (kLittle) {
    CHECK(Equal(w.view(), {7, 0, 3, 0, 'l', 'o', 0, 0,  // nla_len counts no padding
                           6, 0, 0x10, 0, 0x12, 0x34, 0, 0}));
  }
  CHECK(w.ok());
}

TEST(WriterPatchesNestedLengths) {
  Writer w;
  {
    auto outer = w.Nested(1);
    w.U8(2, 9);
    auto inner = w.Nested(3);
  }
  if (kLittle) CHECK(Equal(w.view(), {16, 0, 1, 0x80, 5, 0, 2, 0, 9, 0, 0, 0, 4, 0, 3, 0x80}));
}

TEST(WriterTakesJustWhatFits) {
  Writer w(8);
  w.U32(1, 7);
  CHECK(w.ok());
  CHECK(w.size() == 8);
  w.Flag(2);
  CHECK(!w.ok());
  CHECK(w.size() == 8);
}

TEST(WriterOverflowIsSticky) {
  Writer w(8);
  w.U64(1, 7);
  CHECK(!w.ok());
  CHECK(w.size() == 0);
  w.Flag(2);  // this one would fit
  CHECK(!w.ok());
  CHECK(w.size() == 0);
}

TEST(WriterOverflowInsideANestIsTheWholes) {
  Writer w(12);
  {
    auto nest = w.Nested(1);
    w.U64(2, 7);
  }
  CHECK(!w.ok());
  {
    Writer none(2);
    auto nest = none.Nested(1);  // not even its header fits: closing it must write nowhere
    CHECK(!none.ok());
  }
}

TEST(WriterRefusesAnAttributeLongerThanItsLengthField) {
  const Bytes payload(UINT16_MAX - 4);
  Writer fits(1 << 20);
  fits.Attribute(1, payload);
  CHECK(fits.ok());
  Writer over(1 << 20);
  over.Attribute(1, Bytes(UINT16_MAX - 3));
  CHECK(!over.ok());
  Writer nested(1 << 20);
  {
    auto nest = nested.Nested(1);
    nested.Attribute(2, payload);
  }
  CHECK(!nested.ok());
}

TEST(FinishOfAnOverflownWriterIsAnError) {
  Writer w(4);
  w.U32(1, 1);
  const auto message = Finish(1, 0, &w, "link");
  CHECK(!message.ok());
  CHECK(!message.ok() && message.error().number == EMSGSIZE);
}

}  // namespace
}  // namespace egressd::wire
