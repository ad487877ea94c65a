#include "wire/reader.h"

#include "test/check.h"

namespace egressd::wire {
namespace {

Bytes Sample() {
  Writer w;
  w.U32(1, 1500);
  w.String(2, "veth0");
  {
    auto nest = w.Nested(3);
    w.U16(4, 7);
  }
  return w.Take();
}

struct Seen {
  uint32_t mtu = 0;
  std::string name;
  uint16_t inner = 0;
  bool ok = false;
};

Seen ReadSample(View bytes) {
  Seen seen;
  Reader r(bytes);
  while (r.Next()) {
    switch (r.type()) {
      case 1: seen.mtu = r.U32(); break;
      case 2: seen.name = r.String(); break;
      case 3: {
        Reader nested = r.Nested();
        while (nested.Next())
          if (nested.type() == 4) seen.inner = nested.U16();
        r.Absorb(nested);
        break;
      }
    }
  }
  seen.ok = r.ok();
  return seen;
}

TEST(ReaderReadsBackWhatWasWritten) {
  const Seen seen = ReadSample(Sample());
  CHECK(seen.ok);
  CHECK(seen.mtu == 1500);
  CHECK(seen.name == "veth0");
  CHECK(seen.inner == 7);
}

TEST(ReaderTakesAPrefixOnlyAtAnAttributesEnd) {
  const Bytes whole = Sample();
  for (size_t size = 0; size < whole.size(); ++size) {
    // A heap copy of just that size: a sanitizer sees a read past its end.
    const Bytes prefix(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    // The attributes end at 8, at 18 (padded to 20), and with the nest at the sample's end.
    const bool fine = size == 0 || size == 8 || (size >= 18 && size <= 20);
    CHECK(ReadSample(prefix).ok == fine);
  }
}

TEST(ReaderRefusesALengthBelowItsOwnHeader) {
  for (uint8_t length = 0; length < 4; ++length) {
    const Bytes bytes = {length, 0, 1, 0, 0, 0, 0, 0};
    Reader r(bytes);
    CHECK(!r.Next());
    CHECK(!r.ok());
    CHECK(!r.Next());
  }
}

TEST(ReaderFaultIsSticky) {
  Writer w;
  w.U32(1, 7);
  w.U8(2, 9);
  Reader r(w.view());
  CHECK(r.Next());
  CHECK(r.U16() == 0);  // four bytes are no U16
  CHECK(!r.ok());
  CHECK(!r.Next());
}

TEST(ReaderSkipsWhatItDoesNotKnow) {
  Writer w;
  w.String(0x3ffe, "from a newer kernel");
  w.U32(1, 7);
  CHECK(ReadSample(w.view()).mtu == 7);
}

TEST(ReaderMasksTheFlagsOfAType) {
  const Bytes bytes = {4, 0, 5, 0xc0};
  Reader r(bytes);
  CHECK(r.Next());
  CHECK(r.type() == 5);
}

TEST(ReaderStructMayBeLongerButNotShorter) {
  struct Pair {
    uint32_t a, b;
  };
  Writer w;
  w.U32(1, 1);
  w.Attribute(2, Bytes(12, 1));
  Reader r(w.view());
  CHECK(r.Next());
  Reader copy = r;
  CHECK(copy.Next());
  CHECK(copy.Struct<Pair>().b == 0x01010101);
  CHECK(copy.ok());
  CHECK(r.Struct<Pair>().a == 0);
  CHECK(!r.ok());
}

TEST(ReaderStringEndsAtItsNulOrItsEnd) {
  Writer w;
  w.Attribute(1, Bytes{'a', 'b'});
  w.Attribute(1, Bytes{'a', 0, 'b'});
  w.Attribute(1, {});
  Reader r(w.view());
  for (const char* expected : {"ab", "a", ""}) {
    CHECK(r.Next());
    CHECK(r.String() == expected);
  }
}

TEST(TakeHeaderWantsTheWholeHeader) {
  const Bytes bytes = {1, 2, 3, 4, 5, 6, 7};
  View whole = bytes;
  CHECK(TakeHeader<uint32_t>(&whole).has_value());
  CHECK(whole.size() == 3);
  CHECK(!TakeHeader<uint32_t>(&whole).has_value());
  CHECK(whole.size() == 3);
}

}  // namespace
}  // namespace egressd::wire
