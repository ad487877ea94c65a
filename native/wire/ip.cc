#include "wire/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>

namespace egressd::wire {

size_t Ip::size() const { return family == AF_INET6 ? 16 : 4; }

std::optional<Ip> ParseIp(const std::string& text) {
  // NB: inet_pton stops at a NUL; a JavaScript string may hold one.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  Ip ip;
  ip.family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(ip.family, text.c_str(), ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

std::optional<Ip> IpFromBytes(View bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  Ip ip;
  ip.family = bytes.size() == 4 ? AF_INET : AF_INET6;
  std::copy(bytes.begin(), bytes.end(), ip.bytes.begin());
  return ip;
}

std::string FormatIp(const Ip& ip) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ip.family, ip.bytes.data(), text, sizeof(text));
  return text;
}

bool IsWithin(const Ip& ip, const Ip& network, uint8_t prefix) {
  if (ip.family != network.family || prefix > ip.size() * 8) return false;
  const size_t whole = prefix / 8;
  if (!std::equal(ip.bytes.begin(), ip.bytes.begin() + whole, network.bytes.begin())) return false;
  const auto mask = static_cast<uint8_t>(0xff00 >> prefix % 8);
  return prefix % 8 == 0 || ((ip.bytes[whole] ^ network.bytes[whole]) & mask) == 0;
}

std::optional<Mac> ParseMac(const std::string& text) {
  if (text.size() != 17) return std::nullopt;
  Mac mac;
  for (size_t i = 0; i < mac.size(); ++i) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    const int high = digit(text[i * 3]);
    const int low = digit(text[i * 3 + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':')) return std::nullopt;
    mac[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return mac;
}

std::string FormatMac(View bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    char pair[4];
    std::snprintf(pair, sizeof(pair), text.empty() ? "%02x" : ":%02x", byte);
    text += pair;
  }
  return text;
}

}  // namespace egressd::wire
