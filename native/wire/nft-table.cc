#include "wire/nft-table.h"

#include <linux/netlink.h>

#include "wire/nft-userdata.h"

namespace egressd::wire {
namespace {

constexpr uint16_t AddFlags(bool exclusive) {
  return static_cast<uint16_t>(NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0));
}

void WriteHook(Writer* w, const NftChain::Hook& hook) {
  const auto nest = w->Nested(NFTA_CHAIN_HOOK);
  w->Be32(NFTA_HOOK_HOOKNUM, hook.number);
  w->Be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(hook.priority));
  // Kernels before 5.5 know NFTA_HOOK_DEV only.
  if (hook.devices.size() == 1) w->String(NFTA_HOOK_DEV, hook.devices.front());
  if (hook.devices.size() > 1) {
    const auto devices = w->Nested(NFTA_HOOK_DEVS);
    for (const std::string& device : hook.devices) w->String(NFTA_DEVICE_NAME, device);
  }
}

NftChain::Hook ParseHook(Reader* outer) {
  NftChain::Hook hook;
  Reader r = outer->Nested();
  std::string device;
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_HOOK_HOOKNUM: hook.number = r.Be32(); break;
      case NFTA_HOOK_PRIORITY: hook.priority = static_cast<int32_t>(r.Be32()); break;
      case NFTA_HOOK_DEV: device = r.String(); break;
      case NFTA_HOOK_DEVS: {
        Reader devices = r.Nested();
        while (devices.Next())
          if (devices.type() == NFTA_DEVICE_NAME) hook.devices.push_back(devices.String());
        r.Absorb(devices);
        break;
      }
    }
  }
  // The kernel repeats a single device in both.
  if (hook.devices.empty() && !device.empty()) hook.devices.push_back(device);
  outer->Absorb(r);
  return hook;
}

NftChain::Counters ParseCounters(Reader* outer) {
  NftChain::Counters counters;
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_COUNTER_PACKETS: counters.packets = r.Be64(); break;
      case NFTA_COUNTER_BYTES: counters.bytes = r.Be64(); break;
    }
  }
  outer->Absorb(r);
  return counters;
}

}  // namespace

Result<Message> AddNftTable(const NftTable& table, bool exclusive) {
  Writer w = NftBody(table.family);
  w.String(NFTA_TABLE_NAME, table.name);
  w.Be32(NFTA_TABLE_FLAGS, table.flags);
  if (table.comment) {
    Userdata userdata;
    userdata.String(kTableComment, *table.comment);
    userdata.WriteTo(&w, NFTA_TABLE_USERDATA);
  }
  return Finish(NftType(NFT_MSG_NEWTABLE), AddFlags(exclusive), &w, "NFT_MSG_NEWTABLE");
}

Result<Message> DeleteNftTable(NftFamily family, const std::string& name) {
  return NftNamed(NFT_MSG_DELTABLE, "NFT_MSG_DELTABLE", family, NFTA_TABLE_NAME, name, 0, {});
}

Message ListNftTables(NftFamily family) { return Message{NftType(NFT_MSG_GETTABLE), 0, NftBody(family).Take(), "NFT_MSG_GETTABLE"}; }

Result<NftTable> ParseNftTable(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("NFT_MSG_NEWTABLE");
  NftTable table;
  table.family = header->nfgen_family;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_TABLE_NAME: table.name = r.String(); break;
      case NFTA_TABLE_FLAGS: table.flags = r.Be32(); break;
      case NFTA_TABLE_HANDLE: table.handle = r.Be64(); break;
      case NFTA_TABLE_USERDATA: table.comment = UserdataString(r.payload(), kTableComment); break;
    }
  }
  if (!r.ok() || table.name.empty()) return Malformed("NFT_MSG_NEWTABLE");
  return table;
}

Result<Message> AddNftChain(const NftChain& chain, bool exclusive) {
  Writer w = NftBody(chain.family);
  w.String(NFTA_CHAIN_TABLE, chain.table);
  w.String(NFTA_CHAIN_NAME, chain.name);
  if (chain.hook) {
    w.String(NFTA_CHAIN_TYPE, chain.hook->type);
    if (chain.policy) w.Be32(NFTA_CHAIN_POLICY, *chain.policy);
    WriteHook(&w, *chain.hook);
  }
  if (chain.comment) {
    Userdata userdata;
    userdata.String(kChainComment, *chain.comment);
    userdata.WriteTo(&w, NFTA_CHAIN_USERDATA);
  }
  return Finish(NftType(NFT_MSG_NEWCHAIN), AddFlags(exclusive), &w, "NFT_MSG_NEWCHAIN");
}

Result<Message> DeleteNftChain(NftFamily family, const std::string& table, const std::string& name) {
  return NftNamed(NFT_MSG_DELCHAIN, "NFT_MSG_DELCHAIN", family, NFTA_CHAIN_TABLE, table, NFTA_CHAIN_NAME, name);
}

Message ListNftChains(NftFamily family) { return Message{NftType(NFT_MSG_GETCHAIN), 0, NftBody(family).Take(), "NFT_MSG_GETCHAIN"}; }

Result<NftChain> ParseNftChain(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("NFT_MSG_NEWCHAIN");
  NftChain chain;
  chain.family = header->nfgen_family;
  std::string type;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_CHAIN_TABLE: chain.table = r.String(); break;
      case NFTA_CHAIN_NAME: chain.name = r.String(); break;
      case NFTA_CHAIN_HANDLE: chain.handle = r.Be64(); break;
      case NFTA_CHAIN_HOOK: chain.hook = ParseHook(&r); break;
      case NFTA_CHAIN_POLICY: chain.policy = r.Be32(); break;
      case NFTA_CHAIN_TYPE: type = r.String(); break;
      case NFTA_CHAIN_COUNTERS: chain.counters = ParseCounters(&r); break;
      case NFTA_CHAIN_USERDATA: chain.comment = UserdataString(r.payload(), kChainComment); break;
    }
  }
  if (chain.hook) chain.hook->type = type;
  if (!r.ok() || chain.table.empty() || chain.name.empty()) return Malformed("NFT_MSG_NEWCHAIN");
  return chain;
}

}  // namespace egressd::wire
