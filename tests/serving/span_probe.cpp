// What the engine's tracker says of token streams, for whoever follows the protocol in another language:
//   span_probe < STREAMS.jsonl
// First line: {"special": ids of kSpecialPieces, "newline", "eos", "digits": 10 ids}. Every other one:
// {"prompt": ids, "response": ids, "heads", "segmented"}; the answer is one line,
// [[index of the first response token with it, [[begin, end], ...]], ...]. Exit code 2: a line cannot be read.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/span/tracker.h"

using namespace spanscope;
using nlohmann::json;

namespace {

PieceIds piecesOf(const json& line) {
    PieceIds ids;
    int32_t* const special[] = {&ids.in, &ids.out, &ids.colon, &ids.attend, &ids.attendEnd, &ids.local, &ids.global};
    for (size_t i = 0; i < std::size(special); ++i) *special[i] = line.at("special").at(i).get<int32_t>();
    for (size_t i = 0; i < ids.digits.size(); ++i) ids.digits[i] = line.at("digits").at(i).get<int32_t>();
    ids.newline = line.at("newline").get<int32_t>();
    ids.eos = line.at("eos").get<int32_t>();
    return ids;
}

json listsOf(const json& line, const PieceIds& pieces) {
    SpanPolicy policy;
    policy.heads = line.at("heads").get<bool>();
    policy.prefill = line.at("segmented").get<bool>() ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
    SpanTracker tracker(pieces, policy);
    tracker.consumePrompt(line.at("prompt").get<std::vector<int32_t>>());
    json lists = json::array();
    IntervalList before;
    int32_t index = 0;
    for (const auto token : line.at("response").get<std::vector<int32_t>>()) {
        const TokenView view = tracker.consume(token);
        if (index == 0 || *view.visible != before) {
            json list = json::array();
            for (const Interval& i : *view.visible) list.push_back({i.begin, i.end});
            lists.push_back({index, std::move(list)});
            before = *view.visible;
        }
        ++index;
    }
    return lists;
}

}  // namespace

int main() try {
    std::ios::sync_with_stdio(false);
    std::string line;
    std::getline(std::cin, line);
    const PieceIds pieces = piecesOf(json::parse(line));
    while (std::getline(std::cin, line)) std::cout << listsOf(json::parse(line), pieces).dump() << '\n';
    return 0;
} catch (const std::exception& error) {
    std::cerr << "span_probe: " << error.what() << '\n';
    return 2;
}
