// What words of an article are about. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanscope::news {

/// What two words of one topic share: lower case, no possessive, stemmed. Empty: stopword or no letter or digit.
std::string topicKey(std::string_view core);
std::vector<std::string> topicKeys(std::string_view text);

}  // namespace spanscope::news
