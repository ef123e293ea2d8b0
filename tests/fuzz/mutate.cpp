#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

namespace spanscope::fuzz {

uint64_t edgeNumber(Dice& dice) {
    static constexpr std::array<uint64_t, 18> kEdges{0,          1,
                                                     2,          3,
                                                     7,          8,
                                                     63,         64,
                                                     255,        256,
                                                     65535,      65536,
                                                     INT32_MAX,  uint64_t{1} << 31,
                                                     UINT32_MAX, uint64_t{1} << 32,
                                                     INT64_MAX,  UINT64_MAX};
    const uint64_t edge = dice.of(kEdges);
    return dice.oneIn(3) ? edge - dice.below(3) : edge;
}

std::string mutateBytes(std::string_view bytes, size_t maxSize) {
    std::vector<uint8_t> room(std::max({maxSize, bytes.size(), size_t{1}}));
    std::copy(bytes.begin(), bytes.end(), room.begin());
    const size_t n = LLVMFuzzerMutate(room.data(), bytes.size(), room.size());
    return {reinterpret_cast<const char*>(room.data()), n};
}

size_t give(const std::string& result, uint8_t* data, size_t maxSize) {
    const size_t n = std::min(result.size(), maxSize);
    std::memcpy(data, result.data(), n);
    return n;
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

namespace {

struct Member;

/// A tree that can hold what a JSON library would not keep: a key twice, a number as it was written.
struct Node {
    std::string scalar;  ///< as written; unused if it has members
    char open = 0;       ///< '{', '[' or 0
    std::vector<Member> members;
};
struct Member {
    std::string key;  ///< as written, with quotes; empty in lists
    Node value;
};

Node nodeOf(const nlohmann::ordered_json& value) {
    Node node;
    if (value.is_object()) {
        node.open = '{';
        for (const auto& [key, item] : value.items())
            node.members.push_back({nlohmann::json(key).dump(), nodeOf(item)});
    } else if (value.is_array()) {
        node.open = '[';
        for (const auto& item : value) node.members.push_back({{}, nodeOf(item)});
    } else {
        node.scalar = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    return node;
}

void print(const Node& node, std::string& out) {
    if (node.open == 0) {
        out += node.scalar;
        return;
    }
    out += node.open;
    for (size_t i = 0; i < node.members.size(); ++i) {
        if (i > 0) out += ',';
        if (node.open == '{') {
            out += node.members[i].key.empty() ? "\"\"" : node.members[i].key;
            out += ':';
        }
        print(node.members[i].value, out);
    }
    out += node.open == '{' ? '}' : ']';
}

void collect(Node& node, std::vector<Node*>& all, std::vector<Node*>& containers) {
    all.push_back(&node);
    if (node.open == 0) return;
    containers.push_back(&node);
    for (Member& member : node.members) collect(member.value, all, containers);
}

Node awkward(Dice& dice) {
    static const std::array<const char*, 22> kScalars{"0",
                                                      "-1",
                                                      "1",
                                                      "-0.0",
                                                      "0.5",
                                                      "1e308",
                                                      "1e-400",
                                                      "1e999",
                                                      "4294967296",
                                                      "9223372036854775808",
                                                      "18446744073709551616",
                                                      "null",
                                                      "true",
                                                      "false",
                                                      "\"\"",
                                                      "\"\\u0000\"",
                                                      "\"\\ud800\"",
                                                      "\"<img src=x>\"",
                                                      "\"../x\"",
                                                      "\"\\u202e\"",
                                                      "NaN",
                                                      "{}"};
    Node node;
    node.scalar = dice.oneIn(4) ? std::to_string(edgeNumber(dice)) : dice.of(kScalars);
    return node;
}

void changeJson(Node& root, Dice& dice) {
    std::vector<Node*> all, containers;
    collect(root, all, containers);
    Node& node = *dice.of(all);
    if (containers.empty() || dice.oneIn(3)) {
        switch (dice.below(4)) {
            case 0: node = awkward(dice); return;
            case 1: node = Node(*dice.of(all)); return;
            case 2: {
                Node inner = node;
                for (size_t i = dice.oneIn(8) ? 80 : 1 + dice.below(3); i > 0; --i) {
                    Node outer;
                    outer.open = '[';
                    outer.members.push_back({{}, std::move(inner)});
                    inner = std::move(outer);
                }
                node = std::move(inner);
                return;
            }
            default:
                if (node.open == 0) node.scalar = mutateBytes(node.scalar, node.scalar.size() + 16);
                return;
        }
    }
    Node& box = *dice.of(containers);
    Node& other = *dice.of(containers);
    if (box.members.empty()) {
        box.members.push_back({"\"k\"", awkward(dice)});
        return;
    }
    const size_t at = dice.below(box.members.size());
    const auto place = box.members.begin() + static_cast<std::ptrdiff_t>(at);
    switch (dice.below(7)) {
        case 0: box.members.erase(place); return;
        case 1: box.members.push_back(Member(box.members[at])); return;
        case 2:
            if (!other.members.empty()) box.members[at].key = std::string(dice.of(other.members).key);
            return;
        case 3: std::swap(box.members[at], dice.of(box.members)); return;
        case 4:
            if (!other.members.empty()) box.members.push_back(Member(dice.of(other.members)));
            return;
        case 5: box.members.insert(place, {"\"k" + std::to_string(dice.below(9)) + "\"", awkward(dice)}); return;
        default: box.members[at].key = mutateBytes(box.members[at].key, box.members[at].key.size() + 8); return;
    }
}

}  // namespace

std::string mutateJson(std::string_view text, Dice& dice) {
    const auto isOpen = [](char c) { return c == '[' || c == '{'; };
    if (std::count_if(text.begin(), text.end(), isOpen) > 4000)
        return mutateBytes(text, text.size());  // the tree recurses
    const auto value = nlohmann::ordered_json::parse(text, nullptr, false);
    if (value.is_discarded() || dice.oneIn(16)) return mutateBytes(text, text.size() + 64);
    Node root = nodeOf(value);
    for (size_t i = 1 + dice.below(3); i > 0; --i) changeJson(root, dice);
    std::string out;
    print(root, out);
    return out;
}

// ---- protobuf ------------------------------------------------------------------------------------------------------

namespace {

struct WireField {
    uint64_t tag = 0;
    uint64_t number = 0;
    std::string bytes;
    size_t padding = 0;  ///< bytes that make the tag longer than it need be
};

std::optional<uint64_t> takeVarint(std::string_view& rest) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && !rest.empty(); shift += 7) {
        const auto byte = static_cast<uint8_t>(rest[0]);
        rest.remove_prefix(1);
        if (shift < 64) value |= uint64_t{byte & 0x7Fu} << shift;
        if ((byte & 0x80) == 0) return value;
    }
    return {};
}

void putVarint(std::string& out, uint64_t value, size_t padding = 0) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(padding > 0 ? value | 0x80 : value);
    for (; padding > 0; --padding) out += static_cast<char>(padding > 1 ? 0x80 : 0);
}

std::optional<std::vector<WireField>> fieldsOf(std::string_view rest) {
    std::vector<WireField> fields;
    while (!rest.empty()) {
        const auto tag = takeVarint(rest);
        if (!tag) return {};
        WireField field;
        field.tag = *tag;
        const uint64_t kind = *tag & 7;
        size_t n = kind == 1 ? 8 : kind == 5 ? 4 : 0;
        if (kind == 0 || kind == 2) {
            const auto number = takeVarint(rest);
            if (!number) return {};
            field.number = *number;
            if (kind == 2) n = static_cast<size_t>(*number);
        } else if (n == 0) {
            return {};
        }
        if (n > rest.size()) return {};
        field.bytes = rest.substr(0, n);
        rest.remove_prefix(n);
        fields.push_back(std::move(field));
    }
    return fields;
}

std::string joined(const std::vector<WireField>& fields) {
    std::string out;
    for (const WireField& field : fields) {
        putVarint(out, field.tag, field.padding);
        if ((field.tag & 7) == 0) putVarint(out, field.number);
        if ((field.tag & 7) == 2) putVarint(out, field.bytes.size());
        out += field.bytes;
    }
    return out;
}

}  // namespace

std::string mutateWire(std::string_view message, Dice& dice, int depth) {
    auto fields = fieldsOf(message);
    if (!fields || fields->empty() || dice.oneIn(16)) return mutateBytes(message, message.size() + 64);
    for (size_t i = 1 + dice.below(2); i > 0 && !fields->empty(); --i) {
        const size_t at = dice.below(fields->size());
        WireField& field = (*fields)[at];
        const auto place = fields->begin() + static_cast<std::ptrdiff_t>(at);
        switch (dice.below(10)) {
            case 0: fields->erase(place); break;
            case 1: fields->push_back(WireField(field)); break;
            case 2: std::swap(field, dice.of(*fields)); break;
            case 3: field.tag = (field.tag & 7) | (1 + dice.below(48)) << 3; break;
            case 4: field.tag = (field.tag & ~uint64_t{7}) | dice.below(8); break;
            case 5: field.tag |= uint64_t{1 + dice.below(255)} << (29 + dice.below(12)); break;  // above 32 bits
            case 6: field.padding = 1 + dice.below(6); break;
            case 7: field.number = edgeNumber(dice); break;
            default:
                if (depth < 2 && (field.tag & 7) == 2) field.bytes = mutateWire(field.bytes, dice, depth + 1);
                else field.bytes = mutateBytes(field.bytes, field.bytes.size() + 8);
        }
    }
    return joined(*fields);
}

}  // namespace spanscope::fuzz
